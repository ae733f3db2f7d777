//! A state of one's own: what a transaction leaves in it, what lies under it, and what a context sees.

use super::*;

#[test]
fn an_own_state_takes_everything_and_the_host_stays() {
    let Some(rig) = Rig::in_private() else {
        return;
    };
    let before = rig.picture();
    let disk = Disk::default();
    let work = Work::new(&rig, "web", StateKind::Own, 1)
        .begin(&disk)
        .unwrap();
    let not = work
        .through(|root| {
            // The host's shows, its /var does not.
            assert_eq!(read(root.join("etc/foo/host.conf")), "of the package foo\n");
            assert!(!exists(root.join("var/lib/foo")));
            assert_eq!(read(root.join("var/lib/pam/seen")), "unix\n");
            assert_eq!(
                fs::read_link(root.join("var/run")).unwrap(),
                Path::new("/run")
            );
            put(&root.join("etc/web/web.conf"), "1");
            fs::remove_file(root.join("etc/foo/host.conf")).unwrap();
            put(&root.join("etc/hosts.conf"), "the view's");
            put(&root.join("var/lib/web/db"), "data");
            fs::hard_link(root.join("var/lib/web/db"), root.join("var/lib/web/db2")).unwrap();
            rustix::fs::mknodat(
                rustix::fs::CWD,
                root.join("var/lib/web/pipe"),
                rustix::fs::FileType::Fifo,
                0o640.into(),
                0,
            )
            .unwrap();
            fs::create_dir_all(root.join("var/lib/web/dir")).unwrap();
            std::os::unix::fs::chown(root.join("var/lib/web/dir"), Some(7), Some(8)).unwrap();
            fs::set_permissions(root.join("var/lib/web/dir"), Permissions::from_mode(0o2750))
                .unwrap();
            symlink("x", root.join("etc/alternatives/web")).unwrap();
            put(&root.join("etc/machine-id"), "another\n");
            put(&root.join("etc/ld.so.cache"), "x");
            put(&root.join("var/cache/ldconfig/aux-cache"), "x");
            put(
                &root.join("etc/passwd"),
                &format!("{PASSWD}web:x:990:990::/:/bin/sh\n"),
            );
            put(&root.join("etc/passwd-"), PASSWD);
        })
        .commit(&disk)
        .unwrap();
    assert_eq!(not, []);
    let mut after = rig.picture();
    let passwd = after.remove(Path::new("etc/passwd")).unwrap();
    assert!(
        passwd.ends_with(&format!("{PASSWD}web:x:990:990::/:/bin/sh\n")),
        "{passwd}"
    );
    let mut same = before.clone();
    same.remove(Path::new("etc/passwd"));
    assert_eq!(after, same);
    let view: ViewName = "web".parse().unwrap();
    let state = rig.layout.view(&view).join("state");
    assert_eq!(read(state.join("etc/web/web.conf")), "1");
    assert_eq!(read(state.join("etc/hosts.conf")), "the view's");
    let gone = fs::symlink_metadata(state.join("etc/foo/host.conf")).unwrap();
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    let ino = |p: &str| fs::symlink_metadata(state.join(p)).unwrap().ino();
    assert_eq!(ino("var/lib/web/db"), ino("var/lib/web/db2"));
    let pipe = fs::symlink_metadata(state.join("var/lib/web/pipe")).unwrap();
    assert!(pipe.file_type().is_fifo());
    let dir = fs::symlink_metadata(state.join("var/lib/web/dir")).unwrap();
    assert_eq!((dir.uid(), dir.gid(), dir.mode() & 0o7777), (7, 8, 0o2750));
    for path in [
        "etc/machine-id",
        "etc/ld.so.cache",
        "etc/passwd",
        "etc/passwd-",
    ] {
        assert!(!exists(state.join(path)), "{path}");
    }
    let generation = rig.layout.generation(&view, number(1));
    let link = generation.join("main/etc/alternatives/web");
    assert_eq!(fs::read_link(link).unwrap(), Path::new("x"));
    assert!(!exists(state.join("etc/alternatives")));
    assert_eq!(read(generation.join("state/etc/hosts.conf")), "the view's");
    for left in [
        "work",
        "main/before",
        "main/state",
        "main/changes",
        "main/changes.done",
    ] {
        assert!(!exists(generation.join(left)), "{left}");
    }
    assert_eq!(unfinished(&rig.layout, &view).unwrap(), []);

    // The next one sees it all, and what it removes is gone.
    let work = Work::new(&rig, "web", StateKind::Own, 2).after(1);
    let work = work.begin(&disk).unwrap();
    let not = work
        .through(|root| {
            assert_eq!(read(root.join("etc/hosts.conf")), "the view's");
            assert!(!exists(root.join("etc/foo/host.conf")));
            assert!(exists(root.join("etc/alternatives/awk")));
            fs::remove_dir_all(root.join("etc/web")).unwrap();
            fs::remove_file(root.join("etc/hosts.conf")).unwrap();
            fs::remove_dir_all(root.join("var/lib/web")).unwrap();
            put(&root.join("var/lib/web/new"), "n");
            fs::remove_dir_all(root.join("etc/foo")).unwrap();
            put(&root.join("etc/foo/new"), "n");
            fs::remove_file(root.join("etc/alternatives/web")).unwrap();
            fs::remove_file(root.join("etc/alternatives/awk")).unwrap();
        })
        .commit(&disk)
        .unwrap();
    assert_eq!(not, []);
    assert!(!exists(state.join("etc/web")));
    let names: Vec<_> = upper::names(&state.join("var/lib/web")).unwrap();
    assert_eq!(names, ["new"]);
    assert!(upper::is_whiteout(
        &fs::symlink_metadata(state.join("etc/hosts.conf")).unwrap()
    ));
    let second = rig
        .layout
        .generation(&view, number(2))
        .join("main/etc/alternatives");
    assert!(!exists(second.join("web")));
    assert!(upper::is_whiteout(
        &fs::symlink_metadata(second.join("awk")).unwrap()
    ));
    let work = Work::new(&rig, "web", StateKind::Own, 3).after(2);
    work.begin(&disk)
        .unwrap()
        .through(|root| {
            // The directory that was made anew hides the host's.
            assert_eq!(upper::names(&root.join("etc/foo")).unwrap(), ["new"]);
            assert!(!exists(root.join("etc/hosts.conf")));
            fs::remove_dir_all(root.join("etc/foo")).unwrap();
        })
        .commit(&disk)
        .unwrap();
    // So does one that is made after the host's was removed.
    let work = Work::new(&rig, "web", StateKind::Own, 4).after(3);
    let work = work.begin(&disk).unwrap();
    let work = work.through(|root| put(&root.join("etc/foo/later"), "l"));
    work.commit(&disk).unwrap();
    let work = Work::new(&rig, "web", StateKind::Own, 5).after(4);
    work.begin(&disk)
        .unwrap()
        .through(|root| {
            assert_eq!(upper::names(&root.join("etc/foo")).unwrap(), ["later"]);
        })
        .commit(&disk)
        .unwrap();

    // And back.
    restore_etc(&disk, &rig.layout, &view, number(1)).unwrap();
    assert_eq!(read(state.join("etc/web/web.conf")), "1");
    assert_eq!(read(state.join("etc/hosts.conf")), "the view's");
    assert!(!exists(state.join("etc/foo/new")));
    assert_eq!(read(state.join("var/lib/web/new")), "n");
    let none = restore_etc(&disk, &rig.layout, &view, number(9));
    assert!(none.is_err());
    assert_eq!(rig.picture().len(), before.len());
}

