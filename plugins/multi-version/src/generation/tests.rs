use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::layout::{RealizationId, Sha256, Version};
use crate::manifest::SetId;
use crate::testing::member;
use crate::world::WorldDir;

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// Two payloads that share a file; the second has a file that is to be set-user-id.
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { dir };
        for (path, content) in [
            ("one/usr/bin/one", "1"),
            ("one/usr/share/doc/shared", "same"),
            ("two/usr/bin/two", "2"),
            ("two/usr/bin/sudo", "s"),
            ("two/usr/share/doc/shared", "same"),
        ] {
            place.put(path, content);
        }
        std::os::unix::fs::symlink("one", place.path("one/usr/bin/uno")).unwrap();
        place
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }

    fn sys(&self, disk: Disk) -> Done<Sys> {
        Sys::open(Layout::new(self.path("sys")), disk, false)
    }

    fn mode(&self, path: &str) -> u32 {
        fs::metadata(self.path(path)).unwrap().mode() & 0o7777
    }
}

fn system() -> ViewName {
    "system".parse().unwrap()
}

fn number(n: u32) -> GenerationNumber {
    n.to_string().parse().unwrap()
}

fn sudo(place: &Place) -> SetId {
    let own = fs::metadata(place.path("two/usr/bin/sudo")).unwrap();
    SetId {
        path: "main/root/usr/bin/sudo".into(),
        mode: 0o4755,
        uid: own.uid(),
        gid: own.gid(),
        capability: None,
    }
}

fn manifest(sys: &Sys, number: GenerationNumber) -> Done<Manifest> {
    let (package, version) = ("sudo".parse().unwrap(), Version::new("1").unwrap());
    let hash = Sha256::of(b"sudo");
    let id = RealizationId::new(&package, &version, &"amd64".parse().unwrap(), &hash);
    let sudo = member(&id, &["main"]);
    let mut manifest = crate::testing::manifest(&system(), number, &[sudo]);
    manifest.parent = sys.current(&system())?;
    Ok(manifest)
}

/// A generation with both payloads, step by step: all by hard links, but what is to be set-user-id.
fn build(place: &Place, sys: &Sys) -> Done<GenerationNumber> {
    let (number, dir) = sys.begin_pending(&system())?;
    let (world, disk) = (WorldDir::main(&dir), sys.disk());
    let tree = world.tree();
    for dir in ["", "usr", "usr/bin", "usr/share", "usr/share/doc"] {
        if dir.is_empty() {
            disk.make_dir(world.path())?;
        }
        disk.make_dir(&tree.join(dir))?;
    }
    for (payload, file) in [
        ("one", "usr/bin/one"),
        ("one", "usr/bin/uno"),
        ("one", "usr/share/doc/shared"),
        ("two", "usr/bin/two"),
    ] {
        disk.link(&place.path(payload).join(file), &tree.join(file))?;
    }
    disk.copy(&place.path("two/usr/bin/sudo"), &tree.join("usr/bin/sudo"))?;
    sys.note_set_ids(&dir, &[sudo(place)])?;
    sys.name(&dir, &manifest(sys, number)?)?;
    Ok(number)
}

/// What must hold whenever no command is at work.
fn assert_whole(place: &Place, sys: &Sys) {
    let tmp = fs::read_dir(sys.layout().tmp()).unwrap();
    assert_eq!(tmp.count(), 0, "tmp/ is not empty");
    let listed = sys.list(&system()).unwrap();
    let current = sys.current(&system()).unwrap();
    if let Some(current) = current {
        assert!(
            listed.iter().any(|l| l.number == current),
            "current is gone"
        );
    }
    for Listed { number, current } in listed {
        sys.manifest(&system(), number).unwrap();
        let tree = format!("sys/views/system/gen/{number}/main/root/usr");
        for (file, content) in [
            ("bin/uno", "1"),
            ("bin/two", "2"),
            ("share/doc/shared", "same"),
        ] {
            let path = place.path(&format!("{tree}/{file}"));
            assert_eq!(fs::read_to_string(path).unwrap(), content);
        }
        let expected = if current { 0o4755 } else { 0o755 };
        assert_eq!(
            place.mode(&format!("{tree}/bin/sudo")),
            expected,
            "{number}"
        );
    }
    assert_eq!(
        place.mode("two/usr/bin/sudo"),
        0o755,
        "the store was touched"
    );
}

