//! `--explain`: a table for each kind of decision; one without rows is left out.

use std::io;

use super::{Names, group, members};
use crate::decide::WhyNeeded;
use crate::layout::InstallationId;
use crate::manifest::Reason;
use crate::output::{Column, Out, Table};
use crate::plan::{Plan, Satisfied, WhySlot};

/// Print the tables.
pub(super) fn tables(plan: &Plan, out: &mut Out<'_>) -> io::Result<()> {
    let names = Names::of(plan);
    let sections = [
        ("Packages", packages(plan, &names)),
        ("Replaced by newer versions", replaced(plan, &names)),
        ("Old versions that stay", kept(plan, &names)),
        (
            "Libraries there are several versions of (*: the view's)",
            libraries(plan, &names),
        ),
        (
            "Who gets another version than the view's",
            overrides(plan, &names),
        ),
        ("Conflicts", conflicts(plan, &names)),
        ("Slots", slots(plan, &names)),
        ("Hidden versions", hides(plan, &names)),
        ("Pinned libraries", pins(plan, &names)),
        ("Dependencies satisfied by the host", by_host(plan, &names)),
        ("Libraries of the host", host_libraries(plan, &names)),
        ("Unmet dependencies", unmet(plan, &names)),
        (
            "Orphans: nothing wanted needs them, and they are not upgraded",
            orphans(plan, &names),
        ),
    ];
    let mut first = true;
    for (title, table) in sections {
        if table.is_empty() {
            continue;
        }
        if !first {
            out.line("")?;
        }
        first = false;
        out.line(title)?;
        out.table(&table)?;
    }
    let several = |d: &&crate::decide::Decision| d.table.len() > 1;
    let all = plan.libraries.values().flatten();
    let single = all.clone().count() - all.filter(several).count();
    if single > 0 {
        let those = if single == 1 { "library" } else { "libraries" };
        out.line(&format!(
            "\n{single} {those} of which there is one version only"
        ))?;
    }
    Ok(())
}

const LEFT: Column = Column::Left;
const WIDE: Column = Column::Wide;

fn packages(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, "Package"),
        (LEFT, "Version"),
        (LEFT, "Reason"),
        (LEFT, "State"),
        (LEFT, "Slot"),
        (WIDE, "Because"),
    ]);
    for (id, member) in members(plan) {
        let because = match plan.needed.needed.get(id) {
            Some(WhyNeeded::Wanted) if member.reason == Reason::Auto => {
                "a person chose a library of it".into()
            }
            Some(WhyNeeded::Wanted) => "it was asked for".into(),
            Some(WhyNeeded::By(by)) => format!("{} needs it", names.whole(by)),
            None => "-".into(),
        };
        let slot = member.slot.as_ref().map_or("-".into(), ToString::to_string);
        table.row([
            names.package(id),
            id.version().to_string(),
            member.reason.to_string(),
            member.state.to_string(),
            slot,
            because,
        ]);
    }
    table
}

fn replaced(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Package"), (LEFT, "Old"), (LEFT, "New")]);
    for (old, new) in &plan.replaced {
        table.row([
            names.package(old),
            old.version().to_string(),
            new.version().to_string(),
        ]);
    }
    table
}

fn kept(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Package"), (LEFT, "For"), (WIDE, "Which needs")]);
    for kept in &plan.kept {
        table.row([
            names.whole(&kept.package),
            names.whole(&kept.by),
            kept.needs.clone(),
        ]);
    }
    table
}

/// A row for each candidate.
fn libraries(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, ""),
        (LEFT, "Library"),
        (LEFT, "Candidate"),
        (Column::Right, "Overrides"),
        (Column::Right, "Came with it"),
        (WIDE, "Verdict"),
    ]);
    for decision in plan.libraries.values().flatten() {
        if decision.table.len() < 2 {
            continue;
        }
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
                        format!("{} {}{more}", names.whole(&first.consumer), first.why)
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

fn overrides(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, "Package"),
        (LEFT, "Library"),
        (LEFT, "Gets that of"),
        (WIDE, "Because"),
    ]);
    for link in &plan.links {
        let (Some(provider), Some(why)) = (&link.provider, &link.overriding) else {
            continue;
        };
        if *provider != link.consumer {
            let soname = link.soname.to_string();
            table.row([
                names.whole(&link.consumer),
                soname,
                names.whole(provider),
                why.clone(),
            ]);
        }
    }
    table
}

