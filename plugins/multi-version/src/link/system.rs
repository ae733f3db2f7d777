//! What programs find besides their own `lib/`: the current system's, and the host's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::linking::{architecture_of, provided};
use super::world::World;
use super::{Done, LinkError, Linker, Wanted, cache};
use crate::decide::Decision;
use crate::elf::resolve::Environment;
use crate::elf::{Port, is_glibc_interpreter};
use crate::layout::{Architecture, InstallationId, RealizationId, Soname};
use crate::manifest::Realization;
use crate::plan::Link;

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
    pub libraries: &'p BTreeMap<Architecture, Vec<Decision>>,
    /// Who is to provide what to whom.
    pub links: &'p [Link],
    /// Whose files are to be in `root/`, the first of several before the others.
    pub tree: Vec<&'p RealizationId>,
    /// Which objects are looked at, relative to their payloads; `None`: all.
    pub only: Option<&'p BTreeSet<(RealizationId, PathBuf)>>,
}

impl Linker<'_> {
    /// What `lib/` of the plan's generation is to hold: by path relative to it, where it leads as programs see it.
    pub fn system_libraries(&self, plan: &Planned) -> Done<BTreeMap<PathBuf, PathBuf>> {
        let mut lib = BTreeMap::new();
        for (architecture, decisions) in plan.libraries {
            for decision in decisions {
                let facts = self.facts(&decision.provider)?;
                let (soname, id) = (&decision.soname, plan.realized.get(&decision.provider));
                let object = provided(facts, soname, architecture);
                let (Some(id), Some(object)) = (id, object) else {
                    let package = decision.provider.clone();
                    let name = soname.clone();
                    let wanted = Box::new(Wanted { package, name });
                    return Err(LinkError::NotProvided(wanted, decision.provider.clone()));
                };
                let name = self.library_name(architecture, soname);
                lib.insert(name, self.home(id).join(&object.path));
            }
        }
        // Where the host's libc serves, its interpreter does.
        for realization in plan.realizations {
            let facts = self.facts(&realization.installation)?;
            for object in &facts.objects {
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
        let triplet = Port::named(architecture.as_str()).map_or("", |p| p.triplet);
        let dirs = ["/lib", "/usr/lib"];
        let own = dirs.iter().map(|d| format!("{d}/{triplet}").into_bytes());
        let common = dirs.iter().map(|d| d.as_bytes().to_vec());
        Environment {
            cache: self.host_libraries(world, architecture, links),
            default_dirs: own.chain(common).collect(),
            lib: format!("lib/{triplet}").into_bytes(),
            cwd: b"/".to_vec(),
            ..Environment::default()
        }
    }

    /// What of the host's `ld.so.cache` the plan leaves to the host; most plans leave nothing.
    fn host_libraries(
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
