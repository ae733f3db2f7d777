//! The steps in their order.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::conflicts::Verdicts;
use super::depends::{Depends, Edges};
use super::error::{PlanError, Unmet};
use super::linking::{Linking, Override, Strength};
use super::needs::{Key, Needs};
use super::relations::{Index, Place};
use super::set::{Draft, Entry, draft};
use super::slots::Trees;
use super::vote::{Ballot, Vote, vote};
use super::{Plan, Request, World, process, realize, rules, slots};
use crate::decide::{Conflict, Fit, Needed, Resolution, WhyNeeded, needed, resolve_conflicts};
use crate::elf::PathTag;
use crate::layout::{InstallationId, RealizationId, SlotName};
use crate::manifest::{LibraryPin, Manifest, Member, Reason, Relaxed, State};

/// The next generation.
pub fn plan(
    world: &World<'_>,
    current: Option<&Manifest>,
    request: &Request,
) -> Result<Plan, PlanError> {
    let index = Index::new(*world);
    let hides = rules::hides(current, request);
    let depends = Depends::new(&index, &hides);
    let pins = rules::pins(&index, current, request)?;
    let mut draft = draft(&depends, current, request, &pins)?;
    refuse_unmet(&depends, &draft, request)?;
    let pins = rules::settle(&index, pins, &draft.set(), request)?;

    let conflicts = conflicts(&depends, &mut draft, &pins, request);
    let edges = draft.edges(&depends);
    let needed = who_is_needed(&index, &draft, &edges, &pins);

    let set = draft.set();
    let needs = Needs::new(&depends, &edges, &set);
    let rigid = Rigid::new(&index);
    let vote = libraries(&needs, &draft, &pins, &rigid, request)?;
    let linking = linking(&needs, &vote, &draft, &pins, &rigid)?;
    let ids = set.iter().map(|place| index.id(*place).clone());
    let kept = world.files.keeps_rpath(&ids.collect());
    let was_rpath = |place: Place| match draft.entries.get(&place).and_then(|e| e.was) {
        Some(was) => world
            .realizations
            .get(&was.realization)
            .is_some_and(|r| r.rpath),
        None => request.link_mode == PathTag::Rpath,
    };
    let rpath = |place: Place| kept.contains(index.id(place)) || was_rpath(place);
    let (realizations, realized) = realize::realizations(&linking, &set, &rpath)?;

    let system: BTreeSet<Place> = vote.providers.iter().filter_map(|p| *p).collect();
    let linked = links_of(&linking);
    let trees = Trees {
        depends: &depends,
        draft: &draft,
        edges: &edges,
        system: &system,
        is_linked: &|who, with| linked.contains(&(who, with)),
        needed_for: &|place| needed_for(&index, &needed, place),
    };
    let slots = slots::slots(&trees);
    let mut members = members(&index, &draft, &edges, &realized, &slots, &conflicts);
    members.sort_by(|a, b| a.realization.cmp(&b.realization));
    let id = |place: &Place| index.id(*place).clone();
    Ok(Plan {
        members,
        realizations,
        links: realize::links(&linking),
        libraries: vote.libraries.clone(),
        realized: realized.iter().map(|(p, r)| (id(p), r.clone())).collect(),
        slots: slots::shown(&depends, slots),
        conflicts,
        needed,
        hides: hides.clone(),
        pins,
        replaced: draft
            .replaced
            .iter()
            .map(|(old, new)| (id(old), id(new)))
            .collect(),
        unmet: unmet(&depends, &draft, &edges),
        edges: edges.all,
        kept: draft.kept,
    })
}

/// Dependencies that nothing satisfies are an error, if it is the request that would have it so.
fn refuse_unmet(
    depends: &Depends<'_, '_>,
    draft: &Draft<'_>,
    request: &Request,
) -> Result<(), PlanError> {
    let mut edges = draft.edges(depends);
    edges.unmet.retain(|(from, group)| {
        let used = draft.used.get(from).is_some_and(|u| u.contains_key(group));
        draft.newcomers.contains(from) || used
    });
    match edges.unmet.is_empty() || request.force_depends {
        true => Ok(()),
        false => Err(PlanError::Unmet(unmet(depends, draft, &edges))),
    }
}

