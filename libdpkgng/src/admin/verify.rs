//! `--verify`: do the files of packages contain what they should (verify.c).
//!
//! What is to be checked is read from the database, package by package; the files are then
//! looked at by as many threads as there are cores, a round of some packages at a time, and what
//! was found is shown in the order of the packages.

use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::flush;
use crate::db::Database;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::digest::md5_reader;
use crate::error::{Error, OrFail, Result};
use crate::fsys::NodeFlags;
use crate::hooks::HookSet;
use crate::msg;
use crate::msg::Arg;
use crate::pkg::{Bytes, NameWhen, PkgId, Which};
use crate::pkgspec::package_arg;
use crate::report::Reporter;
use crate::state::Status;
use crate::sys::place::{Place, Spot};

/// How what was found is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// rpm's nine columns; the only format there is.
    #[default]
    Rpm,
}

/// What was found of one path (`verify_checks`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checks {
    /// Why it cannot be looked at.
    pub(crate) missing: Option<i32>,
    /// It has a digest, so it should be a regular file, and is none.
    pub(crate) not_regular: bool,
    /// It has a digest: is it right, if it could be read.
    pub(crate) md5sum: Option<Option<bool>>,
}

impl Checks {
    /// Whether there is something to show; that a file cannot be read is, too.
    fn failed(&self) -> bool {
        let wrong = matches!(self.md5sum, Some(None | Some(false)));
        self.missing.is_some() || self.not_regular || wrong
    }
}

/// A path to be checked.
pub(crate) struct Wanted {
    pub(crate) path: Bytes,
    pub(crate) is_conffile: bool,
    /// What it should contain, if that is known.
    pub(crate) hash: Option<Bytes>,
    /// Where a hook has the content to be compared, if not at the path.
    pub(crate) shipped: Option<PathBuf>,
}

/// So many paths make a round.
const ROUND: usize = 4096;
/// So many paths are worth another thread.
const SHARE: usize = 64;

/// A line of rpm's format (`verify_output_rpm`).
fn print_rpm(wanted: &Wanted, checks: &Checks, report: &mut dyn Reporter) {
    let mut columns = *b"?????????";
    let mut why = Arg::from("");
    match checks.missing {
        None => {
            if checks.not_regular {
                columns[1] = b'M';
            }
            columns[2] = match checks.md5sum.flatten() {
                Some(true) => b'.',
                Some(false) => b'5',
                None => b'?',
            };
        }
        Some(errno) => {
            columns = *b"missing  ";
            if errno != libc::ENOENT {
                why = Arg::from(msg!(" (%s)", Arg::Errno(errno)));
            }
        }
    }
    let kind = if wanted.is_conffile { b'c' } else { b' ' };
    let path = &wanted.path;
    report.output(msg!("%.9s %c %s%s\n", &columns[..], kind, path, why));
}

/// `verify_file()`
fn check(place: &Place, wanted: &Wanted) -> Result<Checks> {
    let mut checks = Checks::default();
    let spot = place.spot(&wanted.path);
    let stat = match spot.lstat() {
        Ok(stat) => stat,
        Err(e) => {
            checks.missing = Some(e.raw_os_error().unwrap_or(0));
            return Ok(checks);
        }
    };
    let Some(hash) = &wanted.hash else {
        return Ok(checks);
    };
    checks.not_regular = !stat.is_file();
    let shipped = wanted.shipped.as_ref();
    let spot = shipped.map_or(spot, |path| Spot::path(path.as_os_str().as_bytes()));
    checks.md5sum = Some(match spot.read() {
        Err(_) => None,
        Ok(mut file) => {
            let found = md5_reader(&mut file)
                .or_put(|| msg!("failed to read"))
                .map_err(|e| {
                    let id = "cannot compute MD5 digest for file '%s': %s";
                    Error::new(msg!(id, &spot, e.msg))
                })?;
            Some(found.as_bytes() == &**hash)
        }
    });
    Ok(checks)
}

