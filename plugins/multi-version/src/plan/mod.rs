//! From the worlds of a generation to how their packages are linked: a pure function, whose result is carried out by
//! [`crate::link`] and [`crate::place`], shown by `--explain` and `--graph`, and written down in the manifest.
//!
//! What is installed, with whom it conflicts and who is satisfied by whom is not decided here: a world is consistent when it
//! gets here, libdpkgng saw to that.
//!
//! 1. **In a world** each soname of an architecture has one provider: the only package that has it, or to which update-alternatives
//!    leads; of several the one that [`crate::decide::system_library`] finds; or what a person pinned, for those it suits. That is
//!    what the world's `lib/` leads to, so in a context every object of the world finds it there.
//! 2. **The generation's** `lib/` is for programs outside of contexts: of the worlds' providers the one that needs the fewest
//!    overrides. What the host lends a world can't be overridden with, so it stays where any world has it.
//! 3. **Programs find the libraries of their own world**, outside of contexts, too: where the generation's choice is another, the
//!    package gets its world's by its own `lib/` (an override). A package is at home in the main world if that has it; the copies of it in side
//!    worlds share its realization, unless it is linked with what they do not have. There it gets another.
//! 4. **Pins and hides** are overrides, too, of the packages they name, if the library suits them.
//! 5. **A process** loads each soname once, for whoever asks first. Where that is not what its program is to have, the program
//!    gets it by its own `lib/`, and by one more need, if it has none of that name.
//! 6. Realizations are named after those they are linked with, so overrides must not go in a circle: a weak one is dropped,
//!    and step 5 sees to it.
//!
//! Nothing here refuses: what can't be had is a [`Warning`].
#![forbid(unsafe_code)]

mod error;
mod index;
mod linking;
mod needs;
mod observed;
mod process;
mod realize;
mod relations;
mod steps;
#[cfg(test)]
pub(crate) mod tests;
mod vote;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::decide::{Decision, Needed};
use crate::facts::Relation;
use crate::layout::{Architecture, InstallationId, PackageName, RealizationId, SideName, Soname};
use crate::link::Planned;
use crate::manifest::{Hide, LibraryPin, Member, Realization, Standing};

pub use error::{PlanError, Warning, world_name};
pub use observed::{Files, Known, Observed, ObservedMember, ObservedWorld, Origin, Rules};
pub use steps::plan;

/// Who satisfies a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Satisfied {
    /// A package of the world: name and architecture.
    By(PackageName, Architecture),
    /// Nobody of the world: something of the host, or nobody.
    Elsewhere,
}

/// One dependency of one package of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Whose: name and architecture.
    pub from: (PackageName, Architecture),
    /// The group of alternatives.
    pub group: Vec<Relation>,
    /// Who satisfies it.
    pub by: Satisfied,
}

/// Where a library of a consumer comes from, in its world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Who needs it.
    pub consumer: InstallationId,
    /// The architecture of the objects.
    pub architecture: Architecture,
    /// What.
    pub soname: Soname,
    /// From whom; `None`: from the host.
    pub provider: Option<InstallationId>,
    /// By its own `lib/`, and why; `None`: by the world's, or the generation's, which is the same.
    pub overriding: Option<String>,
}

/// Whose library a name in a `lib/` leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offered {
    /// The package.
    pub installation: InstallationId,
    /// As it is linked.
    pub realization: RealizationId,
}

/// What a `lib/` holds, by architecture.
pub type Lib = BTreeMap<Architecture, BTreeMap<Soname, Offered>>;

/// A linked package of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// How it is linked.
    pub realization: RealizationId,
    /// What it is in its world.
    pub standing: Standing,
}

/// A package of a world that is not linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// Which.
    pub name: PackageName,
    /// Its version.
    pub version: crate::layout::Version,
    /// Its architecture.
    pub architecture: Architecture,
    /// What it is in its world.
    pub standing: Standing,
    /// Why it is not linked; `None`: the host lends it.
    pub why: Option<String>,
}

/// How a world is linked.
#[derive(Debug, Clone, Default)]
pub struct WorldPlan {
    /// `None`: the main one.
    pub name: Option<SideName>,
    /// The packages that are in the store.
    pub members: BTreeMap<InstallationId, Linked>,
    /// The others.
    pub apart: Vec<Apart>,
    /// What no world has as a package, and this one takes libraries of: for a pin or a hide.
    pub kept: BTreeMap<InstallationId, RealizationId>,
    /// See [`ObservedWorld::made`].
    pub made: BTreeMap<PathBuf, PathBuf>,
    /// What its `lib/` holds.
    pub lib: Lib,
    /// How that was decided, with the tables; sorted by soname.
    pub libraries: BTreeMap<Architecture, Vec<Decision>>,
    /// Every need of every object, once per consumer and soname.
    pub links: Vec<Link>,
    /// Who needs whom.
    pub edges: Vec<Edge>,
    /// What of the members is needed, and for whom; and the orphans.
    pub needed: Needed,
}

