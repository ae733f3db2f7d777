//! Maintainer scripts, run in a context of the generation that is being built. By root alone.
//!
//! A script sees:
//!
//! ```text
//! /usr                  its slot over root over the host's. What it writes is kept in `made/usr` of the generation (of
//!                       the slot) and laid into the tree afterwards, with inodes of its own
//! /etc                  the host's over the generation's conffiles. What it writes is kept aside until all scripts have
//!                       succeeded ([`Etc`]): then it comes into the host's /etc, a file at a time, by rename. What speaks
//!                       of what is in /usr stays with the generation: alternatives/, systemd/, rc?.d/
//! /var/lib/dpkg         the generation's database; the host's is out of reach. info/ can't be written
//! /var/sys/current-system  -> the generation
//! /run/systemd, /var/cache/ldconfig   empty, and policy-rc.d says 101: no service is started or stopped
//! all else              the host's: in particular /var, which is not taken back when a script fails, and where what
//!                       packages bring is made if it is missing
//! ```
//!
//! So dpkg-trigger, dpkg-divert, dpkg-statoverride and update-alternatives work on the view, and ldconfig on a cache that is
//! dropped: programs of a view find libraries through `lib/`. A new group of alternatives is in automatic mode even where
//! the host has one of its name that points elsewhere.
//!
//! Which scripts are run, and with what, is data ([`calls`]); the arguments and the environment are dpkg's, with these
//! differences: preinst finds the new files in place, prerm the old ones gone, as the generation is complete when scripts are
//! run; there are no `abort-…` calls, as a script that fails makes the whole generation fail, which is then dropped;
//! `failed-upgrade` is tried as dpkg does.
//!
//! Triggers ([`triggers`]): what newcomers bring or scripts activate is told to each interested package once, at the end
//! (`postinst triggered`). `ldconfig` is not among them: `lib/` does what it would.
//!
//! What scripts made goes from a generation to the next ([`Work::begin`]). What they did to a package's file goes with it for
//! as long as it is the same package; once it is linked anew only mode and owner do.

mod calls;
mod carry;
mod error;
mod etc;
mod made;
mod mounts;
mod running;
mod state;
#[cfg(test)]
mod tests;
pub mod triggers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use calls::{Call, Script, Task, calls};
pub use error::ScriptError;
pub use etc::Etc;

use crate::generation::Disk;
use crate::layout::{InstallationId, Layout, SlotName, inside};
use crate::manifest::{Member, SetId};

/// Where scripts are run.
pub struct Work<'a> {
    /// What changes are made through.
    pub disk: &'a Disk,
    /// Where everything is.
    pub layout: &'a Layout,
    /// The generation, in `tmp/`: its trees and its database are there.
    pub building: &'a Path,
    /// Its packages.
    pub members: &'a [Member],
    /// DPKG_RUNNING_VERSION
    pub running_version: String,
}

/// What became of scripts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Those that were run, in order.
    pub ran: Vec<Call>,
    /// What packages brought to the host's /var and /srv.
    pub state: Vec<PathBuf>,
    /// Files whose set-id bits are others than the packages'. They have none in the tree.
    pub bits: Vec<Bits>,
}

/// A file whose set-id bits scripts changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    /// In which tree.
    pub slot: Option<SlotName>,
    /// Relative to it.
    pub path: PathBuf,
    /// What it is to be; none, if it is not to be set-id any more.
    pub set_id: Option<SetId>,
}

impl Outcome {
    /// Say in the manifest what scripts made of set-id bits.
    pub fn note(&self, layout: &Layout, members: &mut [Member]) {
        for Bits { slot, path, set_id } in &self.bits {
            for member in members.iter_mut().filter(|m| m.slot == *slot) {
                member.setuid.retain(|s| s.path != *path);
            }
            let owner =
                made::owner(layout, members, slot.as_ref(), path).map(|m| m.realization.clone());
            // What is of no package goes with any of its tree.
            let member = members.iter_mut().find(|m| {
                m.slot == *slot && owner.as_ref().is_none_or(|owner| m.realization == *owner)
            });
            if let Some((member, set_id)) = member.zip(set_id.clone()) {
                member.setuid.push(set_id);
                member.setuid.sort();
            }
        }
    }
}

