//! The set: what is there, less what goes, with what comes; and for whom it came.

use std::collections::{BTreeMap, BTreeSet};

use super::depends::{Choice, Depends, Edges};
use super::error::{PlanError, group_text};
use super::relations::{Index, Place};
use super::{Kept, Request};
use crate::decide::needed;
use crate::facts::Facts;
use crate::layout::InstallationId;
use crate::manifest::{LibraryPin, Manifest, Member, Reason, State};

/// A package of the next generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'w> {
    /// As it was in the current one.
    pub was: Option<&'w Member>,
    pub reason: Reason,
    pub state: State,
    pub own_libraries: bool,
}

/// The next generation's packages.
pub(super) struct Draft<'w> {
    /// Those that are in a tree.
    pub entries: BTreeMap<Place, Entry<'w>>,
    /// Those of which only configuration is left.
    pub left: Vec<Member>,
    /// What the command line names, in its order.
    pub named: Vec<Place>,
    /// What was not in the view; the same as a set, and what came for others.
    pub newcomers: BTreeSet<Place>,
    /// What was there and goes.
    pub leaves: BTreeSet<Place>,
    /// What a new version replaced, and by what.
    pub replaced: BTreeMap<Place, Place>,
    /// What stays though a new version came.
    pub kept: Vec<Kept>,
    /// What was used so far.
    pub used: BTreeMap<Place, BTreeMap<usize, Place>>,
}

impl Draft<'_> {
    /// Its packages.
    pub fn set(&self) -> BTreeSet<Place> {
        self.entries.keys().copied().collect()
    }

    /// Those that somebody asked for.
    pub fn wanted(&self) -> BTreeSet<Place> {
        let wanted =
            |(place, entry): (&Place, &Entry<'_>)| (entry.reason == Reason::Want).then_some(*place);
        self.entries.iter().filter_map(wanted).collect()
    }

    /// Who satisfies what in it.
    pub fn edges(&self, depends: &Depends<'_, '_>) -> Edges {
        let (set, newcomers, used) = (&self.set(), &self.newcomers, &self.used);
        depends.edges(Choice {
            set,
            newcomers,
            used,
        })
    }
}

/// Whether one package takes the place of another, in dpkg's eyes.
fn same_package(a: &Facts, b: &Facts) -> bool {
    let all = |f: &Facts| f.id.architecture().as_str() == "all";
    let named = a.id.package() == b.id.package();
    named && (a.id.architecture() == b.id.architecture() || all(a) || all(b))
}

/// What a request makes of the current generation. `pins` hold from now on.
pub(super) fn draft<'w>(
    depends: &Depends<'_, 'w>,
    current: Option<&'w Manifest>,
    request: &Request,
    pins: &[LibraryPin],
) -> Result<Draft<'w>, PlanError> {
    let index = depends.index;
    let mut draft = present(index, current, request)?;
    for (id, _) in &request.install {
        let place = index
            .place(id)
            .ok_or_else(|| PlanError::NoFacts(id.clone()))?;
        if !draft.named.contains(&place) {
            draft.named.push(place);
        }
    }
    let orphans = orphans(index, &draft, pins);
    let before: BTreeSet<Place> = draft.set();
    draft.newcomers = draft
        .named
        .iter()
        .copied()
        .filter(|p| !before.contains(p))
        .collect();
    let reasons = reasons(depends, &draft, request);
    if !request.side_by_side {
        replace(index, &mut draft, &orphans, &reasons);
    }
    for place in draft.named.clone() {
        let reason = reasons.get(&place).copied().unwrap_or(Reason::Want);
        enter(index, &mut draft, place, reason, &orphans, request);
    }
    configure(index, &mut draft, request)?;
    keep(depends, &mut draft, pins);
    Ok(draft)
}

