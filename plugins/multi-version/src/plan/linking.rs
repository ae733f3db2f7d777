//! How each package is linked: which libraries its own lib/ has, from whom and why.

use std::collections::{BTreeMap, BTreeSet};

use super::error::PlanError;
use super::needs::{Key, Needs};
use super::relations::Place;
use super::vote::Vote;

/// How binding an override is; one gives way to a stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// Another library of the same build is overridden.
    Follows,
    /// The view's choice won't do.
    Vote,
    /// `--own-libraries`
    Own,
    /// A process would otherwise load what does not fit.
    Mended,
    /// A person's choice.
    Pin,
}

/// A library of a package's own lib/.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub provider: Place,
    pub why: String,
    pub strength: Strength,
}

/// The linking of a set.
pub(super) struct Linking<'n, 'd, 'w> {
    pub needs: &'n Needs<'d, 'w>,
    pub vote: &'n Vote,
    pub overrides: BTreeMap<Place, BTreeMap<Key, Override>>,
    /// What packages take from themselves.
    pub own: BTreeMap<Place, BTreeSet<Key>>,
    /// What their programs need besides.
    pub needed: BTreeMap<Place, BTreeSet<Key>>,
    /// Overrides that could not be expressed; they hold where a program sees to it.
    pub dropped: BTreeSet<(Place, Key)>,
}

