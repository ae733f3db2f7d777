//! Generations of views: built aside, made durable, named, made current; rolled back and forgotten.
//!
//! The order of effects is the guarantee:
//!
//! ```text
//! build    tmp/VIEW-N/…, syncfs, rename to views/VIEW/gen/N, fsync
//! switch   set-id bits of N on, tmp/current -> gen/N, rename onto views/VIEW/current, fsync, bits of others off
//! forget   unlink manifest, fsync, the rest
//! ```
//!
//! What has its metadata is whole, what has not is rubbish: so whatever is killed and whenever,
//! `current` names a whole generation, and the next [`Sys::open`] clears the rest away.
//! Removing never needs space.
#![forbid(unsafe_code)]

mod disk;
mod lock;
mod recovery;
mod switching;
#[cfg(test)]
mod tests;
mod tree;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use disk::{Disk, DiskError, Step, Watcher};
pub use lock::Lock;
pub(crate) use tree::entries;
pub use tree::same_file;

use crate::layout::{GenerationNumber, Layout, ViewName, inside};
use crate::manifest::{Manifest, ManifestError, SetId};
use tree::Tree;

/// Why a generation can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another command is at work.
    #[error("'{}' is locked by another command", .0.display())]
    Locked(PathBuf),
    /// Metadata is not what we write.
    #[error("'{}': {why}", .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ManifestError,
    },
    /// Two payloads have different things in the same place.
    #[error("'{}' is in both '{}' and '{}', and not the same", .path.display(), .first.display(), .second.display())]
    Clash {
        /// In the tree.
        path: PathBuf,
        /// The payload that was there.
        first: PathBuf,
        /// The one that came.
        second: PathBuf,
    },
    /// A payload in the store has set-id bits, which belong in its metadata.
    #[error("'{}' is set-user-id in the store", .0.display())]
    SetuidInStore(PathBuf),
    /// The metadata speaks of a set-id file that is none of the payload.
    #[error("'{}' is to be set-user-id, but is no file", .0.display())]
    NoSetuidFile(PathBuf),
    /// This command is building it already.
    #[error("'{}' is being built", .0.display())]
    BeingBuilt(PathBuf),
    /// There is no such generation.
    #[error("view {0} has no generation {1}")]
    NoGeneration(ViewName, GenerationNumber),
    /// There is no generation to go back to.
    #[error("view {0} has no generation before the current one")]
    NothingBefore(ViewName),
    /// The current generation can't be forgotten.
    #[error("generation {1} is the current one of view {0}")]
    IsCurrent(ViewName, GenerationNumber),
    /// All numbers are used.
    #[error("view {0} has had its last generation")]
    NumbersExhausted(ViewName),
    /// `current` is no link to a generation.
    #[error("'{}' does not name a generation", .0.display())]
    NotALink(PathBuf),
}

type Done<T = ()> = Result<T, GenerationError>;

/// `/var/sys`, locked, with nothing half-done in it.
pub struct Sys {
    layout: Layout,
    disk: Disk,
    _lock: Lock,
}

/// A generation of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub number: GenerationNumber,
    /// Whether the view's `current` names it.
    pub current: bool,
}

impl Sys {
    /// Lock, make the directories that are missing, and clear away what a killed command left.
    /// `wait` for another command instead of refusing.
    pub fn open(layout: Layout, disk: Disk, wait: bool) -> Done<Sys> {
        disk.make_dir(layout.root())?;
        let lock = Lock::take(&layout.lock(), wait)?;
        let mut new = false;
        for dir in [
            layout.store(),
            layout.realizations(),
            layout.views(),
            layout.roots(),
            layout.leases(),
            layout.tmp(),
        ] {
            // Recovery must work on a full disk, and needs nothing that is there already.
            if !dir.is_dir() {
                new |= disk.make_dir(&dir)?;
            }
        }
        if new {
            disk.sync_dir(layout.root())?;
        }
        let sys = Sys {
            layout,
            disk,
            _lock: lock,
        };
        sys.recover()?;
        Ok(sys)
    }

    /// Where everything is.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What changes are made through.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The views.
    pub fn views(&self) -> Done<Vec<ViewName>> {
        names(&self.layout.views())
    }

