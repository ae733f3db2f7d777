//! What a transaction wrote, sorted: what is nobody's and what is the world's at once, as both are in the pending
//! generation; all else as [`Changes`].

use std::path::{Path, PathBuf};

use super::accounts::{self, Additions};
use super::carrying::Merge;
use super::layers::{Layers, TOPS};
use super::place::{self, Root};
use super::rules::{self, ACCOUNTS, NOWHERE};
use super::{Changes, Done, StateError, StateKind, Step, WorldState, hosts, merging, new, upper};
use crate::generation::Disk;

/// A scratch, with where its directories were laid.
pub(super) struct Scratch<'s> {
    pub dir: PathBuf,
    pub layers: &'s [(PathBuf, String)],
}

impl Scratch<'_> {
    /// Where what was written to a path, relative to `/`, is.
    pub fn at(&self, path: &Path) -> PathBuf {
        let on = self.layers.iter().filter(|(at, _)| path.starts_with(at));
        let deepest = on.max_by_key(|(at, _)| at.components().count());
        match deepest {
            Some((at, name)) => {
                let below = path.strip_prefix(at).unwrap_or(path);
                match below.as_os_str().is_empty() {
                    true => self.dir.join(name),
                    false => self.dir.join(name).join(below),
                }
            }
            None => self.dir.join(path),
        }
    }

    /// Where one of its directories was laid that a path is below.
    pub fn layer<'l>(&'l self, path: &'l Path) -> &'l Path {
        let on = self.layers.iter().map(|(at, _)| at.as_path());
        let on = on.filter(|at| path.starts_with(at));
        on.max_by_key(|at| at.components().count())
            .unwrap_or(Path::new(""))
    }
}

/// The host's accounts as a transaction found them, in its world.
pub(super) const BEFORE: &str = "before";