#[test]
fn another_file_system_below_var() {
    let Some(rig) = Rig::in_private() else {
        return;
    };
    let none = rustix::mount::MountFlags::empty();
    for dir in ["var/lib/data", "var/pseudo"] {
        fs::create_dir_all(rig.hosts(dir)).unwrap();
    }
    rustix::mount::mount("none", rig.hosts("var/lib/data"), "tmpfs", none, None).unwrap();
    rustix::mount::mount("none", rig.hosts("var/pseudo"), "proc", none, None).unwrap();
    put(&rig.hosts("var/lib/data/there"), "host's");
    let disk = Disk::default();
    let work = Work::new(&rig, "system", StateKind::Host, 1)
        .begin(&disk)
        .unwrap();
    let layers = work.layers.clone().unwrap();
    assert_eq!(layers.shown, [Path::new("var/pseudo")]);
    let names: Vec<_> = layers.layers.iter().map(|l| l.scratch.as_str()).collect();
    assert_eq!(names, ["etc", "var", "var%2flib%2fdata"]);
    let not = work
        .through(|root| {
            assert_eq!(read(root.join("var/lib/data/there")), "host's");
            put(&root.join("var/lib/data/sub/new"), "n");
            let new = root.join("var/lib/data/sub/new");
            fs::set_permissions(&new, Permissions::from_mode(0o4750)).unwrap();
            symlink("there", root.join("var/lib/data/link")).unwrap();
            put(&root.join("var/lib/data/there"), "changed");
        })
        .commit(&disk)
        .unwrap();
    assert_eq!(
        kept(&not),
        [(
            "var/lib/data/there".into(),
            Wanted::Change,
            Why::OfAdministrator
        )]
    );
    let data = rig.hosts("var/lib/data");
    assert_eq!(upper::names(&data).unwrap(), ["link", "sub", "there"]);
    assert_eq!(read(data.join("sub/new")), "n");
    let mode = fs::metadata(data.join("sub/new")).unwrap().mode() & 0o7777;
    assert_eq!(mode, 0o4750);
    assert_eq!(read(data.join("there")), "host's");
    let brought = Brought::read(&rig.layout, &ViewName::system()).unwrap();
    assert_eq!(brought.items.len(), 3);
    let work = Work::new(&rig, "system", StateKind::Host, 2)
        .begin(&disk)
        .unwrap();
    let not = work
        .through(|root| {
            fs::remove_dir_all(root.join("var/lib/data/sub")).unwrap();
            fs::remove_file(root.join("var/lib/data/link")).unwrap();
        })
        .commit(&disk)
        .unwrap();
    assert_eq!(kept(&not), []);
    assert_eq!(upper::names(&data).unwrap(), ["there"]);
}

