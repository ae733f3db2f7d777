//! `statoverride` (db-fsys-override.c).
//!
//! SKELETON: owner fills in.

use super::Database;
use crate::error::Result;
use crate::report::Reporter;

/// The private state of this module.
#[derive(Debug, Default)]
pub struct State {}

impl Database {
    /// Read the file unless it is the one already read (`ensure_statoverrides`). `lax` forgives unknown users and
    /// groups (`STATDB_PARSE_LAX`).
    pub fn ensure_statoverrides(&mut self, lax: bool, report: &mut dyn Reporter) -> Result<()> {
        let _ = (lax, report);
        unimplemented!()
    }
}
