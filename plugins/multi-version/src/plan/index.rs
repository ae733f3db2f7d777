//! All that can be linked, by place: the stored packages of each world, and what a world has besides for its libraries
//! alone; and who of a world uses whom.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::error::PlanError;
use super::observed::{Known, Observed, ObservedMember, ObservedWorld, Rules};
use super::relations::Named;
use super::{Edge, Satisfied};
use crate::decide::newest_visible;
use crate::facts::Facts;
use crate::layout::{InstallationId, SideName};
use crate::manifest::{Hide, State};

/// A place: a number.
pub(super) type Place = usize;
/// A world, by its place among the observed: the main one is 0.
pub(super) type World = usize;
/// The main one.
pub(super) const MAIN: World = 0;

/// Who satisfies dependencies: the number of the group, and who.
type Uses = Vec<(usize, Option<Place>)>;

/// What is at a place.
pub(super) struct Spot<'a> {
    pub world: World,
    pub facts: &'a Facts,
    /// What it is in its world; `None`: it is there for its libraries alone.
    pub member: Option<&'a ObservedMember>,
    /// Who satisfies its dependencies.
    pub uses: Uses,
}

/// Everything.
pub(super) struct Index<'a> {
    pub known: Known<'a>,
    pub worlds: Vec<&'a ObservedWorld>,
    pub spots: Vec<Spot<'a>>,
    places: HashMap<(World, &'a InstallationId), Place>,
    /// By world, every dependency of every package.
    pub edges: Vec<Vec<Edge>>,
}

