//! Worlds and requests at random: a plan is sound, or an error.

use std::collections::BTreeMap;

use super::super::relations::Named;
use super::made::*;
use super::{InstallationId, Known, Observed, Relation, Rules, Warning};

/// Numbers that look like chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<'s, T>(&mut self, list: &'s [T]) -> &'s T {
        &list[self.below(list.len())]
    }
}

const NAMES: usize = 9;
const VERSIONS: usize = 3;

fn world(dice: &mut Dice) -> (String, Vec<String>) {
    let (mut text, mut specs) = (String::new(), Vec::new());
    for name in 0..NAMES {
        for version in 1..=VERSIONS {
            let i386 = dice.one_in(8);
            for architecture in if i386 { &["", ":i386"][..] } else { &[""][..] } {
                let spec = format!("p{name}={version}{architecture}");
                text.push_str(&package(dice, name, version, &spec));
                specs.push(spec);
            }
        }
    }
    (text, specs)
}

fn package(dice: &mut Dice, name: usize, version: usize, spec: &str) -> String {
    let mut text = format!("{spec}\n");
    let (mut depends, mut needs, mut takes) = (Vec::new(), Vec::new(), Vec::new());
    for other in 0..NAMES {
        // Mostly downwards, so that there are few circles.
        let likely = if other < name { 3 } else { 25 };
        if other == name || !dice.one_in(likely) {
            continue;
        }
        let wanted = 1 + dice.below(version.min(VERSIONS));
        depends.push(match dice.below(8) {
            0 => format!("p{other} (= {wanted})"),
            1 => format!("p{other} (<< {})", wanted + 1),
            2 => format!("p{other} | virt{}", dice.below(3)),
            3 => format!("p{other} (>= {wanted})"),
            _ => format!("p{other}"),
        });
        needs.push(format!("libp{other}.so.1"));
        if dice.one_in(4) {
            needs.push(format!("libq{other}.so.1"));
        }
        if dice.one_in(2) {
            takes.push(format!("libp{other}:{wanted}"));
        }
    }
    if !depends.is_empty() {
        text.push_str(&format!(" Depends: {}\n", depends.join(", ")));
    }
    if !takes.is_empty() {
        text.push_str(&format!(" takes {}\n", takes.join(" ")));
    }
    let needs = needs.join(" ");
    if dice.one_in(2) {
        text.push_str(&format!(" program usr/bin/p{name} {needs}\n"));
    }
    if !dice.one_in(4) {
        text.push_str(&format!(" library libp{name}.so.1 {needs}\n"));
        // What is dropped is dropped for good.
        let first = if dice.one_in(5) { version } else { 1 };
        let exports: Vec<String> = (first..=version)
            .map(|v| format!("libp{name}:{v}"))
            .collect();
        text.push_str(&format!(" exports {}\n", exports.join(" ")));
        if dice.one_in(2) {
            text.push_str(&format!(" library libq{name}.so.1 libp{name}.so.1\n"));
        }
    }
    if dice.one_in(6) {
        let virt = dice.below(3);
        text.push_str(&format!(" Provides: virt{virt}\n"));
    }
    if dice.one_in(20) {
        text.push_str(" rigid\n");
    }
    text
}

/// A consistent set: what every relation holds in, and of each name and architecture one version. Begun with `from`,
/// of which some is replaced.
fn consistent(dice: &mut Dice, made: &Made, specs: &[String], from: &[String]) -> Vec<String> {
    let mut set: BTreeMap<(String, String), InstallationId> = BTreeMap::new();
    let slot = |id: &InstallationId| (id.package().to_string(), id.architecture().to_string());
    for spec in from {
        set.insert(slot(&id(spec)), id(spec));
    }
    let count = if from.is_empty() {
        12
    } else {
        1 + dice.below(4)
    };
    for _ in 0..count {
        let id = id(dice.of::<String>(specs));
        set.insert(slot(&id), id);
    }
    for round in 0.. {
        let unmet = set.iter().find_map(|(slot, id)| {
            let depends = &made.facts[id].control.depends;
            let group = depends
                .iter()
                .find(|g| !g.iter().any(|r| holds(made, r, id, &set)))?;
            Some((slot.clone(), id.clone(), group.clone()))
        });
        let Some((at, by, group)) = unmet else {
            break;
        };
        // Mostly something comes, or takes the place of another, that satisfies it; else it goes.
        let fits = |s: &&String| {
            let other = BTreeMap::from([(slot(&id(s)), id(s))]);
            id(s) != by && group.iter().any(|r| holds(made, r, &by, &other))
        };
        let fitting: Vec<&String> = specs.iter().filter(fits).collect();
        // Two may want the other's place in turns: then they go.
        if fitting.is_empty() || dice.one_in(6) || round > 60 {
            set.remove(&at);
        } else {
            let new = id(dice.of::<&String>(&fitting));
            set.insert(slot(&new), new);
        }
    }
    set.values().map(spec).collect()
}

