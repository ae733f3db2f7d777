//! What is kept and why, and what is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::mem::discriminant;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{GcError, Why, live};
use crate::generation::{Claim, Reader, Sys, Told};
use crate::layout::{Layout, StoreKey, inside};

/// What a collection would do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What stays, and all reasons for it.
    pub keep: BTreeMap<StoreKey, BTreeSet<Why>>,
    /// What goes, in this order: what is made of something goes before it.
    pub remove: Vec<Removal>,
    /// Processes of which we may not see everything: carrying it out needs consent.
    pub hidden: BTreeSet<u32>,
}

/// Something to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// What.
    pub key: StoreKey,
    /// Bytes on disk that only it holds.
    pub bytes: u64,
}

impl Plan {
    /// Bytes that removing gives back.
    pub fn bytes(&self) -> u64 {
        self.remove.iter().map(|r| r.bytes).sum()
    }

    /// Why what is at this path is kept: from it up to a root. None, if it is not kept.
    pub fn why(&self, layout: &Layout, path: &Path) -> Option<Vec<(StoreKey, Why)>> {
        let mut chain = Vec::new();
        let mut key = layout.key_of(path)?;
        loop {
            // Roots sort before what is a part.
            let why = self.keep.get(&key)?.first()?.clone();
            let next = match &why {
                Why::PartOf(whole) => Some(whole.clone()),
                _ => None,
            };
            chain.push((key, why));
            match next {
                Some(whole) if !chain.iter().any(|(k, _)| *k == whole) => key = whole,
                _ => return Some(chain),
            }
        }
    }

    fn keep(&mut self, key: StoreKey, why: Why) {
        self.keep.entry(key).or_default().insert(why);
    }
}

impl Reader {
    /// What a collection that keeps the `keep` newest generations of each view would do; `proc` is
    /// `/proc`.
    pub fn plan_collection(&self, keep: usize, proc: &Path) -> Result<Plan, GcError> {
        let mut plan = self.roots(keep, proc)?;
        let present = self.present()?;
        self.reach(&present, &mut plan)?;
        let mut gone: Vec<StoreKey> = present.into_iter().collect();
        gone.retain(|key| !plan.keep.contains_key(key));
        // Generations, then realizations, then installations.
        gone.reverse();
        let mut sizes = Sizes::default();
        for key in gone {
            let bytes = sizes.of(&self.path_of(&key))?;
            plan.remove.push(Removal { key, bytes });
        }
        Ok(plan)
    }

    /// What is kept for its own sake.
    pub fn roots(&self, keep: usize, proc: &Path) -> Result<Plan, GcError> {
        let mut plan = Plan::default();
        // Holds first: who enters a context holds it until mountinfo tells.
        self.root_holds(&mut plan)?;
        let live = live(self.layout(), proc)?;
        plan.hidden = live.hidden;
        for (key, whys) in live.used {
            plan.keep.entry(key).or_default().extend(whys);
        }
        self.root_generations(keep, &mut plan)?;
        self.root_pins(&mut plan)?;
        Ok(plan)
    }

    fn path_of(&self, key: &StoreKey) -> PathBuf {
        match key {
            StoreKey::Installation(id) => self.layout().installation(id),
            StoreKey::Realization(id) => self.layout().realization(id),
            StoreKey::Generation(view, number) => self.layout().generation(view, *number),
        }
    }

    fn claim(&self, generation: &StoreKey) -> Result<Option<Claim>, GcError> {
        let path = self.path_of(generation);
        Claim::of(&path).map_err(|e| GcError::read(path, e))
    }

    fn root_holds(&self, plan: &mut Plan) -> Result<(), GcError> {
        for view in self.views()? {
            for listed in self.list(&view)? {
                let key = StoreKey::Generation(view.clone(), listed.number);
                if self.claim(&key)?.is_none() {
                    plan.keep(key, Why::Held);
                }
            }
        }
        Ok(())
    }

    fn root_generations(&self, keep: usize, plan: &mut Plan) -> Result<(), GcError> {
        for view in self.views()? {
            for (age, listed) in self.list(&view)?.into_iter().rev().enumerate() {
                let key = StoreKey::Generation(view.clone(), listed.number);
                if listed.current {
                    plan.keep(key.clone(), Why::Current);
                }
                if age < keep {
                    plan.keep(key, Why::Newest);
                }
            }
        }
        Ok(())
    }

    fn root_pins(&self, plan: &mut Plan) -> Result<(), GcError> {
        for path in files(&self.layout().roots())? {
            let target = fs::read_link(&path).map_err(|e| GcError::read(&path, e))?;
            let target = self.layout().root().join(target);
            let pin = path.file_name().and_then(|n| n.to_str()?.parse().ok());
            match (pin, self.layout().key_of(&target)) {
                (Some(pin), Some(key)) => plan.keep(key, Why::Pinned(pin)),
                _ => return Err(GcError::Nameless(path)),
            }
        }
        Ok(())
    }

    /// Everything there is.
    fn present(&self) -> Result<BTreeSet<StoreKey>, GcError> {
        let mut present = BTreeSet::new();
        for dir in [self.layout().store(), self.layout().realizations()] {
            let keys = files(&dir)?;
            present.extend(keys.iter().filter_map(|p| self.layout().key_of(p)));
        }
        for view in self.views()? {
            for listed in self.list(&view)? {
                present.insert(StoreKey::Generation(view.clone(), listed.number));
            }
        }
        Ok(present)
    }

