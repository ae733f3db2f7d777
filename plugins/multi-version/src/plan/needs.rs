//! Libraries in a set of packages: who has which, who needs which, and how a consumer does with each of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;

use super::depends::{Depends, Edges};
use super::error::group_text;
use super::relations::Place;
use crate::decide::Fit;
use crate::elf::{Port, is_glibc_interpreter};
use crate::facts;
use crate::layout::{Architecture, Soname};

/// A soname (or the file name of an interpreter) of an architecture, by its place among all that are spoken of.
pub(super) type Key = usize;

/// An ELF object of a member.
pub(super) struct Object<'w> {
    pub package: Place,
    pub path: &'w Path,
    /// Its interpreter, then what it needs, in order.
    pub needs: Vec<Key>,
    /// Whether it is a program: what a process starts with.
    pub program: bool,
}

/// The objects of a set.
pub(super) struct Needs<'d, 'w> {
    pub depends: &'d Depends<'d, 'w>,
    edges: &'d Edges,
    keys: Vec<(&'static str, Soname)>,
    pub objects: Vec<Object<'w>>,
    /// The objects of each package.
    pub of: BTreeMap<Place, Vec<usize>>,
    /// For each key, the packages that have it for everybody, with the object.
    pub public: Vec<BTreeMap<Place, usize>>,
    provides: BTreeMap<Place, Vec<Key>>,
    /// For each key, the others that have it.
    private: Vec<BTreeMap<Place, usize>>,
    /// The needs of each package.
    needed: BTreeMap<Place, BTreeSet<Key>>,
    nothing: BTreeSet<Key>,
    /// Which architecture of a package's objects its own lib/ is for.
    main: BTreeMap<Place, &'static str>,
    closures: RefCell<HashMap<Place, Vec<Place>>>,
    fits: RefCell<HashMap<(Place, Key, Place), Option<Fit>>>,
}

impl<'d, 'w> Needs<'d, 'w> {
    pub fn new(depends: &'d Depends<'d, 'w>, edges: &'d Edges, set: &BTreeSet<Place>) -> Self {
        let mut table = Table::default();
        let mut needs = Needs {
            depends,
            edges,
            keys: Vec::new(),
            objects: Vec::new(),
            of: BTreeMap::new(),
            public: Vec::new(),
            private: Vec::new(),
            provides: BTreeMap::new(),
            needed: BTreeMap::new(),
            nothing: BTreeSet::new(),
            main: BTreeMap::new(),
            closures: RefCell::default(),
            fits: RefCell::default(),
        };
        let mut sonames: Vec<(Key, bool)> = Vec::new();
        for package in set.iter().copied() {
            for object in &depends.index.facts(package).objects {
                let Some(port) = Port::of(&object.target) else {
                    continue;
                };
                let architecture = port.architecture;
                let main = needs.main.entry(package).or_insert(architecture);
                if architecture == depends.index.id(package).architecture().as_str() {
                    *main = architecture;
                }
                let at = needs.objects.len();
                needs.of.entry(package).or_default().push(at);
                let interpreter = interpreter(object).map(|name| table.key(architecture, name));
                let needed = object
                    .needed
                    .iter()
                    .map(|s| table.key(architecture, s.clone()));
                let needed: Vec<Key> = interpreter.into_iter().chain(needed).collect();
                // A private library is also found by its file name.
                let public = object.public && object.soname.is_some();
                if let Some(soname) = object.soname.clone().or_else(|| file_name(&object.path)) {
                    sonames.push((table.key(architecture, soname), public));
                } else {
                    sonames.push((usize::MAX, false));
                }
                needs.objects.push(Object {
                    package,
                    path: &object.path,
                    needs: needed,
                    program: object.interpreter.is_some() && !public,
                });
            }
        }
        needs.public = vec![BTreeMap::new(); table.keys.len()];
        needs.private = vec![BTreeMap::new(); table.keys.len()];
        for (at, (key, public)) in sonames.into_iter().enumerate() {
            let side = if public {
                &mut needs.public
            } else {
                &mut needs.private
            };
            let package = needs.objects.get(at).map(|o| o.package);
            if let (Some(providers), Some(package)) = (side.get_mut(key), package) {
                providers.entry(package).or_insert(at);
            }
        }
        for (key, providers) in needs.public.iter().enumerate() {
            for package in providers.keys() {
                needs.provides.entry(*package).or_default().push(key);
            }
        }
        for object in &needs.objects {
            let needed = needs.needed.entry(object.package).or_default();
            needed.extend(&object.needs);
        }
        needs.keys = table.keys;
        needs
    }

    /// All keys.
    pub fn keys(&self) -> std::ops::Range<Key> {
        0..self.keys.len()
    }

    /// What a package has for everybody.
    pub fn provided_by(&self, package: Place) -> &[Key] {
        self.provides.get(&package).map_or(&[], Vec::as_slice)
    }

    /// Its architecture, as ports are called.
    pub fn port(&self, key: Key) -> &'static str {
        self.keys[key].0
    }

    /// Its architecture.
    pub fn architecture(&self, key: Key) -> Architecture {
        // The names of ports are architectures.
        let native = self.depends.index.world.native;
        Architecture::new(self.port(key)).unwrap_or_else(|_| native.clone())
    }

    /// Its soname.
    pub fn soname(&self, key: Key) -> &Soname {
        &self.keys[key].1
    }

    /// The key of a soname that is spoken of.
    pub fn key(&self, port: &str, soname: &Soname) -> Option<Key> {
        self.keys
            .iter()
            .position(|(p, s)| *p == port && s == soname)
    }

