//! What processes load, and making sure that it is what they are to have.
//!
//! ld.so loads a soname once for a process: the needs of the program first, then those of what these brought, each
//! looked for by the linking of the package it is in. So a library may get another than the one it is linked with,
//! because somebody came first. Where that is not what the process is to have, the program is given it, by its own lib/ and,
//! if it does not need that soname itself, by one more need; then it comes first.
//!
//! What a process is to have of a soname: what its program's package has in its own lib/; what a library of it insists on; what a
//! library has itself; else what its world has.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Warning, named};
use super::index::{Place, World};
use super::linking::{Linking, Override, Scope, Strength};
use super::needs::Key;

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

/// Something that a process gets and should not.
enum Misfit {
    /// It is to have this one.
    Other {
        consumer: Place,
        key: Key,
        due: Place,
        why: String,
    },
    /// It does not suit who asks for it.
    Unfit {
        consumer: Place,
        key: Key,
        got: Place,
        why: String,
    },
}

/// What of a process can't be had.
pub(super) struct Refused {
    /// The package whose choice by a person was taken back, and of whom; `None`: nothing was.
    pub taken_back: Option<(Place, Place)>,
    /// In words.
    pub warning: Warning,
    /// What is wrong.
    pub why: String,
}

/// Make all programs of a world load what they are to. Gives what can't be had, and whether anything was changed.
pub(super) fn mend(
    linking: &mut Linking<'_, '_, '_>,
    scope: Scope,
    world: World,
) -> (Vec<Refused>, bool) {
    let needs = linking.needs;
    let index = needs.index;
    let mut seen: BTreeSet<(Place, &[Key])> = BTreeSet::new();
    let mut is_new = |o: &usize| {
        let object = &needs.objects[*o];
        let runs = scope == Scope::Inside || index.is_home(object.package);
        let of_world =
            index.world(object.package) == world && index.spot(object.package).member.is_some();
        object.program && runs && of_world && seen.insert((object.package, &object.needs))
    };
    let mut programs: Vec<usize> = (0..needs.objects.len()).filter(|o| is_new(o)).collect();
    let mut refused = Vec::new();
    let mut yields: BTreeSet<(usize, Place, Key)> = BTreeSet::new();
    let mut mended = false;
    // Every mend is for good and adds something, or takes back what is not given again.
    for _ in 0..ROUNDS {
        let mut changed = false;
        programs.retain(|program| {
            let process = run(linking, scope, *program);
            let Some(misfit) = misfit(linking, world, &process, &yields) else {
                return true;
            };
            changed = true;
            match mend_one(linking, &process, misfit, &mut yields) {
                Ok(()) => {
                    mended = true;
                    true
                }
                Err(why) => {
                    let stays = why.taken_back.is_some();
                    mended |= stays;
                    refused.push(*why);
                    stays
                }
            }
        });
        if !changed {
            break;
        }
    }
    (refused, mended)
}