impl<'n, 'd, 'w> Linking<'n, 'd, 'w> {
    pub fn new(needs: &'n Needs<'d, 'w>, vote: &'n Vote) -> Linking<'n, 'd, 'w> {
        let own = needs.of.keys().map(|p| (*p, needs.own(*p)));
        Linking {
            own: own.filter(|(_, own)| !own.is_empty()).collect(),
            needs,
            vote,
            overrides: BTreeMap::new(),
            needed: BTreeMap::new(),
            dropped: BTreeSet::new(),
        }
    }

    /// The override of a package, if it has one.
    pub fn overriding(&self, package: Place, key: Key) -> Option<&Override> {
        let of = self
            .overrides
            .get(&package)
            .filter(|_| self.needs.is_main(package, key));
        of?.get(&key)
    }

    /// Whether a package takes it from itself.
    pub fn is_own(&self, package: Place, key: Key) -> bool {
        self.own.get(&package).is_some_and(|own| own.contains(&key))
    }

    /// From whom a package's objects get a library: `None`, from the host.
    pub fn provider(&self, package: Place, key: Key) -> Option<Place> {
        if let Some(of) = self.overriding(package, key) {
            return Some(of.provider);
        }
        if self.is_own(package, key) {
            return Some(package);
        }
        let view = self.vote.providers.get(key).copied().flatten();
        view.or_else(|| self.needs.private_provider(package, key))
    }

    /// Give a package a library of another than the view, and with it the others of that one's build.
    pub fn give(&mut self, package: Place, key: Key, of: Override) {
        if !self.needs.is_main(package, key) {
            return;
        }
        let itself = of.provider == package;
        let provider = of.provider;
        let port = self.needs.port(key);
        let why = format!("with its {}", self.needs.soname(key));
        // Not what it needs itself and others decide about: only what the same packages have.
        let needed = self.needs.needed_by(package);
        let alike = |k: Key| {
            self.needs.public[k]
                .keys()
                .eq(self.needs.public[key].keys())
        };
        let others = self.needs.provided_by(provider).iter().copied();
        let others: Vec<Key> = others
            .filter(|k| *k != key && self.needs.port(*k) == port && !self.is_own(package, *k))
            .filter(|k| !needed.contains(k) || alike(*k))
            .collect();
        let mut put = |key: Key, new: Override| {
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
        };
        if itself {
            if let Some(overrides) = self.overrides.get_mut(&package) {
                overrides.remove(&key);
            }
            self.own.entry(package).or_default().insert(key);
            return;
        }
        put(key, of);
        for other in others {
            let strength = Strength::Follows;
            let why = why.clone();
            put(
                other,
                Override {
                    provider,
                    why,
                    strength,
                },
            );
        }
    }

    /// Whether a package's override is there for a reason of its own, and not only as what came with it: it, or
    /// another of the same provider.
    pub fn insists(&self, package: Place, key: Key) -> bool {
        let of = self.overrides.get(&package);
        let Some((of, this)) = of.and_then(|of| Some((of, of.get(&key)?))) else {
            return false;
        };
        let strong = |o: &Override| !matches!(o.strength, Strength::Follows | Strength::Own);
        of.values()
            .any(|o| o.provider == this.provider && strong(o))
    }

    /// Have a package do without what came with it, or what it has itself: it takes what the process has.
    pub fn take_back(&mut self, package: Place, key: Key) {
        if self
            .own
            .get_mut(&package)
            .is_some_and(|own| own.remove(&key))
        {
            self.dropped.insert((package, key));
        }
        let Some(overrides) = self.overrides.get_mut(&package) else {
            return;
        };
        let Some(provider) = overrides.get(&key).map(|o| o.provider) else {
            return;
        };
        let dropped = &mut self.dropped;
        overrides.retain(|key, of| {
            if of.provider == provider && of.strength > Strength::Follows {
                dropped.insert((package, *key));
            }
            of.provider != provider
        });
    }

    /// Whom a package is linked with.
    fn links(&self, package: Place) -> BTreeSet<Place> {
        let of = self
            .overrides
            .get(&package)
            .into_iter()
            .flat_map(BTreeMap::values);
        of.map(|o| o.provider).collect()
    }

    /// Whether `from` is linked with `to`, directly or not.
    pub fn reaches(&self, from: Place, to: Place) -> bool {
        let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(next) = left.pop() {
            if next == to {
                return true;
            }
            if seen.insert(next) {
                left.extend(self.links(next));
            }
        }
        false
    }

    /// The packages, those with which others are linked before these; or a circle of them.
    pub fn order(&self) -> Result<Vec<Place>, Vec<Place>> {
        let (mut order, mut done) = (Vec::new(), BTreeSet::new());
        for start in self.overrides.keys() {
            let mut path: Vec<(Place, Vec<Place>)> = Vec::new();
            if !done.contains(start) {
                path.push((*start, self.links(*start).into_iter().collect()));
            }
            while let Some((at, left)) = path.last_mut() {
                let at = *at;
                let Some(next) = left.pop() else {
                    path.pop();
                    done.insert(at);
                    order.push(at);
                    continue;
                };
                if let Some(from) = path.iter().position(|(p, _)| *p == next) {
                    return Err(path.iter().skip(from).map(|(p, _)| *p).collect());
                }
                if !done.contains(&next) {
                    path.push((next, self.links(next).into_iter().collect()));
                }
            }
        }
        Ok(order)
    }

    /// A realization's name is made of those it is linked with, so they can't be linked in a circle. Where they would
    /// be, a link that no person asked for is dropped: the programs see to it then.
    pub fn break_circles(&mut self) -> Result<(), PlanError> {
        while let Err(mut circle) = self.order() {
            let first = circle.iter().enumerate().min_by_key(|(_, p)| **p);
            let first = first.map_or(0, |(at, _)| at);
            circle.rotate_left(first);
            let next = circle.iter().cycle().skip(1);
            let weak = |(from, to): &(&Place, &Place)| {
                let of = self
                    .overrides
                    .get(from)
                    .into_iter()
                    .flat_map(BTreeMap::values);
                let mut to = of.filter(|o| o.provider == **to);
                to.all(|o| o.strength < Strength::Mended)
            };
            let Some((from, to)) = circle.iter().zip(next).find(weak) else {
                let id = |p: &Place| self.needs.depends.index.id(*p).clone();
                return Err(PlanError::Cycle(circle.iter().map(id).collect()));
            };
            if let Some(overrides) = self.overrides.get_mut(from) {
                let dropped = &mut self.dropped;
                overrides.retain(|key, of| {
                    if of.provider == *to && of.strength > Strength::Follows {
                        dropped.insert((*from, *key));
                    }
                    of.provider != *to
                });
            }
        }
        Ok(())
    }
}
