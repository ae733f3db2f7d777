//! Conflicts: peacefully, if replacing support packages will do; else relaxed, with a slot where two
//! packages would own the same path.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use super::{Conflict, Judge};
use crate::layout::InstallationId;

/// How much of a view is to be tried before a conflict counts as one that can't be resolved.
const TRIES: usize = 4096;

/// A support package that gives way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peace {
    /// What goes.
    pub old: InstallationId,
    /// What comes instead, if anything needs to.
    pub new: Option<InstallationId>,
    /// The conflict that it ends.
    pub why: Conflict,
}

/// A package that gets a slot of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slotted {
    /// Which.
    pub package: InstallationId,
    /// The conflict.
    pub why: Conflict,
    /// The path that both would own.
    pub path: PathBuf,
}

/// What becomes of a set of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The packages, after replacing.
    pub set: BTreeSet<InstallationId>,
    /// What was replaced.
    pub peace: Vec<Peace>,
    /// The conflicts that are ignored.
    pub relaxed: BTreeSet<Conflict>,
    /// The packages in slots.
    pub slots: Vec<Slotted>,
}

/// Resolve the conflicts of `set`, in which `wanted` must all stay and `newcomers` are what just came.
pub fn resolve_conflicts(
    set: &BTreeSet<InstallationId>,
    wanted: &BTreeSet<InstallationId>,
    newcomers: &BTreeSet<InstallationId>,
    judge: &dyn Judge,
) -> Resolution {
    let (set, peace) = match peacefully(set, wanted, judge) {
        Some(found) => found,
        None => (set.clone(), Vec::new()),
    };
    let relaxed = judge.conflicts(&set);
    let slots = slots(&relaxed, newcomers, wanted, judge);
    Resolution {
        set,
        peace,
        relaxed,
        slots,
    }
}

type State = (BTreeSet<InstallationId>, Vec<Peace>);

/// The set with the fewest replacements that has no conflict and in which what worked before works.
/// None, if there is no such set.
fn peacefully(
    set: &BTreeSet<InstallationId>,
    wanted: &BTreeSet<InstallationId>,
    judge: &dyn Judge,
) -> Option<State> {
    let worked = |id: &&InstallationId| judge.works(id, set);
    let worked: BTreeSet<&InstallationId> = set.iter().filter(worked).collect();
    let mut seen = BTreeSet::from([set.clone()]);
    let mut left: VecDeque<State> = VecDeque::from([(set.clone(), Vec::new())]);
    while let Some((set, peace)) = left.pop_front() {
        let conflicts = judge.conflicts(&set);
        let Some(conflict) = conflicts.first() else {
            // A package that came in exchange must work; one that did not before need not.
            let must = |id: &&InstallationId| {
                worked.contains(id) || peace.iter().any(|p| p.new.as_ref() == Some(*id))
            };
            if set.iter().filter(must).all(|id| judge.works(id, &set)) {
                return Some((set, peace));
            }
            continue;
        };
        for old in [&conflict.with, &conflict.by] {
            if wanted.contains(old) {
                continue;
            }
            let others = judge.replacements(old).into_iter().filter(|n| n != old);
            for new in std::iter::once(None).chain(others.map(Some)) {
                let mut next = set.clone();
                next.remove(old);
                next.extend(new.clone());
                if seen.len() < TRIES && seen.insert(next.clone()) {
                    let (old, why) = (old.clone(), conflict.clone());
                    let mut peace = peace.clone();
                    peace.push(Peace { old, new, why });
                    left.push_back((next, peace));
                }
            }
        }
    }
    None
}

/// Which packages of ignored conflicts can't be in one tree: the newcomer moves, or the one nobody
/// wants, or the one whose field it is.
fn slots(
    relaxed: &BTreeSet<Conflict>,
    newcomers: &BTreeSet<InstallationId>,
    wanted: &BTreeSet<InstallationId>,
    judge: &dyn Judge,
) -> Vec<Slotted> {
    let mut slots: BTreeMap<InstallationId, Slotted> = BTreeMap::new();
    for why in relaxed {
        if slots.contains_key(&why.by) || slots.contains_key(&why.with) {
            continue;
        }
        let Some(path) = judge.shared_path(&why.by, &why.with) else {
            continue;
        };
        let stays = |id: &InstallationId| (!newcomers.contains(id), wanted.contains(id));
        let package = match stays(&why.with) < stays(&why.by) {
            true => why.with.clone(),
            false => why.by.clone(),
        };
        let why = why.clone();
        slots.insert(package.clone(), Slotted { package, why, path });
    }
    slots.into_values().collect()
}
