//! Realizations: an installation's payload, linked. What `inst/ID` holds, how it is made, had back and looked at.
//!
//! ```text
//! inst/ID/
//!     usr/…                 directories of their own, hard links of the store's files, rewritten copies of the ELF objects
//!     lib/ld-…, lib/SONAME  symbolic links: the interpreter, and the libraries that are not the view's choice
//!     DEBIAN/undo           how the .deb's bytes of the rewritten are had back
//!     DEBIAN/unlinked       what could not be rewritten, and why; these files need a context
//!     DEBIAN/realization    written last
//! ```
//!
//! A program looks in `$INSTALLPATH/lib`, then in `/var/sys/current-system/lib`, where the generation keeps its
//! choice: so another choice is another generation, and no file is rewritten for it (`relink`).
//!
//! | | |
//! |---|---|
//! | [`Linker::make`] | realizations that are not there yet: built aside, durable at once, then named |
//! | [`Linker::check`] | resolves every object as ld.so would, and compares with the plan |
//! | [`restore`], [`Linker::verify`] | the .deb's bytes, and what differs from them |
//! | [`Abi`] | whether a consumer does well with another library |
#![forbid(unsafe_code)]

mod abi;
mod batch;
mod cache;
mod check;
mod difference;
mod head;
mod linking;
mod make;
mod rpath;
mod system;
#[cfg(test)]
mod tests;
mod tree;
mod undo;
mod unlinked;
mod verify;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

pub use abi::Abi;
pub use batch::{Made, Progress};
pub use difference::{Checked, Difference, Owner};
pub use linking::{architecture_of, provided};
pub use system::Planned;
pub use tree::made_links;
pub use undo::restore;
pub use unlinked::{Kind, Unlinked, read as unlinked};
pub use verify::{Verified, What};

use crate::facts::{Facts, FactsError};
use crate::generation::{DiskError, GenerationError};
use crate::layout::{Architecture, InstallationId, Layout, RealizationId, Soname, VAR_SYS, inside};
use crate::manifest::{ManifestError, Realization};

/// The rules ELF files are rewritten by: part of a realization's name, so that files made by other rules are
/// others.
pub const POLICY: u32 = 2;

/// Why something can't be linked, or not be told.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What is known of a package can't be read.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// A directory can't be read, or holds what can't be there.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Metadata is not what we write.
    #[error("'{}': {why}", .path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ManifestError,
    },
    /// Nothing is known of an installation.
    #[error("{0} is not in the store")]
    NotInStore(InstallationId),
    /// An installation's hash is not the one to be linked.
    #[error("{0} is not of the .deb that is to be linked")]
    OtherDeb(InstallationId),
    /// A realization by other rules than this plugin's.
    #[error("{0} is to be linked by rules {1}, this plugin knows rules {POLICY}")]
    OtherPolicy(InstallationId, u32),
    /// A provider of an override is neither there nor being made.
    #[error("{} is to take {} from {}, which is not there", .0.package, .0.name, .1)]
    NoProvider(Box<Wanted>, RealizationId),
    /// A provider of an override has nothing of that name.
    #[error("{} is to take {} from {}, which does not have it", .0.package, .0.name, .1)]
    NotProvided(Box<Wanted>, InstallationId),
    /// There is no such realization.
    #[error("there is no realization {0}")]
    NotMade(Box<RealizationId>),
    /// An interpreter from another build than libc.
    #[error("{} is to have {} and libc.so.6 of different builds", .0.package, .0.name)]
    LibcApart(Box<Wanted>),
    /// A payload that is not merged-usr: its `lib` would be ours.
    #[error("'{}' is where the libraries of a realization are", .0.display())]
    LibInPayload(PathBuf),
    /// What can't be rewritten, where that is an error.
    #[error("{}", .0.iter().map(|(id, u)| format!("/{} of {} {}: {}", u.path.display(), id.package(), id.version(), u.why))
        .collect::<Vec<_>>().join("\n"))]
    Refused(Vec<(InstallationId, Unlinked)>),
    /// Programs will not find what was planned.
    #[error("{}", .0.iter().map(|d| d.to_string()).collect::<Vec<_>>().join("\n"))]
    Differs(Vec<Difference>),
    /// An undo record does not lead back.
    #[error("'{}': {why}", .path.display())]
    Undo {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: crate::elf::UndoError,
    },
}

/// What a package's own `lib/` is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Which package.
    pub package: InstallationId,
    /// The soname, or the interpreter's file name.
    pub name: Soname,
}

type Done<T = ()> = Result<T, LinkError>;

/// Links packages of a store.
pub struct Linker<'a> {
    layout: &'a Layout,
    seen: PathBuf,
    host: Architecture,
    architectures: Option<&'a BTreeSet<Architecture>>,
    strict: bool,
    facts: BTreeMap<InstallationId, &'a Facts>,
}

impl<'a> Linker<'a> {
    /// For these packages, on a machine whose own architecture is `host`.
    pub fn new(
        layout: &'a Layout,
        host: Architecture,
        facts: impl IntoIterator<Item = &'a Facts>,
    ) -> Linker<'a> {
        let facts = facts.into_iter().map(|f| (f.id.clone(), f)).collect();
        Linker {
            layout,
            seen: VAR_SYS.into(),
            host,
            architectures: None,
            strict: false,
            facts,
        }
    }

    /// For a world of these architectures: objects for other machines are left byte for byte.
    pub fn only(mut self, architectures: &'a BTreeSet<Architecture>) -> Linker<'a> {
        self.architectures = Some(architectures);
        self
    }

    /// One object that can't be linked is an error (`--strict`); else it is listed, and the package installed.
    pub fn strict(mut self, strict: bool) -> Linker<'a> {
        self.strict = strict;
        self
    }

    /// For programs that see the layout's root at another path than [`VAR_SYS`].
    pub fn seen_at(mut self, path: impl Into<PathBuf>) -> Linker<'a> {
        self.seen = path.into();
        self
    }

    /// What is known of an installation.
    fn facts(&self, id: &InstallationId) -> Done<&'a Facts> {
        let facts = self.facts.get(id);
        facts
            .copied()
            .ok_or_else(|| LinkError::NotInStore(id.clone()))
    }

    /// `$INSTALLPATH`, as programs see it.
    fn home(&self, id: &RealizationId) -> PathBuf {
        Layout::new(&self.seen).realization(id)
    }

    /// A realization's record; none, if it is not there.
    fn record(&self, id: &RealizationId) -> Done<Option<Realization>> {
        let path = self.layout.realization(id).join(inside::REALIZATION);
        let Some(text) = read_text(&path)? else {
            return Ok(None);
        };
        let read = Realization::from_text(&text, id);
        read.map(Some)
            .map_err(|why| LinkError::Manifest { path, why })
    }
}

fn read_error(path: &Path, source: io::Error) -> LinkError {
    LinkError::Read {
        path: path.into(),
        source,
    }
}

/// A text, if the file is there.
fn read_text(path: &Path) -> Done<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(read_error(path, source)),
    }
}
