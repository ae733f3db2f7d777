//! The providers of libraries: of a world, for each architecture and soname; and of the generation, for programs outside
//! of contexts.
//!
//! Sonames that the same packages provide are decided together, as libraries of one build: a libssl with its
//! libcrypto, a libc with its libm and its ld.so.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Warning, named};
use super::index::{Index, MAIN, Place, World};
use super::needs::{Key, Needs};
use super::observed::Rules;
use crate::decide::{
    Consumer, Criterion, Decision, Fit, NoLibrary, Row, hidden_by, system_library,
};
use crate::layout::{Architecture, InstallationId};
use crate::manifest::LibraryPin;

/// Who provides what.
#[derive(Default)]
pub(super) struct Choice {
    /// By key; `None`: the host, or what a package has for itself.
    pub providers: Vec<Option<Place>>,
    /// With the tables.
    pub libraries: BTreeMap<Architecture, Vec<Decision>>,
    /// Consumers that take another than this choice: whose library, and why.
    pub others: BTreeMap<(Place, Key), (Place, String)>,
}

impl Choice {
    fn new(needs: &Needs<'_, '_>) -> Choice {
        Choice {
            providers: vec![None; needs.keys().len()],
            ..Choice::default()
        }
    }

    fn sort(&mut self) {
        for decisions in self.libraries.values_mut() {
            decisions.sort_by(|a, b| a.soname.cmp(&b.soname));
        }
    }

    fn put(&mut self, needs: &Needs<'_, '_>, key: Key, provider: Place, decision: &Decision) {
        self.providers[key] = Some(provider);
        let soname = needs.soname(key).clone();
        let decision = Decision {
            soname,
            ..decision.clone()
        };
        let decisions = self.libraries.entry(needs.architecture(key)).or_default();
        decisions.retain(|d| d.soname != decision.soname);
        decisions.push(decision);
    }
}

/// Who of some places needs which of some keys.
fn takers(
    needs: &Needs<'_, '_>,
    consumers: impl Iterator<Item = Place>,
    keys: &[Key],
) -> BTreeMap<Place, Vec<Key>> {
    let mut takes = BTreeMap::new();
    for consumer in consumers {
        let needed = needs.needed_by(consumer);
        let taken: Vec<Key> = keys
            .iter()
            .copied()
            .filter(|k| needed.contains(k))
            .collect();
        if !taken.is_empty() {
            takes.insert(consumer, taken);
        }
    }
    takes
}

/// A decision that none was needed for.
fn only(index: &Index<'_>, needs: &Needs<'_, '_>, key: Key, provider: Place) -> Decision {
    let provider = index.id(provider).clone();
    Decision {
        soname: needs.soname(key).clone(),
        by: Criterion::Only,
        overrides: Vec::new(),
        table: vec![Row {
            provider: provider.clone(),
            overrides: Vec::new(),
            consumers: 0,
            dropped: None,
        }],
        provider,
    }
}

/// The providers of a world.
pub(super) fn of_world(
    needs: &Needs<'_, '_>,
    world: World,
    rules: &Rules,
    warnings: &mut Vec<Warning>,
) -> Choice {
    let index = needs.index;
    let mut choice = Choice::new(needs);
    let mut several: BTreeMap<(&str, Vec<Place>), Vec<Key>> = BTreeMap::new();
    for key in needs.keys() {
        match needs.providers(world, key)[..] {
            [] => {}
            [one] => choice.put(needs, key, one, &only(index, needs, key, one)),
            ref more => several
                .entry((needs.port(key), more.to_vec()))
                .or_default()
                .push(key),
        }
    }
    for ((_, candidates), keys) in several {
        let decided = decide(needs, world, &candidates, &keys, None);
        // Where none suits all, those that are not suited are no worse off than on a system of their own.
        let decided = decided
            .ok()
            .and_then(|d| Some((index.place(world, &d.provider)?, d)));
        let first = candidates.first().copied();
        for key in keys {
            match (&decided, first) {
                (Some((place, decision)), _) => {
                    choice.put(needs, key, *place, decision);
                    choice.except(needs, world, key, decision);
                }
                (None, Some(first)) => {
                    choice.put(needs, key, first, &only(index, needs, key, first))
                }
                (None, None) => {}
            }
        }
    }
    for pin in rules.pins.iter().filter(|p| p.only.is_none()) {
        pin_for_all(needs, world, pin, &mut choice, warnings);
    }
    hide(needs, world, rules, &mut choice, warnings);
    for pin in rules.pins.iter().filter(|p| p.only.is_some()) {
        pin_for_one(needs, world, pin, &mut choice, warnings);
    }
    choice.sort();
    choice
}

