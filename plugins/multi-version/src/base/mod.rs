//! The base: what the host lends a world.
//!
//! A world is a whole system: maintainer scripts and apt look for what any Debian system has. So the host's base system is
//! part of every world's admindir, installed as it is on the host, and its files show through from the host's `/usr`:
//!
//! - packages that are Essential or Protected, or of Priority required or important, dpkg and apt; and what these depend on
//!   (Pre-Depends, Depends) as the host satisfies it;
//! - `usr-is-merged`, as every view's `/usr` is: without it apt would have usrmerge convert the host;
//! - of these packages: stanzas, info files, trigger interests, diversions, statoverrides, groups of alternatives.
//!
//! ```text
//! base::lend      at begin: the base as it is on the host now; nothing where the view has something of its own
//! Satisfies       in a run: whether another package of the host does for a dependency
//! base::settle    before commit: what became of the base; whiteouts for files of the host that the world has not
//! ```
//!
//! `lent`, in the world's directory, says what was lent and of which state of the host's database ([`Lent`]).
//! A package in the world's database that is in `lent` with this version is the host's; all others are the view's.
#![forbid(unsafe_code)]

mod alternatives;
mod directories;
mod error;
mod host;
mod lend;
mod lent;
mod pieces;
mod satisfies;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

pub use directories::{drop_directories, make_directories};
pub use error::BaseError;
pub use lend::lend;
pub use lent::{Lent, PackageKey};
pub use satisfies::Satisfies;
pub use settle::{Settled, settle};

use crate::generation::Disk;
use crate::world::WorldDir;

type Done<T = ()> = Result<T, BaseError>;

/// dpkg's admindir, below a root.
const ADMINDIR: &str = "var/lib/dpkg";

/// A file's content; none, if it is not there.
fn content(path: &Path) -> Done<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(BaseError::read(path, e)),
    }
}

/// Names in a directory, sorted; none, if it is not there.
fn names(dir: &Path) -> Done<Vec<OsString>> {
    let read = || -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|e| Ok(e?.file_name())).collect()
    };
    match read() {
        Ok(mut names) => {
            names.sort();
            Ok(names)
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(BaseError::read(dir, e)),
    }
}

/// Put a file in the place of one that other generations may share.
fn replace(disk: &Disk, path: &Path, text: &[u8]) -> Done {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".dpkg-ng");
    let aside = Path::new(&aside);
    disk.remove_file(aside)?;
    disk.write(aside, text)?;
    Ok(disk.rename(aside, path)?)
}

/// The packages that a view has brought to a world, as its `installations` tells.
fn brought(world: &WorldDir) -> Done<BTreeSet<PackageKey>> {
    let text = content(&world.installations())?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let packages = text.lines().filter_map(|line| {
        let (package, _) = line.split_once(' ')?;
        let (name, architecture) = package.split_once(':')?;
        Some((name.to_owned(), architecture.to_owned()))
    });
    Ok(packages.collect())
}
