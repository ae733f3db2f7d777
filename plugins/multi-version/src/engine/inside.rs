//! The two namespaces of a run.
//!
//! In dpkg's own, everything is as on the host, so that archives are found where the command line says; but the admindir
//! is the world's, `/etc` with its accounts is that of scripts, and the mounts below its tree make that a whole system to place files in:
//!
//! ```text
//! ROOT/usr, ROOT/opt, …     the tree itself
//! ROOT/etc, ROOT/var        the state, through a scratch
//! ROOT/dev, ROOT/run, …     the host's
//! TMPDIR                    the host's, where dpkg has what it only looks at
//! ```
//!
//! In that of scripts, `/` is what they would find on a system of their own:
//!
//! ```text
//! /usr, /opt, /srv, /boot   a scratch over the tree's over the host's
//! /etc, /var                ROOT/etc, ROOT/var
//! /root                     a scratch over the host's, which is dropped: a home is its user's
//! /                         a scratch over the host's, which is dropped: names of the machine's, as /vmlinuz
//! /var/lib/dpkg             the admindir
//! /var/sys/current-system   the world
//! /home, /tmp, /dev, …      the host's
//! ```
//!
//! The overlays over the tree are there while scripts run, and never while dpkg changes the tree below them.

use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::EngineError;
use super::merge::merge;
use super::transaction::MERGED as MERGED_INTO_TREE;
use crate::context::{Host, Mount, Namespace, Upper, carry_out, detach, seal_all_but};
use crate::generation::{Disk, is_dir, what_is_at};
use crate::layout::Layout;
use crate::rootless::is_mapped;
use crate::state::Layers;
use crate::world::WorldDir;

/// What of `/` is state.
const STATE: [&str; 2] = ["etc", "var"];
/// What of `/` is the machine's, or its users'.
const LIVE: [&str; 9] = [
    "dev", "home", "media", "mnt", "proc", "root", "run", "sys", "tmp",
];
/// What of `/` scripts may write although no package of the world is there yet.
const TREES: [&str; 4] = ["usr", "opt", "srv", "boot"];
/// What of `/` scripts may write, and nothing of it stays.
const HOME: &str = "root";
/// What of `/` the root of a user namespace has its own of, empty at first: what is the host's can't be written in.
const OWN: [&str; 2] = [HOME, "run"];
/// What is in its /run, with modes: users' locks.
const LOCKS: (&str, u32) = ("run/lock", 0o1777);
/// What is made in `/` itself.
pub(super) const TOP: &str = "top";
/// Where the root of scripts is mounted.
const ROOT: &str = "top.root";
/// Links of a merged `/usr`.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// The admindir, below a root.
const ADMINDIR: &str = "var/lib/dpkg";
/// What invoke-rc.d and deb-systemd-invoke ask: nothing may be done to services.
const POLICY: &str = "#!/bin/sh\nexit 101\n";
/// Directories that a script finds empty: /run/systemd says that systemd is at work.
const HIDDEN: [&str; 1] = ["run/systemd"];

type Done<T = ()> = Result<T, EngineError>;

/// What a run is to be in.
pub(super) struct Plan<'p> {
    pub disk: &'p Disk,
    pub layout: &'p Layout,
    pub world: &'p WorldDir,
    /// What is written to the layers of the state, and what overlayfs wants beside it.
    pub scratch: PathBuf,
    /// What lies under that.
    pub layers: Layers,
    /// What is written to trees, and mount points, in the pending generation.
    pub work: PathBuf,
}

