//! Content that is on disk already.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use super::*;
use crate::archive::deb::{DebFile, Part};
use crate::archive::tar::TarReader;
use crate::hooks::{Payload, PayloadFile};
use crate::pkg::PkgId;
use crate::report::Silent;

/// Has the content of one archive below a directory, whose paths start with `at`.
#[derive(Clone)]
struct Store {
    archive: PathBuf,
    dir: PathBuf,
    at: &'static str,
    /// Of these another name may not be made.
    own: &'static str,
    asked: Log,
}

impl Hook for Store {
    fn payload(&mut self, _: &PkgTable, archive: &DebFile) -> Result<Option<Payload>> {
        let is = archive.name() == text(&self.archive).as_bytes();
        Ok(is.then(|| Payload {
            headers: File::open(self.dir.join("headers")).unwrap(),
            root: File::open(&self.dir).unwrap().into(),
        }))
    }
    fn payload_file(&mut self, _: &PkgTable, _: PkgId, path: &[u8]) -> Result<PayloadFile> {
        let path = String::from_utf8_lossy(path).into_owned();
        self.asked.borrow_mut().push(path.clone());
        Ok(PayloadFile {
            link: path != self.own,
            path: format!("{}{path}", self.at).into_bytes(),
        })
    }
}

/// Put the content of an archive into `DIR/pay`, and its headers into `DIR/headers`.
fn store(rig: &Rig, deb: &Path) -> Store {
    let dir = rig.path("/store");
    fs::create_dir_all(dir.join("pay")).unwrap();
    let opened = DebFile::open(deb).unwrap();
    let stream = opened.member(Part::Data, &mut Silent).unwrap();
    let mut tar = TarReader::new(stream.stream(1).unwrap());
    let headers = File::create(dir.join("headers")).unwrap();
    tar.copy_headers(Box::new(headers));
    let top = File::open(dir.join("pay")).unwrap();
    let mut below = crate::archive::extract::Below::exactly(top.into());
    while let Some(entry) = tar.next_entry().unwrap() {
        below.put(&entry, &mut tar).unwrap();
    }
    below.finish().unwrap();
    Store {
        archive: deb.to_owned(),
        dir,
        at: "/pay",
        own: "",
        asked: Log::default(),
    }
}

fn meta(rig: &Rig, path: &str) -> Metadata {
    fs::symlink_metadata(rig.path(path)).unwrap()
}

fn unpack(rig: &Rig, store: Store) -> (i32, String) {
    let deb = store.archive.clone();
    let code = dpkg(rig, Action::Unpack, &[text(&deb)], vec![Box::new(store)]);
    (code, rig.take_said())
}

/// What is placed is what would be unpacked, and the payload stays as it was.
#[test]
fn files_are_linked_where_they_are_as_wanted() {
    let plain = Rig::new("");
    let rig = Rig::new("");
    let long = format!("usr/{}/f", "long".repeat(60));
    let make = |rig: &Rig| {
        let files = [
            ("DEBIAN/conffiles", Some("/etc/c\n")),
            ("etc/c", Some("c\n")),
            ("usr/x1", Some("x\n")),
            ("usr/own", Some("own\n")),
            ("usr/late", Some("late\n")),
            (&long, Some("long\n")),
            ("usr/empty", Some("")),
        ];
        rig.deb(&control("a", ""), &files, |tree| {
            fs::hard_link(tree.join("usr/x1"), tree.join("usr/x2")).unwrap();
            std::os::unix::fs::symlink("x1", tree.join("usr/s")).unwrap();
        })
    };
    let (deb, other) = (make(&rig), make(&plain));
    let mut store = store(&rig, &deb);
    store.own = "/usr/own";
    let asked = store.asked.clone();
    // What has another mode or time is not what the archive has.
    let pay = |path: &str| format!("/store/pay{path}");
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(rig.path(&pay("/usr/empty")), mode).unwrap();
    let late = File::options()
        .write(true)
        .open(rig.path(&pay("/usr/late")))
        .unwrap();
    late.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    // Nothing else of the archive is read.
    let size = fs::metadata(&deb).unwrap().len();
    let cut = File::options().write(true).open(&deb).unwrap();
    cut.set_len(size - 2048).unwrap();

    let (code, said) = unpack(&rig, store);
    assert_eq!(code, 0, "{said}");
    assert_eq!(dpkg(&plain, Action::Unpack, &[text(&other)], Vec::new()), 0);
    assert_eq!(asked.borrow().len(), 6, "{:?}", asked.borrow());
    let long = format!("/{long}");
    for path in ["/usr/x1", "/usr/x2", &long] {
        assert_eq!(
            meta(&rig, path).ino(),
            meta(&rig, &pay(path)).ino(),
            "{path}"
        );
    }
    assert_eq!(meta(&rig, "/usr/x1").nlink(), 4);
    for path in ["/usr/own", "/usr/late", "/usr/empty", "/etc/c.dpkg-new"] {
        assert_eq!(meta(&rig, path).nlink(), 1, "{path}");
    }
    for path in [
        "/usr/x1",
        "/usr/own",
        "/usr/late",
        "/usr/empty",
        "/usr/s",
        "/etc/c.dpkg-new",
    ] {
        let (one, two) = (meta(&rig, path), meta(&plain, path));
        let of = |m: &Metadata| {
            (
                m.mode(),
                m.uid(),
                m.gid(),
                m.mtime(),
                m.mtime_nsec(),
                m.len(),
            )
        };
        assert_eq!(of(&one), of(&two), "{path}");
        assert_eq!(rig.get(path), plain.get(path), "{path}");
    }
    assert_eq!(meta(&rig, &pay("/usr/empty")).mode() & 0o7777, 0o600);
    // The archive has no md5sums: they are of the content.
    let sums = |rig: &Rig| rig.get("/var/lib/dpkg/info/a.md5sums").unwrap();
    assert_eq!(sums(&rig), sums(&plain));
    assert_eq!(sums(&rig).lines().count(), 7);
}

