//! What is to be carried out: plain data, and the redo log.

use super::{Done, Kept};
use crate::generation::Disk;
use crate::world::WorldDir;

/// What is to become of a world's scratch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// What is not carried over.
    pub kept: Vec<Kept>,
}

impl Changes {
    /// Whether there is nothing to be done.
    pub fn is_empty(&self) -> bool {
        unimplemented!()
    }

    /// Write the log into the world, which is pending. Durable when the generation is.
    pub fn write(&self, disk: &Disk, world: &WorldDir) -> Done {
        let _ = (disk, world);
        unimplemented!()
    }
}