/// Check all of them, on as many threads as are worth it.
pub(crate) fn check_all(place: &Place, wanted: &[Wanted]) -> Vec<Result<Checks>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(wanted.len().div_ceil(SHARE));
    if threads <= 1 {
        return wanted.iter().map(|w| check(place, w)).collect();
    }
    let chunks: Vec<&[Wanted]> = wanted.chunks(SHARE / 4).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(chunks.len()));
    let work = || {
        let place = place.fresh();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = chunks.get(index) else {
                return;
            };
            let checks: Vec<_> = chunk.iter().map(|w| check(&place, w)).collect();
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((index, checks));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // A thread that cannot be had is no loss: this one does its part.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().flat_map(|(_, checks)| checks).collect()
}

impl Database {
    /// What there is to check of a package.
    fn wanted_of(
        &mut self,
        pkg: PkgId,
        wanted: &mut Vec<Wanted>,
        hooks: &mut HookSet,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        self.ensure_files(pkg, report)?;
        self.parse_filehash(pkg, Which::Installed, report)?;
        self.conffiles_mark_old(pkg, report);
        let files = self.fsys.files(pkg).unwrap_or_default().to_vec();
        for node in files {
            let node = self.namenode_to_use(node, pkg, Which::Installed, report);
            if self.fsys.newhash(node).is_none()
                && let Some(old) = self.fsys.oldhash(node).map(Bytes::from)
            {
                self.fsys.set_newhash(node, Some(old));
            }
            let hash = self.fsys.newhash(node).map(Bytes::from);
            let name = self.fsys.name(node);
            let shipped = match hash {
                Some(_) => hooks.shipped(&self.table, pkg, name),
                None => None,
            };
            wanted.push(Wanted {
                path: self.fsys.name(node).into(),
                is_conffile: self.fsys.flags(node).contains(NodeFlags::OLD_CONFF),
                hash,
                shipped,
            });
        }
        Ok(())
    }
}

/// What is to be checked together.
struct Round<'a> {
    place: &'a Place,
    wanted: Vec<Wanted>,
    format: Format,
}

impl Round<'_> {
    /// Check and show it.
    fn finish(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let wanted = std::mem::take(&mut self.wanted);
        for (wanted, checks) in wanted.iter().zip(check_all(self.place, &wanted)) {
            let checks = checks?;
            if checks.failed() {
                match self.format {
                    Format::Rpm => print_rpm(wanted, &checks, report),
                }
            }
        }
        Ok(())
    }

    /// Add a package. What it has to say comes after what is shown of those before it, where
    /// both are seen together.
    fn add(
        &mut self,
        db: &mut Database,
        pkg: PkgId,
        hooks: &mut HookSet,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let known = db.wanted_of(pkg, &mut self.wanted, hooks, report);
        if known.is_err() || self.wanted.len() >= ROUND || report.stdout_is_terminal() {
            self.finish(report)?;
        }
        known
    }
}

/// `--verify [PACKAGE…]`: without names, all packages. The exit code is 1 only for names of
/// packages that are not installed.
///
/// # Errors
/// A name that is none, or a file that cannot be read.
pub fn verify(
    db: &mut Database,
    verb: &str,
    names: &[Vec<u8>],
    format: Format,
    hooks: &mut HookSet,
    report: &mut dyn Reporter,
) -> Result<i32> {
    db.open(OpenMode::ReadOnly, AvailMode::None, report)?;
    db.ensure_diversions(report)?;
    let place = db.dirs.place().clone();
    let mut round = Round {
        place: &place,
        wanted: Vec::new(),
        format,
    };
    let mut code = 0;
    if names.is_empty() {
        for pkg in db.table.in_hash_order() {
            round.add(db, pkg, hooks, report)?;
        }
    }
    for name in names {
        let pkg = match package_arg(&mut db.table, verb, name) {
            Ok(pkg) => pkg,
            Err(e) => {
                round.finish(report)?;
                return Err(e);
            }
        };
        if db.table[pkg].status() == Status::NotInstalled {
            let name = db.table.name(pkg, NameWhen::NonAmbig);
            report.notice(msg!("package '%s' is not installed", name));
            code = 1;
            continue;
        }
        round.add(db, pkg, hooks, report)?;
    }
    round.finish(report)?;
    db.shutdown(report)?;
    flush(report)?;
    Ok(code)
}