    /// The generations of a view, oldest first; none, if there is no such view.
    pub fn list(&self, view: &ViewName) -> Done<Vec<Listed>> {
        let dir = self.layout.generations(view);
        if !dir.is_dir() {
            return Ok(Vec::new());
        }
        let current = self.current(view)?;
        let mut numbers: Vec<GenerationNumber> = names(&dir)?;
        numbers.sort();
        let listed = numbers.into_iter().map(|number| Listed {
            number,
            current: current == Some(number),
        });
        Ok(listed.collect())
    }

    /// The current generation of a view, if it ever had one.
    pub fn current(&self, view: &ViewName) -> Done<Option<GenerationNumber>> {
        let link = self.layout.current(view);
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(GenerationError::Read { path: link, source }),
        };
        let number = target.strip_prefix("gen").ok().and_then(Path::to_str);
        match number.and_then(|n| n.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(GenerationError::NotALink(link)),
        }
    }

    /// What a generation holds.
    pub fn manifest(&self, view: &ViewName, number: GenerationNumber) -> Done<Manifest> {
        let path = self.layout.generation(view, number).join(inside::MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(GenerationError::NoGeneration(view.clone(), number));
            }
            Err(source) => return Err(GenerationError::Read { path, source }),
        };
        let manifest = Manifest::from_text(&text);
        let manifest = manifest.and_then(|m| match m.view == *view && m.number == number {
            true => Ok(m),
            false => Err(ManifestError::Stranger(format!("{view} {number}"))),
        });
        manifest.map_err(|why| GenerationError::Manifest { path, why })
    }

    /// Begin the next generation of a view, which is made if there is none of this name.
    pub fn begin(&self, view: &ViewName) -> Done<Building<'_>> {
        let dir = self.layout.generations(view);
        if !dir.is_dir() {
            self.disk.make_dir(&self.layout.view(view))?;
            self.disk.make_dir(&dir)?;
            self.disk.sync_dir(&self.layout.view(view))?;
            self.disk.sync_dir(&self.layout.views())?;
        }
        // The current one counts even where it is gone: its number may not come to mean another.
        let last = self.list(view)?.last().map(|l| l.number);
        let last = last.max(self.current(view)?);
        let number = match last {
            Some(last) => last.next(),
            None => Some(GenerationNumber::FIRST),
        };
        let number = number.ok_or_else(|| GenerationError::NumbersExhausted(view.clone()))?;
        let path = self.layout.tmp().join(format!("{view}-{number}"));
        if !self.disk.make_dir(&path)? {
            return Err(GenerationError::BeingBuilt(path));
        }
        let root = path.join(inside::TREE);
        self.disk.make_dir(&root)?;
        Ok(Building {
            sys: self,
            view: view.clone(),
            number,
            tree: Tree::new(&self.disk, root),
            path,
        })
    }
}

/// The names in a directory that are of a kind; others are not ours.
fn names<T: std::str::FromStr>(dir: &Path) -> Done<Vec<T>> {
    let names = entries(dir)?;
    let names = names.iter().filter_map(|n| n.to_str()?.parse().ok());
    Ok(names.collect())
}

/// A generation being built in `tmp/`. Dropped before [`Building::finish`] it leaves what the
/// next command clears away.
#[must_use]
pub struct Building<'s> {
    sys: &'s Sys,
    view: ViewName,
    number: GenerationNumber,
    tree: Tree<'s>,
    path: PathBuf,
}

impl Building<'_> {
    /// The number it will have.
    pub fn number(&self) -> GenerationNumber {
        self.number
    }

    /// Its directory, while it is being built: `dpkg/` and `lib/` are the caller's to fill.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lay a payload into its tree, without `except` (top-level names). The files of `setuid` become its own.
    pub fn place(&mut self, payload: &Path, except: &[&str], setuid: &[SetId]) -> Done {
        self.tree.place(payload, except, setuid)
    }

    /// Write the manifest, make all of it durable, and give it its name. It is not current yet.
    pub fn finish(self, mut manifest: Manifest) -> Done<GenerationNumber> {
        let disk = &self.sys.disk;
        manifest.view = self.view.clone();
        manifest.number = self.number;
        let text = manifest.to_text();
        disk.write(&self.path.join(inside::MANIFEST), text.as_bytes())?;
        disk.sync_fs(&self.path)?;
        let layout = &self.sys.layout;
        disk.rename(&self.path, &layout.generation(&self.view, self.number))?;
        disk.sync_dir(&layout.generations(&self.view))?;
        Ok(self.number)
    }
}
