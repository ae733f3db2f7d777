//! What `--verify` compares: of a file that was linked, what the archive had.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Hooks, PackageNumber, Packages, Which};

use super::EngineError;
use super::observe::Installations;
use crate::generation::Reader;
use crate::layout::{RealizationId, merged};
use crate::manifest::Manifest;
use crate::world::WorldDir;

type Key = (String, String);

/// Where linked files of a world come from.
pub(super) struct Shipped {
    tree: PathBuf,
    /// Where each package's linked files are, and its files as they came: by name and architecture.
    packages: BTreeMap<Key, (PathBuf, PathBuf)>,
}

impl Shipped {
    /// Of a world of a generation.
    pub fn read(
        reader: &Reader,
        manifest: &Manifest,
        world: &WorldDir,
    ) -> Result<Shipped, EngineError> {
        let installations = Installations::read(world)?;
        let layout = reader.layout();
        let mut packages = BTreeMap::new();
        for member in &manifest.packages {
            let id: &RealizationId = &member.realization;
            let key = (id.package().to_string(), id.architecture().to_string());
            let is_here = match world.side_name() {
                None => member.worlds.contains_key(&None),
                Some(side) => member.worlds.keys().flatten().any(|w| w.as_str() == side),
            };
            if let Some(installation) = installations.of(&key).filter(|_| is_here) {
                let dirs = (layout.realization(id), layout.installation(installation));
                packages.insert(key, dirs);
            }
        }
        Ok(Shipped {
            tree: world.tree(),
            packages,
        })
    }

    fn find(&self, key: &Key, path: &Path) -> Option<PathBuf> {
        let (linked, came) = self.packages.get(key)?;
        let path = merged(path)?;
        let (placed, linked) = (self.tree.join(&path), linked.join(&path));
        // What can't be looked at is left to who asks, and looks at the file itself.
        let (is, made) = (
            fs::symlink_metadata(&placed).ok()?,
            fs::symlink_metadata(&linked).ok()?,
        );
        let same = || {
            // A set-id file is a copy.
            let (Ok(a), Ok(b)) = (fs::read(&placed), fs::read(&linked)) else {
                return false;
            };
            a == b
        };
        let is_linked = made.is_file()
            && is.is_file()
            && ((is.dev(), is.ino()) == (made.dev(), made.ino())
                || is.len() == made.len() && same());
        is_linked.then(|| came.join(&path))
    }
}

impl Hooks for Shipped {
    fn shipped(
        &self,
        packages: &Packages<'_>,
        package: PackageNumber,
        path: &Path,
    ) -> Result<Option<PathBuf>, Failed> {
        let info = packages.info(package, Which::Installed)?;
        Ok(self.find(&(info.name, info.architecture), path))
    }
}
