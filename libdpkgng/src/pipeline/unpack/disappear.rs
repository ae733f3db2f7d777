//! What the new files mean for other packages: one that has no file of its own any more
//! disappears, the others lose what was taken over (Policy §6.6, points 9 and 10).

use super::super::{Istobe, Run};
use crate::error::{Error, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::hooks::{PackageStep, Scope};
use crate::msg;
use crate::pkg::{DepType, MultiArch, NameWhen, PkgId, SetId, Which};
use crate::report::debug;
use crate::state::{EFlag, Status, Want};
use crate::version::Version;

/// Stock's `dbg_veryverbose` is `veryverbose` in its help.
const VERY_VERBOSE: u32 = debug::VERYDETAIL;

impl Run {
    /// `filesavespackage()`: whether a path keeps its package from disappearing: it is neither
    /// in the package being installed nor in a third one.
    fn file_saves_package(&mut self, node: NodeId, saved: PkgId, installed: PkgId) -> bool {
        let (fsys, table, report) = (&self.db.fsys, &self.db.table, &mut *self.report);
        let detail = debug::EACHFILEDETAIL;
        report.debug(detail, || {
            msg!(
                "filesavespackage file '%s' package %s",
                fsys.name(node),
                table.name(saved, NameWhen::Always)
            )
        });
        // Diverted by one of the two: then they are not the same file.
        if let Some(divert) = fsys.diversion(node)
            && divert.useinstead.is_some()
            && (divert.pkgset == Some(table[saved].set)
                || divert.pkgset == Some(table[installed].set))
        {
            report.debug(detail, || msg!("filesavespackage ... diverted -- save!"));
            return true;
        }
        if fsys.flags(node).contains(NodeFlags::NEW_INARCHIVE) {
            report.debug(detail, || {
                msg!("filesavespackage ... in new archive -- no save")
            });
            return false;
        }
        for third in fsys.owners(node) {
            report.debug(detail, || {
                msg!(
                    "filesavespackage ... also in %s",
                    table.name(third, NameWhen::Always)
                )
            });
            if third == installed || third == saved {
                continue;
            }
            // Another instance shares the file, it does not take it.
            if table[saved].installed.multiarch == MultiArch::Same
                && table[third].set == table[saved].set
            {
                continue;
            }
            report.debug(detail, || msg!("filesavespackage ...  is 3rd package"));
            if !fsys.is_current(third) {
                report.debug(detail, || msg!("process_archive ... already disappeared!"));
                continue;
            }
            report.debug(detail, || msg!("filesavespackage ...  taken -- no save"));
            return false;
        }
        report.debug(detail, || msg!("filesavespackage ... not taken -- save !"));
        true
    }

    /// `pkg_disappear_others()`
    pub(super) fn disappear_others(&mut self, pkg: PkgId) -> Result<()> {
        for other in self.db.table.in_hash_order() {
            if self.is_beside(other, pkg)
                && self.is_replaced_whole(other, pkg)?
                && !self.is_depended_on(other)
            {
                let step = PackageStep::Disappear;
                let scope = Scope::Package { pkg: other, step };
                self.between_hooks(scope, |run| run.disappear(other, pkg))?;
            }
        }
        Ok(())
    }

    /// Whether an installed package has no file left that is its own.
    fn is_replaced_whole(&mut self, other: PkgId, pkg: PkgId) -> Result<bool> {
        // A path that nobody met is in no new archive and diverted by nobody.
        if self.db.fsys.has_unmet_path(other) {
            return Ok(false);
        }
        if self.db.fsys.is_current(other) {
            self.db.ensure_files(other, &mut *self.report)?;
        }
        let table = &self.db.table;
        let istobe = self.istobe(other);
        let Some(files) = self.db.fsys.files(other).filter(|f| !f.is_empty()) else {
            return Ok(false);
        };
        if other == pkg
            || matches!(
                table[other].status(),
                Status::NotInstalled | Status::ConfigFiles
            )
            || istobe == Istobe::Remove
        {
            return Ok(false);
        }
        if table[pkg].installed.multiarch == MultiArch::Same
            && table[other].installed.multiarch == MultiArch::Same
            && table[other].set == table[pkg].set
        {
            return Ok(false);
        }
        self.report.debug(VERY_VERBOSE, || {
            msg!(
                "process_archive checking disappearance %s",
                table.name(other, NameWhen::Always)
            )
        });
        if !matches!(istobe, Istobe::Normal | Istobe::Deconfigure) {
            return Err(Error::internal(msg!(
                "disappearing package %s is not to be normal or deconfigure, is to be %d",
                table.name(other, NameWhen::Always),
                istobe as i32
            )));
        }
        if files.iter().all(|f| self.db.fsys.name(*f) == b"/.") {
            self.report.debug(debug::STUPIDLYVERBOSE, || {
                msg!("process_archive no non-root, no disappear")
            });
            return Ok(false);
        }
        // Most packages are saved by their first file of their own: no copy of the list.
        let mut index = 0;
        while let Some(file) = self.db.fsys.files(other).and_then(|f| f.get(index)) {
            let file = *file;
            if self.file_saves_package(file, other, pkg) {
                return Ok(false);
            }
            index += 1;
        }
        Ok(true)
    }

    /// Whether an installed package depends on (or recommends) this one or what it provides.
    fn is_depended_on(&mut self, other: PkgId) -> bool {
        self.state(other).istobe = Istobe::Remove;
        self.report.debug(VERY_VERBOSE, || {
            msg!("process_archive disappear checking dependencies")
        });
        let mut needed = self.has_dependent(self.db.table[other].set, None);
        if !needed {
            let depends = self.db.table[other].installed.depends.clone();
            let provides = depends.iter().filter(|d| d.kind == DepType::Provides);
            needed = provides
                .filter_map(|d| d.possi.first())
                .any(|p| self.has_dependent(p.ed, Some(p.ed)));
        }
        self.state(other).istobe = Istobe::Normal;
        needed
    }

    fn has_dependent(&mut self, set: SetId, provided: Option<SetId>) -> bool {
        for link in self.db.table.depended(set, Which::Installed) {
            let depends = self.db.table.linked_depends(Which::Installed, link);
            let Some(dep) = depends.get(link.dep as usize) else {
                continue;
            };
            if !matches!(
                dep.kind,
                DepType::Depends | DepType::PreDepends | DepType::Recommends
            ) {
                continue;
            }
            let verdict = self.depisok(link.pkg, dep, false, false, false);
            if verdict.ok {
                continue;
            }
            let table = &self.db.table;
            self.report.debug(VERY_VERBOSE, || match provided {
                None => msg!("process_archive cannot disappear: %s", verdict.whynot),
                Some(set) => msg!(
                    "process_archive cannot disappear (provides %s): %s",
                    &*table[set].name,
                    verdict.whynot
                ),
            });
            return true;
        }
        false
    }

    /// `pkg_disappear()`
    fn disappear(&mut self, pkg: PkgId, infavour: PkgId) -> Result<()> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        self.report.output(msg!(
            "(Noting disappearance of %s, which has been completely replaced.)\n",
            name
        ));
        self.log_action("disappear", pkg, Which::Installed)?;
        let table = &self.db.table;
        self.report.debug(debug::GENERAL, || {
            msg!(
                "pkg_disappear disappearing %s",
                table.name(pkg, NameWhen::Always)
            )
        });
        let by = table.bin_name(infavour, Which::Available, NameWhen::NonAmbig);
        let version = table[infavour].available.version.to_string();
        self.activate_package_processing(pkg)?;
        self.script_installed(
            pkg,
            "postrm",
            "post-removal script (for disappearance)",
            &["disappear", &by, &version],
        )?;
        self.report.debug(debug::GENERAL, || {
            msg!("pkg_disappear cleaning info directory")
        });
        let files = self.db.infodb_files(pkg, Which::Installed)?;
        self.db.table.set_status(pkg, Status::NotInstalled);
        let p = &mut self.db.table[pkg];
        p.want = Want::Unknown;
        p.eflag = EFlag::Ok;
        p.configversion = Version::default();
        self.db.table.blank_bin(pkg, Which::Installed);
        self.db.fsys.mark_stale(pkg);
        // Stock removes the files first, and a package without them never disappears. What is
        // left of them now the next run removes, if this one goes no further.
        self.db.note_gone(pkg, &mut *self.report)?;
        self.remove_info_files(files).map_err(Error::fatal)
    }

    /// `pkg_remove_files_from_others()`: what was taken over leaves the others' lists.
    pub(super) fn remove_files_from_others(
        &mut self,
        pkg: PkgId,
        newfiles: &[NodeId],
    ) -> Result<()> {
        for node in newfiles {
            let (fsys, table) = (&self.db.fsys, &self.db.table);
            if !fsys.flags(*node).contains(NodeFlags::ELIDE_OTHER_LISTS) {
                continue;
            }
            let set = table[pkg].set;
            let name = fsys.name(*node);
            let mut diverting = None;
            match fsys.diversion(*node).map(|d| (d.useinstead, d.pkgset)) {
                Some((Some(useinstead), by)) if by == Some(set) => {
                    self.report.debug(debug::EACHFILE, || {
                        msg!(
                            "process_archive not overwriting any '%s' (overriding, '%s')",
                            name,
                            fsys.name(useinstead)
                        )
                    });
                    continue;
                }
                Some((Some(_), by)) => {
                    diverting = by;
                    self.report.debug(debug::EACHFILE, || {
                        let by = by.map_or("<local>", |s| &*table[s].name);
                        msg!(
                            "process_archive looking for overwriting '%s' (overridden by %s)",
                            name,
                            by
                        )
                    });
                }
                _ => self.report.debug(debug::EACHFILE, || {
                    msg!("process_archive looking for overwriting '%s'", name)
                }),
            }
            for other in self.owners_there(*node, pkg) {
                let table = &self.db.table;
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!(
                        "process_archive ... found in %s",
                        table.name(other, NameWhen::Always)
                    )
                });
                // Instances share files.
                if table[other].set == set {
                    continue;
                }
                if Some(table[other].set) == diverting {
                    self.report.debug(debug::EACHFILEDETAIL, || {
                        msg!("process_archive ... diverted, skipping")
                    });
                    continue;
                }
                if self.db.fsys.flags(*node).contains(NodeFlags::NEW_CONFF) {
                    self.conffile_mark_obsolete(other, *node);
                }
                if self.db.fsys.is_current(other) {
                    self.db.ensure_files(other, &mut *self.report)?;
                }
                // Gone already, or rewritten already: one rewrite drops all such paths.
                let Some(files) = self.db.fsys.files(other).map(<[NodeId]>::to_vec) else {
                    continue;
                };
                self.db.write_filelist_except(
                    other,
                    Which::Installed,
                    &files,
                    NodeFlags::ELIDE_OTHER_LISTS,
                )?;
                let table = &self.db.table;
                self.report.debug(VERY_VERBOSE, || {
                    msg!(
                        "process_archive overwrote from %s",
                        table.name(other, NameWhen::Always)
                    )
                });
            }
        }
        Ok(())
    }
}
