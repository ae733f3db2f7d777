//! Trigger processing: `postinst triggered` for packages with something pending (trigproc.c).
//!
//! A package that becomes pending while dpkg works is queued ([`crate::db::trigdb`] keeps the
//! queue) and processed at the end of the run, unless a package to be configured depends on
//! one that awaits it, in which case it comes earlier (see [`super::queue`]). Every processing
//! is checked for cycles: what is pending is compared with what was pending half as many steps
//! ago, and when nothing of that was got rid of, the first package of that older state is
//! given up.

use super::queue::DepCheck;
use super::{DependTry, Istobe, Run};
use crate::db::trigdb::{Hooks, TRIGGERSCIFILE};
use crate::error::{Error, Result};
use crate::hooks::{PackageStep, Scope};
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, debug};
use crate::state::{Status, Want};
use crate::version::Epoch;
use crate::{bail, msg};

/// The private state of this module: what was pending at each step since the last reset.
#[derive(Debug, Default)]
pub struct State {
    /// The steps; the last one is the hare.
    steps: Vec<Step>,
    /// Index of the step the last one is compared with; it goes half as fast.
    tortoise: usize,
    /// The tortoise moves at the next step.
    tortoise_advance: bool,
}

/// What was pending when a package was processed (`trigcyclenode`).
#[derive(Debug)]
struct Step {
    processed: PkgId,
    /// The packages with pending triggers, in dpkg's order.
    pending: Vec<(PkgId, Vec<Box<str>>)>,
}

/// Why triggers of a package are processed (`trigproc_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrigprocType {
    /// It waited for the end of the run; that its dependencies forbid it is no error.
    TryDeferred,
    /// It was in the queue; it goes on waiting until triggers have their turn.
    TryQueued,
    /// It has to be.
    Required,
}

impl Run {
    /// Let pending packages be queued, and a database from before triggers be brought up to
    /// date, in this run (`trigproc_install_hooks`). To be called before the database is
    /// opened.
    pub fn trigproc_install_hooks(&mut self) {
        self.db.triggers.hooks = if self.opts.triggers {
            Hooks::Process
        } else {
            Hooks::Transitional
        };
    }

    /// Whether the package waits for trigger processing (`trigprocdeferred`).
    pub fn trigproc_is_deferred(&self, pkg: PkgId) -> bool {
        self.db.triggers.is_deferred(pkg)
    }

    /// Queue every package of the database that has something pending
    /// (`trigproc_populate_deferred`): apt relies on it.
    pub fn trigproc_populate_deferred(&mut self) {
        for pkg in self.db.table.in_hash_order() {
            let p = &self.db.table[pkg];
            let triggered = matches!(
                p.status(),
                Status::TriggersAwaited | Status::TriggersPending
            );
            let wanted = matches!(p.want, Want::Install | Want::Hold);
            if !p.trigpend.is_empty() && triggered && wanted {
                self.db.enqueue_deferred(pkg, &mut *self.report);
            }
        }
    }

    /// Process what is queued, and what that queues (`trigproc_run_deferred`).
    ///
    /// # Errors
    /// Those that end the run; a package that fails is reported and the others go on.
    pub fn trigproc_run_deferred(&mut self) -> Result<()> {
        self.report
            .debug(debug::TRIGGERS, || msg!("trigproc_run_deferred"));
        while let Some(next) = self.db.triggers.deferred.pop_front() {
            let Some(pkg) = next else { continue };
            match self.trigproc(pkg, TrigprocType::TryDeferred) {
                Ok(()) => self.failures.undo.clear(),
                Err(error) => self.package_failed(pkg, error)?,
            }
        }
        Ok(())
    }

    /// Activate what the package says is activated when its status changes
    /// (`trig_activate_packageprocessing`).
    ///
    /// # Errors
    /// The control file is wrong, or the database cannot be written.
    pub fn activate_package_processing(&mut self, pkg: PkgId) -> Result<()> {
        self.report.debug(debug::TRIGGERSDETAIL, || {
            let name = self.db.table.name(pkg, NameWhen::Always);
            msg!("trigproc_activate_packageprocessing pkg=%s", name)
        });
        let path = self.db.infodb_file(pkg, Which::Installed, TRIGGERSCIFILE);
        self.db.parse_ci_activations(&path, pkg, &mut *self.report)
    }

