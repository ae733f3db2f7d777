//! Dependencies: who of a set satisfies which, and why nobody does.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use super::error::{Lack, Unmet};
use super::relations::{Index, Near, Place, Satisfier};
use super::{Edge, Satisfied};
use crate::decide::hidden_by;
use crate::facts::Relation;
use crate::layout::{InstallationId, PackageName, Version};
use crate::manifest::Hide;

/// A dependency, with all in the world that could satisfy it.
pub(super) struct Group<'w> {
    /// As its control file has it.
    pub relations: &'w [Relation],
    /// For each alternative.
    alternatives: Vec<(Vec<Satisfier<'w>>, Near)>,
    /// The package of the host.
    pub host: Option<PackageName>,
}

impl Group<'_> {
    /// Whether a package satisfies it, seen or not.
    pub fn is_satisfied_by(&self, package: Place) -> bool {
        let of =
            |(found, _): &(Vec<Satisfier<'_>>, Near)| found.iter().any(|s| s.package == package);
        self.alternatives.iter().any(of)
    }
}

/// All dependencies of all packages, under some hides.
pub(super) struct Depends<'i, 'w> {
    pub index: &'i Index<'w>,
    pub hides: &'i [Hide],
    groups: Vec<Vec<Group<'w>>>,
}

/// What was decided about the dependencies of a set.
#[derive(Default)]
pub(super) struct Edges {
    /// By package and number of the group: who.
    pub by: BTreeMap<Place, BTreeMap<usize, Place>>,
    /// All, by package.
    pub all: Vec<Edge>,
    /// The groups that nothing satisfies.
    pub unmet: Vec<(Place, usize)>,
}

impl Edges {
    /// The packages that one uses.
    pub fn of(&self, package: Place) -> impl Iterator<Item = Place> + '_ {
        self.by
            .get(&package)
            .into_iter()
            .flat_map(|e| e.values().copied())
    }
}

/// How a choice among several is made.
#[derive(Clone, Copy)]
pub(super) struct Choice<'a> {
    /// Among whom.
    pub set: &'a BTreeSet<Place>,
    /// The command line: who of it prefers who of it.
    pub newcomers: &'a BTreeSet<Place>,
    /// What members used so far.
    pub used: &'a BTreeMap<Place, BTreeMap<usize, Place>>,
}