fn conflicts(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[
        (LEFT, "Package"),
        (LEFT, "Field"),
        (LEFT, "With"),
        (WIDE, "Outcome"),
    ]);
    let mut row = |why: &crate::decide::Conflict, outcome: String| {
        table.row([
            names.whole(&why.by),
            why.field.to_string(),
            names.whole(&why.with),
            outcome,
        ]);
    };
    for peace in &plan.conflicts.peace {
        let old = names.whole(&peace.old);
        row(
            &peace.why,
            match &peace.new {
                Some(new) => format!("peace: {} comes for {old}", names.whole(new)),
                None => format!("peace: {old} goes"),
            },
        );
    }
    let slot_of = |id: &InstallationId| {
        let slots = plan.slots.iter();
        let mut holding = slots.filter(|(_, all)| all.iter().any(|i| i.package == *id));
        holding.next().map(|(slot, _)| slot)
    };
    for conflict in &plan.conflicts.relaxed {
        let apart = [&conflict.by, &conflict.with];
        let apart = apart.into_iter().find_map(|id| Some((id, slot_of(id)?)));
        row(
            conflict,
            match apart {
                Some((id, slot)) => format!("ignored: {} is in slot {slot}", names.package(id)),
                None => "ignored: they share no path".into(),
            },
        );
    }
    table
}

fn slots(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Slot"), (LEFT, "Package"), (WIDE, "Because")]);
    for (slot, all) in &plan.slots {
        for inside in all {
            table.row([
                slot.to_string(),
                names.whole(&inside.package),
                why_slot(&inside.why, names),
            ]);
        }
    }
    table
}

/// Why a package is in a slot.
pub(super) fn why_slot(why: &WhySlot, names: &Names) -> String {
    match why {
        WhySlot::Shares { with, path } => {
            format!("{} has /{}, too", names.whole(with), path.display())
        }
        WhySlot::Follows(id) => format!("it depends on {}, which is there", names.whole(id)),
    }
}

/// The rules, and whom each keeps from what.
fn hides(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Rule"), (LEFT, "So"), (LEFT, "Gets"), (WIDE, "For")]);
    for rule in &plan.hides {
        let mut any = false;
        for edge in plan.edges.iter().filter(|e| e.hidden.contains(rule)) {
            any = true;
            let gets = match &edge.by {
                Satisfied::By(id) => names.whole(id),
                Satisfied::ByHost(name) => format!("{name} of the host"),
                Satisfied::Unmet => "nothing".into(),
            };
            table.row([
                rule.to_string(),
                names.whole(&edge.from),
                gets,
                group(&edge.group),
            ]);
        }
        if !any {
            let none = ["", "", "nothing needs it to be seen or not"].map(String::from);
            table.row([vec![rule.to_string()], none.to_vec()].concat());
        }
    }
    table
}

fn pins(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Library"), (LEFT, "Is that of"), (LEFT, "For")]);
    for pin in &plan.pins {
        let only = pin.only.as_ref().map_or("all".into(), ToString::to_string);
        table.row([pin.soname.to_string(), names.whole(&pin.provider), only]);
    }
    table
}

fn by_host(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Package"), (WIDE, "Needs"), (LEFT, "The host's")]);
    for edge in &plan.edges {
        if let Satisfied::ByHost(name) = &edge.by {
            table.row([
                names.whole(&edge.from),
                group(&edge.group),
                name.to_string(),
            ]);
        }
    }
    table
}

fn host_libraries(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Package"), (LEFT, "Library")]);
    for link in plan.links.iter().filter(|l| l.provider.is_none()) {
        table.row([names.whole(&link.consumer), link.soname.to_string()]);
    }
    table
}

fn unmet(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Package"), (LEFT, "Needs"), (WIDE, "But")]);
    for unmet in &plan.unmet {
        let why: Vec<String> = unmet.why.iter().map(ToString::to_string).collect();
        table.row([
            names.whole(&unmet.from),
            group(&unmet.group),
            why.join("; "),
        ]);
    }
    table
}

fn orphans(plan: &Plan, names: &Names) -> Table {
    let mut table = Table::new(&[(LEFT, "Package"), (LEFT, "Version")]);
    for id in &plan.needed.orphans {
        table.row([names.package(id), id.version().to_string()]);
    }
    table
}
