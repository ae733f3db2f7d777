//! `triggers/`: interests by path (`File`) and by name, and what was activated and not yet
//! looked at (`Unincorp`) (triglib.c, trigdeferred.c; doc/triggers.txt).
//!
//! SKELETON: owner fills in.

use super::Database;
use crate::error::Result;
use crate::fsys::NodeId;
use crate::pkg::PkgId;
use crate::report::Reporter;

/// Triggers in core.
#[derive(Debug, Default)]
pub struct TriggerDb {
    /// Packages that got something pending and are to be put into trigproc's deferred list, in order
    /// (dpkg's `enqueue_deferred` hook); the pipeline drains it.
    pub to_enqueue: Vec<PkgId>,
}

/// Whether interests stated by a control file are added or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// The package is being installed.
    Add,
    /// The package is being removed or upgraded.
    Delete,
}

impl Database {
    /// Read `triggers/File` once (`trig_file_interests_ensure`).
    pub fn ensure_file_interests(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
    /// Write what changed of the interests (`trig_file_interests_save`).
    pub fn save_file_interests(&mut self) -> Result<()> {
        unimplemented!()
    }
    /// A path was changed by `by`: activate who is interested in it (`trig_file_activate`).
    pub fn activate_file(
        &mut self,
        node: NodeId,
        by: PkgId,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let _ = (node, by, report);
        unimplemented!()
    }
    /// The same for a path and all directories above it (`trig_path_activate`).
    pub fn activate_path(
        &mut self,
        node: NodeId,
        by: PkgId,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let _ = (node, by, report);
        unimplemented!()
    }
    /// Add or drop the interests that a `triggers` control file states (`trig_parse_ci` with
    /// `trig_cicb_interest_add/_delete`). A missing file states none.
    pub fn parse_ci_interests(
        &mut self,
        file: &std::path::Path,
        what: Interest,
        pkg: PkgId,
        which: crate::pkg::Which,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let _ = (file, what, pkg, which, report);
        unimplemented!()
    }
    /// Activate what a `triggers` control file says is activated by a change of the package's status
    /// (`trig_parse_ci` with `trig_cicb_statuschange_activate`).
    pub fn parse_ci_activations(
        &mut self,
        file: &std::path::Path,
        pkg: PkgId,
        which: crate::pkg::Which,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let _ = (file, pkg, which, report);
        unimplemented!()
    }
    /// Take over `Unincorp` (`trig_incorporate`).
    pub fn incorporate(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
    /// `trig_note_pend()`: returns whether it is new.
    pub fn note_pend(&mut self, pkg: PkgId, trigger: &str) -> bool {
        let _ = (pkg, trigger);
        unimplemented!()
    }
    /// `trig_note_aw()`: `aw` awaits `pend`; returns whether it is new.
    pub fn note_aw(&mut self, pend: PkgId, aw: PkgId) -> bool {
        let _ = (pend, aw);
        unimplemented!()
    }
    /// `trig_clear_awaiters()`: nobody awaits `notpend` any more; awaiters that await nothing else become installed.
    pub fn clear_awaiters(&mut self, notpend: PkgId, report: &mut dyn Reporter) -> Result<()> {
        let _ = (notpend, report);
        unimplemented!()
    }
    /// `trig_enqueue_awaited_pend()`
    pub fn enqueue_awaited_pend(&mut self, pend: PkgId) {
        let _ = pend;
        unimplemented!()
    }
    /// `trig_fixup_awaiters()`, at the end of reading status.
    pub fn fixup_awaiters(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
}
