//! `State: host`: what is placed on the host, changed and taken back there.
//!
//! The host is the administrator's. What is on it and not known to be ours, and as we brought it, stays as it is.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::brought::{Brought, Item, What};
use super::carrying::Merge;
use super::place::{self, Found, Placed, Root};
use super::rules::{self, QUIET};
use super::sorting::Scratch;
use super::{Changes, Done, Kept, StateError, Step, Wanted, Why, WorldState, upper};
use crate::generation::{Disk, Reader};
use crate::layout::{ViewName, merged_target};

/// Sort what is left in a scratch.
pub(super) fn sort(
    state: &WorldState<'_>,
    disk: &Disk,
    scratch: &Scratch<'_>,
    changes: &mut Changes,
) -> Done {
    let mut others = Vec::new();
    for view in Reader::new(state.layout.clone()).views()? {
        if view != *state.view {
            let brought = Brought::read(state.layout, &view)?;
            others.push((view, brought));
        }
    }
    let mut sorting = Sorting {
        state,
        scratch,
        host: Root::open(state.host)?,
        world: Root::open(state.world.path())?,
        brought: Brought::read(state.layout, state.view)?,
        others,
        hosts: OnceCell::new(),
        worlds: OnceCell::new(),
        steps: Vec::new(),
        worlds_steps: Vec::new(),
        kept: Vec::new(),
    };
    for (at, _) in scratch.layers {
        sorting.inside(at, false)?;
    }
    let merge = Merge {
        disk,
        root: &sorting.world,
        scratch,
        displaced: "displaced.links",
    };
    merge.run(&sorting.worlds_steps, &mut sorting.kept)?;
    changes.steps.extend(sorting.steps);
    changes.kept.extend(sorting.kept);
    Ok(())
}

fn is_whiteout(is: &Stat) -> bool {
    FileType::from_raw_mode(is.st_mode) == FileType::CharacterDevice && is.st_rdev == 0
}

/// Packages by the paths that they list below `/etc` and `/var`, relative to `/`.
type Owners = HashMap<PathBuf, String>;

struct Sorting<'s> {
    state: &'s WorldState<'s>,
    scratch: &'s Scratch<'s>,
    host: Root,
    world: Root,
    brought: Brought,
    others: Vec<(ViewName, Brought)>,
    /// Read when the first one is asked for.
    hosts: OnceCell<Owners>,
    worlds: OnceCell<Owners>,
    steps: Vec<Step>,
    /// Links that speak of `/usr`, for the world's etc/.
    worlds_steps: Vec<Step>,
    kept: Vec<Kept>,
}

/// What the info directory of a database says of `/etc` and `/var`.
fn owners(info: &Path) -> Done<Owners> {
    let mut owners = Owners::new();
    let entries = match fs::read_dir(info) {
        Ok(entries) => entries,
        // A host without dpkg has no packages.
        Err(e) if crate::generation::is_absent(&e) => return Ok(owners),
        Err(e) => return Err(StateError::read(info, e)),
    };
    for entry in entries {
        let path = entry.map_err(|e| StateError::read(info, e))?.path();
        let Some(package) = path.file_name().and_then(OsStr::to_str) else {
            continue;
        };
        let Some(package) = package.strip_suffix(".list") else {
            continue;
        };
        let list = match fs::read(&path) {
            Ok(list) => list,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(StateError::read(&path, e)),
        };
        for line in list.split(|b| *b == b'\n') {
            if line.starts_with(b"/etc/") || line.starts_with(b"/var/") {
                let below = line.get(1..).unwrap_or_default();
                let path = PathBuf::from(OsStr::from_bytes(below));
                owners.insert(path, package.to_owned());
            }
        }
    }
    Ok(owners)
}

