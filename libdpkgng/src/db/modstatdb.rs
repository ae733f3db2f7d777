//! `status`, `available`, the `updates/` journal, and the locks (dbmodify.c).
//!
//! A changed package is first written to `updates/tmp.i`, made durable and renamed to the next
//! number, and only then is what it says made true: *note before you act*. `status` itself is
//! rewritten, and the journal emptied, at the next checkpoint. A process that is killed anywhere
//! leaves a `status` and a journal from which the next one, reading both in order, gets the
//! last note.
//!
//! How soon a note has to be durable its writer says: [`Database::note`] is on return,
//! [`Database::note_unsettled`] survives the process and is durable with the next
//! [`Database::settle`], without which no script runs; [`Database::note_later`] is written with the
//! next note, or settling, and not at all when that is of the same package. A note that says what the
//! last one of the package said is none.

mod journal;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;

use nix::unistd::{geteuid, getuid};

use super::Database;
use super::infodb::Format;
use crate::bail;
use crate::control::{self, ParseFlags, Scope};
use crate::error::{Error, OrFail, Result};
use crate::msg;
use crate::pkg::{PkgId, Which};
use crate::report::Reporter;
use crate::state::Status;
use crate::sys;
use crate::sys::inherited;
use crate::sys::lock::{FileLock, is_locked};
use crate::sys::place::Absence;

/// The longest name of a journal file (`IMPORTANTMAXLEN`).
const JOURNAL_NAME_MAX: usize = 10;
/// How many journal files there may be before a checkpoint (`MAXUPDATES`).
const JOURNAL_MAX: u32 = 250;

/// How the database is to be, or was, opened (`modstatdb_rw`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenMode {
    /// Not opened.
    #[default]
    Unset,
    /// Only read.
    ReadOnly,
    /// Write access is needed later, but nothing is read or written now; the locks are taken.
    NeedSuperuserLockOnly,
    /// Write if the directory can be written, else read only.
    WriteIfPossible,
    /// Write.
    Write,
    /// Write, and it is an error not to be root.
    NeedSuperuser,
}

impl OpenMode {
    /// Whether this mode writes.
    pub fn writes(self) -> bool {
        matches!(self, OpenMode::Write | OpenMode::NeedSuperuser)
    }
}

/// What of `available` is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvailMode {
    /// Nothing.
    #[default]
    None,
    /// Read it.
    Read,
    /// Read it and write it back at shutdown.
    Write,
}

/// The private state of this module (and what `infodb` caches).
#[derive(Debug, Default)]
pub struct Modstat {
    mode: OpenMode,
    available: AvailMode,
    /// How much of the packages is read.
    scope: Scope,
    frontend_locked: bool,
    frontend_lock: Option<FileLock>,
    lock: Option<FileLock>,
    /// `updates/tmp.i`, padded and empty, to be filled by the next note.
    next_note: Option<File>,
    /// The number of the next journal file.
    next_update: u32,
    /// Names in `updates/` may not be durable yet.
    updates_unsettled: bool,
    /// Names in `info/` may not be durable yet.
    info_unsettled: bool,
    /// The package that a note is still to be written of, and its stanza.
    later: Option<(PkgId, Vec<u8>)>,
    /// What the last note of each package said, since `status` was written.
    noted: HashMap<PkgId, Vec<u8>>,
    pub(super) infodb_format: std::cell::OnceCell<Format>,
}

impl Database {
    /// Say that the caller's caller holds `lock-frontend` (`DPKG_FRONTEND_LOCKED` is set): it is
    /// not taken then.
    pub fn set_frontend_locked(&mut self, locked: bool) {
        self.modstat.frontend_locked = locked;
    }

    /// Read only a part of the packages, to answer a question that needs no more. To be said before the
    /// database is opened; it then is only read, without `available`.
    pub fn set_scope(&mut self, scope: Scope) {
        self.modstat.scope = scope;
    }

