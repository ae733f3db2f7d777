//! The host's state, to which a view may only add.

use super::*;

#[test]
fn on_the_host_nothing_is_changed_that_is_not_ours() {
    let Some(rig) = Rig::in_private() else {
        return;
    };
    let before = rig.picture();
    let disk = Disk::default();
    let work = Work::new(&rig, "system", StateKind::Host, 1);
    put(
        &work.world.admindir().join("info/bar.list"),
        "/.\n/etc\n/etc/bar.conf\n/var/lib/bar\n",
    );
    let not = work
        .begin(&disk)
        .unwrap()
        .through(|root| {
            put(&root.join("etc/bar.conf"), "bar 1");
            put(&root.join("var/lib/bar/state"), "s");
            fs::set_permissions(root.join("var/lib/bar"), Permissions::from_mode(0o2770)).unwrap();
            std::os::unix::fs::chown(root.join("var/lib/bar"), Some(7), Some(8)).unwrap();
            symlink("../bar.conf", root.join("etc/foo/bar.link")).unwrap();
            symlink("/usr/share/bar/x", root.join("etc/foo/x.link")).unwrap();
            symlink("/usr/share/foo", root.join("etc/foo/foo.link")).unwrap();
            put(&root.join("etc/foo/host.conf"), "changed");
            fs::remove_file(root.join("etc/hosts.conf")).unwrap();
            fs::remove_dir_all(root.join("var/lib/foo")).unwrap();
            put(&root.join("var/log/messages"), "one\ntwo\n");
            put(
                &root.join("etc/group"),
                &format!("{GROUP}bar:x:991:\n").replace("adm:x:4:", "adm:x:4:bar"),
            );
            put(&root.join("etc/systemd/system/bar.service"), "x");
        })
        .commit(&disk)
        .unwrap();
    let foo = || Why::OfHostPackage("foo".into());
    assert_eq!(
        kept(&not),
        [
            ("etc/foo/host.conf".into(), Wanted::Change, foo()),
            (
                "etc/hosts.conf".into(),
                Wanted::Remove,
                Why::OfAdministrator
            ),
            ("var/lib/foo".into(), Wanted::Remove, foo()),
        ]
    );
    let view = ViewName::system();
    let brought = Brought::read(&rig.layout, &view).unwrap();
    let paths: Vec<_> = brought
        .items
        .keys()
        .map(|p| p.display().to_string())
        .collect();
    let placed = [
        "etc/bar.conf",
        "etc/foo/bar.link",
        "etc/foo/foo.link",
        "var/lib/bar",
        "var/lib/bar/state",
    ];
    assert_eq!(paths, placed);
    assert_eq!(
        brought.items[Path::new("etc/bar.conf")].package.as_deref(),
        Some("bar")
    );
    assert_eq!(brought.items[Path::new("etc/foo/bar.link")].package, None);
    let mut after = rig.picture();
    for path in placed {
        assert!(after.remove(Path::new(path)).is_some(), "{path}");
    }
    assert_eq!(
        read(rig.hosts("etc/group")),
        "root:x:0:\nadm:x:4:bar\nbar:x:991:\n"
    );
    after.insert("etc/group".into(), before[Path::new("etc/group")].clone());
    assert_eq!(after, before);
    let dir = fs::symlink_metadata(rig.hosts("var/lib/bar")).unwrap();
    assert_eq!((dir.uid(), dir.gid(), dir.mode() & 0o7777), (7, 8, 0o2770));
    let world = rig.layout.generation(&view, number(1)).join("main/etc");
    assert!(exists(world.join("foo/x.link")) && exists(world.join("systemd/system/bar.service")));
    assert!(!exists(rig.hosts("etc/foo/x.link")));

    // An upgrade replaces what is as it was brought; what somebody changed stays.
    fs::write(rig.hosts("var/lib/bar/state"), "in use").unwrap();
    let work = Work::new(&rig, "system", StateKind::Host, 2).after(1);
    let not = work
        .begin(&disk)
        .unwrap()
        .through(|root| {
            assert!(exists(root.join("etc/foo/x.link")));
            fs::remove_file(root.join("etc/bar.conf")).unwrap();
            put(&root.join("etc/bar.conf"), "bar 2");
            fs::write(root.join("var/lib/bar/state"), "new").unwrap();
        })
        .commit(&disk)
        .unwrap();
    assert_eq!(
        kept(&not),
        [("var/lib/bar/state".into(), Wanted::Change, Why::Changed)]
    );
    assert_eq!(read(rig.hosts("etc/bar.conf")), "bar 2");
    assert_eq!(read(rig.hosts("var/lib/bar/state")), "in use");

    // A purge takes back what we brought, but for that.
    let work = Work::new(&rig, "system", StateKind::Host, 3).after(2);
    let not = work
        .begin(&disk)
        .unwrap()
        .through(|root| {
            fs::remove_file(root.join("etc/bar.conf")).unwrap();
            fs::remove_file(root.join("etc/foo/bar.link")).unwrap();
            fs::remove_file(root.join("etc/foo/foo.link")).unwrap();
            fs::remove_file(root.join("etc/foo/x.link")).unwrap();
            fs::remove_dir_all(root.join("var/lib/bar")).unwrap();
            fs::remove_dir_all(root.join("etc/systemd")).unwrap();
            assert!(!exists(root.join("etc/systemd")));
        })
        .commit(&disk)
        .unwrap();
    assert_eq!(
        kept(&not),
        [
            ("var/lib/bar".into(), Wanted::Remove, Why::NotEmpty),
            ("var/lib/bar/state".into(), Wanted::Remove, Why::Changed),
        ]
    );
    let mut after = rig.picture();
    for path in ["var/lib/bar", "var/lib/bar/state"] {
        assert!(after.remove(Path::new(path)).is_some(), "{path}");
    }
    after.insert("etc/group".into(), before[Path::new("etc/group")].clone());
    assert_eq!(after, before);
    let world = rig.layout.generation(&view, number(3)).join("main/etc");
    assert!(!exists(world.join("foo/x.link")));
    assert!(!exists(world.join("systemd/system")));
}

