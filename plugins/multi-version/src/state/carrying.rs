//! Carrying changes out.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode};
use rustix::io::Errno;

use super::accounts::Additions;
use super::changes::LOG;
use super::layers::TOPS;
use super::place::{self, Found, Placed, Root};
use super::sorting::{BEFORE, Scratch};
use super::{
    Changes, Done, Kept, StateError, StateKind, Step, Wanted, Why, WorldState, copies, hosts, upper,
};
use crate::generation::{Disk, Reader};
use crate::layout::{GenerationNumber, Layout, ViewName};
use crate::world::{MAIN, WORLDS, WorldDir};

/// The log when all is done but clearing up.
const DONE: &str = "changes.done";

/// Carry out the changes of all worlds of a generation that has its name, as far as it was not done before, and forget
/// the log and the scratch. Gives what was not carried over besides what [`Changes::kept`] has. `host` is where the host's
/// `etc` and `var` are, see [`WorldState`].
///
/// # Errors
/// [`StateError::Clash`] comes before anything is changed, unless an earlier call was killed.
pub fn carry_out(
    disk: &Disk,
    layout: &Layout,
    view: &ViewName,
    number: GenerationNumber,
    host: &Path,
) -> Done<Vec<Kept>> {
    let generation = layout.generation(view, number);
    let mut kept = Vec::new();
    let (mut worlds, mut accounts) = (Vec::new(), Additions::default());
    for (side, world) in worlds_of(&generation)? {
        if let Some(changes) = Changes::read(world.path())? {
            accounts.extend(changes.accounts.clone());
            worlds.push((side, world, changes));
        }
    }
    accounts.add(disk, &host.join("etc"))?;
    for (side, world, changes) in &worlds {
        let state = WorldState {
            layout,
            view,
            side: side.as_deref(),
            kind: changes.kind,
            world,
            host,
        };
        let scratch = Scratch {
            dir: generation.join(&changes.scratch),
            layers: &changes.layers,
        };
        match changes.kind {
            StateKind::Own => own(disk, &state, &scratch, changes, &mut kept)?,
            StateKind::Host => hosts::carry(disk, &state, &scratch, changes, &mut kept)?,
        }
    }
    if !worlds.is_empty() {
        copies::keep(disk, layout, view, &generation, &worlds)?;
        disk.sync_fs(&layout.view(view))?;
    }
    for (_, world, _) in &worlds {
        disk.rename(&world.path().join(LOG), &world.path().join(DONE))?;
        disk.sync_dir(world.path())?;
    }
    clear(disk, &generation)?;
    Ok(kept)
}

/// Take away what changes that are carried out were made with.
fn clear(disk: &Disk, generation: &Path) -> Done {
    for (_, world) in worlds_of(generation)? {
        let done = world.path().join(DONE);
        let Some(changes) = Changes::read_from(&done)? else {
            continue;
        };
        disk.remove_tree(&generation.join(&changes.scratch))?;
        disk.remove_tree(&world.path().join(BEFORE))?;
        disk.remove_tree(&world.path().join(super::STATE))?;
        disk.remove_file(&done)?;
    }
    Ok(())
}

/// The generations of a view whose changes are not carried out, or whose state of /etc is not restored: what a kill leaves.
/// The former are to be carried out and made current; for the latter [`restore_etc`](super::restore_etc) is to be called
/// again.
pub fn unfinished(layout: &Layout, view: &ViewName) -> Done<Vec<Unfinished>> {
    let mut found = Vec::new();
    for listed in Reader::new(layout.clone()).list(view)? {
        let generation = layout.generation(view, listed.number);
        let mut half = false;
        for (_, world) in worlds_of(&generation)? {
            for log in [LOG, DONE] {
                half |= upper::stat(&world.path().join(log))?.is_some();
            }
        }
        if half {
            found.push(Unfinished::Changes(listed.number));
        }
        if copies::is_restoring(&generation)? {
            found.push(Unfinished::Restoring(listed.number));
        }
    }
    Ok(found)
}

/// What a kill left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    /// Changes of this generation.
    Changes(GenerationNumber),
    /// The way back to the state of this generation.
    Restoring(GenerationNumber),
}

/// The worlds of a generation, with the names of side worlds.
pub(super) fn worlds_of(generation: &Path) -> Done<Vec<(Option<String>, WorldDir)>> {
    let mut worlds = Vec::new();
    if upper::stat(&generation.join(MAIN))?.is_some() {
        worlds.push((None, WorldDir::main(generation)));
    }
    let sides = generation.join(WORLDS);
    if upper::stat(&sides)?.is_some() {
        for name in upper::names(&sides)? {
            let name: Option<String> = OsString::into_string(name).ok();
            worlds.extend(name.map(|n| (Some(n.clone()), WorldDir::side(generation, &n))));
        }
    }
    Ok(worlds)
}