#[test]
fn built_switched_rolled_back_and_forgotten() {
    let place = Place::new();
    let sys = place.sys(Disk::default()).unwrap();
    for n in 1..=3 {
        assert_eq!(build(&place, &sys).unwrap(), number(n));
        sys.switch(&system(), number(n)).unwrap();
        assert_whole(&place, &sys);
    }
    let through = place.path("sys/current-system/main/root/usr/bin/one");
    let inode = |p: &Path| fs::metadata(p).unwrap().ino();
    assert_eq!(inode(&through), inode(&place.path("one/usr/bin/one")));
    assert_eq!(sys.rollback(&system()).unwrap(), number(2));
    assert_whole(&place, &sys);
    let is_current = sys.forget(&system(), number(2));
    assert!(matches!(is_current, Err(GenerationError::IsCurrent(..))));
    // After a rollback the next number is still a new one.
    assert_eq!(build(&place, &sys).unwrap(), number(4));
    for n in [3, 1, 4] {
        sys.forget(&system(), number(n)).unwrap();
    }
    assert!(matches!(
        sys.rollback(&system()),
        Err(GenerationError::NothingBefore(_))
    ));
    let none = sys.switch(&system(), number(9));
    assert!(matches!(none, Err(GenerationError::NoGeneration(..))));
    assert_whole(&place, &sys);
}

/// A disk on which the process dies before the step `left` counts down to; that step may have
/// been begun.
fn dying(left: u32) -> (Disk, Arc<AtomicBool>) {
    let (made, dead) = (AtomicU32::new(0), Arc::new(AtomicBool::new(false)));
    let died = dead.clone();
    let watcher = move |step: &Step| {
        if made.fetch_add(1, Ordering::Relaxed) >= left {
            if !died.swap(true, Ordering::Relaxed) {
                begin(step);
            }
            return Err(io::Error::other("killed"));
        }
        Ok(())
    };
    (Disk::watched(Box::new(watcher)), dead)
}

/// The first half of a step that is not one for the kernel.
fn begin(step: &Step) {
    match step.what {
        "write" | "copy" => fs::write(&step.path, "").unwrap(),
        "remove tree" => {
            // Not the metadata: what is half gone must not look whole.
            let mut path = step.path.clone();
            while path.is_dir() {
                let entries = fs::read_dir(&path).unwrap();
                let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
                paths.sort_by_key(|p| (!p.is_dir(), p.clone()));
                let Some(first) = paths.into_iter().next() else {
                    return;
                };
                path = first;
            }
            fs::remove_file(path).unwrap();
        }
        _ => {}
    }
}

/// Kills `act` at each of its steps, after `prepare`.
fn killed_everywhere(prepare: fn(&Place, &Sys) -> Done, act: fn(&Place, &Sys) -> Done) -> u32 {
    for step in 0.. {
        let place = Place::new();
        let clean = place.sys(Disk::default()).unwrap();
        prepare(&place, &clean).unwrap();
        let before = clean.current(&system()).unwrap();
        drop(clean);
        let (disk, dead) = dying(step);
        let done = place.sys(disk).and_then(|sys| act(&place, &sys));
        assert_eq!(done.is_err(), dead.load(Ordering::Relaxed), "{done:?}");
        if before.is_some() {
            // Before any recovery: what is current can be used.
            let tree = place.path("sys/current-system/main/root/usr/bin");
            assert_eq!(fs::read_to_string(tree.join("two")).unwrap(), "2");
            assert_eq!(
                place.mode("sys/current-system/main/root/usr/bin/sudo"),
                0o4755
            );
            assert!(place.path("sys/current-system/manifest").is_file());
        }
        let sys = place.sys(Disk::default()).unwrap();
        assert_whole(&place, &sys);
        act(&place, &sys).unwrap();
        assert_whole(&place, &sys);
        if !dead.load(Ordering::Relaxed) {
            return step;
        }
    }
    unreachable!()
}

