//! The files of the database as files: whether one is still the one that was read
//! (db-fsys-load.c), and replacing one.
//!
//! Maintainer scripts run `dpkg-divert` and `dpkg-statoverride`, which replace these files; a
//! file is read again when its device or inode differ. The file read is kept open, so that its
//! inode number cannot be given to its successor.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;

use crate::error::{Error, OrFail, Result};
use crate::msg;
use crate::report::{Reporter, debug};
use crate::sys::atomic::AtomicFile;
use crate::sys::dir;
use crate::sys::place::{Absence, Spot};

/// A file of the database that others may replace while dpkg runs.
#[derive(Debug, Default)]
pub(super) struct Reopen {
    open: Option<(File, (u64, u64))>,
}

/// What became of the file since it was last looked at (`dpkg_db_error`).
pub(super) enum Reopened<'a> {
    /// It is the one already read.
    Same,
    /// There is none.
    Missing,
    /// It is to be read.
    Load(&'a mut File),
}

impl Reopen {
    /// Look at the file again (`dpkg_db_reopen`).
    ///
    /// # Errors
    /// That ends the run: it cannot be opened or looked at.
    pub(super) fn reopen(
        &mut self,
        path: &Spot,
        report: &mut dyn Reporter,
    ) -> Result<Reopened<'_>> {
        const WHO: &str = "dpkg_db_reopen";
        let next = path.read().if_there();
        let next = next
            .or_fail(|| msg!("cannot open %s file", path))
            .map_err(Error::fatal)?;
        let Some(file) = next else {
            self.open = None;
            report.debug(debug::GENERAL, || {
                msg!("%s: missing %s, resetting", WHO, path)
            });
            return Ok(Reopened::Missing);
        };
        let meta = file
            .metadata()
            .or_fail(|| msg!("cannot get %s file metadata", path))
            .map_err(Error::fatal)?;
        let id = (meta.dev(), meta.ino());
        if self.open.as_ref().is_some_and(|(_, old)| *old == id) {
            report.debug(debug::GENERAL, || {
                msg!("%s: unchanged %s, skipping", WHO, path)
            });
            return Ok(Reopened::Same);
        }
        let open = self.open.insert((file, id));
        report.debug(debug::GENERAL, || {
            msg!("%s: new %s, (re)loading", WHO, path)
        });
        Ok(Reopened::Load(&mut open.0))
    }
}

/// Give a file this content, durably. Its directory is the caller's to sync.
pub(super) fn replace(path: &Spot, content: &[u8]) -> Result<()> {
    replace_keeping(path, content, false)
}

/// The same for a file whose former version stays as `NAME-old`; its directory is made durable
/// too, so that nothing done afterwards to the files it tells of can outlive it.
pub(super) fn replace_with_backup(path: &Spot, content: &[u8]) -> Result<()> {
    replace_keeping(path, content, true)?;
    dir::sync_parent(path)
}

fn replace_keeping(path: &Spot, content: &[u8], backup: bool) -> Result<()> {
    let mut file = AtomicFile::create(path, false)?;
    let written = file.write_all(content);
    written.or_fail(|| msg!("unable to write new file '%.250s'", file.name_new()))?;
    file.sync()?;
    file.commit(backup)
}
