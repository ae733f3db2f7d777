//! Doing what was planned.

use std::collections::BTreeSet;

use super::plan::{Plan, Step};
use super::{Alternatives, Group, PROGNAME};
use crate::error::{OrFail, Result};
use crate::msg;
use crate::msg::Arg;
use crate::report::{Event, debug};
use crate::sys::dir;
use crate::sys::place::Spot;

impl Alternatives<'_> {
    /// Bring a group up to date (`alternative_update`).
    ///
    /// # Errors
    /// Anything that cannot be looked at, said or done; what was done before that stays.
    pub(super) fn update(
        &mut self,
        group: &mut Group,
        current: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<()> {
        let plan = Plan::update(&self.tree, group, current, new);
        self.carry_out(group, plan)
    }

    fn carry_out(&mut self, group: &mut Group, plan: Plan) -> Result<()> {
        // A chooser that nobody listens to changes nothing.
        self.say(Event::Flush)?;
        self.steps(group, plan.prepare)?;
        if let Some(mode) = plan.mode {
            group.mode = mode;
            group.modified = true;
        }
        if group.modified && !plan.gone {
            self.report.debug(debug::GENERAL, || {
                msg!("%s is modified and will be saved", &group.name)
            });
            self.save(group)?;
        }
        self.steps(group, plan.commit)
    }

    /// Take these steps.
    ///
    /// # Errors
    /// The first that fails.
    pub(super) fn steps(&mut self, group: &Group, steps: Vec<Step>) -> Result<()> {
        steps
            .into_iter()
            .try_for_each(|step| self.step(group, step))
    }

    fn step(&mut self, group: &Group, step: Step) -> Result<()> {
        match step {
            Step::Say(Event::Debug { flag, text }) => {
                self.report.debug(flag, || text);
                Ok(())
            }
            Step::Say(event) => self.say(event),
            Step::MakeAltdir => {
                self.tree.make_altdir()?;
                dir::sync_parent(&self.tree.spot(&self.tree.dirs.altdir))
            }
            Step::Stage { target, link } => self.tree.symlink(&target, &link),
            Step::Rename { from, to } => {
                let (from, to) = (self.tree.spot(&from), self.tree.spot(&to));
                self.rename(&from, &to)
            }
            Step::TakeTime { staged, link, from } => self.tree.take_time(&staged, &link, &from),
            Step::Unlink(path) => self.tree.unlink(&path),
            Step::UnlinkAdmin => self.unlink_admin_file(&group.name),
            Step::Settle(names) => self.settle(&names),
            Step::Fail(error) => Err(error),
        }
    }

    /// Make durable what was done to these names, each directory once.
    fn settle(&self, names: &[Vec<u8>]) -> Result<()> {
        let mut dirs = BTreeSet::new();
        for spot in names.iter().map(|name| self.tree.spot(name)) {
            if dirs.insert(spot.shown_parent().map(<[u8]>::to_vec)) {
                dir::sync_parent_if_there(&spot)?;
            }
        }
        Ok(())
    }

    /// Rename, by mv(1) where rename(2) cannot (`xrename`).
    pub(super) fn rename(&mut self, from: &Spot, to: &Spot) -> Result<()> {
        let Err(e) = from.rename(to) else {
            return Ok(());
        };
        if e.raw_os_error() != Some(libc::ENOENT) && self.mv(from, to)? {
            return Ok(());
        }
        Err(e).or_fail(|| msg!("unable to install '%.250s' as '%.250s'", from, to))
    }

    /// Run mv(1); whether it succeeded.
    fn mv(&mut self, from: &Spot, to: &Spot) -> Result<bool> {
        const MV: &str = "mv";
        let mut command = std::process::Command::new(MV);
        match command.args([from.host_path(), to.host_path()]).status() {
            Ok(status) => Ok(status.success()),
            Err(e) => {
                // The words of the child that stock would have forked.
                let problem = msg!("unable to execute %s (%s)", MV, MV);
                let line = msg!(
                    "%s: %s: %s: %s\n",
                    PROGNAME,
                    msg!("error"),
                    problem,
                    Arg::from(e)
                );
                self.say(Event::Stderr(line))?;
                Ok(false)
            }
        }
    }
}
