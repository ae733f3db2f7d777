//! Accounts are added, whoever else is at them.

use super::*;
use crate::state::accounts::{lock, note};

#[test]
fn accounts_are_added_and_never_changed() {
    let rig = Rig::new();
    let (made, before) = (rig.path("made"), rig.path("before"));
    let etc = rig.hosts("etc");
    fs::create_dir_all(&before).unwrap();
    fs::create_dir_all(&made).unwrap();
    note(&Disk::default(), &etc, &before).unwrap();
    put(
        &made.join("passwd"),
        "root:x:0:0:root:/root:/bin/bash\n_db:x:105:110:,,,:/var/lib/db:/bin/false\n+nis\n",
    );
    put(
        &made.join("group"),
        "root:x:0:\nadm:x:4:_db,bob\ndb:x:110:\n",
    );
    put(
        &made.join("shadow"),
        "_db:!:20000::::::\nroot:*:1:0:99999:7:::\n",
    );
    put(&made.join("gshadow"), "root:*::\nadm:*::_db\ndb:!::\n");
    put(&made.join("subuid"), "_db:100000:65536\n");
    let (additions, changed) = Additions::between(&before, &made).unwrap();
    assert_eq!(
        kept(&changed),
        [(
            "etc/passwd".into(),
            Wanted::Change,
            Why::Account("root".into())
        )]
    );
    // The administrator has added one meanwhile, and uses another source, too.
    put(
        &etc.join("passwd"),
        "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n+::::::\n",
    );
    let disk = Disk::default();
    for _ in 0..2 {
        additions.add(&disk, &etc).unwrap();
        assert_eq!(
            read(etc.join("passwd")),
            "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n\
             _db:x:105:110:,,,:/var/lib/db:/bin/false\n+::::::\n"
        );
        assert_eq!(
            read(etc.join("group")),
            "root:x:0:\nadm:x:4:_db,bob\ndb:x:110:\n"
        );
        assert_eq!(
            read(etc.join("shadow")),
            "root:*:1:0:99999:7:::\n_db:!:20000::::::\n"
        );
        assert_eq!(read(etc.join("gshadow")), "root:*::\nadm:*::_db\ndb:!::\n");
        assert_eq!(read(etc.join("subuid")), "_db:100000:65536\n");
        assert!(!exists(etc.join("subgid")));
    }
    let mode = |p: &str| fs::metadata(etc.join(p)).unwrap().mode() & 0o7777;
    assert_eq!((mode("shadow"), mode("subuid")), (0o640, 0o644));
    // Read from the log, it is the same.
    let mut again = Additions::default();
    for line in additions.to_lines() {
        again.take_line(&line).unwrap();
    }
    assert_eq!(again, additions);
    for (file, text, about) in [
        ("passwd", "root:x:0:0:::\neve:x:105:1::/:/bin/sh\n", "eve"),
        (
            "passwd",
            "root:x:0:0:::\n_db:x:106:1::/:/bin/sh\n",
            "another number",
        ),
        ("group", "root:x:0:\nadm:x:4:\nwheel:x:110:\n", "wheel"),
        ("subuid", "eve:165535:10\n", "eve"),
    ] {
        let (was, all) = (read(etc.join(file)), rig.picture());
        put(&etc.join(file), text);
        let with = rig.picture();
        let clash = additions.add(&disk, &etc).unwrap_err().to_string();
        assert!(clash.contains(about), "{clash}");
        assert_eq!(rig.picture(), with);
        put(&etc.join(file), &was);
        assert_eq!(rig.picture(), all);
    }
}

#[test]
fn who_has_the_lock_of_the_accounts_is_not_disturbed() {
    let rig = Rig::new();
    let etc = rig.hosts("etc");
    put(&etc.join(".pwd.lock"), "");
    // Another process, as such a lock is a process's.
    let script = "use Fcntl; open(F, '>>', $ARGV[0]) or die; \
                  my $lock = pack('s s l! l! i', F_WRLCK, 0, 0, 0, 0); \
                  fcntl(F, F_SETLK, $lock) or die; $| = 1; print \"locked\"; <STDIN>";
    let child = std::process::Command::new("perl")
        .args(["-e", script, etc.join(".pwd.lock").to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        not_run::not_run("it needs perl");
        return;
    };
    let mut told = [0; 6];
    let mut out = child.stdout.take().unwrap();
    io::Read::read_exact(&mut out, &mut told).unwrap();
    let locked = lock(&etc, 1);
    assert!(matches!(locked, Err(StateError::AccountsLocked(_))));
    drop(child.stdin.take());
    child.wait().unwrap();
    lock(&etc, 1).unwrap();
}
