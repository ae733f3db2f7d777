//! A plan as a person or a program reads it: `--explain`, the same with `--json`, and `--graph=dot|svg`.
#![forbid(unsafe_code)]

mod dot;
mod explain;
mod graph;
mod json;
mod layered;
mod svg;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;

pub use dot::dot;
pub use graph::Graph;
pub use json::json;
pub use svg::svg;

use crate::facts::Relation;
use crate::layout::{InstallationId, RealizationId};
use crate::manifest::Member;
use crate::output::Out;
use crate::plan::Plan;

/// Print all of a plan's reasons: tables, or JSON.
pub fn explain(plan: &Plan, out: &mut Out<'_>) -> io::Result<()> {
    match out.json {
        true => out.value(&json(plan)),
        false => explain::tables(plan, out),
    }
}

/// `NAME VERSION`, with the architecture where the plan has several.
struct Names {
    several: bool,
}

impl Names {
    fn of(plan: &Plan) -> Names {
        let architectures: std::collections::BTreeSet<&str> = plan
            .realized
            .keys()
            .map(|id| id.architecture().as_str())
            .filter(|a| *a != "all")
            .collect();
        Names {
            several: architectures.len() > 1,
        }
    }

    fn package(&self, id: &InstallationId) -> String {
        match self.several && id.architecture().as_str() != "all" {
            true => format!("{}:{}", id.package(), id.architecture()),
            false => id.package().to_string(),
        }
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

/// The installation of each member, and the members.
fn members(plan: &Plan) -> Vec<(&InstallationId, &Member)> {
    let of: BTreeMap<&RealizationId, &InstallationId> =
        plan.realized.iter().map(|(id, r)| (r, id)).collect();
    let found = plan.members.iter();
    found
        .filter_map(|m| Some((*of.get(&m.realization)?, m)))
        .collect()
}
