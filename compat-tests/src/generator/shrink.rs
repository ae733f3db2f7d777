//! Makes a scenario that shows a difference as small as it can be while it still shows it.

use super::pair::{Pair, signature};
use super::spec::{Scenario, Step};
use crate::Res;

/// What a scenario showed: the step, and its texts by stock and by ours.
pub struct Found {
    /// The scenario.
    pub scenario: Scenario,
    /// The step after which the sides differ.
    pub step: usize,
    /// What stock did in it.
    pub theirs: String,
    /// What ours did in it.
    pub ours: String,
    /// The kind of difference.
    pub signature: String,
}

/// Runs a scenario; gives the first difference.
pub fn try_out(pair: &mut Pair, scenario: &Scenario) -> Res<Option<Found>> {
    let seen = pair.run(scenario)?;
    let Some(step) = seen.difference() else {
        return Ok(None);
    };
    let theirs = seen.theirs.get(step).cloned().unwrap_or_default();
    let ours = seen.ours.get(step).cloned().unwrap_or_default();
    Ok(Some(Found {
        scenario: scenario.clone(),
        step,
        signature: signature(&theirs, &ours),
        theirs,
        ours,
    }))
}

/// The smallest scenario found that differs in the same way. At most `budget` runs are spent.
pub fn shrink(pair: &mut Pair, found: Found, budget: usize) -> Res<Found> {
    let mut best = found;
    best.scenario.steps.truncate(best.step + 1);
    let mut left = budget;
    loop {
        let before = best.scenario.clone();
        for cut in CUTS {
            pass(pair, &mut best, cut, &mut left)?;
        }
        if before == best.scenario || left == 0 {
            return Ok(best);
        }
    }
}

/// Takes the `n`-th thing out of a scenario; false if there are not that many.
type Cut = fn(&mut Scenario, usize) -> bool;

const CUTS: [Cut; 12] = [
    step, argument, script, entry, field, trigger, conffile, rule, control, stdin, parted, always,
];

fn pass(pair: &mut Pair, best: &mut Found, cut: Cut, left: &mut usize) -> Res<()> {
    let mut n = 0;
    while *left > 0 {
        let mut smaller = best.scenario.clone();
        if !cut(&mut smaller, n) {
            break;
        }
        smaller.drop_unused();
        if smaller == best.scenario || smaller.steps.is_empty() {
            n += 1;
            continue;
        }
        *left -= 1;
        match try_out(pair, &smaller)? {
            Some(mut found) if found.signature == best.signature => {
                found.scenario.steps.truncate(found.step + 1);
                *best = found;
            }
            _ => n += 1,
        }
    }
    Ok(())
}

/// The `n`-th item of the lists that `of` gives, taken out of its list.
fn take<'a, T: 'a>(mut lists: impl Iterator<Item = &'a mut Vec<T>>, n: usize) -> bool {
    let mut n = n;
    lists.any(|list| {
        if n < list.len() {
            list.remove(n);
            return true;
        }
        n -= list.len();
        false
    })
}

fn step(s: &mut Scenario, n: usize) -> bool {
    // From the end: what comes last before the difference is most often not its cause.
    let Some(n) = s.steps.len().checked_sub(2 + n) else {
        return false;
    };
    s.steps.remove(n);
    true
}

fn argument(s: &mut Scenario, n: usize) -> bool {
    let mut n = n;
    for step in &mut s.steps {
        if let Step::Run { words, .. } = step {
            let many = words.len() - 1;
            if n < many {
                words.remove(n + 1);
                return true;
            }
            n -= many;
        }
    }
    false
}

fn script(s: &mut Scenario, n: usize) -> bool {
    take(s.packages.iter_mut().map(|p| &mut p.scripts), n)
}

fn entry(s: &mut Scenario, n: usize) -> bool {
    take(s.packages.iter_mut().map(|p| &mut p.entries), n)
}

fn field(s: &mut Scenario, n: usize) -> bool {
    take(s.packages.iter_mut().map(|p| &mut p.fields), n)
}

fn trigger(s: &mut Scenario, n: usize) -> bool {
    take(s.packages.iter_mut().map(|p| &mut p.triggers), n)
}

fn conffile(s: &mut Scenario, n: usize) -> bool {
    take(s.packages.iter_mut().map(|p| &mut p.conffiles), n)
}

fn control(s: &mut Scenario, n: usize) -> bool {
    take(s.packages.iter_mut().map(|p| &mut p.control), n)
}

fn rule(s: &mut Scenario, n: usize) -> bool {
    let scripts = s.packages.iter_mut().flat_map(|p| p.scripts.iter_mut());
    take(scripts.map(|s| &mut s.rules), n)
}

/// Takes away what a command reads.
fn stdin(s: &mut Scenario, n: usize) -> bool {
    let mut inputs = s.steps.iter_mut().filter_map(|s| match s {
        Step::Run { stdin, .. } => Some(stdin),
        _ => None,
    });
    inputs.nth(n).map(String::clear).is_some()
}

/// Takes one relation out of a field with several.
fn parted(s: &mut Scenario, n: usize) -> bool {
    let fields = s.packages.iter_mut().flat_map(|p| p.fields.iter_mut());
    let mut n = n;
    for (_, value) in fields {
        for separator in [", ", " | "] {
            let mut parts: Vec<&str> = value.split(separator).collect();
            if parts.len() < 2 {
                continue;
            }
            if n < parts.len() {
                parts.remove(n);
                *value = parts.join(separator);
                return true;
            }
            n -= parts.len();
        }
    }
    false
}

/// Lets a script do always what it does once.
fn always(s: &mut Scenario, n: usize) -> bool {
    let rules = s
        .packages
        .iter_mut()
        .flat_map(|p| p.scripts.iter_mut())
        .flat_map(|s| s.rules.iter_mut());
    let mut once = rules.filter(|r| r.once);
    once.nth(n).map(|r| r.once = false).is_some()
}
