//! Removing and purging one package (remove.c). Policy §6.8.
//!
//! prerm; the files, deepest last entered first; postrm; the control files but `postrm` and
//! `list`. What is purged then loses its conffiles with their backups, is told so by postrm,
//! and its last directories go. Once files are being removed there is no way back, only
//! forward: a failure leaves the package half-installed, to be removed again.

mod bulk;
mod purge;

use super::depcon::Explanation;
use super::errors::Undo;
use super::queue::DepCheck;
use super::{Action, DependTry, Istobe, Run};
use crate::error::Result;
use crate::force::Force;
use crate::hooks::{PackageStep, Scope};
use crate::pkg::{DepType, NameWhen, PkgId, SetId, Which};
use crate::report::debug;
use crate::state::{EFlag, Status, Want};
use crate::version::{Epoch, Version};
use crate::{bail, msg};

impl Run {
    /// Remove (or purge) a package, or put it back into the queue while others that are also
    /// to go depend on it (`deferred_remove`).
    pub fn deferred_remove(&mut self, pkg: PkgId) -> Result<()> {
        let result = self.remove(pkg);
        if result.is_err() {
            // What was to be noted with what did not come is noted now.
            let settled = self.db.settle();
            return result.and(settled);
        }
        result
    }

    fn remove(&mut self, pkg: PkgId) -> Result<()> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        self.report.debug(debug::GENERAL, || {
            let name = self.db.table.name(pkg, NameWhen::Always);
            msg!("deferred_remove package %s", name)
        });
        let purge = self.opts.action == Action::Purge;
        if !self.opts.pending && self.db.table[pkg].want != Want::Unknown {
            let want = if purge { Want::Purge } else { Want::Deinstall };
            self.db.table[pkg].want = want;
            if self.opts.act {
                self.db.note_later(pkg, &mut *self.report)?;
            }
        }
        let status = self.db.table[pkg].status();
        if status == Status::NotInstalled {
            self.sincenothing = 0;
            let id = "ignoring request to remove %.250s which isn't installed";
            self.report.warning(msg!(id, name));
            self.state(pkg).istobe = Istobe::Normal;
            return Ok(());
        }
        if !self.opts.pending && status == Status::ConfigFiles && !purge {
            self.sincenothing = 0;
            let id = "ignoring request to remove %.250s, only the config\n files of which are \
                      on the system; use --purge to remove them too";
            self.report.warning(msg!(id, name));
            self.state(pkg).istobe = Istobe::Normal;
            return Ok(());
        }
        if status != Status::ConfigFiles {
            if self.db.table[pkg].installed.essential {
                let what = msg!("this is an essential package; it should not be removed");
                self.forcible(Force::RemoveEssential, what)?;
            }
            if self.db.table[pkg].installed.protected {
                let what = msg!("this is a protected package; it should not be removed");
                self.forcible(Force::RemoveProtected, what)?;
            }
        }
        if self.check_removal(pkg)? == DepCheck::Defer {
            self.state(pkg).istobe = Istobe::Remove;
            self.enqueue_package(pkg);
            return Ok(());
        }
        if self.db.table[pkg].eflag == EFlag::ReinstReq {
            self.forcible(
                Force::RemoveReinstreq,
                msg!(
                    "package is in a very bad inconsistent state; you should\n \
                     reinstall it before attempting a removal"
                ),
            )?;
        }
        self.db.ensure_all_files(&mut *self.report)?;
        self.db.ensure_files(pkg, &mut *self.report)?;
        self.db.fsys.forget_run_state();

