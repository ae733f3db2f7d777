//! After a run: what became of the base.

use std::path::{Path, PathBuf};

use dpkgng_plugin::Host;

use super::{Done, Lent};
use crate::generation::Disk;
use crate::world::WorldDir;

/// What became of the base, and of files of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// What of the world is the host's now.
    pub lent: Lent,
    /// Paths below the world's tree that are whiteouts now and were none before.
    pub hidden: Vec<PathBuf>,
    /// Paths that were whiteouts and are none any more.
    pub shown: Vec<PathBuf>,
}

/// Before a commit: see which packages of the base the world has made its own or removed, and hide those files of the host
/// that are of the host's version of a package which the world has in a version of its own, or has removed, and that no
/// package of the world has. What was hidden so and need not be any more shows again.
pub fn settle(host: Host, disk: &Disk, root: &Path, world: &WorldDir) -> Done<Settled> {
    let _ = (host, disk, root, world);
    unimplemented!()
}
