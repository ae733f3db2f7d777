//! What has to be deconfigured or removed for a package to be unpacked, and whether that may be
//! done: Breaks and Conflicts (archives.c).

use super::super::depcon::explain::Explanation;
use super::super::{Deconf, Istobe, Run};
use crate::error::{Error, Result};
use crate::force::Force;
use crate::msg::Msg;
use crate::pkg::{DepType, Dependency, NameWhen, PkgId, Which};
use crate::state::{EFlag, Status, Want};
use crate::{bail, msg};

/// Whether a package can be got out of the way (the return values of stock's `try_…_can`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Can {
    /// No; why was told.
    No,
    /// It is queued.
    Queued,
    /// It need not be: forced, and told.
    Forced,
}

impl Run {
    /// `enqueue_deconfigure()`: what is queued last is deconfigured first.
    pub(super) fn enqueue_deconfigure(
        &mut self,
        queue: &mut Vec<Deconf>,
        pkg: PkgId,
        pkg_removal: Option<PkgId>,
        reason: Want,
    ) {
        self.state(pkg).istobe = Istobe::Deconfigure;
        let deconf = Deconf {
            pkg,
            pkg_removal,
            reason,
        };
        queue.insert(0, deconf);
    }

    /// `does_replace()`: whether one package declares that it replaces files of another.
    pub(super) fn does_replace(&mut self, new: (PkgId, Which), old: (PkgId, Which)) -> bool {
        let table = &self.db.table;
        self.report.debug(crate::report::debug::DEPCON, || {
            msg!(
                "does_replace new=%s old=%s (%s)",
                table.bin_name(new.0, new.1, NameWhen::Always),
                table.bin_name(old.0, old.1, NameWhen::Always),
                table[old.0]
                    .bin(old.1)
                    .version
                    .describe_c(crate::version::Epoch::Always)
            )
        });
        let depends = table[new.0].bin(new.1).depends.clone();
        let set = table[old.0].set;
        for dep in depends.iter().filter(|d| d.kind == DepType::Replaces) {
            let Some(possi) = dep.possi.first().filter(|p| p.ed == set) else {
                continue;
            };
            self.report.debug(crate::report::debug::DEPCONDETAIL, || {
                msg!(
                    "does_replace ... found old, version %s",
                    possi.version.describe_c(crate::version::Epoch::Always)
                )
            });
            if self.version_satisfied(old.0, old.1, possi)
                && self.arch_satisfied(old.0, old.1, dep.kind, possi)
            {
                self.report.debug(crate::report::debug::DEPCON, || {
                    msg!("does_replace ... yes")
                });
                return true;
            }
        }
        self.report
            .debug(crate::report::debug::DEPCON, || msg!("does_replace ... no"));
        false
    }

    /// May `pkg` be deconfigured so that `install` can be unpacked? (Breaks)
    fn try_deconfigure(
        &mut self,
        queue: &mut Vec<Deconf>,
        pkg: PkgId,
        (up, dep): (PkgId, &Dependency),
        install: PkgId,
        why: &Explanation,
    ) -> Can {
        // Stock takes the name of the one and the architecture of the other here.
        let table = &self.db.table;
        let broken = table.bin_name(pkg, Which::Available, NameWhen::NonAmbig);
        let qualifier = broken.get(table.set_name(pkg).len()..).unwrap_or_default();
        let name = format!("{}{qualifier}", table.set_name(install));
        if self.force_breaks(up, dep) {
            self.report.warning(msg!(
                "ignoring dependency problem with installation of %s:\n%s",
                name,
                why
            ));
            Can::Forced
        } else if self.opts.autodeconf {
            self.enqueue_deconfigure(queue, pkg, None, Want::Install);
            Can::Queued
        } else {
            self.report.notice(msg!(
                "no, cannot proceed with installation of %s (--auto-deconfigure will help):\n%s",
                name,
                why
            ));
            Can::No
        }
    }