impl WorldState<'_> {
    /// Make the scratch for these layers in `scratch`, a directory of the pending generation that nobody else may
    /// enter; note the host's accounts; and if the world has no state yet, make it: of a side world from `main`'s.
    ///
    /// To be called after [`base::lend`](crate::base::lend), whose packages say what a system's /var has.
    pub fn begin(
        &self,
        disk: &Disk,
        scratch: &Path,
        layers: &Layers,
        main: Option<&WorldState<'_>>,
    ) -> Done {
        self.check_side()?;
        if self.kind == StateKind::Own && upper::stat(&self.dir().join("etc"))?.is_none() {
            new::make(self, disk, main)?;
        }
        for layer in &layers.layers {
            let upper = scratch.join(&layer.scratch);
            disk.make_dir(&upper)?;
            disk.make_dir(&scratch.join(format!("{}.work", layer.scratch)))?;
            // The overlay's own directory is the upper one.
            if let Some(like) = layer.under.first() {
                let like = std::fs::canonicalize(like).map_err(|e| StateError::read(like, e))?;
                disk.step("set the owner of", &upper, || {
                    place::copy_dir(&like, &upper)
                })?;
            }
        }
        let before = self.world.path().join(BEFORE);
        disk.remove_tree(&before)?;
        disk.make_dir(&before)?;
        let private = rustix::fs::Mode::from_raw_mode(0o700);
        disk.step("set the mode of", &before, || {
            Ok(rustix::fs::chmod(&before, private)?)
        })?;
        for root in self.roots("etc")? {
            accounts::note(disk, &root.join("etc"), &before)?;
        }
        Ok(())
    }

    fn check_side(&self) -> Done {
        match self.side {
            // The main world's are beside it.
            Some(name)
                if name.is_empty()
                    || name.contains('/')
                    || [".", "..", "etc", "var", super::layers::WORK].contains(&name) =>
            {
                Err(StateError::SideName(name.into()))
            }
            _ => Ok(()),
        }
    }

    /// Sort what was written to `scratch` since [`WorldState::begin`] with these layers. What speaks of `/usr` is moved to the
    /// world's etc/; nothing outside of the pending `generation` is changed. `privileged`: the host's accounts may be
    /// changed; else what was added is in the state.
    ///
    /// # Errors
    /// [`StateError::Clash`], among others.
    pub fn sort(
        &self,
        disk: &Disk,
        generation: &Path,
        scratch: &Path,
        layers: &Layers,
        privileged: bool,
    ) -> Done<Changes> {
        let relative = scratch.strip_prefix(generation);
        let relative = relative.map_err(|_| StateError::NoDirectory(scratch.into()))?;
        let laid = layers.layers.iter();
        let mut changes = Changes {
            kind: self.kind,
            scratch: relative.into(),
            layers: laid.map(|l| (l.at.clone(), l.scratch.clone())).collect(),
            founds: upper::stat(&self.new_state())?.is_some(),
            steps: Vec::new(),
            accounts: Additions::default(),
            kept: Vec::new(),
        };
        let found = changes.layers.clone();
        let scratch = Scratch {
            dir: scratch.into(),
            layers: &found,
        };
        for (row, _) in NOWHERE {
            let path = scratch.at(Path::new(row));
            if upper::stat(&path)?.is_some() {
                disk.remove_tree(&path)?;
            }
        }
        match privileged {
            true => self.sort_accounts(disk, &scratch, &mut changes)?,
            false => self.keep_accounts(disk, &scratch)?,
        }
        self.sort_world(disk, &scratch, &mut changes)?;
        match self.kind {
            StateKind::Own => self.sort_own(&scratch, &mut changes)?,
            StateKind::Host => hosts::sort(self, disk, &scratch, &mut changes)?,
        }
        Ok(changes)
    }

    fn sort_accounts(&self, disk: &Disk, scratch: &Scratch<'_>, changes: &mut Changes) -> Done {
        let (etc, before) = (scratch.at(Path::new("etc")), self.world.path().join(BEFORE));
        let (additions, kept) = Additions::between(&before, &etc)?;
        // Now rather than when the generation has its name.
        additions.check(&self.host.join("etc"))?;
        changes.accounts = additions;
        changes.kept.extend(kept);
        for called in ACCOUNTS {
            let path = etc.join(called);
            if upper::stat(&path)?.is_some() {
                disk.remove_tree(&path)?;
            }
        }
        Ok(())
    }

    /// Accounts of the state are not removed either: generations before know of them.
    fn keep_accounts(&self, disk: &Disk, scratch: &Scratch<'_>) -> Done {
        let (etc, before) = (scratch.at(Path::new("etc")), self.world.path().join(BEFORE));
        let mut changed = false;
        for called in ACCOUNTS {
            changed |= upper::stat(&etc.join(called))?.is_some();
        }
        if !changed {
            return Ok(());
        }
        let (additions, _) = Additions::between(&before, &etc)?;
        for called in ACCOUNTS {
            let (was, is) = (before.join(called), etc.join(called));
            if upper::stat(&was)?.is_some() {
                disk.remove_tree(&is)?;
                disk.copy(&was, &is)?;
            }
        }
        additions.add(disk, &etc)?;
        Ok(disk.remove_file(&etc.join(accounts::LOCK))?)
    }

    /// What is the world's is merged into its own directories.
    fn sort_world(&self, disk: &Disk, scratch: &Scratch<'_>, changes: &mut Changes) -> Done {
        let mut steps = Vec::new();
        let world = Root::open(self.world.path())?;
        for row in rules::of_world(self.kind) {
            let under = self.under_world(row)?;
            merging::row(&world, scratch, &under, row, &mut steps)?;
        }
        let merge = Merge {
            disk,
            root: &world,
            scratch,
            displaced: "displaced.world",
        };
        merge.run(&steps, &mut changes.kept)?;
        for row in rules::of_world(self.kind) {
            let left = scratch.at(row);
            if upper::stat(&left)?.is_some() {
                disk.remove_tree(&left)?;
            }
            // Directories on the way say nothing any more; those of which the host's was hidden do.
            for up in row
                .ancestors()
                .skip(1)
                .take_while(|up| up.components().count() > 1)
            {
                let left = scratch.at(up);
                let is = upper::look(&left)?;
                if let Some((upper::Kind::Dir { opaque: false }, _)) = is
                    && upper::names(&left)?.is_empty()
                {
                    disk.remove_tree(&left)?;
                }
            }
        }
        Ok(())
    }

    /// What lies under the world's own directories.
    pub(super) fn under_world(&self, path: &Path) -> Done<Vec<PathBuf>> {
        let top = TOPS.iter().find(|top| path.starts_with(top));
        let mut roots = self.roots(top.copied().unwrap_or("etc"))?;
        let world = roots.iter().position(|r| r == self.world.path());
        Ok(roots.split_off(world.map_or(0, |at| at + 1)))
    }

    /// What is its own is to be merged into its state.
    fn sort_own(&self, scratch: &Scratch<'_>, changes: &mut Changes) -> Done {
        let (mut steps, mut kept) = (Vec::new(), Vec::new());
        for (at, _) in scratch.layers {
            let top = TOPS.iter().find(|top| at.starts_with(top));
            let own = self.own(top.copied().unwrap_or("etc"))?;
            let Some(own) = own.parent() else { continue };
            let mut under = self.roots("etc")?;
            under.retain(|root| root != own);
            if at.starts_with("var") {
                under.clear();
            }
            let sorting = merging::Merging {
                target: &Root::open(own)?,
                scratch,
                under: &under,
            };
            sorting.layer(at, &mut steps, &mut kept)?;
        }
        changes.steps.extend(steps);
        changes.kept.extend(kept);
        Ok(())
    }
}

/// A step of the world's: see [`merging`].
pub(super) type Steps = Vec<Step>;