    /// Whether a package's own lib/ is for the architecture of a key.
    pub fn is_main(&self, package: Place, key: Key) -> bool {
        self.main.get(&package) == Some(&self.port(key))
    }

    /// A package's library of this name: the public one, if there are several.
    pub fn object(&self, package: Place, key: Key) -> Option<usize> {
        let at = |side: &[BTreeMap<Place, usize>]| side.get(key)?.get(&package).copied();
        at(&self.public).or_else(|| at(&self.private))
    }

    /// Every need of a package's objects, once.
    pub fn needed_by(&self, package: Place) -> &BTreeSet<Key> {
        self.needed.get(&package).unwrap_or(&self.nothing)
    }

    /// What a package's objects take from the package itself.
    pub fn own(&self, package: Place) -> BTreeSet<Key> {
        let mut own = self.needed_by(package).clone();
        own.retain(|key| self.is_main(package, *key) && self.has_named(package, *key));
        own
    }

    /// Whether an object of a package says that this is its soname.
    fn has_named(&self, package: Place, key: Key) -> bool {
        let objects = &self.depends.index.facts(package).objects;
        objects
            .iter()
            .any(|o| o.soname.as_ref() == Some(self.soname(key)))
    }

    /// What a package uses, directly and through others, the nearest first.
    fn closure(&self, package: Place) -> Vec<Place> {
        if let Some(known) = self.closures.borrow().get(&package) {
            return known.clone();
        }
        let mut seen = BTreeSet::from([package]);
        let (mut order, mut left) = (Vec::new(), VecDeque::from([package]));
        while let Some(from) = left.pop_front() {
            for to in self.edges.of(from) {
                if seen.insert(to) {
                    order.push(to);
                    left.push_back(to);
                }
            }
        }
        self.closures.borrow_mut().insert(package, order.clone());
        order
    }

    /// The provider of the closure a consumer is in.
    pub fn came_with(&self, consumer: Place, key: Key) -> Option<Place> {
        let providers = self.public.get(key)?;
        if providers.contains_key(&consumer) {
            return Some(consumer);
        }
        if providers.is_empty() {
            return None;
        }
        let direct = self.edges.of(consumer).find(|p| providers.contains_key(p));
        direct.or_else(|| {
            self.closure(consumer)
                .into_iter()
                .find(|p| providers.contains_key(p))
        })
    }

    /// A package that has it for itself, which a consumer finds by its own means: a RUNPATH.
    pub fn private_provider(&self, consumer: Place, key: Key) -> Option<Place> {
        let providers = self.private.get(key).filter(|p| !p.is_empty())?;
        if providers.contains_key(&consumer) {
            return Some(consumer);
        }
        self.closure(consumer)
            .into_iter()
            .find(|p| providers.contains_key(p))
    }

    /// What is wrong with a provider under a consumer.
    pub fn fit(&self, consumer: Place, key: Key, provider: Place) -> Option<Fit> {
        let known = self.fits.borrow().get(&(consumer, key, provider)).cloned();
        if let Some(known) = known {
            return known;
        }
        let fit = self.unfit(consumer, key, provider);
        let mut fits = self.fits.borrow_mut();
        fits.insert((consumer, key, provider), fit.clone());
        fit
    }

    fn unfit(&self, consumer: Place, key: Key, provider: Place) -> Option<Fit> {
        if consumer == provider {
            return None;
        }
        if let Some(hide) = self.depends.hidden(provider, consumer) {
            return Some(Fit::Hidden(hide.to_string()));
        }
        let came_with = self.came_with(consumer, key);
        let used = self.edges.by.get(&consumer).into_iter().flatten();
        for (number, _) in used.filter(|(_, by)| Some(**by) == came_with) {
            if let Some(group) = self.depends.groups(consumer).get(*number)
                && !group.is_satisfied_by(provider)
            {
                return Some(Fit::Relation(group_text(group.relations)));
            }
        }
        let index = self.depends.index;
        let verdict = index.world.files.verdict(
            index.id(consumer),
            &self.architecture(key),
            self.soname(key),
            came_with.map(|p| index.id(p)),
            index.id(provider),
        );
        // What it came with may be a newer one by now, and have less.
        let alone = came_with == Some(provider) && verdict.missing.is_empty();
        (!verdict.is_compatible() && !alone).then_some(Fit::Abi(verdict))
    }

    /// The same in words.
    pub fn complaint(&self, consumer: Place, key: Key, provider: Place) -> Option<String> {
        let foreign = self.came_with(consumer, key) != Some(provider);
        self.fit(consumer, key, provider)?.complaint(foreign)
    }
}

#[derive(Default)]
struct Table {
    keys: Vec<(&'static str, Soname)>,
    places: HashMap<(&'static str, Soname), Key>,
}

impl Table {
    fn key(&mut self, architecture: &'static str, soname: Soname) -> Key {
        let name = (architecture, soname);
        if let Some(key) = self.places.get(&name) {
            return *key;
        }
        self.keys.push(name.clone());
        self.places.insert(name, self.keys.len() - 1);
        self.keys.len() - 1
    }
}

fn file_name(path: &Path) -> Option<Soname> {
    Soname::new(path.file_name()?.to_str()?).ok()
}

/// The name by which a program's ld.so is found, if it is glibc's: others are not chosen among.
fn interpreter(object: &facts::Object) -> Option<Soname> {
    let path = object.interpreter.as_deref()?;
    let glibc = is_glibc_interpreter(path.as_os_str().as_encoded_bytes());
    file_name(path).filter(|_| glibc)
}