    /// May `up` (whose dependency `possi` needs `removal`) be deconfigured so that `removal` can
    /// be removed? (Conflicts and Depends)
    fn try_remove(
        &mut self,
        queue: &mut Vec<Deconf>,
        (up, dep): (PkgId, &Dependency),
        removal: PkgId,
        why: &Explanation,
    ) -> Can {
        let table = &self.db.table;
        let name = table.name(up, NameWhen::NonAmbig);
        let removed = table.name(removal, NameWhen::NonAmbig);
        if self.force_depends(up, dep) {
            self.report.warning(msg!(
                "ignoring dependency problem with removal of %s:\n%s",
                removed,
                why
            ));
            return Can::Forced;
        }
        if !self.opts.autodeconf {
            self.report.notice(msg!(
                "no, cannot proceed with removal of %s (--auto-deconfigure will help):\n%s",
                removed,
                why
            ));
            return Can::No;
        }
        let force = self.opts.force;
        if table[up].installed.essential {
            if force.has(Force::RemoveEssential) {
                self.report.warning(msg!(
                    "considering deconfiguration of essential\n package %s, to enable removal of %s",
                    &name,
                    &removed
                ));
            } else {
                self.report.notice(msg!(
                    "no, %s is essential, will not deconfigure\n it in order to enable removal of %s",
                    name,
                    removed
                ));
                return Can::No;
            }
        }
        if table[up].installed.protected {
            if force.has(Force::RemoveProtected) {
                self.report.warning(msg!(
                    "considering deconfiguration of protected\n package %s, to enable removal of %s",
                    name,
                    removed
                ));
            } else {
                self.report.notice(msg!(
                    "no, %s is protected, will not deconfigure\n it in order to enable removal of %s",
                    name,
                    removed
                ));
                return Can::No;
            }
        }
        self.enqueue_deconfigure(queue, up, Some(removal), Want::Deinstall);
        Can::Queued
    }

    /// `check_breaks()`: `dep` is a Breaks of the package being unpacked.
    pub(super) fn check_new_breaks(
        &mut self,
        queue: &mut Vec<Deconf>,
        dep: &Dependency,
        pkg: PkgId,
        shown: &Msg,
    ) -> Result<()> {
        let verdict = self.depisok(pkg, dep, true, false, false);
        if verdict.ok {
            return Ok(());
        }
        let why = &verdict.whynot;
        let name = self
            .db
            .table
            .bin_name(pkg, Which::Available, NameWhen::NonAmbig);
        let fix = verdict.fixbyrm;
        let fixname = fix.map(|f| self.db.table.name(f, NameWhen::NonAmbig));
        let mut can = Can::No;
        if let (Some(fix), Some(fixname), true) = (fix, &fixname, self.opts.autodeconf) {
            if self.state(fix).istobe != Istobe::Normal {
                return Err(Error::internal(msg!(
                    "package %s being fixed by deconf is not to be normal, is to be %d",
                    self.db.table.name(pkg, NameWhen::Always),
                    self.istobe(fix) as i32
                )));
            }
            self.report.notice(msg!(
                "considering deconfiguration of %s, which would be broken by installation of %s ...",
                fixname,
                &name
            ));
            can = self.try_deconfigure(queue, fix, (pkg, dep), pkg, why);
            if can == Can::Queued {
                self.report.notice(msg!(
                    "yes, will deconfigure %s (broken by %s)",
                    fixname,
                    &name
                ));
            }
        } else {
            self.report
                .notice(msg!("regarding %s containing %s:\n%s", shown, &name, why));
        }
        if can != Can::No {
            return Ok(());
        }
        if self.force_breaks(pkg, dep) {
            self.report
                .warning(msg!("ignoring breakage, may proceed anyway!"));
            return Ok(());
        }
        match fixname {
            Some(fixname) if !self.opts.autodeconf => bail!(
                "installing %.250s would break %.250s, and\n deconfiguration is not permitted (--auto-deconfigure might help)",
                name,
                fixname
            ),
            _ => bail!("installing %.250s would break existing software", name),
        }
    }

    /// `check_conflict()`: `dep` is a Conflicts of `up`, which is the package being unpacked or
    /// one that conflicts with it.
    pub(super) fn check_conflict(
        &mut self,
        queue: &mut Vec<Deconf>,
        up: PkgId,
        dep: &Dependency,
        pkg: PkgId,
        shown: &Msg,
    ) -> Result<()> {
        let verdict = self.depisok(up, dep, true, false, false);
        if verdict.ok {
            return Ok(());
        }
        let name = self
            .db
            .table
            .bin_name(pkg, Which::Available, NameWhen::NonAmbig);
        if let Some(mut fix) = verdict.fixbyrm {
            if self.istobe(fix) == Istobe::InstallNew {
                fix = up;
            }
            if self.may_consider_removing(fix, pkg) {
                if !matches!(self.istobe(fix), Istobe::Normal | Istobe::Deconfigure) {
                    return Err(Error::internal(msg!(
                        "package %s to be fixed by removal is not to be normal nor deconfigure, is to be %d",
                        self.db.table.name(pkg, NameWhen::Always),
                        self.istobe(fix) as i32
                    )));
                }
                if self.arrange_removal(queue, fix, &name) {
                    return Ok(());
                }
                self.state(fix).istobe = Istobe::Normal;
            }
        }
        self.report.notice(msg!(
            "regarding %s containing %s:\n%s",
            shown,
            &name,
            verdict.whynot
        ));
        if !self.force_conflicts() {
            bail!("conflicting packages - not installing %.250s", name);
        }
        self.report
            .warning(msg!("ignoring conflict, may proceed anyway!"));
        Ok(())
    }

