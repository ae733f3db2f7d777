//! Which package satisfies which relation: Policy 7, and dpkg's rules of Multi-Arch.
//!
//! As dpkg has it, but that a package of architecture `all` is there for every architecture: the closure of a
//! foreign architecture lives in a view, where nobody added that architecture to dpkg's.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::world::{Host, HostPackage, World};
use crate::decide::Versions;
use crate::facts::{Facts, MultiArch, Op, Provided, Relation};
use crate::layout::{Architecture, InstallationId, PackageName, Version};

/// What a package offers under a name: itself, or something it provides.
#[derive(Clone, Copy)]
struct Offer<'a> {
    version: &'a Version,
    architecture: &'a Architecture,
    multi_arch: MultiArch,
    provided: Option<&'a Provided>,
}

/// How an offer does for a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Holds,
    OtherVersion,
    OtherArchitecture,
}

fn is_all(architecture: &Architecture) -> bool {
    architecture.as_str() == "all"
}

impl<'a> Offer<'a> {
    /// The version that a relation is compared with; a provided name may have none.
    fn version(&self) -> Option<&'a Version> {
        match self.provided {
            None => Some(self.version),
            Some(provided) => provided.version.as_ref(),
        }
    }

    fn version_holds(&self, relation: &Relation, versions: &dyn Versions) -> bool {
        let Some((op, wanted)) = &relation.version else {
            return true;
        };
        let order = self.version().map(|v| versions.compare(v, wanted));
        match op {
            Op::Lt => order == Some(Ordering::Less),
            Op::Le => order.is_some_and(Ordering::is_le),
            Op::Eq => order == Some(Ordering::Equal),
            Op::Ge => order.is_some_and(Ordering::is_ge),
            Op::Gt => order == Some(Ordering::Greater),
        }
    }

    /// The architecture it is offered for.
    fn architecture(&self) -> &'a Architecture {
        let provided = self.provided.and_then(|p| p.architecture.as_ref());
        provided.unwrap_or(self.architecture)
    }

    /// For a dependency of a package of architecture `by`.
    fn architecture_holds(
        &self,
        relation: &Relation,
        by: &Architecture,
        native: &Architecture,
    ) -> bool {
        let offered = self.architecture();
        let is = |wanted: &str| is_all(offered) || offered.as_str() == wanted;
        match relation.architecture.as_deref() {
            None if self.multi_arch == MultiArch::Foreign => true,
            None if is_all(by) => is(native.as_str()),
            None => is(by.as_str()),
            Some("any") => self.multi_arch == MultiArch::Allowed || offered.as_str() == "any",
            Some("native") => is(native.as_str()),
            Some(named) => is(named),
        }
    }

    fn judge(
        &self,
        relation: &Relation,
        by: &Architecture,
        native: &Architecture,
        versions: &dyn Versions,
    ) -> Verdict {
        if !self.architecture_holds(relation, by, native) {
            Verdict::OtherArchitecture
        } else if !self.version_holds(relation, versions) {
            Verdict::OtherVersion
        } else {
            Verdict::Holds
        }
    }
}

/// A package by its place among all that the world knows, which is its place in the order of names.
pub(super) type Place = usize;

/// A package that satisfies an alternative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Satisfier<'w> {
    /// Which.
    pub package: Place,
    /// In which version: a provided name may have none.
    pub version: Option<&'w Version>,
    /// Whether it provides the name, rather than having it.
    pub provides: bool,
}

/// Who of a world offers a name, but can't satisfy a relation.
#[derive(Debug, Default)]
pub(super) struct Near {
    pub version: Vec<Place>,
    pub architecture: Vec<Place>,
}

/// The packages of a world, and who offers which name.
pub(super) struct Index<'w> {
    /// The world.
    pub world: World<'w>,
    packages: Vec<&'w Facts>,
    places: HashMap<&'w InstallationId, Place>,
    offers: HashMap<&'w PackageName, Vec<(Place, Option<&'w Provided>)>>,
}

