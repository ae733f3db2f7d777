//! What processes load, and making sure that it fits.
//!
//! ld.so loads a soname once for a process: the needs of the program first, then those of what these brought, each
//! looked for by the linking of the package it is in. So a library may get another than the one it is linked with,
//! because somebody came first. Where that does not suit it, the program is given what suits all, by its own lib/ and,
//! if it does not need that soname itself, by one more need; then it comes first. After that a library that has
//! something in its own lib/ gets that in every process, or does without having it there.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PlanError;
use super::linking::{Linking, Override, Strength};
use super::needs::Key;
use super::relations::Place;

/// More libraries than any program has to be given.
const ROUNDS: usize = 500;

/// What a process has loaded.
struct Process {
    package: Place,
    program: usize,
    loaded: BTreeMap<Key, Option<Place>>,
    /// Who asked for what, in order.
    asked: Vec<(Place, Key)>,
}

/// Something that got a library it should not have.
struct Misfit {
    consumer: Place,
    key: Key,
    got: Place,
    why: String,
    /// Whether it rather takes this one than to be in the way.
    gives_way: bool,
}

/// Make all programs of the set load what fits. Those that can't be given anything are left: they are started where
/// everything is on /usr.
pub(super) fn mend(
    linking: &mut Linking<'_, '_, '_>,
    own: &BTreeSet<Place>,
    rigid: &dyn Fn(Place) -> bool,
) -> Result<(), PlanError> {
    let needs = linking.needs;
    let mut seen: BTreeSet<(Place, &[Key])> = BTreeSet::new();
    let mut is_new = |o: &usize| {
        let object = &needs.objects[*o];
        object.program && seen.insert((object.package, &object.needs)) && !rigid(object.package)
    };
    let programs: Vec<usize> = (0..needs.objects.len()).filter(|o| is_new(o)).collect();
    // Every mend is for good and adds something, or takes back what is not given again.
    for round in 0.. {
        let mut changed = false;
        for program in &programs {
            let process = run(linking, *program);
            if let Some(misfit) = misfit(linking, &process, own) {
                if round > ROUNDS {
                    return Err(refusal(
                        linking,
                        &process,
                        &misfit,
                        vec![misfit.why.clone()],
                    ));
                }
                mend_one(linking, &process, &misfit, own)?;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    Ok(())
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

/// The first that is wrong in a process:
///
/// - what a person chose, or the own lib/ of a library has, is not what was loaded;
/// - a program with its own libraries has one that did not come with it;
/// - something has what does not suit it.
fn misfit(
    linking: &Linking<'_, '_, '_>,
    process: &Process,
    own: &BTreeSet<Place>,
) -> Option<Misfit> {
    let needs = linking.needs;
    let root = process.package;
    for (consumer, key) in process.asked.iter().copied() {
        let Some(got) = process.loaded.get(&key).copied().flatten() else {
            continue;
        };
        let found = |why: &str, gives_way: bool| {
            Some(Misfit {
                consumer,
                key,
                got,
                why: why.into(),
                gives_way,
            })
        };
        let chosen = linking.overriding(root, key);
        for who in [root, consumer] {
            if let Some(of) = linking.overriding(who, key).filter(|o| o.provider != got) {
                let gives_way = who == consumer && who != root && !linking.insists(who, key);
                return found(&of.why, gives_way);
            }
        }
        if consumer != got && linking.is_own(consumer, key) {
            return found("has one itself", false);
        }
        let settled = chosen.is_some_and(|o| o.strength >= Strength::Mended);
        let came_with = needs.came_with(root, key).filter(|_| own.contains(&root));
        if came_with.is_some_and(|c| c != got && c != root) && !settled && needs.is_main(root, key)
        {
            return found("did not come with it", false);
        }
        let expected = linking.provider(consumer, key) == Some(got);
        if (!expected || linking.dropped.contains(&(consumer, key)))
            && let Some(why) = needs.complaint(consumer, key, got)
        {
            return found(&why, false);
        }
    }
    None
}

fn mend_one(
    linking: &mut Linking<'_, '_, '_>,
    process: &Process,
    misfit: &Misfit,
    own: &BTreeSet<Place>,
) -> Result<(), PlanError> {
    let needs = linking.needs;
    let index = needs.depends.index;
    let root = process.package;
    let Misfit {
        consumer, key, got, ..
    } = *misfit;
    if misfit.gives_way && needs.complaint(consumer, key, got).is_none() {
        linking.take_back(consumer, key);
        return Ok(());
    }
    let named = |p: Place| format!("{} {}", index.id(p).package(), index.id(p).version());
    let why = format!("{} {}", named(consumer), misfit.why);
    let mut tried = Vec::new();
    for provider in candidates(linking, process, consumer, key, own) {
        let fixed = fixed(linking, root, key, provider);
        match fixed.or_else(|| objection(linking, process, key, provider)) {
            Some(why) => tried.push(format!("{}: {why}", named(provider))),
            None if prefer(linking, process, key, provider, &why) => return Ok(()),
            None => {}
        }
    }
    // Or another version of who is not content.
    let brought = process.loaded.iter();
    let brought = brought.filter(|(_, p)| **p == Some(consumer) && consumer != root);
    for brought in brought.map(|(key, _)| *key) {
        for other in candidates(linking, process, root, brought, own) {
            if other != consumer
                && needs.complaint(other, key, got).is_none()
                && fixed(linking, root, brought, other).is_none()
                && objection(linking, process, brought, other).is_none()
                && prefer(linking, process, brought, other, &why)
            {
                return Ok(());
            }
        }
    }
    // At last, what it has itself, if it can do without.
    let can_do = || needs.complaint(consumer, key, got).is_none();
    let first = !linking.dropped.contains(&(consumer, key));
    if first && consumer != root && linking.is_own(consumer, key) && can_do() {
        linking.take_back(consumer, key);
        return Ok(());
    }
    if tried.is_empty() {
        tried.push(format!("{}: {why}", named(got)));
    }
    Err(refusal(linking, process, misfit, tried))
}

fn refusal(
    linking: &Linking<'_, '_, '_>,
    process: &Process,
    misfit: &Misfit,
    why: Vec<String>,
) -> PlanError {
    let needs = linking.needs;
    PlanError::Process {
        package: Box::new(needs.depends.index.id(process.package).clone()),
        program: needs.objects[process.program].path.to_path_buf(),
        soname: needs.soname(misfit.key).clone(),
        why,
    }
}

/// Who may provide a library to a process: what is chosen for it, what it and `consumer` would get, the view's, the
/// newest.
fn candidates(
    linking: &Linking<'_, '_, '_>,
    process: &Process,
    consumer: Place,
    key: Key,
    own: &BTreeSet<Place>,
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
        needs.came_with(root, key).filter(|_| own.contains(&root)),
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
        let bound = linking
            .overriding(who, key)
            .filter(|o| o.provider != provider);
        let bound = bound.filter(|_| who != process.package && linking.insists(who, key));
        let own = who != provider && linking.is_own(who, key) && who != process.package;
        let why = match bound {
            Some(of) => Some(of.why.clone()),
            None if own => Some("has one itself".into()),
            None => needs.complaint(who, key, provider),
        };
        Some(format!(
            "{} {} {}",
            id(who).package(),
            id(who).version(),
            why?
        ))
    })
}

/// Have a program load this one first. False: it was to do so already.
fn prefer(
    linking: &mut Linking<'_, '_, '_>,
    process: &Process,
    key: Key,
    provider: Place,
    why: &str,
) -> bool {
    let root = process.package;
    let program = &linking.needs.objects[process.program];
    let needed = linking.needed.entry(root).or_default();
    let mut changed = !program.needs.contains(&key) && needed.insert(key);
    let given = linking
        .overriding(root, key)
        .is_some_and(|o| o.strength >= Strength::Mended);
    if !given && (provider != root || linking.provider(root, key) != Some(root)) {
        let (why, strength) = (why.to_string(), Strength::Mended);
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
