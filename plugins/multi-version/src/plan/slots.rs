//! Slots: trees of packages that can't be in the view's own tree, because something else is at one of their paths.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use super::depends::{Depends, Edges};
use super::relations::Place;
use super::set::Draft;
use super::{InSlot, WhySlot};
use crate::layout::{InstallationId, SlotName};

/// What deciding about trees takes.
pub(super) struct Trees<'d, 'w> {
    pub depends: &'d Depends<'d, 'w>,
    pub draft: &'d Draft<'w>,
    pub edges: &'d Edges,
    /// Who provides a library of the view's.
    pub system: &'d BTreeSet<Place>,
    /// Whether one is linked with another's libraries, which it finds in whatever tree they are.
    pub is_linked: &'d dyn Fn(Place, Place) -> bool,
    /// The wanted package that one is needed for.
    pub needed_for: &'d dyn Fn(Place) -> Option<Place>,
}

/// Who can't be in one tree with whom, and the path.
type Clashes<'w> = BTreeMap<Place, BTreeMap<Place, &'w Path>>;

/// The packages in slots: each slot's, with the reasons.
pub(super) fn slots(trees: &Trees<'_, '_>) -> BTreeMap<SlotName, Vec<(Place, WhySlot)>> {
    let clashes = clashes(trees);
    let slot_before = |p: &Place| {
        let entry = trees.draft.entries.get(p)?;
        entry.was.and_then(|m| m.slot.clone())
    };
    let mut root: BTreeSet<Place> = BTreeSet::new();
    let mut movers: Vec<Place> = Vec::new();
    for place in by_claim(trees, &|p| slot_before(p).is_some()) {
        match clash(&clashes, place, &root) {
            None => {
                root.insert(place);
            }
            Some(_) => movers.push(place),
        }
    }
    let mut slots: Vec<Slot> = Vec::new();
    for place in &movers {
        if let Some(name) = slot_before(place) {
            match slots.iter_mut().find(|s| s.name.as_ref() == Some(&name)) {
                Some(slot) => slot.packages.push(*place),
                None => slots.push(Slot::new(Some(name), *place)),
            }
        }
    }
    movers.retain(|p| slot_before(p).is_none());
    let named = |p: &Place| trees.draft.named.iter().position(|n| n == p);
    movers.sort_by_key(|p| (named(p).unwrap_or(usize::MAX), *p));
    for place in movers {
        join(trees, &clashes, &mut slots, place);
    }
    let mut follows = BTreeMap::new();
    follow(trees, &clashes, &mut root, &mut slots, &mut follows);
    name(trees, &root, &mut slots);
    let mut found = BTreeMap::new();
    for slot in slots {
        let Some(name) = slot.name else { continue };
        let why = |place: Place| match (clash(&clashes, place, &root), follows.get(&place)) {
            (_, Some(leader)) => WhySlot::Follows(trees.depends.index.id(*leader).clone()),
            (Some((with, path)), None) => WhySlot::Shares {
                with: trees.depends.index.id(with).clone(),
                path: path.to_path_buf(),
            },
            // With whom it clashed has gone to a slot itself.
            (None, None) => WhySlot::Stays,
        };
        let packages = slot.packages.iter().map(|p| (*p, why(*p)));
        found.insert(name, packages.collect());
    }
    found
}

struct Slot {
    /// Of an old one.
    name: Option<SlotName>,
    packages: Vec<Place>,
    /// Whether it is for what just came.
    fresh: bool,
}

impl Slot {
    fn new(name: Option<SlotName>, first: Place) -> Slot {
        Slot {
            name,
            packages: vec![first],
            fresh: false,
        }
    }
}

/// All packages, those first that rather stay in the view's own tree: who provides a library of the view's, who is
/// wanted, who was there, who is named first. Those that have a slot come last: they stay there while they must.
fn by_claim(trees: &Trees<'_, '_>, has_slot: &dyn Fn(&Place) -> bool) -> Vec<Place> {
    let draft = trees.draft;
    let wanted = draft.wanted();
    let mut places: Vec<Place> = draft.entries.keys().copied().collect();
    places.sort_by_key(|p| {
        (
            has_slot(p),
            !trees.system.contains(p),
            !wanted.contains(p),
            draft.newcomers.contains(p),
            draft
                .named
                .iter()
                .position(|n| n == p)
                .unwrap_or(usize::MAX),
            *p,
        )
    });
    places
}

