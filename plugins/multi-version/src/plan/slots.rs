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
    let mut laid = Laid::new(trees, &clashes);
    name(trees, &laid.root, &mut laid.slots);
    let mut found = BTreeMap::new();
    for slot in &laid.slots {
        let Some(name) = slot.name.clone() else {
            continue;
        };
        let why = |place: &Place| {
            let leader = laid.follows.get(place).filter(|l| !laid.root.contains(l));
            if let Some(leader) = leader {
                let leader = trees.depends.index.id(*leader).clone();
                return Some((*place, WhySlot::Follows(leader)));
            }
            let (with, path) = clash(&clashes, *place, &laid.root)?;
            let with = trees.depends.index.id(with).clone();
            let path = path.to_path_buf();
            Some((*place, WhySlot::Shares { with, path }))
        };
        let packages = slot.packages.iter().filter_map(why);
        found.insert(name, packages.collect());
    }
    found
}

/// Which package is in which tree.
struct Laid {
    root: BTreeSet<Place>,
    slots: Vec<Slot>,
    follows: BTreeMap<Place, Place>,
}

impl Laid {
    fn new(trees: &Trees<'_, '_>, clashes: &Clashes<'_>) -> Laid {
        let slot_before = |p: &Place| {
            let entry = trees.draft.entries.get(p)?;
            entry.was.and_then(|m| m.slot.clone())
        };
        let (mut root, mut movers) = (BTreeSet::new(), Vec::new());
        for place in by_claim(trees, &|p| slot_before(p).is_some()) {
            match clash(clashes, place, &root) {
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
            join(trees, clashes, &mut slots, place);
        }
        let mut laid = Laid {
            root,
            slots,
            follows: BTreeMap::new(),
        };
        laid.follow(trees, clashes);
        // Each that comes back keeps out what it clashes with, so that this ends; it is bounded all the same.
        for _ in 0..trees.draft.entries.len() {
            if !laid.come_back(trees, clashes) {
                break;
            }
            laid.follow(trees, clashes);
        }
        laid.slots.retain(|s| !s.packages.is_empty());
        laid
    }

    /// Who followed another into a slot made room for one that it clashed with, and this one's followers.
    fn come_back(&mut self, trees: &Trees<'_, '_>, clashes: &Clashes<'_>) -> bool {
        let free = |p: &Place| {
            let must = self.follows.contains_key(p) && self.leader(trees, clashes, *p).is_some();
            !must && clash(clashes, *p, &self.root).is_none()
        };
        let all = self.slots.iter().flat_map(|s| s.packages.iter());
        let Some(place) = all.copied().find(free) else {
            return false;
        };
        self.root.insert(place);
        self.follows.remove(&place);
        for slot in &mut self.slots {
            slot.packages.retain(|p| *p != place);
        }
        true
    }
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
    let mine = |slot: &Slot| slot.name.is_none() && slot.fresh == fresh;
    let fit = |slot: &&Slot| fits(clashes, slot, place);
    let find = |like: &dyn Fn(&Slot) -> bool| slots.iter().position(|s| like(s) && fit(&s));
    let at = find(&related).or_else(|| find(&mine));
    let slot = at.and_then(|at| slots.get_mut(at));
    match slot {
        Some(slot) => slot.packages.push(place),
        None => slots.push(Slot {
            fresh,
            ..Slot::new(None, place)
        }),
    }
}

impl Laid {
    /// What depends on a package in a slot, where nothing of the view's own tree will do, goes there, too, unless it
    /// only takes libraries from it.
    fn follow(&mut self, trees: &Trees<'_, '_>, clashes: &Clashes<'_>) {
        let find = |laid: &Laid| {
            laid.root
                .iter()
                .find_map(|p| laid.leader(trees, clashes, *p))
        };
        while let Some((place, by, at)) = find(self) {
            self.root.remove(&place);
            self.follows.insert(place, by);
            if let Some(slot) = self.slots.get_mut(at) {
                slot.packages.push(place);
            }
        }
    }

    /// Whom a package of the view's own tree has to follow, and into which slot.
    fn leader(
        &self,
        trees: &Trees<'_, '_>,
        clashes: &Clashes<'_>,
        place: Place,
    ) -> Option<(Place, Place, usize)> {
        let used = trees.edges.by.get(&place)?.iter();
        let mut away =
            used.filter(|(_, by)| !self.root.contains(by) && !(trees.is_linked)(place, **by));
        let slot_before = |p: &Place| Some(&trees.draft.entries.get(p)?.was?.slot);
        away.find_map(|(number, by)| {
            // It was so before, and the package did not follow.
            let used = trees.draft.used.get(&place).and_then(|u| u.get(number));
            let stayed = slot_before(&place).is_some_and(Option::is_none);
            if stayed && used == Some(by) && slot_before(by).is_some_and(Option::is_some) {
                return None;
            }
            let group = trees.depends.groups(place).get(*number)?;
            let seen = |p: &Place| trees.depends.hidden(*p, place).is_none();
            let will_do = |p: &Place| group.is_satisfied_by(*p) && seen(p);
            if group.host.is_some() || self.root.iter().any(will_do) {
                return None;
            }
            let slot = |s: &Slot| s.packages.contains(by) && fits(clashes, s, place);
            Some((place, *by, self.slots.iter().position(slot)?))
        })
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