impl Choice {
    /// Write down who takes another than was decided.
    fn except(&mut self, needs: &Needs<'_, '_>, world: World, key: Key, decision: &Decision) {
        let index = needs.index;
        for over in &decision.overrides {
            let places = index
                .place(world, &over.consumer)
                .zip(index.place(world, &over.provider));
            if let Some((consumer, provider)) = places
                && needs.needed_by(consumer).contains(&key)
            {
                self.others
                    .insert((consumer, key), (provider, over.why.clone()));
            }
        }
    }
}

/// Decide between candidates of a world by its members.
fn decide(
    needs: &Needs<'_, '_>,
    world: World,
    candidates: &[Place],
    keys: &[Key],
    pin: Option<Place>,
) -> Result<Decision, NoLibrary> {
    let index = needs.index;
    let members = index
        .in_world(world)
        .filter(|(_, s)| s.member.is_some())
        .map(|(p, _)| p);
    let mut voters = Vec::new();
    for (consumer, keys) in takers(needs, members, keys) {
        // What a package has itself, all its objects take from it.
        if candidates.contains(&consumer) && keys.iter().all(|k| needs.is_main(consumer, *k)) {
            continue;
        }
        let mut voter = voter(needs, consumer, &keys, candidates);
        // One that does well with none of them is broken already.
        if voter.fits.len() < candidates.len() {
            if !voter.fits.is_empty() {
                voter.can_be_overridden = index.known.files.can_be_overridden(index.id(consumer));
            }
            voters.push(voter);
        }
    }
    let candidates: Vec<InstallationId> = candidates.iter().map(|p| index.id(*p).clone()).collect();
    let first = keys.first().copied().unwrap_or_default();
    let pin = pin.map(|p| index.id(p));
    system_library(
        needs.soname(first),
        &candidates,
        &voters,
        pin,
        index.known.versions,
    )
}

/// A consumer of some libraries.
fn voter(needs: &Needs<'_, '_>, consumer: Place, keys: &[Key], candidates: &[Place]) -> Consumer {
    let index = needs.index;
    let mut fits: BTreeMap<_, Fit> = BTreeMap::new();
    for candidate in candidates {
        for key in keys {
            let Some(fit) = needs.fit(consumer, *key, *candidate) else {
                continue;
            };
            match (fits.get_mut(index.id(*candidate)), fit) {
                (None, fit) => {
                    fits.insert(index.id(*candidate).clone(), fit);
                }
                (Some(Fit::Abi(all)), Fit::Abi(abi)) => {
                    all.missing.extend(abi.missing);
                    all.private.extend(abi.private);
                }
                (Some(_), _) => {}
            }
        }
    }
    let came_with = keys.iter().find_map(|key| needs.came_with(consumer, *key));
    Consumer {
        id: index.id(consumer).clone(),
        came_with: came_with.map(|p| index.id(p).clone()),
        can_be_overridden: true,
        fits,
    }
}

