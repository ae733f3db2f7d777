//! What processes load, and making sure that it fits.
//!
//! ld.so loads a soname once for a process: the needs of the program first, then those of what these brought, each
//! looked for by the linking of the package it is in. So a library may get another than the one it is linked with,
//! because somebody came first. Where that does not suit it, the program is given what suits all, by its own lib/ and,
//! if it does not need that soname itself, by one more need; then it comes first.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PlanError;
use super::linking::{Linking, Override, Strength};
use super::needs::Key;
use super::relations::Place;

/// What a process has loaded.
struct Process {
    package: Place,
    program: usize,
    loaded: BTreeMap<Key, Option<Place>>,
    /// Who asked for what, in order.
    asked: Vec<(Place, Key)>,
}

/// Something that got a library it can't do with.
struct Misfit {
    consumer: Place,
    key: Key,
    got: Place,
    why: String,
}

/// Make all programs of the set load what fits.
pub(super) fn mend(
    linking: &mut Linking<'_, '_, '_>,
    own: &BTreeSet<Place>,
    rigid: &dyn Fn(Place) -> bool,
) -> Result<(), PlanError> {
    let needs = linking.needs;
    let programs: Vec<usize> = (0..needs.objects.len())
        .filter(|o| needs.objects[*o].program)
        .collect();
    // Every mend is for good and adds something, so that there is an end to them.
    loop {
        let mut seen: BTreeSet<(Place, &[Key])> = BTreeSet::new();
        let mut changed = false;
        for program in &programs {
            let object = &needs.objects[*program];
            if !seen.insert((object.package, &object.needs)) {
                continue;
            }
            let process = run(linking, *program);
            if let Some(misfit) = misfit(linking, &process, own) {
                mend_one(linking, &process, &misfit, rigid)?;
                changed = true;
            }
        }
        if !changed {
            return Ok(());
        }
    }
}

/// What a program loads.
fn run(linking: &Linking<'_, '_, '_>, program: usize) -> Process {
    let needs = linking.needs;
    let package = needs.objects[program].package;
    let mut process = Process {
        package,
        program,
        loaded: BTreeMap::new(),
        asked: Vec::new(),
    };
    let mut entered = BTreeSet::from([program]);
    let mut order = vec![program];
    let mut at = 0;
    while let Some(object) = order.get(at).map(|o| &needs.objects[*o]) {
        let besides = linking.needed.get(&package).filter(|_| at == 0);
        for key in object.needs.iter().chain(besides.into_iter().flatten()) {
            process.asked.push((object.package, *key));
            if process.loaded.contains_key(key) {
                continue;
            }
            let provider = linking.provider(object.package, *key);
            process.loaded.insert(*key, provider);
            let next = provider.and_then(|p| needs.object(p, *key));
            if let Some(next) = next.filter(|o| entered.insert(*o)) {
                order.push(next);
            }
        }
        at += 1;
    }
    process
}

fn misfit(
    linking: &Linking<'_, '_, '_>,
    process: &Process,
    own: &BTreeSet<Place>,
) -> Option<Misfit> {
    let needs = linking.needs;
    let root = process.package;
    let found = |why: String, consumer: Place, key: Key, got: Place| {
        Some(Misfit {
            consumer,
            key,
            got,
            why,
        })
    };
    for (consumer, key) in process.asked.iter().copied() {
        let Some(got) = process.loaded.get(&key).copied().flatten() else {
            continue;
        };
        for who in [root, consumer] {
            let of = linking.overriding(who, key).filter(|o| o.provider != got);
            if let Some(of) = of.filter(|o| o.strength == Strength::Pin) {
                return found(of.why.clone(), consumer, key, got);
            }
        }
        let expected = linking.provider(consumer, key);
        let apart = linking.dropped.contains(&(consumer, key));
        if expected == Some(got) && !apart {
            continue;
        }
        let chosen = linking
            .overriding(root, key)
            .is_some_and(|o| o.provider == got);
        let came_with = needs.came_with(consumer, key);
        let together = own.contains(&root) && own.contains(&consumer);
        if together && !chosen && consumer != got && came_with.is_some_and(|c| c != got) {
            return found("came with another".into(), consumer, key, got);
        }
        if let Some(why) = needs.complaint(consumer, key, got) {
            return found(why, consumer, key, got);
        }
    }
    None
}