    /// `modstatdb_open()`: take the locks, read status, apply `updates/`, read available.
    /// Returns the mode that came of it: read only, write, or lock only.
    pub fn open(
        &mut self,
        mode: OpenMode,
        available: AvailMode,
        report: &mut dyn Reporter,
    ) -> Result<OpenMode> {
        self.modstat.available = available;
        if mode != OpenMode::ReadOnly || available != AvailMode::None {
            self.modstat.scope = Scope::All;
        }
        self.modstat.mode = self.open_access(mode)?;
        super::arch::load_into(&self.dirs, &mut self.table.arches)?;

        if self.mode() != OpenMode::NeedSuperuserLockOnly {
            self.read_status(report)?;
            if available != AvailMode::None {
                let path = self.dirs.admin("available");
                control::parse_file(&path, ParseFlags::AVAILABLE, &mut self.table, report)?;
            }
        }
        if self.mode().writes() {
            self.prepare_note()?;
        }
        for pend in std::mem::take(&mut self.table.awaited_pend) {
            self.enqueue_awaited_pend(pend);
        }
        self.fixup_awaiters(report)?;
        self.incorporate(report)?;
        Ok(self.mode())
    }

    /// Check for access, make the directory when it is missing, and lock.
    fn open_access(&mut self, mode: OpenMode) -> Result<OpenMode> {
        let must_write = mode.writes();
        match mode {
            OpenMode::ReadOnly => return Ok(mode),
            OpenMode::Unset => {
                return Err(Error::internal(msg!("unknown modstatdb_rw '%d'", -1)));
            }
            OpenMode::NeedSuperuser | OpenMode::NeedSuperuserLockOnly => {
                if !getuid().is_root() || !geteuid().is_root() {
                    bail!("requested operation requires superuser privilege");
                }
            }
            OpenMode::WriteIfPossible | OpenMode::Write => {}
        }
        let dir = &self.dirs.admin_dir();
        let mut accessible = dir.access(libc::W_OK);
        if let Err(e) = &accessible
            && e.kind() == io::ErrorKind::NotFound
        {
            accessible = match sys::dir::make_path(dir, 0o755) {
                Ok(()) => Ok(()),
                Err(e) if must_write => {
                    return Err(e)
                        .or_fail(|| msg!("cannot create the dpkg database directory %s", dir));
                }
                // A read-only file system is no reason not to read.
                Err(e) if e.raw_os_error() == Some(libc::EROFS) => {
                    Err(io::Error::from_raw_os_error(libc::EACCES))
                }
                Err(e) => Err(e),
            };
        }
        match accessible {
            Ok(()) => {
                self.lock()?;
                Ok(match mode {
                    OpenMode::NeedSuperuserLockOnly => mode,
                    _ => OpenMode::Write,
                })
            }
            Err(e) if e.raw_os_error() != Some(libc::EACCES) => {
                Err(e).or_fail(|| msg!("unable to access the dpkg database directory %s", dir))
            }
            Err(_) if must_write => bail!(
                "required read/write access to the dpkg database directory %s",
                dir
            ),
            Err(_) => Ok(OpenMode::ReadOnly),
        }
    }

    /// The mode the database is open in.
    pub fn mode(&self) -> OpenMode {
        self.modstat.mode
    }

    /// Whether another process holds the database's lock (`modstatdb_is_locked`).
    pub fn is_locked(&self) -> Result<bool> {
        let path = self.dirs.admin("lock");
        // Opening the file anew would release our own lock on closing.
        if let Some(held) = &self.modstat.lock {
            return is_locked(held.file(), &path);
        }
        let open = path.read().if_there().or_fail(|| {
            msg!(
                "unable to check lock file for dpkg database directory %s",
                &self.dirs.admindir
            )
        })?;
        open.map_or(Ok(false), |file| is_locked(&file, &path))
    }

    /// Take `lock-frontend`, unless a frontend has it for us, and `lock` (`modstatdb_lock`).
    pub fn lock(&mut self) -> Result<()> {
        if self.modstat.lock.is_some() {
            return Ok(());
        }
        let frontend = match self.modstat.frontend_locked {
            true => None,
            false => Some(self.open_lock(
                "lock-frontend",
                "unable to open/create dpkg frontend lock for directory %s",
            )?),
        };
        let database = self.open_lock(
            "lock",
            "unable to open/create dpkg database lock file for directory %s",
        )?;
        inherited::free_standard().or_fail(|| msg!("unable to open file '%s'", "/dev/null"))?;
        if let Some(file) = frontend {
            let lock = FileLock::lock(file, false, msg!("dpkg frontend lock"))?;
            self.modstat.frontend_lock = Some(lock);
        }
        let lock = FileLock::lock(database, false, msg!("dpkg database lock"))?;
        self.modstat.lock = Some(lock);
        Ok(())
    }

