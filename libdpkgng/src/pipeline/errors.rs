//! SKELETON: owner fills in.

use std::path::Path;

use super::Run;
use crate::error::{Error, Result};
use crate::fsys::NodeId;
use crate::pkg::{PkgId, Which};

/// What failed so far.
#[derive(Debug, Default)]
pub struct Failures {}

impl Run {
    /// `print_error_perpackage()`: report, remember for the summary, maybe stop. Errors that reach further are
    /// returned.
    pub fn package_failed(&mut self, pkg: PkgId, error: Error) -> Result<()> {
        let _ = (pkg, error);
        unimplemented!()
    }
    /// `print_error_perarchive()`
    pub fn archive_failed(&mut self, archive: &Path, error: Error) -> Result<()> {
        let _ = (archive, error);
        unimplemented!()
    }
    /// `reportbroken_retexitstatus()`: the summary, and the exit code.
    pub fn finish(&mut self) -> i32 {
        unimplemented!()
    }
    /// `skip_due_to_hold()`
    pub fn skip_due_to_hold(&mut self, pkg: PkgId) -> bool {
        let _ = pkg;
        unimplemented!()
    }
    /// `namenodetouse()`: where a package's path really is, diversions considered.
    pub fn namenode_to_use(&self, node: NodeId, pkg: PkgId, which: Which) -> NodeId {
        let _ = (node, pkg, which);
        unimplemented!()
    }
    /// `log_action()`
    pub fn log_action(&mut self, action: &str, pkg: PkgId, which: Which) {
        let _ = (action, pkg, which);
        unimplemented!()
    }
    /// `dir_has_conffiles()`
    pub fn dir_has_conffiles(&mut self, node: NodeId, pkg: PkgId) -> bool {
        let _ = (node, pkg);
        unimplemented!()
    }
    /// `dir_is_used_by_others()`
    pub fn dir_is_used_by_others(&mut self, node: NodeId, pkg: PkgId) -> bool {
        let _ = (node, pkg);
        unimplemented!()
    }
    /// `dir_is_used_by_pkg()`
    pub fn dir_is_used_by_pkg(&mut self, node: NodeId, list: &[NodeId]) -> bool {
        let _ = (node, list);
        unimplemented!()
    }
    /// `clear_istobes()`
    pub fn clear_istobes(&mut self) {
        unimplemented!()
    }
    /// `conffile_mark_obsolete()`
    pub fn conffile_mark_obsolete(&mut self, pkg: PkgId, node: NodeId) {
        let _ = (pkg, node);
        unimplemented!()
    }
    /// `pkg_conffiles_mark_old()`
    pub fn conffiles_mark_old(&mut self, pkg: PkgId) {
        let _ = pkg;
        unimplemented!()
    }
    /// `forcibleerr()`: a warning when `force` is in force, else an error.
    pub fn forcible(&mut self, force: crate::force::Force, msg: crate::msg::Msg) -> Result<()> {
        let _ = (force, msg);
        unimplemented!()
    }
}
