//! Where files go, and what is in them.

use std::os::unix::fs::MetadataExt;

use super::*;
use crate::pkg::PkgId;

/// Sends the files of one package elsewhere.
struct Elsewhere(&'static str, PathBuf);
impl Hook for Elsewhere {
    fn install_path(&mut self, table: &PkgTable, pkg: PkgId) -> Option<PathBuf> {
        (table.set_name(pkg) == self.0).then(|| self.1.clone())
    }
}

#[test]
fn the_install_path_is_replaced() {
    let rig = Rig::new("");
    let deb = package(&rig);
    let plain = rig.deb(&control("b", ""), &[("usr/b", Some("b\n"))], |_| {});
    std::fs::create_dir(rig.path("/store")).unwrap();
    let hook = || -> Vec<Box<dyn Hook>> { vec![Box::new(Elsewhere("a", rig.path("/store")))] };
    let debs = [text(&deb), text(&plain)];
    assert_eq!(dpkg(&rig, Action::Install, &debs, hook()), 0);
    assert_eq!(rig.get("/store/usr/a1").as_deref(), Some("1\n"));
    assert_eq!(rig.get("/store/etc/a.conf").as_deref(), Some("c\n"));
    assert_eq!(rig.get("/usr/b").as_deref(), Some("b\n"));
    assert_eq!(rig.get("/usr/a1"), None);
    assert_eq!(rig.get("/etc/a.conf"), None);
    let list = rig.get("/var/lib/dpkg/info/a.list").unwrap();
    assert!(
        list.contains("\n/usr/a1\n") && !list.contains("store"),
        "{list}"
    );

    // An upgrade takes the old files from where they are.
    let next = control("a", "").replace("Version: 2", "Version: 3");
    let next = rig.deb(
        &next,
        &[
            ("DEBIAN/conffiles", Some("/etc/a.conf\n")),
            ("etc/a.conf", Some("d\n")),
            ("usr/a2", Some("22\n")),
        ],
        |_| {},
    );
    assert_eq!(dpkg(&rig, Action::Install, &[text(&next)], hook()), 0);
    assert_eq!(rig.get("/store/usr/a1"), None);
    assert_eq!(rig.get("/store/usr/a2").as_deref(), Some("22\n"));
    assert_eq!(rig.get("/store/etc/a.conf").as_deref(), Some("d\n"));
    assert_eq!(dpkg(&rig, Action::Purge, &["a"], hook()), 0);
    assert_eq!(std::fs::read_dir(rig.path("/store")).unwrap().count(), 0);
    assert_eq!(rig.get("/usr/b").as_deref(), Some("b\n"));
}

/// Two packages with the same paths in different places are in nobody's way.
#[test]
fn what_is_elsewhere_does_not_clash() {
    let rig = Rig::new("");
    let [one, two] = ["a", "b"].map(|name| {
        let files = [
            ("DEBIAN/conffiles", Some("/etc/c\n")),
            ("etc/c", Some(name)),
            ("usr/x", Some(name)),
        ];
        rig.deb(&control(name, "Replaces: a, b\n"), &files, |_| {})
    });
    std::fs::create_dir(rig.path("/store")).unwrap();
    let hook = || -> Vec<Box<dyn Hook>> { vec![Box::new(Elsewhere("a", rig.path("/store")))] };
    let debs = [text(&one), text(&two)];
    assert_eq!(
        dpkg(&rig, Action::Install, &debs, hook()),
        0,
        "{}",
        rig.take_said()
    );
    for (path, content) in [("/store", "a"), ("", "b")] {
        for file in ["usr/x", "etc/c"] {
            assert_eq!(rig.get(&format!("{path}/{file}")).as_deref(), Some(content));
        }
    }
    for name in ["a", "b"] {
        let list = rig.get(&format!("/var/lib/dpkg/info/{name}.list")).unwrap();
        assert!(list.contains("/usr/x\n"), "{list}");
    }
    assert_eq!(dpkg(&rig, Action::Purge, &["a"], hook()), 0);
    assert_eq!(std::fs::read_dir(rig.path("/store")).unwrap().count(), 0);
    assert_eq!(rig.get("/usr/x").as_deref(), Some("b"));
}

#[test]
fn an_unpack_elsewhere_is_unwound_there() {
    let rig = Rig::new("");
    let deb = package(&rig);
    std::fs::create_dir(rig.path("/store")).unwrap();
    let veto = Recorder {
        veto: Some("file /usr/a2"),
        ..Recorder::default()
    };
    let elsewhere = Elsewhere("a", rig.path("/store"));
    let hooks: Vec<Box<dyn Hook>> = vec![Box::new(elsewhere), Box::new(veto)];
    assert_eq!(dpkg(&rig, Action::Unpack, &[text(&deb)], hooks), 1);
    assert_eq!(std::fs::read_dir(rig.path("/store")).unwrap().count(), 0);
}

/// Puts a word in front of the files it names.
struct Prepend {
    paths: &'static [&'static str],
    word: &'static str,
    /// Whether the file is replaced, and not written in place.
    replace: bool,
    seen: Log,
}
impl Hook for Prepend {
    fn wants_content(&mut self, _: &PkgTable, _: PkgId, path: &[u8]) -> bool {
        self.paths.iter().any(|p| p.as_bytes() == path)
    }
    fn rewrite(&mut self, _: &PkgTable, _: PkgId, path: &[u8], file: &Path) -> Result<()> {
        let path = String::from_utf8_lossy(path).into_owned();
        let old = std::fs::read_to_string(file).unwrap();
        self.seen.borrow_mut().push(path);
        if self.word == "fail" {
            return Err(err!("no room"));
        }
        let new = format!("{}{old}", self.word);
        if self.replace {
            let beside = file.with_extension("beside");
            std::fs::write(&beside, new).unwrap();
            std::fs::rename(&beside, file).unwrap();
        } else {
            std::fs::write(file, new).unwrap();
        }
        Ok(())
    }
}

