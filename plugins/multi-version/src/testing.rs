//! dpkg-ng's own functions for tests: what a plugin that is loaded by it is given. And generations made by hand.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use dpkgng_plugin::Host;
use libdpkgng::error::Result;
use libdpkgng::hooks::Hook;
use libdpkgng::plugin::host::{Frontend, table_for};
use libdpkgng::report::Event;

use crate::generation::Sys;
use crate::layout::{GenerationNumber, RealizationId, SideName, ViewName};
use crate::manifest::{Manifest, Member, Reason, Side, Standing, State};
use crate::world::WorldDir;

/// What was said and drawn.
#[derive(Default)]
pub(crate) struct Heard {
    /// Standard output.
    pub(crate) output: RefCell<Vec<u8>>,
    /// How far work was: done, of how much, of what.
    pub(crate) progress: RefCell<Vec<(u64, u64, Vec<u8>)>>,
}

impl Frontend for Heard {
    fn dpkg_version(&self) -> &'static str {
        "1.22.0"
    }

    fn event(&self, event: &Event<'_>) {
        if let Event::Data(text) = event {
            self.output.borrow_mut().extend_from_slice(text);
        }
    }
    fn progress(&self, done: u64, total: u64, what: &[u8]) {
        let mut progress = self.progress.borrow_mut();
        progress.push((done, total, what.to_vec()));
    }
    fn ask(&self, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
    fn dpkg(&self, _: Vec<OsString>, _: Option<Box<dyn Hook>>) -> i32 {
        2
    }
    fn tool(&self, _: &[u8], _: Vec<OsString>) -> Option<i32> {
        None
    }
}

/// A host for this thread, and what it hears. Nobody answers it, and it runs no dpkg.
pub(crate) fn host() -> (Host, Rc<Heard>) {
    let heard = Rc::new(Heard::default());
    let table = table_for("multi-version", heard.clone());
    // SAFETY: a table made for this thread, which stays.
    (unsafe { Host::of(table) }, heard)
}

/// A file with this text, and the directories above it.
pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The text of a file.
pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Whether anything is there, a link as itself.
pub(crate) fn exists(path: impl AsRef<Path>) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// A manifest of these packages, and of the side worlds that they are in.
pub(crate) fn manifest(view: &ViewName, number: GenerationNumber, packages: &[Member]) -> Manifest {
    let worlds = packages.iter().flat_map(|m| m.worlds.keys().flatten());
    Manifest {
        view: view.clone(),
        number,
        created: 1_795_278_600,
        parent: None,
        command: String::new(),
        sides: worlds.map(|w| (w.clone(), Side::default())).collect(),
        hides: Vec::new(),
        pins: Vec::new(),
        packages: packages.to_vec(),
    }
}

/// A package that is wanted and installed in these worlds (`main`: the main one).
pub(crate) fn member(realization: &RealizationId, worlds: &[&str]) -> Member {
    let standing = Standing {
        reason: Reason::Want,
        state: State::Installed,
    };
    let world = |name: &&str| -> (Option<SideName>, Standing) {
        ((*name != "main").then(|| name.parse().unwrap()), standing)
    };
    Member {
        realization: realization.clone(),
        worlds: worlds.iter().map(world).collect(),
    }
}

/// The next generation of a view, as a transaction would name it, and switch to it: its trees are these payloads'
/// (`DEBIAN` and `lib` excepted) by hard links.
pub(crate) fn generation(
    sys: &Sys,
    view: &ViewName,
    packages: &[Member],
    payload: &dyn Fn(&RealizationId) -> PathBuf,
) -> GenerationNumber {
    let (number, dir) = sys.begin_pending(view).unwrap();
    let mut trees: BTreeMap<Option<SideName>, Vec<PathBuf>> = BTreeMap::from([(None, Vec::new())]);
    for member in packages {
        for world in member.worlds.keys() {
            let of = trees.entry(world.clone()).or_default();
            of.push(payload(&member.realization));
        }
    }
    for (world, payloads) in trees {
        let world = match &world {
            Some(side) => WorldDir::side(&dir, side.as_str()),
            None => WorldDir::main(&dir),
        };
        fs::create_dir_all(world.tree()).unwrap();
        fs::create_dir_all(world.admindir()).unwrap();
        for payload in payloads {
            link_tree(&payload, &world.tree(), true);
        }
    }
    let mut manifest = manifest(view, number, packages);
    manifest.parent = sys.current(view).unwrap();
    sys.name(&dir, &manifest).unwrap();
    sys.switch(view, number).unwrap();
    number
}

fn link_tree(from: &Path, to: &Path, top: bool) {
    for entry in fs::read_dir(from).unwrap() {
        let name = entry.unwrap().file_name();
        if top && (name == "DEBIAN" || name == "lib") {
            continue;
        }
        let (from, to) = (from.join(&name), to.join(&name));
        if from.is_dir() && !from.is_symlink() {
            fs::create_dir_all(&to).unwrap();
            link_tree(&from, &to, false);
        } else {
            fs::hard_link(from, to).unwrap();
        }
    }
}
