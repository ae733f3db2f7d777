//! Maintainer scripts of a change: which, and what became of them.

use std::path::Path;

use dpkgng_plugin::Failed;

use super::change::Change;
use super::steps::{Step, What};
use crate::generation::Building;
use crate::layout::{InstallationId, SlotName};
use crate::manifest::{Manifest, State};
use crate::scripts::triggers::{Party, Role, Triggers};
use crate::scripts::{Call, Etc, Outcome, Task, Work, calls};

/// The host's configuration.
const ETC: &str = "/etc";

/// What scripts leave to be done once the generation has its name.
#[must_use]
pub struct Left {
    /// What is for the host's /etc, if any script was run.
    etc: Option<Etc>,
    /// The scripts that were not run.
    pub skipped: Vec<Call>,
}

impl Left {
    /// Put what is for the host's /etc there.
    pub fn put(&mut self, change: &Change<'_>, generation: &Path) -> Result<(), Failed> {
        match self.etc.take() {
            Some(etc) => Ok(etc.put(change.sys.disk(), generation)?),
            None => Ok(()),
        }
    }
}

/// Run the scripts of these steps in a generation that is being built; the manifest gets the set-id files they made.
pub fn run(
    change: &Change<'_>,
    building: &Building<'_>,
    steps: &[Step],
    manifest: &mut Manifest,
) -> Result<Left, Failed> {
    let (host, layout) = (change.host, change.sys.layout());
    let work = Work {
        disk: change.sys.disk(),
        layout,
        building: building.path(),
        members: &manifest.packages,
        running_version: host.dpkg_version()?,
    };
    let mut outcome = Outcome::default();
    let previous = change
        .present
        .map(|m| (layout.generation(&m.view, m.number), &m.packages));
    let previous = previous
        .as_ref()
        .map(|(path, members)| (path.as_path(), members.as_slice()));
    work.begin(previous, &mut outcome)?;
    let calls = calls(&tasks(change, steps));
    let there = work.there(calls.clone());
    let (mut etc, mut skipped) = (None, Vec::new());
    if change.line.no_scripts {
        skipped = there;
    } else {
        let parties = match change.line.no_triggers {
            true => Vec::new(),
            false => parties(change, steps)?,
        };
        let concerned = parties.iter().any(|p| !p.triggers.interests.is_empty());
        if there.is_empty() && !concerned {
            work.bring(&calls, &mut outcome)?;
        } else {
            let mut changes = Etc::before(Path::new(ETC))?;
            // What can't be said is no reason to stop half-way.
            let mut about = |_: &Call| drop(host.flush());
            work.run(calls, &mut changes, &mut outcome, &mut about)?;
            work.trigger(&parties, &mut changes, &mut outcome, &mut about)?;
            work.end(&mut changes)?;
            etc = Some(changes);
        }
    }
    outcome.note(layout, &mut manifest.packages);
    Ok(Left { etc, skipped })
}

/// In which slot's tree the scripts of a package are run that is there, or was. A slot that went with its last
/// package has no tree any more: then the view's own.
fn slot_of(change: &Change<'_>, package: &InstallationId) -> Option<SlotName> {
    let now = change.plan.realized.get(package);
    let now = change
        .plan
        .members
        .iter()
        .find(|m| Some(&m.realization) == now);
    let before = || {
        let all = change.present.map_or(&[][..], |m| &m.packages);
        all.iter().find(|m| {
            let realization = change.knowledge.realizations.get(&m.realization);
            realization.is_some_and(|r| r.installation == *package)
        })
    };
    let slot = now.or_else(before)?.slot.as_ref();
    slot.filter(|s| change.plan.slots.contains_key(*s)).cloned()
}

fn tasks(change: &Change<'_>, steps: &[Step]) -> Vec<Task> {
    let is_configured = |package: &InstallationId| {
        steps
            .iter()
            .any(|s| s.package == *package && matches!(s.what, What::Configure { .. }))
    };
    let is_unpacked = |package: &InstallationId| {
        steps
            .iter()
            .any(|s| s.package == *package && matches!(s.what, What::Unpack { .. }))
    };
    let mut tasks = Vec::new();
    for step in steps {
        let (package, slot) = (step.package.clone(), slot_of(change, &step.package));
        match &step.what {
            What::Remove { purge, was_there } => tasks.push(match was_there {
                true => Task::Remove {
                    package,
                    slot,
                    purge: *purge,
                },
                false => Task::Purge { package, slot },
            }),
            What::Unpack { instead_of } => tasks.push(Task::Install {
                configure: is_configured(&package),
                new: package,
                slot,
                old: instead_of.clone(),
            }),
            What::Configure { instead_of } if !is_unpacked(&package) => {
                tasks.push(Task::Configure {
                    package,
                    slot,
                    last: instead_of.as_ref().map(|o| o.version().clone()),
                });
            }
            What::Configure { .. } => {}
        }
    }
    tasks
}

/// Who has to do with triggers: what is configured, what comes to be, and what goes.
fn parties(change: &Change<'_>, steps: &[Step]) -> Result<Vec<Party>, Failed> {
    let layout = change.sys.layout();
    let mut parties = Vec::new();
    let mut add = |package: &InstallationId, role| -> Result<(), Failed> {
        parties.push(Party {
            package: package.clone(),
            slot: slot_of(change, package),
            triggers: Triggers::read(layout, package)?,
            role,
        });
        Ok(())
    };
    let paths = |package: &InstallationId| {
        let facts = change.knowledge.facts.get(package);
        facts.map_or(Vec::new(), |f| f.paths.clone())
    };
    for step in steps {
        if let What::Remove { .. } = step.what {
            add(&step.package, Role::Goes(paths(&step.package)))?;
        }
    }
    for (package, realization) in &change.plan.realized {
        let member = change
            .plan
            .members
            .iter()
            .find(|m| m.realization == *realization);
        if member.is_none_or(|m| m.state != State::Installed) {
            continue;
        }
        let comes = steps
            .iter()
            .any(|s| s.package == *package && matches!(s.what, What::Configure { .. }));
        let role = match comes {
            true => Role::Comes(paths(package)),
            false => Role::Stays,
        };
        add(package, role)?;
    }
    Ok(parties)
}