fn prepend(paths: &'static [&'static str], word: &'static str, seen: &Log) -> Box<dyn Hook> {
    Box::new(Prepend {
        paths,
        word,
        replace: word == "R",
        seen: seen.clone(),
    })
}

/// A file with a hard link to it, one with an odd mode, and md5sums if `sums`.
fn linked(rig: &Rig, sums: bool) -> PathBuf {
    // Of "x\n", of "x\n", of "y\n".
    let x = "401b30e3b8b5d629635a5c613cdb7919";
    let y = "009520053b00386d1173f3988c55d192";
    let all = format!("{x}  usr/x1\n{x}  usr/x2\n{y}  usr/y\n");
    let mut files = vec![("usr/x1", Some("x\n")), ("usr/y", Some("y\n"))];
    if sums {
        files.push(("DEBIAN/md5sums", Some(&all)));
    }
    rig.deb(&control("a", ""), &files, |tree| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o4751);
        std::fs::set_permissions(tree.join("usr/x1"), mode).unwrap();
        std::fs::hard_link(tree.join("usr/x1"), tree.join("usr/x2")).unwrap();
    })
}

#[test]
fn a_file_is_rewritten_as_it_is_placed() {
    for (sums, word) in [(true, "W"), (true, "R"), (false, "R")] {
        let rig = Rig::new("");
        let deb = linked(&rig, sums);
        let seen = Log::default();
        let hooks = vec![
            prepend(&["/usr/x1", "/usr/x2"], word, &seen),
            prepend(&["/usr/x1"], "2", &seen),
        ];
        assert_eq!(dpkg(&rig, Action::Install, &[text(&deb)], hooks), 0);
        // Once for the inode, by one hook after the other.
        assert_eq!(seen.borrow().join(" "), "/usr/x1 /usr/x1");
        let content = format!("2{word}x\n");
        assert_eq!(rig.get("/usr/x1").as_deref(), Some(&*content));
        assert_eq!(rig.get("/usr/x2").as_deref(), Some(&*content));
        assert_eq!(rig.get("/usr/y").as_deref(), Some("y\n"));
        let (x1, x2) = ("/usr/x1", "/usr/x2");
        let [x1, x2] = [x1, x2].map(|p| std::fs::metadata(rig.path(p)).unwrap());
        assert_eq!((x1.ino(), x1.nlink()), (x2.ino(), 2));
        assert_eq!(x1.mode() & 0o7777, 0o4751);
        assert_eq!(x1.mtime(), 1_000_000_000);
        assert_eq!(x1.len(), content.len() as u64);

        // The database says what is there.
        let sums = rig.get("/var/lib/dpkg/info/a.md5sums").unwrap();
        let sum = crate::digest::md5_reader(&mut content.as_bytes()).unwrap();
        assert!(sums.contains(&format!("{sum}  usr/x1\n")), "{sums}");
        assert!(sums.contains(&format!("{sum}  usr/x2\n")), "{sums}");
        assert!(sums.contains("009520053b00386d1173f3988c55d192  usr/y\n"));
        assert!(!sums.contains("401b30e3b8b5d629635a5c613cdb7919"));
        let list = rig.get("/var/lib/dpkg/info/a.list").unwrap();
        assert_eq!(list, "/.\n/usr\n/usr/x1\n/usr/x2\n/usr/y\n");
    }
}

