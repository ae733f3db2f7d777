//! `--explain`: a table for each kind of decision; one without rows is left out.

use std::collections::BTreeMap;
use std::io;

use super::{Names, group};
use crate::decide::{Decision, WhyNeeded};
use crate::layout::{Architecture, SideName};
use crate::manifest::{Reason, Side};
use crate::output::{Column, Out, Table};
use crate::plan::{LinkPlan, Satisfied, WorldPlan, world_name};

/// Print the tables.
pub(super) fn tables(
    plan: &LinkPlan,
    sides: &BTreeMap<SideName, Side>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let names = Names::of(plan);
    let mut sections: Vec<(String, Table)> = Vec::new();
    for world in &plan.worlds {
        let title = match &world.name {
            None => "Packages".into(),
            Some(side) => format!("Packages of {side} that are not the main world's"),
        };
        sections.push((title, packages(plan, world, &names)));
    }
    let generation = |title: &str, table| (title.to_string(), table);
    sections.extend([
        generation("Why there are side worlds", relaxed(sides)),
        generation(
            "Libraries there are several versions of, outside of contexts (*: the choice)",
            libraries(&plan.libraries, &names),
        ),
    ]);
    for world in &plan.worlds {
        let title = format!(
            "Libraries that several packages of {} have (*: the choice)",
            called(world)
        );
        sections.push((title, libraries(&world.libraries, &names)));
    }
    sections.extend([
        generation(
            "Who gets a library by its own lib/",
            overrides(plan, &names),
        ),
        generation("Hidden versions", lines("Rule", &plan.hides)),
        generation("Pinned libraries", pins(plan, &names)),
        generation(
            "Dependencies that the host satisfies, or nobody",
            elsewhere(plan, &names),
        ),
        generation("Libraries of the host", host_libraries(plan, &names)),
        generation("Packages that are not linked", apart(plan, &names)),
        generation("Orphans: nothing wanted needs them", orphans(plan, &names)),
        generation("Not as it should be", lines("What", &plan.warnings)),
    ]);
    let mut first = true;
    for (title, table) in sections.into_iter().filter(|(_, t)| !t.is_empty()) {
        if !first {
            out.line("")?;
        }
        first = false;
        out.line(&title)?;
        out.table(&table)?;
    }
    let main = plan
        .main()
        .map(|m| m.libraries.values().flatten().count())
        .unwrap_or_default();
    if main > 0 {
        let those = if main == 1 { "library" } else { "libraries" };
        out.line(&format!(
            "\nThe main world has {main} {those} for everybody"
        ))?;
    }
    Ok(())
}

const LEFT: Column = Column::Left;
const WIDE: Column = Column::Wide;

fn called(world: &WorldPlan) -> &str {
    match &world.name {
        None => "the main world",
        name => world_name(name.as_ref()),
    }
}

fn packages(plan: &LinkPlan, world: &WorldPlan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, "Package"),
        (LEFT, "Version"),
        (LEFT, "Reason"),
        (LEFT, "State"),
        (WIDE, "Because"),
    ]);
    let main = plan.main().filter(|_| world.name.is_some());
    for (id, linked) in &world.members {
        if main.is_some_and(|m| m.members.contains_key(id)) {
            continue;
        }
        let because = match world.needed.needed.get(id) {
            Some(WhyNeeded::Wanted) if linked.standing.reason == Reason::Want => {
                "it was asked for".into()
            }
            Some(WhyNeeded::Wanted) => "a rule of a person gives it".into(),
            Some(WhyNeeded::By(by)) => format!("{} needs it", names.whole(by)),
            None => "-".into(),
        };
        table.row([
            names.package(id),
            id.version().to_string(),
            linked.standing.reason.to_string(),
            linked.standing.state.to_string(),
            because,
        ]);
    }
    for id in world.kept.keys() {
        let because = "its libraries are given to others";
        table.row([
            names.package(id),
            id.version().to_string(),
            "-".into(),
            "-".into(),
            because.into(),
        ]);
    }
    table
}

fn relaxed(sides: &BTreeMap<SideName, Side>) -> Table {
    let mut table = Table::new(&[
        (LEFT, "World"),
        (LEFT, "Package"),
        (LEFT, "Field"),
        (LEFT, "With"),
    ]);
    for (name, side) in sides {
        for relaxed in &side.relaxed {
            let by = relaxed.by.to_string();
            table.row([
                name.to_string(),
                by,
                relaxed.field.to_string(),
                relaxed.with.to_string(),
            ]);
        }
    }
    table
}