impl<'i, 'w> Depends<'i, 'w> {
    pub fn new(index: &'i Index<'w>, hides: &'i [Hide]) -> Depends<'i, 'w> {
        let group = |by: Place, relations: &'w Vec<Relation>| {
            let architecture = index.id(by).architecture();
            let host = |r| index.world.host.satisfies(r, architecture);
            Group {
                relations,
                alternatives: relations.iter().map(|r| index.satisfiers(r, by)).collect(),
                host: relations.iter().find_map(host),
            }
        };
        let groups = |by: Place| {
            let depends = &index.facts(by).control.depends;
            depends.iter().map(|g| group(by, g)).collect()
        };
        Depends {
            groups: (0..index.len()).map(groups).collect(),
            index,
            hides,
        }
    }

    /// The dependencies of a package.
    pub fn groups(&self, package: Place) -> &[Group<'w>] {
        self.groups.get(package).map_or(&[], Vec::as_slice)
    }

    /// The rule by which one package does not see another.
    pub fn hidden(&self, package: Place, from: Place) -> Option<&'i Hide> {
        let dependent = self.index.id(from).package();
        hidden_by(self.hides, self.index.id(package), Some(dependent))
    }

    /// Who of a set satisfies a group, the best first, and which newer ones are hidden: what was used so far, then
    /// for a newcomer those of its own command line, then the first alternative, its own architecture, the newest.
    pub fn choose(
        &self,
        by: Place,
        group: usize,
        choice: Choice<'_>,
    ) -> (Option<Place>, Vec<Hide>) {
        let Some(group_of) = self.groups(by).get(group) else {
            return (None, Vec::new());
        };
        let used = choice.used.get(&by).and_then(|u| u.get(&group));
        let fresh = choice.newcomers.contains(&by);
        let mut best: Option<(Rank<'_>, usize)> = None;
        let mut hidden: Vec<(Rank<'_>, &Hide)> = Vec::new();
        for (alternative, (found, _)) in group_of.alternatives.iter().enumerate() {
            for s in found.iter().filter(|s| choice.set.contains(&s.package)) {
                let own =
                    self.index.id(s.package).architecture() == self.index.id(by).architecture();
                let rank = Rank {
                    used: used == Some(&s.package),
                    together: fresh && choice.newcomers.contains(&s.package),
                    alternative: Reverse(alternative),
                    own,
                    satisfier: *s,
                };
                match self.hidden(s.package, by) {
                    Some(hide) => hidden.push((rank, hide)),
                    None => {
                        let worse = |(b, _): &(Rank<'_>, _)| self.order(b, &rank).is_lt();
                        if best.as_ref().is_none_or(worse) {
                            best = Some((rank, s.package));
                        }
                    }
                }
            }
        }
        let newer = |rank: &Rank<'_>| {
            best.as_ref().is_none_or(|(best, _)| {
                let (a, b) = (rank.satisfier.version, best.satisfier.version);
                self.newer(a, b).is_gt()
            })
        };
        let mut passed: Vec<Hide> = Vec::new();
        for (_, hide) in hidden.iter().filter(|(rank, _)| newer(rank)) {
            if !passed.contains(hide) {
                passed.push((*hide).clone());
            }
        }
        (best.map(|(_, place)| place), passed)
    }

    fn newer(&self, a: Option<&Version>, b: Option<&Version>) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) => self.index.world.versions.compare(a, b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }

    /// Which of two ways of satisfying a group is better: the greater.
    fn order(&self, a: &Rank<'_>, b: &Rank<'_>) -> Ordering {
        let rest = |r: &Rank<'_>| (r.used, r.together, r.alternative, r.own);
        let version = self.newer(a.satisfier.version, b.satisfier.version);
        let named = |r: &Rank<'_>| (!r.satisfier.provides, Reverse(r.satisfier.package));
        rest(a)
            .cmp(&rest(b))
            .then(version)
            .then_with(|| named(a).cmp(&named(b)))
    }

    /// The edges of all of a set. Where nothing of the set satisfies a group, the host may.
    pub fn edges(&self, choice: Choice<'_>) -> Edges {
        let mut edges = Edges::default();
        for from in choice.set.iter().copied() {
            for (number, group) in self.groups(from).iter().enumerate() {
                let (found, hidden) = self.choose(from, number, choice);
                let by = match (found, &group.host) {
                    (Some(place), _) => {
                        edges.by.entry(from).or_default().insert(number, place);
                        Satisfied::By(self.index.id(place).clone())
                    }
                    (None, Some(host)) => Satisfied::ByHost(host.clone()),
                    (None, None) => {
                        edges.unmet.push((from, number));
                        Satisfied::Unmet
                    }
                };
                edges.all.push(Edge {
                    from: self.index.id(from).clone(),
                    group: group.relations.to_vec(),
                    by,
                    hidden,
                });
            }
        }
        edges
    }

    /// The dependencies of a package that do not hold within a set.
    pub fn broken(&self, package: Place, set: &BTreeSet<Place>) -> impl Iterator<Item = usize> {
        let holds = move |group: &Group<'_>| {
            group.host.is_some()
                || group.alternatives.iter().any(|(found, _)| {
                    let seen = |s: &Satisfier<'_>| self.hidden(s.package, package).is_none();
                    found.iter().any(|s| set.contains(&s.package) && seen(s))
                })
        };
        let groups = self.groups(package).iter().enumerate();
        groups
            .filter(move |(_, g)| !holds(g))
            .map(|(number, _)| number)
    }

    /// Why a group does not hold: `leaves` are those that were there.
    pub fn lacks(
        &self,
        from: Place,
        group: usize,
        set: &BTreeSet<Place>,
        leaves: &BTreeSet<Place>,
    ) -> Unmet {
        let ids = |places: &[Place]| -> Vec<InstallationId> {
            let there = places.iter().filter(|p| set.contains(p));
            there.map(|p| self.index.id(*p).clone()).collect()
        };
        let why = |(found, near): &(Vec<Satisfier<'w>>, Near)| {
            let there = |s: &&Satisfier<'_>| set.contains(&s.package);
            let hide = found
                .iter()
                .filter(there)
                .find_map(|s| self.hidden(s.package, from));
            let gone = found.iter().find(|s| leaves.contains(&s.package));
            let (version, architecture) = (ids(&near.version), ids(&near.architecture));
            match (hide, gone) {
                (Some(hide), _) => Lack::Hidden(hide.clone()),
                (None, Some(gone)) => Lack::Leaves(self.index.id(gone.package).clone()),
                _ if !version.is_empty() => Lack::Version(version),
                _ if !architecture.is_empty() => Lack::Architecture(architecture),
                _ => Lack::NotThere,
            }
        };
        let group = self.groups(from).get(group);
        Unmet {
            from: self.index.id(from).clone(),
            group: group.map_or(Vec::new(), |g| g.relations.to_vec()),
            why: group.map_or(Vec::new(), |g| g.alternatives.iter().map(why).collect()),
        }
    }
}

/// How good a satisfier is.
struct Rank<'w> {
    used: bool,
    together: bool,
    alternative: Reverse<usize>,
    own: bool,
    satisfier: Satisfier<'w>,
}