/// What changes scripts' outcome in a directory of the tree that has it.
const MADE: &str = "made";
/// What is needed while scripts are run.
const WORK: &str = "work";

impl Work<'_> {
    /// Take over what scripts made in the generation before, and lay it into the trees. To be done when all
    /// payloads are in place, also where no script is to be run.
    pub fn begin(
        &self,
        previous: Option<(&Path, &[Member])>,
        outcome: &mut Outcome,
    ) -> Result<(), ScriptError> {
        if let Some((generation, members)) = previous {
            carry::all(self, generation, members)?;
        }
        for slot in made::slots(self)? {
            self.lay(slot.as_ref(), outcome)?;
        }
        Ok(())
    }

    /// The calls that there are scripts for.
    pub fn there(&self, calls: Vec<Call>) -> Vec<Call> {
        let there = calls.into_iter().filter(|c| self.script(c).is_file());
        there.collect()
    }

    /// Make what the packages that are to be configured bring to /var and /srv. Who is not root brings nothing.
    pub fn bring(&self, calls: &[Call], outcome: &mut Outcome) -> Result<(), ScriptError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let configured = |c: &&Call| {
            c.script == Script::Postinst && c.arguments.first().is_some_and(|a| a == "configure")
        };
        let calls = calls.iter().filter(configured);
        let packages: BTreeSet<&InstallationId> = calls.map(|c| &c.installation).collect();
        for package in packages {
            let made = state::bring(self, package, Path::new("/"))?;
            outcome.state.extend(made);
        }
        Ok(())
    }

    /// Run those that there are scripts for. Each is told to `about` before; what this process says must be out by then.
    pub fn run(
        &self,
        calls: Vec<Call>,
        etc: &mut Etc,
        outcome: &mut Outcome,
        about: &mut dyn FnMut(&Call),
    ) -> Result<(), ScriptError> {
        let running = running::Running::new(self, etc)?;
        let mut open: Option<Option<SlotName>> = None;
        let mut unpacked = Some(calls.clone());
        for call in calls {
            if call.script == Script::Postinst
                && let Some(all) = unpacked.take()
            {
                self.bring(&all, outcome)?;
            }
            if !self.script(&call).is_file() {
                continue;
            }
            // What was made in one tree is to be seen from another.
            if let Some(before) = open.take_if(|slot| *slot != call.slot) {
                self.lay(before.as_ref(), outcome)?;
            }
            open = Some(call.slot.clone());
            about(&call);
            match running.call(&call) {
                Ok(()) => outcome.ran.push(call),
                Err(failed @ ScriptError::Failed { .. }) => {
                    let fallback = call
                        .fallback
                        .as_deref()
                        .filter(|f| self.script(f).is_file());
                    let Some(fallback) = fallback else {
                        return Err(failed);
                    };
                    about(fallback);
                    running.call(fallback)?;
                    outcome.ran.push(fallback.clone());
                }
                Err(e) => return Err(e),
            }
        }
        if let Some(last) = open {
            self.lay(last.as_ref(), outcome)?;
        }
        Ok(())
    }

    fn lay(&self, slot: Option<&SlotName>, outcome: &mut Outcome) -> Result<(), ScriptError> {
        let found = made::lay(self, slot)?;
        outcome.bits.retain(|b| b.slot.as_ref() != slot);
        outcome.bits.extend(found);
        Ok(())
    }

    /// That all scripts were run: nothing of it is left in the generation but what it keeps. What is for the
    /// host's /etc is in `etc` from now on.
    pub fn end(&self, etc: &mut Etc) -> Result<(), ScriptError> {
        etc.collect(self)?;
        Ok(self.disk.remove_tree(&self.building.join(WORK))?)
    }

    fn script(&self, call: &Call) -> PathBuf {
        let payload = self.layout.installation(&call.installation);
        payload.join(inside::METADATA).join(call.script.name())
    }

    /// Where the changes of a tree are kept.
    fn made(&self, slot: Option<&SlotName>) -> PathBuf {
        made_in(self.building, slot)
    }

    fn tree(&self, slot: Option<&SlotName>) -> PathBuf {
        self.building.join(inside::tree(slot))
    }
}

fn made_in(generation: &Path, slot: Option<&SlotName>) -> PathBuf {
    let tree = generation.join(inside::tree(slot));
    tree.with_file_name(MADE)
}
