//! The tree that packages make on a system of their own: by what names ld.so finds libraries there, and whose they are.
//!
//! A plan speaks of sonames. ld.so goes by names: a link of a package (`libsndio.so.7.0`), one that update-alternatives
//! or ldconfig made (`libblas.so.3`), a file in a directory that only the package itself looks in. What leads to the
//! file of a package there, is to come from that package.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::linking::architecture_of;
use super::{Done, LinkError, head, read_error};
use crate::elf::Port;
use crate::elf::resolve::{Environment, Files, Object};
use crate::facts::{self, Facts, is_default_library_dir};
use crate::generation::{unless_absent, what_is_at};
use crate::layout::{Architecture, InstallationId, Layout, Soname, merged, merged_target};

/// As many links as the kernel follows.
const LINKS: usize = 40;

/// Links that no package has, in directories where ld.so looks for everybody: by path, the file each leads to, both
/// relative to the tree. `tree` is the world's, whose packages and scripts are done; `etc` its `/etc`, where
/// alternatives are.
///
/// # Errors
/// A directory can't be read.
pub fn made_links(tree: &Path, etc: &Path) -> io::Result<BTreeMap<PathBuf, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut dirs: Vec<PathBuf> = ["usr/lib", "usr/lib32", "usr/lib64", "usr/libx32"]
        .map(PathBuf::from)
        .into();
    for name in names(&tree.join("usr/lib"))? {
        dirs.push(Path::new("usr/lib").join(name));
    }
    for dir in dirs.into_iter().filter(|d| is_default_library_dir(d)) {
        for name in names(&tree.join(&dir))? {
            let path = dir.join(name);
            let target = leads_to(tree, etc, &path);
            found.extend(target.filter(|t| *t != path).map(|target| (path, target)));
        }
    }
    Ok(found)
}

/// The names in a directory; of none, none.
fn names(dir: &Path) -> io::Result<Vec<OsString>> {
    if !what_is_at(dir)?.is_some_and(|is| is.is_dir()) {
        return Ok(Vec::new());
    }
    fs::read_dir(dir)?
        .map(|entry| Ok(entry?.file_name()))
        .collect()
}

/// The file that a link leads to, over other links, those in /etc among them; none, where ld.so would come to none.
fn leads_to(tree: &Path, etc: &Path, link: &Path) -> Option<PathBuf> {
    let mut path = link.to_path_buf();
    for _ in 0..LINKS {
        let full = match path.strip_prefix("etc") {
            Ok(below) => etc.join(below),
            Err(_) => tree.join(&path),
        };
        let is = fs::symlink_metadata(&full).ok()?;
        if !is.is_symlink() {
            return is.is_file().then_some(path);
        }
        path = merged_target(&path, &fs::read_link(full).ok()?)?;
    }
    None
}

/// Whose a name is, and which file of the package.
pub(super) type Whose = (InstallationId, PathBuf);

/// By architecture and name, whose library ld.so finds for everybody by a name that is no soname of it.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<(Architecture, Soname), Whose>);

impl Names {
    /// Of packages, those that come first in the tree first, and of links that no package has. Of several that have a
    /// name, the one whose soname the view chose.
    pub fn of(
        packages: &[&Facts],
        made: &BTreeMap<PathBuf, PathBuf>,
        chosen: &dyn Fn(&Architecture, &Soname) -> Option<InstallationId>,
    ) -> Names {
        let mut names = BTreeMap::new();
        let mut others = BTreeMap::new();
        let mut files: HashMap<&Path, (&Facts, &facts::Object)> = HashMap::new();
        for package in packages {
            for object in package.objects.iter() {
                let path = object.path.as_path();
                files.entry(path).or_insert((package, object));
                let architecture = architecture_of(object, package);
                let by = object.soname.as_ref();
                let by = by.and_then(|soname| chosen(&architecture, soname));
                let side = match by.is_none_or(|by| by == package.id) {
                    true => &mut names,
                    false => &mut others,
                };
                for name in &object.names {
                    let whose = || (package.id.clone(), path.to_path_buf());
                    side.entry((architecture.clone(), name.clone()))
                        .or_insert_with(whose);
                }
            }
        }
        for (link, target) in made {
            let name = link.file_name().and_then(OsStr::to_str);
            let name = name.and_then(|n| Soname::new(n).ok());
            if let (Some(name), Some((package, object))) = (name, files.get(target.as_path())) {
                let key = (architecture_of(object, package), name);
                let whose = || (package.id.clone(), target.clone());
                names.entry(key).or_insert_with(whose);
            }
        }
        for (key, whose) in others {
            names.entry(key).or_insert(whose);
        }
        Names(names)
    }

