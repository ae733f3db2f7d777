//! Generations of views: built aside, made durable, named, made current; rolled back and forgotten.
//!
//! The order of effects is the guarantee:
//!
//! ```text
//! build    tmp/VIEW-N/…, syncfs, rename to views/VIEW/gen/N, fsync
//! switch   a note, set-id bits of N on, tmp/current -> gen/N, rename onto views/VIEW/current, fsync, bits of the other off
//! forget   unlink manifest, fsync, the rest
//! ```
//!
//! What has its metadata is whole, what has not is rubbish: so whatever is killed and whenever,
//! `current` names a whole generation, and the next [`Sys::open`] clears the rest away.
//! Removing never needs space.
#![forbid(unsafe_code)]

mod copying;
mod disk;
mod hold;
mod lock;
mod reading;
mod recovery;
mod set_id;
mod switching;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

pub use disk::{Disk, DiskError, Step, Watcher};
pub(crate) use hold::Claim;
pub use hold::Hold;
pub use lock::Lock;
pub use reading::{Listed, Reader};
pub use tree::same_file;
pub(crate) use tree::{attributes, entries};

use crate::layout::{GenerationNumber, Layout, SideName, ViewName, inside};
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
    /// The system view can't be forgotten.
    #[error("the view system stays; its generations but the current one can be removed")]
    IsSystem,
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

/// `/var/sys`, locked, with nothing half-done in it. What can be read without that is [`Reader`]'s.
pub struct Sys {
    reader: Reader,
    disk: Disk,
    /// None, where another process has it for us.
    _lock: Option<Lock>,
}

impl Deref for Sys {
    type Target = Reader;
    fn deref(&self) -> &Reader {
        &self.reader
    }
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
            layout.host(),
            layout.host().join("usr"),
            layout.host().join("etc"),
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
            reader: Reader::new(layout),
            disk,
            _lock: Some(lock),
        };
        sys.recover()?;
        Ok(sys)
    }

    /// What another process has opened, and keeps open, for this one too.
    pub fn join(layout: Layout, disk: Disk) -> Sys {
        Sys {
            reader: Reader::new(layout),
            disk,
            _lock: None,
        }
    }

    /// Whether some process has it open.
    pub fn is_locked(&self) -> Done<bool> {
        match Lock::take(&self.layout().lock(), false) {
            Ok(_) => Ok(false),
            Err(GenerationError::Locked(_)) => Ok(true),
            Err(e) => Err(e),
        }
    }

    /// What changes are made through.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Begin the next generation of a view, which is made if there is none of this name.
    pub fn begin(&self, view: &ViewName) -> Done<Building<'_>> {
        let (number, path) = self.begin_pending(view)?;
        let root = path.join(inside::TREE);
        self.disk.make_dir(&root)?;
        let home = self.layout().generation(view, number);
        self.disk.symlink(&home, &path.join(inside::HERE))?;
        let trees = BTreeMap::from([(None, Tree::new(&self.disk, root))]);
        Ok(Building {
            sys: self,
            set_ids: Vec::new(),
            view: view.clone(),
            number,
            trees,
            path,
        })
    }

    /// The number of a view's next generation, and an empty directory in `tmp/` for it.
    pub fn begin_pending(&self, view: &ViewName) -> Done<(GenerationNumber, PathBuf)> {
        let dir = self.layout().generations(view);
        if !dir.is_dir() {
            self.disk.make_dir(&self.layout().view(view))?;
            self.disk.make_dir(&dir)?;
            self.disk.sync_dir(&self.layout().view(view))?;
            self.disk.sync_dir(&self.layout().views())?;
        }
        // The current one counts even where it is gone: its number may not come to mean another.
        let last = self.list(view)?.last().map(|l| l.number);
        let last = last.max(self.current(view)?);
        let number = match last {
            Some(last) => last.next(),
            None => Some(GenerationNumber::FIRST),
        };
        let number = number.ok_or_else(|| GenerationError::NumbersExhausted(view.clone()))?;
        let path = self.layout().tmp().join(format!("{view}-{number}"));
        if !self.disk.make_dir(&path)? {
            return Err(GenerationError::BeingBuilt(path));
        }
        Ok((number, path))
    }
}

/// A generation being built in `tmp/`. Dropped before [`Building::finish`] it leaves what the
/// next command clears away.
#[must_use]
pub struct Building<'s> {
    sys: &'s Sys,
    view: ViewName,
    number: GenerationNumber,
    /// The view's own, and those of slots.
    trees: BTreeMap<Option<SideName>, Tree<'s>>,
    /// Its set-id files, relative to it.
    set_ids: Vec<SetId>,
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

    /// Lay a payload into the tree of a slot, or the view's own, without `except` (top-level names). The
    /// files of `setuid` become the tree's own.
    pub fn place(
        &mut self,
        slot: Option<&SideName>,
        payload: &Path,
        except: &[&str],
        setuid: &[SetId],
    ) -> Done {
        let disk = &self.sys.disk;
        let home = inside::tree(slot);
        self.set_ids.extend(setuid.iter().map(|s| SetId {
            path: home.join(&s.path),
            ..s.clone()
        }));
        let tree = match self.trees.entry(slot.cloned()) {
            Entry::Occupied(tree) => tree.into_mut(),
            Entry::Vacant(absent) => {
                let root = self.path.join(inside::tree(slot));
                let dirs: Vec<&Path> = root.ancestors().take(3).collect();
                for dir in dirs.into_iter().rev() {
                    disk.make_dir(dir)?;
                }
                absent.insert(Tree::new(disk, root))
            }
        };
        tree.place(payload, except, setuid)
    }

    /// Write the manifest, make all of it durable, and give it its name. It is not current yet.
    pub fn finish(self, mut manifest: Manifest) -> Done<GenerationNumber> {
        let disk = &self.sys.disk;
        manifest.view = self.view.clone();
        manifest.number = self.number;
        manifest.parent = self.sys.current(&self.view)?;
        let text = manifest.to_text();
        disk.write(&self.path.join(inside::MANIFEST), text.as_bytes())?;
        self.sys.note_set_ids(&self.path, &self.set_ids)?;
        disk.sync_fs(&self.path)?;
        let layout = &self.sys.layout();
        disk.rename(&self.path, &layout.generation(&self.view, self.number))?;
        disk.sync_dir(&layout.generations(&self.view))?;
        Ok(self.number)
    }
}