    /// Forget what was pending at earlier steps (`trigproc_reset_cycle`).
    pub fn trigproc_reset_cycle(&mut self) {
        self.trigproc = State::default();
    }

    /// Process the triggers of a package, or, if it has none, only let nobody await it
    /// (`trigproc`).
    ///
    /// # Errors
    /// Its dependencies forbid it, its postinst failed, or the database cannot be written.
    pub fn trigproc(&mut self, pkg: PkgId, kind: TrigprocType) -> Result<()> {
        self.report.debug(debug::TRIGGERS, || {
            msg!("trigproc %s", self.db.table.name(pkg, NameWhen::Always))
        });
        self.db.triggers.forget_deferred(pkg);
        if self.db.table[pkg].trigpend.is_empty() {
            return self.db.clear_awaiters(pkg, &mut *self.report);
        }
        self.must_be_triggered(pkg)?;
        if self.dependtry < DependTry::Triggers && kind == TrigprocType::TryQueued {
            self.enqueue_package(pkg);
            return Ok(());
        }
        if self.dependtry >= DependTry::Cycles && self.find_break_cycle(pkg)? {
            self.sincenothing = 0;
        }

        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        match self.dependencies_ok(pkg, None)? {
            (DepCheck::Defer, _) => {
                if self.dependtry >= DependTry::TriggersCycles
                    && self.check_trigger_cycle(pkg)? == Some(pkg)
                {
                    return Ok(());
                }
                self.enqueue_package(pkg);
                return Ok(());
            }
            // Nothing requires a package processed by opportunity to succeed. It may come here
            // again and again, which must not look like a cycle.
            (DepCheck::Halt, _) if kind == TrigprocType::TryDeferred => {
                self.trigproc_reset_cycle();
                return Ok(());
            }
            (DepCheck::Halt, why) => {
                self.sincenothing = 0;
                self.report.notice(msg!(
                    "dependency problems prevent processing triggers for %s:\n%s",
                    name,
                    why
                ));
                bail!("dependency problems - leaving triggers unprocessed");
            }
            (DepCheck::Ok, why) if !why.is_empty() => self.report.notice(msg!(
                "%s: dependency problems, but processing triggers anyway as you requested:\n%s",
                &name,
                why
            )),
            (DepCheck::Ok, _) => {}
        }
        if self.check_trigger_cycle(pkg)? == Some(pkg) {
            return Ok(());
        }

        if !self.opts.act {
            return self.process_triggers(pkg, &name);
        }
        let step = PackageStep::Triggers;
        self.between_hooks(Scope::Package { pkg, step }, |run| {
            run.process_triggers(pkg, &name)
        })
    }

    fn process_triggers(&mut self, pkg: PkgId, name: &str) -> Result<()> {
        let version = &self.db.table[pkg].installed.version;
        let version = version.describe(Epoch::NonAmbig);
        self.report
            .output(msg!("Processing triggers for %s (%s) ...\n", name, version));
        self.log_action("trigproc", pkg, Which::Installed)?;

        let triggers = self.db.table[pkg].trigpend.join(" ");
        // Noting a status that is not of triggers clears what is pending.
        self.db.table.set_status(pkg, Status::HalfConfigured);
        // Durable before postinst runs.
        self.db.note_unsettled(pkg, &mut *self.report)?;
        if self.opts.act {
            self.sincenothing = 0;
            self.script_postinst(pkg, &["triggered", &triggers])?;
        }
        self.post_postinst_tasks(pkg, Status::Installed)
    }

    fn must_be_triggered(&self, pkg: PkgId) -> Result<()> {
        let status = self.db.table[pkg].status();
        match status {
            Status::TriggersPending | Status::TriggersAwaited => Ok(()),
            _ => Err(Error::internal(msg!(
                "package %s in non-trigger state %s",
                self.db.table.name(pkg, NameWhen::Always),
                status.as_str()
            ))),
        }
    }