/// What is there, less what is removed.
fn present<'w>(
    index: &Index<'w>,
    current: Option<&'w Manifest>,
    request: &Request,
) -> Result<Draft<'w>, PlanError> {
    let mut draft = Draft {
        entries: BTreeMap::new(),
        left: Vec::new(),
        named: Vec::new(),
        newcomers: BTreeSet::new(),
        leaves: BTreeSet::new(),
        replaced: BTreeMap::new(),
        kept: Vec::new(),
        used: BTreeMap::new(),
    };
    let mut to_go: BTreeSet<&InstallationId> = request.remove.union(&request.purge).collect();
    for member in current.iter().flat_map(|m| &m.packages) {
        let realization = index.world.realizations.get(&member.realization);
        let absent = || PlanError::NoRealization(member.realization.clone());
        let id = &realization.ok_or_else(absent)?.installation;
        let (goes, purged) = (to_go.remove(id), request.purge.contains(id));
        let comes = request
            .install
            .iter()
            .any(|(i, _)| i.package() == id.package() && i.architecture() == id.architecture());
        if member.state == State::ConfigFiles {
            if !purged && !comes {
                draft.left.push(member.clone());
            }
            continue;
        }
        let place = index
            .place(id)
            .ok_or_else(|| PlanError::NoFacts(id.clone()))?;
        if goes {
            draft.leaves.insert(place);
            if !purged && !comes && index.world.files.leaves_config(id) {
                draft.left.push(Member {
                    state: State::ConfigFiles,
                    slot: None,
                    uses: BTreeMap::new(),
                    relaxed: Vec::new(),
                    ..member.clone()
                });
            }
            continue;
        }
        let uses = member.uses.iter();
        let uses = uses.filter_map(|(group, id)| Some((*group, index.place(id)?)));
        draft.used.insert(place, uses.collect());
        let entry = Entry {
            was: Some(member),
            reason: member.reason,
            state: member.state,
            own_libraries: member.own_libraries,
        };
        draft.entries.insert(place, entry);
    }
    match to_go.into_iter().next() {
        Some(absent) => Err(PlanError::NotThere(absent.clone())),
        None => Ok(draft),
    }
}

/// What of the current generation nothing wanted needs.
fn orphans(index: &Index<'_>, draft: &Draft<'_>, pins: &[LibraryPin]) -> BTreeSet<Place> {
    let needs = draft.entries.keys().map(|place| {
        let used = draft.used.get(place).into_iter().flat_map(BTreeMap::values);
        (
            index.id(*place).clone(),
            used.map(|p| index.id(*p).clone()).collect(),
        )
    });
    let mut wanted: BTreeSet<InstallationId> = draft
        .wanted()
        .into_iter()
        .map(|p| index.id(p).clone())
        .collect();
    wanted.extend(pins.iter().map(|p| p.provider.clone()));
    let parted = needed(&needs.collect(), &wanted);
    parted
        .orphans
        .iter()
        .filter_map(|id| index.place(id))
        .collect()
}

/// For whom each of the command line comes: what of it another one of it depends on and was not wanted before is an
/// auto, unless it was named alone.
fn reasons(
    depends: &Depends<'_, '_>,
    draft: &Draft<'_>,
    request: &Request,
) -> BTreeMap<Place, Reason> {
    let index = depends.index;
    let named: BTreeSet<Place> = draft.named.iter().copied().collect();
    let edges = depends.edges(Choice {
        set: &named,
        newcomers: &named,
        used: &BTreeMap::new(),
    });
    let mut reasons = BTreeMap::new();
    for (id, reason) in &request.install {
        if let (Some(place), Some(reason)) = (index.place(id), reason) {
            reasons.insert(place, *reason);
        }
    }
    let wanted_before = |place: &Place| {
        draft.entries.iter().any(|(other, entry)| {
            entry.reason == Reason::Want && same_package(index.facts(*other), index.facts(*place))
        })
    };
    let depended: BTreeSet<Place> = named
        .iter()
        .flat_map(|from| edges.of(*from).filter(move |to| to != from))
        .collect();
    for place in &draft.named {
        let alone = named.len() == 1;
        if alone || !depended.contains(place) || wanted_before(place) {
            reasons.entry(*place).or_insert(Reason::Want);
        }
    }
    // Those that depend on each other, and that nobody else needs: the first one named is wanted.
    let mut reached = BTreeSet::new();
    let mut left: Vec<Place> = Vec::new();
    left.extend(
        reasons
            .iter()
            .filter(|(_, r)| **r == Reason::Want)
            .map(|(p, _)| *p),
    );
    for place in &draft.named {
        while let Some(next) = left.pop() {
            if reached.insert(next) {
                left.extend(edges.of(next));
            }
        }
        if !reached.contains(place) && !reasons.contains_key(place) {
            reasons.insert(*place, Reason::Want);
            left.push(*place);
        }
    }
    for place in &draft.named {
        reasons.entry(*place).or_insert(Reason::Auto);
    }
    reasons
}

/// As dpkg: a new version takes the place of the old ones, but not of an orphan, unless it is wanted; and of several
/// that are named, the last is meant.
fn replace(
    index: &Index<'_>,
    draft: &mut Draft<'_>,
    orphans: &BTreeSet<Place>,
    reasons: &BTreeMap<Place, Reason>,
) {
    let named = std::mem::take(&mut draft.named);
    for (at, place) in named.iter().enumerate() {
        let later = named.get(at + 1..).unwrap_or_default();
        let again = |other: &&Place| same_package(index.facts(**other), index.facts(*place));
        if let Some(by) = later.iter().rfind(again) {
            draft.newcomers.remove(place);
            if draft.entries.contains_key(place) {
                draft.leaves.insert(*place);
                draft.replaced.insert(*place, *by);
            }
        } else {
            draft.named.push(*place);
        }
    }
    for new in &draft.named {
        for old in draft.entries.keys().filter(|old| *old != new) {
            let waits = orphans.contains(old) && reasons.get(new) == Some(&Reason::Auto);
            if same_package(index.facts(*old), index.facts(*new)) && !waits {
                draft.leaves.insert(*old);
                draft.replaced.insert(*old, *new);
            }
        }
    }
}