/// What a program loads.
fn run(linking: &Linking<'_, '_, '_>, scope: Scope, program: usize) -> Process {
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
        let besides = linking.needed.get(&linking.of(package)).filter(|_| at == 0);
        for key in object.needs.iter().chain(besides.into_iter().flatten()) {
            process.asked.push((object.package, *key));
            if process.loaded.contains_key(key) {
                continue;
            }
            let provider = linking.provider(scope, object.package, *key);
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

/// The first that is wrong in a process.
fn misfit(
    linking: &Linking<'_, '_, '_>,
    world: World,
    process: &Process,
    yields: &BTreeSet<(usize, Place, Key)>,
) -> Option<Misfit> {
    let (needs, root) = (linking.needs, process.package);
    for (consumer, key) in process.asked.iter().copied() {
        let Some(got) = process.loaded.get(&key).copied().flatten() else {
            continue;
        };
        let yields = yields.contains(&(process.program, consumer, key));
        let special = |who: Place| {
            let of = linking.overriding(who, key);
            of.filter(|of| who == root || of.strength == Strength::Special)
        };
        let due = special(root).or_else(|| special(consumer).filter(|_| !yields));
        let own =
            || (consumer != root && !yields && linking.is_own(consumer, key)).then_some(consumer);
        let due = due.map(|of| (of.provider, Some(of.why)));
        let due = due.or_else(|| Some((own()?, Some("has one itself"))));
        let due = due.or_else(|| Some((linking.worlds[world].providers[key]?, None)));
        if let Some((due, why)) = due
            && !linking.same(due, got)
        {
            let of_world = || format!("its world has {}", named(needs.index.id(due)));
            let why = why.map_or_else(of_world, str::to_string);
            return Some(Misfit::Other {
                consumer,
                key,
                due,
                why,
            });
        }
        let of_world = linking.worlds[world].providers[key].is_some_and(|p| linking.same(p, got));
        if !of_world
            && !linking.same(consumer, got)
            && linking
                .overriding(consumer, key)
                .is_none_or(|of| !linking.same(of.provider, got))
            && let Some(why) = needs.complaint(consumer, key, got)
        {
            return Some(Misfit::Unfit {
                consumer,
                key,
                got,
                why,
            });
        }
    }
    None
}

fn mend_one(
    linking: &mut Linking<'_, '_, '_>,
    process: &Process,
    misfit: Misfit,
    yields: &mut BTreeSet<(usize, Place, Key)>,
) -> Result<(), Box<Refused>> {
    let needs = linking.needs;
    let root = process.package;
    match misfit {
        Misfit::Other {
            consumer,
            key,
            due,
            why,
        } => {
            let refusal =
                objection(linking, process, key, due).or_else(|| fixed(linking, root, key, due));
            let Some(objection) = refusal else {
                if prefer(linking, process, key, due, &why, consumer) {
                    return Ok(());
                }
                return Err(refuse(linking, process, key, why));
            };
            let chosen = linking.overriding(root, key).map(|of| of.provider);
            if let Some(provider) = chosen.filter(|p| linking.same(*p, due)) {
                let mut refused = refuse(linking, process, key, objection);
                linking.part(root);
                linking.take_back(root, provider);
                refused.taken_back = Some((root, provider));
                return Err(refused);
            }
            // Who insists takes what the others have, if it can.
            let got = process.loaded.get(&key).copied().flatten();
            let can_do = got.is_some_and(|got| needs.complaint(consumer, key, got).is_none());
            match can_do && consumer != root && yields.insert((process.program, consumer, key)) {
                true => Ok(()),
                false => Err(refuse(linking, process, key, objection)),
            }
        }
        Misfit::Unfit {
            consumer,
            key,
            got,
            why,
        } => {
            let who = named(needs.index.id(consumer));
            let mut refused = refuse(linking, process, key, format!("{who} {why}"));
            let chosen = linking.overriding(root, key);
            if chosen.is_some_and(|of| {
                of.strength == Strength::Special && linking.same(of.provider, got)
            }) {
                linking.part(root);
                linking.take_back(root, got);
                refused.taken_back = Some((root, got));
            }
            Err(refused)
        }
    }
}

fn refuse(linking: &Linking<'_, '_, '_>, process: &Process, key: Key, why: String) -> Box<Refused> {
    let needs = linking.needs;
    Box::new(Refused {
        taken_back: None,
        why: why.clone(),
        warning: Warning::Process {
            package: needs.index.id(process.package).clone(),
            program: needs.objects[process.program].path.to_path_buf(),
            soname: needs.soname(key).clone(),
            why,
        },
    })
}

/// Why a program can't be given this one, whatever it loads.
fn fixed(linking: &Linking<'_, '_, '_>, root: Place, key: Key, provider: Place) -> Option<String> {
    if !linking.needs.is_main(root, key) {
        return Some("its lib/ is for another architecture".into());
    }
    let strong = linking
        .overriding(root, key)
        .filter(|o| o.strength >= Strength::Mended);
    if let Some(of) = strong.filter(|o| !linking.same(o.provider, provider)) {
        return Some(of.why.into());
    }
    let circle = !linking.same(provider, root) && linking.reaches(provider, root);
    circle.then(|| "it is itself linked with that package".into())
}

/// Who of a process can't do with a provider that is not its world's.
fn objection(
    linking: &Linking<'_, '_, '_>,
    process: &Process,
    key: Key,
    provider: Place,
) -> Option<String> {
    let (needs, index) = (linking.needs, linking.index());
    let world = index.world(process.package);
    if linking.worlds[world].providers[key] == Some(provider) {
        return None;
    }
    let asking = process
        .asked
        .iter()
        .filter(|(_, k)| *k == key)
        .map(|(who, _)| *who);
    let mut others = asking.filter(|who| !linking.same(*who, provider));
    others.find_map(|who| {
        let why = needs.complaint(who, key, provider)?;
        Some(format!("{} {why}", named(index.id(who))))
    })
}

/// Have a program load this one first. False: it was to do so already.
fn prefer(
    linking: &mut Linking<'_, '_, '_>,
    process: &Process,
    key: Key,
    provider: Place,
    why: &str,
    consumer: Place,
) -> bool {
    let root = process.package;
    linking.part(root);
    let program = &linking.needs.objects[process.program];
    let needed = linking.needed.entry(root).or_default();
    let mut changed = !program.needs.contains(&key) && needed.insert(key);
    let given = linking
        .overriding(root, key)
        .is_some_and(|o| o.strength >= Strength::Mended);
    if !given {
        let own = linking.same(provider, root) && linking.is_own(root, key);
        let why = match consumer == root {
            true => why.to_string(),
            false => format!("{} {why}", named(linking.index().id(consumer))),
        };
        linking.give(
            root,
            key,
            Override {
                provider,
                why,
                strength: Strength::Mended,
            },
        );
        changed |= !own;
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
    match programs.any(|p| run(linking, Scope::Inside, *p).loaded.contains_key(&key)) {
        true => Ok(()),
        false => Err("none of its programs loads that"),
    }
}
