//! The archives of a command line, one after the other (`archivefiles`).

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::super::{Action, Run};
use crate::archive::treewalk::TreeWalk;
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::{Error, OrFail, Result};
use crate::force::Force;
use crate::report::Event;
use crate::{bail, msg, sys};

impl Run {
    /// `archivefiles()`: `--install`, `--unpack`, `--record-avail` of archives (or, with
    /// `--recursive`, directories).
    pub fn archive_files(&mut self, args: &[PathBuf]) -> Result<i32> {
        self.whole(|run| {
            let done = run.archivefiles(args);
            // What was noted is to be durable, however the run has ended.
            let settled = run.db.settle();
            done.and_then(|code| settled.map(|()| code))
        })
    }

    fn archivefiles(&mut self, args: &[PathBuf]) -> Result<i32> {
        let action = self.opts.action;
        let (mode, available) = if !self.opts.act {
            (OpenMode::ReadOnly, AvailMode::None)
        } else if action == Action::RecordAvail {
            (OpenMode::ReadOnly, AvailMode::Write)
        } else if self.opts.force.has(Force::NonRoot) {
            (OpenMode::Write, AvailMode::None)
        } else {
            (OpenMode::NeedSuperuser, AvailMode::None)
        };
        self.trigproc_install_hooks();
        self.db.open(mode, available, &mut *self.report)?;
        self.check_search_path()?;
        self.db.infodb_upgrade(&mut *self.report)?;
        let line = msg!("startup archives %s", action.name());
        self.report.event(&Event::Log(line));

        let archives = self.list_archives(args)?;
        for archive in &archives {
            let stat = super::plan::given(archive)
                .stat()
                .or_fail(|| msg!("cannot access archive '%s'", archive))?;
            if !stat.is_file() {
                bail!("archive '%s' is not a regular file", archive);
            }
        }
        self.unpack.now = sys::clock::now();
        self.db.ensure_diversions(&mut *self.report)?;
        self.db.ensure_statoverrides(false, &mut *self.report)?;

        for (index, archive) in archives.iter().enumerate() {
            let wanted = self.opts.force.has(Force::SecurityMac);
            if let Err(e) = self.unpack.labels.load(wanted) {
                self.archive_failed(archive, e)?;
            } else {
                self.open_ahead(&archives, index);
                self.process_archive(archive)?;
            }
            self.unpack.ahead.forget(index);
            if self.is_halted() {
                break;
            }
        }
        self.unpack.labels.close();

        if action == Action::Install {
            self.process_queue()?;
        }
        self.trigproc_run_deferred()?;
        self.db.shutdown(&mut *self.report)?;
        Ok(0)
    }

    fn list_archives(&mut self, args: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let action = self.opts.action.name();
        if !self.opts.recursive {
            if args.is_empty() {
                return Err(Error::usage(msg!(
                    "--%s needs at least one package archive file argument",
                    action
                )));
            }
            return Ok(args.to_vec());
        }
        if args.is_empty() {
            return Err(Error::usage(msg!(
                "--%s --recursive needs at least one path argument",
                action
            )));
        }
        let mut archives = Vec::new();
        for dir in args {
            let mut walk = TreeWalk::following(dir)?;
            // The directory itself is no candidate.
            walk.next_node()?;
            while let Some(node) = walk.next_node()? {
                if node.is_file && node.path.as_os_str().as_bytes().ends_with(b".deb") {
                    archives.push(node.path.clone());
                }
            }
        }
        if archives.is_empty() {
            bail!("searched, but found no packages (files matching *.deb)");
        }
        Ok(archives)
    }
}
