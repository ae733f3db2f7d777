//! Worlds and requests at random: a plan is sound, or an error.

use super::made::*;
use super::{PlanError, Reason, Request};

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
        let other = dice.below(NAMES);
        let field = dice.of(&["Conflicts", "Breaks"]);
        text.push_str(&format!(" {field}: p{other} (<< {})\n", 1 + dice.below(3)));
    }
    if dice.one_in(6) {
        let virt = dice.below(3);
        text.push_str(&format!(" Provides: virt{virt}\n"));
        if dice.one_in(2) {
            text.push_str(&format!(" Conflicts: virt{virt}\n"));
        }
    }
    if dice.one_in(2) {
        text.push_str(&format!(" file usr/share/p{name} {}\n", dice.below(2)));
    }
    if dice.one_in(6) {
        text.push_str(&format!(
            " file usr/share/common{} {}\n",
            dice.below(2),
            dice.below(2)
        ));
    }
    for (word, often) in [("rigid", 20), ("config", 4)] {
        if dice.one_in(often) {
            text.push_str(&format!(" {word}\n"));
        }
    }
    text
}

fn request(dice: &mut Dice, made: &Made, specs: &[String], members: &[String]) -> Request {
    let mut request = Request {
        side_by_side: !dice.one_in(3),
        own_libraries: dice.one_in(3),
        unpack_only: dice.one_in(8),
        force_depends: dice.one_in(6),
        ..Request::default()
    };
    let count = 1 + dice.below(3);
    if members.is_empty() || !dice.one_in(3) {
        for _ in 0..count {
            let reason = dice.one_in(8).then_some(Reason::Auto);
            let named = dice.of::<String>(specs);
            closure(dice, made, specs, &mut request, named, reason);
        }
    } else {
        for _ in 0..count {
            let id = id(dice.of::<String>(members));
            match dice.one_in(3) {
                true => request.purge.insert(id),
                false => request.remove.insert(id),
            };
        }
    }
    if dice.one_in(5) {
        let dependent = dice
            .one_in(2)
            .then(|| format!(":for p{}", dice.below(NAMES)));
        let of = format!("p{}={}", dice.below(NAMES), 1 + dice.below(VERSIONS));
        let rule = format!("{of}{}", dependent.unwrap_or_default())
            .parse()
            .unwrap();
        match dice.one_in(3) {
            true => request.unhide.push(rule),
            false => request.hide.push(rule),
        }
    }
    if dice.one_in(4) && !members.is_empty() {
        let provider = dice.of(members);
        let name = provider.split('=').next().unwrap();
        let only = dice.one_in(2).then(|| format!("p{}", dice.below(NAMES)));
        request.pin = pin(&format!("lib{name}.so.1"), provider, only.as_deref()).pin;
    }
    request
}

/// Name a package and, mostly, what it depends on, in any version.
fn closure(
    dice: &mut Dice,
    made: &Made,
    specs: &[String],
    request: &mut Request,
    named: &str,
    reason: Option<Reason>,
) {
    let id = id(named);
    if request.install.iter().any(|(i, _)| *i == id) {
        return;
    }
    request.install.push((id.clone(), reason));
    for group in &made.facts[&id].control.depends {
        let relation = &group[0];
        let architecture = named.split_once(':').map_or("", |_| ":i386");
        let fits = |s: &&String| {
            let of = self::id(s);
            let version = relation.version.as_ref();
            *of.package() == relation.name
                && s.ends_with(architecture)
                && (!architecture.is_empty() || !s.contains(':'))
                && version.is_none_or(|(op, v)| {
                    let (has, asked) = (of.version().as_str(), v.as_str());
                    match op {
                        crate::facts::Op::Lt => has < asked,
                        crate::facts::Op::Eq => has == asked,
                        _ => has >= asked,
                    }
                })
        };
        let fitting: Vec<&String> = specs.iter().filter(fits).collect();
        if !fitting.is_empty() && !dice.one_in(12) {
            let next = (*dice.of(&fitting)).clone();
            closure(dice, made, specs, request, &next, reason);
        }
    }
}

#[test]
fn plans_are_sound() {
    let count = std::env::var("PLAN_WORLDS")
        .ok()
        .and_then(|n| n.parse().ok());
    let first: u64 = std::env::var("PLAN_SEED")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    let (mut plans, mut errors) = (0, std::collections::BTreeMap::<&str, usize>::new());
    for seed in first..first + count.unwrap_or(150) {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (text, specs) = world(&mut dice);
        let made = Made::new(&text);
        let mut view = View::new(&made);
        let mut members: Vec<String> = Vec::new();
        for _ in 0..8 {
            let request = request(&mut dice, &made, &specs, &members);
            let done =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| view.try_go(&request)));
            match done {
                Ok(Ok(plan)) => {
                    plans += 1;
                    members = plan.realized.keys().map(spec).collect();
                }
                Ok(Err(error)) => {
                    let kind = match error {
                        PlanError::Unmet(_) => "unmet",
                        PlanError::Pin { .. } => "pin",
                        PlanError::NoLibrary(_) => "library",
                        PlanError::Ineffective { .. } => "ineffective",
                        PlanError::Process { .. } => "process",
                        PlanError::Cycle(_) => "cycle",
                        PlanError::NotThere(_) => "not there",
                        other => panic!("seed {seed}: {other}"),
                    };
                    *errors.entry(kind).or_default() += 1;
                }
                Err(panic) => {
                    eprintln!("seed {seed}: {request:?}\nmembers: {members:?}\n{text}");
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    println!("{plans} plans, {errors:?}");
    assert!(plans > 100 || count.is_some(), "{plans} plans, {errors:?}");
}
