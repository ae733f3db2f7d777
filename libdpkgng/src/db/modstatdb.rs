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

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use nix::unistd::{geteuid, getuid};

use super::Database;
use super::infodb::Format;
use crate::bail;
use crate::control::{self, ParseFlags, Scope};
use crate::error::{Error, OrFail, Result};
use crate::msg;
use crate::msg::Msg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, Reporter};
use crate::state::Status;
use crate::sys;
use crate::sys::inherited;
use crate::sys::lock::{FileLock, is_locked};
use crate::sys::place::{Absence, Spot, names};
use crate::version::Epoch;

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

    /// The files of the journal in order; `None` when the directory was missing (and has been
    /// made, with write access).
    fn journal(&self) -> Result<Option<Vec<Spot>>> {
        let dir = self.dirs.admin("updates");
        let scan_failed = || msg!("cannot scan updates directory '%.255s'", &dir);
        let open = dir.open(libc::O_RDONLY | libc::O_DIRECTORY, true);
        let Some(open) = open.if_there().or_fail(scan_failed)? else {
            if self.mode().writes() {
                sys::dir::make_path(&dir, 0o755)
                    .or_fail(|| msg!("cannot create the dpkg updates directory %s", &dir))?;
            }
            return Ok(None);
        };
        let mut numbers = names(open).or_fail(scan_failed)?;
        numbers.retain(|name| name.iter().all(u8::is_ascii_digit));
        let mut length = None;
        for name in &numbers {
            if name.len() > JOURNAL_NAME_MAX {
                bail!(
                    "updates directory contains file '%.250s' whose name is too long (length=%d, max=%d)",
                    name,
                    name.len(),
                    JOURNAL_NAME_MAX
                );
            }
            let length = *length.get_or_insert(name.len());
            if name.len() != length {
                bail!(
                    "updates directory contains files with different length names (both %d and %d)",
                    name.len(),
                    length
                );
            }
        }
        numbers.sort();
        Ok(Some(numbers.iter().map(|name| dir.child(name)).collect()))
    }

    fn note_path(&self) -> Spot {
        self.dirs.admin("updates/tmp.i")
    }

    fn journal_path(&self, number: u32) -> Spot {
        self.dirs.admin(format!("updates/{number:04}"))
    }

    /// Make the file for the next note, with its blocks allocated, so that noting does not fail
    /// for want of space (`createimptmp`).
    fn prepare_note(&mut self) -> Result<()> {
        let path = self.note_path();
        let make = || -> Result<File> {
            let mut file = path
                .create_anew(0o666)
                .or_fail(|| msg!("unable to create '%.255s'", &path))?;
            let padding = b"#padding\n".repeat(512);
            write_in_blocks(
                &mut file,
                &padding,
                || msg!("unable to fill %.250s with padding", &path),
                || msg!("unable to flush %.250s after padding", &path),
            )?;
            file.seek(SeekFrom::Start(0))
                .or_fail(|| msg!("unable to seek to start of %.250s after padding", &path))?;
            Ok(file)
        };
        self.modstat.next_note = Some(make().map_err(Error::fatal)?);
        Ok(())
    }

    fn must_write(&self) -> Result<()> {
        match self.mode().writes() {
            true => Ok(()),
            false => Err(Error::internal(msg!(
                "modstatdb status '%d' is not writable",
                self.mode() as i32 - 1
            ))),
        }
    }

    /// `modstatdb_note()`: log the status (event) and write the package's stanza to `updates/` before
    /// what it says becomes true.
    ///
    /// The status is what counts: pending triggers that do not go with it are dropped, and so is
    /// this package from others' awaited ones when nothing is pending any more. Errors end the
    /// run.
    pub fn note(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        self.note_unsettled(pkg, report)?;
        self.settle().map_err(Error::fatal)
    }

    /// The same for a package that is no longer installed, whose files in `info/` are removed next:
    /// the note stays in the journal until they are, and whoever applies the journal removes them.
    pub fn note_gone(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        if self.modstat.next_update >= JOURNAL_MAX {
            self.write_status().map_err(Error::fatal)?;
        }
        self.note(pkg, report)
    }

    /// The same, but that the note survives a power cut is up to [`Database::settle`], which is
    /// owed before what it says becomes true in a way that does. It survives this process.
    pub fn note_unsettled(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        self.note_all(pkg, false, report).map_err(Error::fatal)
    }

    /// The same, but written with the next note or settling: for who changes nothing before that, so
    /// that a process that is killed in between might have been so before.
    pub fn note_later(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        self.note_all(pkg, true, report).map_err(Error::fatal)
    }

    /// Something in `info/` has got or lost its name. That is durable before the next note is, and
    /// before [`Database::settle`] returns.
    pub fn info_changed(&mut self) {
        self.modstat.info_unsettled = true;
    }

    /// Make notes and names in `info/` durable.
    ///
    /// # Errors
    /// A directory cannot be synced.
    pub fn settle(&mut self) -> Result<()> {
        for (name, dir) in self.unsettled()? {
            dir.sync_all()
                .or_fail(|| msg!("unable to sync directory '%s'", &name))?;
        }
        self.settled();
        Ok(())
    }

    /// What [`Database::settle`] would make durable, for who has more to be made durable with it and
    /// then says that it is [`Database::settled`].
    ///
    /// # Errors
    /// A directory cannot be opened, or the note that was to be written later cannot.
    pub fn unsettled(&mut self) -> Result<Vec<(Spot, File)>> {
        self.write_later(None)?;
        let state = &self.modstat;
        let dirs = [
            state.info_unsettled.then(|| self.infodb_dir()),
            state.updates_unsettled.then(|| self.dirs.admin("updates")),
        ];
        let open = |path: Spot| {
            let dir = path.read();
            let dir = dir.or_fail(|| msg!("unable to open directory '%s'", &path))?;
            Ok((path, dir))
        };
        dirs.into_iter().flatten().map(open).collect()
    }

    /// What was unsettled is durable now.
    pub fn settled(&mut self) {
        self.modstat.info_unsettled = false;
        self.modstat.updates_unsettled = false;
    }

    fn note_all(&mut self, pkg: PkgId, later: bool, report: &mut dyn Reporter) -> Result<()> {
        let status = self.table[pkg].status();
        if !matches!(status, Status::TriggersPending | Status::TriggersAwaited) {
            self.table[pkg].trigpend.clear();
        }
        if status <= Status::ConfigFiles {
            for pend in std::mem::take(&mut self.table[pkg].trigaw) {
                self.table[pend].othertrigaw.retain(|aw| *aw != pkg);
            }
        }
        if self.table[pkg].status_dirty {
            let version = &self.table[pkg].installed.version;
            report.event(&Event::Status {
                pkg: &self.table.name(pkg, NameWhen::Always),
                pkg_nonambig: &self.table.name(pkg, NameWhen::NonAmbig),
                status: status.as_str(),
                version: &version.describe_c(Epoch::NonAmbig),
            });
            if let Err(e) = report.check() {
                self.write_later(None)?;
                return Err(e);
            }
            self.table[pkg].status_dirty = false;
        }
        if self.mode().writes() {
            self.write_later(Some(pkg))?;
            // As it is now: what follows may change it, and that is no part of this note.
            let stanza = control::stanza(&self.table, pkg, Which::Installed);
            match later {
                true => self.modstat.later = Some((pkg, stanza)),
                false => self.note_core(pkg, stanza)?,
            }
        }
        if self.table[pkg].trigpend.is_empty() && !self.table[pkg].othertrigaw.is_empty() {
            self.clear_awaiters(pkg, report)?;
        }
        Ok(())
    }

    /// Write the note that was to be written later, unless it is of a package of which the next one
    /// is.
    fn write_later(&mut self, next: Option<PkgId>) -> Result<()> {
        match self.modstat.later.take() {
            Some((later, stanza)) if Some(later) != next => self.note_core(later, stanza),
            _ => Ok(()),
        }
    }

    /// `modstatdb_note_core()`: write, make durable, give it its number, prepare for the next. The
    /// names in `info/` that it may speak of are made durable before it has one.
    fn note_core(&mut self, pkg: PkgId, stanza: Vec<u8>) -> Result<()> {
        if self.modstat.noted.get(&pkg) == Some(&stanza) {
            return Ok(());
        }
        let table = &self.table;
        let name = || table.name(pkg, NameWhen::NonAmbig);
        let Some(mut file) = self.modstat.next_note.take() else {
            return self
                .must_write()
                .and_then(|()| Err(Error::internal(msg!("no file for the next note"))));
        };
        write_in_blocks(
            &mut file,
            &stanza,
            || msg!("unable to write updated status of '%.250s'", name()),
            || msg!("unable to flush updated status of '%.250s'", name()),
        )?;
        file.set_len(stanza.len() as u64)
            .or_fail(|| msg!("unable to truncate for updated status of '%.250s'", name()))?;
        let mut files = vec![OwnedFd::from(file)];
        if self.modstat.info_unsettled {
            let info = self.infodb_dir();
            let dir = info.read();
            let dir = dir.or_fail(|| msg!("unable to open directory '%s'", &info))?;
            files.push(dir.into());
        }
        sys::writeback::sync_all(&files).map_err(|(index, e)| match index {
            0 => {
                let what = msg!("unable to fsync updated status of '%.250s'", name());
                Error::os(what, e)
            }
            _ => Error::os(msg!("unable to sync directory '%s'", &self.infodb_dir()), e),
        })?;
        drop(files);
        self.modstat.info_unsettled = false;
        let target = self.journal_path(self.modstat.next_update);
        self.note_path()
            .rename(&target)
            .or_fail(|| msg!("unable to install updated status of '%.250s'", name()))?;
        self.modstat.updates_unsettled = true;
        self.modstat.noted.insert(pkg, stanza);
        self.modstat.next_update += 1;
        if self.modstat.next_update > JOURNAL_MAX {
            self.write_status()?;
        }
        self.prepare_note()
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

/// Write as through a buffer of one block, so that a full disk is told in stock's words: those of writing
/// for whole blocks, those of flushing for the rest.
fn write_in_blocks(
    file: &mut File,
    data: &[u8],
    write_failed: impl FnOnce() -> Msg,
    flush_failed: impl FnOnce() -> Msg,
) -> Result<()> {
    let block = file.metadata().map_or(4096, |m| m.blksize()) as usize;
    let (blocks, rest) = data.split_at(data.len() - data.len() % block.max(1));
    file.write_all(blocks).or_fail(write_failed)?;
    file.write_all(rest).or_fail(flush_failed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::arch::ArchTable;
    use crate::db::Dirs;

    #[derive(Default)]
    struct Lines(Vec<String>);
    impl Reporter for Lines {
        fn event(&mut self, event: &Event<'_>) {
            if let Event::Status {
                pkg,
                pkg_nonambig,
                status,
                version,
            } = event
            {
                self.0
                    .push(format!("{pkg} {pkg_nonambig} {status} {version}"));
            }
        }
    }

    const STATUS: &str = "Package: a\nStatus: install ok unpacked\nMaintainer: m\nArchitecture: amd64\nVersion: 1\nDescription: d\n\n";

    fn opened(dir: &std::path::Path, mode: OpenMode) -> Database {
        let dirs = Dirs::new(dir.to_owned(), Default::default());
        let mut db = Database::new(dirs, ArchTable::new("amd64"));
        let got = db.open(mode, AvailMode::None, &mut Lines::default());
        assert_eq!(got.expect("open"), mode);
        db
    }

    fn database() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("tempdir");
        fs::create_dir_all(dir.path().join("updates")).expect("updates");
        fs::write(dir.path().join("status"), STATUS).expect("status");
        dir
    }

    fn listing(dir: &std::path::Path) -> Vec<String> {
        let entries = fs::read_dir(dir.join("updates")).expect("updates");
        let name = |e: io::Result<fs::DirEntry>| e.expect("entry").file_name();
        let mut names: Vec<String> = entries
            .map(|e| name(e).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_noted_to_be_gone_leaves_nothing() {
        let dir = database();
        let info = dir.path().join("info");
        fs::create_dir(&info).expect("info");
        let files = [
            "a.list",
            "a.md5sums",
            "a:amd64.list",
            "ab.list",
            "a:i386.list",
        ];
        for file in files {
            fs::write(info.join(file), "").expect("info file");
        }
        let mut db = opened(dir.path(), OpenMode::Write);
        let pkg = db.table.find_singleton("a").expect("a");
        db.table.set_status(pkg, Status::NotInstalled);
        db.table.blank_bin(pkg, Which::Installed);
        db.note_gone(pkg, &mut Lines::default()).expect("note");
        let left = |of: &[&str]| {
            for file in files {
                assert_eq!(info.join(file).exists(), of.contains(&file), "{file}");
            }
        };
        left(&files);
        db.unlock();
        drop(db);
        // Whoever only looks changes nothing.
        drop(opened(dir.path(), OpenMode::ReadOnly));
        left(&files);
        let mut db = opened(dir.path(), OpenMode::Write);
        left(&["ab.list", "a:i386.list"]);
        db.shutdown(&mut Lines::default()).expect("shutdown");
    }

    #[test]
    fn a_note_survives_a_kill() {
        let dir = database();
        let mut db = opened(dir.path(), OpenMode::Write);
        let pkg = db.table.find_singleton("a").expect("a");
        let mut lines = Lines::default();
        for status in [Status::HalfConfigured, Status::Installed] {
            db.table.set_status(pkg, status);
            db.note(pkg, &mut lines).expect("note");
        }
        db.note(pkg, &mut lines).expect("nothing new");
        assert_eq!(
            lines.0,
            ["a:amd64 a half-configured 1", "a:amd64 a installed 1"]
        );
        assert_eq!(listing(dir.path()), ["0000", "0001", "tmp.i"]);
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("read");
        assert_eq!(read("status"), STATUS);
        let installed = STATUS.replace("unpacked", "installed");
        assert_eq!(read("updates/0001"), installed.trim_end().to_owned() + "\n");
        assert_eq!(read("updates/tmp.i"), "#padding\n".repeat(512));
        // The process goes without a word.
        drop(db);

        let db = opened(dir.path(), OpenMode::ReadOnly);
        assert_eq!(db.table[pkg].status(), Status::Installed);
        assert_eq!(read("status"), STATUS);
        let mut db = opened(dir.path(), OpenMode::Write);
        assert_eq!(read("status"), installed);
        assert_eq!(read("status-old"), STATUS);
        assert_eq!(listing(dir.path()), ["tmp.i"]);
        db.shutdown(&mut Lines::default()).expect("shutdown");
        assert!(listing(dir.path()).is_empty());
    }

    #[test]
    fn the_journal_is_emptied_when_it_is_full() {
        let dir = database();
        let mut db = opened(dir.path(), OpenMode::Write);
        let pkg = db.table.find_singleton("a").expect("a");
        for n in 0..=JOURNAL_MAX {
            let odd = n % 2 == 1;
            db.table.set_status(
                pkg,
                if odd {
                    Status::Installed
                } else {
                    Status::HalfConfigured
                },
            );
            db.note(pkg, &mut Lines::default()).expect("note");
        }
        assert_eq!(listing(dir.path()), ["tmp.i"]);
        db.note(pkg, &mut Lines::default()).expect("note");
        assert_eq!(listing(dir.path()), ["0000", "tmp.i"]);
    }

    #[test]
    fn a_note_to_be_written_later_is() {
        let dir = database();
        let mut db = opened(dir.path(), OpenMode::Write);
        let pkg = db.table.find_singleton("a").expect("a");
        let mut lines = Lines::default();
        db.table.set_status(pkg, Status::HalfConfigured);
        db.note_later(pkg, &mut lines).expect("note");
        assert_eq!(listing(dir.path()), ["tmp.i"]);
        // One note for both, told of each.
        db.table.set_status(pkg, Status::Installed);
        db.note_unsettled(pkg, &mut lines).expect("note");
        assert_eq!(listing(dir.path()), ["0000", "tmp.i"]);
        assert_eq!(lines.0.len(), 2);
        // Another package's, or settling, comes after it.
        db.table.set_status(pkg, Status::HalfConfigured);
        db.note_later(pkg, &mut lines).expect("note");
        db.settle().expect("settle");
        assert_eq!(listing(dir.path()), ["0000", "0001", "tmp.i"]);
    }

    #[test]
    fn reading_writes_nothing() {
        let dir = tempfile::tempdir().expect("tempdir");
        let mut db = opened(dir.path(), OpenMode::ReadOnly);
        assert!(db.checkpoint(&mut Lines::default()).is_err());
        db.shutdown(&mut Lines::default()).expect("shutdown");
        assert_eq!(fs::read_dir(dir.path()).expect("dir").count(), 0);
    }
}
