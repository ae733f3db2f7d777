//! Why a transaction fails.

use std::io;
use std::path::{Path, PathBuf};

use crate::context::ContextError;
use crate::generation::{DiskError, GenerationError};
use crate::layout::{Place, SideName, ViewName};
use crate::store::StoreError;

/// Why a transaction fails.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Who is not root asked for what only root can do yet.
    #[error("changing a view of '{}' needs root", .0.display())]
    NeedsRoot(PathBuf),
    /// A view of a user's own that is to change the host's state.
    #[error(
        "view {0} can't have the host's /etc and /var, as it is your own: 'own' is the state it can have"
    )]
    NotTheHosts(ViewName),
    /// What a context shows as the host is not the host.
    #[error("views can't be changed from within a context of one (dpkg-ng run)")]
    InContext,
    /// There is no such view.
    #[error("there is no view {0}; view create makes one")]
    NoView(ViewName),
    /// There is no such side world.
    #[error("view {0} has no world {1}")]
    NoWorld(Place, SideName),
    /// There is a side world of this name.
    #[error("there is a world {0} already: --into {0} goes on with it")]
    WorldExists(SideName),
    /// There is a view of this name.
    #[error("there is a view {0} already")]
    Exists(ViewName),
    /// What newcomers conflict with could not be removed from a side world.
    #[error("what conflicts could not be removed from world {0} (dpkg ended with {1})")]
    CannotLeave(SideName, i32),
    /// A file of ours is not as we write it.
    #[error("'{}' is damaged", .0.display())]
    Damaged(PathBuf),
    /// A transaction that is to be joined is none.
    #[error("'{}' is no pending generation of view {view}", .path.display())]
    NotPending {
        /// What was named.
        path: PathBuf,
        /// Of which view.
        view: ViewName,
    },
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Generations can't be read or made.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// A namespace or a mount.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// A package can't be stored.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// Something can't be done with a path.
    #[error("cannot {what} '{}': {source}", .path.display())]
    Path {
        /// What.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The state can't be had or kept.
    #[error(transparent)]
    State(#[from] crate::state::StateError),
    /// What the host lends can't be had.
    #[error(transparent)]
    Base(#[from] crate::base::BaseError),
    /// apt can't be run.
    #[error(transparent)]
    Apt(#[from] crate::apt::AptError),
    /// What dpkg's side says.
    #[error("{0}")]
    Host(String),
}

impl EngineError {
    /// For `map_err`, where there is nothing to be told but words.
    pub(crate) fn words(error: impl std::fmt::Display) -> EngineError {
        EngineError::Host(error.to_string())
    }

    /// For `map_err`.
    pub(super) fn path(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EngineError {
        move |source| EngineError::Path {
            what,
            path: path.into(),
            source,
        }
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> EngineError {
        EngineError::Store(error.into())
    }
}

impl From<dpkgng_plugin::Failed> for EngineError {
    fn from(failed: dpkgng_plugin::Failed) -> EngineError {
        EngineError::Host(failed.to_string())
    }
}
