//! What `relink` comes to: who gets a library of a provider, who keeps another, and why.

use std::collections::BTreeSet;

use crate::layout::{Architecture, InstallationId, SideName, Soname};
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
                (&l.consumer, &l.architecture, &l.soname) == (&link.consumer, &link.architecture, &link.soname)
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
pub(crate) fn table(plan: &LinkPlan, given: &[Given]) -> Table {
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
    let of = |id: &Option<InstallationId>| id.as_ref().map_or("the host's".into(), |id| names.whole(id));
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
pub(crate) fn summary(given: &[Given], warnings: &[Warning]) -> String {
    let changed: BTreeSet<&InstallationId> =
        given.iter().filter(|g| g.changes()).map(|g| &g.package).collect();
    let kept: BTreeSet<&InstallationId> = given.iter().map(|g| &g.package).collect();
    let kept = kept.difference(&changed).count();
    let packages = |n: usize| match n {
        1 => "1 package".to_string(),
        n => format!("{n} packages"),
    };
    let mut line = match (changed.len(), kept) {
        (0, 0) => "nothing needs it".to_string(),
        (0, kept) => format!("nothing changes: {} would", packages(kept)).replace(" would", ""),
        (n, 0) => format!("{} would get it", packages(n)).replace("would get", "get"),
        (n, kept) => format!("{} get it, {} keep what they have", packages(n), packages(kept)),
    };
    if !warnings.is_empty() {
        line.push_str(&format!("; {} not followed", match warnings.len() {
            1 => "one choice is".to_string(),
            n => format!("{n} choices are"),
        }));
    }
    line
}