fn clashes<'w>(trees: &Trees<'_, 'w>) -> Clashes<'w> {
    let index = trees.depends.index;
    let bytes = |path: &'w Path| path.as_os_str().as_encoded_bytes();
    let mut owners: HashMap<&[u8], Vec<Place>> = HashMap::new();
    for place in trees.draft.entries.keys() {
        for path in &index.facts(*place).paths {
            owners.entry(bytes(path)).or_default().push(*place);
        }
    }
    let mut clashes: Clashes<'w> = BTreeMap::new();
    let mut note = |a: Place, b: Place, path: &'w Path| {
        clashes.entry(a).or_default().insert(b, path);
        clashes.entry(b).or_default().insert(a, path);
    };
    let mut known: BTreeSet<(Place, Place)> = BTreeSet::new();
    // Directories of which it is known that nobody has something else there.
    let mut clean: HashSet<&[u8]> = HashSet::new();
    for place in trees.draft.entries.keys().copied() {
        for path in &index.facts(place).paths {
            let others = owners.get(bytes(path)).into_iter().flatten().copied();
            for other in others.filter(|o| *o > place) {
                let same = |a, b| index.world.files.same(index.id(a), index.id(b), path);
                if !known.contains(&(place, other)) && !same(place, other) {
                    known.insert((place, other));
                    note(place, other, path);
                }
            }
            for dir in path.ancestors().skip(1) {
                if dir.as_os_str().is_empty() || clean.contains(bytes(dir)) {
                    break;
                }
                match owners.get(bytes(dir)) {
                    None => {
                        clean.insert(bytes(dir));
                    }
                    Some(others) => {
                        for other in others.iter().copied().filter(|o| *o != place) {
                            if known.insert((place.min(other), place.max(other))) {
                                note(place, other, dir);
                            }
                        }
                    }
                }
            }
        }
    }
    clashes
}

fn clash<'w>(
    clashes: &Clashes<'w>,
    place: Place,
    tree: &BTreeSet<Place>,
) -> Option<(Place, &'w Path)> {
    let mut with = clashes.get(&place)?.iter();
    with.find(|(p, _)| tree.contains(p))
        .map(|(p, path)| (*p, *path))
}

fn fits(clashes: &Clashes<'_>, slot: &Slot, place: Place) -> bool {
    let of = clashes.get(&place);
    let clashes = |p: &Place| of.is_some_and(|of| of.contains_key(p));
    !slot.packages.iter().any(clashes)
}

/// Find a slot for a package that has none: that of what it uses or is used by, then one with others that just came
/// as it did, or were there as it was.
fn join(trees: &Trees<'_, '_>, clashes: &Clashes<'_>, slots: &mut Vec<Slot>, place: Place) {
    let fresh = trees.draft.newcomers.contains(&place);
    let related = |slot: &Slot| {
        let uses = |a: Place, b: Place| trees.edges.of(a).any(|p| p == b);
        slot.packages
            .iter()
            .any(|p| uses(*p, place) || uses(place, *p))
    };
    let fit = |slot: &&mut Slot| fits(clashes, slot, place);
    let mine = |slot: &&mut Slot| slot.name.is_none() && slot.fresh == fresh;
    let known = |slot: &&mut Slot| slot.name.is_some() && related(slot);
    let slot = match slots
        .iter()
        .any(|s| s.name.is_some() && related(s) && fits(clashes, s, place))
    {
        true => slots.iter_mut().filter(fit).find(known),
        false => slots.iter_mut().filter(fit).find(mine),
    };
    match slot {
        Some(slot) => slot.packages.push(place),
        None => slots.push(Slot {
            fresh,
            ..Slot::new(None, place)
        }),
    }
}

