//! Whether ld.so will find what was planned: every object of every realization is resolved as a program would be,
//! against the generation that is to be.
//!
//! In a process a soname is one file, so three may have a say on who provides it, and all that have must get it:
//! the package of the program, if its own `lib/` has the soname; the package of the library that needs it, if
//! its own `lib/` does; else the plan's link of the program, if that needs the soname itself, or of the library that
//! asked first. A library alone is no process: there only its own needs are held to this.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::difference::{Checked, Difference, Owner};
use super::linking::{architecture_of, provided};
use super::system::Planned;
use super::tree::{Names, Tree};
use super::unlinked;
use super::world::{Found, System, World};
use super::{Done, Linker};
use crate::elf::resolve::{Environment, Need, Process};
use crate::facts::{Facts, Object};
use crate::layout::{Architecture, InstallationId, Layout, RealizationId, Soname};
use crate::manifest::Realization;
use crate::plan::Link;

/// A package being checked.
struct Package<'p> {
    id: RealizationId,
    realization: &'p Realization,
    facts: &'p Facts,
    unlinked: BTreeSet<PathBuf>,
}

/// Everything the answers are looked up in.
struct Check<'c> {
    linker: &'c Linker<'c>,
    world: World<'c>,
    all_links: &'c [Link],
    links: HashMap<(&'c InstallationId, &'c str, &'c str), &'c Link>,
    realized: &'c BTreeMap<InstallationId, RealizationId>,
    only: Option<&'c BTreeSet<(RealizationId, PathBuf)>>,
    /// By which names libraries are found besides their sonames.
    names: Names,
    /// The same packages as a system of their own, made when it is asked for.
    alone: RefCell<Option<Alone<'c>>>,
    plan: &'c Planned<'c>,
}

/// Packages as a system of their own, with what ld.so of each architecture looks in.
struct Alone<'c> {
    tree: Tree<'c>,
    environments: BTreeMap<Architecture, Environment>,
}

impl<'a> Linker<'a> {
    /// Resolve the objects of the plan's realizations, which are made, in the plan's generation, which need
    /// not be.
    pub fn check(&self, plan: &Planned) -> Done<Checked> {
        let mut packages = BTreeMap::new();
        for realization in plan.realizations {
            let id = realization.id();
            let unlinked = unlinked::read(self.layout, &id)?;
            let package = Package {
                id: id.clone(),
                realization,
                facts: self.facts(&realization.installation)?,
                unlinked: unlinked.into_iter().map(|u| u.path).collect(),
            };
            packages.insert(id, package);
        }
        let system = System {
            lib: self.system_libraries(plan)?.into_iter().collect(),
            root: root(plan, &packages),
        };
        let links = plan.links.iter().map(|link| {
            let key = (
                &link.consumer,
                link.architecture.as_str(),
                link.soname.as_str(),
            );
            (key, link)
        });
        let check = Check {
            linker: self,
            world: World::new(self.layout, &self.seen, system),
            links: links.collect(),
            all_links: plan.links,
            realized: plan.realized,
            only: plan.only,
            names: self.names(plan)?,
            alone: RefCell::default(),
            plan,
        };
        let mut checked = check.all(&packages);
        checked.strict = self.strict;
        Ok(checked)
    }
}

/// Whose files are in the generation's tree.
fn root(
    plan: &Planned,
    packages: &BTreeMap<RealizationId, Package>,
) -> HashMap<PathBuf, RealizationId> {
    let mut root = HashMap::new();
    for id in &plan.tree {
        if let Some(package) = packages.get(id) {
            for path in &package.facts.paths {
                let first = root.entry(path.clone());
                first.or_insert_with(|| package.id.clone());
            }
        }
    }
    root
}

impl<'c> Check<'c> {
    fn all(&self, packages: &BTreeMap<RealizationId, Package<'c>>) -> Checked {
        let mut environments: HashMap<Architecture, Environment> = HashMap::new();
        let mut checked = Checked::default();
        for package in packages.values() {
            for object in &package.facts.objects {
                let architecture = architecture_of(object, package.facts);
                let ours = self.linker.is_ours(object, package.facts);
                let asked =
                    |only: &BTreeSet<_>| only.contains(&(package.id.clone(), object.path.clone()));
                if !ours || package.unlinked.contains(&object.path) || !self.only.is_none_or(asked)
                {
                    continue;
                }
                let of = || {
                    self.linker
                        .environment(&self.world, &architecture, self.all_links)
                };
                let environment = environments.entry(architecture.clone()).or_insert_with(of);
                let path = self.linker.home(&package.id).join(&object.path);
                let path = path.as_os_str().as_encoded_bytes();
                let Some(mut process) = Process::start(&self.world, environment, path) else {
                    continue;
                };
                checked.objects += 1;
                let sure = process.needs.len();
                // Who needs nothing is ld.so or static: it loads nothing either.
                let mentions = object.mentions.iter().filter(|_| !object.needed.is_empty());
                for name in mentions {
                    if self.is_in_closure(package, &architecture, name) {
                        process.dlopen(0, name.as_str().as_bytes());
                    }
                }
                checked.needs += process.needs.len();
                // Of several the first stays.
                let asked = process.needs.iter().map(|n| (&n.name[..], n.by));
                let one = One {
                    check: self,
                    packages,
                    package,
                    object,
                    architecture: &architecture,
                    process: &process,
                    first: asked.rev().collect(),
                };
                for (number, need) in process.needs.iter().enumerate() {
                    for (difference, may) in one.differences(need) {
                        let mentioned = number >= sure;
                        match (may || mentioned, &difference.expected) {
                            // A word that nobody promised to be a library.
                            (true, Owner::Unplanned) if mentioned => {}
                            _ if one.is_as_alone(need, &difference) => {}
                            (true, _) => checked.may.push(difference),
                            (false, _) => checked.differences.push(difference),
                        }
                    }
                }
            }
        }
        checked
    }

