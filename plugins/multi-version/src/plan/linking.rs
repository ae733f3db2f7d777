//! How each package is linked: which libraries its own lib/ has, from whom and why.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{has_path_connecting, tarjan_scc, toposort};
use petgraph::graphmap::DiGraphMap;

use super::index::{Index, Place, World};
use super::needs::{Key, Needs};
use super::vote::Choice;

/// How binding an override is; one gives way to a stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// Another library of the same build is overridden.
    Follows,
    /// The generation's choice is not that of its world.
    World,
    /// A process would otherwise load another.
    Mended,
    /// The world's choice won't do for it, or a person's choice.
    Special,
}

/// A library of a package's own lib/.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub provider: Place,
    pub why: String,
    pub strength: Strength,
}

/// An override as a package of some world sees it.
#[derive(Clone, Copy)]
pub(super) struct Given<'l> {
    /// In the package's own world.
    pub provider: Place,
    pub why: &'l str,
    pub strength: Strength,
}

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// In a context of its world.
    Inside,
    /// Outside of contexts.
    Outside,
}

/// The linking of all places.
pub(super) struct Linking<'n, 'i, 'a> {
    pub needs: &'n Needs<'i, 'a>,
    pub worlds: &'n [Choice],
    pub generation: &'n Choice,
    /// Copies in side worlds that are linked as the one of the main world.
    shared: BTreeSet<Place>,
    pub overrides: BTreeMap<Place, BTreeMap<Key, Override>>,
    /// What packages take from themselves.
    own: BTreeMap<Place, BTreeSet<Key>>,
    /// What their programs need besides.
    pub needed: BTreeMap<Place, BTreeSet<Key>>,
}

