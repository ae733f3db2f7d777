//! Whose DT_RPATH has to stay one.
//!
//! A DT_RPATH holds for whatever is loaded by what has it, a DT_RUNPATH for the object alone; and who has a DT_RUNPATH
//! looks in nobody's DT_RPATH. So where a library without a path of its own finds something, by dlopen or by a need, in
//! the DT_RPATH of whom it was loaded by, both keep to DT_RPATH.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Done;
use super::linking::architecture_of;
use super::tree::Tree;
use crate::elf::is_glibc_interpreter;
use crate::elf::resolve::{Environment, Files, Loaded, Process, Through};
use crate::facts::{Facts, Object};
use crate::layout::{Architecture, InstallationId, Layout};

/// The packages that have to be linked by DT_RPATH ([`Realization::rpath`](crate::manifest::Realization::rpath)), of
/// those that are one tree.
///
/// # Errors
/// A file of one can't be read.
pub(super) fn keep(layout: &Layout, packages: &[&Facts]) -> Done<BTreeSet<InstallationId>> {
    let mut kept = BTreeSet::new();
    let objects = || {
        packages
            .iter()
            .flat_map(|f| f.objects.iter().map(move |o| (*f, o)))
    };
    if !objects().any(|(_, o)| o.rpath) {
        return Ok(kept);
    }
    let made = BTreeMap::new();
    let mut tree = Tree::new(layout, packages.to_vec(), &made);
    let mut environments: BTreeMap<Architecture, Environment> = BTreeMap::new();
    for (package, object) in objects() {
        let architecture = architecture_of(object, package);
        environments
            .entry(architecture)
            .or_insert_with_key(|architecture| tree.environment(architecture, &BTreeMap::new()));
    }
    let by_path: BTreeMap<(&InstallationId, &Path), &Object> = objects()
        .map(|(f, o)| ((&f.id, o.path.as_path()), o))
        .collect();
    for (package, object) in objects().filter(|(_, o)| o.rpath || is_program(o)) {
        let Some(environment) = environments.get(&architecture_of(object, package)) else {
            continue;
        };
        let path = Path::new("/").join(&object.path);
        let Some(mut process) = Process::start(&tree, environment, path.as_os_str().as_bytes())
        else {
            continue;
        };
        let inherited = |l: &Loaded| {
            let info = &l.object.info;
            info.rpath.is_some() && info.runpath.is_none()
        };
        if !process.loaded.iter().any(inherited) {
            continue;
        }
        let mut place = 0;
        while let Some(loaded) = process.loaded.get(place) {
            let whose = tree.whose(&loaded.path);
            let object = whose
                .as_ref()
                .and_then(|(id, path)| by_path.get(&(id, path.as_path())));
            let own = loaded.object.info.runpath.is_some();
            for name in object.iter().filter(|_| !own).flat_map(|o| &o.mentions) {
                process.dlopen(place, name.as_str().as_bytes());
            }
            place += 1;
        }
        for need in process.needs.iter().filter(|n| n.through == Through::Rpath) {
            let Some(of) = need.rpath_of.filter(|of| *of != need.by) else {
                continue;
            };
            let found = need.found.and_then(|n| process.loaded.get(n));
            if found.is_some_and(|f| is_for_everybody(&tree, environment, &need.name, f)) {
                continue;
            }
            for place in [of, need.by] {
                let loaded = process.loaded.get(place);
                let whose = loaded.and_then(|l| tree.whose(&l.path));
                kept.extend(whose.map(|(id, _)| id));
            }
        }
    }
    tree.finish()?;
    Ok(kept)
}

/// Whether ld.so finds the same by itself, too.
fn is_for_everybody(tree: &Tree, known: &Environment, name: &[u8], found: &Loaded) -> bool {
    let dirs = known.default_dirs.iter();
    let in_dirs = dirs.map(|dir| [dir.as_slice(), b"/", name].concat());
    let mut paths = known.cache.get(name).cloned().into_iter().chain(in_dirs);
    let first = paths.find_map(|path| tree.object(&path));
    first.is_some_and(|first| first.identity == found.object.identity)
}

fn is_program(object: &Object) -> bool {
    let interpreter = object.interpreter.as_ref();
    interpreter.is_some_and(|i| is_glibc_interpreter(i.as_os_str().as_bytes()))
}