fn mend_one(
    linking: &mut Linking<'_, '_, '_>,
    process: &Process,
    misfit: &Misfit,
    rigid: &dyn Fn(Place) -> bool,
) -> Result<(), PlanError> {
    let needs = linking.needs;
    let index = needs.depends.index;
    let root = process.package;
    let named = |p: Place| format!("{} {}", index.id(p).package(), index.id(p).version());
    let mut tried = Vec::new();
    if rigid(root) {
        tried.push(format!("{} can't be given another", named(root)));
    } else {
        for provider in candidates(linking, process, misfit.consumer, misfit.key) {
            let fixed = fixed(linking, root, misfit.key, provider);
            match fixed.or_else(|| objection(linking, process, misfit.key, provider)) {
                Some(why) => tried.push(format!("{}: {why}", named(provider))),
                None => {
                    let why = format!("{} {}", named(misfit.consumer), misfit.why);
                    if prefer(linking, process, misfit.key, provider, why) {
                        return Ok(());
                    }
                }
            }
        }
        // Or another version of who is not content.
        let brought = process.loaded.iter();
        let brought =
            brought.filter(|(_, p)| **p == Some(misfit.consumer) && misfit.consumer != root);
        for key in brought.map(|(key, _)| *key).collect::<Vec<_>>() {
            for other in candidates(linking, process, root, key) {
                let content = needs.complaint(other, misfit.key, misfit.got).is_none();
                let fixed = fixed(linking, root, key, other);
                if other != misfit.consumer
                    && content
                    && fixed.is_none()
                    && objection(linking, process, key, other).is_none()
                {
                    let why = format!("{} {}", named(misfit.consumer), misfit.why);
                    if prefer(linking, process, key, other, why) {
                        return Ok(());
                    }
                }
            }
        }
    }
    if tried.is_empty() {
        tried.push(format!(
            "{}: {} {}",
            named(misfit.got),
            named(misfit.consumer),
            misfit.why
        ));
    }
    Err(PlanError::Process {
        package: Box::new(index.id(root).clone()),
        program: needs.objects[process.program].path.to_path_buf(),
        soname: needs.soname(misfit.key).clone(),
        why: tried,
    })
}

/// Who may provide a library to a process: what is chosen for it, what it and `consumer` would get, the view's, the
/// newest.
fn candidates(
    linking: &Linking<'_, '_, '_>,
    process: &Process,
    consumer: Place,
    key: Key,
) -> Vec<Place> {
    let needs = linking.needs;
    let index = needs.depends.index;
    let root = process.package;
    let there = &needs.public[key];
    let mut newest: Vec<Place> = there.keys().copied().collect();
    newest.sort_by(|a, b| index.compare(*b, *a).then(a.cmp(b)));
    let chosen = linking.overriding(root, key).map(|o| o.provider);
    let first = [
        chosen,
        linking.provider(consumer, key),
        needs.came_with(consumer, key),
        needs.came_with(root, key),
        linking.vote.providers.get(key).copied().flatten(),
    ];
    let mut order: Vec<Place> = Vec::new();
    for place in first.into_iter().flatten().chain(newest) {
        if there.contains_key(&place) && !order.contains(&place) {
            order.push(place);
        }
    }
    order
}

/// Why a program can't be given this one, whatever it loads.
fn fixed(linking: &Linking<'_, '_, '_>, root: Place, key: Key, provider: Place) -> Option<String> {
    let needs = linking.needs;
    if !needs.is_main(root, key) {
        return Some("its lib/ is for another architecture".into());
    }
    let strong = linking
        .overriding(root, key)
        .filter(|o| o.strength >= Strength::Mended);
    if let Some(of) = strong.filter(|o| o.provider != provider) {
        return Some(of.why.clone());
    }
    let circle = provider != root && linking.reaches(provider, root);
    circle.then(|| "it is itself linked with that package".into())
}

/// Who of a process can't do with a provider.
fn objection(
    linking: &Linking<'_, '_, '_>,
    process: &Process,
    key: Key,
    provider: Place,
) -> Option<String> {
    let needs = linking.needs;
    let id = |p: Place| needs.depends.index.id(p);
    let mut asking = process
        .asked
        .iter()
        .filter(|(_, k)| *k == key)
        .map(|(who, _)| *who);
    asking.find_map(|who| {
        let pin = linking
            .overriding(who, key)
            .filter(|o| o.strength == Strength::Pin);
        let pin = pin
            .filter(|o| o.provider != provider)
            .map(|o| o.why.clone());
        let why = pin.or_else(|| needs.complaint(who, key, provider))?;
        Some(format!("{} {} {why}", id(who).package(), id(who).version()))
    })
}

/// Have a program load this one first. False: it was to do so already.
fn prefer(
    linking: &mut Linking<'_, '_, '_>,
    process: &Process,
    key: Key,
    provider: Place,
    why: String,
) -> bool {
    let root = process.package;
    let program = &linking.needs.objects[process.program];
    let needed = linking.needed.entry(root).or_default();
    let mut changed = !program.needs.contains(&key) && needed.insert(key);
    let given = linking
        .overriding(root, key)
        .is_some_and(|o| o.strength >= Strength::Mended);
    if !given && (provider != root || linking.provider(root, key) != Some(root)) {
        let strength = Strength::Mended;
        linking.give(
            root,
            key,
            Override {
                provider,
                why,
                strength,
            },
        );
        changed = true;
    }
    changed
}

/// Whether the choice of a person for one package has an effect: one of its objects needs the library, or one of its
/// programs loads it.
pub(super) fn effect(
    linking: &Linking<'_, '_, '_>,
    package: Place,
    key: Key,
) -> Result<(), &'static str> {
    let needs = linking.needs;
    if !needs.is_main(package, key) {
        return Err("it has nothing of that architecture");
    }
    if needs.needed_by(package).contains(&key) {
        return Ok(());
    }
    let objects = needs.of.get(&package).into_iter().flatten();
    let mut programs = objects.filter(|o| needs.objects[**o].program).peekable();
    if programs.peek().is_none() {
        return Err("it does not need that itself, and has no program that could");
    }
    match programs.any(|program| run(linking, *program).loaded.contains_key(&key)) {
        true => Ok(()),
        false => Err("none of its programs loads that"),
    }
}