/// A hard link that is to be otherwise than the payload has it does not change the payload.
#[test]
fn a_hard_link_of_its_own_mode_parts_from_the_payload() {
    let rig = Rig::new("");
    let deb = rig.deb(
        &control("a", ""),
        &[("usr/x1", Some("x\n")), ("usr/y", Some("y\n"))],
        |tree| {
            fs::hard_link(tree.join("usr/x1"), tree.join("usr/x2")).unwrap();
            fs::hard_link(tree.join("usr/x1"), tree.join("usr/x3")).unwrap();
        },
    );
    let ids = fs::metadata(rig.path("/")).unwrap();
    let (uid, gid) = (ids.uid(), ids.gid());
    let line = format!("#{uid} #{gid} 2755 /usr/x3\n");
    rig.put("/var/lib/dpkg/statoverride", &line);
    let store = store(&rig, &deb);
    let (code, said) = unpack(&rig, store);
    assert_eq!(code, 0, "{said}");
    let [x1, x2, x3] = ["/usr/x1", "/usr/x2", "/usr/x3"].map(|p| meta(&rig, p));
    assert_eq!((x1.ino(), x1.ino()), (x2.ino(), x3.ino()));
    assert_eq!((x1.nlink(), x1.mode() & 0o7777), (3, 0o2755));
    assert_eq!(rig.get("/usr/x2").as_deref(), Some("x\n"));
    let kept = meta(&rig, "/store/pay/usr/x1");
    assert_eq!((kept.nlink(), kept.mode() & 0o7777), (3, 0o644));
    assert_eq!(meta(&rig, "/usr/y").nlink(), 2);
}

/// A statoverride, or a hook that rewrites, gets a copy.
#[test]
fn what_is_changed_is_a_copy() {
    struct Shout;
    impl Hook for Shout {
        fn wants_content(&mut self, _: &PkgTable, _: PkgId, path: &[u8]) -> bool {
            path == b"/usr/x"
        }
        fn rewrite(&mut self, _: &PkgTable, _: PkgId, _: &[u8], file: &Path) -> Result<()> {
            fs::write(file, "X\n").unwrap();
            Ok(())
        }
    }
    let rig = Rig::new("");
    let files = [("usr/x", Some("x\n")), ("usr/y", Some("y\n"))];
    let deb = rig.deb(&control("a", ""), &files, |_| {});
    let ids = fs::metadata(rig.path("/")).unwrap();
    let line = format!("#{} #{} 600 /usr/y\n", ids.uid(), ids.gid());
    rig.put("/var/lib/dpkg/statoverride", &line);
    let store = store(&rig, &deb);
    let hooks: Vec<Box<dyn Hook>> = vec![Box::new(store), Box::new(Shout)];
    assert_eq!(dpkg(&rig, Action::Unpack, &[text(&deb)], hooks), 0);
    for (path, content, mode) in [("/usr/x", "X\n", 0o644), ("/usr/y", "y\n", 0o600)] {
        assert_eq!(rig.get(path).as_deref(), Some(content));
        assert_eq!(meta(&rig, path).mode() & 0o7777, mode);
        assert_eq!(meta(&rig, path).nlink(), 1);
    }
    let sums = rig.get("/var/lib/dpkg/info/a.md5sums").unwrap();
    let sum = crate::digest::md5_reader(&mut &b"X\n"[..]).unwrap();
    assert!(sums.contains(&format!("{sum}  usr/x\n")), "{sums}");
    assert_eq!(rig.get("/store/pay/usr/x").as_deref(), Some("x\n"));
}

