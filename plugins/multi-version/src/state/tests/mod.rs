//! Transactions over a host of our own: with overlays that really are mounted, in a private mount namespace of the test's
//! thread, and with kills at each step.

mod accounts;
mod hosts;
mod kills;
mod own;

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
use crate::testing::{exists, put, read};

/// A host, and `/var/sys`, below one directory.
struct Rig {
    dir: tempfile::TempDir,
    layout: Layout,
    host: PathBuf,
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n";
const GROUP: &str = "root:x:0:\nadm:x:4:\n";

/// Whether what only root can do can be done here.
fn may() -> bool {
    let capable = rustix::thread::capabilities(None).unwrap().effective;
    let may = capable.contains(CapabilitySet::SYS_ADMIN);
    if !may {
        not_run::not_run("it needs CAP_SYS_ADMIN");
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

    /// One in a mount namespace of this thread's own, where that is allowed.
    fn in_private() -> Option<Rig> {
        let nothing = Mounts {
            mounts: Vec::new(),
            user_namespace: false,
        };
        may().then(|| {
            let rig = Rig::new();
            nothing.enter().unwrap();
            rig
        })
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
