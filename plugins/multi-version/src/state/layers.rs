//! What lies under `/etc` and `/var`.

use std::path::PathBuf;

use super::{Done, WorldState};
use crate::context::{Host, Mount};

/// What a transaction lays over each other for `/etc` and `/var`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// Each to be overlaid, in this order.
    pub layers: Vec<Layer>,
    /// What of the host shows as it is, writable, relative to `/`: to be bound over the layers after all of them. It is
    /// there on the host, and the layers have something to bind it on.
    pub shown: Vec<PathBuf>,
}

/// Something that is overlaid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Where, relative to `/`: `etc`, `var`, or a mount of the host below them.
    pub at: PathBuf,
    /// What lies there under the scratch, the first on top.
    pub under: Vec<PathBuf>,
    /// The name of its upper directory in the scratch; that of its work directory has `.work` behind it. Both are there
    /// after [`WorldState::begin`].
    pub scratch: String,
}

impl WorldState<'_> {
    /// What a transaction lays over each other. The same each time it is asked, as long as nobody mounts.
    pub fn layers(&self, host: &Host) -> Done<Layers> {
        let _ = host;
        unimplemented!()
    }

    /// What a context of the world mounts, after [`Mount::Ground`]. `write`: the caller may change the state of /etc (root
    /// without a user namespace).
    pub fn context(&self, host: &Host, write: bool) -> Done<Vec<Mount>> {
        let _ = (host, write);
        unimplemented!()
    }
}