/// A payload that is not the archive's fails it, and nothing of it is left.
#[test]
fn a_payload_that_lacks_a_file_is_unwound() {
    for wrong in ["missing", "longer", "directory", "link"] {
        let rig = Rig::new("");
        let files = [("usr/x", Some("x\n")), ("usr/y", Some("y\n"))];
        let deb = rig.deb(&control("a", ""), &files, |_| {});
        let store = store(&rig, &deb);
        let y = rig.path("/store/pay/usr/y");
        fs::remove_file(&y).unwrap();
        match wrong {
            "longer" => fs::write(&y, "long\n").unwrap(),
            "directory" => fs::create_dir(&y).unwrap(),
            "link" => std::os::unix::fs::symlink("x", &y).unwrap(),
            _ => {}
        }
        let (code, said) = unpack(&rig, store);
        assert_eq!(code, 1, "{wrong}: {said}");
        assert!(said.contains("/pay/usr/y'"), "{wrong}: {said}");
        assert!(!rig.path("/usr").exists(), "{wrong}");
        assert_eq!(rig.get("/store/pay/usr/x").as_deref(), Some("x\n"));
        assert_eq!(meta(&rig, "/store/pay/usr/x").nlink(), 1);
    }
}

/// Another instance's files have to be the payload's.
#[test]
fn shared_files_are_compared_with_the_payload() {
    for (content, expected) in [("x\n", 0), ("z\n", 1)] {
        let rig = Rig::new("");
        let deb = |arch: &str, content| {
            let text = control("a", "Multi-Arch: same\n").replace("amd64", arch);
            rig.deb(&text, &[("usr/x", Some(content))], |_| {})
        };
        let (one, two) = (deb("amd64", "x\n"), deb("i386", content));
        assert_eq!(dpkg(&rig, Action::Unpack, &[text(&one)], Vec::new()), 0);
        let store = store(&rig, &two);
        let (code, said) = unpack(&rig, store);
        assert_eq!(code, expected, "{said}");
        assert_eq!(rig.get("/usr/x").as_deref(), Some("x\n"));
        assert_eq!(meta(&rig, "/usr/x").nlink(), 1);
    }
}

/// An owner that differs, too, makes a copy.
#[test]
fn another_owner_makes_a_copy() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let rig = Rig::new("");
    let deb = rig.deb(&control("a", ""), &[("usr/x", Some("x\n"))], |_| {});
    let store = store(&rig, &deb);
    chown(rig.path("/store/pay/usr/x"), Some(12), None).unwrap();
    let (code, said) = unpack(&rig, store);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        (meta(&rig, "/usr/x").uid(), meta(&rig, "/usr/x").nlink()),
        (0, 1)
    );
    assert_eq!(meta(&rig, "/store/pay/usr/x").uid(), 12);
}

/// What stands there already is the payload's own file: the kernel renames nothing then.
#[test]
fn the_same_once_more_leaves_nothing() {
    let rig = Rig::new("");
    let deb = rig.deb(&control("a", ""), &[("usr/x", Some("x\n"))], |tree| {
        fs::hard_link(tree.join("usr/x"), tree.join("usr/y")).unwrap();
    });
    let store = store(&rig, &deb);
    for _ in 0..2 {
        let (code, said) = unpack(&rig, store.clone());
        assert_eq!(code, 0, "{said}");
    }
    let names = fs::read_dir(rig.path("/usr")).unwrap();
    let mut names: Vec<_> = names.map(|n| n.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["x", "y"]);
    assert_eq!(
        meta(&rig, "/usr/x").ino(),
        meta(&rig, "/store/pay/usr/x").ino()
    );
}
