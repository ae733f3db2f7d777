//! A copy of an own state of /etc with each generation: `gen/N/state/[SIDE/]etc`.
//!
//! Files are copied, not linked, as programs write into files of /etc in place; blocks are shared where the file system can.

use std::path::{Path, PathBuf};

use super::carrying::{Merge, worlds_of};
use super::place::{self, Root};
use super::sorting::Scratch;
use super::{Changes, Done, STATE, StateError, StateKind, Step, WorldState, upper};
use crate::generation::Disk;
use crate::layout::{GenerationNumber, Layout, ViewName};
use crate::world::WorldDir;

/// In a generation: its state of /etc is being restored.
const RESTORING: &str = "restoring";

fn own_etc(state: &Path, side: Option<&str>) -> PathBuf {
    match side {
        Some(side) => state.join(side).join("etc"),
        None => state.join("etc"),
    }
}

/// Copy the states of worlds whose changes were carried out into their generation; those of all its own ones, as what
/// another transaction makes of them is not this generation's.
pub(super) fn keep(
    disk: &Disk,
    layout: &Layout,
    view: &ViewName,
    generation: &Path,
    worlds: &[(Option<String>, WorldDir, Changes)],
) -> Done {
    let to = generation.join(STATE);
    let own = |side: &Option<String>| {
        let changes = worlds.iter().find(|(s, _, _)| s == side);
        // A side world without changes of this transaction has its own, too.
        changes.map_or(side.is_some(), |(_, _, c)| c.kind == StateKind::Own)
    };
    if upper::stat(&to)?.is_some() {
        return Ok(());
    }
    let new = generation.join("state.new");
    disk.remove_tree(&new)?;
    disk.make_dir(&new)?;
    for (side, world) in worlds_of(generation)? {
        let state = WorldState {
            layout,
            view,
            side: side.as_deref(),
            kind: StateKind::Own,
            world: &world,
            host: Path::new("/"),
        };
        let from = state.dir().join("etc");
        if !own(&side) || upper::stat(&from)?.is_none() {
            continue;
        }
        let to = own_etc(&new, side.as_deref());
        if let Some(parent) = to.parent() {
            disk.make_dir(parent)?;
        }
        disk.announce("copy", &to)?;
        place::copy_tree(&from, &to, true)?;
    }
    Ok(disk.rename(&new, &to)?)
}

/// Make the state of /etc of a view, and of its side worlds, what a generation's transaction left. What differs is
/// replaced by rename. To be repeated after a kill ([`unfinished`](super::unfinished) tells).
pub fn restore_etc(
    disk: &Disk,
    layout: &Layout,
    view: &ViewName,
    number: GenerationNumber,
) -> Done {
    let generation = layout.generation(view, number);
    let copies = generation.join(STATE);
    let mut found = false;
    let note = generation.join(RESTORING);
    if upper::stat(&note)?.is_none() {
        disk.write(&note, b"")?;
        disk.sync_dir(&generation)?;
    }
    let scratch = layout.tmp().join(format!("{view}.restoring"));
    for (side, world) in worlds_of(&generation)? {
        let from = own_etc(&copies, side.as_deref());
        let state = WorldState {
            layout,
            view,
            side: side.as_deref(),
            kind: StateKind::Own,
            world: &world,
            host: Path::new("/"),
        };
        let dir = state.dir();
        if upper::stat(&from)?.is_none() || upper::stat(&dir.join("etc"))?.is_none() {
            continue;
        }
        found = true;
        disk.remove_tree(&scratch)?;
        disk.make_dir(&scratch)?;
        let layers = [(PathBuf::from("etc"), "etc".to_owned())];
        let laid = Scratch {
            dir: scratch.clone(),
            layers: &layers,
        };
        let root = Root::open(&dir)?;
        let (made, mut steps) = (laid.at(Path::new("etc")), Vec::new());
        disk.announce("copy", &made)?;
        place::copy_tree(&from, &made, true)?;
        differing(&dir, &laid, Path::new("etc"), &mut steps)?;
        let merge = Merge {
            disk,
            root: &root,
            scratch: &laid,
            displaced: "displaced",
        };
        merge.run(&steps, &mut Vec::new())?;
        disk.sync_fs(&dir)?;
        disk.remove_tree(&scratch)?;
    }
    disk.remove_file(&note)?;
    disk.sync_dir(&generation)?;
    match found {
        true => Ok(()),
        false => Err(StateError::NoCopy {
            view: view.clone(),
            path: generation,
        }),
    }
}

/// Whether a kill has left a generation's state half restored.
pub(super) fn is_restoring(generation: &Path) -> Done<bool> {
    Ok(upper::stat(&generation.join(RESTORING))?.is_some())
}

/// What a directory of the state has otherwise than the scratch has it.
fn differing(state: &Path, scratch: &Scratch<'_>, dir: &Path, steps: &mut Vec<Step>) -> Done {
    let wanted = upper::names(&scratch.at(dir))?;
    for name in upper::names(&state.join(dir))? {
        if !wanted.contains(&name) {
            steps.push(Step::Drop(dir.join(name)));
        }
    }
    for name in wanted {
        let path = dir.join(name);
        let (new, now) = (scratch.at(&path), state.join(&path));
        let dirs = (upper::look(&new)?, upper::look(&now)?);
        if let (
            Some((upper::Kind::Dir { opaque: a }, _)),
            Some((upper::Kind::Dir { opaque: b }, _)),
        ) = &dirs
            && a == b
        {
            differing(state, scratch, &path, steps)?;
            continue;
        }
        let same = crate::generation::same_file(&new, &now);
        if dirs.1.is_none() || !same.map_err(|e| StateError::read(&now, e))? {
            steps.push(Step::Move(path));
        }
    }
    steps.push(Step::Dress(dir.into()));
    Ok(())
}
