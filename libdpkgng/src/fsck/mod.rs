//! `dpkg-ng fsck`: whether a database and the system it describes are whole, and what makes them so.
//!
//! ```text
//! files ─Scan (reads leniently, changes nothing)→ Findings: Vec<Fault> ─each may have a Repair→ carry_out
//! ```
//!
//! dpkg stops at the first thing that is wrong. Here every file is read as far as it goes, and what is
//! wrong is a value: a [`Fault`] says of which [`Kind`] it is, in which file and line, of which package,
//! what a person may do about it, and, where that takes no guess, a [`Repair`]: a plan that names what
//! would be written and from where. Nothing here prints, and [`check`] takes no lock and writes nothing.
//!
//! | module | looks at |
//! |---|---|
//! | `stanzas` `status` | `status`, `available`, `updates/`; what `status` is made again from |
//! | `tables` `diversions` `overrides` `arch` | `diversions`, `statoverride`, `arch` |
//! | `info` `control` `lists` | `info/`: which files belong there; lists, md5sums, scripts |
//! | `triggers` | `triggers/` against `info/*.triggers` |
//! | `alternatives` | `alternatives/` against the links |
//! | `files` | what packages own: there, of the content that md5sums has, without `.dpkg-new` beside |
//! | `debs` `backups` | where what is lost is still to be had |
//! | `repair` | carrying plans out |
//!
//! A repair is certain or it is none: what is put back comes from the damaged file itself, from dpkg's
//! own copy (`-old`, `/var/backups`) where nothing contradicts it, from an archive of exactly the installed
//! version and architecture, or follows from other files of the database. A caller repeats check and repair until
//! nothing is left to carry out: what one round puts right is what the next one builds on.
//!
//! All sizes are bounded: a file of the database above [`FILE_MAX`] is a fault, not read.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::db::Dirs;
use crate::error::Result;
use crate::filter::Filters;

mod alternatives;
mod arch;
mod backups;
mod control;
mod debs;
mod diversions;
mod fault;
mod files;
mod info;
mod leftovers;
mod lists;
mod overrides;
mod repair;
mod scan;
mod stanzas;
mod status;
mod tables;
mod text;
mod triggers;

pub use fault::{Action, Fault, Kind, Repair, Severity, Source, WayOut, Where};
pub use repair::{Done, Keep, carry_out};

/// So many bytes of a file of the database are read at most.
pub const FILE_MAX: u64 = 256 << 20;

/// What is to be looked at, and with what help.
#[derive(Debug, Default)]
pub struct Options {
    /// Compare contents with md5sums.
    pub hash: bool,
    /// Look only at the files of these packages (`NAME` or `NAME:ARCH`); of all, if there are none.
    pub packages: Vec<Vec<u8>>,
    /// Paths that are not installed here.
    pub filters: Filters,
    /// Directories of this machine with archives, beside the cache of apt in the installed system.
    pub debs: Vec<PathBuf>,
    /// `$DPKG_PATH_PASSWD` and `$DPKG_PATH_GROUP`.
    pub accounts: (Option<Vec<u8>>, Option<Vec<u8>>),
}

/// A package of which an archive would bring something back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// The name.
    pub package: Vec<u8>,
    /// The version that is installed.
    pub version: Vec<u8>,
    /// Its architecture.
    pub arch: Vec<u8>,
}

/// Something that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked {
    /// What.
    pub file: Where,
    /// Why: an `errno`.
    pub errno: i32,
}

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// What is wrong, by file and line.
    pub faults: Vec<Fault>,
    /// What could not be looked at.
    pub unchecked: Vec<Unchecked>,
    /// How many packages the database has.
    pub packages: usize,
    /// How many paths of packages were looked at.
    pub paths: usize,
    /// Names given that are no installed package's.
    pub unknown: Vec<Vec<u8>>,
}

impl Findings {
    /// The repairs that can be carried out now, each once: those of the database, and only when it needs none those of
    /// what it describes.
    pub fn repairs(&self) -> Vec<&Repair> {
        let mut seen: HashSet<&Where> = HashSet::new();
        let planned = self.faults.iter().filter_map(|f| f.repair.as_ref());
        let once: Vec<&Repair> = planned.filter(|r| seen.insert(r.target())).collect();
        let (database, system): (Vec<_>, Vec<_>) = once
            .into_iter()
            .partition(|r| matches!(r.target(), Where::Admin(_)));
        match database.is_empty() {
            true => system,
            false => database,
        }
    }

    /// The packages of which an archive would help.
    pub fn wanted(&self) -> Vec<&Wanted> {
        let mut wanted: Vec<&Wanted> = self
            .faults
            .iter()
            .filter_map(|f| f.wanted.as_ref())
            .collect();
        wanted.sort();
        wanted.dedup();
        wanted
    }
}

/// Look at a database and its system. Nothing is locked and nothing changed.
///
/// # Errors
/// The directory of the database cannot be looked at.
pub fn check(dirs: &Dirs, options: &Options) -> Result<Findings> {
    let mut scan = scan::Scan::new(dirs, options)?;
    info::index(&mut scan);
    status::check(&mut scan);
    diversions::check(&mut scan);
    overrides::check(&mut scan);
    arch::check(&mut scan);
    info::check(&mut scan);
    triggers::check(&mut scan);
    alternatives::check(&mut scan);
    leftovers::check(&mut scan);
    files::check(&mut scan);
    Ok(scan.finish())
}
