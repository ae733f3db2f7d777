//! `gen/N/bin/`: commands of a generation's worlds, to stand in a PATH outside of contexts; and `gen/N/commands`, which says of each
//! command where it comes from, and of each that is not exported, why not.
//!
//! Exported are the commands of wanted packages and of packages built from the same source as a wanted one: what they
//! have in `usr/bin`, `usr/sbin` and `usr/games`, and what update-alternatives leads to them by, as the world's own
//! `/etc/alternatives` say. The main world comes first, then side worlds by name; of several in a world a package's own
//! command before an alternative. A command has its name where that is free, and `cmd@SIDE` where it is taken.
//!
//! | a command is | if |
//! |---|---|
//! | a launcher, which enters the context of its world | in general |
//! | a link into the generation's tree | it is a linked (or static) ELF program, of the view `system`, and neither it nor anything it loads can dlopen, names a path below `/usr`, `/etc` or `/opt` that its world has, or is found elsewhere than in its own world's packages |
//! | the same | it is set-id: a context of a user would take that away |
//!
//! A launcher names the generation it is of, as the links do: a directory `current/bin` on a PATH follows switches.
#![forbid(unsafe_code)]

mod decide;
mod file;
mod strings;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::generation::{Disk, DiskError};
use crate::layout::{InstallationId, SideName, inside};
use crate::link::LinkError;
use crate::manifest::ManifestError;

pub use decide::{Generation, decide};
pub use file::read;

/// Why commands can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What could not be rewritten is not known.
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
    /// `commands` is not what we write.
    #[error("'{}': {why}", .path.display())]
    Commands {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ManifestError,
    },
}

/// What becomes of the commands of a generation's worlds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands {
    /// Those in `bin/`, by name.
    pub exported: Vec<Export>,
    /// The others of the same packages, and those of wanted packages that have none, as far as they could have been meant.
    pub left: Vec<Left>,
}

/// An exported command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// As it is called.
    pub name: OsString,
    /// Whose it is.
    pub source: Source,
    /// How it is started.
    pub how: How,
}

/// A command that is not exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Whose it is.
    pub source: Source,
    /// Why not.
    pub why: WhyNot,
}

/// Where a command comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The world; `None`: the main one.
    pub world: Option<SideName>,
    /// What it is in a context: `/usr/bin/CMD`.
    pub command: PathBuf,
    /// The package of it, or of what update-alternatives leads to by it.
    pub package: InstallationId,
    /// Whether it is a link of update-alternatives.
    pub alternative: bool,
}

/// How a command is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It is a link to the program in the tree, relative to `bin/`.
    Link(PathBuf),
    /// By a script that enters the context, and why that is needed.
    Launcher(Why),
}

/// Why a command needs a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is no ELF program: a script, or what the kernel or a shell knows.
    NoProgram,
    /// It could not be rewritten, and why.
    Unlinked(String),
    /// An object it loads, or itself, names a path that its world has.
    Names(PathBuf, PathBuf),
    /// An object it loads, or itself, may dlopen anything.
    Dlopens(PathBuf),
    /// Outside of contexts it would load another library than its world's.
    Libraries(String),
    /// It is a link that leads out of the tree, or nowhere.
    Leaves(PathBuf),
    /// It is called by another name here, which it might look at.
    Renamed,
    /// Programs outside of contexts see the view `system` on `/var/sys/current-system`, and this is another.
    OtherView,
}

/// Why a command is not exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// The world has the same command in another directory, or of another package, which comes first.
    Behind(PathBuf),
    /// Both its name and `cmd@SIDE` are taken.
    Taken,
    /// The main world has the same package in the same version: its own is exported.
    SameAsMain,
    /// The package came along, and no wanted one is built from the same source.
    CameAlong,
}
