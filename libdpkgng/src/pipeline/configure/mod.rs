//! Configuring one package: its conffiles, then its postinst (configure.c). Policy §6.7.
//!
//! What becomes of a conffile is decided in [`decide`] and done here. On entry the new version
//! of each lies beside the old one as `.dpkg-new`; one without that was dealt with before.

pub mod decide;
mod deref;

use std::io;
use std::os::unix::ffi::OsStringExt as _;

use self::decide::{Answer, Forces, Question, What};
use super::depcon::Explanation;
use super::depcon::explain::concat;
use super::errors::is_disappearing;
use super::queue::DepCheck;
use super::{DependTry, Istobe, Run};
use crate::error::{OrFail, Result};
use crate::force::Force;
use crate::fsys::NodeId;
use crate::hooks::{PackageStep, Scope};
use crate::msg::Msg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, debug};
use crate::state::{EFlag, Status};
use crate::sys::place::{Absence, Spot};
use crate::version::Epoch;
use crate::{bail, msg};

/// The paths of one conffile on disk.
struct Places {
    /// The file itself, links followed.
    current: Spot,
    /// The one just unpacked.
    new: Spot,
    /// Where the user's version is kept.
    old: Spot,
    /// Where the maintainer's version is left.
    dist: Spot,
}

impl Places {
    fn beside(current: Spot) -> Places {
        Places {
            new: current.with_suffix(b".dpkg-new"),
            old: current.with_suffix(b".dpkg-old"),
            dist: current.with_suffix(b".dpkg-dist"),
            current,
        }
    }
}

impl Run {
    /// Configure a package, or put it back into the queue when its dependencies are not ready
    /// (`deferred_configure`).
    pub fn deferred_configure(&mut self, pkg: PkgId) -> Result<()> {
        self.may_be_configured(pkg)?;
        if self.dependtry >= DependTry::Cycles && self.find_break_cycle(pkg)? {
            self.sincenothing = 0;
        }
        let mut why = Explanation::default();
        let mut ok = self.check_dependencies(pkg, None, &mut why)?;
        if ok == DepCheck::Defer {
            self.state(pkg).istobe = Istobe::InstallNew;
            self.enqueue_package(pkg);
            return Ok(());
        }
        // It leaves the queue for good: progress, as far as trigger cycles are concerned.
        self.trigproc_reset_cycle();
        if self.check_breaks(pkg, &mut why) == DepCheck::Halt {
            ok = DepCheck::Halt;
        }
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        self.sincenothing = 0;
        if ok == DepCheck::Halt {
            let id = "dependency problems prevent configuration of %s:\n%s";
            self.report.notice(msg!(id, &name, why));
            bail!("dependency problems - leaving unconfigured");
        }
        if !why.is_empty() {
            let id = "%s: dependency problems, but configuring anyway as you requested:\n%s";
            self.report.notice(msg!(id, &name, why));
        }
        if self.db.table[pkg].eflag == EFlag::ReinstReq {
            self.forcible(
                Force::RemoveReinstreq,
                msg!(
                    "package is in a very bad inconsistent state; you should\n \
                     reinstall it before attempting configuration"
                ),
            )?;
        }
        let version = self.db.table[pkg]
            .installed
            .version
            .describe(Epoch::NonAmbig);
        self.report
            .output(msg!("Setting up %s (%s) ...\n", &name, version));
        self.log_action("configure", pkg, Which::Installed)?;
        self.activate_package_processing(pkg)?;
        if !self.opts.act {
            self.db.table.set_status(pkg, Status::Installed);
            self.state(pkg).istobe = Istobe::Normal;
            return Ok(());
        }
        let step = PackageStep::Configure;
        self.between_hooks(Scope::Package { pkg, step }, |run| run.configure(pkg))
    }

