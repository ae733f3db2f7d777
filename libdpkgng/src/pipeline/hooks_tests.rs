//! Hooks that do something, run through real runs.

use std::cell::RefCell;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Action;
use super::rig::{INSTALLED, Rig, UNPACKED, stanza};
use crate::err;
use crate::error::Result;
use crate::hooks::{Hook, Scope};
use crate::pkg::{DepType, PkgId, PkgTable, Possi, Which};

/// What hooks were told, a line each.
type Log = Rc<RefCell<Vec<String>>>;

/// Writes down what it is told, and vetoes what it is asked to.
#[derive(Default)]
struct Recorder {
    tag: &'static str,
    log: Log,
    veto: Option<&'static str>,
}

fn describe(table: &PkgTable, scope: &Scope<'_>) -> String {
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    match *scope {
        Scope::Run { action } => format!("run {action}"),
        Scope::Package { pkg, step } => format!("{step:?} {}", table.set_name(pkg)),
        Scope::Script {
            pkg,
            script,
            args,
            status,
        } => {
            let args: Vec<_> = args.iter().map(|a| text(a)).collect();
            let status = status.map_or(String::new(), |s| format!(" = {s}"));
            let name = table.set_name(pkg);
            format!("{name}.{script} {}{status}", args.join(" "))
        }
        Scope::File { path, .. } => format!("file {}", text(path)),
    }
}

impl Hook for Recorder {
    fn pre(&mut self, table: &PkgTable, scope: &Scope<'_>) -> Result<()> {
        let what = describe(table, scope);
        let veto = self.veto == Some(&what);
        self.log.borrow_mut().push(format!("{}+ {what}", self.tag));
        match veto {
            true => Err(err!("not while the sun shines")),
            false => Ok(()),
        }
    }
    fn post(&mut self, table: &PkgTable, scope: &Scope<'_>, ok: bool) {
        let what = describe(table, scope);
        let ok = if ok { "" } else { " FAILED" };
        self.log
            .borrow_mut()
            .push(format!("{}- {what}{ok}", self.tag));
    }
}

/// Run an action with hooks; the exit code, or the error that ended the run.
fn try_dpkg(rig: &Rig, action: Action, args: &[&str], hooks: Vec<Box<dyn Hook>>) -> Result<i32> {
    let mut run = rig.run(action);
    for hook in hooks {
        run.hooks.push(hook);
    }
    match action {
        Action::Install | Action::Unpack => {
            let archives: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
            run.archive_files(&archives)?;
        }
        _ => {
            let names: Vec<_> = args.iter().map(|n| n.as_bytes().to_vec()).collect();
            run.packages(&names)?;
        }
    }
    Ok(run.finish())
}

/// The same of a run that does not end with an error.
fn dpkg(rig: &Rig, action: Action, args: &[&str], hooks: Vec<Box<dyn Hook>>) -> i32 {
    try_dpkg(rig, action, args, hooks).unwrap()
}

/// What one recorder was told of a run, and the exit code.
fn recorded(rig: &Rig, action: Action, args: &[&str], veto: Option<&'static str>) -> (String, i32) {
    let log = Log::default();
    let hook = Recorder {
        log: log.clone(),
        veto,
        ..Recorder::default()
    };
    let code = dpkg(rig, action, args, vec![Box::new(hook)]);
    let log = log.borrow().join("\n");
    (log, code)
}