/// The dependencies that nothing satisfies, and why.
fn unmet(depends: &Depends<'_, '_>, draft: &Draft<'_>, edges: &Edges) -> Vec<Unmet> {
    let set = draft.set();
    let lacks = |(from, group): &(Place, usize)| depends.lacks(*from, *group, &set, &draft.leaves);
    edges.unmet.iter().map(lacks).collect()
}

/// What becomes of conflicts; the draft is changed as it says.
fn conflicts(
    depends: &Depends<'_, '_>,
    draft: &mut Draft<'_>,
    pins: &[LibraryPin],
    request: &Request,
) -> Resolution {
    let index = depends.index;
    let edges = draft.edges(depends);
    let has_libraries = |p: &Place| !rules::public_sonames(index, *p).is_empty();
    let own = draft.entries.iter().filter(|(_, e)| e.own_libraries);
    let sticky = own.filter_map(|(place, _)| {
        let mut used = edges.by.get(place)?.clone();
        used.retain(|_, by| has_libraries(by));
        Some((*place, used))
    });
    let verdicts = Verdicts::new(depends, sticky.collect());

    let ids = |places: BTreeSet<Place>| -> BTreeSet<InstallationId> {
        places.into_iter().map(|p| index.id(p).clone()).collect()
    };
    // What was just named is not dropped for what it brings.
    let mut wanted = ids(draft.wanted());
    wanted.extend(draft.named.iter().map(|p| index.id(*p).clone()));
    wanted.extend(pins.iter().map(|p| p.provider.clone()));
    let resolution = resolve_conflicts(
        &ids(draft.set()),
        &wanted,
        &accepted(index, draft),
        &verdicts,
    );
    for peace in &resolution.peace {
        if let Some(old) = index.place(&peace.old)
            && draft.entries.remove(&old).is_some_and(|e| e.was.is_some())
        {
            draft.leaves.insert(old);
        }
        if let Some(new) = peace.new.as_ref().and_then(|n| index.place(n)) {
            let entry = Entry {
                was: None,
                reason: Reason::Auto,
                state: match request.unpack_only {
                    true => State::Unpacked,
                    false => State::Installed,
                },
                own_libraries: request.own_libraries,
            };
            draft.entries.insert(new, entry);
            draft.newcomers.insert(new);
        }
    }
    resolution
}

/// The conflicts that were ignored so far.
fn accepted(index: &Index<'_>, draft: &Draft<'_>) -> BTreeSet<Conflict> {
    let mut accepted = BTreeSet::new();
    for (place, entry) in &draft.entries {
        for relaxed in entry.was.iter().flat_map(|m| &m.relaxed) {
            if let Some(with) = index.world.realizations.get(&relaxed.with) {
                accepted.insert(Conflict {
                    by: index.id(*place).clone(),
                    field: relaxed.field,
                    with: with.installation.clone(),
                });
            }
        }
    }
    accepted
}

fn who_is_needed(
    index: &Index<'_>,
    draft: &Draft<'_>,
    edges: &Edges,
    pins: &[LibraryPin],
) -> Needed {
    let id = |place: Place| index.id(place).clone();
    let needs = draft.entries.keys();
    let needs = needs.map(|p| (id(*p), edges.of(*p).map(id).collect()));
    let mut wanted: BTreeSet<InstallationId> = draft.wanted().into_iter().map(id).collect();
    wanted.extend(pins.iter().map(|p| p.provider.clone()));
    needed(&needs.collect(), &wanted)
}

/// The wanted package that one is needed for.
fn needed_for(index: &Index<'_>, needed: &Needed, place: Place) -> Option<Place> {
    let mut at = index.id(place);
    loop {
        match needed.needed.get(at)? {
            WhyNeeded::Wanted => return index.place(at),
            WhyNeeded::By(next) => at = next,
        }
    }
}

/// Which packages can't be given other libraries, each asked for once.
struct Rigid<'i, 'w> {
    index: &'i Index<'w>,
    known: RefCell<HashMap<Place, bool>>,
}

impl<'i, 'w> Rigid<'i, 'w> {
    fn new(index: &'i Index<'w>) -> Rigid<'i, 'w> {
        let known = RefCell::default();
        Rigid { index, known }
    }

