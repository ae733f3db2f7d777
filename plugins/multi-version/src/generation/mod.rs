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

mod disk;
mod files;
mod hold;
mod lock;
mod reading;
mod recovery;
mod set_id;
mod switching;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

pub use disk::{Disk, DiskError, Step, Watcher};
pub use files::same_file;
pub(crate) use files::{
    Attributes, CAPABILITY, attributes, attributes_of, entries, is_absent, is_dir, is_there,
    is_whiteout, same_bytes, unless_absent, what_is_at,
};
pub(crate) use hold::Claim;
pub use hold::Hold;
pub use lock::Lock;
pub use reading::{Listed, Reader};
pub use switching::Told;

use crate::layout::{GenerationNumber, Layout, ViewName, inside};
use crate::manifest::{Manifest, ManifestError};

/// That something can't be read.
pub(crate) fn read_error(path: &Path) -> impl FnOnce(io::Error) -> GenerationError {
    |source| GenerationError::Read {
        path: path.into(),
        source,
    }
}

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
    /// A payload in the store has set-id bits, which belong in its metadata.
    #[error("'{}' is set-user-id in the store", .0.display())]
    SetuidInStore(PathBuf),
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
        let held = inside::COVERED.iter().map(|name| layout.host().join(name));
        for dir in [
            layout.store(),
            layout.realizations(),
            layout.views(),
            layout.roots(),
            layout.tmp(),
            layout.host(),
        ]
        .into_iter()
        .chain(held)
        {
            // Recovery must work on a full disk, and needs nothing that is there already.
            if !is_dir(&dir).map_err(read_error(&dir))? {
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

    /// The number of a view's next generation, and an empty directory in `tmp/` for it. The view is made if there is none of
    /// this name. Left without a name ([`Sys::name`]) it is cleared away by the next command.
    pub fn begin_pending(&self, view: &ViewName) -> Done<(GenerationNumber, PathBuf)> {
        let dir = self.layout().generations(view);
        if !is_dir(&dir).map_err(read_error(&dir))? {
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

    /// Give a pending generation its manifest, make all of it durable, and give it its name. It is not current yet.
    pub fn name(&self, pending: &Path, manifest: &Manifest) -> Done {
        let (layout, view) = (self.layout(), &manifest.view);
        let text = manifest.to_text();
        self.disk
            .write(&pending.join(inside::MANIFEST), text.as_bytes())?;
        self.disk.sync_fs(pending)?;
        let home = layout.generation(view, manifest.number);
        self.disk.rename(pending, &home)?;
        Ok(self.disk.sync_dir(&layout.generations(view))?)
    }
}
