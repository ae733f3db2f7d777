//! What must hold of every plan, told from its data alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::*;
use super::made::{View, spec};
use crate::elf::Port;
use crate::facts::Object;
use crate::manifest::State;

pub fn check(view: &View<'_>, plan: &Plan) {
    let live: BTreeMap<&RealizationId, &InstallationId> =
        plan.realized.iter().map(|(i, r)| (r, i)).collect();
    edges(plan);
    order(plan);
    trees(view, plan, &live);
    links(view, plan, &live);
    for member in &plan.members {
        let lives = live.contains_key(&member.realization);
        assert_eq!(
            lives,
            member.state != State::ConfigFiles,
            "{}",
            member.realization
        );
        if let Some(slot) = &member.slot {
            assert!(plan.slots.contains_key(slot));
        }
        assert!(member.relaxed.iter().all(|r| live.contains_key(&r.with)));
    }
}

/// Every edge is satisfied by a member or the host, or reported.
fn edges(plan: &Plan) {
    for edge in &plan.edges {
        assert!(plan.realized.contains_key(&edge.from));
        match &edge.by {
            Satisfied::By(by) => assert!(plan.realized.contains_key(by), "{edge:?}"),
            Satisfied::ByHost(_) => {}
            Satisfied::Unmet => {
                let about = |u: &Unmet| u.from == edge.from && u.group == edge.group;
                assert!(plan.unmet.iter().any(about), "{edge:?}");
            }
        }
    }
}

/// Providers stand before those that are linked with them.
fn order(plan: &Plan) {
    let mut seen = BTreeSet::new();
    for realization in &plan.realizations {
        for provider in realization.overrides.values() {
            assert!(seen.contains(provider), "{provider} comes later");
        }
        assert!(seen.insert(realization.id()));
    }
}

/// No two members of one tree have different things at one path.
fn trees(view: &View<'_>, plan: &Plan, live: &BTreeMap<&RealizationId, &InstallationId>) {
    let mut paths: BTreeMap<(Option<&SlotName>, &Path), &InstallationId> = BTreeMap::new();
    for member in &plan.members {
        let Some(id) = live.get(&member.realization) else {
            continue;
        };
        for path in &view.made.facts[*id].paths {
            if let Some(other) = paths.insert((member.slot.as_ref(), path), id) {
                assert!(
                    view.made.same(id, other, path),
                    "{path:?}: {id} and {other}"
                );
            }
        }
    }
    for (slot, path) in paths.keys() {
        for dir in path.ancestors().skip(1) {
            assert!(!paths.contains_key(&(*slot, dir)), "{dir:?} above {path:?}");
        }
    }
}

/// Every program's process, loaded as ld.so would by what is written in the realizations and in `lib/`.
fn links(view: &View<'_>, plan: &Plan, live: &BTreeMap<&RealizationId, &InstallationId>) {
    let realizations: BTreeMap<&InstallationId, &Realization> = plan
        .realizations
        .iter()
        .map(|r| (&r.installation, r))
        .collect();
    for link in &plan.links {
        let found = find(
            view,
            plan,
            &realizations,
            live,
            &link.consumer,
            &link.soname,
        );
        assert_eq!(
            found,
            link.provider.as_ref(),
            "{} {}",
            link.consumer,
            link.soname
        );
    }
    // What can't be rewritten is started where everything is on /usr.
    let linked = plan
        .realized
        .keys()
        .filter(|i| view.made.can_be_overridden(i));
    for id in linked {
        for program in view.made.facts[id]
            .objects
            .iter()
            .filter(|o| o.interpreter.is_some())
        {
            process(view, plan, &realizations, live, id, program);
        }
    }
}

/// Where a package's objects find a soname.
fn find<'p>(
    view: &View<'_>,
    plan: &'p Plan,
    realizations: &BTreeMap<&'p InstallationId, &'p Realization>,
    live: &BTreeMap<&'p RealizationId, &'p InstallationId>,
    consumer: &'p InstallationId,
    soname: &Soname,
) -> Option<&'p InstallationId> {
    let realization = realizations[consumer];
    assert!(!realization.own.contains(soname) || !realization.overrides.contains_key(soname));
    if realization.own.contains(soname) {
        return Some(consumer);
    }
    if let Some(provider) = realization.overrides.get(soname) {
        return Some(live[provider]);
    }
    let object = view.made.facts[consumer].objects.first()?;
    let architecture: Architecture = Port::of(&object.target)?.architecture.parse().unwrap();
    let mut decisions = plan.libraries.get(&architecture).into_iter().flatten();
    let public = decisions.find(|d| d.soname == *soname);
    // Or one that is found by its file name, through a RUNPATH of the archive's.
    let named = |id: &&InstallationId| {
        let objects = &view.made.facts[*id].objects;
        objects
            .iter()
            .any(|o| !o.public && o.path.ends_with(soname.as_str()))
    };
    let private = || {
        [consumer]
            .into_iter()
            .chain(plan.realized.keys())
            .find(named)
    };
    public.map(|d| &d.provider).or_else(private)
}

fn process(
    view: &View<'_>,
    plan: &Plan,
    realizations: &BTreeMap<&InstallationId, &Realization>,
    live: &BTreeMap<&RealizationId, &InstallationId>,
    id: &InstallationId,
    program: &Object,
) {
    let mut loaded: BTreeMap<Soname, Option<&InstallationId>> = BTreeMap::new();
    let mut queue: Vec<(&InstallationId, &Object)> = vec![(id, program)];
    let mut asked = Vec::new();
    let mut at = 0;
    while let Some((package, object)) = queue.get(at).copied() {
        let package = plan.realized.get_key_value(package).unwrap().0;
        let mut needed = object.needed.clone();
        if at == 0 {
            needed.extend(realizations[package].needed.iter().cloned());
        }
        for soname in needed {
            asked.push((package, soname.clone()));
            if loaded.contains_key(&soname) {
                continue;
            }
            let found = find(view, plan, realizations, live, package, &soname);
            loaded.insert(soname.clone(), found);
            if let Some(found) = found {
                let objects = &view.made.facts[found].objects;
                let object = objects.iter().find(|o| o.path.ends_with(soname.as_str()));
                queue.push((found, object.unwrap()));
            }
        }
        at += 1;
    }
    for (package, soname) in asked {
        let Some(found) = loaded[&soname] else {
            continue;
        };
        for who in [id, package] {
            let pins = plan
                .pins
                .iter()
                .filter(|p| p.only.as_ref() == Some(who.package()));
            for pin in pins.filter(|p| p.soname == soname) {
                assert_eq!(*found, pin.provider, "{} in {}", pin, spec(id));
            }
        }
        let native = &view.made.native;
        let bad = |provider: &InstallationId| {
            let verdict = view.made.verdict(package, native, &soname, None, provider);
            package != provider && !verdict.missing.is_empty()
        };
        // It does well with what it came with.
        let has = |id: &InstallationId| {
            let objects = &view.made.facts[id].objects;
            objects
                .iter()
                .any(|o| o.public && o.soname.as_ref() == Some(&soname))
        };
        let came_with = plan.edges.iter().any(|e| match &e.by {
            Satisfied::By(by) => e.from == *package && has(by) && !bad(by),
            _ => false,
        });
        if bad(found) && came_with {
            panic!(
                "{}: {} can't do with {} of {}",
                spec(id),
                spec(package),
                soname,
                spec(found)
            );
        }
    }
}