    /// Whether the package and its other instances are in a state to be configured from.
    fn may_be_configured(&self, pkg: PkgId) -> Result<()> {
        let table = &self.db.table;
        let name = table.name(pkg, NameWhen::NonAmbig);
        match table[pkg].status() {
            Status::Unpacked | Status::HalfConfigured => {}
            Status::NotInstalled => {
                bail!("no package named '%s' is installed, cannot configure", name)
            }
            Status::Installed => {
                bail!("package %.250s is already installed and configured", name)
            }
            status => bail!(
                "package %.250s is not ready for configuration\n \
                 cannot configure (current status '%.250s')",
                name,
                status.as_str()
            ),
        }
        let full_name = table.name(pkg, NameWhen::Always);
        let version = &table[pkg].installed.version;
        for other in table[table[pkg].set].pkgs.iter().copied() {
            let status = table[other].status();
            if other == pkg || status <= Status::ConfigFiles {
                continue;
            }
            let other_name = table.name(other, NameWhen::Always);
            if status < Status::Unpacked {
                bail!(
                    "package %s cannot be configured because %s is not ready \
                     (current status '%s')",
                    full_name,
                    other_name,
                    status.as_str()
                );
            }
            let other_version = &table[other].installed.version;
            if version != other_version {
                bail!(
                    "package %s (%s) cannot be configured because %s is at a different \
                     version (%s)",
                    full_name,
                    version.describe(Epoch::NonAmbig),
                    other_name,
                    other_version.describe(Epoch::NonAmbig)
                );
            }
        }
        Ok(())
    }

    fn configure(&mut self, pkg: PkgId) -> Result<()> {
        if self.db.table[pkg].status() == Status::Unpacked {
            self.report.debug(debug::GENERAL, || {
                msg!("deferred_configure updating conffiles")
            });
            match self.db.table[pkg].installed.conffiles.is_empty() {
                true => self.db.note_later(pkg, &mut *self.report)?,
                false => self.db.note(pkg, &mut *self.report)?,
            }
            for index in 0..self.db.table[pkg].installed.conffiles.len() {
                if !is_disappearing(&self.db.table[pkg].installed.conffiles[index]) {
                    self.configure_conffile(pkg, index)?;
                }
            }
            self.db.table.set_status(pkg, Status::HalfConfigured);
        }
        // Durable before postinst runs, if there is one.
        self.db.note_later(pkg, &mut *self.report)?;
        let last = &self.db.table[pkg].configversion;
        let last = match last.is_informative() {
            true => last.to_string(),
            false => String::new(),
        };
        self.script_postinst(pkg, &["configure", &last])?;
        let p = &mut self.db.table[pkg];
        p.eflag = EFlag::Ok;
        p.trigpend.clear();
        self.post_postinst_tasks(pkg, Status::Installed)
    }

    /// Decide about one conffile and do it (`deferred_configure_conffile`).
    fn configure_conffile(&mut self, pkg: PkgId, index: usize) -> Result<()> {
        let conff = &self.db.table[pkg].installed.conffiles[index];
        let recorded = conff.hash.clone();
        let node = self.db.fsys.find(&conff.name);
        let node = self.namenode_to_use(node, pkg, Which::Installed);
        let shown = self.db.fsys.name(node).to_vec();
        let Some(current) = self.conffderef(pkg, &shown)? else {
            self.set_conffile_hash(pkg, index, decide::EMPTY.into());
            return Ok(());
        };
        let places = Places::beside(current);
        let current_hash = self.md5hash(pkg, &places.current)?;
        let shipped = places.new.lstat().if_there().or_fail(|| {
            let id = "unable to stat new distributed conffile '%.250s'";
            msg!(id, &places.new)
        })?;
        if shipped.is_none() {
            return self.configure_ghost_conffile(pkg, index);
        }
        let new_hash = self.md5hash(pkg, &places.new)?;
        copy_perms(&places)?;

        let force = Forces::of(&self.opts.force);
        let mut decision = decide::decide(&current_hash, &new_hash, &recorded, force);
        if decision.put_back {
            let line = msg!(
                "\nConfiguration file '%s', does not exist on system.\n\
                 Installing new config file as you requested.\n",
                &shown
            );
            self.report.event(&Event::Stderr(line));
        }
        self.report.debug(debug::CONFF, || {
            msg!(
                "deferred_configure '%s' (= '%s') useredited=%d distedited=%d what=%o",
                &shown,
                &places.current,
                decision.useredited,
                decision.distedited,
                decision.what.bits()
            )
        });
        if decision.what.contains(What::PROMPT) {
            let elsewhere = self.hooks.install_path(&self.db.table, pkg);
            let elsewhere = elsewhere.unwrap_or_default().into_os_string().into_vec();
            let question = Question {
                path: &shown,
                current: places.current.shown(),
                shipped: places.new.shown(),
                elsewhere: &elsewhere,
                decision,
            };
            decision.what = self.ask_about(&question, &places)?;
        }
        self.place_conffile(pkg, node, &shown, &places, decision.what)?;
        self.set_conffile_hash(pkg, index, new_hash.into());
        self.db.note(pkg, &mut *self.report)?;
        if decision.what.contains(What::KEEP) {
            return Ok(());
        }
        let done = places.new.unlink().if_there().map(drop);
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        done.or_fail(|| msg!("%s: failed to remove '%.250s'", &name, &places.new))
    }

