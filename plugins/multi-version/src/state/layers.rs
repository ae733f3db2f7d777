//! What lies under `/etc` and `/var`.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::rules::{self, OF_USR, SHOWN, SHOWN_IN_CONTEXTS};
use super::upper::is_dir;
use super::{Done, StateError, StateKind, WorldState, upper};
use crate::context::{Host, Mount, Upper};
use crate::generation::{self, is_absent};
use crate::manifest::path::escape;

/// What a transaction lays over each other for `/etc` and `/var`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Each to be overlaid, in this order.
    pub layers: Vec<Layer>,
    /// What of the host shows as it is, writable, relative to `/`: to be bound over the layers after all of them. It is
    /// there on the host; a directory (or for a file, a file) to bind it on is to be made if it is not there.
    pub shown: Vec<PathBuf>,
}

/// Something that is overlaid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where, relative to `/`: `etc`, `var`, or a mount of the host below them.
    pub at: PathBuf,
    /// What lies there under the scratch, the first on top.
    pub under: Vec<PathBuf>,
    /// The name of its upper directory in the scratch; that of its work directory has `.work` behind it. Both are there
    /// after [`WorldState::begin`].
    pub scratch: String,
}

/// Directories that are state.
pub(super) const TOPS: [&str; 2] = ["etc", "var"];

/// File systems that hold files, so that one may be under an overlay, and whose files are not to be changed by scripts.
/// All others show as they are: the kernel's own, those of a network, overlays of containers.
const WITH_FILES: [&str; 11] = [
    "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "tmpfs", "xfs", "zfs",
];

/// Where everything of this is, which shows by itself.
const SYS: &str = "var/sys";

/// The links of update-alternatives: the world's count before the host's.
const ALTERNATIVES: &str = "etc/alternatives";

/// What of the world's `etc/` is for scripts alone, and for who manages services: the machine's, in a context.
fn is_unseen(path: &Path) -> bool {
    rules::has(OF_USR, path) && !path.starts_with(ALTERNATIVES)
}

