//! Lending.

use std::path::Path;

use dpkgng_plugin::Host;

use super::{Done, Lent};
use crate::generation::Disk;
use crate::world::WorldDir;

/// Have a pending world hold the base of the host below `root` (`/`) as it is now. Nothing is done if the host's database is
/// as it was when it was lent last. No run of dpkg is going on in the world; an admindir that is not there is made.
pub fn lend(host: Host, disk: &Disk, root: &Path, world: &WorldDir) -> Done<Lent> {
    let _ = (host, disk, root, world);
    unimplemented!()
}