    fn set_conffile_hash(&mut self, pkg: PkgId, index: usize, hash: crate::pkg::Bytes) {
        if let Some(conff) = self.db.table[pkg].installed.conffiles.get_mut(index) {
            conff.hash = hash;
        }
    }

    /// There is no `.dpkg-new`: another instance of the package was configured first and took
    /// it; take over the hash that one recorded (`deferred_configure_ghost_conffile`).
    fn configure_ghost_conffile(&mut self, pkg: PkgId, index: usize) -> Result<()> {
        let table = &self.db.table;
        let wanted = &table[pkg].installed.conffiles[index].name;
        let others = table[table[pkg].set].pkgs.iter();
        let ready = |p: &&PkgId| **p != pkg && table[**p].status() > Status::HalfConfigured;
        let conffiles = others
            .filter(ready)
            .flat_map(|p| &table[*p].installed.conffiles);
        let mut live = conffiles.filter(|c| !is_disappearing(c));
        let Some(hash) = live.find(|c| c.name == *wanted).map(|c| c.hash.clone()) else {
            return Ok(());
        };
        self.set_conffile_hash(pkg, index, hash);
        self.db.note(pkg, &mut *self.report)
    }

    /// Ask until there is an answer (`promptconfaction`).
    fn ask_about(&mut self, question: &Question<'_>, places: &Places) -> Result<What> {
        let id = "status: %s : %s : '%s' '%s' %i %i ";
        let line = msg!(
            id,
            question.path,
            "conffile-prompt",
            question.shown(question.current),
            question.shown(question.shipped),
            question.decision.useredited,
            question.decision.distedited
        );
        self.report.event(&Event::StatusFd(line));
        self.report.check()?;
        let install = loop {
            match self.ask_once(question)? {
                Answer::Install => break true,
                Answer::Keep => break false,
                Answer::Unclear => {}
                Answer::Diff => {
                    let [old, new] = [&places.current, &places.new].map(Spot::host_path);
                    self.prompt.diff(&old, &new)?;
                }
                Answer::Shell => self.shell_about(places)?,
            }
        };
        let word = if install { "install" } else { "keep" };
        let line = msg!("conffile %s %s", question.path, word);
        self.report.event(&Event::Log(line));
        let todo = if install { What::INSTALL } else { What::KEEP };
        Ok(question.decision.what & What::USER_DEL | todo | What::BACKUP)
    }

    /// Ask once, unless the options answer (`show_prompt`).
    fn ask_once(&mut self, question: &Question<'_>) -> Result<Answer> {
        if let Some((answer, line)) = question.forced(Forces::of(&self.opts.force)) {
            self.stderr(&[question.heading(), line]);
            return Ok(answer);
        }
        let prompt = concat(&[question.heading(), question.menu()]);
        match self.prompt.ask(&prompt)? {
            Some(line) => Ok(question.interpret(&line)),
            None => bail!("end of file on stdin at conffile prompt"),
        }
    }

    /// Let the user look around in a shell (`spawn_shell`); the prompter says how.
    fn shell_about(&mut self, places: &Places) -> Result<()> {
        let [old, new] = [&places.current, &places.new].map(Spot::host_path);
        self.prompt.shell(&[
            ("DPKG_SHELL_REASON", b"conffile-prompt"),
            ("DPKG_CONFFILE_OLD", old.as_os_str().as_encoded_bytes()),
            ("DPKG_CONFFILE_NEW", new.as_os_str().as_encoded_bytes()),
        ])
    }

