//! SKELETON: owner fills in.

use super::Run;
use crate::error::Result;
use crate::pkg::PkgId;

impl Run {
    /// `deferred_remove()`
    pub fn deferred_remove(&mut self, pkg: PkgId) -> Result<()> {
        let _ = pkg;
        unimplemented!()
    }
    /// `removal_bulk()`
    pub fn removal_bulk(&mut self, pkg: PkgId) -> Result<()> {
        let _ = pkg;
        unimplemented!()
    }
}
