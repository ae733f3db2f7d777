//! Pre and post at the four levels, and what a veto leaves.

use super::*;
use crate::pipeline::rig::{INSTALLED, UNPACKED, stanza};

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