impl<'w> Index<'w> {
    pub fn new(world: World<'w>) -> Index<'w> {
        let packages: Vec<&Facts> = world.facts.values().collect();
        let mut offers: HashMap<&PackageName, Vec<_>> = HashMap::new();
        for (place, facts) in packages.iter().enumerate() {
            let own = offers.entry(facts.id.package()).or_default();
            own.push((place, None));
            for provided in &facts.control.provides {
                let named = offers.entry(&provided.name).or_default();
                named.push((place, Some(provided)));
            }
        }
        Index {
            places: world
                .facts
                .keys()
                .enumerate()
                .map(|(n, id)| (id, n))
                .collect(),
            world,
            packages,
            offers,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// The facts at a place, which is one that this index gave.
    pub fn facts(&self, place: Place) -> &'w Facts {
        self.packages[place]
    }

    /// What is at a place.
    pub fn id(&self, place: Place) -> &'w InstallationId {
        &self.packages[place].id
    }

    /// Where a package is.
    pub fn place(&self, id: &InstallationId) -> Option<Place> {
        self.places.get(id).copied()
    }

    fn offers(&self, name: &PackageName) -> impl Iterator<Item = (Place, Offer<'w>)> + '_ {
        let offers = self.offers.get(name).map_or(&[][..], Vec::as_slice);
        offers.iter().map(|(place, provided)| {
            let facts = self.facts(*place);
            let offer = Offer {
                version: facts.id.version(),
                architecture: facts.id.architecture(),
                multi_arch: facts.control.multi_arch,
                provided: *provided,
            };
            (*place, offer)
        })
    }

    /// Who satisfies an alternative of a dependency of `by`, and who nearly does.
    pub fn satisfiers(&self, relation: &Relation, by: Place) -> (Vec<Satisfier<'w>>, Near) {
        let by = self.id(by).architecture();
        let (native, versions) = (self.world.native, self.world.versions);
        let (mut found, mut near) = (Vec::new(), Near::default());
        for (package, offer) in self.offers(&relation.name) {
            match offer.judge(relation, by, native, versions) {
                Verdict::Holds => found.push(Satisfier {
                    package,
                    version: offer.version(),
                    provides: offer.provided.is_some(),
                }),
                Verdict::OtherVersion => near.version.push(package),
                Verdict::OtherArchitecture => near.architecture.push(package),
            }
        }
        (found, near)
    }

    /// Whom a `Conflicts` or `Breaks` of `by` is about. Not packages of its own name, whatever they provide: several
    /// versions of one package are what this is for. Without an architecture it is about all of them.
    pub fn adversaries(&self, relation: &Relation, by: Place) -> Vec<Place> {
        let own = self.id(by).package();
        let about = |offer: &Offer| match relation.architecture.as_deref() {
            None | Some("any") => true,
            Some("native") => offer.architecture() == self.world.native,
            Some(named) => offer.architecture().as_str() == named,
        };
        let mut found: Vec<Place> = self
            .offers(&relation.name)
            .filter(|(_, offer)| about(offer))
            .filter(|(_, offer)| offer.version_holds(relation, self.world.versions))
            .map(|(place, _)| place)
            .filter(|place| self.id(*place).package() != own)
            .collect();
        found.dedup();
        found
    }

    /// The order of two packages' versions.
    pub fn compare(&self, a: Place, b: Place) -> Ordering {
        let (a, b) = (self.id(a).version(), self.id(b).version());
        self.world.versions.compare(a, b)
    }
}

/// The host's packages, by what they offer.
pub struct HostTable<'a> {
    offers: HashMap<&'a PackageName, Vec<(&'a HostPackage, Option<&'a Provided>)>>,
    native: &'a Architecture,
    versions: &'a dyn Versions,
}

impl<'a> HostTable<'a> {
    /// Of the installed packages of a host of this architecture.
    pub fn new(
        packages: &'a [HostPackage],
        native: &'a Architecture,
        versions: &'a dyn Versions,
    ) -> HostTable<'a> {
        let mut offers: HashMap<&PackageName, Vec<_>> = HashMap::new();
        for package in packages {
            offers
                .entry(&package.name)
                .or_default()
                .push((package, None));
            for provided in &package.provides {
                let named = offers.entry(&provided.name).or_default();
                named.push((package, Some(provided)));
            }
        }
        HostTable {
            offers,
            native,
            versions,
        }
    }
}

impl Host for HostTable<'_> {
    fn satisfies(&self, relation: &Relation, by: &Architecture) -> Option<PackageName> {
        let holds = |(package, provided): &&(&HostPackage, Option<&Provided>)| {
            let offer = Offer {
                version: &package.version,
                architecture: &package.architecture,
                multi_arch: package.multi_arch,
                provided: *provided,
            };
            offer.judge(relation, by, self.native, self.versions) == Verdict::Holds
        };
        let found = self.offers.get(&relation.name)?.iter().find(holds)?;
        Some(found.0.name.clone())
    }
}