impl<'n, 'i, 'a> Linking<'n, 'i, 'a> {
    pub fn new(
        needs: &'n Needs<'i, 'a>,
        worlds: &'n [Choice],
        generation: &'n Choice,
    ) -> Linking<'n, 'i, 'a> {
        let own = needs.of.keys().map(|p| (*p, needs.own(*p)));
        Linking {
            own: own.filter(|(_, own)| !own.is_empty()).collect(),
            needs,
            worlds,
            generation,
            shared: BTreeSet::new(),
            overrides: BTreeMap::new(),
            needed: BTreeMap::new(),
        }
    }

    pub fn index(&self) -> &'i Index<'a> {
        self.needs.index
    }

    /// The place that stands for this one: the main world's, if it is linked as that.
    pub fn of(&self, place: Place) -> Place {
        match self.shared.contains(&place) {
            true => self.index().main_copy(place).unwrap_or(place),
            false => place,
        }
    }

    /// Whether two places are one linked package.
    pub fn same(&self, a: Place, b: Place) -> bool {
        self.of(a) == self.of(b)
    }

    /// The override of a package, if it has one.
    pub fn overriding(&self, package: Place, key: Key) -> Option<Given<'_>> {
        if !self.needs.is_main(package, key) {
            return None;
        }
        let of = self.overrides.get(&self.of(package))?.get(&key)?;
        let index = self.index();
        let here = index.place(index.world(package), index.id(of.provider));
        let provider = here.unwrap_or(of.provider);
        Some(Given {
            provider,
            why: &of.why,
            strength: of.strength,
        })
    }

    /// Whether a package takes it from itself.
    pub fn is_own(&self, package: Place, key: Key) -> bool {
        self.own
            .get(&self.of(package))
            .is_some_and(|own| own.contains(&key))
    }

    /// What a package takes from itself.
    pub fn own(&self, package: Place) -> impl Iterator<Item = Key> {
        self.own
            .get(&self.of(package))
            .into_iter()
            .flatten()
            .copied()
    }

    /// What a `lib/` leads to: the world's in its contexts, the generation's outside.
    fn lib(&self, scope: Scope, world: World, key: Key) -> Option<Place> {
        match scope {
            Scope::Inside => self.worlds[world].providers[key],
            Scope::Outside => self.generation.providers[key],
        }
    }

    /// From whom a package's objects get a library: `None`, from the host.
    pub fn provider(&self, scope: Scope, package: Place, key: Key) -> Option<Place> {
        if let Some(of) = self.overriding(package, key) {
            return Some(of.provider);
        }
        if self.is_own(package, key) {
            return Some(package);
        }
        let lib = self.lib(scope, self.index().world(package), key);
        lib.or_else(|| self.needs.private_provider(package, key))
    }

    /// Give a package a library by its own `lib/`, and with it the others of that one's build.
    pub fn give(&mut self, package: Place, key: Key, of: Override) {
        if !self.needs.is_main(package, key) {
            return;
        }
        let provider = of.provider;
        if self.same(provider, package) {
            let overrides = self.overrides.entry(package).or_default();
            if overrides
                .get(&key)
                .is_none_or(|old| old.strength <= of.strength)
            {
                overrides.remove(&key);
                self.own.entry(package).or_default().insert(key);
            }
            return;
        }
        let port = self.needs.port(key);
        let world = self.index().world(package);
        let libs = &self.worlds[world].providers;
        // Not what it needs itself and is decided for itself.
        let needed = self.needs.needed_by(package);
        let others = self.needs.provided_by(provider).iter().copied();
        let others: Vec<Key> = others
            .filter(|k| *k != key && self.needs.port(*k) == port && !self.is_own(package, *k))
            .filter(|k| !needed.contains(k) || libs[*k] == libs[key])
            .collect();
        let why = format!("with its {}", self.needs.soname(key));
        self.put(package, key, of);
        for other in others {
            let strength = Strength::Follows;
            self.put(
                package,
                other,
                Override {
                    provider,
                    why: why.clone(),
                    strength,
                },
            );
        }
    }

    fn put(&mut self, package: Place, key: Key, new: Override) {
        let overrides = self.overrides.entry(package).or_default();
        if overrides
            .get(&key)
            .is_none_or(|old| old.strength <= new.strength)
        {
            overrides.insert(key, new);
            if let Some(own) = self.own.get_mut(&package) {
                own.remove(&key);
            }
        }
    }

    /// Take back what a package was given of a provider.
    pub fn take_back(&mut self, package: Place, provider: Place) {
        if let Some(overrides) = self.overrides.get_mut(&package) {
            overrides.retain(|_, of| of.provider != provider);
        }
    }

    /// Have a copy in a side world linked for itself.
    pub fn part(&mut self, package: Place) {
        let main = self.of(package);
        if !self.shared.remove(&package) {
            return;
        }
        let index = self.index();
        let here = |of: &Override| {
            let provider = index.place(index.world(package), index.id(of.provider))?;
            Some(Override {
                provider,
                ..of.clone()
            })
        };
        let overrides = self.overrides.get(&main).into_iter().flatten();
        let overrides: BTreeMap<Key, Override> = overrides
            .filter_map(|(k, of)| Some((*k, here(of)?)))
            .collect();
        self.overrides.insert(package, overrides);
        for table in [&mut self.own, &mut self.needed] {
            if let Some(keys) = table.get(&main).cloned() {
                table.insert(package, keys);
            }
        }
    }

    /// Share the main world's linking with the copies of a side world, where it has nothing that the side world has not.
    pub fn share(&mut self, world: World) {
        let index = self.index();
        let copies = index
            .in_world(world)
            .map(|(p, _)| p)
            .filter(|p| !index.is_home(*p));
        self.shared.extend(copies);
        loop {
            let unlike = |p: &Place| index.world(*p) == world && !self.fits_here(*p);
            let unlike: Vec<Place> = self.shared.iter().copied().filter(unlike).collect();
            if unlike.is_empty() {
                return;
            }
            for place in unlike {
                self.shared.remove(&place);
            }
        }
    }

    /// Whether a copy finds what it is to find here, linked as in the main world.
    fn fits_here(&self, place: Place) -> bool {
        let (index, main) = (self.index(), self.of(place));
        let here = &self.worlds[index.world(place)];
        let empty = BTreeMap::new();
        let overrides = self.overrides.get(&main).unwrap_or(&empty);
        let due = |key: Key| {
            let other = here.others.get(&(place, key)).map(|(p, _)| *p);
            other.or(here.providers[key])
        };
        let suits = overrides.iter().all(|(key, of)| {
            let Some(copy) = index.place(index.world(place), index.id(of.provider)) else {
                return false;
            };
            let is_due = of.strength == Strength::Follows || due(*key) == Some(copy);
            is_due && self.same(copy, of.provider)
        });
        let others = here.others.range((place, 0)..=(place, Key::MAX));
        suits
            && others
                .into_iter()
                .all(|((_, key), _)| overrides.contains_key(key))
    }

    /// Who is linked with whom, and whether that link is weak: no person asked for it.
    fn graph(&self) -> DiGraphMap<Place, bool> {
        let mut graph = DiGraphMap::new();
        for (package, overrides) in &self.overrides {
            for of in overrides.values() {
                let provider = self.of(of.provider);
                let weak = of.strength < Strength::Mended;
                let so_far = graph
                    .edge_weight(*package, provider)
                    .copied()
                    .unwrap_or(true);
                graph.add_edge(*package, provider, weak && so_far);
            }
        }
        graph
    }

    /// Whether `from` is linked with `to`, directly or not.
    pub fn reaches(&self, from: Place, to: Place) -> bool {
        let (graph, from, to) = (self.graph(), self.of(from), self.of(to));
        let there = graph.contains_node(from) && graph.contains_node(to);
        from == to || there && has_path_connecting(&graph, from, to, None)
    }

    /// A realization's name is made of those it is linked with, so they can't be linked in a circle. Where they would
    /// be, links are dropped, weak ones first: the programs see to it then. Gives the dropped that a person asked for.
    pub fn break_circles(&mut self) -> Vec<(Place, Key, Override)> {
        let graph = self.graph();
        let mut lost = Vec::new();
        for circle in tarjan_scc(&graph) {
            let inside: BTreeSet<Place> = circle.into_iter().collect();
            let edges = graph
                .all_edges()
                .filter(|(a, b, _)| inside.contains(a) && inside.contains(b));
            let mut edges: Vec<(bool, Place, Place)> =
                edges.map(|(a, b, weak)| (*weak, a, b)).collect();
            edges.sort();
            let mut kept: DiGraphMap<Place, ()> = DiGraphMap::new();
            for (_, from, to) in edges {
                let (from, to) = (kept.add_node(from), kept.add_node(to));
                if from != to && !has_path_connecting(&kept, to, from, None) {
                    kept.add_edge(from, to, ());
                } else {
                    lost.extend(self.unlink(from, to));
                }
            }
        }
        lost
    }

    /// Drop a link; gives what of it a person asked for.
    fn unlink(&mut self, from: Place, to: Place) -> Vec<(Place, Key, Override)> {
        let overrides = self.overrides.remove(&from).unwrap_or_default();
        let (gone, stay): (BTreeMap<_, _>, BTreeMap<_, _>) = overrides
            .into_iter()
            .partition(|(_, of)| self.of(of.provider) == to);
        self.overrides.insert(from, stay);
        let gone = gone
            .into_iter()
            .filter(|(_, of)| of.strength == Strength::Special);
        gone.map(|(key, of)| (from, key, of)).collect()
    }

    /// All places that stand for themselves, those with which others are linked before these.
    pub fn order(&self) -> Vec<Place> {
        let mut graph = self.graph();
        for place in (0..self.index().spots.len()).filter(|p| self.of(*p) == *p) {
            graph.add_node(place);
        }
        // Without circles: they were broken.
        let mut order = toposort(&graph, None).unwrap_or_default();
        order.reverse();
        order
    }
}
