//! The commands about views and generations: `view …` and `gc`.
//!
//! | | |
//! |---|---|
//! | [`list`], [`commands`], [`diff`] | read, without the lock |
//! | [`switch`], [`rollback`], [`remove`], [`pin`], [`unpin`] | change: under the lock |
//! | [`collect`] | `gc`; with `--dry-run` or `--why` it reads |
//!
//! Each is a function from its arguments to what it prints.
#![forbid(unsafe_code)]

mod change;
mod commands;
mod diff;
mod gc;
mod list;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

pub use change::{at, pin, remove, rollback, switch, unpin};
pub use commands::commands;
pub use diff::diff;
pub use gc::{Collection, collect};
pub use list::list;

use crate::export::ExportError;
use crate::gc::{GcError, Why};
use crate::generation::{DiskError, GenerationError, Reader};
use crate::layout::{GenerationNumber, Place, ViewName};
use crate::state::StateError;

/// Where the kernel tells of processes.
pub const PROC: &str = "/proc";

/// Why a command about views fails.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// A generation can't be used.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// Collection can't.
    #[error(transparent)]
    Gc(#[from] GcError),
    /// It can't be printed.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// There is none of this name.
    #[error("there is no view {0}")]
    NoView(ViewName),
    /// A view that has generations, but no current one.
    #[error("view {0} has no current generation; view switch makes one of its generations current")]
    NoCurrent(ViewName),
    /// What became of its commands can't be read.
    #[error(transparent)]
    Commands(Box<ExportError>),
    /// Its state can't be put back.
    #[error(transparent)]
    State(#[from] StateError),
    /// Somebody uses it.
    #[error("generation {1} of view {0} is {2}")]
    InUse(ViewName, GenerationNumber, Box<Why>),
    /// Nothing of ours is at this path.
    #[error("'{}' is nothing that could be collected", .0.display())]
    NotOurs(PathBuf),
}

impl From<ExportError> for ViewError {
    fn from(error: ExportError) -> ViewError {
        ViewError::Commands(error.into())
    }
}

impl From<DiskError> for ViewError {
    fn from(error: DiskError) -> ViewError {
        ViewError::Generation(error.into())
    }
}

type Done<T = ()> = Result<T, ViewError>;

impl Place {
    /// The generation it names.
    pub fn number(&self, reader: &Reader) -> Done<GenerationNumber> {
        if let Some(number) = self.number {
            return Ok(number);
        }
        match reader.current(&self.view)? {
            Some(current) => Ok(current),
            None if reader.list(&self.view)?.is_empty() => {
                Err(ViewError::NoView(self.view.clone()))
            }
            None => Err(ViewError::NoCurrent(self.view.clone())),
        }
    }
}

fn proc() -> &'static Path {
    Path::new(PROC)
}
