//! SKELETON: owner fills in.

use std::path::Path;

use super::Run;
use crate::error::Result;
use crate::pkg::PkgId;

impl Run {
    /// `deferred_configure()`
    pub fn deferred_configure(&mut self, pkg: PkgId) -> Result<()> {
        let _ = pkg;
        unimplemented!()
    }
    /// `conffderef()`: the real path (below instdir, symlinks followed) of a conffile; `None` (warned about) when it cannot
    /// be told.
    pub fn conffderef(&mut self, pkg: PkgId, conffile: &[u8]) -> Option<Vec<u8>> {
        let _ = (pkg, conffile);
        unimplemented!()
    }
    /// `md5hash()`: hex digits of a file, or `nonexistent`, `-`…
    pub fn md5hash(&mut self, pkg: PkgId, path: &Path) -> Result<Vec<u8>> {
        let _ = (pkg, path);
        unimplemented!()
    }
}