    /// Keep what the kept is made of: a generation of realizations, a realization of its
    /// installation and the realizations it is linked with.
    fn reach(&self, present: &BTreeSet<StoreKey>, plan: &mut Plan) -> Result<(), GcError> {
        let mut left: Vec<StoreKey> = plan.keep.keys().cloned().collect();
        let mut seen: BTreeSet<StoreKey> = left.iter().cloned().collect();
        while let Some(key) = left.pop() {
            if !present.contains(&key) {
                continue;
            }
            for part in self.parts(&key)? {
                plan.keep(part.clone(), Why::PartOf(key.clone()));
                if seen.insert(part.clone()) {
                    left.push(part);
                }
            }
        }
        Ok(())
    }

    fn parts(&self, key: &StoreKey) -> Result<Vec<StoreKey>, GcError> {
        match key {
            StoreKey::Installation(_) => Ok(Vec::new()),
            StoreKey::Generation(view, number) => {
                let manifest = self.manifest(view, *number)?;
                let members = manifest.packages.into_iter().map(|m| m.realization);
                let pinned = manifest.pins.into_iter().map(|p| p.provider);
                let members = members.map(StoreKey::Realization);
                Ok(members.chain(pinned.map(StoreKey::Installation)).collect())
            }
            StoreKey::Realization(id) => {
                let realization = self.realization(id)?;
                let mut parts = vec![StoreKey::Installation(realization.installation)];
                let providers = realization.overrides.into_values();
                parts.extend(providers.map(StoreKey::Realization));
                Ok(parts)
            }
        }
    }
}

impl Sys {
    /// Carry a plan out, which was made by this `Sys`, so under the same lock. Nothing is written.
    /// As long as there are processes that can't be looked into, of which a person has not said
    /// that they use nothing here (`harmless`), nothing is removed. `told` hears how far it is.
    pub fn collect(
        &self,
        plan: &Plan,
        proc: &Path,
        harmless: &BTreeSet<u32>,
        told: Told<'_>,
    ) -> Result<(), GcError> {
        // A claim is an open file, of each generation that goes.
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let all = rustix::process::Rlimit {
            current: files.maximum,
            ..files
        };
        // Where that is refused, opening tells.
        let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, all);
        let mut claims = Vec::new();
        let mut late = Plan::default();
        for removal in &plan.remove {
            if let StoreKey::Generation(..) = removal.key {
                match self.claim(&removal.key)? {
                    Some(claim) => claims.push(claim),
                    None => late.keep(removal.key.clone(), Why::Held),
                }
            }
        }
        // Somebody may have gone into a generation since.
        let again = live(self.layout(), proc)?;
        let mut hidden = plan.hidden.union(&again.hidden);
        if let Some(pid) = hidden.find(|pid| !harmless.contains(pid)) {
            return Err(GcError::Hidden(*pid));
        }
        for (key, whys) in again.used {
            late.keep.entry(key).or_default().extend(whys);
        }
        self.reach(&self.present()?, &mut late)?;
        // What is made of something goes before it.
        for kind in plan
            .remove
            .chunk_by(|a, b| discriminant(&a.key) == discriminant(&b.key))
        {
            let going = kind.iter().map(|r| &r.key);
            let going = going.filter(|key| !late.keep.contains_key(*key));
            let metadata = |key: &StoreKey| match key {
                StoreKey::Installation(_) => inside::INSTALLATION,
                StoreKey::Realization(_) => inside::REALIZATION,
                StoreKey::Generation(..) => inside::MANIFEST,
            };
            let all: Vec<_> = going
                .map(|key| (self.path_of(key), metadata(key)))
                .collect();
            self.remove_all(&all, told)?;
        }
        Ok(())
    }
}

/// The paths in a directory, sorted.
fn files(dir: &Path) -> Result<Vec<PathBuf>, GcError> {
    let read =
        || -> std::io::Result<Vec<_>> { fs::read_dir(dir)?.map(|e| Ok(e?.path())).collect() };
    let mut paths = read().map_err(|e| GcError::read(dir, e))?;
    paths.sort();
    Ok(paths)
}

fn is_denied(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::PermissionDenied
}

/// Sizes of trees that share files: a file counts where its last name goes.
#[derive(Default)]
struct Sizes {
    names: BTreeMap<(u64, u64), u64>,
}

impl Sizes {
    fn of(&mut self, tree: &Path) -> Result<u64, GcError> {
        let mut bytes = 0;
        let mut paths = vec![tree.to_path_buf()];
        while let Some(path) = paths.pop() {
            let is = fs::symlink_metadata(&path).map_err(|e| GcError::read(&path, e))?;
            if is.is_dir() {
                match files(&path) {
                    // Who may not look in there may not remove it either: this is a `--dry-run`.
                    Err(GcError::Read { source, .. }) if is_denied(&source) => {}
                    found => paths.extend(found?),
                }
            } else {
                let gone = self.names.entry((is.dev(), is.ino())).or_default();
                *gone += 1;
                if *gone < is.nlink() {
                    continue;
                }
            }
            bytes += is.blocks() * 512;
        }
        Ok(bytes)
    }
}
