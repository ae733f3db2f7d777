//! Linked files put into the trees of a pending generation, and its `lib/`s; and what programs will find there.
//!
//! A world's tree has the packages' own files, as libdpkgng placed them: hard links of the store's, or copies. For each
//! object that a realization has in another form the tree gets that form, by a hard link and a rename, if what stands there is
//! the package's own file: the store's inode, that of a realization of the package, or the same content as one of these. What else may stand
//! there (another package's by a diversion, something of the administrator's or a script's) stays: such an object is
//! told, and runs as it stands in a context.
//!
//! | | |
//! |---|---|
//! | [`place`] | a world's tree as its realizations have it, also back from what they were |
//! | [`restore`] | a package's files as the .deb has them |
//! | [`write_libs`] | `lib/` of the generation and of each world |
//! | [`check`] | whether programs, in contexts and outside, will find what was planned |
#![forbid(unsafe_code)]

mod check;
mod files;
mod libs;

use std::io;
use std::path::{Path, PathBuf};

use crate::generation::DiskError;
use crate::layout::InstallationId;
use crate::link::LinkError;

pub use check::{Report, Verdict, check, check_outside};
pub use files::{Former, Placed, place, restore};
pub use libs::write_libs;

/// Why linked files can't be placed.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What was made of a package can't be read.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

type Done<T = ()> = Result<T, PlaceError>;

fn read(path: &Path) -> impl FnOnce(io::Error) -> PlaceError {
    move |source| PlaceError::Read {
        path: path.into(),
        source,
    }
}

/// An object that runs as it stands, not linked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsItStands {
    /// Whose.
    pub package: InstallationId,
    /// Relative to the payload.
    pub path: PathBuf,
    /// Why.
    pub why: String,
}