fn build_and_switch(place: &Place, sys: &Sys) -> Done {
    let number = build(place, sys)?;
    sys.switch(&system(), number)
}

#[test]
fn killed_at_any_step_of_the_first_install() {
    assert!(killed_everywhere(|_, _| Ok(()), build_and_switch) > 20);
}

#[test]
fn killed_at_any_step_of_an_upgrade() {
    assert!(killed_everywhere(build_and_switch, build_and_switch) > 20);
}

#[test]
fn killed_at_any_step_of_a_switch_back_and_forth() {
    let twice = |place: &Place, sys: &Sys| {
        build_and_switch(place, sys)?;
        build_and_switch(place, sys)
    };
    let act = |_: &Place, sys: &Sys| {
        sys.switch(&system(), number(1))?;
        sys.switch(&system(), number(2))
    };
    assert!(killed_everywhere(twice, act) > 10);
}

#[test]
fn killed_at_any_step_of_forgetting() {
    let thrice = |place: &Place, sys: &Sys| {
        build_and_switch(place, sys)?;
        build_and_switch(place, sys)?;
        build_and_switch(place, sys)
    };
    let act = |_: &Place, sys: &Sys| {
        sys.forget(&system(), number(1))?;
        sys.forget(&system(), number(2))
    };
    assert!(killed_everywhere(thrice, act) > 5);
}

#[test]
fn durable_before_named_and_named_before_current() {
    let place = Place::new();
    place.sys(Disk::default()).unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = steps.clone();
    let watcher = move |step: &Step| {
        seen.lock().unwrap().push(step.clone());
        Ok(())
    };
    let sys = place.sys(Disk::watched(Box::new(watcher))).unwrap();
    build_and_switch(&place, &sys).unwrap();
    let root = place.path("sys");
    let steps: Vec<String> = steps
        .lock()
        .unwrap()
        .iter()
        .map(|s| {
            format!(
                "{} {}",
                s.what,
                s.path.strip_prefix(&root).unwrap().display()
            )
        })
        .skip_while(|s| s != "write tmp/system-1/manifest")
        .collect();
    assert_eq!(
        steps,
        [
            "write tmp/system-1/manifest",
            "sync the file system of tmp/system-1",
            "rename views/system/gen/1",
            "sync views/system/gen",
            "remove tmp/switching",
            "make link tmp/switching",
            "rename views/system/switching",
            "sync views/system",
            "change the mode of views/system/gen/1/main/root/usr/bin/sudo",
            "remove tmp/current",
            "make link tmp/current",
            "rename views/system/current",
            "sync views/system",
            "remove views/system/switching",
        ]
    );
}

#[test]
fn one_command_at_a_time() {
    let place = Place::new();
    let first = place.sys(Disk::default()).unwrap();
    let second = place.sys(Disk::default());
    assert!(matches!(second, Err(GenerationError::Locked(_))));
    drop(first);
    place.sys(Disk::default()).unwrap();
}

#[test]
fn what_may_be_one_file() {
    let place = Place::new();
    let (one, two) = ("one/usr/share/doc/shared", "two/usr/share/doc/shared");
    let same = || same_file(&place.path(one), &place.path(two)).unwrap();
    assert!(same());
    place.put(two, "SAME");
    assert!(!same());
    place.put(two, "same");
    fs::set_permissions(place.path(two), Permissions::from_mode(0o644)).unwrap();
    assert!(!same());
    place.put(two, "same");
    let value = rustix::fs::XattrFlags::empty();
    match rustix::fs::lsetxattr(place.path(two), "user.test", b"x", value) {
        Ok(()) => assert!(!same()),
        Err(e) => not_run::not_run(format!("no extended attributes here: {e}")),
    }
}