    fn is(&self, place: Place) -> bool {
        let ask = || {
            !self
                .index
                .world
                .files
                .can_be_overridden(self.index.id(place))
        };
        *self.known.borrow_mut().entry(place).or_insert_with(ask)
    }
}

/// The pins for one package that are about a package, with the library and its provider.
fn pinned<'p>(
    needs: &Needs<'_, '_>,
    pins: &'p [LibraryPin],
    package: Place,
) -> Vec<(Key, Place, &'p LibraryPin)> {
    let index = needs.depends.index;
    let about = |pin: &&LibraryPin| pin.only.as_ref() == Some(index.id(package).package());
    let found = |pin: &'p LibraryPin| {
        let provider = index.place(&pin.provider)?;
        let provided = needs.provided_by(provider).iter().copied();
        let mut keys = provided.filter(|k| *needs.soname(*k) == pin.soname);
        let key = keys.find(|k| needs.is_main(package, *k))?;
        Some((key, provider, pin))
    };
    pins.iter().filter(about).filter_map(found).collect()
}

/// The libraries that members take from elsewhere than the view, whatever it offers.
fn own_choice(needs: &Needs<'_, '_>, package: Place) -> Vec<(Key, Place)> {
    let keys = needs
        .needed_by(package)
        .iter()
        .copied()
        .filter(|k| needs.is_main(package, *k));
    let with = keys.filter_map(|k| Some((k, needs.came_with(package, k)?)));
    with.filter(|(_, provider)| *provider != package).collect()
}

fn libraries(
    needs: &Needs<'_, '_>,
    draft: &Draft<'_>,
    pins: &[LibraryPin],
    rigid: &Rigid<'_, '_>,
    request: &Request,
) -> Result<Vote, PlanError> {
    let mut apart: BTreeSet<(Place, Key)> = BTreeSet::new();
    for (place, entry) in draft.entries.iter().filter(|(p, _)| !rigid.is(**p)) {
        apart.extend(
            pinned(needs, pins, *place)
                .iter()
                .map(|(k, _, _)| (*place, *k)),
        );
        if entry.own_libraries {
            apart.extend(own_choice(needs, *place).iter().map(|(k, _)| (*place, *k)));
        }
    }
    let for_all = pins.iter().filter(|p| p.only.is_none());
    let ballot = Ballot {
        pins: for_all.map(|p| (p, request.pin.contains(p))).collect(),
        apart: &apart,
        can_be_overridden: &|place| !rigid.is(place),
    };
    vote(needs, &ballot)
}

