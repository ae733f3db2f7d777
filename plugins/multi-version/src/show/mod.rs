//! A plan as a person or a program reads it: `--explain`, the same with `--json`, and `--graph` as DOT or as a tree. All from a
//! [`LinkPlan`], which is made of a generation as it stands as well as of a pending one: nothing need be changed for a look.
//!
//! | | |
//! |---|---|
//! | [`explain`] | tables, or JSON with all that they say and what they leave out for being plain |
//! | [`tree`] | `--graph` on a terminal: each wanted package with what it uses below it |
//! | [`dot`] | `--graph=dot`: for Graphviz, every edge with all its reasons |
//! | [`verdict`] | `relink`: who gets a library, who keeps the old one, and why |
#![forbid(unsafe_code)]

mod dot;
mod explain;
mod graph;
mod json;
#[cfg(test)]
mod tests;
mod tree;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::io;

pub use dot::dot;
pub use graph::Graph;
pub use json::json;
pub use tree::tree;
pub use verdict::{Given, verdict, verdict_json, verdict_summary, verdict_table};

use crate::facts::Relation;
use crate::layout::{Architecture, InstallationId, SideName};
use crate::manifest::Side;
use crate::output::Out;
use crate::plan::LinkPlan;

/// Print all of a plan's reasons: tables, or JSON.
///
/// # Errors
/// It can't be printed.
pub fn explain(
    plan: &LinkPlan,
    sides: &BTreeMap<SideName, Side>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    match out.json {
        true => out.line(&pretty(&json(plan, sides))),
        false => explain::tables(plan, sides, out),
    }
}

/// JSON on lines.
pub(crate) fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}")
}

/// `NAME VERSION`, with the architecture where the plan has several.
struct Names {
    several: bool,
}

impl Names {
    fn of(plan: &LinkPlan) -> Names {
        let all = plan.worlds.iter().flat_map(|w| w.members.keys());
        let architectures: BTreeSet<&str> = all
            .map(|id| id.architecture().as_str())
            .filter(|a| *a != "all")
            .collect();
        Names {
            several: architectures.len() > 1,
        }
    }

    fn name(&self, name: &impl ToString, architecture: &Architecture) -> String {
        match self.several && architecture.as_str() != "all" {
            true => format!("{}:{architecture}", name.to_string()),
            false => name.to_string(),
        }
    }

    fn package(&self, id: &InstallationId) -> String {
        self.name(id.package(), id.architecture())
    }

    fn whole(&self, id: &InstallationId) -> String {
        format!("{} {}", self.package(id), id.version())
    }
}

/// A relation group as a control file has it.
fn group(group: &[Relation]) -> String {
    let texts: Vec<String> = group.iter().map(Relation::to_string).collect();
    texts.join(" | ")
}