/// Put a package of the command line into the set.
fn enter(
    index: &Index<'_>,
    draft: &mut Draft<'_>,
    place: Place,
    reason: Reason,
    orphans: &BTreeSet<Place>,
    request: &Request,
) {
    let id = index.id(place);
    let asked = request
        .install
        .iter()
        .find(|(i, _)| i == id)
        .and_then(|(_, r)| *r);
    if let Some(entry) = draft.entries.get_mut(&place) {
        // The same version again: nothing changes, but that it may be wanted now.
        entry.reason = asked.unwrap_or(match entry.reason {
            Reason::Want => Reason::Want,
            Reason::Auto => reason,
        });
        if !request.unpack_only {
            entry.state = State::Installed;
        }
        entry.own_libraries |= request.own_libraries;
        return;
    }
    // An upgrade is wanted by whom the old version was wanted.
    let old = draft.replaced.iter().filter(|(_, new)| **new == place);
    let old: Vec<Reason> = old
        .filter(|(old, _)| !orphans.contains(old))
        .filter_map(|(old, _)| Some(draft.entries.get(old)?.reason))
        .collect();
    let reason = asked.unwrap_or(match old.as_slice() {
        [] => reason,
        old if old.contains(&Reason::Want) => Reason::Want,
        _ => Reason::Auto,
    });
    let entry = Entry {
        was: None,
        reason,
        state: match request.unpack_only {
            true => State::Unpacked,
            false => State::Installed,
        },
        own_libraries: request.own_libraries,
    };
    draft.entries.insert(place, entry);
}

fn configure(index: &Index<'_>, draft: &mut Draft<'_>, request: &Request) -> Result<(), PlanError> {
    for id in &request.configure {
        let entry = index.place(id).and_then(|p| draft.entries.get_mut(&p));
        let entry = entry.ok_or_else(|| PlanError::NotThere(id.clone()))?;
        entry.state = State::Installed;
    }
    Ok(())
}

/// Take out what is replaced, but what a member needs: by a dependency that nothing else in the view satisfies, for
/// its own libraries, or by a pin.
fn keep(depends: &Depends<'_, '_>, draft: &mut Draft<'_>, pins: &[LibraryPin]) {
    let index = depends.index;
    let mut reserve = BTreeMap::new();
    for old in draft.replaced.keys() {
        if let Some(mut entry) = draft.entries.remove(old) {
            entry.reason = Reason::Auto;
            reserve.insert(*old, entry);
        }
    }
    for pin in pins {
        let place = index.place(&pin.provider);
        if let Some((place, entry)) = place.and_then(|p| Some((p, reserve.remove(&p)?))) {
            draft.entries.insert(place, entry);
            let id = index.id(place);
            draft.kept.push(Kept {
                package: id.clone(),
                by: id.clone(),
                needs: format!("pin of {}", pin.soname),
            });
        }
    }
    let mut set = draft.set();
    let mut to_see: Vec<Place> = set.iter().copied().collect();
    while let Some(from) = to_see.pop().filter(|_| !reserve.is_empty()) {
        let own = draft
            .entries
            .get(&from)
            .is_some_and(|e| e.own_libraries && e.was.is_some());
        for (number, group) in depends.groups(from).iter().enumerate() {
            let (newcomers, used) = (&draft.newcomers, &draft.used);
            let choice = Choice {
                set: &set,
                newcomers,
                used,
            };
            let its_own = used.get(&from).and_then(|u| u.get(&number)).copied();
            let its_own = its_own.filter(|place| own && reserve.contains_key(place));
            if its_own.is_none() && depends.choose(from, number, choice).0.is_some() {
                continue;
            }
            let olds: BTreeSet<Place> = reserve.keys().copied().collect();
            let choice = Choice {
                set: &olds,
                ..choice
            };
            let old = its_own.or_else(|| depends.choose(from, number, choice).0);
            if let Some((old, entry)) = old.and_then(|o| Some((o, reserve.remove(&o)?))) {
                draft.entries.insert(old, entry);
                set.insert(old);
                draft.kept.push(Kept {
                    package: index.id(old).clone(),
                    by: index.id(from).clone(),
                    needs: group_text(group.relations),
                });
                to_see.push(old);
            }
        }
    }
    for kept in draft.entries.keys() {
        draft.leaves.remove(kept);
        draft.replaced.remove(kept);
    }
}