/// Follow a person's choice for all of a world, but for those it does not suit.
fn pin_for_all(
    needs: &Needs<'_, '_>,
    world: World,
    pin: &LibraryPin,
    choice: &mut Choice,
    warnings: &mut Vec<Warning>,
) {
    let index = needs.index;
    let mut refuse = |why: String| {
        let world = Some(index.world_name(world).cloned());
        warnings.push(Warning::Pin {
            pin: pin.clone(),
            world,
            why,
        });
    };
    let Some(provider) = index.place(world, &pin.provider) else {
        return;
    };
    let provided = needs.provided_by(provider).iter().copied();
    let provided: Vec<Key> = provided.filter(|k| needs.is_main(provider, *k)).collect();
    let Some(key) = provided
        .iter()
        .copied()
        .find(|k| *needs.soname(*k) == pin.soname)
    else {
        return;
    };
    let present = choice.providers[key];
    if present == Some(provider) {
        return;
    }
    // The libraries of one build go together.
    let keys: Vec<Key> = provided
        .into_iter()
        .filter(|k| choice.providers[*k] == present)
        .collect();
    let Some(present) = present else {
        let members = index
            .in_world(world)
            .filter(|(_, s)| s.member.is_some())
            .map(|(p, _)| p);
        let unsuited = takers(needs, members, &keys)
            .into_iter()
            .find_map(|(consumer, keys)| {
                let why = keys
                    .iter()
                    .find_map(|k| needs.complaint(consumer, *k, provider))?;
                Some(format!(
                    "{} {why}, and can't be left with the host's",
                    named(index.id(consumer))
                ))
            });
        return match unsuited {
            Some(why) => refuse(why),
            None => keys.iter().for_each(|k| {
                let by = Criterion::Pinned;
                choice.put(
                    needs,
                    *k,
                    provider,
                    &Decision {
                        by,
                        ..only(index, needs, *k, provider)
                    },
                );
            }),
        };
    };
    match decide(needs, world, &[present, provider], &keys, Some(provider)) {
        Ok(decision) => {
            for key in keys {
                choice.put(needs, key, provider, &decision);
                choice.except(needs, world, key, &decision);
            }
        }
        Err(NoLibrary { table, .. }) => {
            let dropped = table.into_iter().find_map(|row| row.dropped);
            let why = dropped
                .map(|(who, why)| format!("{} {why}, and can't be given another", named(&who)));
            refuse(why.unwrap_or_else(|| "it suits nobody".into()));
        }
    }
}

/// Why a package can't do with another provider of a library, and with what else of that one's build goes with it.
fn unfit(
    needs: &Needs<'_, '_>,
    choice: &Choice,
    consumer: Place,
    key: Key,
    provider: Place,
) -> Option<String> {
    let needed = needs.needed_by(consumer);
    let provided = needs.provided_by(provider).iter().copied();
    let together =
        provided.filter(|k| needed.contains(k) && choice.providers[*k] == choice.providers[key]);
    let mut keys = [key].into_iter().chain(together);
    keys.find_map(|key| needs.complaint(consumer, key, provider))
}

/// Follow a person's choice for one package.
fn pin_for_one(
    needs: &Needs<'_, '_>,
    world: World,
    pin: &LibraryPin,
    choice: &mut Choice,
    warnings: &mut Vec<Warning>,
) {
    let index = needs.index;
    let Some(provider) = index.place(world, &pin.provider) else {
        return;
    };
    let about = |(place, spot): &(Place, &super::index::Spot<'_>)| {
        let named = pin.only.as_ref() == Some(spot.facts.id.package());
        named && spot.member.is_some() && *place != provider
    };
    let (mut is_there, mut concerned) = (false, false);
    for (place, _) in index.in_world(world).filter(about) {
        let mut keys = needs.provided_by(provider).iter().copied();
        let key = keys.find(|k| *needs.soname(*k) == pin.soname && needs.is_main(place, *k));
        (is_there, concerned) = (true, concerned || key.is_some());
        let is_given = |k: &Key| {
            choice.providers[*k] == Some(provider) && !choice.others.contains_key(&(place, *k))
        };
        let Some(key) = key.filter(|k| !is_given(k)) else {
            continue;
        };
        let id = index.id(place);
        let why = match unfit(needs, choice, place, key, provider) {
            Some(why) => Some(format!("{} {why}", named(id))),
            None if index.known.files.can_be_overridden(id) => None,
            None => Some("its files can't be rewritten".into()),
        };
        match why {
            Some(why) => {
                let world = Some(index.world_name(world).cloned());
                warnings.push(Warning::Pin {
                    pin: pin.clone(),
                    world,
                    why,
                });
            }
            None => {
                let why = format!("pinned for {}", id.package());
                choice.others.insert((place, key), (provider, why));
            }
        }
    }
    if is_there && !concerned {
        let world = Some(index.world_name(world).cloned());
        let why = "its consumer has nothing of that architecture".into();
        warnings.push(Warning::Pin {
            pin: pin.clone(),
            world,
            why,
        });
    }
}

