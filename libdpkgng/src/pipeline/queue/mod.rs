//! What is to be processed, in which order (packages.c).
//!
//! The queue goes round: a package whose dependencies are not ready goes to its end. When a
//! whole round brought nothing, [`DependTry`] goes up and with it what is tolerated:
//!
//! | level | allows |
//! |---|---|
//! | `Normal` | dependencies as they stand |
//! | `Cycles` | breaking dependency cycles |
//! | `Triggers` | processing triggers that a dependency awaits |
//! | `TriggersCycles` | checking for trigger cycles even while deferring |
//! | `ForceDependsVersion` | wrong versions, with `--force-depends-version` |
//! | `ForceDepends` | anything, with `--force-depends` |

mod check;

use super::trigproc::TrigprocType;
use super::{Action, DependTry, Istobe, Run};
use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::error::{Error, Result};
use crate::force::Force;
use crate::pkg::{NameWhen, PkgId};
use crate::report::{Event, debug};
use crate::state::{Status, Want};
use crate::{bail, msg, pkgspec};

pub use check::DepCheck;

impl DependTry {
    /// The next level; `None` after the last one that means something.
    fn next(self) -> Option<DependTry> {
        Some(match self {
            DependTry::Normal => DependTry::Cycles,
            DependTry::Cycles => DependTry::Triggers,
            DependTry::Triggers => DependTry::TriggersCycles,
            DependTry::TriggersCycles => DependTry::ForceDependsVersion,
            DependTry::ForceDependsVersion => DependTry::ForceDepends,
            DependTry::ForceDepends | DependTry::Last => return None,
        })
    }
}

impl Run {
    /// `--configure`, `--triggers-only`, `--remove`, `--purge` with their arguments
    /// (`packages`).
    pub fn packages(&mut self, names: &[Vec<u8>]) -> Result<i32> {
        self.whole(|run| run.process_named(names))
    }

    fn process_named(&mut self, names: &[Vec<u8>]) -> Result<i32> {
        let mode = if !self.opts.act {
            OpenMode::ReadOnly
        } else if self.opts.force.has(Force::NonRoot) {
            OpenMode::Write
        } else {
            OpenMode::NeedSuperuser
        };
        self.trigproc_install_hooks();
        self.db.open(mode, AvailMode::None, &mut *self.report)?;
        self.check_search_path()?;
        self.db.infodb_upgrade(&mut *self.report)?;

        let action = self.opts.action.name();
        let line = msg!("startup packages %s", action);
        self.report.event(&Event::Log(line));
        if self.opts.pending {
            if !names.is_empty() {
                let id = "--%s --pending does not take any non-option arguments";
                return Err(Error::usage(msg!(id, action)));
            }
            self.enqueue_pending();
        } else {
            if names.is_empty() {
                let id = "--%s (without --pending) needs at least one package name argument";
                return Err(Error::usage(msg!(id, action)));
            }
            self.enqueue_specified(names)?;
        }
        self.db.ensure_diversions(&mut *self.report)?;
        self.process_queue()?;
        self.trigproc_run_deferred()?;
        self.db.shutdown(&mut *self.report)?;
        Ok(0)
    }

    /// [`Run::check_path`] with the `PATH` that scripts get.
    pub fn check_search_path(&mut self) -> Result<()> {
        let path = self.search_path().map(<[u8]>::to_vec);
        self.check_path(path.as_deref())
    }

    /// Put a package at the end of the queue, once (`enqueue_package`).
    pub fn enqueue_package(&mut self, pkg: PkgId) {
        let state = self.state(pkg);
        if !state.enqueued {
            state.enqueued = true;
            self.queue.push_back(pkg);
        }
    }

    /// The same for one that the command line names (`enqueue_package_mark_seen`).
    pub fn enqueue_package_mark_seen(&mut self, pkg: PkgId) {
        self.enqueue_package(pkg);
        self.state(pkg).cmdline_seen += 1;
    }

    /// All packages that the selections leave something to do for (`enqueue_pending`).
    fn enqueue_pending(&mut self) {
        for pkg in self.db.table.in_hash_order() {
            let p = &self.db.table[pkg];
            let wanted = matches!(p.want, Want::Install | Want::Hold);
            let triggered = !p.trigpend.is_empty();
            let unfinished = matches!(p.status(), Status::Unpacked | Status::HalfConfigured);
            let pending = match self.opts.action {
                Action::Configure => (unfinished || triggered) && wanted,
                Action::TriggersOnly => triggered && wanted,
                Action::Remove | Action::Purge => match p.want {
                    Want::Purge => p.status() != Status::NotInstalled,
                    Want::Deinstall => {
                        !matches!(p.status(), Status::NotInstalled | Status::ConfigFiles)
                    }
                    _ => false,
                },
                Action::Install | Action::Unpack | Action::RecordAvail => false,
            };
            if pending {
                self.enqueue_package(pkg);
            }
        }
    }