#[test]
fn a_rewrite_that_changes_nothing_leaves_the_sums_alone() {
    let rig = Rig::new("");
    let deb = linked(&rig, true);
    let seen = Log::default();
    let hooks = vec![prepend(&["/usr/x1"], "", &seen)];
    assert_eq!(dpkg(&rig, Action::Install, &[text(&deb)], hooks), 0);
    assert_eq!(seen.borrow().len(), 1);
    let sums = rig.get("/var/lib/dpkg/info/a.md5sums").unwrap();
    assert!(sums.contains("401b30e3b8b5d629635a5c613cdb7919  usr/x1\n"));
}

#[test]
fn a_rewrite_that_fails_is_unwound() {
    let rig = Rig::new("");
    let deb = linked(&rig, true);
    let hooks = vec![prepend(&["/usr/y"], "fail", &Log::default())];
    assert_eq!(dpkg(&rig, Action::Install, &[text(&deb)], hooks), 1);
    let said = rig.take_said();
    assert!(said.contains("(--install):\n no room\n"), "{said}");
    assert!(!rig.path("/usr").exists());
}

/// A conffile's digest is that of what the hook made of it, so an unchanged one is not asked
/// about at the next upgrade.
#[test]
fn a_rewritten_conffile_counts_as_pristine() {
    let rig = Rig::new("");
    let files = [
        ("DEBIAN/conffiles", Some("/etc/a.conf\n")),
        ("etc/a.conf", Some("c\n")),
    ];
    let deb = rig.deb(&control("a", ""), &files, |_| {});
    let seen = Log::default();
    let hooks = || vec![prepend(&["/etc/a.conf"], "W", &seen)];
    assert_eq!(dpkg(&rig, Action::Install, &[text(&deb)], hooks()), 0);
    assert_eq!(rig.get("/etc/a.conf").as_deref(), Some("Wc\n"));
    let next = control("a", "").replace("Version: 2", "Version: 3");
    let next = rig.deb(&next, &[files[0], ("etc/a.conf", Some("d\n"))], |_| {});
    rig.take_said();
    assert_eq!(dpkg(&rig, Action::Install, &[text(&next)], hooks()), 0);
    assert!(!rig.take_said().contains("Configuration file"));
    assert_eq!(rig.get("/etc/a.conf").as_deref(), Some("Wd\n"));
}

/// Two architectures of a package share a file that is rewritten: what has to agree is what
/// the hook makes of it.
#[test]
fn shared_files_agree_after_rewriting() {
    let rig = Rig::new("");
    let deb = |arch: &str, content| {
        let text = control("a", "Multi-Arch: same\n");
        let text = text.replace("amd64", arch);
        rig.deb(&text, &[("usr/x", Some(content))], |_| {})
    };
    let (one, two, other) = (deb("amd64", "x\n"), deb("i386", "x\n"), deb("i386", "y\n"));
    let seen = Log::default();
    let hooks = || vec![prepend(&["/usr/x"], "W", &seen)];
    assert_eq!(dpkg(&rig, Action::Install, &[text(&one)], hooks()), 0);
    let code = dpkg(&rig, Action::Install, &[text(&two)], hooks());
    assert_eq!(code, 0, "{}", rig.take_said());
    assert_eq!(rig.get("/usr/x").as_deref(), Some("Wx\n"));
    assert_eq!(rig.get("/usr/x.dpkg-new"), None);
    rig.take_said();
    assert_eq!(dpkg(&rig, Action::Install, &[text(&other)], hooks()), 1);
    let said = rig.take_said();
    assert!(said.contains("different from other instances"), "{said}");
    assert_eq!(rig.get("/usr/x").as_deref(), Some("Wx\n"));
    assert_eq!(rig.get("/usr/x.dpkg-new"), None);
    for arch in ["amd64", "i386"] {
        let sums = rig.get(&format!("/var/lib/dpkg/info/a:{arch}.md5sums"));
        let sum = crate::digest::md5_reader(&mut &b"Wx\n"[..]).unwrap();
        assert_eq!(sums, Some(format!("{sum}  usr/x\n")));
    }
}