    /// Do what was decided.
    fn place_conffile(
        &mut self,
        pkg: PkgId,
        node: NodeId,
        shown: &[u8],
        places: &Places,
        what: What,
    ) -> Result<()> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        let mut complain = |result: io::Result<()>, line: &dyn Fn(io::Error) -> Msg| match result {
            Ok(()) => Ok(()),
            Err(e) => self.complain(e.raw_os_error(), line(e)),
        };
        let unlink_if_there = |spot: &Spot| spot.unlink().if_there().map(drop);
        let Places {
            current,
            new,
            old,
            dist,
        } = places;
        let backup = what.contains(What::BACKUP);
        if what.contains(What::KEEP) {
            if !backup {
                return complain(new.unlink(), &|e| {
                    msg!("%s: failed to remove '%.250s': %s", &name, new, e)
                });
            }
            complain(unlink_if_there(old), &|e| {
                let id = "%s: failed to remove old backup '%.250s': %s";
                msg!(id, &name, old, e)
            })?;
            let renamed = new.rename(dist);
            let complained = complain(renamed, &|e| {
                let id = "%s: failed to rename '%.250s' to '%.250s': %s";
                msg!(id, &name, new, dist, e)
            });
            self.activate_path(node, pkg)?;
            return complained;
        }
        if backup {
            complain(unlink_if_there(dist), &|e| {
                let id = "%s: failed to remove old distributed version '%.250s': %s";
                msg!(id, &name, dist, e)
            })?;
            complain(unlink_if_there(old), &|e| {
                let id = "%s: failed to remove '%.250s' (before overwrite): %s";
                msg!(id, &name, old, e)
            })?;
            if !what.contains(What::USER_DEL) {
                complain(current.link(old), &|e| {
                    let id = "%s: failed to link '%.250s' to '%.250s': %s";
                    msg!(id, &name, current, old, e)
                })?;
            }
        }
        if !what.contains(What::NEW_CONFF) {
            let id = "Installing new version of config file %s ...\n";
            self.report.output(msg!(id, shown));
        }
        self.activate_path(node, pkg)?;
        let cannot = || msg!("unable to install '%.250s' as '%.250s'", new, current);
        // It keeps this name until its hash is noted: whoever comes after an interruption sees that
        // both are the same, and notes it. Stock forgets the hash.
        let second = current.with_suffix(b".dpkg-tmp");
        second.unlink().if_there().or_fail(cannot)?;
        let linked = new.link(&second);
        if linked
            .as_ref()
            .is_err_and(|e| matches!(e.raw_os_error(), Some(libc::EPERM | libc::EOPNOTSUPP)))
        {
            return new.rename(current).or_fail(cannot);
        }
        linked.or_fail(cannot)?;
        second.rename(current).or_fail(cannot)?;
        // Two names of one file stay two when one is renamed to the other.
        second.unlink().if_there().map(drop).or_fail(cannot)
    }

    /// A path was changed: activate who is interested in it or what is above it.
    pub(crate) fn activate_path(&mut self, node: NodeId, by: PkgId) -> Result<()> {
        self.db.activate_path(node, by, &mut *self.report)
    }
}

/// Give the new version the owner and mode of the one that is there, if one is
/// (`file_copy_perms`).
fn copy_perms(places: &Places) -> Result<()> {
    let current = places.current.stat().if_there().or_fail(|| {
        let id = "unable to stat current installed conffile '%.250s'";
        msg!(id, &places.current)
    })?;
    let Some(current) = current else {
        return Ok(());
    };
    let cannot = || {
        let id = "unable to change ownership of target file '%.250s'";
        msg!(id, &places.new)
    };
    let new = places.new.follow().or_fail(cannot)?;
    new.chown(current.uid, current.gid).or_fail(cannot)?;
    new.chmod(current.mode & !libc::S_IFMT)
        .or_fail(|| msg!("unable to set mode of target file '%.250s'", &places.new))
}

#[cfg(test)]
mod tests;