fn control(name: &str, extra: &str) -> String {
    format!(
        "Package: {name}\nVersion: 2\nArchitecture: amd64\nMaintainer: T <t@e.x>\n{extra}\
         Description: x\n"
    )
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A package with scripts, a directory, two files, and a conffile.
fn package(rig: &Rig) -> PathBuf {
    rig.deb(
        &control("a", ""),
        &[
            ("DEBIAN/preinst", Some("#!/bin/sh\n")),
            ("DEBIAN/postinst", Some("#!/bin/sh\n")),
            ("DEBIAN/conffiles", Some("/etc/a.conf\n")),
            ("etc/a.conf", Some("c\n")),
            ("usr/a1", Some("1\n")),
            ("usr/a2", Some("2\n")),
        ],
        |_| {},
    )
}

#[test]
fn pairs_at_every_level() {
    let rig = Rig::new("");
    let deb = package(&rig);
    let (log, code) = recorded(&rig, Action::Install, &[text(&deb)], None);
    assert_eq!(code, 0, "{}", rig.take_said());
    let expected = "\
+ run install
+ Unpack a
+ a.preinst install
- a.preinst install = 0
+ file /etc
- file /etc
+ file /etc/a.conf
- file /etc/a.conf
+ file /usr
- file /usr
+ file /usr/a1
+ file /usr/a2
- file /usr/a1
- file /usr/a2
- Unpack a
+ Configure a
+ a.postinst configure 
- a.postinst configure  = 0
- Configure a
- run install";
    assert_eq!(log, expected);

    rig.script("a.postinst", "test $1 != triggered || exit 3");
    let (log, _) = recorded(&rig, Action::Remove, &["a"], None);
    assert_eq!(log, "+ run remove\n+ Remove a\n- Remove a\n- run remove");
    let (log, _) = recorded(&rig, Action::Purge, &["a"], None);
    assert_eq!(log, "+ run purge\n+ Purge a\n- Purge a\n- run purge");
}

#[test]
fn triggers_are_a_step() {
    let rig = Rig::new(&stanza("a", INSTALLED, ""));
    rig.put("/var/lib/dpkg/info/a.triggers", "interest t\n");
    rig.put("/var/lib/dpkg/triggers/t", "a\n");
    rig.put("/var/lib/dpkg/triggers/Unincorp", "t -\n");
    rig.script("a.postinst", "exit 3");
    let (log, code) = recorded(&rig, Action::TriggersOnly, &["a"], None);
    assert_eq!(code, 1, "{}", rig.take_said());
    let expected = "\
+ run triggers-only
+ Triggers a
+ a.postinst triggered t
- a.postinst triggered t = 768 FAILED
- Triggers a FAILED
- run triggers-only FAILED";
    assert_eq!(log, expected);
}

#[test]
fn what_goes_in_favour_of_another_is_a_step_too() {
    let status = stanza("old", INSTALLED, "") + &stanza("taken", INSTALLED, "");
    let rig = Rig::new(&status);
    rig.put("/var/lib/dpkg/info/old.list", "/.\n/old\n");
    rig.put("/var/lib/dpkg/info/taken.list", "/.\n/x\n");
    rig.put("/old", "o");
    rig.put("/x", "t");
    let relations = "Conflicts: old\nReplaces: old, taken\nProvides: old\n";
    let deb = rig.deb(&control("new", relations), &[("x", Some("n"))], |_| {});
    let (log, code) = recorded(&rig, Action::Unpack, &[text(&deb)], None);
    assert_eq!(code, 0, "{}", rig.take_said());
    let expected = "\
+ run unpack
+ Unpack new
+ Remove old
+ file /x
- file /x
+ Disappear taken
- Disappear taken
- Remove old
- Unpack new
- run unpack";
    assert_eq!(log, expected);
    assert_eq!(rig.get("/old"), None);

    // A veto of the removal leaves everything as it was.
    let rig = Rig::new(&status);
    rig.put("/var/lib/dpkg/info/old.list", "/.\n/old\n");
    rig.put("/var/lib/dpkg/info/taken.list", "/.\n/x\n");
    rig.put("/x", "t");
    rig.put("/old", "o");
    let deb = rig.deb(&control("new", relations), &[("x", Some("n"))], |_| {});
    let (log, code) = recorded(&rig, Action::Unpack, &[text(&deb)], Some("Remove old"));
    assert_eq!(code, 1);
    let expected =
        "+ run unpack\n+ Unpack new\n+ Remove old\n- Unpack new FAILED\n- run unpack FAILED";
    assert_eq!(log, expected);
    assert_eq!(rig.get("/x").as_deref(), Some("t"));
    assert_eq!(rig.get("/old").as_deref(), Some("o"));
}

/// Everything below a root, as paths with contents.
fn tree(rig: &Rig) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    fn walk(dir: &Path, out: &mut Vec<(PathBuf, Option<Vec<u8>>)>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
                out.push((path, None));
            } else {
                let content = std::fs::read(&path).ok();
                out.push((path, content));
            }
        }
    }
    let mut out = Vec::new();
    walk(&rig.path("/"), &mut out);
    out.sort();
    out
}