/// What depends on a package in a slot, where nothing of the view's own tree will do, goes there, too, unless it only
/// takes libraries from it.
fn follow(
    trees: &Trees<'_, '_>,
    clashes: &Clashes<'_>,
    root: &mut BTreeSet<Place>,
    slots: &mut [Slot],
    follows: &mut BTreeMap<Place, Place>,
) {
    loop {
        let mut moved = None;
        'search: for place in root.iter().copied() {
            for (number, by) in trees.edges.by.get(&place).into_iter().flatten() {
                if root.contains(by) || (trees.is_linked)(place, *by) {
                    continue;
                }
                let Some(group) = trees.depends.groups(place).get(*number) else {
                    continue;
                };
                let seen = |p: &Place| trees.depends.hidden(*p, place).is_none();
                let will_do = |p: &Place| group.is_satisfied_by(*p) && seen(p);
                if group.host.is_some() || root.iter().any(will_do) {
                    continue;
                }
                let at = slots
                    .iter()
                    .position(|s| s.packages.contains(by) && fits(clashes, s, place));
                if let Some(at) = at {
                    moved = Some((place, *by, at));
                    break 'search;
                }
            }
        }
        let Some((place, by, at)) = moved else { return };
        root.remove(&place);
        follows.insert(place, by);
        if let Some(slot) = slots.get_mut(at) {
            slot.packages.push(place);
        }
    }
}

/// Name the new slots: by their first wanted package; if none is, by the wanted one that came and needs the first, or
/// by the first itself.
fn name(trees: &Trees<'_, '_>, root: &BTreeSet<Place>, slots: &mut [Slot]) {
    let index = trees.depends.index;
    let wanted = trees.draft.wanted();
    let came = |p: &Place| trees.draft.newcomers.contains(p);
    let mut taken: BTreeSet<SlotName> = slots.iter().filter_map(|s| s.name.clone()).collect();
    for slot in slots.iter_mut().filter(|s| s.name.is_none()) {
        let first = slot.packages.iter().copied().find(|p| wanted.contains(p));
        let for_whom = |p: &Place| (trees.needed_for)(*p).filter(came);
        let first = first.or_else(|| slot.packages.iter().find_map(for_whom));
        let Some(first) = first.or_else(|| slot.packages.first().copied()) else {
            continue;
        };
        let id = index.id(first);
        let alike = root.iter().map(|p| index.id(*p)).filter(|i| *i != id);
        let alike: Vec<&InstallationId> = alike.filter(|i| i.package() == id.package()).collect();
        let name = name_of(id, &alike, &taken);
        slot.name = name.clone();
        taken.extend(name);
    }
}

/// A name for a slot: the package's, with its version if `alike` of that name are in the view's own tree, and its
/// architecture if the version is there, too.
fn name_of(
    id: &InstallationId,
    alike: &[&InstallationId],
    taken: &BTreeSet<SlotName>,
) -> Option<SlotName> {
    let mut text = id.package().to_string();
    if alike.iter().any(|i| i.version() != id.version()) {
        text = format!("{text}-{}", id.version());
    }
    if alike.iter().any(|i| i.version() == id.version()) {
        text = format!("{text}-{}", id.architecture());
    }
    let fit = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-') => c,
        _ => '-',
    };
    // A name has at most 120 characters.
    let text: String = text.chars().map(fit).take(100).collect();
    let numbered = (2u32..).map(|n| format!("{text}-{n}"));
    let mut names = std::iter::once(text.clone()).chain(numbered);
    names.find_map(|n| SlotName::new(&n).ok().filter(|n| !taken.contains(n)))
}

/// As a plan has it.
pub(super) fn shown(
    depends: &Depends<'_, '_>,
    slots: BTreeMap<SlotName, Vec<(Place, WhySlot)>>,
) -> BTreeMap<SlotName, Vec<InSlot>> {
    let in_slot = |(place, why): (Place, WhySlot)| InSlot {
        package: depends.index.id(place).clone(),
        why,
    };
    let of = |packages: Vec<(Place, WhySlot)>| packages.into_iter().map(in_slot).collect();
    slots
        .into_iter()
        .map(|(name, packages)| (name, of(packages)))
        .collect()
}
