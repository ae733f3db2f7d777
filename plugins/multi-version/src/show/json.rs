//! A plan as JSON: all of what the tables say, and what they leave out for being plain.

use super::explain::why_slot;
use super::{Names, group, members};
use crate::decide::{Conflict, Decision, WhyNeeded};
use crate::layout::{Architecture, InstallationId};
use crate::output::Json;
use crate::plan::{Plan, Satisfied};

/// The value.
pub fn json(plan: &Plan) -> Json {
    let names = Names::of(plan);
    let libraries = plan.libraries.iter();
    let libraries = libraries.flat_map(|(a, all)| all.iter().map(move |d| library(a, d)));
    let rules = |rules: &[crate::manifest::Hide]| Json::texts(rules);
    Json::Map(vec![
        ("packages", packages(plan)),
        (
            "replaced",
            Json::list(plan.replaced.iter().map(|(old, new)| {
                Json::Map(vec![("old", Json::text(old)), ("new", Json::text(new))])
            })),
        ),
        (
            "kept",
            Json::list(plan.kept.iter().map(|k| {
                Json::Map(vec![
                    ("package", Json::text(&k.package)),
                    ("for", Json::text(&k.by)),
                    ("needs", Json::text(&k.needs)),
                ])
            })),
        ),
        ("libraries", Json::list(libraries)),
        (
            "links",
            Json::list(plan.links.iter().map(|l| {
                Json::Map(vec![
                    ("package", Json::text(&l.consumer)),
                    ("architecture", Json::text(&l.architecture)),
                    ("soname", Json::text(&l.soname)),
                    ("provider", Json::maybe(l.provider.as_ref())),
                    ("override", Json::maybe(l.overriding.as_ref())),
                ])
            })),
        ),
        (
            "peace",
            Json::list(plan.conflicts.peace.iter().map(|p| {
                Json::Map(vec![
                    ("old", Json::text(&p.old)),
                    ("new", Json::maybe(p.new.as_ref())),
                    ("conflict", conflict(&p.why)),
                ])
            })),
        ),
        (
            "relaxed",
            Json::list(plan.conflicts.relaxed.iter().map(conflict)),
        ),
        (
            "slots",
            Json::list(plan.slots.iter().flat_map(|(slot, all)| {
                let names = &names;
                all.iter().map(move |i| {
                    Json::Map(vec![
                        ("slot", Json::text(slot)),
                        ("package", Json::text(&i.package)),
                        ("because", Json::text(why_slot(&i.why, names))),
                    ])
                })
            })),
        ),
        (
            "dependencies",
            Json::list(plan.edges.iter().map(|e| {
                let (by, host) = match &e.by {
                    Satisfied::By(id) => (Json::text(id), Json::Null),
                    Satisfied::ByHost(name) => (Json::Null, Json::text(name)),
                    Satisfied::Unmet => (Json::Null, Json::Null),
                };
                Json::Map(vec![
                    ("package", Json::text(&e.from)),
                    ("needs", Json::text(group(&e.group))),
                    ("by", by),
                    ("by_host", host),
                    ("hidden", rules(&e.hidden)),
                ])
            })),
        ),
        ("hides", rules(&plan.hides)),
        (
            "pins",
            Json::list(plan.pins.iter().map(|p| {
                Json::Map(vec![
                    ("soname", Json::text(&p.soname)),
                    ("provider", Json::text(&p.provider)),
                    ("only", Json::maybe(p.only.as_ref())),
                ])
            })),
        ),
        (
            "unmet",
            Json::list(plan.unmet.iter().map(|u| {
                Json::Map(vec![
                    ("package", Json::text(&u.from)),
                    ("needs", Json::text(group(&u.group))),
                    ("because", Json::texts(&u.why)),
                ])
            })),
        ),
        ("orphans", Json::texts(&plan.needed.orphans)),
    ])
}

fn packages(plan: &Plan) -> Json {
    let package = |(id, member): (&InstallationId, &crate::manifest::Member)| {
        let by = match plan.needed.needed.get(id) {
            Some(WhyNeeded::By(by)) => Some(by),
            _ => None,
        };
        Json::Map(vec![
            ("package", Json::text(id.package())),
            ("version", Json::text(id.version())),
            ("architecture", Json::text(id.architecture())),
            ("installation", Json::text(id)),
            ("realization", Json::text(&member.realization)),
            ("reason", Json::text(member.reason)),
            ("state", Json::text(member.state)),
            ("slot", Json::maybe(member.slot.as_ref())),
            ("needed_by", Json::maybe(by)),
        ])
    };
    Json::list(members(plan).into_iter().map(package))
}

fn conflict(conflict: &Conflict) -> Json {
    Json::Map(vec![
        ("package", Json::text(&conflict.by)),
        ("field", Json::text(conflict.field)),
        ("with", Json::text(&conflict.with)),
    ])
}

fn library(architecture: &Architecture, decision: &Decision) -> Json {
    let overrides = |all: &[crate::decide::Override]| {
        Json::list(all.iter().map(|o| {
            Json::Map(vec![
                ("package", Json::text(&o.consumer)),
                ("provider", Json::text(&o.provider)),
                ("because", Json::text(&o.why)),
            ])
        }))
    };
    let row = |row: &crate::decide::Row| {
        let dropped = row.dropped.as_ref().map(|(id, why)| (Json::text(id), why));
        let (by, why) = dropped.map_or((Json::Null, Json::Null), |(by, why)| (by, Json::text(why)));
        Json::Map(vec![
            ("provider", Json::text(&row.provider)),
            ("consumers", Json::Number(row.consumers as u64)),
            ("overrides", overrides(&row.overrides)),
            ("dropped_for", by),
            ("dropped_because", why),
        ])
    };
    Json::Map(vec![
        ("architecture", Json::text(architecture)),
        ("soname", Json::text(&decision.soname)),
        ("provider", Json::text(&decision.provider)),
        ("decided_by", Json::text(decision.by)),
        ("candidates", Json::list(decision.table.iter().map(row))),
    ])
}
