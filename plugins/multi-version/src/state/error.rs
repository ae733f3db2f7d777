//! Why state can't be laid out, sorted or carried over.

use std::io;
use std::path::{Path, PathBuf};

use crate::generation::{DiskError, GenerationError};
use crate::layout::ViewName;
use crate::manifest::ManifestError;

/// Why something about state failed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The view's generations can't be read.
    #[error(transparent)]
    Generation(#[from] GenerationError),
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
    /// A file of ours is not what we write.
    #[error("'{}': {why}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ManifestError,
    },
    /// A view's settings.
    #[error("'{}': line {line}: {why}", .path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// Where in it.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Accounts that the transaction made have come into being otherwise meanwhile.
    #[error(
        "'{}': {name}, which the transaction has made, {why}; remove or renumber one of them and repeat the command",
        .path.display()
    )]
    Clash {
        /// The accounts file.
        path: PathBuf,
        /// The account.
        name: String,
        /// In which way.
        why: String,
    },
    /// Somebody is changing accounts.
    #[error("'{}' is locked: another program is changing the accounts; repeat the command when it is done", .0.display())]
    AccountsLocked(PathBuf),
    /// A side world's name can't be a directory's.
    #[error("'{0}' is no name for a side world's state")]
    SideName(String),
    /// No state to go back to.
    #[error("generation '{}' has no copy of the state of /etc of view {view}", .path.display())]
    NoCopy {
        /// The view.
        view: ViewName,
        /// The generation's directory.
        path: PathBuf,
    },
    /// A system without one of these directories is none.
    #[error("'{}' is not a directory", .0.display())]
    NoDirectory(PathBuf),
}

impl StateError {
    /// A failure to do `what` with `path`.
    pub(super) fn io(what: &'static str, path: &Path, source: impl Into<io::Error>) -> StateError {
        StateError::Io {
            what,
            path: path.into(),
            source: source.into(),
        }
    }

    pub(super) fn read(path: &Path, source: impl Into<io::Error>) -> StateError {
        StateError::io("read", path, source)
    }
}
