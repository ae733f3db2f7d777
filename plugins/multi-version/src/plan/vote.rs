//! The libraries that a view offers: for each architecture and soname, one provider.
//!
//! Sonames that the same packages provide are decided together, as libraries of one build: a libssl with its
//! libcrypto, a libc with its libm and its ld.so.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PlanError;
use super::needs::{Key, Needs};
use super::relations::Place;
use crate::decide::{Candidate, Consumer, Decision, Fit, hidden_by, system_library};
use crate::layout::Architecture;
use crate::manifest::LibraryPin;

/// What persons and members chose, which the vote has to heed.
pub(super) struct Ballot<'a> {
    /// Those for all, whether the request brought them.
    pub pins: Vec<(&'a LibraryPin, bool)>,
    /// Who takes which key from elsewhere, whatever is decided.
    pub apart: &'a BTreeSet<(Place, Key)>,
    /// Who can be given another library.
    pub can_be_overridden: &'a dyn Fn(Place) -> bool,
}

/// The outcome.
pub(super) struct Vote {
    /// By key.
    pub providers: Vec<Option<Place>>,
    /// With the tables.
    pub libraries: BTreeMap<Architecture, Vec<Decision>>,
}

/// Decide about all libraries.
pub(super) fn vote(needs: &Needs<'_, '_>, ballot: &Ballot<'_>) -> Result<Vote, PlanError> {
    let mut groups: BTreeMap<(&str, Vec<Place>), Vec<Key>> = BTreeMap::new();
    for key in needs.keys() {
        let providers: Vec<Place> = needs.public[key].keys().copied().collect();
        if !providers.is_empty() {
            groups
                .entry((needs.port(key), providers))
                .or_default()
                .push(key);
        }
    }
    let mut consumers: BTreeMap<Key, Vec<Place>> = BTreeMap::new();
    for package in needs.of.keys() {
        for key in needs.needed_by(*package) {
            consumers.entry(*key).or_default().push(*package);
        }
    }
    let index = needs.depends.index;
    let mut vote = Vote {
        providers: vec![None; needs.keys().len()],
        libraries: BTreeMap::new(),
    };
    for ((_, providers), keys) in groups {
        let decision = group(needs, ballot, &providers, &keys, &consumers)?;
        let provider = index.place(&decision.provider);
        for key in keys {
            vote.providers[key] = provider;
            let soname = needs.soname(key).clone();
            let decisions = vote.libraries.entry(needs.architecture(key)).or_default();
            decisions.push(Decision {
                soname,
                ..decision.clone()
            });
        }
    }
    for decisions in vote.libraries.values_mut() {
        decisions.sort_by(|a, b| a.soname.cmp(&b.soname));
    }
    Ok(vote)
}

/// Decide about one group.
fn group(
    needs: &Needs<'_, '_>,
    ballot: &Ballot<'_>,
    providers: &[Place],
    keys: &[Key],
    consumers: &BTreeMap<Key, Vec<Place>>,
) -> Result<Decision, PlanError> {
    let index = needs.depends.index;
    let about = |pin: &LibraryPin| {
        providers.iter().any(|p| *index.id(*p) == pin.provider)
            && keys.iter().any(|k| *needs.soname(*k) == pin.soname)
    };
    let mut pins = ballot.pins.iter().filter(|(p, _)| about(p));
    let pin = pins.next();
    if let (Some((first, _)), Some((other, _))) = (
        pin,
        pins.clone()
            .find(|(p, _)| Some(&p.provider) != pin.map(|(p, _)| &p.provider)),
    ) {
        let why = format!("{}, of the same build, is pinned to another", first.soname);
        let pin = Box::new((*other).clone());
        return Err(PlanError::Pin { pin, why });
    }
    let new_pin = pin.is_some_and(|(_, new)| *new) || pins.any(|(_, new)| *new);
    let pinned = pin.and_then(|(p, _)| index.place(&p.provider));

    // What nobody is to see is no candidate, while there are others.
    let seen = |p: &&Place| hidden_by(needs.depends.hides, index.id(**p), None).is_none();
    let mut candidates: Vec<Place> = providers.iter().filter(seen).copied().collect();
    candidates.extend(pinned.filter(|p| !candidates.contains(p)));
    if candidates.is_empty() {
        candidates = providers.to_vec();
    }

    let mut takes: BTreeMap<Place, Vec<Key>> = BTreeMap::new();
    for key in keys {
        for consumer in consumers.get(key).into_iter().flatten() {
            let itself = needs.is_main(*consumer, *key) && providers.contains(consumer);
            if !itself && !ballot.apart.contains(&(*consumer, *key)) {
                takes.entry(*consumer).or_default().push(*key);
            }
        }
    }
    let mut voters = Vec::new();
    for (consumer, keys) in takes.iter().filter(|_| candidates.len() > 1) {
        let voter = voter(needs, *consumer, keys, &candidates);
        // One that does well with none of them is broken already.
        if voter.fits.len() < candidates.len() {
            let mut voter = voter;
            let fit = pinned.and_then(|p| voter.fits.get(index.id(p)));
            let loses = matches!(fit, Some(Fit::Abi(abi)) if !abi.missing.is_empty());
            // Who chooses a library for all is told whom it would break.
            voter.can_be_overridden = !(new_pin && loses) && (ballot.can_be_overridden)(*consumer);
            voters.push(voter);
        }
    }
    let provider = |p: &Place| Candidate {
        provider: index.id(*p).clone(),
    };
    let candidates: Vec<Candidate> = candidates.iter().map(provider).collect();
    let soname = pin.map(|(p, _)| &p.soname);
    let first = keys.first().copied().unwrap_or_default();
    let soname = soname.unwrap_or_else(|| needs.soname(first));
    let pinned = pinned.map(|p| index.id(p));
    let versions = index.world.versions;
    Ok(system_library(
        soname,
        &candidates,
        &voters,
        pinned,
        versions,
    )?)
}

/// A consumer of some libraries of a group.
fn voter(needs: &Needs<'_, '_>, consumer: Place, keys: &[Key], candidates: &[Place]) -> Consumer {
    let index = needs.depends.index;
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
