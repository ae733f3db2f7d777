//! `status`, `available`, the `updates/` journal, and the locks (dbmodify.c).
//!
//! SKELETON: owner fills in.

use super::Database;
use crate::error::Result;
use crate::pkg::PkgId;
use crate::report::Reporter;

/// How the database is to be, or was, opened (`modstatdb_rw`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenMode {
    /// Not opened.
    #[default]
    Unset,
    /// Only read.
    ReadOnly,
    /// Write access is needed later, but nothing is written now (locks are not taken).
    NeedSuperuserLockOnly,
    /// Write if the directory can be written, else read only.
    WriteIfPossible,
    /// Write.
    Write,
    /// Write, and it is an error not to be root.
    NeedSuperuser,
}

/// What of `available` is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvailMode {
    /// Nothing.
    #[default]
    None,
    /// Read it.
    Read,
    /// Read it and write it back at shutdown.
    Write,
}

/// The private state of this module.
#[derive(Debug, Default)]
pub struct Modstat {}

impl Database {
    /// `modstatdb_open()`: take the locks, read status, apply `updates/`, read available.
    /// Returns the mode that came of it.
    pub fn open(
        &mut self,
        mode: OpenMode,
        available: AvailMode,
        report: &mut dyn Reporter,
    ) -> Result<OpenMode> {
        let _ = (mode, available, report);
        unimplemented!()
    }
    /// The mode the database is open in.
    pub fn mode(&self) -> OpenMode {
        unimplemented!()
    }
    /// `modstatdb_note()`: log the status (event) and write the package's stanza to `updates/` before what it
    /// says becomes true.
    pub fn note(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        let _ = (pkg, report);
        unimplemented!()
    }
    /// `modstatdb_note_ifwrite()`
    pub fn note_ifwrite(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        let _ = (pkg, report);
        unimplemented!()
    }
    /// `modstatdb_checkpoint()`: rewrite `status`, empty `updates/`.
    pub fn checkpoint(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
    /// `modstatdb_shutdown()`: checkpoint, write `available` when opened so, release the locks.
    pub fn shutdown(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
}
