//! A generation with another one's content: `view clone`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::switching::set_ids;
use super::files::entries;
use super::{Done, GenerationError, Sys};
use crate::layout::{GenerationNumber, ViewName, inside};
use crate::manifest::Manifest;

/// What apt and dpkg lock in a dpkg database: an inode is one lock.
const LOCKS: [&str; 3] = ["lock", "lock-frontend", "Lock"];

impl Sys {
    /// Begin a generation of `to` that holds what a generation of `from` holds. `bin/` is left to the caller: it
    /// speaks of its generation.
    pub fn begin_copy(
        &self,
        from: &ViewName,
        number: GenerationNumber,
        to: &ViewName,
    ) -> Done<(PathBuf, Manifest)> {
        let mut manifest = self.manifest(from, number)?;
        let own = set_ids(&manifest).map(|(tree, set_id)| tree.join(&set_id.path));
        let own: BTreeSet<PathBuf> = own.collect();
        let (next, dir) = self.begin_pending(to)?;
        self.copy_tree(&self.layout().generation(from, number), &dir, &own)?;
        (manifest.view, manifest.number, manifest.parent) = (to.clone(), next, None);
        Ok((dir, manifest))
    }

    fn copy_tree(&self, from: &Path, to: &Path, own: &BTreeSet<PathBuf>) -> Done {
        let mut dirs = vec![PathBuf::new()];
        while let Some(dir) = dirs.pop() {
            for name in entries(&from.join(&dir))? {
                let path = dir.join(&name);
                let (source, target) = (from.join(&path), to.join(&path));
                let is = fs::symlink_metadata(&source).map_err(|e| GenerationError::Read {
                    path: source.clone(),
                    source: e,
                })?;
                let of_database = path.starts_with(inside::ADMINDIR);
                let of_its_own = [inside::MANIFEST, inside::BIN, inside::HERE];
                if of_its_own.iter().any(|own| path == Path::new(own)) {
                    continue;
                } else if is.is_dir() {
                    self.disk().make_dir(&target)?;
                    self.disk().adopt(&target, &is)?;
                    dirs.push(path);
                } else if own.contains(&path) {
                    self.disk().copy(&source, &target)?;
                } else if !(of_database && LOCKS.iter().any(|l| name == OsStr::new(l))) {
                    self.disk().link(&source, &target)?;
                }
            }
        }
        Ok(())
    }
}
