//! Conflicts: peacefully, if replacing support packages will do; else relaxed.

use std::collections::{BTreeSet, VecDeque};

use super::{Conflict, Judge};
use crate::layout::InstallationId;

/// How much of a view is to be tried before a conflict counts as one that can't be resolved.
const TRIES: usize = 512;

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

/// What becomes of a set of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The packages, after replacing.
    pub set: BTreeSet<InstallationId>,
    /// What was replaced.
    pub peace: Vec<Peace>,
    /// The conflicts that are ignored.
    pub relaxed: BTreeSet<Conflict>,
}

/// Resolve the conflicts of `set`, one after the other: in which `wanted` must all stay and those of `accepted` are
/// ignored already.
pub fn resolve_conflicts(
    set: &BTreeSet<InstallationId>,
    wanted: &BTreeSet<InstallationId>,
    accepted: &BTreeSet<Conflict>,
    judge: &dyn Judge,
) -> Resolution {
    let (mut set, mut peace) = (set.clone(), Vec::new());
    let mut relaxed: BTreeSet<Conflict> = accepted.clone();
    while let Some(conflict) = judge.conflicts(&set).difference(&relaxed).next().cloned() {
        match peacefully(&set, wanted, &conflict, judge) {
            Some((without, steps)) => {
                set = without;
                peace.extend(steps);
            }
            None => {
                relaxed.insert(conflict);
            }
        }
    }
    relaxed = judge.conflicts(&set);
    Resolution {
        set,
        peace,
        relaxed,
    }
}

type State = (BTreeSet<InstallationId>, Vec<Peace>);

/// The set with the fewest replacements in which one conflict is gone, none is new, and what worked before works.
/// None, if there is no such set.
fn peacefully(
    start: &BTreeSet<InstallationId>,
    wanted: &BTreeSet<InstallationId>,
    conflict: &Conflict,
    judge: &dyn Judge,
) -> Option<State> {
    let before = judge.conflicts(start);
    let broken = judge.broken(start);
    let mut seen = BTreeSet::from([start.clone()]);
    let mut left: VecDeque<State> = VecDeque::from([(start.clone(), Vec::new())]);
    while let Some((set, peace)) = left.pop_front() {
        let conflicts = judge.conflicts(&set);
        let new = || conflicts.difference(&before).next();
        let Some(conflict) = conflicts.get(conflict).or_else(new) else {
            // A package that came in exchange must work; one that did not before need not.
            if judge.broken(&set).is_subset(&broken) {
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
                if new.as_ref().is_some_and(|n| set.contains(n)) {
                    continue;
                }
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