    /// Whose a name is.
    pub fn whose(&self, architecture: &Architecture, name: &Soname) -> Option<&Whose> {
        self.0.get(&(architecture.clone(), name.clone()))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Architecture, &Soname, &Whose)> {
        self.0.iter().map(|((a, n), whose)| (a, n, whose))
    }
}

/// What ld.so of an architecture looks in, whatever is there.
pub(super) fn environment(architecture: &Architecture) -> Environment {
    let port = Port::named(architecture.as_str());
    let triplet = port.map_or("", |p| p.triplet);
    let dirs = ["/lib", "/usr/lib"];
    let own = dirs.iter().map(|d| format!("{d}/{triplet}").into_bytes());
    let common = dirs.iter().map(|d| d.as_bytes().to_vec());
    Environment {
        default_dirs: own.chain(common).collect(),
        lib: format!("lib/{triplet}").into_bytes(),
        platform: port.map_or("", Port::platform).into(),
        cwd: b"/".to_vec(),
        ..Environment::default()
    }
}

/// Files of packages where their archives put them. What can't be read is as if it were not there, until [`Tree::finish`]
/// tells.
pub(super) struct Tree<'t> {
    layout: &'t Layout,
    packages: Vec<&'t Facts>,
    /// By path, whose it is.
    paths: HashMap<&'t Path, &'t Facts>,
    made: &'t BTreeMap<PathBuf, PathBuf>,
    /// Libraries of the host that ld.so is to find.
    host: BTreeSet<Vec<u8>>,
    known: RefCell<HashMap<Vec<u8>, Option<Standing>>>,
    failed: RefCell<Option<LinkError>>,
}

/// What stands at a path.
#[derive(Clone)]
struct Standing {
    object: Rc<Object>,
    whose: Option<Whose>,
}