#[test]
fn two_views_share_what_both_have_brought() {
    if !may() {
        return;
    }
    let rig = Rig::new();
    let before = rig.picture();
    let disk = Disk::default();
    let bring = |view: &str, n: u32, text: &str| {
        let work = Work::new(&rig, view, StateKind::Host, n);
        let work = work.begin(&disk).unwrap();
        let work = work.left(|s| {
            put(&s.join("etc/common.conf"), text);
            put(&s.join("var/lib/common/x"), "x");
        });
        kept(&work.commit(&disk).unwrap())
    };
    let purge = |view: &str, n: u32| {
        let work = Work::new(&rig, view, StateKind::Host, n);
        let work = work.begin(&disk).unwrap();
        let work = work.left(|s| {
            whiteout(&s.join("etc/common.conf"));
            whiteout(&s.join("var/lib/common"));
        });
        kept(&work.commit(&disk).unwrap())
    };
    assert_eq!(bring("a", 1, "1"), []);
    assert_eq!(bring("b", 1, "1"), []);
    let of = |view: &str| Why::OfView(view.parse().unwrap());
    // An upgrade of one is not the other's.
    let upgraded = bring("a", 2, "2");
    assert_eq!(
        upgraded,
        [("etc/common.conf".into(), Wanted::Change, of("b"))]
    );
    assert_eq!(
        purge("a", 3),
        [
            ("etc/common.conf".into(), Wanted::Remove, of("b")),
            ("var/lib/common".into(), Wanted::Remove, of("b")),
            ("var/lib/common/x".into(), Wanted::Remove, of("b")),
        ]
    );
    assert_eq!(read(rig.hosts("etc/common.conf")), "1");
    assert_eq!(purge("b", 2), []);
    assert_eq!(rig.picture(), before);
}