        let version = self.db.table[pkg]
            .installed
            .version
            .describe(Epoch::NonAmbig);
        if !self.opts.act {
            let id = "Would remove or purge %s (%s) ...\n";
            self.report.output(msg!(id, name, &version));
            self.db.table.set_status(pkg, Status::NotInstalled);
            self.state(pkg).istobe = Istobe::Normal;
            return Ok(());
        }
        self.conffiles_mark_old(pkg);
        // Once only, also when a purge follows a removal.
        if status > Status::ConfigFiles {
            self.report
                .output(msg!("Removing %s (%s) ...\n", name, version));
            self.log_action("remove", pkg, Which::Installed)?;
        }
        self.activate_package_processing(pkg)?;
        if status <= Status::ConfigFiles {
            return self.removal_bulk(pkg);
        }
        let step = PackageStep::Remove;
        self.between_hooks(Scope::Package { pkg, step }, |run| {
            if status >= Status::HalfConfigured {
                run.db.table.set_status(pkg, Status::HalfConfigured);
                // Durable before a prerm runs; without one, half-installed is the next note.
                run.db.note_later(pkg, &mut *run.report)?;
                run.failures.undo.push(Undo::PrermRemove(pkg, status));
                run.script_installed(pkg, "prerm", "pre-removal", &["remove"])?;
                // Half-installed soon.
                run.db.table.set_status(pkg, Status::Unpacked);
            }
            run.removal_bulk(pkg)
        })
    }

    /// Whether what depends on the package, or on what it provides, allows its removal.
    fn check_removal(&mut self, pkg: PkgId) -> Result<DepCheck> {
        self.report.debug(debug::GENERAL, || {
            let name = self.db.table.name(pkg, NameWhen::Always);
            msg!("checking dependencies for remove '%s'", name)
        });
        let mut why = Explanation::default();
        let set = self.db.table[pkg].set;
        let mut ok = self.check_dependers(pkg, set, &mut why)?;
        let depends = self.db.table[pkg].installed.depends.clone();
        for dep in depends.iter().filter(|d| d.kind == DepType::Provides) {
            let Some(provided) = dep.possi.first() else {
                continue;
            };
            self.report.debug(debug::DEPCON, || {
                let name = &*self.db.table[provided.ed].name;
                msg!("checking virtual package '%s'", name)
            });
            ok = ok.min(self.check_dependers(pkg, provided.ed, &mut why)?);
        }
        if ok == DepCheck::Defer {
            return Ok(ok);
        }
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        self.sincenothing = 0;
        if ok == DepCheck::Halt {
            let id = "dependency problems prevent removal of %s:\n%s";
            self.report.notice(msg!(id, name, why));
            bail!("dependency problems - not removing");
        }
        if !why.is_empty() {
            let id = "%s: dependency problems, but removing anyway as you requested:\n%s";
            self.report.notice(msg!(id, name, why));
        }
        Ok(ok)
    }

    /// The packages that depend on a name (`checkforremoval`).
    fn check_dependers(
        &mut self,
        removing: PkgId,
        set: SetId,
        why: &mut Explanation,
    ) -> Result<DepCheck> {
        let mut ok = DepCheck::Ok;
        for r in self.db.table.depended(set, Which::Installed) {
            let table = &self.db.table;
            let kind = table.possi(Which::Installed, r).map(|(dep, _)| dep.kind);
            if !matches!(kind, Some(DepType::Depends | DepType::PreDepends)) {
                continue;
            }
            let depender = r.pkg;
            let name = || table.name(depender, NameWhen::Always);
            let line = || msg!("checking depending package '%s'", name());
            self.report.debug(debug::DEPCON, line);
            if table[depender].status() < Status::Unpacked {
                continue;
            }
            if self.opts.ignore_depends.contains(&depender) {
                let line = || msg!("ignoring depending package '%s'", name());
                self.report.debug(debug::DEPCON, line);
                continue;
            }
            if self.dependtry >= DependTry::Cycles && self.find_break_cycle(removing)? {
                self.sincenothing = 0;
            }
            let said = why.len();
            let mut check = self.check_dependencies(depender, Some(removing), why)?;
            if check == DepCheck::Halt && self.istobe(depender) == Istobe::Remove {
                check = DepCheck::Defer;
            }
            if check == DepCheck::Defer {
                // Why it has to wait does not matter.
                why.truncate(said);
            }
            ok = ok.min(check);
        }
        Ok(ok)
    }

    /// Remove a package whose prerm was run; also used for what an unpack replaces
    /// (`removal_bulk`).
    pub fn removal_bulk(&mut self, pkg: PkgId) -> Result<()> {
        self.report.debug(debug::GENERAL, || {
            let name = self.db.table.name(pkg, NameWhen::Always);
            msg!("removal_bulk package %s", name)
        });
        let status = self.db.table[pkg].status();
        if matches!(status, Status::HalfInstalled | Status::Unpacked) {
            self.remove_files(pkg)?;
        }
        let postrm = self.db.infodb_has_file(pkg, Which::Installed, "postrm")?;
        self.report.debug(debug::GENERAL, || {
            let id = "removal_bulk purging? foundpostrm=%d";
            msg!(id, i32::from(postrm))
        });
        if !postrm && self.db.table[pkg].installed.conffiles.is_empty() {
            // Nothing is left that a purge would be about.
            self.report.debug(debug::GENERAL, || {
                msg!("removal_bulk no postrm, no conffiles, purging")
            });
            self.db.table[pkg].want = Want::Purge;
            self.db.table[pkg].configversion = Version::default();
        } else if self.db.table[pkg].want == Want::Purge {
            let step = PackageStep::Purge;
            self.between_hooks(Scope::Package { pkg, step }, |run| run.purge_conffiles(pkg))?;
        }
        if self.db.table[pkg].want == Want::Purge {
            self.forget(pkg)?;
        }
        self.db.table[pkg].eflag = EFlag::Ok;
        self.db.note_unsettled(pkg, &mut *self.report)?;
        self.report.debug(debug::GENERAL, || msg!("removal done"));
        Ok(())
    }
}