    fn is_in_closure(&self, package: &Package, architecture: &Architecture, name: &Soname) -> bool {
        explicit(package.realization, &package.id, name).is_some()
            || self.link(package.realization, architecture, name).is_some()
            || self
                .world
                .system_has(&self.linker.library_name(architecture, name))
    }

    /// Whose library an object's process has under a name, with the plan's packages on a system of their own.
    fn alone(&self, one: &One<'_, '_>, name: &[u8]) -> Option<InstallationId> {
        let mut alone = self.alone.borrow_mut();
        if alone.is_none() {
            let packages = self.linker.in_tree(self.plan).ok()?;
            *alone = Some(Alone {
                tree: Tree::new(self.linker.layout, packages, &self.plan.made),
                environments: BTreeMap::new(),
            });
        }
        let alone = alone.as_mut()?;
        if !alone.environments.contains_key(one.architecture) {
            let host = self
                .linker
                .host_libraries(&self.world, one.architecture, self.all_links);
            let environment = alone.tree.environment(one.architecture, &host);
            let key = one.architecture.clone();
            alone.environments.insert(key, environment);
        }
        let environment = alone.environments.get(one.architecture)?;
        let path = Path::new("/").join(&one.object.path);
        let path = path.as_os_str().as_encoded_bytes();
        let process = Process::start(&alone.tree, environment, path)?;
        let need = process.needs.iter().find(|n| n.name == name)?;
        let found = process.loaded.get(need.found?)?;
        Some(alone.tree.whose(&found.path)?.0)
    }

    fn link(
        &self,
        of: &Realization,
        architecture: &Architecture,
        soname: &Soname,
    ) -> Option<&Link> {
        let key = (&of.installation, architecture.as_str(), soname.as_str());
        self.links.get(&key).copied()
    }

    /// The plan's provider; of what it speaks of as the host's, or as a package's own, whose it is by another name.
    fn planned(&self, of: &Realization, architecture: &Architecture, soname: &Soname) -> Owner {
        let provider = self.link(of, architecture, soname).map(|l| &l.provider);
        let public = provider.and_then(|p| p.as_ref()).is_some_and(|id| {
            let facts = self.linker.facts(id).ok();
            let object = facts.and_then(|facts| provided(facts, soname, architecture));
            object.is_some_and(|o| o.public)
        });
        let named = self.names.whose(architecture, soname);
        let named = named.filter(|_| !public);
        let named = named.and_then(|(id, _)| self.realized.get(id));
        if let Some(id) = named {
            return Owner::Package(id.clone());
        }
        match provider {
            None => Owner::Unplanned,
            Some(None) => Owner::Host,
            Some(Some(provider)) => match self.realized.get(provider) {
                Some(id) => Owner::Package(id.clone()),
                None => Owner::Unplanned,
            },
        }
    }
}

/// Who provides a soname in a package's own `lib/`.
fn explicit(realization: &Realization, own: &RealizationId, soname: &Soname) -> Option<Owner> {
    let other = realization.overrides.get(soname);
    let own = realization.own.contains(soname).then_some(own);
    other.or(own).map(|id| Owner::Package(id.clone()))
}

/// One object with its closure.
struct One<'o, 'c> {
    check: &'o Check<'c>,
    packages: &'o BTreeMap<RealizationId, Package<'c>>,
    package: &'o Package<'c>,
    object: &'o Object,
    architecture: &'o Architecture,
    process: &'o Process<'o, World<'c>>,
    /// Who asked for a name first.
    first: HashMap<&'o [u8], usize>,
}