#[test]
fn no_planted_link_is_followed() {
    if !may() {
        return;
    }
    let rig = Rig::new();
    let disk = Disk::default();
    let outside = rig.path("outside");
    fs::create_dir(&outside).unwrap();
    let work = Work::new(&rig, "system", StateKind::Host, 1);
    let work = work.begin(&disk).unwrap().left(|s| {
        put(&s.join("var/lib/mine/sub/file"), "x");
        put(&s.join("var/lib/foo/file"), "x");
    });
    let changes = work.sort(&disk).unwrap();
    changes.write(&disk, &work.world).unwrap();
    let home = rig.layout.generation(&work.view, number(1));
    put(&work.pending.join("manifest"), "");
    fs::rename(&work.pending, home).unwrap();
    // Between, somebody who owns them: one directory is a link now, and one that was not there.
    fs::rename(rig.hosts("var/lib/foo"), rig.path("old")).unwrap();
    symlink(&outside, rig.hosts("var/lib/foo")).unwrap();
    symlink(&outside, rig.hosts("var/lib/mine")).unwrap();
    let not = work.carry(&disk).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let ways: Vec<_> = not.iter().map(|k| &k.why).collect();
    assert!(
        ways.contains(&&Why::Way("var/lib/foo".into())) && ways.contains(&&Why::ChangedMeanwhile),
        "{not:?}"
    );
    assert!(
        Brought::read(&rig.layout, &work.view)
            .unwrap()
            .items
            .is_empty()
    );
    // The same in a state.
    let work = Work::new(&rig, "web", StateKind::Own, 1)
        .begin(&disk)
        .unwrap();
    let work = work.left(|s| put(&s.join("var/lib/db/one"), "1"));
    work.commit(&disk).unwrap();
    let view: ViewName = "web".parse().unwrap();
    let state = rig.layout.view(&view).join("state");
    let work = Work::new(&rig, "web", StateKind::Own, 2)
        .begin(&disk)
        .unwrap();
    let work = work.left(|s| put(&s.join("var/lib/db/two"), "2"));
    let changes = work.sort(&disk).unwrap();
    changes.write(&disk, &work.world).unwrap();
    put(&work.pending.join("manifest"), "");
    fs::rename(&work.pending, rig.layout.generation(&view, number(2))).unwrap();
    fs::rename(state.join("var/lib/db"), rig.path("db")).unwrap();
    symlink(&outside, state.join("var/lib/db")).unwrap();
    let not = work.carry(&disk).unwrap();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(not.len(), 1, "{not:?}");
}

#[test]
fn what_comes_first_stays() {
    if !may() {
        return;
    }
    let rig = Rig::new();
    let disk = Disk::default();
    let work = Work::new(&rig, "system", StateKind::Host, 1);
    let work = work.begin(&disk).unwrap().left(|s| {
        put(&s.join("etc/new.conf"), "ours");
        put(&s.join("etc/new.d/x"), "ours");
    });
    let changes = work.sort(&disk).unwrap();
    changes.write(&disk, &work.world).unwrap();
    put(&work.pending.join("manifest"), "");
    fs::rename(&work.pending, rig.layout.generation(&work.view, number(1))).unwrap();
    put(&rig.hosts("etc/new.conf"), "theirs");
    put(&rig.hosts("etc/new.d"), "theirs");
    let not = work.carry(&disk).unwrap();
    assert_eq!(read(rig.hosts("etc/new.conf")), "theirs");
    assert_eq!(read(rig.hosts("etc/new.d")), "theirs");
    assert_eq!(not.len(), 3, "{not:?}");
    // What a program did to its data while a transaction went on counts.
    let work = Work::new(&rig, "web", StateKind::Own, 1)
        .begin(&disk)
        .unwrap();
    let work = work.left(|s| {
        put(&s.join("var/lib/db/data"), "1");
        put(&s.join("var/lib/db/other"), "1");
    });
    work.commit(&disk).unwrap();
    let view: ViewName = "web".parse().unwrap();
    let data = rig.layout.view(&view).join("state/var/lib/db");
    let work = Work::new(&rig, "web", StateKind::Own, 2)
        .begin(&disk)
        .unwrap();
    let work = work.left(|s| {
        put(&s.join("var/lib/db/data"), "script's");
        put(&s.join("var/lib/db/other"), "script's");
    });
    let made = work.scratch().join("var/lib/db/data");
    let made = fs::metadata(made).unwrap().created().unwrap();
    // The kernel's clock goes in steps.
    loop {
        fs::write(data.join("data"), "program's").unwrap();
        if fs::metadata(data.join("data")).unwrap().modified().unwrap() > made {
            break;
        }
    }
    let not = work.commit(&disk).unwrap();
    assert_eq!(
        kept(&not),
        [(
            "var/lib/db/data".into(),
            Wanted::Change,
            Why::ChangedMeanwhile
        )]
    );
    assert_eq!(read(data.join("data")), "program's");
    assert_eq!(read(data.join("other")), "script's");
}