    fn enqueue_specified(&mut self, names: &[Vec<u8>]) -> Result<()> {
        for name in names {
            let verb = self.opts.action.name();
            let pkg = pkgspec::package_arg(&mut self.db.table, verb, name)?;
            let table = &self.db.table;
            let not_installed = table[pkg].status() == Status::NotInstalled;
            if not_installed && table.set_name(pkg).ends_with(".deb") {
                return Err(Error::usage(msg!(
                    "you must specify packages by their own names, not by quoting the names \
                     of the files they come in"
                )));
            }
            self.enqueue_package_mark_seen(pkg);
        }
        if self.opts.action == Action::Configure {
            self.trigproc_populate_deferred();
        }
        Ok(())
    }

    /// Configure, trigger or remove what is in the queue; a package that fails is reported and
    /// the others go on (`process_queue`).
    pub fn process_queue(&mut self) -> Result<()> {
        if self.is_halted() {
            return Ok(());
        }
        self.clear_istobes();
        let action = self.opts.action;
        let istobe = match action {
            Action::Remove | Action::Purge => Istobe::Remove,
            Action::Install | Action::Configure | Action::TriggersOnly => Istobe::InstallNew,
            Action::Unpack | Action::RecordAvail => {
                return Err(Error::internal(msg!("unknown action '%d'", action as i32)));
            }
        };
        for pkg in self.queue.clone() {
            if self.state(pkg).cmdline_seen > 1 {
                let name = self.db.table.name(pkg, NameWhen::NonAmbig);
                self.report.output(if action == Action::Install {
                    msg!(
                        "More than one copy of package %s has been unpacked\n \
                         in this run !  Only configuring it once.\n",
                        name
                    )
                } else {
                    msg!(
                        "Package %s listed more than once, only processing once.\n",
                        name
                    )
                });
            }
            self.state(pkg).istobe = istobe;
        }
        while let Some(pkg) = self.queue.pop_front() {
            self.state(pkg).enqueued = false;
            let (pkg, action) = self.escalate(pkg)?;
            self.report.debug(debug::GENERAL, || {
                msg!(
                    "process queue pkg %s queue.len %d progress %d, try %d",
                    self.db.table.name(pkg, NameWhen::Always),
                    self.queue.len(),
                    self.sincenothing,
                    self.dependtry as i32
                )
            });
            match self.process_package(pkg, action) {
                Ok(()) => self.failures.undo.clear(),
                Err(error) => {
                    // Given up, also from the point of view of the others.
                    self.state(pkg).istobe = Istobe::Normal;
                    self.package_failed(pkg, error)?;
                    if self.is_halted() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Count the attempt. When too many brought nothing, try harder: turn to a package whose
    /// triggers hold others up, or go up one [`DependTry`].
    fn escalate(&mut self, pkg: PkgId) -> Result<(PkgId, Action)> {
        let tried = self.sincenothing;
        self.sincenothing += 1;
        let len = self.queue.len();
        if tried > len * 3 + 2 {
            self.try_harder()?;
        } else if self.sincenothing > len * 2 + 2 {
            let triggers = self.dependtry >= DependTry::Triggers;
            let helper = self.progress_bytrigproc.filter(|_| triggers);
            let helper = helper.filter(|p| !self.db.table[*p].trigpend.is_empty());
            match helper {
                Some(helper) => {
                    self.enqueue_package(pkg);
                    self.progress_bytrigproc = None;
                    return Ok((helper, Action::Configure));
                }
                None => self.try_harder()?,
            }
        }
        Ok((pkg, self.opts.action))
    }

    fn try_harder(&mut self) -> Result<()> {
        self.sincenothing = 0;
        let Some(next) = self.dependtry.next() else {
            let id = "exceeded dependtry %d (sincenothing=%d; queue.length=%d)";
            let level = DependTry::Last as i32;
            return Err(Error::internal(msg!(id, level, 0, self.queue.len())));
        };
        self.dependtry = next;
        Ok(())
    }

    fn process_package(&mut self, pkg: PkgId, action: Action) -> Result<()> {
        let status = self.db.table[pkg].status();
        let triggered = !self.db.table[pkg].trigpend.is_empty();
        match action {
            Action::Remove | Action::Purge => self.deferred_remove(pkg)?,
            Action::TriggersOnly if !triggered => bail!(
                "package %.250s is not ready for trigger processing\n \
                 (current status '%.250s' with no pending triggers)",
                self.db.table.name(pkg, NameWhen::NonAmbig),
                status.as_str()
            ),
            // It disappeared after it was unpacked.
            Action::Install | Action::TriggersOnly if status == Status::NotInstalled => {}
            _ if triggered => self.trigproc(pkg, TrigprocType::TryQueued)?,
            _ => self.deferred_configure(pkg)?,
        }
        self.report.event(&Event::Flush);
        self.report.check()
    }
}

#[cfg(test)]
mod tests;