/// Changes of an own state.
fn own(
    disk: &Disk,
    state: &WorldState<'_>,
    scratch: &Scratch<'_>,
    changes: &Changes,
    kept: &mut Vec<Kept>,
) -> Done {
    let dir = state.dir();
    if changes.founds {
        let parents: Vec<&Path> = dir.ancestors().take(2).collect();
        for parent in parents
            .iter()
            .rev()
            .filter(|p| p.starts_with(state.layout.view(state.view)))
        {
            disk.make_dir(parent)?;
        }
        for top in TOPS {
            let (from, to) = (state.new_state().join(top), dir.join(top));
            if upper::stat(&from)?.is_some() && upper::stat(&to)?.is_none() {
                disk.rename(&from, &to)?;
            }
        }
        disk.make_dir(&dir.join(super::layers::WORK))?;
    }
    let merge = Merge {
        disk,
        root: &Root::open(&dir)?,
        scratch,
        displaced: "displaced",
    };
    merge.run(&changes.steps, kept)
}

/// Does what [`merging`](super::merging) found.
pub(super) struct Merge<'m> {
    pub disk: &'m Disk,
    pub root: &'m Root,
    pub scratch: &'m Scratch<'m>,
    /// A directory of the scratch for what is displaced, by the number of the step that did it.
    pub displaced: &'static str,
}

impl Merge<'_> {
    /// Do these steps, whether or not some were done before.
    pub fn run(&self, steps: &[Step], kept: &mut Vec<Kept>) -> Done {
        if !steps.is_empty() {
            self.disk.make_dir(&self.scratch.dir.join(self.displaced))?;
        }
        for (number, step) in steps.iter().enumerate() {
            if let Err(at) = self.step(number, step)? {
                kept.push(Kept {
                    path: step.path().into(),
                    wanted: match step {
                        Step::Drop(_) | Step::Hide(_) => Wanted::Remove,
                        _ => Wanted::Place,
                    },
                    why: Why::Way(at),
                });
            }
        }
        Ok(())
    }

    /// Where what a step displaces goes, and what it makes is made.
    fn aside(&self, number: usize, what: &str) -> PathBuf {
        let displaced = self.scratch.dir.join(self.displaced);
        displaced.join(format!("{number}{what}"))
    }

    /// Do one; what is in the way, if something is.
    fn step(&self, number: usize, step: &Step) -> Done<Result<(), PathBuf>> {
        let path = step.path();
        let from = self.scratch.at(path);
        let there = match self.root.look(path)? {
            Found::Blocked(at) => return Ok(Err(at)),
            Found::Nothing => None,
            Found::There(_, is) => Some(is),
        };
        match step {
            Step::Make(_) if there.is_some() => Ok(Ok(())),
            Step::Make(_) => {
                let new = self.aside(number, ".new");
                self.disk.remove_tree(&new)?;
                self.disk.make_dir(&new)?;
                if upper::stat(&from)?.is_some() {
                    self.disk
                        .step("set the owner of", &new, || place::copy_dir(&from, &new))?;
                }
                self.take(&new, path, false)
            }
            Step::Move(_) => {
                let Some((kind, _)) = upper::look(&from)? else {
                    return Ok(Ok(()));
                };
                let is_dir = |is: &rustix::fs::Stat| {
                    FileType::from_raw_mode(is.st_mode) == FileType::Directory
                };
                let by_dir = matches!(kind, upper::Kind::Dir { .. });
                if there.as_ref().is_some_and(|is| by_dir || is_dir(is)) {
                    self.displace(number, path)?;
                }
                self.take(&from, path, !by_dir)
            }
            Step::Drop(_) => {
                if there.is_some() && upper::stat(&self.aside(number, ""))?.is_none() {
                    self.displace(number, path)?;
                }
                Ok(Ok(()))
            }
            Step::Hide(_) => {
                let is_whiteout = |is: &rustix::fs::Stat| {
                    FileType::from_raw_mode(is.st_mode) == FileType::CharacterDevice
                        && is.st_rdev == 0
                };
                match &there {
                    Some(is) if is_whiteout(is) => return Ok(Ok(())),
                    Some(_) => self.displace(number, path)?,
                    None => {}
                }
                let new = self.aside(number, ".new");
                self.disk.remove_tree(&new)?;
                self.disk.step("make whiteout", &new, || {
                    let kind = FileType::CharacterDevice;
                    Ok(rustix::fs::mknodat(CWD, &new, kind, Mode::empty(), 0)?)
                })?;
                self.take(&new, path, false)
            }
            Step::Dress(_) => {
                if there.is_some() && upper::stat(&from)?.is_some() {
                    let shown = self.root.shown(path);
                    self.disk.announce("set the owner of", &shown)?;
                    self.root.dress(path, &from)?;
                }
                Ok(Ok(()))
            }
            // Of the host.
            _ => Ok(Ok(())),
        }
    }

    fn displace(&self, number: usize, path: &Path) -> Done {
        let mut aside = self.aside(number, "");
        // Somebody made it again, between a kill and now.
        while upper::stat(&aside)?.is_some() {
            aside.as_mut_os_string().push("+");
        }
        self.disk.announce("displace", &self.root.shown(path))?;
        self.root.give(path, &aside)?;
        Ok(())
    }

    fn take(&self, from: &Path, path: &Path, replace: bool) -> Done<Result<(), PathBuf>> {
        self.disk.announce("rename", &self.root.shown(path))?;
        match self.root.take(from, path, replace)? {
            Ok(Placed::Done | Placed::NoSource) => Ok(Ok(())),
            Ok(Placed::Taken) => Ok(Err(path.into())),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Err(path.parent().unwrap_or(path).into())),
            Err(e) => Err(StateError::io("rename", &self.root.shown(path), e)),
        }
    }
}