/// How the packages of a generation are linked.
#[derive(Debug, Clone, Default)]
pub struct LinkPlan {
    /// How each is linked: what link makes if it is not there yet, providers before consumers; each once.
    pub realizations: Vec<Realization>,
    /// The main world, then the side worlds.
    pub worlds: Vec<WorldPlan>,
    /// What the generation's `lib/` holds, for programs outside of contexts.
    pub lib: Lib,
    /// How that was decided, with the tables; sorted by soname.
    pub libraries: BTreeMap<Architecture, Vec<Decision>>,
    /// The rules it was made by.
    pub hides: Vec<Hide>,
    /// See `hides`.
    pub pins: Vec<LibraryPin>,
    /// What could not be done.
    pub warnings: Vec<Warning>,
}

/// What programs find somewhere: in contexts of a world, or outside of them.
#[derive(Debug, Clone)]
pub struct Scope<'p> {
    lib: &'p Lib,
    realizations: Vec<Realization>,
    realized: BTreeMap<InstallationId, RealizationId>,
    links: Vec<Link>,
    tree: Vec<&'p RealizationId>,
    made: &'p BTreeMap<PathBuf, PathBuf>,
    only: Option<BTreeSet<(RealizationId, PathBuf)>>,
}

impl Scope<'_> {
    /// With nothing looked at but these objects, relative to their payloads.
    pub fn only(mut self, objects: BTreeSet<(RealizationId, PathBuf)>) -> Self {
        self.only = Some(objects);
        self
    }

    /// For [`crate::link::Linker`].
    pub fn planned(&self) -> Planned<'_> {
        Planned {
            realizations: &self.realizations,
            realized: &self.realized,
            libraries: self.lib,
            links: &self.links,
            tree: self.tree.clone(),
            made: self.made.clone(),
            only: self.only.as_ref(),
        }
    }
}

impl WorldPlan {
    fn realized(&self) -> impl Iterator<Item = (&InstallationId, &RealizationId)> {
        let members = self
            .members
            .iter()
            .map(|(id, linked)| (id, &linked.realization));
        members.chain(&self.kept)
    }
}

impl LinkPlan {
    /// What programs of a world find in its contexts.
    pub fn inside<'p>(&'p self, world: &'p WorldPlan) -> Scope<'p> {
        let of: BTreeSet<&RealizationId> = world.realized().map(|(_, r)| r).collect();
        let realizations = self.realizations.iter().filter(|r| of.contains(&r.id()));
        Scope {
            lib: &world.lib,
            realizations: realizations.cloned().collect(),
            realized: world
                .realized()
                .map(|(id, r)| (id.clone(), r.clone()))
                .collect(),
            links: world.links.clone(),
            tree: world.members.values().map(|l| &l.realization).collect(),
            made: &world.made,
            only: None,
        }
    }

    /// What programs of a world find outside of contexts; where another world has the same package, this one's counts.
    pub fn outside<'p>(&'p self, world: &'p WorldPlan) -> Scope<'p> {
        let others = self.worlds.iter().filter(|w| w.name != world.name);
        let worlds = [world].into_iter().chain(others);
        let mut realized = BTreeMap::new();
        let mut links: Vec<Link> = Vec::new();
        for other in worlds {
            let new = other
                .realized()
                .filter(|(id, _)| !realized.contains_key(*id));
            let new: Vec<_> = new.map(|(id, r)| (id.clone(), r.clone())).collect();
            let ids: BTreeSet<&InstallationId> = new.iter().map(|(id, _)| id).collect();
            links.extend(
                other
                    .links
                    .iter()
                    .filter(|l| ids.contains(&l.consumer))
                    .cloned(),
            );
            realized.extend(new);
        }
        let main = self.main().into_iter().flat_map(|m| m.members.values());
        Scope {
            lib: &self.lib,
            realizations: self.realizations.clone(),
            realized,
            links,
            tree: main.map(|l| &l.realization).collect(),
            made: self.main().map_or(&world.made, |m| &m.made),
            only: None,
        }
    }

    /// The main world.
    pub fn main(&self) -> Option<&WorldPlan> {
        self.worlds.iter().find(|w| w.name.is_none())
    }

    /// A world, by name (`None`: the main one).
    pub fn world(&self, name: Option<&SideName>) -> Option<&WorldPlan> {
        self.worlds.iter().find(|w| w.name.as_ref() == name)
    }

    /// What the manifest says of its packages: one entry a realization, sorted.
    pub fn members(&self) -> Vec<Member> {
        let mut members: BTreeMap<&RealizationId, Member> = BTreeMap::new();
        let new = |realization: &RealizationId| Member {
            realization: realization.clone(),
            worlds: BTreeMap::new(),
        };
        for world in &self.worlds {
            for linked in world.members.values() {
                let of = &linked.realization;
                let member = members.entry(of).or_insert_with(|| new(of));
                member.worlds.insert(world.name.clone(), linked.standing);
            }
        }
        for of in self.worlds.iter().flat_map(|w| w.kept.values()) {
            members.entry(of).or_insert_with(|| new(of));
        }
        members.into_values().collect()
    }
}
