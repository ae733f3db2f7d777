//! `--verify`: do the files of packages contain what they should (verify.c).

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::flush;
use crate::db::Database;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::digest::md5_reader;
use crate::error::{Error, OrFail, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::hooks::HookSet;
use crate::msg;
use crate::msg::Arg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::pkgspec::package_arg;
use crate::report::Reporter;
use crate::state::Status;

/// How what was found is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// rpm's nine columns; the only format there is.
    #[default]
    Rpm,
}

/// What was found of one path (`verify_checks`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Checks {
    /// Why it cannot be looked at.
    missing: Option<i32>,
    /// It has a digest, so it should be a regular file, and is none.
    not_regular: bool,
    /// It has a digest: is it right, if it could be read.
    md5sum: Option<Option<bool>>,
}

impl Checks {
    /// Whether there is something to show; that a file cannot be read is, too.
    fn failed(&self) -> bool {
        let wrong = matches!(self.md5sum, Some(None | Some(false)));
        self.missing.is_some() || self.not_regular || wrong
    }
}

/// A line of rpm's format (`verify_output_rpm`).
fn print_rpm(db: &Database, node: NodeId, checks: &Checks, report: &mut dyn Reporter) {
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
    let conffile = db.fsys.flags(node).contains(NodeFlags::OLD_CONFF);
    let kind = if conffile { b'c' } else { b' ' };
    let path = db.fsys.name(node);
    report.output(msg!("%.9s %c %s%s\n", &columns[..], kind, path, why));
}

impl Database {
    /// `verify_file()`
    fn verify_file(&mut self, pkg: PkgId, node: NodeId, hooks: &mut HookSet) -> Result<Checks> {
        let mut checks = Checks::default();
        let mut path = self.dirs.instdir.as_os_str().to_owned();
        path.push(std::ffi::OsStr::from_bytes(self.fsys.name(node)));
        let path = PathBuf::from(path);
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(e) => {
                checks.missing = Some(e.raw_os_error().unwrap_or(0));
                return Ok(checks);
            }
        };
        if self.fsys.newhash(node).is_none() {
            let old = self.fsys.oldhash(node).map(Into::into);
            if old.is_some() {
                self.fsys.set_newhash(node, old);
            }
        }
        let Some(hash) = self.fsys.newhash(node) else {
            return Ok(checks);
        };
        checks.not_regular = !meta.is_file();
        let shipped = hooks.shipped(&self.table, pkg, self.fsys.name(node));
        let path = shipped.unwrap_or(path);
        checks.md5sum = Some(match File::open(&path) {
            Err(_) => None,
            Ok(mut file) => {
                let found = md5_reader(&mut file)
                    .or_put(|| msg!("failed to read"))
                    .map_err(|e| {
                        let id = "cannot compute MD5 digest for file '%s': %s";
                        Error::new(msg!(id, &path, e.msg))
                    })?;
                Some(found.as_bytes() == hash)
            }
        });
        Ok(checks)
    }

    fn verify_package(
        &mut self,
        pkg: PkgId,
        format: Format,
        hooks: &mut HookSet,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        self.ensure_files(pkg, report)?;
        self.parse_filehash(pkg, Which::Installed, report)?;
        self.conffiles_mark_old(pkg, report);
        let files = self.fsys.files(pkg).unwrap_or_default().to_vec();
        for node in files {
            let node = self.namenode_to_use(node, pkg, Which::Installed, report);
            let checks = self.verify_file(pkg, node, hooks)?;
            if checks.failed() {
                match format {
                    Format::Rpm => print_rpm(self, node, &checks, report),
                }
            }
        }
        Ok(())
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
    let mut code = 0;
    if names.is_empty() {
        for pkg in db.table.in_hash_order() {
            db.verify_package(pkg, format, hooks, report)?;
        }
    }
    for name in names {
        let pkg = package_arg(&mut db.table, verb, name)?;
        if db.table[pkg].status() == Status::NotInstalled {
            let name = db.table.name(pkg, NameWhen::NonAmbig);
            report.notice(msg!("package '%s' is not installed", name));
            code = 1;
            continue;
        }
        db.verify_package(pkg, format, hooks, report)?;
    }
    db.shutdown(report)?;
    flush(report)?;
    Ok(code)
}