#[test]
fn a_context_has_the_state() {
    let Some(rig) = Rig::in_private() else {
        return;
    };
    let disk = Disk::default();
    let work = Work::new(&rig, "web", StateKind::Own, 1)
        .begin(&disk)
        .unwrap();
    let work = work.left(|s| {
        put(&s.join("etc/web.conf"), "1");
        whiteout(&s.join("etc/hosts.conf"));
        put(&s.join("var/lib/web/db"), "1");
        put(&s.join("etc/alternatives/web"), "w");
    });
    put(&work.world.admindir().join("status"), "the world's");
    work.commit(&disk).unwrap();
    let view: ViewName = "web".parse().unwrap();
    let world = WorldDir::main(&rig.layout.generation(&view, number(1)));
    let state = WorldState {
        layout: &rig.layout,
        view: &view,
        side: None,
        kind: StateKind::Own,
        world: &world,
        host: &rig.host,
    };
    put(&rig.hosts("var/tmp/users"), "u");
    let mounts = Mounts {
        mounts: state.context(&rig.looked(), true).unwrap(),
        user_namespace: false,
    };
    mounts.enter().unwrap();
    assert_eq!(read(rig.hosts("etc/web.conf")), "1");
    assert!(!exists(rig.hosts("etc/hosts.conf")));
    assert_eq!(read(rig.hosts("etc/foo/host.conf")), "of the package foo\n");
    assert_eq!(read(rig.hosts("etc/alternatives/web")), "w");
    assert_eq!(read(rig.hosts("var/lib/web/db")), "1");
    assert!(!exists(rig.hosts("var/lib/foo")));
    assert_eq!(read(rig.hosts("var/tmp/users")), "u");
    assert_eq!(read(rig.hosts("var/lib/dpkg/status")), "the world's");
    assert!(fs::write(rig.hosts("var/lib/dpkg/status"), "x").is_err());
    assert!(exists(rig.hosts("var/sys/views/web")));
    // What is written is the state's.
    put(&rig.hosts("etc/web.conf"), "2");
    put(&rig.hosts("var/lib/web/db"), "2");
    let own = rig.hosts("var/sys/views/web/state");
    assert_eq!(read(own.join("etc/web.conf")), "2");
    assert_eq!(read(own.join("var/lib/web/db")), "2");
}

