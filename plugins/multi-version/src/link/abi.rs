//! What the files of packages say about each other, for planning and `relink`: read when it is asked for, and once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::hash::Hash;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::rc::Rc;

use super::linking::{Linking, architecture_of, provided};
use super::{Done, LinkError, Linker, POLICY, read_error, rpath};
use crate::decide::abi::{Verdict, check};
use crate::elf::symbols::{self, Imports, Versioned};
use crate::elf::{Image, Outcome, View, rewrite};
use crate::facts::{Facts, Object};
use crate::layout::{Architecture, InstallationId, Layout, Soname};
use crate::manifest::Realization;
use crate::plan;

/// What one package takes from one soname.
type Taken = (InstallationId, Architecture, Soname);

/// What was made of keys.
type Cache<K, V> = RefCell<HashMap<K, Rc<V>>>;

/// What the files say. What can't be read is as if it were not there, until [`Abi::finish`] tells.
pub struct Abi<'a> {
    layout: &'a Layout,
    host: &'a Architecture,
    facts: &'a BTreeMap<InstallationId, Facts>,
    objects: Cache<InstallationId, Vec<(usize, Imports)>>,
    imports: Cache<Taken, Imports>,
    exports: Cache<Taken, BTreeSet<Versioned>>,
    rewritable: Cache<InstallationId, bool>,
    failed: RefCell<Option<LinkError>>,
}

/// The value of a key, made once.
fn once<K: Eq + Hash, V>(cache: &Cache<K, V>, key: K, make: impl FnOnce() -> V) -> Rc<V> {
    if let Some(known) = cache.borrow().get(&key) {
        return Rc::clone(known);
    }
    let made = Rc::new(make());
    cache.borrow_mut().insert(key, Rc::clone(&made));
    made
}