    fn open_lock(&self, name: &str, failed: &'static str) -> Result<File> {
        match self.dirs.admin(name).open_lock(0o660) {
            Err(e) if matches!(e.raw_os_error(), Some(libc::EACCES | libc::EPERM)) => bail!(
                "you do not have permission to lock the dpkg database directory %s",
                &self.dirs.admindir
            ),
            other => other.or_fail(|| msg!(failed, &self.dirs.admindir)),
        }
    }

    /// Release the locks (`modstatdb_unlock`).
    pub fn unlock(&mut self) {
        self.modstat.lock = None;
        self.modstat.frontend_lock = None;
    }

    /// Read `status` and apply the journal (`cleanupdates`); with write access, make a new
    /// `status` of both.
    fn read_status(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let status = self.dirs.admin("status");
        let scope = &self.modstat.scope;
        control::parse_scope(&status, ParseFlags::STATUS, scope, &mut self.table, report)?;
        let Some(files) = self.journal()? else {
            return Ok(());
        };
        let mut noted = Vec::new();
        for file in &files {
            let scope = &self.modstat.scope;
            let (_, pkg) =
                control::parse_scope(file, ParseFlags::UPDATE, scope, &mut self.table, report)?;
            noted.extend(pkg);
        }
        if !files.is_empty() && self.mode().writes() {
            self.remove_info_of_gone(noted)?;
            control::write_db(&status, &self.table, Which::Installed, true)?;
            for file in &files {
                file.unlink()
                    .or_fail(|| msg!("failed to remove incorporated update file %.255s", file))?;
            }
            sys::dir::sync(&self.dirs.admin("updates"))?;
        }
        self.modstat.next_update = 0;
        Ok(())
    }

    /// Remove the files in `info/` of packages that were noted to be gone ([`Database::note_gone`]).
    fn remove_info_of_gone(&self, mut noted: Vec<PkgId>) -> Result<()> {
        noted.sort_unstable();
        noted.dedup();
        noted.retain(|pkg| self.table[*pkg].status() == Status::NotInstalled);
        let mut removed = false;
        for pkg in noted {
            for file in self.infodb_files_of_gone(pkg)? {
                file.unlink()
                    .or_fail(|| msg!("unable to delete control info file '%.250s'", &file))?;
                removed = true;
            }
        }
        match removed {
            true => sys::dir::sync(&self.infodb_dir()),
            false => Ok(()),
        }
    }

    /// `modstatdb_note_ifwrite()`
    pub fn note_ifwrite(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        if self.mode().writes() {
            self.note(pkg, report)?;
        }
        Ok(())
    }

    /// `modstatdb_checkpoint()`: rewrite `status`, empty `updates/`.
    pub fn checkpoint(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        self.must_write()?;
        self.write_status()
    }

    fn write_status(&mut self) -> Result<()> {
        self.modstat.later = None;
        self.modstat.noted.clear();
        if self.modstat.info_unsettled {
            self.settle()?;
        }
        let status = self.dirs.admin("status");
        control::write_db(&status, &self.table, Which::Installed, true)?;
        for number in 0..self.modstat.next_update {
            let path = self.journal_path(number);
            path.unlink()
                .or_fail(|| msg!("failed to remove my own update file %.255s", &path))?;
        }
        sys::dir::sync(&self.dirs.admin("updates"))?;
        self.modstat.updates_unsettled = false;
        self.modstat.next_update = 0;
        Ok(())
    }

    /// `modstatdb_shutdown()`: write `available` when opened so, checkpoint, release the locks.
    pub fn shutdown(&mut self, report: &mut dyn Reporter) -> Result<()> {
        if self.modstat.available == AvailMode::Write {
            let path = self.dirs.admin("available");
            control::write_db(&path, &self.table, Which::Available, false)?;
        }
        if self.mode() == OpenMode::Write {
            self.checkpoint(report)?;
            self.modstat.next_note = None;
            let note = self.note_path();
            let gone = note.unlink().if_there();
            gone.or_fail(|| msg!("cannot remove '%.250s'", &note))?;
        }
        self.unlock();
        Ok(())
    }
}
