//! Conffiles in a root of their own. What is expected was seen in stock 1.22.22.

use crate::force::Force;
use crate::pipeline::Action;
use crate::pipeline::rig::{Rig, UNPACKED, stanza};

/// A package with a conffile: what is there, what is shipped, what was shipped.
fn conffile(current: Option<&str>, shipped: Option<&str>, recorded: &str) -> Rig {
    let hash = crate::digest::md5(recorded.as_bytes());
    let field = format!("Conffiles:\n /etc/x.conf {hash}\n");
    let rig = Rig::new(&stanza("a", UNPACKED, &field));
    rig.put("/var/lib/dpkg/info/a.list", "/.\n/etc\n/etc/x.conf\n");
    if let Some(text) = current {
        rig.put("/etc/x.conf", text);
    }
    if let Some(text) = shipped {
        rig.put("/etc/x.conf.dpkg-new", text);
    }
    rig
}

/// The conffile, `.dpkg-new`, `.dpkg-old`, `.dpkg-dist` after configuring.
fn outcome(rig: &Rig) -> [Option<String>; 4] {
    let exts = ["", ".dpkg-new", ".dpkg-old", ".dpkg-dist"];
    exts.map(|e| rig.get(&format!("/etc/x.conf{e}")))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn files_after_each_decision() {
    type Row = (
        [Option<&'static str>; 2],
        Vec<&'static str>,
        [Option<&'static str>; 4],
    );
    let table: Vec<Row> = vec![
        // current and shipped ("a" was shipped last), answers, the four files
        (
            [Some("a"), Some("b")],
            vec![],
            [Some("b"), None, None, None],
        ),
        (
            [Some("b"), Some("a")],
            vec![],
            [Some("b"), None, None, None],
        ),
        (
            [Some("b"), Some("b")],
            vec![],
            [Some("b"), None, None, None],
        ),
        ([None, Some("a")], vec![], [None, None, None, None]),
        (
            [Some("b"), Some("c")],
            vec!["n"],
            [Some("b"), None, None, Some("c")],
        ),
        (
            [Some("b"), Some("c")],
            vec!["q", "d", " Y"],
            [Some("c"), None, Some("b"), None],
        ),
        ([None, Some("c")], vec!["i"], [Some("c"), None, None, None]),
        ([None, Some("c")], vec![""], [None, None, None, Some("c")]),
    ];
    for ([current, shipped], answers, expected) in table {
        let mut rig = conffile(current, shipped, "a");
        rig.answers = answers.clone();
        let (said, code) = rig.dpkg(Action::Configure, &["a"]);
        assert_eq!(code, 0, "{said}");
        let expected = expected.map(|e| e.map(str::to_owned));
        assert_eq!(
            outcome(&rig),
            expected,
            "{current:?} {shipped:?} {answers:?}"
        );
        let hash = crate::digest::md5(shipped.unwrap().as_bytes());
        let status = rig.get("/var/lib/dpkg/status").unwrap();
        assert!(status.contains(&format!(" /etc/x.conf {hash}\n")));
    }
}

#[test]
fn end_of_file_fails_the_package_and_loses_nothing() {
    let rig = conffile(Some("b"), Some("c"), "a");
    let (said, code) = rig.dpkg(Action::Configure, &["a"]);
    assert_eq!(code, 1);
    let asked = "3: status: /etc/x.conf : conffile-prompt : '/etc/x.conf' \
                 '/etc/x.conf.dpkg-new' 1 1 \n";
    assert!(said.contains(asked), "{said}");
    let failed = "3: status: a : error : end of file on stdin at conffile prompt\n";
    assert!(said.contains(failed), "{said}");
    assert_eq!(outcome(&rig), [some("b"), some("c"), None, None]);
}

#[test]
fn shell_and_diff_are_offered_again() {
    let mut rig = conffile(Some("b"), Some("c"), "a");
    rig.answers = vec!["z", "d", "o"];
    let (said, _) = rig.dpkg(Action::Configure, &["a"]);
    let shell = "<shell DPKG_SHELL_REASON DPKG_CONFFILE_OLD DPKG_CONFFILE_NEW>\n";
    assert!(said.contains(shell), "{said}");
    assert!(said.contains("<diff x.conf x.conf.dpkg-new>\n"), "{said}");
    assert_eq!(said.matches("*** x.conf (Y/I/N/O/D/Z)").count(), 3);
}

#[test]
fn missing_files_are_put_back_when_forced() {
    let mut rig = conffile(None, Some("a"), "a");
    rig.force.push(Force::ConffMiss);
    let (said, _) = rig.dpkg(Action::Configure, &["a"]);
    let line = "\nConfiguration file '/etc/x.conf', does not exist on system.\n\
                Installing new config file as you requested.\n";
    assert!(said.contains(line), "{said}");
    assert_eq!(outcome(&rig), [some("a"), None, None, None]);
}

#[test]
fn links_are_followed_below_the_root() {
    let rig = conffile(None, None, "a");
    rig.put("/srv/real", "a");
    rig.put("/srv/real.dpkg-new", "b");
    let etc = rig.path("/etc");
    std::fs::create_dir_all(&etc).unwrap();
    std::os::unix::fs::symlink("/srv/link", etc.join("x.conf")).unwrap();
    std::os::unix::fs::symlink("real", rig.path("/srv/link")).unwrap();
    let (said, code) = rig.dpkg(Action::Configure, &["a"]);
    assert_eq!((rig.get("/srv/real"), code), (some("b"), 0), "{said}");
    let link = std::fs::read_link(etc.join("x.conf")).unwrap();
    assert_eq!(link.to_str(), Some("/srv/link"));
}

#[test]
fn what_is_no_file_is_left_alone() {
    let rig = conffile(None, Some("b"), "a");
    let file = rig.path("/etc/x.conf");
    std::os::unix::fs::symlink("x.conf", &file).unwrap();
    let (said, code) = rig.dpkg(Action::Configure, &["a"]);
    let line = "dpkg: warning: a: config file '/etc/x.conf' is a circular link\n \
                (= '/etc/x.conf')\n";
    assert!(said.contains(line), "{said}");
    assert_eq!(code, 0);
    let status = rig.get("/var/lib/dpkg/status").unwrap();
    assert!(status.contains(" /etc/x.conf -\n"), "{status}");

    let rig = conffile(None, Some("b"), "a");
    std::fs::create_dir_all(rig.path("/etc/x.conf")).unwrap();
    let (said, _) = rig.dpkg(Action::Configure, &["a"]);
    let line = "conffile '/etc/x.conf' is not a plain file or symlink (= '/etc/x.conf')\n";
    assert!(said.contains(line), "{said}");
}

#[test]
fn the_new_file_gets_the_mode_of_the_old() {
    use std::os::unix::fs::PermissionsExt;
    let rig = conffile(Some("a"), Some("b"), "a");
    let file = rig.path("/etc/x.conf");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    rig.dpkg(Action::Configure, &["a"]);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!((mode & 0o7777, rig.get("/etc/x.conf")), (0o640, some("b")));
}
