//! Realizations, and the table of who takes what from whom.

use std::collections::{BTreeMap, BTreeSet};

use super::Link;
use super::error::PlanError;
use super::linking::Linking;
use super::relations::Place;
use crate::layout::RealizationId;
use crate::manifest::Realization;

/// The realizations of a set, those with which others are linked before these, and which is whose.
pub(super) fn realizations(
    linking: &Linking<'_, '_, '_>,
    set: &BTreeSet<Place>,
    rpath: &dyn Fn(Place) -> bool,
) -> Result<(Vec<Realization>, BTreeMap<Place, RealizationId>), PlanError> {
    let needs = linking.needs;
    let index = needs.depends.index;
    let id = |place: &Place| index.id(*place).clone();
    let order = linking
        .order()
        .map_err(|circle| PlanError::Cycle(circle.iter().map(id).collect()))?;
    let first: BTreeSet<Place> = order.iter().copied().collect();
    let rest = set.iter().copied().filter(|p| !first.contains(p));
    let mut realized: BTreeMap<Place, RealizationId> = BTreeMap::new();
    let mut realizations = Vec::new();
    for place in order.into_iter().chain(rest) {
        let facts = index.facts(place);
        let sonames = |keys: Option<&BTreeSet<usize>>| {
            keys.into_iter()
                .flatten()
                .map(|k| needs.soname(*k).clone())
                .collect()
        };
        let overrides = linking.overrides.get(&place).into_iter().flatten();
        let overrides = overrides.filter_map(|(key, of)| {
            Some((
                needs.soname(*key).clone(),
                realized.get(&of.provider)?.clone(),
            ))
        });
        let realization = Realization {
            installation: facts.id.clone(),
            sha256: facts.installation.sha256,
            overrides: overrides.collect(),
            own: sonames(linking.own.get(&place)),
            needed: sonames(linking.needed.get(&place)),
            rpath: rpath(place),
            policy: index.world.policy,
        };
        realized.insert(place, realization.id());
        realizations.push(realization);
    }
    Ok((realizations, realized))
}

/// Every need of every package's objects, once.
pub(super) fn links(linking: &Linking<'_, '_, '_>) -> Vec<Link> {
    let needs = linking.needs;
    let index = needs.depends.index;
    let mut links = Vec::new();
    for package in needs.of.keys() {
        let mut keys = needs.needed_by(*package).clone();
        keys.extend(linking.needed.get(package).into_iter().flatten());
        for key in keys {
            let provider = linking.provider(*package, key);
            let overriding = match linking.overriding(*package, key) {
                Some(of) => Some(of.why.clone()),
                None if linking
                    .own
                    .get(package)
                    .is_some_and(|own| own.contains(&key)) =>
                {
                    Some("its own".into())
                }
                None => None,
            };
            links.push(Link {
                consumer: index.id(*package).clone(),
                architecture: needs.architecture(key),
                soname: needs.soname(key).clone(),
                provider: provider.map(|p| index.id(p).clone()),
                overriding,
            });
        }
    }
    links
}
