//! A plan as JSON: all of what the tables say, and what they leave out for being plain.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::group;
use crate::decide::{Decision, Override, Row, WhyNeeded};
use crate::layout::{Architecture, SideName};
use crate::manifest::Side;
use crate::plan::{Apart, Edge, Link, LinkPlan, Satisfied, WorldPlan, world_name};

/// What is written as it is displayed, or null.
fn maybe(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, |v| v.to_string().into())
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Value {
    values
        .into_iter()
        .map(|v| Value::from(v.to_string()))
        .collect()
}

/// The value.
pub fn json(plan: &LinkPlan, sides: &BTreeMap<SideName, Side>) -> Value {
    json!({
        "worlds": plan.worlds.iter().map(|w| world(w, sides)).collect::<Value>(),
        "libraries": libraries(&plan.libraries),
        "hides": texts(&plan.hides),
        "pins": plan.pins.iter().map(|p| json!({
            "soname": p.soname.to_string(),
            "provider": p.provider.to_string(),
            "only": maybe(p.only.as_ref()),
        })).collect::<Value>(),
        "warnings": texts(&plan.warnings),
    })
}

fn world(world: &WorldPlan, sides: &BTreeMap<SideName, Side>) -> Value {
    let relaxed = world
        .name
        .as_ref()
        .and_then(|n| sides.get(n))
        .map(|s| s.relaxed.as_slice());
    let relaxed = relaxed.unwrap_or_default().iter().map(|r| {
        json!({
            "package": r.by.to_string(),
            "field": r.field.to_string(),
            "with": r.with.to_string(),
        })
    });
    json!({
        "world": world_name(world.name.as_ref()),
        "packages": packages(world),
        "not_linked": world.apart.iter().map(apart).collect::<Value>(),
        "kept": world.kept.iter().map(|(id, r)| json!({
            "installation": id.to_string(),
            "realization": r.to_string(),
        })).collect::<Value>(),
        "relaxed": relaxed.collect::<Value>(),
        "libraries": libraries(&world.libraries),
        "links": world.links.iter().map(link).collect::<Value>(),
        "dependencies": world.edges.iter().map(edge).collect::<Value>(),
        "orphans": texts(&world.needed.orphans),
    })
}

fn packages(world: &WorldPlan) -> Value {
    let package = |(id, linked): (&crate::layout::InstallationId, &crate::plan::Linked)| {
        let by = match world.needed.needed.get(id) {
            Some(WhyNeeded::By(by)) => Some(by),
            _ => None,
        };
        json!({
            "package": id.package().to_string(),
            "version": id.version().to_string(),
            "architecture": id.architecture().to_string(),
            "installation": id.to_string(),
            "realization": linked.realization.to_string(),
            "reason": linked.standing.reason.to_string(),
            "state": linked.standing.state.to_string(),
            "needed_by": maybe(by),
        })
    };
    world.members.iter().map(package).collect()
}

fn apart(apart: &Apart) -> Value {
    json!({
        "package": apart.name.to_string(),
        "version": apart.version.to_string(),
        "architecture": apart.architecture.to_string(),
        "reason": apart.standing.reason.to_string(),
        "state": apart.standing.state.to_string(),
        "because": maybe(apart.why.as_ref()),
    })
}

fn link(link: &Link) -> Value {
    json!({
        "package": link.consumer.to_string(),
        "architecture": link.architecture.to_string(),
        "soname": link.soname.to_string(),
        "provider": maybe(link.provider.as_ref()),
        "override": maybe(link.overriding.as_ref()),
    })
}

fn edge(edge: &Edge) -> Value {
    let by = match &edge.by {
        Satisfied::By(name, architecture) => Some(format!("{name}:{architecture}")),
        Satisfied::Elsewhere => None,
    };
    json!({
        "package": format!("{}:{}", edge.from.0, edge.from.1),
        "needs": group(&edge.group),
        "by": maybe(by),
    })
}

fn libraries(all: &BTreeMap<Architecture, Vec<Decision>>) -> Value {
    let decisions = all
        .iter()
        .flat_map(|(a, decisions)| decisions.iter().map(move |d| (a, d)));
    let one = |(architecture, decision): (&Architecture, &Decision)| {
        json!({
            "architecture": architecture.to_string(),
            "soname": decision.soname.to_string(),
            "provider": decision.provider.to_string(),
            "decided_by": decision.by.to_string(),
            "candidates": decision.table.iter().map(row).collect::<Value>(),
        })
    };
    decisions.map(one).collect()
}

fn row(row: &Row) -> Value {
    let over = |o: &Override| {
        json!({
            "package": o.consumer.to_string(),
            "provider": o.provider.to_string(),
            "because": o.why,
        })
    };
    json!({
        "provider": row.provider.to_string(),
        "consumers": row.consumers,
        "overrides": row.overrides.iter().map(over).collect::<Value>(),
        "dropped_for": maybe(row.dropped.as_ref().map(|(id, _)| id)),
        "dropped_because": maybe(row.dropped.as_ref().map(|(_, why)| why)),
    })
}
