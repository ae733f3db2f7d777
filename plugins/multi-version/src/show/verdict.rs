//! What `relink` comes to: who gets a library of a provider, who keeps another, and why.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::layout::{Architecture, InstallationId, SideName, Soname, ViewName};
use crate::output::{Column, Table};
use crate::plan::{LinkPlan, Warning, world_name};

use super::Names;

/// What one package gets of one library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// In which world; `None`: the main one.
    pub world: Option<SideName>,
    /// Who.
    pub package: InstallationId,
    /// Of what architecture.
    pub architecture: Architecture,
    /// What.
    pub soname: Soname,
    /// From whom it gets it now; `None`: the host.
    pub was: Option<InstallationId>,
    /// From whom it will; `None`: the host.
    pub gets: Option<InstallationId>,
    /// Why it is that one, if not because it is everybody's.
    pub why: Option<String>,
}

impl Given {
    /// Whether it gets another.
    pub fn changes(&self) -> bool {
        self.was != self.gets
    }
}

/// Who gets what of some libraries, before and after. What both plans have is told; of libraries that somebody needs.
pub fn verdict(before: &LinkPlan, after: &LinkPlan, sonames: &BTreeSet<Soname>) -> Vec<Given> {
    let mut given = Vec::new();
    for world in &after.worlds {
        let old = before.world(world.name.as_ref());
        for link in world.links.iter().filter(|l| sonames.contains(&l.soname)) {
            let of_library = link.provider.as_ref() == Some(&link.consumer);
            if of_library || !world.members.contains_key(&link.consumer) {
                continue;
            }
            let same = |l: &&crate::plan::Link| {
                (&l.consumer, &l.architecture, &l.soname)
                    == (&link.consumer, &link.architecture, &link.soname)
            };
            let was = old.and_then(|w| w.links.iter().find(same));
            given.push(Given {
                world: world.name.clone(),
                package: link.consumer.clone(),
                architecture: link.architecture.clone(),
                soname: link.soname.clone(),
                // A need that it is given for this is none of before.
                was: was.map_or(link.provider.clone(), |w| w.provider.clone()),
                gets: link.provider.clone(),
                why: link.overriding.clone(),
            });
        }
    }
    given
}

/// As a table; a line for each package and outcome.
pub fn verdict_table(plan: &LinkPlan, given: &[Given]) -> Table {
    let names = Names::of(plan);
    let several = plan.worlds.len() > 1;
    let mut columns = vec![
        (Column::Left, "Package"),
        (Column::Left, "Library"),
        (Column::Left, "Has"),
        (Column::Left, "Gets"),
        (Column::Wide, "Because"),
    ];
    if several {
        columns.insert(0, (Column::Left, "World"));
    }
    let mut table = Table::new(&columns);
    let of = |id: &Option<InstallationId>| {
        id.as_ref()
            .map_or("the host's".into(), |id| names.whole(id))
    };
    for one in given {
        let gets = match one.changes() {
            true => of(&one.gets),
            false => "the same".into(),
        };
        let mut cells = vec![
            names.whole(&one.package),
            one.soname.to_string(),
            of(&one.was),
            gets,
            one.why.clone().unwrap_or_default(),
        ];
        if several {
            cells.insert(0, world_name(one.world.as_ref()).to_string());
        }
        table.row(cells);
    }
    table
}

/// One line: how many get it, how many keep what they have, and what of the request is not followed.
pub fn verdict_summary(given: &[Given], refused: &[Warning]) -> String {
    let changed: BTreeSet<&InstallationId> = given
        .iter()
        .filter(|g| g.changes())
        .map(|g| &g.package)
        .collect();
    let all: BTreeSet<&InstallationId> = given.iter().map(|g| &g.package).collect();
    let packages = |n: usize, one: &str, many: &str| match n {
        1 => format!("1 package {one}"),
        n => format!("{n} packages {many}"),
    };
    let mut parts = Vec::new();
    if !changed.is_empty() {
        parts.push(packages(changed.len(), "gets another", "get another"));
    }
    match all.len() - changed.len() {
        0 => {}
        kept => parts.push(packages(kept, "keeps what it has", "keep what they have")),
    }
    match refused.len() {
        0 => {}
        1 => parts.push("1 choice can't be followed".into()),
        n => parts.push(format!("{n} choices can't be followed")),
    }
    parts.join(", ")
}

/// As JSON.
pub fn verdict_json(view: &ViewName, given: &[Given], refused: &[Warning]) -> Value {
    let maybe =
        |id: &Option<InstallationId>| id.as_ref().map_or(Value::Null, |id| id.to_string().into());
    let one = |g: &Given| {
        json!({
            "world": world_name(g.world.as_ref()),
            "package": g.package.to_string(),
            "architecture": g.architecture.to_string(),
            "soname": g.soname.to_string(),
            "has": maybe(&g.was),
            "gets": maybe(&g.gets),
            "because": g.why,
        })
    };
    json!({
        "view": view.to_string(),
        "packages": given.iter().map(one).collect::<Value>(),
        "refused": refused.iter().map(|w| Value::from(w.to_string())).collect::<Value>(),
    })
}