impl<'t> Tree<'t> {
    /// Of packages, those that come first before the others.
    pub fn new(
        layout: &'t Layout,
        packages: Vec<&'t Facts>,
        made: &'t BTreeMap<PathBuf, PathBuf>,
    ) -> Tree<'t> {
        let mut paths = HashMap::new();
        for package in packages.iter().copied() {
            for path in &package.paths {
                paths.entry(path.as_path()).or_insert(package);
            }
        }
        Tree {
            layout,
            packages,
            paths,
            made,
            host: BTreeSet::new(),
            known: RefCell::default(),
            failed: RefCell::default(),
        }
    }

    /// Whether every file of a package that was asked for could be read.
    pub fn finish(&self) -> Done {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// What was read of a package's file; none, if it is not there.
    fn told<T>(&self, path: &Path, read: io::Result<T>) -> Option<T> {
        unless_absent(read).unwrap_or_else(|e| {
            // Who may not read it has an ld.so that may not either, and passes it over.
            if e.kind() == io::ErrorKind::PermissionDenied {
                return None;
            }
            let mut failed = self.failed.borrow_mut();
            failed.get_or_insert_with(|| read_error(path, e));
            None
        })
    }

    /// What ld.so of an architecture finds: its directories, the libraries of the packages that ldconfig knows, and these
    /// of the host.
    pub fn environment(
        &mut self,
        architecture: &Architecture,
        host: &BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Environment {
        self.host.extend(host.values().cloned());
        let mut cache = BTreeMap::new();
        for package in &self.packages {
            for object in package.objects.iter().filter(|o| o.public) {
                let ours = self.paths.get(object.path.as_path());
                if ours.is_none_or(|f| f.id != package.id)
                    || architecture_of(object, package) != *architecture
                {
                    continue;
                }
                for name in object.soname.iter().chain(&object.names) {
                    let path = Path::new("/").join(&object.path);
                    let path = path.as_os_str().as_bytes().to_vec();
                    cache.entry(name.as_str().into()).or_insert(path);
                }
            }
        }
        for (name, path) in host {
            cache.entry(name.clone()).or_insert_with(|| path.clone());
        }
        Environment {
            cache,
            ..environment(architecture)
        }
    }

    /// Whose the file at a path is.
    pub fn whose(&self, path: &[u8]) -> Option<Whose> {
        self.find(path)?.whose
    }

    fn find(&self, path: &[u8]) -> Option<Standing> {
        if let Some(known) = self.known.borrow().get(path) {
            return known.clone();
        }
        let found = self.look(path);
        self.known.borrow_mut().insert(path.to_vec(), found.clone());
        found
    }

    fn look(&self, path: &[u8]) -> Option<Standing> {
        let Some((real, package)) = self.follow(Path::new(OsStr::from_bytes(path))) else {
            let host = self.host.contains(path);
            // One of the host's that can't be opened is passed over by ld.so, too.
            let open = || open(Path::new(OsStr::from_bytes(path))).ok()?;
            let object = host.then(open)??;
            return Some(Standing {
                object,
                whose: None,
            });
        };
        let file = self.layout.installation(&package.id).join(&real);
        let object = self.told(&file, open(&file))??;
        Some(Standing {
            object,
            whose: Some((package.id.clone(), real)),
        })
    }

    /// The file of a package that a path leads to.
    fn follow(&self, path: &Path) -> Option<(PathBuf, &'t Facts)> {
        let reversed =
            |path: &Path| -> Vec<OsString> { path.iter().rev().map(OsStr::to_owned).collect() };
        let (mut left, mut done) = (reversed(path), PathBuf::new());
        let mut links = 0;
        while let Some(part) = left.pop() {
            match Path::new(&part).components().next() {
                Some(Component::Normal(_)) => {}
                Some(Component::ParentDir) => {
                    done.pop();
                    continue;
                }
                _ => continue,
            }
            done = merged(&done.join(part))?;
            if let Some(target) = self.made.get(&done) {
                done.clone_from(target);
            }
            let Some(package) = self.paths.get(done.as_path()) else {
                continue;
            };
            let at = self.layout.installation(&package.id).join(&done);
            let target = match fs::read_link(&at) {
                // Something else than a link: readlink(2).
                Err(e) if e.kind() == io::ErrorKind::InvalidInput => None,
                target => self.told(&at, target),
            };
            let Some(target) = target else {
                continue;
            };
            links += 1;
            if links > LINKS {
                return None;
            }
            left.extend(reversed(&target));
            match target.is_absolute() {
                true => done = PathBuf::new(),
                false => drop(done.pop()),
            }
        }
        let package = self.paths.get(done.as_path())?;
        Some((done, package))
    }
}

/// An object as ld.so would load it; none, if it is nothing for ld.so.
fn open(path: &Path) -> io::Result<Option<Rc<Object>>> {
    let file = File::open(path)?;
    let is = file.metadata()?;
    if !is.is_file() {
        return Ok(None);
    }
    let info = head::read(&file, is.len())?;
    let object = info.map(|info| Object {
        identity: (is.dev(), is.ino()),
        origin: None,
        info,
    });
    Ok(object.map(Rc::new))
}

impl Files for Tree<'_> {
    fn object(&self, path: &[u8]) -> Option<Rc<Object>> {
        self.find(path).map(|f| f.object)
    }
}
