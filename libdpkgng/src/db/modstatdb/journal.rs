//! Notes, and the journal in `updates/` that they make until the next checkpoint.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

use super::{JOURNAL_MAX, JOURNAL_NAME_MAX};
use crate::bail;
use crate::control;
use crate::db::Database;
use crate::error::{Error, OrFail, Result};
use crate::msg;
use crate::msg::Msg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, Reporter};
use crate::state::Status;
use crate::sys;
use crate::sys::place::{Absence, Spot, names};
use crate::version::Epoch;

impl Database {
    /// The files of the journal in order; `None` when the directory was missing (and has been
    /// made, with write access).
    pub(super) fn journal(&self) -> Result<Option<Vec<Spot>>> {
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

    pub(super) fn note_path(&self) -> Spot {
        self.dirs.admin("updates/tmp.i")
    }

    pub(super) fn journal_path(&self, number: u32) -> Spot {
        self.dirs.admin(format!("updates/{number:04}"))
    }

    /// Make the file for the next note, with its blocks allocated, so that noting does not fail
    /// for want of space (`createimptmp`).
    pub(super) fn prepare_note(&mut self) -> Result<()> {
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

    pub(super) fn must_write(&self) -> Result<()> {
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
    pub(super) fn write_later(&mut self, next: Option<PkgId>) -> Result<()> {
        match self.modstat.later.take() {
            Some((later, stanza)) if Some(later) != next => self.note_core(later, stanza),
            _ => Ok(()),
        }
    }

    /// `modstatdb_note_core()`: write, make durable, give it its number, prepare for the next. The
    /// names in `info/` that it may speak of are made durable before it has one.
    pub(super) fn note_core(&mut self, pkg: PkgId, stanza: Vec<u8>) -> Result<()> {
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
