//! What a transaction wrote, sorted.

use std::path::Path;

use super::{Changes, Done, WorldState};
use crate::generation::Disk;

impl WorldState<'_> {
    /// Make the scratch for [`WorldState::layers`] in `scratch`, an empty directory of the pending generation; note the
    /// host's accounts; and if the world has no state yet, make it: of a side world from `main`'s.
    pub fn begin(&self, disk: &Disk, scratch: &Path, main: Option<&WorldState<'_>>) -> Done {
        let _ = (disk, scratch, main);
        unimplemented!()
    }

    /// Sort what was written to `scratch` since [`WorldState::begin`]. What speaks of `/usr` is moved to the world's etc/;
    /// nothing outside of the pending `generation` is changed. `privileged`: the host's files may be changed.
    pub fn sort(
        &self,
        disk: &Disk,
        generation: &Path,
        scratch: &Path,
        privileged: bool,
    ) -> Done<Changes> {
        let _ = (disk, generation, scratch, privileged);
        unimplemented!()
    }
}
