//! What was lent to a world.

use std::collections::{BTreeMap, BTreeSet};

use super::Done;
use crate::world::WorldDir;

/// A package: its name and architecture, in dpkg's words.
pub type PackageKey = (String, String);

/// What a world has of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lent {
    /// The versions of the packages that are the host's.
    pub packages: BTreeMap<PackageKey, String>,
    /// Packages of the base that the view has taken over or removed, and that are not lent to it any more.
    pub own: BTreeSet<PackageKey>,
}

impl Lent {
    /// A world's; nothing, if it was lent nothing.
    pub fn read(world: &WorldDir) -> Done<Lent> {
        let _ = world;
        unimplemented!()
    }

    /// Whether a package of the world's database, in this version, is the host's.
    pub fn has(&self, name: &str, architecture: &str, version: &str) -> bool {
        let key = (name.to_owned(), architecture.to_owned());
        self.packages.get(&key).is_some_and(|v| v == version)
    }
}