    /// Whether `fix` may go in favour of `pkg` at all: neither or both are essential, and it is
    /// either not wanted any more or replaced.
    fn may_consider_removing(&mut self, fix: PkgId, pkg: PkgId) -> bool {
        let table = &self.db.table;
        let (new, old) = (&table[pkg].available, &table[fix].installed);
        let (essential, protected) = (old.essential, old.protected);
        if (new.essential || new.protected) && (essential || protected) {
            return true;
        }
        let unwanted = !matches!(table[fix].want, Want::Install | Want::Hold);
        let force = self.opts.force;
        (unwanted || self.does_replace((pkg, Which::Available), (fix, Which::Installed)))
            && ((!essential || force.has(Force::RemoveEssential))
                || (!protected || force.has(Force::RemoveProtected)))
    }

    /// See whether `fix` can be removed in favour of the package called `name`, and queue it.
    fn arrange_removal(&mut self, queue: &mut Vec<Deconf>, fix: PkgId, name: &str) -> bool {
        let fixname = self.db.table.name(fix, NameWhen::NonAmbig);
        self.state(fix).istobe = Istobe::Remove;
        self.report.notice(msg!(
            "considering removing %s in favour of %s ...",
            &fixname,
            name
        ));
        let needed = match self.db.table[fix].status() {
            Status::Installed | Status::TriggersPending | Status::TriggersAwaited => {
                self.is_needed(queue, fix)
            }
            _ => {
                self.report.notice(msg!(
                    "%s is not properly installed; ignoring any dependencies on it",
                    &fixname
                ));
                false
            }
        };
        if needed || self.skip_due_to_hold(fix) {
            return false;
        }
        if self.db.table[fix].eflag == EFlag::ReinstReq {
            if !self.opts.force.has(Force::RemoveReinstreq) {
                self.report.notice(msg!(
                    "package %s requires reinstallation, will not remove",
                    &fixname
                ));
                return false;
            }
            self.report.notice(msg!(
                "package %s requires reinstallation, but will remove anyway as you requested",
                &fixname
            ));
        }
        self.unpack.conflictors.push(fix);
        self.report
            .notice(msg!("yes, will remove %s in favour of %s", &fixname, name));
        true
    }

    /// Whether something depends on `fix`, or on what it provides, that cannot be deconfigured.
    fn is_needed(&mut self, queue: &mut Vec<Deconf>, fix: PkgId) -> bool {
        let set = self.db.table[fix].set;
        if self.cannot_do_without(queue, fix, set, None) {
            return true;
        }
        let depends = self.db.table[fix].installed.depends.clone();
        let provides = depends.iter().filter(|d| d.kind == DepType::Provides);
        for possi in provides.filter_map(|d| d.possi.first()) {
            if self.cannot_do_without(queue, fix, possi.ed, Some(possi.ed)) {
                return true;
            }
        }
        false
    }

    /// Whether a dependency on `set` stands in the way of removing `fix` (which provides it).
    fn cannot_do_without(
        &mut self,
        queue: &mut Vec<Deconf>,
        fix: PkgId,
        set: crate::pkg::SetId,
        provided: Option<crate::pkg::SetId>,
    ) -> bool {
        for link in self.db.table.depended(set, Which::Installed) {
            let depends = self.db.table.linked_depends(Which::Installed, link);
            let Some(dep) = depends.get(link.dep as usize) else {
                continue;
            };
            let Some(possi) = dep.possi.get(link.possi as usize) else {
                continue;
            };
            if !matches!(dep.kind, DepType::Depends | DepType::PreDepends) {
                continue;
            }
            let verdict = self.depisok(link.pkg, dep, false, false, false);
            if verdict.ok {
                continue;
            }
            if let Some(provided) = provided {
                let text = msg!(
                    "may have trouble removing %s, as it provides %s ...",
                    self.db.table.name(fix, NameWhen::NonAmbig),
                    &*self.db.table[provided].name
                );
                self.report.notice(text);
            }
            // Only this alternative counts when it is asked what may be ignored.
            let dep = Dependency {
                kind: dep.kind,
                possi: vec![possi.clone()],
            };
            if self.try_remove(queue, (link.pkg, &dep), fix, &verdict.whynot) == Can::No {
                return true;
            }
        }
        false
    }
}
