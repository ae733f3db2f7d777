//! Realizations, and the tables of who takes what from whom.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{Place, World};
use super::linking::{Linking, Scope};
use super::vote::Choice;
use super::{Lib, Link, Offered};
use crate::layout::{InstallationId, RealizationId};
use crate::manifest::Realization;

/// The realizations of all places, those with which others are linked before these, each once; and which is whose.
pub(super) fn realizations(
    linking: &Linking<'_, '_, '_>,
) -> (Vec<Realization>, BTreeMap<Place, RealizationId>) {
    let (needs, index) = (linking.needs, linking.index());
    let used = used(linking);
    let by_rpath = by_rpath(linking);
    let mut realized: BTreeMap<Place, RealizationId> = BTreeMap::new();
    let mut realizations: Vec<Realization> = Vec::new();
    let mut made = BTreeSet::new();
    for place in linking.order().into_iter().filter(|p| used.contains(p)) {
        let spot = index.spot(place);
        let overrides = linking.overrides.get(&place).into_iter().flatten();
        let overrides = overrides.filter_map(|(key, of)| {
            let provider = realized.get(&linking.of(of.provider))?;
            Some((needs.soname(*key).clone(), provider.clone()))
        });
        let needed = linking.needed.get(&place).into_iter().flatten();
        let realization = Realization {
            installation: spot.facts.id.clone(),
            sha256: spot.facts.installation.sha256,
            overrides: overrides.collect(),
            own: linking
                .own(place)
                .map(|k| needs.soname(k).clone())
                .collect(),
            needed: needed.map(|k| needs.soname(*k).clone()).collect(),
            rpath: spot.member.is_some_and(|m| m.rpath) || by_rpath.contains(&place),
            policy: index.known.policy,
        };
        let id = realization.id();
        if made.insert(id.clone()) {
            realizations.push(realization);
        }
        realized.insert(place, id);
    }
    let copies = (0..index.spots.len()).filter(|p| !realized.contains_key(p));
    let copies: Vec<(Place, RealizationId)> = copies
        .filter_map(|p| Some((p, realized.get(&linking.of(p))?.clone())))
        .collect();
    realized.extend(copies);
    (realizations, realized)
}

/// The places that have to be linked by DT_RPATH for what is in their world.
fn by_rpath(linking: &Linking<'_, '_, '_>) -> BTreeSet<Place> {
    let index = linking.index();
    let mut found = BTreeSet::new();
    for world in 0..index.worlds.len() {
        let ids = index
            .in_world(world)
            .map(|(_, s)| s.facts.id.clone())
            .collect();
        let keep = index.known.files.keeps_rpath(&ids);
        let here = index
            .in_world(world)
            .filter(|(_, s)| keep.contains(&s.facts.id));
        found.extend(here.map(|(place, _)| linking.of(place)));
    }
    found
}

/// The places that are members of a world, and those whose libraries somebody takes.
fn used(linking: &Linking<'_, '_, '_>) -> BTreeSet<Place> {
    let index = linking.index();
    let members = (0..index.spots.len()).filter(|p| index.spot(*p).member.is_some());
    let mut left: Vec<Place> = members.map(|p| linking.of(p)).collect();
    let libs = linking.worlds.iter().chain([linking.generation]);
    let libs = libs.flat_map(|c| c.providers.iter().flatten());
    left.extend(libs.map(|p| linking.of(*p)));
    let mut used = BTreeSet::new();
    while let Some(place) = left.pop() {
        if used.insert(place) {
            let of = linking
                .overrides
                .get(&place)
                .into_iter()
                .flat_map(BTreeMap::values);
            left.extend(of.map(|of| linking.of(of.provider)));
        }
    }
    used
}

/// Every need of every package's objects of a world, once.
pub(super) fn links(linking: &Linking<'_, '_, '_>, world: World) -> Vec<Link> {
    let (needs, index) = (linking.needs, linking.index());
    let mut links = Vec::new();
    for (package, _) in index.in_world(world) {
        let mut keys = needs.needed_by(package).clone();
        keys.extend(
            linking
                .needed
                .get(&linking.of(package))
                .into_iter()
                .flatten(),
        );
        for key in keys {
            let provider = linking.provider(Scope::Inside, package, key);
            let overriding = match linking.overriding(package, key) {
                Some(of) => Some(of.why.into()),
                None => linking.is_own(package, key).then(|| "its own".into()),
            };
            links.push(Link {
                consumer: index.id(package).clone(),
                architecture: needs.architecture(key),
                soname: needs.soname(key).clone(),
                provider: provider.map(|p| index.id(p).clone()),
                overriding,
            });
        }
    }
    links
}

/// What a `lib/` holds.
pub(super) fn lib(
    linking: &Linking<'_, '_, '_>,
    realized: &BTreeMap<Place, RealizationId>,
    choice: &Choice,
) -> Lib {
    let (needs, index) = (linking.needs, linking.index());
    let mut lib = Lib::new();
    for key in needs.keys() {
        if let Some(place) = choice.providers[key]
            && let Some(realization) = realized.get(&place)
        {
            let (installation, realization) = (index.id(place).clone(), realization.clone());
            let names = lib.entry(needs.architecture(key)).or_default();
            names.insert(
                needs.soname(key).clone(),
                Offered {
                    installation,
                    realization,
                },
            );
        }
    }
    lib
}

/// What a world has besides its members, and is linked.
pub(super) fn kept(
    linking: &Linking<'_, '_, '_>,
    realized: &BTreeMap<Place, RealizationId>,
    world: World,
) -> BTreeMap<InstallationId, RealizationId> {
    let index = linking.index();
    let besides = index.in_world(world).filter(|(_, s)| s.member.is_none());
    let of = |(place, spot): (Place, &super::index::Spot<'_>)| {
        Some((spot.facts.id.clone(), realized.get(&place)?.clone()))
    };
    besides.filter_map(of).collect()
}