impl Sorting<'_> {
    fn keep(&mut self, path: &Path, wanted: Wanted, why: Why) {
        self.kept.push(Kept {
            path: path.into(),
            wanted,
            why,
        });
    }

    /// The package of the host that has a path.
    fn of_host(&self, path: &Path) -> Done<Option<String>> {
        let owners = match self.hosts.get() {
            Some(owners) => owners,
            None => {
                let read = owners(&self.state.host.join("var/lib/dpkg/info"))?;
                self.hosts.get_or_init(|| read)
            }
        };
        Ok(owners.get(path).cloned())
    }

    /// The package of the world that has a path.
    fn of_world(&self, path: &Path) -> Done<Option<String>> {
        let owners = match self.worlds.get() {
            Some(owners) => owners,
            None => {
                let read = owners(&self.state.world.admindir().join("info"))?;
                self.worlds.get_or_init(|| read)
            }
        };
        Ok(owners.get(path).cloned())
    }

    /// Another view that has brought a path.
    fn of_view(&self, path: &Path) -> Option<(&ViewName, &Item)> {
        let mut others = self.others.iter();
        others.find_map(|(view, brought)| Some((view, brought.items.get(path)?)))
    }

    /// Whether something that is there may be changed or removed: what it was when it was brought, or why not.
    fn judge(&self, path: &Path) -> Done<Result<Item, Why>> {
        if let Some(package) = self.of_host(path)? {
            return Ok(Err(Why::OfHostPackage(package)));
        }
        if let Some((view, _)) = self.of_view(path) {
            return Ok(Err(Why::OfView(view.clone())));
        }
        let Some(ours) = self.brought.items.get(path) else {
            return Ok(Err(Why::OfAdministrator));
        };
        Ok(match self.host.item(path)? {
            Some(now) if now.is_same(ours) => Ok(ours.clone()),
            _ => Err(Why::Changed),
        })
    }

    /// What was written, as it would be listed; none, for a socket.
    fn made(&self, path: &Path) -> Done<Option<Item>> {
        let from = self.scratch.at(path);
        upper::forget_notes(&from, false)?;
        let Some(mut item) = place::item(&from)? else {
            return Ok(None);
        };
        item.package = self.of_world(path)?;
        Ok(Some(item))
    }

    /// All in a directory that the scratch has, which may hide what was in it.
    fn inside(&mut self, dir: &Path, opaque: bool) -> Done {
        let names = upper::names(&self.scratch.at(dir))?;
        if opaque {
            for name in self.host.names(dir)? {
                if !names.contains(&name) {
                    self.away(&dir.join(name))?;
                }
            }
        }
        for name in names {
            let path = dir.join(name);
            if !self.scratch.layers.iter().any(|(at, _)| *at == path) {
                self.visit(&path)?;
            }
        }
        Ok(())
    }

    fn visit(&mut self, path: &Path) -> Done {
        let Some((kind, _)) = upper::look(&self.scratch.at(path))? else {
            return Ok(());
        };
        if !matches!(kind, upper::Kind::Dir { opaque: false }) {
            self.forget_links(path)?;
        }
        match kind {
            upper::Kind::Whiteout => self.away(path),
            upper::Kind::Dir { opaque } => self.dir(path, opaque),
            upper::Kind::Other => self.other(path),
        }
    }

    /// What the world's etc/ has at a path, or below it, is not there any more; what a table says of it has been done.
    fn forget_links(&mut self, path: &Path) -> Done {
        let Found::There(_, is) = self.world.look(path)? else {
            return Ok(());
        };
        let ruled = |row: &Path| row.starts_with(path) || path.starts_with(row);
        if !path.starts_with("etc") || is_whiteout(&is) {
            return Ok(());
        }
        if !rules::of_world(self.state.kind).any(ruled) {
            self.worlds_steps.push(Step::Drop(path.into()));
        } else if FileType::from_raw_mode(is.st_mode) == FileType::Directory {
            for name in self.world.names(path)? {
                self.forget_links(&path.join(name))?;
            }
        }
        Ok(())
    }

    fn dir(&mut self, path: &Path, opaque: bool) -> Done {
        let Some(new) = self.made(path)? else {
            return Ok(());
        };
        match self.host.look(path)? {
            Found::Blocked(at) => {
                self.keep(path, Wanted::Place, Why::Way(at));
                return Ok(());
            }
            Found::Nothing => self.steps.push(Step::Place(path.into(), new)),
            Found::There(_, is) if FileType::from_raw_mode(is.st_mode) == FileType::Directory => {
                self.dressed(path, new)?;
            }
            Found::There(..) => match self.judge(path)? {
                Ok(was) => {
                    self.steps.push(Step::Remove(path.into(), was));
                    self.steps.push(Step::Place(path.into(), new));
                }
                Err(why) => {
                    self.keep(path, Wanted::Place, why);
                    return Ok(());
                }
            },
        }
        self.inside(path, opaque)
    }

    /// A directory that the host has, too: its owner and mode may be others.
    fn dressed(&mut self, path: &Path, new: Item) -> Done {
        match self.host.item(path)? {
            Some(now) if now.is_same(&new) => {
                let shared = self
                    .of_view(path)
                    .is_some_and(|(_, item)| item.is_same(&new));
                if shared && !self.brought.items.contains_key(path) {
                    self.steps.push(Step::Share(path.into(), new));
                }
            }
            Some(_) => match self.judge(path)? {
                Ok(was) => self.steps.push(Step::Change(path.into(), was, new)),
                Err(why) => self.keep(path, Wanted::Change, why),
            },
            None => {}
        }
        Ok(())
    }

    fn other(&mut self, path: &Path) -> Done {
        let Some(new) = self.made(path)? else {
            // A socket.
            return Ok(());
        };
        let there = self.host.look(path)?;
        if let (Found::Nothing, What::Link(target)) = (&there, &new.what)
            && self.speaks_of_usr(path, target)?
        {
            return self.link(path);
        }
        let is = match there {
            Found::Blocked(at) => {
                self.keep(path, Wanted::Place, Why::Way(at));
                return Ok(());
            }
            Found::Nothing => {
                self.steps.push(Step::Place(path.into(), new));
                return Ok(());
            }
            Found::There(_, is) => is,
        };
        if FileType::from_raw_mode(is.st_mode) == FileType::Directory {
            self.away(path)?;
            self.steps.push(Step::Place(path.into(), new));
            return Ok(());
        }
        if self.host.item(path)?.is_some_and(|now| now.is_same(&new)) {
            let shared = self
                .of_view(path)
                .is_some_and(|(_, item)| item.is_same(&new));
            if shared && !self.brought.items.contains_key(path) {
                self.steps.push(Step::Share(path.into(), new));
            }
            return Ok(());
        }
        match self.judge(path)? {
            Ok(was) => self.steps.push(Step::Change(path.into(), was, new)),
            Err(_) if rules::has(QUIET, path) => {}
            Err(why) => self.keep(path, Wanted::Change, why),
        }
        Ok(())
    }

    /// Whether a link leads to something of the world's `/usr` that the host has not.
    fn speaks_of_usr(&self, path: &Path, target: &Path) -> Done<bool> {
        if !path.starts_with("etc") {
            return Ok(false);
        }
        let Some(to) = merged_target(path, target) else {
            return Ok(false);
        };
        let tops = ["usr", "opt", "etc/alternatives"];
        Ok(tops.iter().any(|top| to.starts_with(top))
            && upper::stat(&self.state.host.join(&to))?.is_none())
    }

    /// A link for the world's etc/.
    fn link(&mut self, path: &Path) -> Done {
        // It takes the place of what is there.
        self.worlds_steps.retain(|s| s.path() != path);
        let ups: Vec<&Path> = path.ancestors().skip(1).collect();
        for up in ups.iter().rev().filter(|up| !up.as_os_str().is_empty()) {
            let making = |s: &Step| matches!(s, Step::Make(made) if made == up);
            if !self.worlds_steps.iter().any(making) {
                self.worlds_steps.push(Step::Make(up.to_path_buf()));
            }
        }
        self.worlds_steps.push(Step::Move(path.into()));
        Ok(())
    }

    /// Nothing is at a path any more, nor below it.
    fn away(&mut self, path: &Path) -> Done {
        let ours: Vec<PathBuf> = self
            .brought
            .below(path)
            .rev()
            .map(|b| b.0.clone())
            .collect();
        for below in &ours {
            self.remove(below)?;
        }
        if let Found::There(..) = self.host.look(path)? {
            self.remove(path)?;
        } else if self.brought.items.contains_key(path) {
            self.steps.push(Step::Forget(path.into()));
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> Done {
        let ours = self.brought.items.contains_key(path);
        if !matches!(self.host.look(path)?, Found::There(..)) {
            self.steps.push(Step::Forget(path.into()));
            return Ok(());
        }
        match self.judge(path)? {
            Ok(was) => self.steps.push(Step::Remove(path.into(), was)),
            Err(why) => {
                // From now on it is theirs.
                if ours {
                    self.steps.push(Step::Forget(path.into()));
                }
                if !rules::has(QUIET, path) || ours {
                    self.keep(path, Wanted::Remove, why);
                }
            }
        }
        Ok(())
    }
}

/// Do what was sorted.
pub(super) fn carry(
    disk: &Disk,
    state: &WorldState<'_>,
    scratch: &Scratch<'_>,
    changes: &Changes,
    kept: &mut Vec<Kept>,
) -> Done {
    let mut carrying = Carrying {
        disk,
        host: Root::open(state.host)?,
        scratch,
        brought: Brought::read(state.layout, state.view)?,
        kept,
    };
    let stage = scratch.dir.join(STAGE);
    disk.make_dir(&stage)?;
    for (number, step) in changes.steps.iter().enumerate() {
        carrying.step(number, step)?;
    }
    let (brought, root) = (carrying.brought, carrying.host);
    // Where another file system than ours was placed in.
    for (at, _) in &changes.layers {
        let path = state.host.join(at);
        if !changes.steps.is_empty()
            && let Some(layer) = root.below(at)?
        {
            disk.announce("clear", &path)?;
            layer.unstage()?;
            disk.step("sync the file system of", &path, || layer.sync_fs())?;
        }
    }
    brought.write(disk, state.layout, state.view)
}

/// Where directories are made before they are placed, in a scratch.
const STAGE: &str = "stage";

struct Carrying<'c> {
    disk: &'c Disk,
    host: Root,
    scratch: &'c Scratch<'c>,
    brought: Brought,
    kept: &'c mut Vec<Kept>,
}

