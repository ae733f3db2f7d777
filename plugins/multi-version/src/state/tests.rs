//! Transactions over a host of our own: with overlays that really are mounted, in a private mount namespace of the test's
//! thread, and with kills at each step.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::mount::{UnmountFlags, unmount};
use rustix::thread::CapabilitySet;

use super::sorting::Scratch;
use super::*;
use crate::context::{Host, Mount, Mounts, Upper};
use crate::generation::{Disk, Step as DiskStep};
use crate::layout::GenerationNumber;

/// A host, and `/var/sys`, below one directory.
struct Rig {
    dir: tempfile::TempDir,
    layout: Layout,
    host: PathBuf,
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n";
const GROUP: &str = "root:x:0:\nadm:x:4:\n";

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn exists(path: impl AsRef<Path>) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Whether what only root can do can be done here.
fn may() -> bool {
    let capable = rustix::thread::capabilities(None).unwrap().effective;
    let may = capable.contains(CapabilitySet::SYS_ADMIN);
    if !may {
        eprintln!("not run: it needs CAP_SYS_ADMIN");
    }
    may
}

impl Rig {
    fn new() -> Rig {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let host = dir.path().join("host");
        let layout = Layout::new(host.join("var/sys"));
        for (path, text) in [
            ("etc/passwd", PASSWD),
            ("etc/group", GROUP),
            ("etc/shadow", "root:*:1:0:99999:7:::\n"),
            ("etc/gshadow", "root:*::\nadm:*::\n"),
            ("etc/hosts.conf", "the administrator's\n"),
            ("etc/machine-id", "0123\n"),
            ("etc/alternatives/awk", "x"),
            ("etc/foo/host.conf", "of the package foo\n"),
            ("var/lib/foo/data", "of the package foo\n"),
            ("var/lib/pam/seen", "unix\n"),
            ("var/log/messages", "one\n"),
            ("var/cache/ldconfig/aux-cache", "x"),
            (
                "var/lib/dpkg/info/foo.list",
                "/.\n/etc\n/etc/foo\n/etc/foo/host.conf\n/var/lib/foo\n/var/lib/foo/data\n",
            ),
            ("usr/share/foo", "x"),
        ] {
            put(&host.join(path), text);
        }
        fs::set_permissions(host.join("etc/shadow"), Permissions::from_mode(0o640)).unwrap();
        fs::create_dir_all(host.join("var/tmp")).unwrap();
        symlink("/run", host.join("var/run")).unwrap();
        fs::create_dir_all(layout.root()).unwrap();
        drop(crate::generation::Sys::open(layout.clone(), Disk::default(), false).unwrap());
        Rig { dir, layout, host }
    }

    /// A mount namespace of this thread's own.
    fn private(&self) {
        let nothing = Mounts {
            mounts: Vec::new(),
            user_namespace: false,
        };
        nothing.enter().unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn hosts(&self, path: &str) -> PathBuf {
        self.host.join(path)
    }

    fn looked(&self) -> Host {
        let mut host = Host::look(&self.layout).unwrap();
        host.root = self.host.clone();
        host
    }

    /// All of the host's etc and var but what is ours: path, mode, owner, content.
    fn picture(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        picture(&self.host, Path::new("etc"), &mut found);
        picture(&self.host, Path::new("var"), &mut found);
        found.remove(Path::new("etc/.pwd.lock"));
        found
    }
}

fn picture(root: &Path, path: &Path, found: &mut BTreeMap<PathBuf, String>) {
    if path == Path::new("var/sys") {
        return;
    }
    let at = root.join(path);
    let is = fs::symlink_metadata(&at).unwrap();
    let kind = is.file_type();
    let what = if kind.is_dir() {
        "dir".into()
    } else if kind.is_symlink() {
        format!("-> {}", fs::read_link(&at).unwrap().display())
    } else if kind.is_file() {
        String::from_utf8_lossy(&fs::read(&at).unwrap()).into_owned()
    } else {
        format!("{kind:?} {}", is.rdev())
    };
    let facts = format!("{:o} {} {} {what}", is.mode(), is.uid(), is.gid());
    found.insert(path.into(), facts);
    if kind.is_dir() {
        for entry in fs::read_dir(&at).unwrap() {
            picture(root, &path.join(entry.unwrap().file_name()), found);
        }
    }
}

fn number(n: u32) -> GenerationNumber {
    n.to_string().parse().unwrap()
}

/// A transaction on a view.
struct Work<'r> {
    rig: &'r Rig,
    view: ViewName,
    kind: StateKind,
    side: Option<String>,
    number: u32,
    pending: PathBuf,
    world: WorldDir,
    layers: Option<Layers>,
}

impl<'r> Work<'r> {
    fn new(rig: &'r Rig, view: &str, kind: StateKind, n: u32) -> Work<'r> {
        let view: ViewName = view.parse().unwrap();
        let pending = rig.layout.tmp().join(format!("{view}-{n}"));
        let world = WorldDir::main(&pending);
        fs::create_dir_all(world.admindir().join("info")).unwrap();
        fs::create_dir_all(rig.layout.generations(&view)).unwrap();
        Work {
            rig,
            view,
            kind,
            side: None,
            number: n,
            pending,
            world,
            layers: None,
        }
    }

    /// What the world has is that of the generation before.
    fn after(self, before: u32) -> Work<'r> {
        let etc = self.rig.layout.generation(&self.view, number(before));
        let etc = WorldDir::main(&etc).etc();
        if etc.is_dir() {
            place::copy_tree(&etc, &self.world.etc(), true).unwrap();
        }
        self
    }

