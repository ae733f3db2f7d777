//! Kills at every step, and what is durable when.

use super::*;

/// A disk on which the process dies before the step `left` counts down to.
fn dying(left: u32) -> (Disk, Arc<AtomicBool>) {
    let (made, dead) = (AtomicU32::new(0), Arc::new(AtomicBool::new(false)));
    let died = dead.clone();
    let watcher = move |_: &DiskStep| {
        if made.fetch_add(1, Ordering::Relaxed) >= left {
            died.store(true, Ordering::Relaxed);
            return Err(io::Error::other("killed"));
        }
        Ok(())
    };
    (Disk::watched(Box::new(watcher)), dead)
}

/// Kills the carrying out at each of its steps, and has it done again to the end; the result is always the same.
fn killed_everywhere(kind: StateKind, first: fn(&Path), write: fn(&Path)) -> u32 {
    let mut whole: Option<(BTreeMap<PathBuf, String>, Vec<String>)> = None;
    for step in 0.. {
        let rig = Rig::new();
        let clean = Disk::default();
        let name = match kind {
            StateKind::Host => "system",
            StateKind::Own => "web",
        };
        let work = Work::new(&rig, name, kind, 1).begin(&clean).unwrap();
        work.left(first).commit(&clean).unwrap();
        let work = Work::new(&rig, name, kind, 2)
            .after(1)
            .begin(&clean)
            .unwrap();
        let work = work.left(write);
        let changes = work.sort(&clean).unwrap();
        changes.write(&clean, &work.world).unwrap();
        put(&work.pending.join("manifest"), "");
        fs::rename(&work.pending, rig.layout.generation(&work.view, number(2))).unwrap();
        let (disk, dead) = dying(step);
        let done = work.carry(&disk);
        let dead = dead.load(Ordering::Relaxed);
        assert_eq!(done.is_err(), dead, "{done:?}");
        let left = unfinished(&rig.layout, &work.view).unwrap();
        if dead {
            // Before or behind that, all is as if nothing was to be done.
            let ended = left.is_empty();
            assert!(
                ended || left == [Unfinished::Changes(number(2))],
                "{left:?}"
            );
            work.carry(&clean).unwrap();
        } else {
            assert_eq!(left, []);
        }
        work.carry(&clean).unwrap();
        assert_eq!(unfinished(&rig.layout, &work.view).unwrap(), []);
        let mut all = rig.picture();
        let view = rig.layout.view(&work.view);
        picture(&view, Path::new(""), &mut all);
        let names = upper::names(&rig.layout.generation(&work.view, number(2))).unwrap();
        let names: Vec<String> = names.iter().map(|n| n.to_string_lossy().into()).collect();
        // Two rigs differ in nothing else.
        let here = (all, names);
        match &whole {
            None => whole = Some(here),
            Some(whole) => assert_eq!(*whole, here, "step {step}"),
        }
        if !dead {
            return step;
        }
    }
    unreachable!()
}

#[test]
fn killed_at_any_step_of_an_own_state() {
    if !may() {
        return;
    }
    let first = |s: &Path| {
        put(&s.join("etc/web/a"), "1");
        put(&s.join("etc/web/b"), "1");
        put(&s.join("var/lib/web/db"), "1");
        put(&s.join("var/lib/web/sub/x"), "1");
        put(&s.join("etc/alternatives/web"), "1");
    };
    let write = |s: &Path| {
        put(&s.join("etc/web/a"), "2");
        whiteout(&s.join("etc/web/b"));
        whiteout(&s.join("etc/hosts.conf"));
        opaque(&s.join("etc/foo"));
        put(&s.join("etc/foo/mine"), "2");
        opaque(&s.join("var/lib/web/sub"));
        put(&s.join("var/lib/web/sub/y"), "2");
        put(&s.join("var/lib/new/z"), "2");
        whiteout(&s.join("var/lib/web/db"));
        put(&s.join("etc/alternatives/web"), "2");
        put(
            &s.join("etc/passwd"),
            &format!("{PASSWD}web:x:990:990::/:/bin/sh\n"),
        );
        put(&s.join("etc/group"), &format!("{GROUP}web:x:990:\n"));
    };
    assert!(killed_everywhere(StateKind::Own, first, write) > 25);
}

