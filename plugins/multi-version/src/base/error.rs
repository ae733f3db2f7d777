//! Why the base can't be lent or settled.

use std::io;
use std::path::{Path, PathBuf};

use dpkgng_plugin::Failed;

use crate::generation::DiskError;
use crate::manifest::ManifestError;

/// Why something about the base failed.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Something can't be read, or done.
    #[error("cannot {what} '{}': {source}", .path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A database can't be read.
    #[error("the database '{}': {why}", .path.display())]
    Database {
        /// The admindir.
        path: PathBuf,
        /// What dpkg says.
        why: Failed,
    },
    /// `lent` is not what we write.
    #[error("'{}': {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ManifestError,
    },
}

impl BaseError {
    pub(super) fn io(what: &'static str, path: &Path, source: impl Into<io::Error>) -> BaseError {
        BaseError::Io {
            what,
            path: path.into(),
            source: source.into(),
        }
    }

    pub(super) fn read(path: &Path, source: impl Into<io::Error>) -> BaseError {
        BaseError::io("read", path, source)
    }
}