#[test]
fn a_veto_of_the_run_does_nothing_at_all() {
    let rig = Rig::new(&stanza("b", INSTALLED, ""));
    let deb = package(&rig);
    let before = tree(&rig);
    let (first, second) = (Log::default(), Log::default());
    let agrees = Recorder {
        tag: "1",
        log: first.clone(),
        veto: None,
    };
    let vetoes = Recorder {
        tag: "2",
        log: first.clone(),
        veto: Some("run install"),
    };
    let unasked = Recorder {
        tag: "3",
        log: second.clone(),
        veto: None,
    };
    let hooks: Vec<Box<dyn Hook>> = vec![Box::new(agrees), Box::new(vetoes), Box::new(unasked)];
    let result = try_dpkg(&rig, Action::Install, &[text(&deb)], hooks);
    let error = result.unwrap_err().to_string();
    assert_eq!(error, "not while the sun shines");
    assert_eq!(
        first.borrow().join("\n"),
        "1+ run install\n2+ run install\n1- run install FAILED"
    );
    assert!(second.borrow().is_empty());
    assert_eq!(tree(&rig), before);
}

/// At each level: the error is told as any other of that archive or package, what was begun is
/// unwound, and who was entered is left.
#[test]
fn vetoes_are_unwound() {
    for veto in ["Unpack a", "a.preinst install", "file /usr/a2"] {
        let rig = Rig::new("");
        let deb = package(&rig);
        let before = tree(&rig);
        let (log, code) = recorded(&rig, Action::Install, &[text(&deb)], Some(veto));
        let said = rig.take_said();
        assert_eq!(code, 1, "{veto}");
        let line = "error processing archive /debs/0.deb (--install):\n not while the sun shines";
        assert!(said.contains(line), "{veto}: {said}");
        let opened = log.lines().filter(|l| l.starts_with('+')).count();
        let closed = log.lines().filter(|l| l.starts_with('-')).count();
        assert_eq!(opened, closed + 1, "{veto}: {log}");
        assert!(!log.contains(&format!("- {veto}")), "{veto}: {log}");
        if veto.starts_with("file") {
            assert!(log.contains("- file /usr/a1 FAILED"), "{log}");
            assert!(log.contains("- file /usr\n"), "{log}");
        }
        let new: Vec<_> = tree(&rig)
            .into_iter()
            .filter(|(p, _)| !before.iter().any(|(q, _)| p == q))
            .map(|(p, _)| p.strip_prefix(rig.path("/")).unwrap().to_owned())
            .filter(|p| !p.starts_with("var/lib/dpkg"))
            .collect();
        assert!(new.is_empty(), "{veto}: {new:?}");
        let status = rig.get("/var/lib/dpkg/status").unwrap();
        let left = status.lines().filter(|l| l.starts_with("Status: "));
        let left: Vec<_> = left.collect();
        assert_eq!(left, ["Status: install ok not-installed"], "{veto}");
    }

    let rig = Rig::new(&stanza("a", UNPACKED, ""));
    rig.script("a.postinst", "touch ran");
    for veto in ["Configure a", "a.postinst configure "] {
        let (log, code) = recorded(&rig, Action::Configure, &["a"], Some(veto));
        let said = rig.take_said();
        assert_eq!(code, 1, "{veto}");
        let line = "error processing package a (--configure):\n not while the sun shines";
        assert!(said.contains(line), "{said}");
        assert!(log.ends_with("- run configure FAILED"), "{log}");
        assert_eq!(rig.get("/ran"), None);
    }
    let rig = Rig::new(&stanza("a", INSTALLED, ""));
    rig.put("/var/lib/dpkg/info/a.list", "/.\n/x\n");
    rig.put("/x", "");
    let (_, code) = recorded(&rig, Action::Remove, &["a"], Some("Remove a"));
    assert_eq!(code, 1);
    assert!(rig.get("/x").is_some());
    let status = rig.get("/var/lib/dpkg/status").unwrap();
    assert!(
        status.contains("Status: deinstall ok installed"),
        "{status}"
    );
}

