//! Whether programs will find what was planned.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use super::Done;
use crate::layout::{RealizationId, SideName};
use crate::link::{Checked, Difference, Linker};
use crate::plan::{LinkPlan, WorldPlan, world_name};

/// What the resolver saw of a plan.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// In contexts, by world.
    pub inside: Vec<(Option<SideName>, Checked)>,
}

/// What a report comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All find what they are to.
    Fine,
    /// Some do not: how many, and in how many worlds.
    Differs(usize, usize),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Fine => f.write_str("every program finds the libraries of its world"),
            Verdict::Differs(1, _) => f.write_str("one library is not found where it was planned"),
            Verdict::Differs(needs, 1) => {
                write!(f, "{needs} libraries are not found where they were planned")
            }
            Verdict::Differs(needs, worlds) => {
                write!(
                    f,
                    "{needs} libraries of {worlds} worlds are not found where they were planned"
                )
            }
        }
    }
}

impl Report {
    /// What it comes to.
    pub fn verdict(&self) -> Verdict {
        let wrong = self
            .inside
            .iter()
            .map(|(_, c)| c.differences.len())
            .filter(|n| *n > 0);
        let (needs, worlds) = wrong.fold((0, 0), |(needs, worlds), n| (needs + n, worlds + 1));
        match needs {
            0 => Verdict::Fine,
            needs => Verdict::Differs(needs, worlds),
        }
    }

    /// The differences, in words: each with its world, if there are several.
    pub fn lines(&self) -> Vec<String> {
        let several = self.inside.len() > 1;
        let of = |(world, checked): &(Option<SideName>, Checked)| -> Vec<String> {
            let line = |d: &Difference| match several {
                true => format!("{}: {d}", world_name(world.as_ref())),
                false => d.to_string(),
            };
            checked.differences.iter().map(line).collect()
        };
        self.inside.iter().flat_map(of).collect()
    }
}

/// Resolve every object of every world as ld.so would in a context of it. The realizations are made.
///
/// # Errors
/// What was made can't be read.
pub fn check(linker: &Linker<'_>, plan: &LinkPlan) -> Done<Report> {
    let mut report = Report::default();
    for world in &plan.worlds {
        let checked = linker.check(&plan.inside(world).planned())?;
        report.inside.push((world.name.clone(), checked));
    }
    Ok(report)
}

/// Resolve some programs of a world as ld.so would outside of contexts.
///
/// # Errors
/// As [`check`].
pub fn check_outside(
    linker: &Linker<'_>,
    plan: &LinkPlan,
    world: &WorldPlan,
    programs: BTreeSet<(RealizationId, PathBuf)>,
) -> Done<Checked> {
    Ok(linker.check(&plan.outside(world).only(programs).planned())?)
}