fn holds(
    made: &Made,
    relation: &Relation,
    by: &InstallationId,
    set: &BTreeMap<(String, String), InstallationId>,
) -> bool {
    let known = Known {
        facts: &made.facts,
        native: &made.native,
        policy: 1,
        versions: &Numbers,
        files: made,
    };
    set.values().any(|id| {
        let control = &made.facts[id].control;
        let (name, version, architecture) = (id.package(), id.version(), id.architecture());
        let named = Named {
            name,
            version,
            architecture,
            control,
        };
        named.satisfies(relation, by.architecture(), &known)
    })
}

fn ruled(dice: &mut Dice, specs: &[String], members: &[String]) -> Rules {
    let mut rules = Rules::default();
    if dice.one_in(5) {
        let dependent = dice
            .one_in(2)
            .then(|| format!(":for p{}", dice.below(NAMES)));
        let of = format!("p{}={}", dice.below(NAMES), 1 + dice.below(VERSIONS));
        let rule = format!("{of}{}", dependent.unwrap_or_default());
        rules.hides.push(rule.parse().unwrap());
    }
    while dice.one_in(3) && !members.is_empty() && rules.pins.len() < 3 {
        let from = if dice.one_in(2) { members } else { specs };
        let provider = dice.of::<String>(from);
        let name = provider.split('=').next().unwrap();
        let only = dice.one_in(2).then(|| format!("p{}", dice.below(NAMES)));
        rules
            .pins
            .push(pin(&format!("lib{name}.so.1"), provider, only.as_deref()));
    }
    rules
}

#[test]
fn plans_are_sound() {
    let number = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let (first, count) = (
        number("PLAN_SEED").unwrap_or(1),
        number("PLAN_WORLDS").unwrap_or(150),
    );
    let (mut told, mut overrides, mut shared) = (BTreeMap::<&str, usize>::new(), 0, 0);
    for seed in first..first + count {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (text, specs) = world(&mut dice);
        let made = Made::new(&text);
        let main = consistent(&mut dice, &made, &specs, &[]);
        let mut worlds = vec![("main".to_string(), main)];
        for side in 1..=dice.below(3) {
            let from = dice.of(&worlds).1.clone();
            let members = consistent(&mut dice, &made, &specs, &from);
            worlds.push((format!("side@{side}"), members));
        }
        let all: Vec<String> = worlds.iter().flat_map(|(_, m)| m.clone()).collect();
        let rules = match dice.one_in(2) {
            true => ruled(&mut dice, &specs, &all),
            false => Rules::default(),
        };
        let lent = dice.one_in(4);
        let observed = worlds.iter().map(|(name, members)| {
            let lends = |m: &String| {
                let host = lent && m.starts_with("p0=");
                if host { format!("host:{m}") } else { m.clone() }
            };
            let members: Vec<String> = members.iter().map(lends).collect();
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            super::made::world(&made, name, &members)
        });
        let observed = Observed {
            worlds: observed.collect(),
        };
        let go = || observe(&made, &observed, &rules);
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(go));
        let plan = done.unwrap_or_else(|panic| {
            eprintln!("seed {seed}: {rules:?}\n{worlds:?}\n{text}");
            std::panic::resume_unwind(panic);
        });
        overrides += plan
            .realizations
            .iter()
            .filter(|r| !r.overrides.is_empty())
            .count();
        shared += plan.members().iter().filter(|m| m.worlds.len() > 1).count();
        for warning in &plan.warnings {
            let kind = match warning {
                Warning::Pin { .. } => "pin",
                Warning::Hide { .. } => "hide",
                Warning::Process { .. } => "process",
            };
            *told.entry(kind).or_default() += 1;
            // Without rules and two providers in a world nothing can be in the way.
            let ruled = !rules.pins.is_empty() || !rules.hides.is_empty();
            assert!(ruled || kind == "process", "seed {seed}: {warning}");
        }
    }
    println!("{overrides} with overrides, {shared} shared, warnings: {told:?}");
    assert!(overrides > 50 && shared > 50, "{overrides} {shared}");
}
