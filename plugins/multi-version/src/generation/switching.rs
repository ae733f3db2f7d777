//! Making a generation current, going back, forgetting.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Done, GenerationError, Sys};
use crate::layout::{GenerationNumber, ViewName, inside};
use crate::manifest::{Manifest, SetId};

/// The view that `current-system` follows.
pub(super) const SYSTEM: &str = "system";

/// The set-id files of a generation, each with the tree it is in.
pub(super) fn set_ids(manifest: &Manifest) -> impl Iterator<Item = (PathBuf, &SetId)> {
    manifest.packages.iter().flat_map(|m| {
        let trees = m.worlds.keys().map(|world| inside::tree(world.as_ref()));
        trees.flat_map(|tree| m.setuid.iter().map(move |s| (tree.clone(), s)))
    })
}

impl Sys {
    /// The files of a generation that are to be set-id, as far as they are there, relative to it.
    pub(crate) fn set_id_files(
        &self,
        view: &ViewName,
        number: GenerationNumber,
    ) -> Done<BTreeSet<PathBuf>> {
        let generation = self.layout().generation(view, number);
        let manifest = self.manifest(view, number)?;
        let files = set_ids(&manifest).map(|(tree, set_id)| tree.join(&set_id.path));
        Ok(files
            .filter(|path| generation.join(path).is_file())
            .collect())
    }

    /// Make a generation current. It is by the time this returns, also after a power cut.
    pub fn switch(&self, view: &ViewName, number: GenerationNumber) -> Done {
        let manifest = self.manifest(view, number)?;
        self.grant(&manifest)?;
        let (aside, current) = (
            self.layout().tmp().join("current"),
            self.layout().current(view),
        );
        self.replace_link(&Path::new("gen").join(number.to_string()), &aside, &current)?;
        self.disk.sync_dir(&self.layout().view(view))?;
        if view.as_str() == SYSTEM {
            self.follow_system()?;
        }
        self.revoke(view)?;
        Ok(())
    }

    /// Make the generation current that was so when the current one was made; if it is gone, the newest that
    /// is older.
    pub fn rollback(&self, view: &ViewName) -> Done<GenerationNumber> {
        let nothing = || GenerationError::NothingBefore(view.clone());
        let current = self.current(view)?.ok_or_else(nothing)?;
        let parent = self.manifest(view, current)?.parent;
        let listed = self.list(view)?;
        let mut numbers = listed.iter().map(|l| l.number);
        let parent = parent.filter(|p| listed.iter().any(|l| l.number == *p));
        let before = parent.or_else(|| numbers.rfind(|n| *n < current));
        let before = before.ok_or_else(nothing)?;
        self.switch(view, before)?;
        Ok(before)
    }

    /// Forget a generation that is not current.
    pub fn forget(&self, view: &ViewName, number: GenerationNumber) -> Done {
        if self.current(view)? == Some(number) {
            return Err(GenerationError::IsCurrent(view.clone(), number));
        }
        self.remove(&self.layout().generation(view, number), inside::MANIFEST)
    }

    /// Forget a view with all its generations, but not the system's. What of it is left by a kill is a view
    /// without a current generation.
    pub fn forget_view(&self, view: &ViewName) -> Done {
        if view.as_str() == SYSTEM {
            return Err(GenerationError::IsSystem);
        }
        self.disk.remove_file(&self.layout().current(view))?;
        self.disk.sync_dir(&self.layout().view(view))?;
        for listed in self.list(view)? {
            self.forget(view, listed.number)?;
        }
        self.disk.remove_tree(&self.layout().view(view))?;
        Ok(self.disk.sync_dir(&self.layout().views())?)
    }

    /// Remove a directory, its metadata first, so that what is half gone is known to be rubbish.
    /// Takes no space.
    pub(crate) fn remove(&self, dir: &Path, metadata: &str) -> Done {
        let metadata = dir.join(metadata);
        if metadata.exists() {
            self.disk.remove_file(&metadata)?;
            self.disk.sync_dir(metadata.parent().unwrap_or(dir))?;
        }
        Ok(self.disk.remove_tree(dir)?)
    }

    /// The set-id bits of the generation about to be current.
    fn grant(&self, manifest: &Manifest) -> Done {
        let generation = self.layout().generation(&manifest.view, manifest.number);
        for (tree, set_id) in set_ids(manifest) {
            let owner = Some((set_id.uid, set_id.gid));
            // A change of owner clears the bits: the mode comes last.
            let tree = generation.join(tree);
            self.disk
                .set_mode(&tree, &set_id.path, set_id.mode, owner)?;
        }
        Ok(())
    }

    /// No set-id bits in any generation but the current.
    pub(super) fn revoke(&self, view: &ViewName) -> Done {
        for listed in self.list(view)?.into_iter().filter(|l| !l.current) {
            let manifest = self.manifest(view, listed.number)?;
            let generation = self.layout().generation(view, listed.number);
            for (tree, set_id) in set_ids(&manifest) {
                let mode = set_id.mode & 0o1777;
                let tree = generation.join(tree);
                self.disk.set_mode(&tree, &set_id.path, mode, None)?;
            }
        }
        Ok(())
    }

    /// `current-system`, which once made never changes: the view's own link does.
    pub(super) fn follow_system(&self) -> Done {
        let link = self.layout().current_system();
        let target = Path::new("views").join(SYSTEM).join("current");
        if std::fs::read_link(&link).is_ok_and(|now| now == target) {
            return Ok(());
        }
        let aside = self.layout().tmp().join("current-system");
        self.replace_link(&target, &aside, &link)?;
        Ok(self.disk.sync_dir(self.layout().root())?)
    }

    /// Make `link` point to `target`, at once: `aside` is a name in `tmp/`.
    pub(crate) fn replace_link(&self, target: &Path, aside: &Path, link: &Path) -> Done {
        self.disk.remove_file(aside)?;
        self.disk.symlink(target, aside)?;
        Ok(self.disk.rename(aside, link)?)
    }
}