impl<'a> Abi<'a> {
    /// For the packages of a plan, on a machine whose own architecture is `host`.
    pub fn new(
        layout: &'a Layout,
        host: &'a Architecture,
        facts: &'a BTreeMap<InstallationId, Facts>,
    ) -> Abi<'a> {
        Abi {
            layout,
            host,
            facts,
            objects: RefCell::default(),
            imports: RefCell::default(),
            exports: RefCell::default(),
            rewritable: RefCell::default(),
            failed: RefCell::default(),
        }
    }

    /// Whether everything that was asked for could be read.
    pub fn finish(&self) -> Done {
        self.failed.take().map_or(Ok(()), Err)
    }

    fn read(&self, package: &InstallationId, path: &Path) -> Option<Vec<u8>> {
        let path = self.layout.installation(package).join(path);
        let read = fs::read(&path);
        read.map_err(|e| self.fail(read_error(&path, e))).ok()
    }

    fn fail(&self, error: LinkError) {
        self.failed.borrow_mut().get_or_insert(error);
    }

    /// What each object of a package takes, by its place among its facts.
    fn objects(&self, package: &InstallationId) -> Rc<Vec<(usize, Imports)>> {
        once(&self.objects, package.clone(), || {
            let mut all = Vec::new();
            let mut seen = BTreeSet::new();
            let home = self.layout.installation(package);
            let objects = self.facts.get(package).map(|f| &f.objects);
            for (place, object) in objects.into_iter().flatten().enumerate() {
                // What can't be looked at is read below, once more at most.
                let names = fs::symlink_metadata(home.join(&object.path));
                let repeated =
                    names.is_ok_and(|m| m.nlink() > 1 && !seen.insert((m.dev(), m.ino())));
                if repeated || object.needed.is_empty() {
                    continue;
                }
                // A damaged file takes nothing: it does not load either.
                let bytes = self.read(package, &object.path).unwrap_or_default();
                let image = Image::read(View::of(&bytes));
                let imports = image.and_then(|image| symbols::imports(&image));
                all.push((place, imports.unwrap_or_default()));
            }
            all
        })
    }

    /// What a package takes from a soname, and what it takes from it or another.
    fn imports(&self, (package, architecture, soname): &Taken) -> Rc<Imports> {
        let key = (package.clone(), architecture.clone(), soname.clone());
        once(&self.imports, key, || {
            let mut all = Imports::default();
            let Some(facts) = self.facts.get(package) else {
                return all;
            };
            for (place, imports) in self.objects(package).iter() {
                let object = facts.objects.get(*place);
                let Some(object) = object.filter(|o| architecture_of(o, facts) == *architecture)
                else {
                    continue;
                };
                let name = soname.as_str().as_bytes();
                if let Some(symbols) = imports.by_soname.get(name) {
                    let set = all.by_soname.entry(name.to_vec()).or_default();
                    set.extend(symbols.iter().cloned());
                }
                if object.needed.contains(soname) {
                    for (symbol, weak) in &imports.unversioned {
                        let known = all.unversioned.entry(symbol.clone());
                        known.and_modify(|w| *w &= weak).or_insert(*weak);
                    }
                }
            }
            all
        })
    }

    /// What a library offers: its own, and what its package's libraries do that it needs itself, as the loader looks
    /// for a symbol in all of them (glibc's libpthread.so.0).
    fn exports(&self, (package, architecture, soname): &Taken) -> Rc<BTreeSet<Versioned>> {
        let key = (package.clone(), architecture.clone(), soname.clone());
        once(&self.exports, key, || {
            let mut all = BTreeSet::new();
            let Some(facts) = self.facts.get(package) else {
                return all;
            };
            let mut left = vec![soname];
            let mut seen = BTreeSet::new();
            while let Some(soname) = left.pop() {
                let object = provided(facts, soname, architecture);
                let own = |o: &&Object| architecture_of(o, facts) == *architecture;
                let Some(object) = object.filter(own).filter(|o| seen.insert(&o.path)) else {
                    continue;
                };
                let bytes = self.read(package, &object.path).unwrap_or_default();
                let image = Image::read(View::of(&bytes));
                all.extend(image.and_then(|i| symbols::exports(&i)).unwrap_or_default());
                left.extend(&object.needed);
            }
            all
        })
    }

    /// Whether every object can be given a path of ours.
    fn rewritable(&self, facts: &Facts) -> Done<bool> {
        let realization = Realization {
            installation: facts.id.clone(),
            sha256: facts.installation.sha256,
            overrides: BTreeMap::new(),
            own: BTreeSet::new(),
            needed: BTreeSet::new(),
            rpath: false,
            policy: POLICY,
        };
        let linker = Linker::new(self.layout, self.host.clone(), [facts]);
        let linking = Linking::new(&linker, &realization, &|_| Ok(None))?;
        let fits = |object: &Object| {
            let bytes = self.read(&facts.id, &object.path).unwrap_or_default();
            !matches!(
                rewrite(&bytes, &linking.wish(object)),
                Outcome::Unsupported(_)
            )
        };
        Ok(facts.objects.iter().all(fits))
    }
}

impl plan::Files for Abi<'_> {
    fn verdict(
        &self,
        consumer: &InstallationId,
        architecture: &Architecture,
        soname: &Soname,
        present: Option<&InstallationId>,
        candidate: &InstallationId,
    ) -> Verdict {
        let of = |package: &InstallationId| (package.clone(), architecture.clone(), soname.clone());
        let imports = self.imports(&of(consumer));
        let present = present.map(|p| self.exports(&of(p))).unwrap_or_default();
        let candidate = self.exports(&of(candidate));
        check(soname.as_str().as_bytes(), &imports, &present, &candidate)
    }

    fn can_be_overridden(&self, package: &InstallationId) -> bool {
        *once(&self.rewritable, package.clone(), || {
            let facts = self.facts.get(package);
            let rewritable = facts.map(|facts| self.rewritable(facts));
            match rewritable {
                Some(Ok(rewritable)) => rewritable,
                Some(Err(error)) => {
                    self.fail(error);
                    false
                }
                None => false,
            }
        })
    }

    fn keeps_rpath(&self, set: &BTreeSet<InstallationId>) -> BTreeSet<InstallationId> {
        let packages: Vec<&Facts> = set.iter().filter_map(|id| self.facts.get(id)).collect();
        rpath::keep(self.layout, &packages).unwrap_or_else(|error| {
            self.fail(error);
            BTreeSet::new()
        })
    }
}