/// A row for each candidate.
fn libraries(all: &BTreeMap<Architecture, Vec<Decision>>, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, ""),
        (LEFT, "Library"),
        (LEFT, "Candidate"),
        (Column::Right, "Overrides"),
        (Column::Right, "Came with it"),
        (WIDE, "Verdict"),
    ]);
    for decision in all.values().flatten().filter(|d| d.table.len() > 1) {
        for (at, row) in decision.table.iter().enumerate() {
            let chosen = row.provider == decision.provider;
            let verdict = match &row.dropped {
                Some((consumer, why)) => format!("dropped: {} {why}", names.whole(consumer)),
                None if chosen => format!("chosen: {}", decision.by),
                None => match row.overrides.first() {
                    Some(first) => {
                        let more = match row.overrides.len() {
                            1 => String::new(),
                            n => format!(" and {} more", n - 1),
                        };
                        format!("{}: {}{more}", names.whole(&first.consumer), first.why)
                    }
                    None => String::new(),
                },
            };
            table.row([
                if chosen { "*" } else { "" }.to_string(),
                if at == 0 {
                    decision.soname.to_string()
                } else {
                    String::new()
                },
                names.whole(&row.provider),
                row.overrides.len().to_string(),
                row.consumers.to_string(),
                verdict,
            ]);
        }
    }
    table
}

fn overrides(plan: &LinkPlan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, "World"),
        (LEFT, "Package"),
        (LEFT, "Library"),
        (LEFT, "Gets that of"),
        (WIDE, "Because"),
    ]);
    for world in &plan.worlds {
        for link in &world.links {
            if let (Some(provider), Some(why)) = (&link.provider, &link.overriding)
                && *provider != link.consumer
            {
                table.row([
                    world_name(world.name.as_ref()).to_string(),
                    names.whole(&link.consumer),
                    link.soname.to_string(),
                    names.whole(provider),
                    why.clone(),
                ]);
            }
        }
    }
    table
}

fn lines(title: &str, all: &[impl ToString]) -> Table {
    let mut table = Table::new(&[(WIDE, title)]);
    all.iter().for_each(|line| table.row([line.to_string()]));
    table
}

fn pins(plan: &LinkPlan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Library"), (LEFT, "Is that of"), (LEFT, "For")]);
    for pin in &plan.pins {
        let only = pin.only.as_ref().map_or("all".into(), ToString::to_string);
        table.row([pin.soname.to_string(), names.whole(&pin.provider), only]);
    }
    table
}

fn elsewhere(plan: &LinkPlan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "World"), (LEFT, "Package"), (WIDE, "Needs")]);
    for world in &plan.worlds {
        for edge in world.edges.iter().filter(|e| e.by == Satisfied::Elsewhere) {
            table.row([
                world_name(world.name.as_ref()).to_string(),
                names.name(&edge.from.0, &edge.from.1),
                group(&edge.group),
            ]);
        }
    }
    table
}

fn host_libraries(plan: &LinkPlan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, "Library"),
        (Column::Right, "Needed by"),
        (WIDE, "The first"),
    ]);
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for link in plan
        .worlds
        .iter()
        .flat_map(|w| &w.links)
        .filter(|l| l.provider.is_none())
    {
        let by = found.entry(link.soname.as_str()).or_default();
        let name = names.whole(&link.consumer);
        if !by.contains(&name) {
            by.push(name);
        }
    }
    for (soname, by) in found {
        let first = by.first().cloned().unwrap_or_default();
        table.row([soname.to_string(), by.len().to_string(), first]);
    }
    table
}

fn apart(plan: &LinkPlan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, "World"),
        (LEFT, "Package"),
        (LEFT, "Version"),
        (WIDE, "Because"),
    ]);
    for world in &plan.worlds {
        for apart in &world.apart {
            if let Some(why) = &apart.why {
                table.row([
                    world_name(world.name.as_ref()).to_string(),
                    names.name(&apart.name, &apart.architecture),
                    apart.version.to_string(),
                    why.clone(),
                ]);
            }
        }
    }
    table
}

fn orphans(plan: &LinkPlan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "World"), (LEFT, "Package"), (LEFT, "Version")]);
    for world in &plan.worlds {
        for id in &world.needed.orphans {
            let world = world_name(world.name.as_ref()).to_string();
            table.row([world, names.package(id), id.version().to_string()]);
        }
    }
    table
}