impl Plan<'_> {
    /// Make the directories that the mounts need.
    pub fn prepare(&self) -> Done {
        let (disk, tree) = (self.disk, self.world.tree());
        for dir in STATE.iter().chain(&LIVE).chain(&TREES) {
            disk.make_dir(&tree.join(dir))?;
        }
        for name in MERGED {
            let (link, host) = (tree.join(name), Path::new("/").join(name));
            let is_link = look(&host)?.is_some_and(|is| is.is_symlink());
            if is_link && look(&link)?.is_none() {
                let to = Path::new("usr").join(name);
                symlink(&to, &link).map_err(EngineError::path("make link", &link))?;
                disk.make_dir(&tree.join(to))?;
            }
        }
        if let Some(parent) = self.work.parent() {
            disk.make_dir(parent)?;
        }
        disk.make_dir(&self.work)?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&self.work, private)
            .map_err(EngineError::path("protect", &self.work))?;
        disk.make_dir(&self.work.join(ROOT))?;
        for name in TREES.iter().chain([&HOME, &TOP]) {
            disk.make_dir(&self.work.join(name))?;
            disk.make_dir(&self.work.join(format!("{name}.work")))?;
        }
        if is_mapped() {
            let (lock, mode) = (self.work.join(LOCKS.0), LOCKS.1);
            disk.make_dir(&self.work.join("run"))?;
            disk.make_dir(&lock)?;
            fs::set_permissions(&lock, fs::Permissions::from_mode(mode))
                .map_err(EngineError::path("protect", &lock))?;
        }
        for dir in ["guard", "guard/usr", "guard/usr/sbin"] {
            disk.make_dir(&self.work.join(dir))?;
        }
        let policy = self.work.join("guard/usr/sbin/policy-rc.d");
        if look(&policy)?.is_none() {
            disk.write_as(&policy, POLICY.as_bytes(), 0o755)?;
        }
        Ok(())
    }

    /// Go in: into dpkg's namespace, with that of its scripts ready. Not by a thread that others share a directory with.
    pub fn enter(self) -> Done<Inside> {
        let host = Host::look(self.layout)?;
        let tree = self.world.tree();
        let ours = Namespace::new()?;
        let bind = |what: PathBuf, at: PathBuf| Mount::Bind {
            what,
            at,
            read_only: false,
        };
        // A mount of its own, so that it can be left writable; then what a context finds below it.
        let sys = self.layout.root().to_path_buf();
        let mut mounts = vec![
            Mount::Alone {
                what: sys.clone(),
                at: sys.clone(),
            },
            host.ground(self.layout, self.world.path())?,
        ];
        for layer in &self.layers.layers {
            mounts.push(Mount::Overlay {
                at: tree.join(&layer.at),
                layers: layer.under.clone(),
                upper: Some(Upper {
                    dir: self.scratch.join(&layer.scratch),
                    work: self.scratch.join(format!("{}.work", layer.scratch)),
                }),
                keep: Vec::new(),
            });
        }
        carry_out(&mounts)?;
        let state = tree.join("var");
        let mut mounts = vec![bind(sys, state.join("sys"))];
        for path in &self.layers.shown {
            mounts.push(bind(Path::new("/").join(path), tree.join(path)));
        }
        for dir in LIVE {
            let hosts = Path::new("/").join(dir);
            if is_there_a_dir(&hosts)? {
                mounts.push(bind(hosts, tree.join(dir)));
            }
        }
        for root in [&tree, Path::new("/")] {
            mounts.push(bind(self.world.admindir(), root.join(ADMINDIR)));
        }
        // Overrides name accounts that scripts of this very transaction have made.
        mounts.push(bind(tree.join("etc"), "/etc".into()));
        // Where dpkg has what it is only to look at.
        let tmp = std::env::temp_dir();
        if is_there_a_dir(&tmp)? {
            mounts.push(bind(tmp.clone(), tmp.clone()));
        }
        carry_out(&mounts)?;

        let mut scripts = Namespace::new()?;
        let mut mounts = vec![bind(state, "/var".into())];
        for dir in HIDDEN {
            let at = Path::new("/").join(dir);
            if !host.mapped && is_there_a_dir(&at)? {
                mounts.push(Mount::Hide { at });
            }
        }
        let home = Path::new("/").join(HOME);
        if host.mapped {
            // Neither is to be written in.
            for name in OWN {
                let at = Path::new("/").join(name);
                if is_there_a_dir(&at)? {
                    mounts.push(bind(self.work.join(name), at));
                }
            }
        } else if is_there_a_dir(&home)? {
            mounts.push(Mount::Overlay {
                keep: host.below(&home),
                layers: vec![home.clone()],
                upper: Some(Upper {
                    dir: self.work.join(HOME),
                    work: self.work.join(format!("{HOME}.work")),
                }),
                at: home,
            });
        }
        carry_out(&mounts)?;
        let upper = Upper {
            dir: self.work.join(TOP),
            work: self.work.join(format!("{TOP}.work")),
        };
        scripts.set_root_apart(&upper, &self.work.join(ROOT))?;
        let inside = Inside {
            plan: Owned {
                tree,
                work: self.work.clone(),
            },
            host,
            ours,
            scripts,
            laid: Cell::new(false),
            failed: RefCell::default(),
        };
        inside.leave_scripts()?;
        // Whatever goes wrong, nothing of the host's is changed by dpkg itself; nor what of it is bound there.
        let (sys, covered) = (self.layout.root(), self.layout.host());
        let admindir = Path::new("/").join(ADMINDIR);
        seal_all_but(|point| {
            point.starts_with(sys) && !point.starts_with(&covered)
                || point.starts_with(&admindir)
                || point.starts_with(&tmp)
        })?;
        Ok(inside)
    }
}