/// How everything is linked.
fn linking<'n, 'd, 'w>(
    needs: &'n Needs<'d, 'w>,
    vote: &'n Vote,
    draft: &Draft<'_>,
    pins: &[LibraryPin],
    rigid: &Rigid<'_, '_>,
) -> Result<Linking<'n, 'd, 'w>, PlanError> {
    let index = needs.depends.index;
    let mut linking = Linking::new(needs, vote);
    for (architecture, decision) in vote
        .libraries
        .iter()
        .flat_map(|(a, d)| d.iter().map(move |d| (a, d)))
    {
        for over in &decision.overrides {
            let key = needs.key(architecture.as_str(), &decision.soname);
            let places = index.place(&over.consumer).zip(index.place(&over.provider));
            if let (Some(key), Some((consumer, provider))) = (key, places)
                && needs.needed_by(consumer).contains(&key)
            {
                let (why, strength) = (over.why.clone(), Strength::Vote);
                linking.give(
                    consumer,
                    key,
                    Override {
                        provider,
                        why,
                        strength,
                    },
                );
            }
        }
    }
    let own = draft
        .entries
        .iter()
        .filter(|(p, e)| e.own_libraries && !rigid.is(**p));
    let own: BTreeSet<Place> = own.map(|(p, _)| *p).collect();
    for place in &own {
        for (key, provider) in own_choice(needs, *place) {
            let (why, strength) = ("came with it".into(), Strength::Own);
            linking.give(
                *place,
                key,
                Override {
                    provider,
                    why,
                    strength,
                },
            );
        }
    }
    let ineffective = |package: Place, pin: &LibraryPin, why: &str| PlanError::Ineffective {
        package: Box::new(index.id(package).clone()),
        soname: pin.soname.clone(),
        provider: Box::new(pin.provider.clone()),
        why: why.into(),
    };
    let mut to_check = Vec::new();
    for place in draft.entries.keys().copied() {
        for (key, provider, pin) in pinned(needs, pins, place) {
            if rigid.is(place) {
                return Err(ineffective(place, pin, "its files can't be rewritten"));
            }
            if let Some(fit @ Fit::Abi(_)) = needs.fit(place, key, provider)
                && let Some(why) = fit.complaint(true)
            {
                let (name, version) = (index.id(place).package(), index.id(place).version());
                let why = format!("{name} {version} {why}");
                let pin = Box::new(pin.clone());
                return Err(PlanError::Pin { pin, why });
            }
            let why = format!("pinned for {}", index.id(place).package());
            let strength = Strength::Pin;
            linking.give(
                place,
                key,
                Override {
                    provider,
                    why,
                    strength,
                },
            );
            to_check.push((place, key, pin));
        }
    }
    linking.break_circles()?;
    process::mend(&mut linking, &own, &|place| rigid.is(place))?;
    // Of several versions of the package, and of several libraries of a provider, some may do without.
    let mut wishes: BTreeMap<_, Vec<&LibraryPin>> = BTreeMap::new();
    for pin in pins.iter().filter(|p| p.only.is_some()) {
        let provider = (pin.provider.package(), pin.provider.version());
        wishes.entry((&pin.only, provider)).or_default().push(pin);
    }
    for pins in wishes.values() {
        let about = to_check.iter().filter(|(_, _, p)| pins.contains(p));
        let mut effects = about.map(|(p, k, pin)| (*p, *pin, process::effect(&linking, *p, *k)));
        match (effects.next(), pins.first()) {
            (Some((place, pin, Err(why))), _) if effects.all(|(_, _, e)| e.is_err()) => {
                return Err(ineffective(place, pin, why));
            }
            (None, Some(pin)) => {
                let why = "its consumer has nothing of that architecture".into();
                let pin = Box::new((*pin).clone());
                return Err(PlanError::Pin { pin, why });
            }
            _ => {}
        }
    }
    Ok(linking)
}

/// Who is linked with whose libraries.
fn links_of(linking: &Linking<'_, '_, '_>) -> BTreeSet<(Place, Place)> {
    let needs = linking.needs;
    let mut linked = BTreeSet::new();
    for package in needs.of.keys() {
        let keys = needs.needed_by(*package);
        let providers = keys.iter().flat_map(|key| {
            let given = linking.provider(*package, *key);
            given.into_iter().chain(needs.came_with(*package, *key))
        });
        linked.extend(providers.map(|p| (*package, p)));
    }
    linked
}

fn members(
    index: &Index<'_>,
    draft: &Draft<'_>,
    edges: &Edges,
    realized: &BTreeMap<Place, RealizationId>,
    slots: &BTreeMap<SlotName, Vec<(Place, super::WhySlot)>>,
    conflicts: &Resolution,
) -> Vec<Member> {
    let mut slot_of: BTreeMap<Place, &SlotName> = BTreeMap::new();
    for (slot, packages) in slots {
        slot_of.extend(packages.iter().map(|(p, _)| (*p, slot)));
    }
    let mut members = draft.left.clone();
    for (place, entry) in &draft.entries {
        let Some(realization) = realized.get(place) else {
            continue;
        };
        let id = index.id(*place);
        let of = conflicts.relaxed.iter().filter(|c| c.by == *id);
        let relaxed = of.filter_map(|c| {
            let with = realized.get(&index.place(&c.with)?)?.clone();
            let field = c.field;
            Some(Relaxed { field, with })
        });
        let uses = edges.by.get(place).into_iter().flatten();
        members.push(Member {
            realization: realization.clone(),
            reason: entry.reason,
            state: entry.state,
            own_libraries: entry.own_libraries,
            slot: slot_of.get(place).map(|s| (*s).clone()),
            uses: uses
                .map(|(group, by)| (*group, index.id(*by).clone()))
                .collect(),
            relaxed: relaxed.collect(),
            setuid: index.facts(*place).installation.setuid.clone(),
        });
    }
    members
}
