//! The second pass over an archive's files: all durable, then all renamed
//! (`tar_deferred_extract`).
//!
//! The promise is stock's: no file gets its name before its data is on the disk, and before it is
//! noted there that the package is half-installed. Where stock syncs and renames one by one, the
//! `fsync`s of a package are in flight together here.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use super::super::Run;
use super::Entered;
use super::extract::Job;
use super::place::sync_written;
use super::spots::Spots;
use crate::error::{Error, OrFail, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::msg;
use crate::pkg::{PkgId, Which};
use crate::report::debug;
use crate::sys::place::{Absence, is_absent};

impl Run {
    /// Rename what was deferred.
    pub(super) fn place_deferred(
        &mut self,
        job: &mut Job,
        control: Vec<(Vec<u8>, File)>,
    ) -> Result<()> {
        self.unpack.place().forget();
        self.sync_deferred(job, control)?;
        for node in &job.newfiles {
            let fsys = &self.db.fsys;
            self.report.debug(debug::EACHFILE, || {
                msg!("deferred extract of '%.255s'", fsys.name(*node))
            });
            let flags = fsys.flags(*node);
            if !flags.contains(NodeFlags::DEFERRED_RENAME) {
                continue;
            }
            let spots = self.spots_in_use(*node, job.pkg);
            let synced = flags.contains(NodeFlags::DEFERRED_FSYNC);
            if synced {
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("deferred extract needs fsync")
                });
                self.db
                    .fsys
                    .flags_mut(*node)
                    .remove(NodeFlags::DEFERRED_FSYNC);
            }
            self.report.debug(debug::EACHFILEDETAIL, || {
                msg!("deferred extract needs rename")
            });
            spots.new.rename(&spots.main).map_err(|e| {
                // A link renamed before leads elsewhere: stock notices that when it opens the
                // file to sync it, which it does here and not ahead.
                let what = if synced && is_absent(&e) {
                    msg!("unable to open '%.255s'", spots.shown_new())
                } else {
                    let name = self.db.fsys.name(*node);
                    msg!("unable to install new version of '%.255s'", name)
                };
                Error::os(what, e)
            })?;
            // Where the payload's own file stood, rename did nothing.
            if job.linked.contains(node) {
                spots.new.unlink().if_reached().or_fail(|| {
                    let name = self.db.fsys.name(*node);
                    msg!("unable to install new version of '%.255s'", name)
                })?;
            }
            // A link in place may lead the way to what comes next.
            if job.links.contains(node) {
                self.unpack.place().forget();
            }
            let flags = self.db.fsys.flags_mut(*node);
            flags.remove(NodeFlags::DEFERRED_RENAME);
            flags.insert(NodeFlags::PLACED_ON_DISK | NodeFlags::ELIDE_OTHER_LISTS);
            self.report.debug(debug::EACHFILEDETAIL, || {
                msg!("deferred extract done and installed")
            });
            self.leave(Entered::File(job.pkg, *node), true);
        }
        Ok(())
    }

    fn spots_in_use(&mut self, node: NodeId, pkg: PkgId) -> Spots {
        let usenode = self.namenode_to_use(node, pkg, Which::Available);
        let name = self.db.fsys.name(usenode).to_vec();
        self.spots(&name)
    }

    /// Open what was written. When the archive has the path once more, as a symbolic link, that is in
    /// its place now, and is followed as stock does it: what it leads to has to be there.
    fn open_to_sync(&mut self, spots: &Spots) -> io::Result<OwnedFd> {
        let flags = libc::O_WRONLY | libc::O_NONBLOCK;
        match spots.new.open(flags, false) {
            Err(e) if e.raw_os_error() == Some(libc::ELOOP) => {
                let place = self.unpack.place();
                let shown = spots.shown_new();
                let name = shown.get(place.base().len()..).unwrap_or_default();
                place.follow(name)?.open(flags, false)
            }
            opened => opened,
        }
    }

    /// The barrier before files get their names. Durable after it: that the package is
    /// half-installed (the note), the content of its files (`tar_writeback_barrier`, and the
    /// `fsync`s; not with `--force-unsafe-io`), and the control files.
    fn sync_deferred(&mut self, job: &mut Job, control: Vec<(Vec<u8>, File)>) -> Result<()> {
        if self.report.debug_flags() & (debug::EACHFILE | debug::EACHFILEDETAIL) != 0 {
            // Here stock looks for the files once more.
            for node in job.newfiles.clone() {
                if self.db.fsys.flags(node).contains(NodeFlags::DEFERRED_FSYNC) {
                    self.spots_in_use(node, job.pkg);
                }
            }
        }
        for node in std::mem::take(&mut job.again) {
            if !self.db.fsys.flags(node).contains(NodeFlags::DEFERRED_FSYNC) {
                continue;
            }
            let spots = self.spots_in_use(node, job.pkg);
            let shown = spots.shown_new();
            let opened = self.open_to_sync(&spots);
            let file = opened.or_fail(|| msg!("unable to open '%.255s'", &shown))?;
            job.written
                .push((self.db.fsys.name(node).to_vec(), shown, file));
        }
        let mut also = Vec::new();
        for (path, dir) in self.db.unsettled()? {
            also.push((msg!("unable to sync directory '%s'", &path), dir.into()));
        }
        for (name, file) in control {
            also.push((msg!("unable to sync file '%s'", &name), file.into()));
        }
        sync_written(job, also)?;
        self.db.settled();
        Ok(())
    }
}