/// What of a plan is needed later.
struct Owned {
    tree: PathBuf,
    work: PathBuf,
}

/// The process is in dpkg's namespace.
pub(super) struct Inside {
    plan: Owned,
    host: Host,
    ours: Namespace,
    scripts: Namespace,
    /// Whether the overlays over the tree are there.
    laid: Cell<bool>,
    /// What went wrong where nobody could be told.
    failed: RefCell<Option<String>>,
}

impl Inside {
    /// Remember a failure, for who asks next.
    pub fn fail(&self, why: impl ToString) {
        self.failed.borrow_mut().get_or_insert(why.to_string());
    }

    /// The first one.
    pub fn failed(&self) -> Option<String> {
        self.failed.borrow().clone()
    }

    /// Where the files of packages go.
    pub fn tree(&self) -> &Path {
        &self.plan.tree
    }

    /// To where scripts run.
    pub fn enter_scripts(&self) -> Done {
        self.scripts.enter()?;
        if self.laid.replace(true) {
            return Ok(());
        }
        carry_out(&self.overlays()?)?;
        Ok(())
    }

    /// Back to where dpkg is.
    pub fn leave_scripts(&self) -> Done {
        Ok(self.ours.enter()?)
    }

    /// What scripts wrote below the tree comes into it, and can be seen and changed by dpkg.
    pub fn settle(&self) -> Done {
        if !self.laid.replace(false) {
            return Ok(());
        }
        let names = self.names()?;
        self.scripts.enter()?;
        for name in &names {
            detach(&Path::new("/").join(name))?;
        }
        self.leave_scripts()?;
        let mut any = false;
        for name in &names {
            let tree = self.plan.tree.join(name);
            any |= merge(
                &self.plan.work.join(name),
                &tree,
                &Path::new("/").join(name),
            )?;
        }
        let told = self.plan.work.join(MERGED_INTO_TREE);
        if any && look(&told)?.is_none() {
            fs::write(&told, "").map_err(EngineError::path("write", &told))?;
        }
        Ok(())
    }

    /// The directories of `/` that are of the tree.
    fn names(&self) -> Done<Vec<String>> {
        let mut names = Vec::new();
        for name in TREES {
            if is_there_a_dir(&Path::new("/").join(name))? {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn overlays(&self) -> Done<Vec<Mount>> {
        let mounts = self.names()?.into_iter().map(|name| {
            let at = Path::new("/").join(&name);
            let mut layers = vec![self.plan.tree.join(&name), at.clone()];
            if name == "usr" {
                layers.insert(0, self.plan.work.join("guard/usr"));
            }
            Mount::Overlay {
                keep: self.host.below(&at),
                layers,
                upper: Some(Upper {
                    dir: self.plan.work.join(&name),
                    work: self.plan.work.join(format!("{name}.work")),
                }),
                at,
            }
        });
        Ok(mounts.collect())
    }
}

fn look(path: &Path) -> Done<Option<fs::Metadata>> {
    what_is_at(path).map_err(EngineError::path("look at", path))
}

/// A link to one is one.
fn is_there_a_dir(path: &Path) -> Done<bool> {
    is_dir(path).map_err(EngineError::path("look at", path))
}