    fn state(&self) -> WorldState<'_> {
        WorldState {
            layout: &self.rig.layout,
            view: &self.view,
            side: self.side.as_deref(),
            kind: self.kind,
            world: &self.world,
            host: &self.rig.host,
        }
    }

    fn scratch(&self) -> PathBuf {
        self.pending.join("work")
    }

    fn begin(mut self, disk: &Disk) -> Done<Work<'r>> {
        let layers = self.state().layers(&self.rig.looked())?;
        disk.make_dir(&self.scratch())?;
        self.state().begin(disk, &self.scratch(), &layers, None)?;
        self.layers = Some(layers);
        Ok(self)
    }

    /// Write through overlays.
    fn through(self, write: impl FnOnce(&Path)) -> Work<'r> {
        let root = self.rig.path("mnt");
        let mut mounts = Vec::new();
        let layers = self.layers.as_ref().unwrap();
        for layer in &layers.layers {
            let at = root.join(&layer.at);
            if layer.at.components().count() == 1 {
                fs::create_dir_all(&at).unwrap();
            }
            let mut under = layer.under.clone();
            if under.len() == 1 && !exists(&under[0]) {
                under.clear();
            }
            mounts.push(Mount::Overlay {
                at,
                layers: under,
                upper: Some(Upper {
                    dir: self.scratch().join(&layer.scratch),
                    work: self.scratch().join(format!("{}.work", layer.scratch)),
                }),
                keep: Vec::new(),
            });
        }
        let points: Vec<PathBuf> = layers.layers.iter().map(|l| root.join(&l.at)).collect();
        let mounts = Mounts {
            mounts,
            user_namespace: false,
        };
        mounts.enter().unwrap();
        write(&root);
        for point in points.iter().rev() {
            unmount(point, UnmountFlags::DETACH).unwrap();
        }
        self
    }

    /// Write what an overlay would leave.
    fn left(self, write: impl FnOnce(&Path)) -> Work<'r> {
        write(&self.scratch());
        self
    }

    fn sort(&self, disk: &Disk) -> Done<Changes> {
        let layers = self.layers.as_ref().unwrap();
        self.state()
            .sort(disk, &self.pending, &self.scratch(), layers, true)
    }

    /// To its end.
    fn commit(self, disk: &Disk) -> Done<Vec<Kept>> {
        let changes = self.sort(disk)?;
        changes.write(disk, &self.world)?;
        let home = self.rig.layout.generation(&self.view, number(self.number));
        // What makes a generation one.
        let manifest = crate::testing::manifest(&self.view, number(self.number), &[]);
        let text = manifest.to_text();
        disk.write(&self.pending.join("manifest"), text.as_bytes())?;
        disk.rename(&self.pending, &home)?;
        let mut kept = changes.kept;
        kept.extend(self.carry(disk)?);
        kept.sort();
        Ok(kept)
    }

    fn carry(&self, disk: &Disk) -> Done<Vec<Kept>> {
        let (layout, host) = (&self.rig.layout, &self.rig.host);
        carry_out(disk, layout, &self.view, number(self.number), host)
    }
}

fn whiteout(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let (kind, mode) = (
        rustix::fs::FileType::CharacterDevice,
        rustix::fs::Mode::empty(),
    );
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
}

fn opaque(path: &Path) {
    fs::create_dir_all(path).unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::lsetxattr(path, "trusted.overlay.opaque", b"y", flags).unwrap();
}

fn kept(kept: &[Kept]) -> Vec<(String, Wanted, Why)> {
    let row = |k: &Kept| (k.path.display().to_string(), k.wanted, k.why.clone());
    kept.iter().map(row).collect()
}

#[test]
fn an_own_state_takes_everything_and_the_host_stays() {
    if !may() {
        return;
    }
    let rig = Rig::new();
    rig.private();
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
fn on_the_host_nothing_is_changed_that_is_not_ours() {
    if !may() {
        return;
    }
    let rig = Rig::new();
    rig.private();
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

#[test]
fn accounts_are_added_and_never_changed() {
    let rig = Rig::new();
    let (made, before) = (rig.path("made"), rig.path("before"));
    let etc = rig.hosts("etc");
    fs::create_dir_all(&before).unwrap();
    fs::create_dir_all(&made).unwrap();
    accounts::note(&Disk::default(), &etc, &before).unwrap();
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
        eprintln!("not run: it needs perl");
        return;
    };
    let mut told = [0; 6];
    let mut out = child.stdout.take().unwrap();
    io::Read::read_exact(&mut out, &mut told).unwrap();
    let locked = accounts::lock(&etc, 1);
    assert!(matches!(locked, Err(StateError::AccountsLocked(_))));
    drop(child.stdin.take());
    child.wait().unwrap();
    accounts::lock(&etc, 1).unwrap();
}

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

#[test]
fn another_file_system_below_var() {
    if !may() {
        return;
    }
    let rig = Rig::new();
    rig.private();
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
    if !may() {
        return;
    }
    let rig = Rig::new();
    rig.private();
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
