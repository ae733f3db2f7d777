//! `info/*.list`: which paths a package has (db-fsys-files.c).
//!
//! SKELETON: owner fills in.

use super::Database;
use crate::error::Result;
use crate::fsys::{NodeFlags, NodeId};
use crate::pkg::{PkgId, Which};
use crate::report::Reporter;

/// The private state of this module: what was read and said so far.
#[derive(Debug, Default)]
pub struct Progress {}

impl Database {
    /// Read the file list of a package unless it is current (`ensure_packagefiles_available`).
    pub fn ensure_files(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        let _ = (pkg, report);
        unimplemented!()
    }
    /// Read all file lists, showing progress the first time (`ensure_allinstfiles_available`).
    pub fn ensure_all_files(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
    /// The same without progress (`ensure_allinstfiles_available_quiet`).
    pub fn ensure_all_files_quiet(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
    /// Write the file list of a package, without the paths that have any flag of `except`, and mark the
    /// list in core stale (`write_filelist_except`).
    pub fn write_filelist_except(
        &mut self,
        pkg: PkgId,
        which: Which,
        list: &[NodeId],
        except: NodeFlags,
    ) -> Result<()> {
        let _ = (pkg, which, list, except);
        unimplemented!()
    }
}