/// Give those that are not to see a provider another version of it.
fn hide(
    needs: &Needs<'_, '_>,
    world: World,
    rules: &Rules,
    choice: &mut Choice,
    warnings: &mut Vec<Warning>,
) {
    let index = needs.index;
    let mut warned = BTreeSet::new();
    for (consumer, _) in index.in_world(world).filter(|(_, s)| s.member.is_some()) {
        for key in needs.needed_by(consumer) {
            let Some(provider) = choice.providers[*key].filter(|p| *p != consumer) else {
                continue;
            };
            let dependent = index.id(consumer).package();
            let Some(hide) = hidden_by(&rules.hides, index.id(provider), Some(dependent)) else {
                continue;
            };
            let other = index.other_version(index.id(provider), hide, &rules.hides);
            let other = other.and_then(|id| index.place(world, id));
            let other = other.filter(|o| needs.object(*o, *key).is_some());
            match other.filter(|o| unfit(needs, choice, consumer, *key, *o).is_none()) {
                Some(other) => {
                    let why = format!("does not see {hide}");
                    choice.others.insert((consumer, *key), (other, why));
                }
                None if warned.insert((consumer, hide)) => warnings.push(Warning::Hide {
                    hide: hide.clone(),
                    from: index.id(consumer).clone(),
                }),
                None => {}
            }
        }
    }
}

/// The generation's providers: of the worlds', those that need the fewest overrides, as each package is to have its own
/// world's.
pub(super) fn of_generation(needs: &Needs<'_, '_>, worlds: &[Choice]) -> Choice {
    let index = needs.index;
    let mut choice = Choice::new(needs);
    if let [main] = worlds {
        choice.providers = main.providers.clone();
        choice.libraries = main.libraries.clone();
        return choice;
    }
    let mut groups: BTreeMap<(&str, Vec<&InstallationId>), Vec<Key>> = BTreeMap::new();
    for key in needs.keys() {
        let candidates: BTreeSet<&InstallationId> = worlds
            .iter()
            .filter_map(|w| Some(index.id(w.providers[key]?)))
            .collect();
        if !candidates.is_empty() {
            let group = (needs.port(key), candidates.into_iter().collect());
            groups.entry(group).or_default().push(key);
        }
    }
    for ((_, candidates), keys) in groups {
        let mut takers = takers(needs, 0..index.spots.len(), &keys);
        let expected = |consumer: Place, key: Key| worlds[index.world(consumer)].providers[key];
        // The host's can't be given to anybody who would find another.
        let of_host = takers
            .iter()
            .any(|(c, keys)| keys.iter().any(|k| expected(*c, *k).is_none()));
        if of_host {
            continue;
        }
        takers.retain(|consumer, keys| {
            keys.retain(|key| expected(*consumer, *key) != Some(*consumer));
            index.is_home(*consumer) && !keys.is_empty()
        });
        let voter = |(consumer, keys): (&Place, &Vec<Key>)| {
            let own = keys
                .iter()
                .find_map(|k| expected(*consumer, *k))
                .map(|p| index.id(p));
            let others = candidates.iter().filter(|c| Some(**c) != own);
            let why = own.map_or(String::new(), named);
            Consumer {
                id: index.id(*consumer).clone(),
                came_with: own.cloned(),
                can_be_overridden: true,
                fits: others
                    .map(|c| ((*c).clone(), Fit::World(why.clone())))
                    .collect(),
            }
        };
        let voters: Vec<Consumer> = takers.iter().map(voter).collect();
        let all: Vec<InstallationId> = candidates.iter().map(|c| (*c).clone()).collect();
        let first = keys.first().copied().unwrap_or_default();
        let decided = system_library(
            needs.soname(first),
            &all,
            &voters,
            None,
            index.known.versions,
        );
        // Where it is all the same, what the main world has is not touched for a side world.
        let main = keys
            .iter()
            .find_map(|k| worlds[MAIN].providers[*k])
            .map(|p| index.id(p));
        let row = |d: &Decision, id: &InstallationId| {
            d.table
                .iter()
                .find(|r| r.provider == *id)
                .map(|r| r.overrides.clone())
        };
        let decided = decided.map(|best| match main.and_then(|m| Some((m, row(&best, m)?))) {
            Some((main, overrides))
                if overrides.len() == best.overrides.len() && *main != best.provider =>
            {
                let mut table = best.table;
                table.sort_by_key(|row| row.provider != *main);
                Decision {
                    provider: main.clone(),
                    by: Criterion::Main,
                    overrides,
                    table,
                    ..best
                }
            }
            _ => best,
        });
        let Ok(decision) = decided else {
            continue;
        };
        for key in keys {
            let mut of_worlds = worlds.iter().filter_map(|w| w.providers[key]);
            if let Some(place) = of_worlds.find(|p| *index.id(*p) == decision.provider) {
                choice.put(needs, key, place, &decision);
            }
        }
    }
    choice.sort();
    choice
}
