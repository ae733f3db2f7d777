//! From files in place to an unpacked package. After the old postrm has agreed there is only
//! forward: what fails is left for the next run to put right (the package stays
//! half-installed).

use super::super::{Action, Run};
use super::extract::Extracted;
use super::spots::TMP_SUFFIX;
use super::unwind::Undo;
use super::{Entered, NodeSet};
use crate::error::{Error, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::msg;
use crate::pkg::{Conffile, NameWhen, PkgId, Which};
use crate::report::debug;
use crate::state::{EFlag, Status};

/// A package from which there is no way back.
#[must_use]
pub struct Upgraded(Extracted);

impl Run {
    /// The old postrm's last word; then the first checkpoint.
    pub(super) fn run_old_postrm(&mut self, extracted: Extracted) -> Result<Upgraded> {
        let pkg = extracted.pkg;
        if matches!(
            extracted.old_status,
            Status::HalfInstalled | Status::Unpacked
        ) {
            self.db.table.set_status(pkg, Status::HalfInstalled);
            self.db.note_unsettled(pkg, &mut *self.report)?;
            self.unpack.unwind.push(Undo::PostrmUpgrade(pkg));
            self.script_fallback(
                pkg,
                "postrm",
                "post-removal",
                &extracted.cidir,
                "upgrade",
                "failed-upgrade",
            )?;
        }
        self.unpack.unwind.push(Undo::Checkpoint);
        Ok(Upgraded(extracted))
    }

    /// Everything after the checkpoint.
    pub(super) fn commit(&mut self, upgraded: Upgraded) -> Result<()> {
        let Upgraded(Extracted {
            pkg,
            cidir,
            backups,
            rewritten,
            mut newfiles,
            mut newconffiles,
            ..
        }) = upgraded;
        self.unpack.place().forget();
        self.remove_old_files(pkg, &mut newfiles, &mut newconffiles)?;
        let none = NodeFlags::empty();
        self.db
            .write_filelist_except(pkg, Which::Available, &newfiles, none)?;

        // Interests may have changed: the old ones go, then the new ones come.
        use crate::db::trigdb::Interest;
        let old = self.db.infodb_file(pkg, Which::Installed, "triggers");
        self.db
            .parse_ci_interests(&old, Interest::Delete, pkg, Which::Installed)?;
        let new = cidir.child(b"triggers");
        self.db
            .parse_ci_interests(&new, Interest::Add, pkg, Which::Available)?;
        self.db.save_file_interests()?;

        self.report.debug(debug::GENERAL, || {
            msg!("process_archive updating info directory")
        });
        self.update_infodb(pkg, &cidir)?;
        self.db
            .write_filehash_except(pkg, Which::Available, &newfiles, none, &mut *self.report)?;
        if !rewritten.is_empty() {
            self.db
                .amend_filehash(pkg, Which::Available, |node| rewritten.contains(&node))?;
        }
        self.update_fields(pkg, &newconffiles);
        self.blank_twins(pkg)?;
        self.disappear_others(pkg)?;
        self.remove_files_from_others(pkg, &newfiles)?;

        self.db.table.set_status(pkg, Status::Unpacked);
        self.db.note_later(pkg, &mut *self.report)?;
        if !backups.is_empty() {
            self.db.settle()?;
        }
        self.remove_backups(pkg, &newfiles, &backups)?;
        self.db.table[pkg].eflag = EFlag::Ok;
        self.db.note_unsettled(pkg, &mut *self.report)?;
        self.unpack.unwind.push(Undo::Checkpoint);

        // Only the removal of what conflicts is left to do.
        if !self.unpack.conflictors.is_empty() {
            self.db.settle()?;
        }
        while !self.unpack.conflictors.is_empty() {
            let conflictor = self.unpack.conflictors.remove(0);
            self.db.ensure_all_files(&mut *self.report)?;
            self.db.ensure_files(conflictor, &mut *self.report)?;
            let table = &self.db.table;
            let line = msg!(
                "Removing %s (%s), to allow configuration of %s (%s) ...\n",
                table.name(conflictor, NameWhen::NonAmbig),
                table[conflictor].installed.version.to_string(),
                table.name(pkg, NameWhen::NonAmbig),
                table[pkg].installed.version.to_string()
            );
            self.report.output(line);
            self.removal_bulk(conflictor)?;
            self.leave(Entered::Removal(conflictor), true);
        }
        if self.opts.action == Action::Install {
            self.enqueue_package_mark_seen(pkg);
        }
        Ok(())
    }

    /// `pkg_update_fields()`: what was available is installed now.
    fn update_fields(&mut self, pkg: PkgId, newconffiles: &[NodeId]) {
        let depends = self.db.table[pkg].available.depends.clone();
        self.db.table.set_depends(pkg, Which::Installed, depends);
        self.cycle_breaks.retain(|r| r.pkg != pkg);
        let fsys = &self.db.fsys;
        let conffiles = newconffiles.iter().map(|node| {
            let flags = fsys.flags(*node);
            Conffile {
                name: fsys.name(*node).into(),
                hash: fsys.oldhash(*node).unwrap_or_default().into(),
                obsolete: flags.contains(NodeFlags::OBS_CONFF),
                remove_on_upgrade: flags.contains(NodeFlags::RM_CONFF_ON_UPGRADE),
            }
        });
        let conffiles = conffiles.collect();
        let p = &mut self.db.table[pkg];
        let depends = p.installed.depends.clone();
        p.installed = p.available.clone();
        p.installed.depends = depends;
        p.installed.conffiles = conffiles;
    }

    /// After an architecture changed there may be two instances of one; the other, which is
    /// not installed, is forgotten.
    fn blank_twins(&mut self, pkg: PkgId) -> Result<()> {
        let set = self.db.table[pkg].set;
        for other in self.db.table[set].pkgs.clone() {
            let table = &self.db.table;
            if other == pkg || table[other].installed.arch != table[pkg].installed.arch {
                continue;
            }
            if table[other].status() != Status::NotInstalled {
                return Err(Error::internal(msg!(
                    "other package %s instance in state %s instead of not-installed",
                    table.name(other, NameWhen::Always),
                    table[other].status().as_str()
                )));
            }
            self.db.table.blank(other);
            self.db.fsys.blank_files(other);
        }
        Ok(())
    }

    /// `pkg_remove_backup_files()`
    fn remove_backups(&mut self, pkg: PkgId, newfiles: &[NodeId], backups: &NodeSet) -> Result<()> {
        self.unpack.place().forget();
        let heard = self.report.debug_flags() & debug::EACHFILE != 0;
        for node in newfiles {
            let flags = self.db.fsys.flags(*node);
            if flags.contains(NodeFlags::NEW_CONFF) {
                continue;
            }
            // What is new was placed where there was no backup.
            let placed = flags.contains(NodeFlags::PLACED_ON_DISK);
            if placed && !backups.contains(node) && !heard {
                continue;
            }
            let usenode = self.namenode_to_use(*node, pkg, Which::Installed);
            let name = self.db.fsys.name(usenode);
            if name == b"/." {
                continue;
            }
            let place = self.unpack.place();
            let spot = place.spot(name).with_suffix(TMP_SUFFIX);
            let shown = [&place.path(name), TMP_SUFFIX].concat();
            self.remove_tree(&spot, &shown)?;
        }
        Ok(())
    }
}