#[test]
fn set_id_bits_are_of_the_tree_alone() {
    let place = Place::new();
    let sys = place.sys(Disk::default()).unwrap();
    let tree = place.path("two");
    let set = |path: &str| {
        sys.disk
            .set_mode(&tree, Path::new(path), 0o4755, None, None)
    };
    std::os::unix::fs::symlink("../../../one/usr/bin", tree.join("usr/link")).unwrap();
    assert!(set("usr/link/one").is_err() && set("../one/usr/bin/one").is_err());
    assert_eq!(place.mode("one/usr/bin/one"), 0o755);
}

#[test]
fn a_strange_link_or_manifest_is_an_error_and_nothing_is_removed() {
    let place = Place::new();
    let sys = place.sys(Disk::default()).unwrap();
    build_and_switch(&place, &sys).unwrap();
    drop(sys);
    let kept = place.path("sys/views/system/gen/1");
    fs::remove_file(kept.join("manifest")).unwrap();
    let sys = place.sys(Disk::default()).unwrap();
    assert!(
        kept.join("main/root/usr/bin/one").exists(),
        "the current one"
    );
    assert!(sys.manifest(&system(), number(1)).is_err());
    drop(sys);
    let current = place.path("sys/views/system/current");
    fs::remove_file(&current).unwrap();
    std::os::unix::fs::symlink("../../../two", &current).unwrap();
    let opened = place.sys(Disk::default());
    assert!(matches!(opened, Err(GenerationError::NotALink(_))));
    assert!(kept.exists());
}

#[test]
fn a_reader_needs_no_lock_no_permission_and_no_recovery() {
    let place = Place::new();
    let reader = Reader::new(Layout::new(place.path("sys")));
    assert_eq!(reader.views().unwrap(), []);
    assert_eq!(reader.list(&system()).unwrap(), []);
    let sys = place.sys(Disk::default()).unwrap();
    build_and_switch(&place, &sys).unwrap();
    build_and_switch(&place, &sys).unwrap();
    let half: ViewName = "other".parse().unwrap();
    sys.begin_pending(&half).unwrap();
    // While the lock is held and a generation of another view is being built.
    assert_eq!(reader.views().unwrap(), [system()]);
    assert_eq!(
        reader.manifest(&system(), number(2)).unwrap().number,
        number(2)
    );
    // Half removed, as a kill leaves it.
    fs::remove_file(place.path("sys/views/system/gen/1/manifest")).unwrap();
    let listed = reader.list(&system()).unwrap();
    assert_eq!(
        listed,
        [Listed {
            number: number(2),
            current: true
        }]
    );
    let gone = reader.manifest(&system(), number(1));
    assert!(matches!(gone, Err(GenerationError::NoGeneration(..))));
    // A damaged current one is shown.
    fs::remove_file(place.path("sys/views/system/gen/2/manifest")).unwrap();
    assert_eq!(reader.list(&system()).unwrap().len(), 1);
}

#[test]
fn what_cannot_be_looked_at_is_not_rubbish() {
    if rustix::process::geteuid().is_root() {
        not_run::not_run("root may look at everything");
        return;
    }
    let place = Place::new();
    let sys = place.sys(Disk::default()).unwrap();
    build_and_switch(&place, &sys).unwrap();
    build_and_switch(&place, &sys).unwrap();
    let dir = place.path("sys/views/system/gen/1");
    fs::set_permissions(&dir, Permissions::from_mode(0o000)).unwrap();
    assert!(matches!(
        sys.list(&system()),
        Err(GenerationError::Read { .. })
    ));
    drop(sys);
    assert!(matches!(
        place.sys(Disk::default()),
        Err(GenerationError::Read { .. })
    ));
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
    let sys = place.sys(Disk::default()).unwrap();
    assert_eq!(sys.list(&system()).unwrap().len(), 2);
    assert_whole(&place, &sys);
}
