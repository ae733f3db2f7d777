//! Collection of what nothing needs any more.
//!
//! Roots are generations, those that a command holds, pins, and live processes; what a root reaches is kept. The plan is
//! data: `--dry-run` prints it, `--why` asks it, and [`Sys::collect`] carries it out, which only removes,
//! so that it works on a full disk.
//!
//! # Processes that can't be looked into
//!
//! Of a process that has a capability more than we have, or is of an outer user namespace, the kernel shows
//! mountinfo, but neither root, exe, cwd nor maps: so of pid 1 of a container, and for a user of everybody else's. It
//! may use anything. Collection refuses then and names it, until a person says that it uses nothing here
//! (`--ignore-process PID`): there is no safe guess, as a process can have started before `/var/sys` was there and
//! still have loaded a library since. What is planned (`--dry-run`) is told all the same. Kernel threads and processes
//! that have ended don't count.
#![forbid(unsafe_code)]

mod live;
mod pins;
mod plan;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;

pub use live::{Live, live};
pub use plan::{Plan, Removal};

use crate::generation::GenerationError;
use crate::layout::{Pin, StoreKey};

/// Why something is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is the current generation of its view.
    Current,
    /// It is one of the newest generations of its view.
    Newest,
    /// A person pinned it.
    Pinned(Pin),
    /// A context of it is being entered.
    Held,
    /// A live process uses it: its number, and the file of `/proc` that says so.
    Process(u32, &'static str),
    /// Something that is kept is made of it.
    PartOf(StoreKey),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Current => f.write_str("current generation"),
            Why::Newest => f.write_str("one of the newest generations"),
            Why::Pinned(pin) => write!(f, "pinned as {pin}"),
            Why::Held => f.write_str("held by a command"),
            Why::Process(pid, what) => write!(f, "used by process {pid} ({what})"),
            Why::PartOf(key) => write!(f, "part of {key}"),
        }
    }
}

/// Why nothing can be collected.
#[derive(Debug, thiserror::Error)]
pub enum GcError {
    /// A generation can't be read or a change failed.
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
    /// Our own mountinfo does not tell where the layout is.
    #[error("'{}' is on no mount", .0.display())]
    NotMounted(PathBuf),
    /// A pin that names nothing of ours.
    #[error("'{}' names nothing that could be kept", .0.display())]
    Nameless(PathBuf),
    /// Processes that may use anything.
    #[error("cannot see what process {0} uses; if it uses nothing of views: --ignore-process {0}")]
    Hidden(u32),
}

impl GcError {
    fn read(path: impl Into<PathBuf>, source: io::Error) -> GcError {
        GcError::Read {
            path: path.into(),
            source,
        }
    }
}
