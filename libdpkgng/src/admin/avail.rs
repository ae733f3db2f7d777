//! `--update-avail`, `--merge-avail`, `--clear-avail`: the `available` file (update.c).

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::control::{self, ParseFlags};
use crate::db::Database;
use crate::error::{OrFail, Result};
use crate::pkg::Which;
use crate::report::Reporter;
use crate::sys::place::Spot;
use crate::{bail, msg, msgn};

/// What becomes of `available`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update<'a> {
    /// It is replaced by this file (`-` is standard input).
    Replace(&'a Path),
    /// What this file says is added to it.
    Merge(&'a Path),
    /// It is emptied.
    Clear,
}

/// Change `available`; without `act` (`--no-act`) only read what would go into it.
///
/// # Errors
/// Access is denied, another process has the lock, or a file cannot be read, parsed or
/// written.
pub fn update_available(
    db: &mut Database,
    update: Update<'_>,
    act: bool,
    report: &mut dyn Reporter,
) -> Result<i32> {
    if act {
        let dir = &db.dirs.admin_dir();
        if let Err(e) = dir.access(libc::W_OK) {
            if e.raw_os_error() == Some(libc::EACCES) {
                bail!(
                    "required write access to dpkg database directory '%s' for bulk available update",
                    dir
                );
            }
            return Err(e).or_fail(|| {
                msg!(
                    "unable to access dpkg database directory '%s' for bulk available update",
                    dir
                )
            });
        }
        db.lock()?;
    }
    match update {
        Update::Replace(source) => report.output(msg!(
            "Replacing available packages info, using %s.\n",
            source
        )),
        Update::Merge(source) => report.output(msg!(
            "Updating available packages info, using %s.\n",
            source
        )),
        Update::Clear => {}
    }
    let available = db.dirs.admin("available");
    if matches!(update, Update::Merge(_)) {
        control::parse_file(&available, ParseFlags::AVAILABLE, &mut db.table, report)?;
    }
    let mut count = 0;
    if let Update::Replace(source) | Update::Merge(source) = update {
        let source = Spot::path(source.as_os_str().as_bytes());
        let flags = ParseFlags::AVAILABLE | ParseFlags::IGNORE_OLDER | ParseFlags::DASH_IS_STDIN;
        count = control::parse_file(&source, flags, &mut db.table, report)?.0;
    }
    if act {
        control::write_db(&available, &db.table, Which::Available, false)?;
        db.unlock();
    }
    if update != Update::Clear {
        report.output(msgn!(
            count,
            "Information about %d package was updated.\n",
            "Information about %d packages was updated.\n",
            count
        ));
    }
    Ok(0)
}
