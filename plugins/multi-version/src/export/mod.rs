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

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::generation::{Disk, DiskError};
use crate::layout::{GenerationNumber, InstallationId, SideName, ViewName, inside};
use crate::link::LinkError;
use crate::manifest::ManifestError;
use crate::place::PlaceError;
use crate::rootless;

pub use decide::{Generation, decide};
pub use file::{Row, read};

/// Why commands can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What could not be rewritten is not known.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Programs can't be looked at.
    #[error(transparent)]
    Place(#[from] PlaceError),
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
    /// The others: of packages that came along one each, of the rest all.
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
    /// A user's own store is on `/var/sys` in contexts alone.
    OwnStore,
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
    /// The package came along, and no wanted one is built from the same source: this is the first of so many commands of it.
    CameAlong(usize),
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Why::NoProgram => f.write_str("it is a script, or no program"),
            Why::Unlinked(why) => write!(f, "it is not linked: {why}"),
            Why::Names(object, path) => write!(f, "{} names {}", object.display(), path.display()),
            Why::Dlopens(object) => write!(f, "{} may open libraries as it runs", object.display()),
            Why::Libraries(why) => write!(f, "outside of contexts {why}"),
            Why::Leaves(link) => write!(f, "{} leads out of what packages have", link.display()),
            Why::Renamed => f.write_str("it is called otherwise in its world"),
            Why::OwnStore => f.write_str("your own store is in its place in contexts alone"),
            Why::OtherView => {
                f.write_str("programs outside of contexts find the libraries of the view system")
            }
        }
    }
}

impl std::fmt::Display for WhyNot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WhyNot::Behind(first) => write!(f, "{} comes first", first.display()),
            WhyNot::Taken => f.write_str("its name, and that with the world's, are taken"),
            WhyNot::SameAsMain => f.write_str("the main world has the same"),
            WhyNot::CameAlong(1) => f.write_str("the package came along"),
            WhyNot::CameAlong(n) => write!(f, "the package came along, with {n} commands"),
        }
    }
}

fn read_error(path: &Path, source: io::Error) -> ExportError {
    ExportError::Read {
        path: path.into(),
        source,
    }
}

/// Write `bin/` and `commands` of a pending generation, which will be this one.
///
/// # Errors
/// They can't be written.
pub fn write(
    disk: &Disk,
    generation: &Path,
    view: &ViewName,
    number: GenerationNumber,
    commands: &Commands,
) -> Result<(), ExportError> {
    let bin = generation.join(inside::BIN);
    disk.remove_tree(&bin)?;
    disk.make_dir(&bin)?;
    for export in &commands.exported {
        let path = bin.join(&export.name);
        match &export.how {
            How::Link(target) => disk.symlink(target, &path)?,
            How::Launcher(_) => {
                disk.write_as(&path, &launcher(view, number, &export.source), 0o755)?;
            }
        }
    }
    file::write(disk, generation, commands)
}

/// A script that starts a command in a context of its world.
fn launcher(view: &ViewName, number: GenerationNumber, source: &Source) -> Vec<u8> {
    let mut text = format!("#!/bin/sh\nexec dpkg-ng run --view {view}@{number}").into_bytes();
    if let Some(store) = rootless::store() {
        text.extend(b" --store ");
        text.extend(quoted(store.as_os_str()));
    }
    if let Some(side) = &source.world {
        text.extend(format!(" --world {side}").bytes());
    }
    text.extend(b" -- ");
    text.extend(quoted(source.command.as_os_str()));
    text.extend(b" \"$@\"\n");
    text
}

/// For a shell: a file's name may have anything in it.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => text.extend(b"'\\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
    text
}
