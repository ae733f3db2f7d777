//! `diversions` (db-fsys-divert.c).
//!
//! SKELETON: owner fills in.

use super::Database;
use crate::error::Result;
use crate::report::Reporter;

/// The private state of this module.
#[derive(Debug, Default)]
pub struct State {}

impl Database {
    /// Read the file unless it is the one already read (`ensure_diversions`).
    pub fn ensure_diversions(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let _ = report;
        unimplemented!()
    }
}