#[test]
fn a_side_world_begins_as_the_main_one_is() {
    if !may() {
        return;
    }
    let rig = Rig::new();
    let disk = Disk::default();
    let work = Work::new(&rig, "web", StateKind::Own, 1)
        .begin(&disk)
        .unwrap();
    let work = work.left(|s| {
        put(&s.join("etc/web.conf"), "1");
        put(&s.join("var/lib/web/db"), "1");
    });
    work.commit(&disk).unwrap();
    // In one transaction, both.
    let main = Work::new(&rig, "web", StateKind::Own, 2)
        .begin(&disk)
        .unwrap();
    let mut side = Work::new(&rig, "web", StateKind::Own, 2);
    side.side = Some("redis@7".into());
    side.world = WorldDir::side(&side.pending, "redis@7");
    fs::create_dir_all(side.world.admindir()).unwrap();
    let layers = side.state().layers(&rig.looked()).unwrap();
    let scratch = side.pending.join("work-side");
    fs::create_dir(&scratch).unwrap();
    side.state()
        .begin(&disk, &scratch, &layers, Some(&main.state()))
        .unwrap();
    put(&scratch.join("var/lib/web/db"), "the side's");
    let changes = side
        .state()
        .sort(&disk, &side.pending, &scratch, &layers, true)
        .unwrap();
    changes.write(&disk, &side.world).unwrap();
    main.left(|s| put(&s.join("etc/main.conf"), "m"))
        .commit(&disk)
        .unwrap();
    let view: ViewName = "web".parse().unwrap();
    let state = rig.layout.view(&view).join("state");
    assert_eq!(read(state.join("var/lib/web/db")), "1");
    assert_eq!(read(state.join("redis@7/var/lib/web/db")), "the side's");
    assert_eq!(read(state.join("redis@7/etc/web.conf")), "1");
    assert!(!exists(state.join("redis@7/etc/main.conf")));
    let copies = rig.layout.generation(&view, number(2)).join("state");
    assert_eq!(read(copies.join("redis@7/etc/web.conf")), "1");
    assert_eq!(read(copies.join("etc/main.conf")), "m");
    let work = Work {
        side: Some("../x".into()),
        ..Work::new(&rig, "web", StateKind::Own, 3)
    };
    assert!(matches!(work.begin(&disk), Err(StateError::SideName(_))));
}

#[test]
fn where_things_are_in_a_scratch() {
    let layers = [
        (PathBuf::from("var"), "var".to_owned()),
        ("var/lib/x".into(), "var%2flib%2fx".to_owned()),
    ];
    let scratch = Scratch {
        dir: "/s".into(),
        layers: &layers,
    };
    for (path, at) in [
        ("var", "/s/var"),
        ("var/lib/xy", "/s/var/lib/xy"),
        ("var/lib/x", "/s/var%2flib%2fx"),
        ("var/lib/x/y", "/s/var%2flib%2fx/y"),
    ] {
        assert_eq!(scratch.at(Path::new(path)), Path::new(at));
    }
}
