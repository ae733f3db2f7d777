//! What programs find besides their own `lib/`: the current system's, and the host's.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::linking::{among, architecture_of, provided};
use super::tree::{self, Names};
use super::world::World;
use super::{Done, LinkError, Linker, Wanted, cache};
use crate::elf::resolve::Environment;
use crate::elf::{Port, is_glibc_interpreter};
use crate::facts::{Facts, Object};
use crate::layout::{Architecture, InstallationId, RealizationId, Soname};
use crate::manifest::Realization;
use crate::plan::{Lib, Link};

/// The host's.
const CACHE: &str = "/etc/ld.so.cache";

/// What of a plan linking goes by.
#[derive(Debug, Clone)]
pub struct Planned<'p> {
    /// How each package is linked.
    pub realizations: &'p [Realization],
    /// The realization of each installation.
    pub realized: &'p BTreeMap<InstallationId, RealizationId>,
    /// What `lib/` is to hold.
    pub libraries: &'p Lib,
    /// Who is to provide what to whom.
    pub links: &'p [Link],
    /// Whose files are to be in `root/`, the first of several before the others.
    pub tree: Vec<&'p RealizationId>,
    /// Which objects are looked at, relative to their payloads; `None`: all.
    pub only: Option<&'p BTreeSet<(RealizationId, PathBuf)>>,
    /// Links in that tree that no package has ([`made_links`](super::made_links)): by path, the file each leads to.
    pub made: BTreeMap<PathBuf, PathBuf>,
}

impl Linker<'_> {
    /// What `lib/` of the plan's generation is to hold: by path relative to it, where it leads as programs see it.
    pub fn system_libraries(&self, plan: &Planned) -> Done<BTreeMap<PathBuf, PathBuf>> {
        let mut lib = BTreeMap::new();
        for (architecture, names) in plan.libraries {
            for (soname, offered) in names {
                let facts = self.facts(&offered.installation)?;
                let Some(object) = provided(facts, soname, architecture) else {
                    let package = offered.installation.clone();
                    let name = soname.clone();
                    let wanted = Box::new(Wanted { package, name });
                    return Err(LinkError::NotProvided(wanted, offered.installation.clone()));
                };
                let name = self.library_name(architecture, soname);
                lib.insert(name, self.home(&offered.realization).join(&object.path));
            }
        }
        // What somebody needs by another name than its soname, ld.so is to find by that.
        let wanted = self.wanted(plan)?;
        let names = self.names(plan)?;
        for (architecture, soname, (id, path)) in names.iter() {
            let realized = plan.realized.get(id).filter(|_| wanted.contains(soname));
            if let Some(id) = realized {
                let name = self.library_name(architecture, soname);
                lib.entry(name).or_insert_with(|| self.home(id).join(path));
            }
        }
        // Where the host's libc serves, its interpreter does.
        for realization in plan.realizations {
            let facts = self.facts(&realization.installation)?;
            for object in facts.objects.iter().filter(|o| self.is_ours(o, facts)) {
                let Some(path) = object.interpreter.as_ref() else {
                    continue;
                };
                let name = path.file_name().and_then(|n| n.to_str());
                let name = name.and_then(|n| Soname::new(n).ok());
                if let Some(name) = name.filter(|n| is_glibc_interpreter(n.as_str().as_bytes())) {
                    let name = self.library_name(&architecture_of(object, facts), &name);
                    lib.entry(name).or_insert_with(|| path.clone());
                }
            }
        }
        Ok(lib)
    }

    /// Whether an object is for the world's architectures.
    pub(super) fn is_ours(&self, object: &Object, facts: &Facts) -> bool {
        self.architectures
            .is_none_or(|all| among(all, object, facts).is_some())
    }

    /// What is needed or spoken of, by whatever name.
    fn wanted<'s>(&'s self, plan: &'s Planned) -> Done<HashSet<&'s Soname>> {
        let mut wanted: HashSet<&Soname> = plan.links.iter().map(|l| &l.soname).collect();
        for realization in plan.realizations {
            let facts = self.facts(&realization.installation)?;
            wanted.extend(facts.objects.iter().flat_map(|o| &o.mentions));
        }
        Ok(wanted)
    }

    /// By which names libraries of the plan's tree are found, besides their sonames.
    pub(super) fn names(&self, plan: &Planned) -> Done<Names> {
        let mut chosen = HashMap::new();
        for (architecture, offered) in plan.libraries {
            for (soname, offered) in offered {
                chosen.insert((architecture, soname), &offered.installation);
            }
        }
        let chosen = |architecture: &Architecture, soname: &Soname| {
            chosen.get(&(architecture, soname)).map(|p| (*p).clone())
        };
        let packages: Vec<&Facts> = self.in_tree(plan)?;
        Ok(Names::of(&packages, &plan.made, &chosen))
    }

    /// The packages of the plan's tree, the first of several before the others.
    pub(super) fn in_tree(&self, plan: &Planned) -> Done<Vec<&Facts>> {
        let of: HashMap<&RealizationId, &InstallationId> =
            plan.realized.iter().map(|(id, r)| (r, id)).collect();
        let ids = plan.tree.iter().filter_map(|r| of.get(r).copied());
        ids.map(|id| self.facts(id)).collect()
    }

    pub(super) fn library_name(&self, architecture: &Architecture, soname: &Soname) -> PathBuf {
        match Port::named(architecture.as_str()) {
            Some(port) if *architecture != self.host => {
                Path::new(port.triplet).join(soname.as_str())
            }
            _ => soname.as_str().into(),
        }
    }

    /// What ld.so of an architecture looks for on the host.
    pub(super) fn environment(
        &self,
        world: &World,
        architecture: &Architecture,
        links: &[Link],
    ) -> Environment {
        Environment {
            cache: self.host_libraries(world, architecture, links),
            ..tree::environment(architecture)
        }
    }

    /// What of the host's `ld.so.cache` the plan leaves to the host; most plans leave nothing.
    pub(super) fn host_libraries(
        &self,
        world: &World,
        architecture: &Architecture,
        links: &[Link],
    ) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut found = BTreeMap::new();
        let left = links
            .iter()
            .filter(|l| l.provider.is_none() && l.architecture == *architecture);
        let left: BTreeSet<&[u8]> = left.map(|l| l.soname.as_str().as_bytes()).collect();
        if left.is_empty() {
            return found;
        }
        // One that can't be read is none for ld.so either.
        let raw = std::fs::read(CACHE).unwrap_or_default();
        for (soname, path) in cache::entries(&raw) {
            if left.contains(soname)
                && !found.contains_key(soname)
                && is_for(world, path, architecture)
            {
                found.insert(soname.to_vec(), path.to_vec());
            }
        }
        found
    }
}

fn is_for(world: &World, path: &[u8], architecture: &Architecture) -> bool {
    let found = world.find(path);
    let port = found.and_then(|f| Port::of(&f.object.info.target));
    port.is_some_and(|p| p.architecture == architecture.as_str())
}
