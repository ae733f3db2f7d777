//! The files a program will find: the realizations as they are, the current system as a generation is to have it,
//! and the machine's own.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::head;
use crate::elf::resolve::{Files, Object};
use crate::layout::{Layout, RealizationId, StoreKey, inside};

/// A file that was found.
#[derive(Clone)]
pub(super) struct Found {
    pub object: Rc<Object>,
    /// Whose it is, and where in its payload; none, if it is not below the root.
    pub owner: Option<(RealizationId, PathBuf)>,
}

/// What `current-system` leads to.
#[derive(Default)]
pub(super) struct System {
    /// `lib/`: by path relative to it, where it leads as programs see it.
    pub lib: HashMap<PathBuf, PathBuf>,
    /// `root/`: by path relative to it, whose file stands there.
    pub root: HashMap<PathBuf, RealizationId>,
}

/// All of it.
pub(super) struct World<'w> {
    layout: &'w Layout,
    seen: Layout,
    system: System,
    known: RefCell<HashMap<Vec<u8>, Option<Found>>>,
    /// The names in `lib/` of realizations, most of which have none.
    libs: RefCell<HashMap<PathBuf, BTreeSet<Vec<u8>>>>,
}

/// As many links as the kernel follows.
const LINKS: usize = 40;

impl<'w> World<'w> {
    pub fn new(layout: &'w Layout, seen: &Path, system: System) -> World<'w> {
        World {
            layout,
            seen: Layout::new(seen),
            system,
            known: RefCell::default(),
            libs: RefCell::default(),
        }
    }

    /// Whether the current system's `lib/` has a name.
    pub fn system_has(&self, name: &Path) -> bool {
        self.system.lib.contains_key(name)
    }

    /// What stands at a path, as programs see it. What can't be looked at or opened is not there for ld.so either, which
    /// goes on with the next directory.
    pub fn find(&self, path: &[u8]) -> Option<Found> {
        if let Some(known) = self.known.borrow().get(path) {
            return known.clone();
        }
        let text = PathBuf::from(std::ffi::OsString::from_vec(path.to_vec()));
        let found = self.look(&text);
        self.known.borrow_mut().insert(path.to_vec(), found.clone());
        found
    }

    fn look(&self, path: &Path) -> Option<Found> {
        let mut path = normal(path);
        for _ in 0..LINKS {
            let here;
            (path, here) = self.place(path)?;
            let is = fs::symlink_metadata(&here).ok()?;
            if !is.is_symlink() {
                return self.open(&here);
            }
            let target = fs::read_link(&here).ok()?;
            path = normal(&path.parent()?.join(target));
        }
        None
    }

    /// Where on disk a path is that programs see; the path is another where it is a link of the current system's.
    fn place(&self, path: PathBuf) -> Option<(PathBuf, PathBuf)> {
        let Ok(in_system) = path.strip_prefix(self.seen.current_system()) else {
            let here = self.here(&path)?;
            return Some((path, here));
        };
        if let Ok(name) = in_system.strip_prefix(inside::LIB) {
            let to = self.system.lib.get(name)?;
            return Some((to.clone(), self.here(to)?));
        }
        let inside = in_system.strip_prefix(inside::TREE).ok()?;
        let home = self.layout.realization(self.system.root.get(inside)?);
        let here = home.join(inside);
        Some((path, here))
    }

    fn here(&self, path: &Path) -> Option<PathBuf> {
        match path.strip_prefix(self.seen.root()) {
            Err(_) => Some(path.into()),
            Ok(below) => self.has(below).then(|| self.layout.root().join(below)),
        }
    }

    /// Whether a path can be there: of the `lib/` of realizations this is known without looking each time.
    fn has(&self, below: &Path) -> bool {
        let (Some(dir), Some(name)) = (below.parent(), below.file_name()) else {
            return false;
        };
        if !dir.ends_with(inside::LIB) || dir.components().count() != 3 {
            return true;
        }
        let mut libs = self.libs.borrow_mut();
        let names = libs.entry(dir.into()).or_insert_with(|| {
            let read = fs::read_dir(self.layout.root().join(dir));
            let names = read.into_iter().flatten().flatten();
            names.map(|e| e.file_name().into_vec()).collect()
        });
        names.contains(name.as_bytes())
    }

    fn open(&self, here: &Path) -> Option<Found> {
        let file = File::open(here).ok()?;
        let is = file.metadata().ok()?;
        if !is.is_file() {
            return None;
        }
        let info = head::read(&file, is.len()).ok()??;
        let object = Object {
            identity: (is.dev(), is.ino()),
            origin: None,
            info,
        };
        let owner = match self.layout.key_of(here) {
            Some(StoreKey::Realization(id)) => {
                let home = self.layout.realization(&id);
                let path = here.strip_prefix(home).ok()?.into();
                Some((id, path))
            }
            _ => None,
        };
        let object = Rc::new(object);
        Some(Found { object, owner })
    }
}

impl Files for World<'_> {
    fn object(&self, path: &[u8]) -> Option<Rc<Object>> {
        self.find(path).map(|f| f.object)
    }
}

/// A path without `.` and `..`, as if no directory in it were a link: in a realization none leads elsewhere.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
