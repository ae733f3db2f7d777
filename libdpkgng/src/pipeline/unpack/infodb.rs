//! The control member's files into `info/` (`pkg_infodb_update`).

use super::super::Run;
use crate::db::infodb::InfoFiles;
use crate::error::{OrFail, Result};
use crate::pkg::{MultiArch, NameWhen, PkgId, Which};
use crate::report::debug;
use crate::sys::place::{Absence, Spot, names};
use crate::{bail, msg};

/// Longest name of a control file.
const NAME_MAX: usize = 100;

impl Run {
    /// Replace or remove the files the package has in `info/`, add the new ones, which is durable
    /// before the next note is. The file list is written elsewhere.
    pub(super) fn update_infodb(&mut self, pkg: PkgId, cidir: &Spot) -> Result<()> {
        let mut files = self.db.infodb_files(pkg, Which::Available)?;
        let mut known = Vec::new();
        while let Some(file) = files.next(&mut *self.report) {
            if file.kind.len() > NAME_MAX {
                bail!(
                    "old version of package has overly-long info file name starting '%.250s'",
                    &file.spot
                );
            }
            known.push(file);
        }
        for file in known.iter().rev().filter(|f| f.kind != "list") {
            let new = cidir.child(file.kind.as_bytes());
            let installed = new
                .rename(&file.spot)
                .if_there()
                .or_fail(|| msg!("unable to install (supposed) new info file '%.250s'", &new))?;
            match installed {
                Some(()) => self.report.debug(debug::SCRIPTS, || {
                    msg!("process_archive info installed %s as %s", &new, &file.spot)
                }),
                None => {
                    file.spot.unlink().or_fail(|| {
                        msg!("unable to remove obsolete info file '%.250s'", &file.spot)
                    })?;
                    self.report.debug(debug::SCRIPTS, || {
                        msg!("process_archive info unlinked %s", &file.spot)
                    });
                }
            }
        }
        let fail = || msg!("unable to open temp control directory");
        let dir = cidir.open(libc::O_RDONLY | libc::O_DIRECTORY, true);
        for name in names(dir.or_fail(fail)?).or_fail(fail)? {
            self.install_info_file(pkg, cidir, &name)?;
        }
        // The names of the files may have changed (`:arch` comes and goes).
        let p = &self.db.table[pkg];
        let (old, new) = (p.installed.multiarch, p.available.multiarch);
        if old != new && (old == MultiArch::Same || new == MultiArch::Same) {
            self.report.debug(debug::SCRIPTS, || {
                msg!("process_archive remove old info files after db layout switch")
            });
            let files = self.db.infodb_files(pkg, Which::Installed)?;
            self.remove_info_files(files)?;
        }
        self.db.info_changed();
        Ok(())
    }

    fn install_info_file(&mut self, pkg: PkgId, cidir: &Spot, name: &[u8]) -> Result<()> {
        if name.contains(&b'.') {
            self.report.debug(debug::SCRIPTS, || {
                msg!("process_archive tmp.ci script/file '%s' contains dot", name)
            });
            return Ok(());
        }
        if name.len() > NAME_MAX {
            bail!(
                "package contains overly-long control info file name (starting '%.50s')",
                name
            );
        }
        let new = cidir.child(name);
        match new.rmdir() {
            Ok(()) => bail!("package control info contained directory '%.250s'", &new),
            Err(e) if e.raw_os_error() == Some(libc::ENOTDIR) => {}
            Err(e) => {
                return Err(e).or_fail(|| {
                    msg!(
                        "package control info rmdir of '%.250s' didn't say not a dir",
                        name
                    )
                });
            }
        }
        if name == b"control" {
            self.report.debug(debug::SCRIPTS, || {
                msg!("process_archive tmp.ci script/file '%s' is control", &new)
            });
            return Ok(());
        }
        if name == b"list" {
            let text = msg!(
                "package %s contained list as info file",
                self.db
                    .table
                    .bin_name(pkg, Which::Available, NameWhen::NonAmbig)
            );
            self.report.warning(text);
            return Ok(());
        }
        // The name may be any bytes.
        let stem = self.db.infodb_file(pkg, Which::Available, "");
        let installed = stem.with_suffix(name);
        new.rename(&installed).or_fail(|| {
            msg!(
                "unable to install new info file '%.250s' as '%.250s'",
                &new,
                &installed
            )
        })?;
        self.report.debug(debug::SCRIPTS, || {
            msg!(
                "process_archive tmp.ci script/file '%s' installed as '%s'",
                &new,
                &installed
            )
        });
        Ok(())
    }

    /// Delete everything a package has in `info/` under its installed name.
    pub(super) fn remove_info_files(&mut self, mut files: InfoFiles) -> Result<()> {
        while let Some(file) = files.next(&mut *self.report) {
            file.spot
                .unlink()
                .or_fail(|| msg!("unable to delete control info file '%.250s'", &file.spot))?;
            self.report.debug(debug::SCRIPTS, || {
                msg!("removal_bulk info unlinked %s", &file.spot)
            });
        }
        self.db.info_changed();
        Ok(())
    }
}