impl WorldState<'_> {
    /// Its own `etc` or `var`: the view's, or if there is none yet, the new one in the world.
    pub(super) fn own(&self, top: &str) -> Done<PathBuf> {
        let own = self.dir().join(top);
        Ok(match is_dir(&own)? {
            true => own,
            false => self.new_state().join(top),
        })
    }

    /// Where a world's first state is made.
    pub(super) fn new_state(&self) -> PathBuf {
        self.world.path().join(super::STATE)
    }

    /// Roots that have an `etc` or a `var` under the scratch, the first on top. Not all need be there.
    pub(super) fn roots(&self, top: &str) -> Done<Vec<PathBuf>> {
        let own = || -> Done<_> { Ok(self.own(top)?.parent().map(Path::to_path_buf)) };
        let world = self.world.path().to_path_buf();
        let host = self.host.to_path_buf();
        Ok(match (self.kind, top) {
            (StateKind::Own, "etc") => own()?.into_iter().chain([world, host]).collect(),
            (StateKind::Own, _) => [world].into_iter().chain(own()?).collect(),
            (StateKind::Host, _) => vec![world, host],
        })
    }

    /// What a transaction lays over each other. The same each time it is asked, as long as nobody mounts.
    pub fn layers(&self, host: &Host) -> Done<Layers> {
        let mut layers = Layers {
            layers: Vec::new(),
            shown: Vec::new(),
        };
        for top in TOPS {
            let hosts = self.host.join(top);
            if !leads_to_dir(&hosts)? {
                return Err(StateError::NoDirectory(hosts));
            }
            layers.layers.push(self.layer(top, Path::new(top))?);
        }
        for top in TOPS {
            if (self.kind, top) == (StateKind::Own, "var") {
                continue;
            }
            for (point, kind) in host.mounts_below(&host.root.join(top)) {
                let Ok(at) = point.strip_prefix(&host.root) else {
                    continue;
                };
                if at.starts_with(SYS) {
                    continue;
                }
                let with_files = WITH_FILES.iter().any(|k| k.as_bytes() == kind);
                match with_files && is_dir(&self.host.join(at))? {
                    true => layers.layers.push(self.layer(top, at)?),
                    false => layers.shown.push(at.into()),
                }
            }
        }
        if self.kind == StateKind::Own {
            for (path, _) in SHOWN {
                if is_dir(&self.host.join(path))? {
                    layers.shown.push(path.into());
                }
            }
        }
        Ok(layers)
    }

    fn layer(&self, top: &str, at: &Path) -> Done<Layer> {
        let (own, host) = (self.own(top)?, self.host.join(at));
        let mut under = Vec::new();
        for path in self.roots(top)?.into_iter().map(|root| root.join(at)) {
            // A first state is made after the layers were asked for, and the host's may be a link.
            let is_there = path == own
                || match path == host {
                    true => leads_to_dir(&path)?,
                    false => is_dir(&path)?,
                };
            if is_there {
                under.push(path);
            }
        }
        let scratch = match at == Path::new(top) {
            true => top.to_owned(),
            false => escape(at).replace('/', "%2f"),
        };
        Ok(Layer {
            at: at.into(),
            under,
            scratch,
        })
    }

    /// What a context of the world mounts, after [`Mount::Ground`], which has to hold the host's `var`, too. `write`: the
    /// caller may change the state of /etc (root without a user namespace).
    pub fn context(&self, host: &Host, write: bool) -> Done<Vec<Mount>> {
        match self.kind {
            StateKind::Host => self.context_of_host(host),
            StateKind::Own => self.context_of_own(host, write),
        }
    }

    fn context_of_own(&self, host: &Host, write: bool) -> Done<Vec<Mount>> {
        let (dir, etc) = (self.dir(), host.root.join("etc"));
        let mut mounts = Vec::new();
        let mut layers = self.layer("etc", Path::new("etc"))?.under;
        let own = dir.join("etc");
        if write {
            layers.retain(|l| *l != own);
        }
        mounts.push(Mount::Overlay {
            keep: host.below(&etc),
            at: etc,
            layers,
            upper: write.then(|| Upper {
                dir: own,
                work: dir.join(WORK),
            }),
        });
        // All is bound on the state's own directories first: as soon as it is on /var, what is there now is not to be found.
        let var = dir.join("var");
        let mut bind = |from: &Path, at: &str, read_only: bool| -> Done {
            let on = dir.join(at);
            if is_dir(from)? && is_dir(&on)? {
                mounts.push(Mount::Bind {
                    what: from.into(),
                    at: on,
                    read_only,
                });
            }
            Ok(())
        };
        bind(&host.root.join(SYS), SYS, false)?;
        for (path, _) in SHOWN {
            bind(&host.root.join(path), path, false)?;
        }
        for (path, _) in SHOWN_IN_CONTEXTS {
            bind(&host.root.join(path), path, true)?;
        }
        bind(&self.world.admindir(), "var/lib/dpkg", true)?;
        mounts.push(Mount::Bind {
            what: var,
            at: host.root.join("var"),
            read_only: false,
        });
        Ok(mounts)
    }

    fn context_of_host(&self, host: &Host) -> Done<Vec<Mount>> {
        let mut mounts = Vec::new();
        // In a context of an own state it is the host's that is to be seen again.
        if self.host != host.root {
            for top in TOPS {
                let hosts = self.host.join(top);
                if !is_dir(&hosts)? {
                    continue;
                }
                // All of this, with what is mounted there, stays to be found below it.
                let sys = self.layout.root();
                if let Ok(below) = sys.strip_prefix(&host.root)
                    && below.starts_with(top)
                {
                    mounts.push(Mount::Bind {
                        what: sys.into(),
                        at: self.host.join(below),
                        read_only: false,
                    });
                }
                mounts.push(Mount::Bind {
                    what: hosts,
                    at: host.root.join(top),
                    read_only: false,
                });
            }
        }
        let mut dirs = BTreeSet::new();
        self.lacking(Path::new("etc"), &mut dirs)?;
        let alternatives = Path::new(ALTERNATIVES);
        if is_dir(&self.world.path().join(alternatives))? {
            let there = is_dir(&self.host.join(alternatives))?;
            dirs.insert(match there {
                true => alternatives.into(),
                false => PathBuf::from("etc"),
            });
        }
        // A directory is covered with the one it is in.
        let inner = |dir: &&PathBuf| dir.ancestors().skip(1).any(|up| dirs.contains(up));
        for dir in dirs.iter().filter(|dir| !inner(dir)) {
            let at = host.root.join(dir);
            let mut layers = vec![self.world.path().join(dir)];
            let place = match dir == alternatives {
                true => 1,
                false => 0,
            };
            layers.insert(place, self.host.join(dir));
            mounts.push(Mount::Overlay {
                keep: host.below(&at),
                at,
                layers,
                upper: None,
            });
        }
        Ok(mounts)
    }

    /// Directories of the host that lack something of the world's.
    fn lacking(&self, dir: &Path, dirs: &mut BTreeSet<PathBuf>) -> Done {
        if dir == Path::new(ALTERNATIVES) || is_unseen(dir) {
            return Ok(());
        }
        let from = self.world.path().join(dir);
        let entries = match fs::read_dir(&from) {
            // What the caller may not look at is nothing to them.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                return Ok(());
            }
            entries => entries.map_err(|e| StateError::read(&from, e))?,
        };
        let mut inner = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| StateError::read(&from, e))?;
            let path = dir.join(entry.file_name());
            let is = entry.metadata();
            let is = is.map_err(|e| StateError::read(&entry.path(), e))?;
            if upper::is_whiteout(&is) || is_unseen(&path) {
                continue;
            }
            let hosts = self.host.join(&path);
            match fs::symlink_metadata(&hosts) {
                Err(e) if is_absent(&e) => {
                    // All that is in it is covered with it.
                    if shows(&entry.path(), &path)? {
                        dirs.insert(dir.into());
                        return Ok(());
                    }
                }
                // What we may not look at is there.
                Err(e) if e.kind() == ErrorKind::PermissionDenied => {}
                hosts_is => {
                    let hosts_is = hosts_is.map_err(|e| StateError::read(&hosts, e))?;
                    inner.extend((is.is_dir() && hosts_is.is_dir()).then_some(path));
                }
            }
        }
        inner.iter().try_for_each(|dir| self.lacking(dir, dirs))
    }
}

/// Whether anything of what a world has at a path is seen in a context.
fn shows(at: &Path, path: &Path) -> Done<bool> {
    let Some(is) = upper::stat(at)? else {
        return Ok(false);
    };
    if upper::is_whiteout(&is) || is_unseen(path) {
        return Ok(false);
    }
    if !is.is_dir() {
        return Ok(true);
    }
    let names = match upper::names(at) {
        // What the caller may not look into may hold something.
        Err(StateError::Io { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            return Ok(true);
        }
        names => names?,
    };
    // An empty one is a package's.
    if names.is_empty() {
        return Ok(true);
    }
    for name in names {
        if shows(&at.join(&name), &path.join(&name))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a directory is at a path of the host, or what a link there leads to.
fn leads_to_dir(path: &Path) -> Done<bool> {
    generation::is_dir(path).map_err(|e| StateError::read(path, e))
}

/// What overlayfs wants beside an own state of /etc.
pub(super) const WORK: &str = "etc.work";
