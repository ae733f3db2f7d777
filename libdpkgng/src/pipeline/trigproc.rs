//! SKELETON: owner fills in.

use super::Run;
use crate::error::Result;
use crate::pkg::PkgId;

/// The private state of this module: the deferred list and the cycle detector.
#[derive(Debug, Default)]
pub struct State {}

/// `trigproc_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TrigprocType {
    TryDeferred,
    TryQueued,
    Required,
}

impl Run {
    /// `trigproc()`
    pub fn trigproc(&mut self, pkg: PkgId, kind: TrigprocType) -> Result<()> {
        let _ = (pkg, kind);
        unimplemented!()
    }
    /// `trigproc_enqueue_deferred()` for everything in `db.triggers.to_enqueue`.
    pub fn trigproc_drain(&mut self) {
        unimplemented!()
    }
    /// `trigproc_populate_deferred()`
    pub fn trigproc_populate_deferred(&mut self) {
        unimplemented!()
    }
    /// `trigproc_run_deferred()`
    pub fn trigproc_run_deferred(&mut self) -> Result<()> {
        unimplemented!()
    }
    /// `trigproc_reset_cycle()`
    pub fn trigproc_reset_cycle(&mut self) {
        unimplemented!()
    }
    /// `trig_activate_packageprocessing()`
    pub fn activate_package_processing(&mut self, pkg: PkgId) -> Result<()> {
        let _ = pkg;
        unimplemented!()
    }
    /// Whether the package is in the deferred list (`trigprocdeferred`).
    pub fn trigproc_is_deferred(&self, pkg: PkgId) -> bool {
        let _ = pkg;
        unimplemented!()
    }
}