    /// Note this step and compare (`check_trigger_cycle`): the package given up, if any.
    fn check_trigger_cycle(&mut self, processing: PkgId) -> Result<Option<PkgId>> {
        let name = |pkg| self.db.table.name(pkg, NameWhen::NonAmbig);
        let always = self.db.table.name(processing, NameWhen::Always);
        self.report.debug(debug::TRIGGERS, || {
            msg!("check_triggers_cycle pnow=%s", &always)
        });
        let table = &self.db.table;
        let mut pending: Vec<_> = table.in_hash_order();
        pending.retain(|p| !table[*p].trigpend.is_empty());
        // dpkg builds this list by prepending.
        pending.reverse();
        let pending = pending.into_iter().map(|p| (p, table[p].trigpend.clone()));
        let state = &mut self.trigproc;
        state.steps.push(Step {
            processed: processing,
            pending: pending.collect(),
        });
        if state.steps.len() == 1 {
            self.report.debug(debug::TRIGGERSDETAIL, || {
                msg!("check_triggers_cycle pnow=%s first", &always)
            });
            return Ok(None);
        }
        if state.tortoise_advance {
            state.tortoise += 1;
        }
        state.tortoise_advance = !state.tortoise_advance;

        let Some(chain) = self.trigproc.steps.get(self.trigproc.tortoise..) else {
            return Ok(None);
        };
        let Some(tortoise) = chain.first() else {
            return Ok(None);
        };
        // Something pending then and not now is progress.
        for (pkg, triggers) in &tortoise.pending {
            let now = &self.db.table[*pkg].trigpend;
            let (pnow, old) = (name(processing), name(*pkg));
            self.report.debug(debug::TRIGGERSDETAIL, || {
                msg!("tortoise_in_hare pnow=%s tortoise=%s", &pnow, &old)
            });
            for trigger in triggers {
                self.report.debug(debug::TRIGGERSDETAIL, || {
                    let id = "tortoise_in_hare pnow=%s tortoise=%s tortoisetrig=%s";
                    msg!(id, &pnow, &old, &**trigger)
                });
                let mut found = false;
                for candidate in now {
                    self.report.debug(debug::TRIGGERSSTUPID, || {
                        let id = "tortoise_in_hare pnow=%s tortoise=%s tortoisetrig=%s haretrig=%s";
                        msg!(id, &pnow, &old, &**trigger, &**candidate)
                    });
                    if candidate == trigger {
                        found = true;
                        break;
                    }
                }
                if !found {
                    self.report.debug(debug::TRIGGERSDETAIL, || {
                        msg!("tortoise_in_hare pnow=%s tortoise=%s OK", &pnow, &old)
                    });
                    return Ok(None);
                }
            }
        }

        self.report.notice(msg!(
            "cycle found while processing triggers:\n chain of packages whose triggers are or may be responsible:"
        ));
        let mut line = Vec::new();
        for (i, step) in chain.iter().enumerate() {
            line.extend_from_slice(if i == 0 { b"  " } else { b" -> " });
            line.extend_from_slice(name(step.processed).as_bytes());
        }
        self.report.event(&Event::Stderr(msg!("%s", line)));
        self.report.event(&Event::Stderr(msg!(
            "\n packages' pending triggers which are or may be unresolvable:\n"
        )));
        for (pkg, triggers) in &tortoise.pending {
            let line = msg!("  %s: %s\n", name(*pkg), triggers.join(": "));
            self.report.event(&Event::Stderr(line));
        }
        let Some(&(giveup, _)) = tortoise.pending.first() else {
            return Ok(None);
        };
        self.give_up_triggers(giveup, &always)?;
        Ok(Some(giveup))
    }

    /// The earliest package of the cycle is given up.
    fn give_up_triggers(&mut self, giveup: PkgId, processing: &str) -> Result<()> {
        self.report.debug(debug::TRIGGERS, || {
            let name = self.db.table.name(giveup, NameWhen::Always);
            msg!("check_triggers_cycle pnow=%s giveup=%s", processing, name)
        });
        self.must_be_triggered(giveup)?;
        self.state(giveup).istobe = Istobe::Normal;
        self.db.table.set_status(giveup, Status::HalfConfigured);
        self.db.note(giveup, &mut *self.report)?;
        self.package_failed(giveup, Error::new(msg!("triggers looping, abandoned")))
    }
}