#[test]
fn no_pairs_when_nothing_is_done() {
    let rig = Rig::new(&stanza("b", UNPACKED, ""));
    let deb = package(&rig);
    let log = Log::default();
    for (action, arg) in [(Action::Install, text(&deb)), (Action::Configure, "b")] {
        let mut run = rig.run(action);
        run.opts.act = false;
        run.hooks.push(Box::new(Recorder {
            log: log.clone(),
            ..Recorder::default()
        }));
        match action {
            Action::Install => run.archive_files(&[arg.into()]),
            _ => run.packages(&[arg.into()]),
        }
        .unwrap();
    }
    assert!(log.borrow().is_empty(), "{:?}", log.borrow());
}

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

/// Judges relations by what it says and not by what is there.
struct Judge {
    hidden: &'static str,
    /// From whom; everybody when empty.
    from: &'static str,
    provided: &'static str,
}
impl Hook for Judge {
    fn hides(&mut self, table: &PkgTable, by: PkgId, pkg: PkgId, _: Which) -> bool {
        table.set_name(pkg) == self.hidden
            && (self.from.is_empty() || table.set_name(by) == self.from)
    }
    fn satisfies(&mut self, table: &PkgTable, _: PkgId, _: DepType, possi: &Possi) -> bool {
        *table[possi.ed].name == *self.provided
    }
}

fn judge(hidden: &'static str, from: &'static str, provided: &'static str) -> Vec<Box<dyn Hook>> {
    vec![Box::new(Judge {
        hidden,
        from,
        provided,
    })]
}

#[test]
fn what_counts_as_installed() {
    // Hidden from all: not even Breaks and Conflicts see it; a dependency does not either.
    let status = stanza("b", INSTALLED, "") + &stanza("c", UNPACKED, "Depends: b\n");
    let rig = Rig::new(&status);
    assert_eq!(dpkg(&rig, Action::Configure, &["c"], judge("b", "", "")), 1);
    let said = rig.take_said();
    assert!(said.contains(" c depends on b.\n"), "{said}");
    // From another only: this one sees it.
    let hooks = judge("b", "other", "");
    assert_eq!(dpkg(&rig, Action::Configure, &["c"], hooks), 0);

    // A package that depends on a hidden one does not hold up its removal.
    assert_eq!(dpkg(&rig, Action::Remove, &["b"], judge("", "", "")), 1);
    assert_eq!(dpkg(&rig, Action::Remove, &["b"], judge("b", "", "")), 0);
}

#[test]
fn a_conflict_is_not_seen() {
    let rig = Rig::new(&stanza("b", INSTALLED, "Breaks: n\n"));
    rig.put("/var/lib/dpkg/info/b.list", "/.\n");
    let deb = rig.deb(&control("n", "Conflicts: b\n"), &[("x", Some("x"))], |_| {});
    let debs = [text(&deb)];
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("b", "n", "")), 0);
    let status = rig.get("/var/lib/dpkg/status").unwrap();
    assert_eq!(
        status.matches("install ok installed").count(),
        2,
        "{status}"
    );
}

#[test]
fn what_counts_as_available() {
    let rig = Rig::new("");
    let first = rig.deb(
        &control("n", "Pre-Depends: p\n"),
        &[("x", Some("x"))],
        |_| {},
    );
    let second = rig.deb(
        &control("m", "Depends: n, q\n"),
        &[("y", Some("y"))],
        |_| {},
    );
    let debs = [text(&first)];
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("", "", "")), 1);
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("", "", "p")), 0);
    let debs = [text(&second)];
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("", "", "")), 1);
    assert_eq!(dpkg(&rig, Action::Configure, &["m"], judge("", "", "q")), 0);
}

/// Hooks that only listen change nothing that can be seen.
#[test]
fn listening_changes_nothing() {
    let plain = Rig::new("");
    let heard = Rig::new("");
    for (rig, hooked) in [(&plain, false), (&heard, true)] {
        let deb = package(rig);
        let hook: Vec<Box<dyn Hook>> = match hooked {
            true => vec![Box::new(Recorder::default())],
            false => Vec::new(),
        };
        assert_eq!(dpkg(rig, Action::Install, &[text(&deb)], hook), 0);
    }
    assert_eq!(plain.take_said(), heard.take_said());
    let seen = |rig: &Rig| -> Vec<_> {
        let root = rig.path("/");
        let strip = |(p, c): (PathBuf, _)| (p.strip_prefix(&root).unwrap().to_owned(), c);
        tree(rig).into_iter().map(strip).collect()
    };
    assert_eq!(seen(&plain), seen(&heard));
}
