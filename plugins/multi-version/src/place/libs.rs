//! `lib/` of a generation and of its worlds: by soname, a link to the provider's file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Done, read};
use crate::generation::Disk;
use crate::layout::inside;
use crate::link::Linker;
use crate::plan::LinkPlan;
use crate::world::WorldDir;

/// Write every `lib/` of a pending generation, as the plan has it; what is so already stays.
///
/// # Errors
/// A provider does not have what it is to provide, or the directories can't be read or changed.
pub fn write_libs(disk: &Disk, linker: &Linker<'_>, generation: &Path, plan: &LinkPlan) -> Done {
    if let Some(main) = plan.main() {
        let lib = linker.system_libraries(&plan.outside(main).planned())?;
        write(disk, &generation.join(inside::LIB), &lib)?;
    }
    for world in &plan.worlds {
        let dir = match &world.name {
            None => WorldDir::main(generation),
            Some(name) => WorldDir::side(generation, name.as_str()),
        };
        let scope = plan.inside(world);
        let lib = linker.system_libraries(&scope.planned())?;
        write(disk, &dir.lib(), &lib)?;
    }
    Ok(())
}

fn write(disk: &Disk, dir: &Path, lib: &BTreeMap<PathBuf, PathBuf>) -> Done {
    disk.make_dir(dir)?;
    let mut there = BTreeMap::new();
    present(dir, Path::new(""), &mut there)?;
    for (name, _) in there
        .iter()
        .filter(|(name, target)| lib.get(*name) != target.as_ref())
    {
        disk.remove_tree(&dir.join(name))?;
    }
    for (name, target) in lib {
        if there.get(name).is_some_and(|t| t.as_ref() == Some(target)) {
            continue;
        }
        if let Some(parent) = name.parent().filter(|p| !p.as_os_str().is_empty()) {
            disk.make_dir(&dir.join(parent))?;
        }
        disk.symlink(target, &dir.join(name))?;
    }
    Ok(())
}

/// What is in a `lib/`: links with their targets; what is no link, without.
fn present(top: &Path, below: &Path, there: &mut BTreeMap<PathBuf, Option<PathBuf>>) -> Done {
    let dir = top.join(below);
    let entries = fs::read_dir(&dir).and_then(|e| e.collect::<io::Result<Vec<_>>>());
    for entry in entries.map_err(read(&dir))? {
        let name = below.join(entry.file_name());
        let kind = entry.file_type().map_err(read(&dir))?;
        if kind.is_dir() && below.as_os_str().is_empty() {
            present(top, &name, there)?;
        } else {
            let target = kind.is_symlink().then(|| fs::read_link(top.join(&name)));
            there.insert(name, target.transpose().map_err(read(&dir))?);
        }
    }
    Ok(())
}
