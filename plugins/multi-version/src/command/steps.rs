//! What happens to packages between two generations, in dpkg's words: on standard output, for `--status-fd`, and in
//! what order maintainer scripts are run.

use std::collections::{BTreeMap, BTreeSet};

use dpkgng_plugin::{Failed, Host};

use super::knowledge::Knowledge;
use crate::layout::{InstallationId, RealizationId};
use crate::manifest::{Manifest, Member, State};
use crate::plan::{Plan, Satisfied};

/// What happens to a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It goes; `purge` with all it left.
    Remove {
        /// Also what it left.
        purge: bool,
        /// Whether there is more of it than what a removal left.
        was_there: bool,
    },
    /// It comes, in place of another version or beside what is there.
    Unpack {
        /// The version whose place it takes.
        instead_of: Option<InstallationId>,
    },
    /// It is configured.
    Configure {
        /// The version that was configured before, which its place was taken of.
        instead_of: Option<InstallationId>,
    },
}

/// A step, in the order they are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whose.
    pub package: InstallationId,
    /// What.
    pub what: What,
}

/// The steps from one generation to the next: removals, then what is unpacked, then what is configured, each after
/// what it depends on, as far as dependencies are without cycles. `purge` is what was asked to be purged.
pub fn steps(
    present: Option<&Manifest>,
    plan: &Plan,
    knowledge: &Knowledge,
    purge: &BTreeSet<InstallationId>,
) -> Vec<Step> {
    let before = states(present.map_or(&[], |m| &m.packages), |r| {
        let realization = knowledge.realizations.get(r)?;
        Some(realization.installation.clone())
    });
    let by_realization: BTreeMap<&RealizationId, &InstallationId> =
        plan.realized.iter().map(|(i, r)| (r, i)).collect();
    let after = states(&plan.members, |r| by_realization.get(r).copied().cloned());
    let replaced: BTreeMap<&InstallationId, &InstallationId> =
        plan.replaced.iter().map(|(old, new)| (new, old)).collect();
    let olds: BTreeSet<&InstallationId> = plan.replaced.iter().map(|(old, _)| old).collect();
    let mut steps = Vec::new();
    for (package, state) in &before {
        let purge = purge.contains(package);
        let goes = match after.get(package) {
            // What was left of another version is forgotten when it comes again.
            None => purge || *state != State::ConfigFiles,
            Some(after) => *after == State::ConfigFiles && *state != State::ConfigFiles,
        };
        if goes && !olds.contains(package) {
            let package = package.clone();
            let was_there = *state != State::ConfigFiles;
            let what = What::Remove { purge, was_there };
            steps.push(Step { package, what });
        }
    }
    let order = providers_first(plan, &after);
    let there = |package: &&InstallationId| {
        !matches!(before.get(*package), None | Some(State::ConfigFiles))
    };
    for package in order.iter().filter(|p| !there(p)) {
        let instead_of = replaced.get(package).copied().cloned();
        steps.push(Step {
            package: (*package).clone(),
            what: What::Unpack { instead_of },
        });
    }
    for package in &order {
        let was = before.get(*package) == Some(&State::Installed);
        if !was && after.get(*package) == Some(&State::Installed) {
            let instead_of = replaced.get(package).copied().cloned();
            steps.push(Step {
                package: (*package).clone(),
                what: What::Configure { instead_of },
            });
        }
    }
    steps
}

fn states(
    members: &[Member],
    installation: impl Fn(&RealizationId) -> Option<InstallationId>,
) -> BTreeMap<InstallationId, State> {
    let of = |m: &Member| Some((installation(&m.realization)?, m.state));
    members.iter().filter_map(of).collect()
}

/// The packages that are unpacked, each behind those it depends on; a cycle is entered where its first is.
fn providers_first<'p>(
    plan: &'p Plan,
    after: &'p BTreeMap<InstallationId, State>,
) -> Vec<&'p InstallationId> {
    let mut needs: BTreeMap<&InstallationId, Vec<&InstallationId>> = BTreeMap::new();
    for edge in &plan.edges {
        if let Satisfied::By(by) = &edge.by {
            needs.entry(&edge.from).or_default().push(by);
        }
    }
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    let present = after.iter().filter(|(_, s)| **s != State::ConfigFiles);
    for (package, _) in present {
        // A package, and how many of its needs were looked at.
        let mut path = vec![(package, 0)];
        if !seen.insert(package) {
            continue;
        }
        while let Some((package, next)) = path.pop() {
            match needs.get(package).and_then(|n| n.get(next)) {
                Some(need) => {
                    path.push((package, next + 1));
                    if after.contains_key(*need) && seen.insert(need) {
                        path.push((need, 0));
                    }
                }
                None => order.push(package),
            }
        }
    }
    order
}

/// What a removal goes through: apt counts these.
fn going(host: Host, full: &str) -> Result<(), Failed> {
    host.status_fd(format!("status: {full}: half-configured"))?;
    host.status_fd(format!("status: {full}: half-installed"))
}

impl Step {
    /// `name:arch`, as in the lines of `--status-fd`; what is for all architectures has none there.
    fn full_name(&self) -> String {
        match self.package.architecture().as_str() {
            "all" => self.package.package().to_string(),
            architecture => format!("{}:{architecture}", self.package.package()),
        }
    }

    /// Say that it begins.
    pub fn announce(&self, host: Host, json: bool) -> Result<(), Failed> {
        // What is printed for a program is JSON alone.
        let say = |text: String| match json {
            true => Ok(()),
            false => host.output(text),
        };
        let (name, version) = (self.package.package(), self.package.version());
        let full = self.full_name();
        match &self.what {
            What::Remove { purge: false, .. } => {
                say(format!("Removing {name} ({version}) ...\n"))?;
                host.status_fd(format!("processing: remove: {full}"))?;
                going(host, &full)
            }
            What::Remove {
                purge: true,
                was_there,
            } => {
                if *was_there {
                    say(format!("Removing {name} ({version}) ...\n"))?;
                }
                say(format!("Purging {name} ({version}) ...\n"))?;
                if *was_there {
                    host.status_fd(format!("processing: remove: {full}"))?;
                    going(host, &full)?;
                    host.status_fd(format!("status: {full}: config-files"))?;
                }
                host.status_fd(format!("processing: purge: {full}"))
            }
            What::Unpack { instead_of } => {
                let over = instead_of.as_ref();
                let over = over.map_or(String::new(), |o| format!(" over ({})", o.version()));
                say(format!("Unpacking {name} ({version}){over} ...\n"))?;
                let how = match instead_of {
                    Some(_) => "upgrade",
                    None => "install",
                };
                host.status_fd(format!("processing: {how}: {full}"))?;
                host.status_fd(format!("status: {full}: half-installed"))?;
                host.status_fd(format!("status: {full}: unpacked"))
            }
            What::Configure { .. } => {
                say(format!("Setting up {name} ({version}) ...\n"))?;
                host.status_fd(format!("processing: configure: {full}"))?;
                host.status_fd(format!("status: {full}: unpacked"))?;
                host.status_fd(format!("status: {full}: half-configured"))
            }
        }
    }

    /// Say that it is done, which is when the generation is current.
    pub fn done(&self, host: Host) -> Result<(), Failed> {
        let full = self.full_name();
        match &self.what {
            What::Remove { purge: false, .. } => {
                host.status_fd(format!("status: {full}: config-files"))
            }
            What::Remove { purge: true, .. } => {
                host.status_fd(format!("status: {full}: not-installed"))
            }
            What::Unpack { .. } => Ok(()),
            What::Configure { .. } => host.status_fd(format!("status: {full}: installed")),
        }
    }
}