#[test]
fn killed_at_any_step_of_the_hosts() {
    if !may() {
        return;
    }
    let first = |s: &Path| {
        put(&s.join("etc/bar.conf"), "1");
        put(&s.join("etc/bar.d/x"), "1");
        put(&s.join("etc/bar.d/y"), "1");
        put(&s.join("var/lib/bar/z"), "1");
    };
    let write = |s: &Path| {
        put(&s.join("etc/bar.conf"), "2");
        whiteout(&s.join("etc/bar.d"));
        put(&s.join("var/lib/bar/new/z"), "2");
        put(&s.join("var/lib/baz/z"), "2");
        put(&s.join("etc/foo/host.conf"), "2");
        symlink("x", s.join("etc/bar.link")).unwrap();
        put(
            &s.join("etc/passwd"),
            &format!("{PASSWD}bar:x:990:990::/:/bin/sh\n"),
        );
    };
    assert!(killed_everywhere(StateKind::Host, first, write) > 15);
}

#[test]
fn killed_at_any_step_of_the_way_back() {
    if !may() {
        return;
    }
    for step in 0.. {
        let rig = Rig::new();
        let clean = Disk::default();
        let view: ViewName = "web".parse().unwrap();
        let work = Work::new(&rig, "web", StateKind::Own, 1)
            .begin(&clean)
            .unwrap();
        let work = work.left(|s| {
            put(&s.join("etc/web/a"), "1");
            put(&s.join("etc/web/b"), "1");
            symlink("a", s.join("etc/web/c")).unwrap();
        });
        work.commit(&clean).unwrap();
        let work = Work::new(&rig, "web", StateKind::Own, 2)
            .begin(&clean)
            .unwrap();
        let work = work.left(|s| {
            put(&s.join("etc/web/a"), "2");
            whiteout(&s.join("etc/web/b"));
            put(&s.join("etc/new/a"), "2");
        });
        work.commit(&clean).unwrap();
        let etc = rig.layout.view(&view).join("state/etc");
        let (mut wanted, copy) = (BTreeMap::new(), rig.layout.generation(&view, number(1)));
        picture(&copy.join("state/etc"), Path::new(""), &mut wanted);
        let (disk, dead) = dying(step);
        let done = restore_etc(&disk, &rig.layout, &view, number(1));
        let dead = dead.load(Ordering::Relaxed);
        assert_eq!(done.is_err(), dead, "{done:?}");
        for left in unfinished(&rig.layout, &view).unwrap() {
            assert_eq!(left, Unfinished::Restoring(number(1)));
            // What clears tmp/.
            drop(crate::generation::Sys::open(rig.layout.clone(), Disk::default(), false).unwrap());
            restore_etc(&clean, &rig.layout, &view, number(1)).unwrap();
        }
        let mut is = BTreeMap::new();
        picture(&etc, Path::new(""), &mut is);
        match dead && step == 0 {
            // Nothing was begun.
            true => assert_ne!(is, wanted),
            false => assert_eq!(is, wanted, "step {step}"),
        }
        if !dead {
            assert!(step > 8);
            return;
        }
    }
}

#[test]
fn durable_before_the_log_goes() {
    let rig = Rig::new();
    let steps = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = steps.clone();
    let root = rig.layout.root().to_path_buf();
    let disk = Disk::watched(Box::new(move |step| {
        let path = step.path.strip_prefix(&root).unwrap_or(&step.path);
        seen.lock()
            .unwrap()
            .push(format!("{} {}", step.what, path.display()));
        Ok(())
    }));
    let work = Work::new(&rig, "web", StateKind::Own, 1)
        .begin(&disk)
        .unwrap();
    let work = work.left(|s| put(&s.join("etc/a"), "1"));
    work.commit(&disk).unwrap();
    let steps = steps.lock().unwrap();
    let at = |what: &str| {
        let found = steps.iter().position(|s| s == what);
        found.unwrap_or_else(|| panic!("no '{what}' in {steps:#?}"))
    };
    let order = [
        "write tmp/web-1/main/changes",
        "rename views/web/gen/1",
        "rename views/web/state/etc",
        "rename views/web/gen/1/state",
        "sync the file system of views/web",
        "rename views/web/gen/1/main/changes.done",
        "sync views/web/gen/1/main",
        "remove tree views/web/gen/1/work",
        "remove views/web/gen/1/main/changes.done",
    ];
    let places: Vec<usize> = order.iter().map(|what| at(what)).collect();
    assert!(places.is_sorted(), "{places:?}");
}
