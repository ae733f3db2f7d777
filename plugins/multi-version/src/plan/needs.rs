//! Libraries: who has which, who needs which, and how a consumer does with each of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use super::index::{Index, Place, World};
use super::relations::group_text;
use crate::decide::Fit;
use crate::elf::{Port, is_glibc_interpreter};
use crate::facts;
use crate::layout::{Architecture, Soname};

/// A soname (or the file name of an interpreter) of an architecture, by its place among all that are spoken of.
pub(super) type Key = usize;

/// An ELF object of a package.
pub(super) struct Object<'a> {
    pub package: Place,
    pub path: &'a Path,
    /// Its interpreter, then what it needs, in order.
    pub needs: Vec<Key>,
    /// Whether it is a program: what a process starts with.
    pub program: bool,
}

/// The objects of all places.
pub(super) struct Needs<'i, 'a> {
    pub index: &'i Index<'a>,
    keys: Vec<(&'static str, Soname)>,
    pub objects: Vec<Object<'a>>,
    /// The objects of each place.
    pub of: BTreeMap<Place, Vec<usize>>,
    /// For each key, the places that have it for everybody, with the object.
    pub public: Vec<BTreeMap<Place, usize>>,
    provides: BTreeMap<Place, Vec<Key>>,
    /// For each key, the others that have it.
    private: Vec<BTreeMap<Place, usize>>,
    /// For each key, whom the links of a world's tree lead to.
    aliases: HashMap<(World, Key), Place>,
    /// The needs of each place.
    needed: BTreeMap<Place, BTreeSet<Key>>,
    nothing: BTreeSet<Key>,
    /// Which architecture of a place's objects its own lib/ is for.
    main: BTreeMap<Place, &'static str>,
    fits: RefCell<HashMap<(Place, Key, Place), Option<Fit>>>,
}

impl<'i, 'a> Needs<'i, 'a> {
    pub fn new(index: &'i Index<'a>) -> Self {
        let mut table = Table::default();
        let mut needs = Needs {
            index,
            keys: Vec::new(),
            objects: Vec::new(),
            of: BTreeMap::new(),
            public: Vec::new(),
            private: Vec::new(),
            provides: BTreeMap::new(),
            aliases: HashMap::new(),
            needed: BTreeMap::new(),
            nothing: BTreeSet::new(),
            main: BTreeMap::new(),
            fits: RefCell::default(),
        };
        let mut sonames: Vec<Option<(Key, bool)>> = Vec::new();
        for (package, spot) in index.spots.iter().enumerate() {
            for object in &spot.facts.objects {
                let Some(port) = Port::of(&object.target) else {
                    continue;
                };
                let architecture = port.architecture;
                let main = needs.main.entry(package).or_insert(architecture);
                if architecture == index.id(package).architecture().as_str() {
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
                needs.needed.entry(package).or_default().extend(&needed);
                // A private library is also found by its file name.
                let public = object.public && object.soname.is_some();
                let soname = object.soname.clone().or_else(|| file_name(&object.path));
                sonames.push(soname.map(|s| (table.key(architecture, s), public)));
                needs.objects.push(Object {
                    package,
                    path: &object.path,
                    needs: needed,
                    program: object.interpreter.is_some() && !public,
                });
            }
        }
        needs.keys = table.keys;
        needs.public = vec![BTreeMap::new(); needs.keys.len()];
        needs.private = vec![BTreeMap::new(); needs.keys.len()];
        for (object, soname) in needs.objects.iter().enumerate() {
            let Some((key, public)) = sonames.get(object).copied().flatten() else {
                continue;
            };
            let side = if public {
                &mut needs.public
            } else {
                &mut needs.private
            };
            side[key].entry(soname.package).or_insert(object);
        }
        for (key, providers) in needs.public.iter().enumerate() {
            for package in providers.keys() {
                needs.provides.entry(*package).or_default().push(key);
            }
        }
        needs.find_aliases();
        needs
    }

    /// Names that exist by links: those that lead to an object that says it is called so.
    fn find_aliases(&mut self) {
        for (world, observed) in self.index.worlds.iter().enumerate() {
            for (link, target) in &observed.made {
                let Some(soname) = file_name(link) else {
                    continue;
                };
                let here = self
                    .index
                    .in_world(world)
                    .filter(|(_, s)| s.member.is_some());
                let mut found = here.filter_map(|(place, _)| {
                    let mut objects = self.of.get(&place)?.iter().copied();
                    objects.find(|o| self.objects[*o].path == target)
                });
                let Some(object) = found.next() else {
                    continue;
                };
                let place = self.objects[object].package;
                let keys = (0..self.keys.len()).filter(|k| *self.soname(*k) == soname);
                let key = keys
                    .into_iter()
                    .find(|k| self.object(place, *k) == Some(object));
                if let Some(key) = key {
                    self.aliases.insert((world, key), place);
                }
            }
        }
    }

    /// All keys.
    pub fn keys(&self) -> std::ops::Range<Key> {
        0..self.keys.len()
    }

    /// The members of a world that have a library for everybody there: by what is in directories where ld.so looks.
    pub fn providers(&self, world: World, key: Key) -> Vec<Place> {
        if let Some(place) = self.aliases.get(&(world, key)) {
            return vec![*place];
        }
        let here = |p: &Place| {
            let spot = self.index.spot(*p);
            spot.world == world && spot.member.is_some()
        };
        self.public[key].keys().copied().filter(here).collect()
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
        let native = self.index.known.native;
        Architecture::new(self.port(key)).unwrap_or_else(|_| native.clone())
    }

    /// Its soname.
    pub fn soname(&self, key: Key) -> &Soname {
        &self.keys[key].1
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
        let objects = &self.index.spot(package).facts.objects;
        own.retain(|key| {
            let named = |o: &facts::Object| o.soname.as_ref() == Some(self.soname(*key));
            self.is_main(package, *key) && objects.iter().any(named)
        });
        own
    }

    /// The provider that a consumer came with: in its world, the one of its dependencies.
    pub fn came_with(&self, consumer: Place, key: Key) -> Option<Place> {
        let providers = self.providers(self.index.world(consumer), key);
        match providers[..] {
            [] => None,
            [only] => Some(only),
            _ if providers.contains(&consumer) => Some(consumer),
            _ => {
                let direct = self.index.uses(consumer).find(|p| providers.contains(p));
                let further = || {
                    self.index
                        .closure(consumer)
                        .into_iter()
                        .find(|p| providers.contains(p))
                };
                direct.or_else(further)
            }
        }
    }

    /// A package that has it for itself, which a consumer finds by its own means: a RUNPATH.
    pub fn private_provider(&self, consumer: Place, key: Key) -> Option<Place> {
        let providers = self.private.get(key).filter(|p| !p.is_empty())?;
        if providers.contains_key(&consumer) {
            return Some(consumer);
        }
        let closure = self.index.closure(consumer);
        closure.into_iter().find(|p| providers.contains_key(p))
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
        let index = self.index;
        let came_with = self.came_with(consumer, key);
        let of = index.id(consumer).architecture();
        let used = index.spot(consumer).uses.iter();
        for (number, _) in used.filter(|(_, by)| by.is_some() && *by == came_with) {
            let group = index.depends(consumer).get(*number);
            let holds = |g: &Vec<facts::Relation>| {
                g.iter()
                    .any(|r| index.named(provider).satisfies(r, of, &index.known))
            };
            if let Some(group) = group.filter(|g| !holds(g)) {
                return Some(Fit::Relation(group_text(group)));
            }
        }
        let verdict = index.known.files.verdict(
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