impl One<'_, '_> {
    /// What is wrong with a need, and whether it only may be.
    fn differences(&self, need: &Need) -> Vec<(Difference, bool)> {
        let soname = std::str::from_utf8(&need.name).ok();
        let Some(soname) = soname.and_then(|n| Soname::new(n).ok()) else {
            return Vec::new();
        };
        let by = self.at(need.by).and_then(|found| found.owner);
        let by = by.and_then(|(id, path)| Some((self.packages.get(&id)?, path)));
        let found = need.found.and_then(|place| self.at(place));
        let expected = match &by {
            // What could not be rewritten looks elsewhere, and so do the host's libraries.
            Some((package, path)) if package.unlinked.contains(path) => Vec::new(),
            Some((package, _)) => self.expected(Some(package), need.by == 0, &soname),
            None => self.expected(None, false, &soname),
        };
        let wrong = expected
            .into_iter()
            .filter(|e| !self.is(e, &soname, found.as_ref()));
        let of = |expected| {
            let owner = match &found {
                None => Owner::Nobody,
                Some(Found { owner: None, .. }) => Owner::Host,
                Some(Found {
                    owner: Some((id, _)),
                    ..
                }) => Owner::Package(id.clone()),
            };
            let alone = self.object.interpreter.is_none() && need.by != 0;
            let may = alone || (owner == Owner::Nobody && self.may_lack(&expected));
            let by = by.as_ref().filter(|_| need.by != 0);
            let difference = Difference {
                package: self.package.facts.id.clone(),
                object: self.object.path.clone(),
                soname: soname.to_string(),
                by: by.map(|(package, path)| (package.facts.id.clone(), path.clone())),
                expected,
                found: owner,
            };
            (difference, may)
        };
        wrong.map(of).collect()
    }

    /// Whether it may be right that a need is not met: a plugin's, as its program may have loaded it, and a
    /// library's that no dependency of its package covers, as it is for those who have what it needs.
    fn may_lack(&self, expected: &Owner) -> bool {
        let is_library = self.object.interpreter.is_none();
        is_library && (!self.object.public || *expected == Owner::Host)
    }

    /// Whether what was found is what the object would load with these packages on a system of their own, and nobody
    /// chose otherwise: by its own path, `$ORIGIN` and all, it may find what the plan does not know by that name.
    fn is_as_alone(&self, need: &Need, difference: &Difference) -> bool {
        let Owner::Package(found) = &difference.found else {
            return false;
        };
        let Ok(soname) = difference.soname.parse::<Soname>() else {
            return false;
        };
        let by = self.at(need.by).and_then(|found| found.owner);
        let by = by.and_then(|(id, _)| self.packages.get(&id));
        let said = |p: &Package| explicit(p.realization, &p.id, &soname).is_some();
        if said(self.package) || by.is_some_and(said) {
            return false;
        }
        let alone = self.check.alone(self, &need.name);
        alone.is_some_and(|id| self.check.realized.get(&id) == Some(found))
    }

    fn at(&self, place: usize) -> Option<Found> {
        self.check.world.find(&self.process.loaded.get(place)?.path)
    }

    /// Who has a say, and says what.
    fn expected(&self, by: Option<&Package>, itself: bool, soname: &Soname) -> Vec<Owner> {
        let own = explicit(self.package.realization, &self.package.id, soname);
        let others = by.filter(|_| !itself);
        let others = others.and_then(|p| explicit(p.realization, &p.id, soname));
        let said: Vec<Owner> = own.into_iter().chain(others).collect();
        if !said.is_empty() {
            return said;
        }
        let program = self.process.loaded.first();
        let needs_itself = itself
            || program.is_some_and(|p| {
                p.object
                    .info
                    .needed
                    .iter()
                    .any(|n| n == soname.as_str().as_bytes())
            });
        if needs_itself {
            return vec![
                self.check
                    .planned(self.package.realization, self.architecture, soname),
            ];
        }
        // Who asked first.
        let first = self.first.get(soname.as_str().as_bytes());
        let first = first.and_then(|by| self.at(*by)?.owner);
        let Some(of) = first.and_then(|(id, _)| self.packages.get(&id)) else {
            return Vec::new();
        };
        if let Some(said) = explicit(of.realization, &of.id, soname) {
            return vec![said];
        }
        let of = of.realization;
        vec![self.check.planned(of, self.architecture, soname)]
    }

    /// Whether what was found is what was expected.
    fn is(&self, expected: &Owner, soname: &Soname, found: Option<&Found>) -> bool {
        match (expected, found) {
            (Owner::Host, Some(found)) => found.owner.is_none(),
            (Owner::Package(id), Some(found)) => {
                let owner = found.owner.as_ref().map(|(id, _)| id);
                owner == Some(id) || self.is_file_of(id, soname, found)
            }
            _ => false,
        }
    }

    /// Whether it is the same file in another realization: what needed no rewriting is one file in all.
    fn is_file_of(&self, id: &RealizationId, soname: &Soname, found: &Found) -> bool {
        let object = self.packages.get(id);
        let object = object.and_then(|p| provided(p.facts, soname, self.architecture));
        let Some(object) = object else {
            return false;
        };
        let path = Layout::new(&self.check.linker.seen)
            .realization(id)
            .join(&object.path);
        let planned = self.check.world.find(path.as_os_str().as_encoded_bytes());
        planned.is_some_and(|p| p.object.identity == found.object.identity)
    }
}
