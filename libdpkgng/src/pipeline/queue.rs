//! SKELETON: owner fills in.

use super::Run;
use crate::error::Result;
use crate::pkg::PkgId;

/// `dep_check`
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum DepCheck {
    Halt,
    Defer,
    Ok,
}

impl Run {
    /// `packages()`: `--configure`, `--triggers-only`, `--remove`, `--purge` with their arguments.
    pub fn packages(&mut self, names: &[Vec<u8>]) -> Result<i32> {
        let _ = names;
        unimplemented!()
    }
    /// `process_queue()`
    pub fn process_queue(&mut self) -> Result<()> {
        unimplemented!()
    }
    /// `enqueue_package()`
    pub fn enqueue_package(&mut self, pkg: PkgId) {
        let _ = pkg;
        unimplemented!()
    }
    /// `enqueue_package_mark_seen()`
    pub fn enqueue_package_mark_seen(&mut self, pkg: PkgId) {
        let _ = pkg;
        unimplemented!()
    }
    /// `dependencies_ok()`: the verdict and dpkg's explanation.
    pub fn dependencies_ok(
        &mut self,
        pkg: PkgId,
        removing: Option<PkgId>,
    ) -> Result<(DepCheck, Vec<u8>)> {
        let _ = (pkg, removing);
        unimplemented!()
    }
    /// `breakses_ok()`
    pub fn breakses_ok(&mut self, pkg: PkgId) -> (DepCheck, Vec<u8>) {
        let _ = pkg;
        unimplemented!()
    }
}