impl<'a> Index<'a> {
    pub fn new(
        known: Known<'a>,
        observed: &'a Observed,
        rules: &Rules,
    ) -> Result<Index<'a>, PlanError> {
        let mut worlds: Vec<&ObservedWorld> = observed.worlds.iter().collect();
        worlds.sort_by_key(|w| &w.name);
        if worlds.first().is_none_or(|w| w.name.is_some()) {
            return Err(PlanError::NoMain);
        }
        let mut index = Index {
            known,
            edges: Vec::new(),
            spots: Vec::new(),
            places: HashMap::new(),
            worlds,
        };
        for world in 0..index.worlds.len() {
            index.enter(world, rules)?;
        }
        Ok(index)
    }

    /// The packages of a world, in the order of their names, then what is there for a rule.
    fn enter(&mut self, world: World, rules: &Rules) -> Result<(), PlanError> {
        let observed = self.worlds[world];
        let there = observed
            .members
            .iter()
            .filter(|m| m.state != State::ConfigFiles);
        let mut members: Vec<&ObservedMember> = there.collect();
        members.sort_by_key(|m| (&m.name, &m.architecture));
        for member in &members {
            if let Some(id) = member.installation() {
                let facts = self.known.facts.get(id);
                let facts = facts.ok_or_else(|| PlanError::NoFacts(id.clone()))?;
                self.put(world, facts, Some(member));
            }
        }
        for facts in self.ruled(world, rules) {
            if !self.places.contains_key(&(world, &facts.id)) {
                self.put(world, facts, None);
            }
        }
        self.resolve(world, &members);
        Ok(())
    }

    fn put(&mut self, world: World, facts: &'a Facts, member: Option<&'a ObservedMember>) {
        self.places.insert((world, &facts.id), self.spots.len());
        self.spots.push(Spot {
            world,
            facts,
            member,
            uses: Vec::new(),
        });
    }

    /// What a world is to have besides: providers of pins that are about something in it, and other versions of what
    /// is hidden.
    fn ruled(&self, world: World, rules: &Rules) -> Vec<&'a Facts> {
        let spots: Vec<&Spot<'_>> = self.spots.iter().filter(|s| s.world == world).collect();
        let mut found = Vec::new();
        for pin in &rules.pins {
            let Some(facts) = self.known.facts.get(&pin.provider) else {
                continue;
            };
            let architecture = facts.id.architecture();
            let concerned = |spot: &&&Spot<'_>| match &pin.only {
                Some(only) => spot.facts.id.package() == only,
                None => {
                    let objects = spot.facts.objects.iter();
                    let mut sonames = objects.flat_map(|o| o.needed.iter().chain(&o.soname));
                    spot.facts.id.architecture() == architecture
                        && sonames.any(|s| *s == pin.soname)
                }
            };
            if spots.iter().any(|s| concerned(&s)) {
                found.push(facts);
            }
        }
        for spot in &spots {
            let of = |h: &&Hide| {
                h.package == *spot.facts.id.package() && h.version == *spot.facts.id.version()
            };
            for hide in rules.hides.iter().filter(of) {
                let other = self.other_version(&spot.facts.id, hide, &rules.hides);
                found.extend(other.and_then(|id| self.known.facts.get(id)));
            }
        }
        found
    }

    /// The newest version of a hidden package that those it is hidden from see.
    pub fn other_version(
        &self,
        hidden: &InstallationId,
        hide: &Hide,
        hides: &[Hide],
    ) -> Option<&'a InstallationId> {
        let same = |id: &&InstallationId| {
            let name = (id.package(), id.architecture());
            name == (hidden.package(), hidden.architecture()) && *id != hidden
        };
        let others: Vec<InstallationId> = self.known.facts.keys().filter(same).cloned().collect();
        let (found, _) =
            newest_visible(hides, &others, hide.dependent.as_ref(), self.known.versions);
        Some(self.known.facts.get_key_value(found?)?.0)
    }

    /// Find out who of a world uses whom.
    fn resolve(&mut self, world: World, members: &[&'a ObservedMember]) {
        let mut offers: HashMap<&str, Vec<&ObservedMember>> = HashMap::new();
        for member in members {
            let provided = member.control.provides.iter().map(|p| p.name.as_str());
            for name in [member.name.as_str()].into_iter().chain(provided) {
                offers.entry(name).or_default().push(member);
            }
        }
        let known = self.known;
        let choose = |group: &[crate::facts::Relation], by: &crate::layout::Architecture| {
            group.iter().find_map(|relation| {
                let found = offers.get(relation.name.as_str()).into_iter().flatten();
                let found = found.filter(|m| named(m).satisfies(relation, by, &known));
                found
                    .copied()
                    .min_by_key(|m| (m.name != relation.name, m.architecture != *by))
            })
        };
        let mut edges = Vec::new();
        for member in members {
            for group in &member.control.depends {
                let by = choose(group, &member.architecture);
                let satisfied =
                    |m: &ObservedMember| Satisfied::By(m.name.clone(), m.architecture.clone());
                edges.push(Edge {
                    from: (member.name.clone(), member.architecture.clone()),
                    group: group.clone(),
                    by: by.map_or(Satisfied::Elsewhere, satisfied),
                });
            }
        }
        self.edges.push(edges);
        let place = |m: &ObservedMember| self.places.get(&(world, m.installation()?)).copied();
        let uses: Vec<(Place, Uses)> = self
            .in_world(world)
            .map(|(at, spot)| {
                let control = spot.member.map_or(&spot.facts.control, |m| &m.control);
                let by = spot.facts.id.architecture();
                let groups = control.depends.iter().enumerate();
                let uses = groups.filter_map(|(n, g)| Some((n, place(choose(g, by)?))));
                (at, uses.collect())
            })
            .collect();
        for (at, uses) in uses {
            self.spots[at].uses = uses;
        }
    }

    /// The places of a world.
    pub fn in_world(&self, world: World) -> impl Iterator<Item = (Place, &Spot<'a>)> {
        let spots = self.spots.iter().enumerate();
        spots.filter(move |(_, s)| s.world == world)
    }

    pub fn spot(&self, place: Place) -> &Spot<'a> {
        &self.spots[place]
    }

    pub fn world(&self, place: Place) -> World {
        self.spots[place].world
    }

    pub fn id(&self, place: Place) -> &'a InstallationId {
        &self.spots[place].facts.id
    }

    /// Where an installation is in a world.
    pub fn place(&self, world: World, id: &InstallationId) -> Option<Place> {
        self.places.get(&(world, id)).copied()
    }

    /// Whether it is at home there: a package of the main world is there, and what only side worlds have in each of them.
    pub fn is_home(&self, place: Place) -> bool {
        let spot = self.spot(place);
        let member = |p: Place| self.spot(p).member.is_some();
        spot.world == MAIN || !self.main_copy(place).is_some_and(member)
    }

    /// The same installation in the main world.
    pub fn main_copy(&self, place: Place) -> Option<Place> {
        self.place(MAIN, self.id(place))
    }

    /// Whom a package uses directly.
    pub fn uses(&self, place: Place) -> impl Iterator<Item = Place> {
        self.spots[place].uses.iter().filter_map(|(_, by)| *by)
    }

    /// Whom a package uses, directly and through others, the nearest first.
    pub fn closure(&self, place: Place) -> Vec<Place> {
        let mut seen = BTreeSet::from([place]);
        let (mut order, mut left) = (Vec::new(), VecDeque::from([place]));
        while let Some(from) = left.pop_front() {
            for to in self.uses(from) {
                if seen.insert(to) {
                    order.push(to);
                    left.push_back(to);
                }
            }
        }
        order
    }

    /// The dependencies of a package.
    pub fn depends(&self, place: Place) -> &'a [Vec<crate::facts::Relation>] {
        let spot = &self.spots[place];
        &spot
            .member
            .map_or(&spot.facts.control, |m| &m.control)
            .depends
    }

    /// A package as relations see it.
    pub fn named(&self, place: Place) -> Named<'a> {
        let facts = self.spots[place].facts;
        Named {
            name: facts.id.package(),
            version: facts.id.version(),
            architecture: facts.id.architecture(),
            control: &facts.control,
        }
    }

    /// The name of a world.
    pub fn world_name(&self, world: World) -> Option<&'a SideName> {
        self.worlds[world].name.as_ref()
    }
}

fn named(member: &ObservedMember) -> Named<'_> {
    Named {
        name: &member.name,
        version: &member.version,
        architecture: &member.architecture,
        control: &member.control,
    }
}

/// The installations of a world and whom of them each needs, for [`crate::decide::needed`].
pub(super) fn needs(
    index: &Index<'_>,
    world: World,
) -> BTreeMap<InstallationId, BTreeSet<InstallationId>> {
    let of = |(place, spot): (Place, &Spot<'_>)| {
        let used = index.uses(place).map(|p| index.id(p).clone()).collect();
        (spot.facts.id.clone(), used)
    };
    index.in_world(world).map(of).collect()
}