impl Carrying<'_> {
    fn step(&mut self, number: usize, step: &Step) -> Done {
        let path = step.path();
        match step {
            Step::Place(_, item) => self.place(number, path, item),
            Step::Change(_, was, item) => self.change(number, path, was, item),
            Step::Remove(_, was) => self.remove(path, was),
            Step::Share(_, item) => {
                self.brought.items.insert(path.into(), item.clone());
                Ok(())
            }
            Step::Forget(_) => {
                self.brought.items.remove(path);
                Ok(())
            }
            // Of an own state.
            _ => Ok(()),
        }
    }

    fn keep(&mut self, path: &Path, wanted: Wanted, why: Why) {
        self.kept.push(Kept {
            path: path.into(),
            wanted,
            why,
        });
    }

    fn place(&mut self, number: usize, path: &Path, item: &Item) -> Done {
        match self.put(number, path, item, false)? {
            Ok(Placed::Done | Placed::NoSource) => {
                self.brought.items.insert(path.into(), item.clone());
            }
            // We were here before; or somebody has come first with the very same.
            Ok(Placed::Taken) if self.is(path, item)? => {
                self.brought.items.insert(path.into(), item.clone());
            }
            Ok(Placed::Taken) => self.keep(path, Wanted::Place, Why::ChangedMeanwhile),
            Err(at) => self.keep(path, Wanted::Place, Why::Way(at)),
        }
        Ok(())
    }

    fn is(&self, path: &Path, item: &Item) -> Done<bool> {
        Ok(self.host.item(path)?.is_some_and(|now| now.is_same(item)))
    }

    fn change(&mut self, number: usize, path: &Path, was: &Item, item: &Item) -> Done {
        if !self.is(path, was)? {
            if self.is(path, item)? {
                self.brought.items.insert(path.into(), item.clone());
                return Ok(());
            }
            self.keep(path, Wanted::Change, Why::ChangedMeanwhile);
            return Ok(());
        }
        if item.what == What::Dir {
            self.disk
                .announce("set the owner of", &self.host.shown(path))?;
            self.host.dress(path, &self.scratch.at(path))?;
            self.brought.items.insert(path.into(), item.clone());
            return Ok(());
        }
        match self.put(number, path, item, true)? {
            Ok(Placed::Done | Placed::NoSource) => {
                self.brought.items.insert(path.into(), item.clone());
            }
            Ok(Placed::Taken) => self.keep(path, Wanted::Change, Why::ChangedMeanwhile),
            Err(at) => self.keep(path, Wanted::Change, Why::Way(at)),
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path, was: &Item) -> Done {
        match self.host.look(path)? {
            Found::There(..) if !self.is(path, was)? => {
                self.keep(path, Wanted::Remove, Why::ChangedMeanwhile);
            }
            Found::There(..) => {
                self.disk.announce("remove", &self.host.shown(path))?;
                if !self.host.remove(path)? {
                    self.keep(path, Wanted::Remove, Why::NotEmpty);
                    return Ok(());
                }
            }
            _ => {}
        }
        self.brought.items.remove(path);
        Ok(())
    }

    /// Give the scratch's the host's name; what is in the way, if something is.
    fn put(
        &mut self,
        number: usize,
        path: &Path,
        item: &Item,
        replace: bool,
    ) -> Done<Result<Placed, PathBuf>> {
        let from = self.scratch.at(path);
        let is_dir = item.what == What::Dir;
        let named = number.to_string();
        let (from, made) = match is_dir {
            // What is in it comes by itself.
            true => {
                let new = self.scratch.dir.join(STAGE).join(&named);
                self.disk.remove_tree(&new)?;
                self.disk
                    .step("make directory", &new, || place::copy_dir(&from, &new))?;
                (new, true)
            }
            false => (from, false),
        };
        self.disk.announce("rename", &self.host.shown(path))?;
        match self.host.take(&from, path, replace)? {
            Ok(placed) => return Ok(Ok(placed)),
            Err(Errno::XDEV) => {}
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Err(self.in_the_way(path)?)),
            Err(e) => return Err(StateError::io("place", &self.host.shown(path), e)),
        }
        let Some(layer) = self.host.below(self.scratch.layer(path))? else {
            return Ok(Err(self.scratch.layer(path).into()));
        };
        let stage = layer.stage()?;
        let copy = stage.join(&named);
        self.disk.announce("copy", &self.host.shown(path))?;
        let copying = |e| StateError::io("copy", &from, e);
        if upper::stat(&copy)?.is_some() {
            fs::remove_dir_all(&copy)
                .or_else(|_| fs::remove_file(&copy))
                .map_err(copying)?;
        }
        match made {
            true => place::copy_dir(&from, &copy).map_err(copying)?,
            false => place::copy(&from, &copy).map_err(copying)?,
        }
        self.disk.announce("rename", &self.host.shown(path))?;
        match self.host.take(&copy, path, replace)? {
            Ok(placed) => Ok(Ok(placed)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Err(self.in_the_way(path)?)),
            // Something was mounted meanwhile.
            Err(Errno::XDEV) => Ok(Err(path.into())),
            Err(e) => Err(StateError::io("place", &self.host.shown(path), e)),
        }
    }

    fn in_the_way(&self, path: &Path) -> Done<PathBuf> {
        Ok(match self.host.look(path)? {
            Found::Blocked(at) => at,
            _ => path.parent().unwrap_or(path).into(),
        })
    }
}
