//! SKELETON: owner fills in.

use std::path::{Path, PathBuf};

use super::Run;
use crate::error::Result;

/// The private state of this module.
#[derive(Debug, Default)]
pub struct State {}

impl Run {
    /// `archivefiles()`: `--install`, `--unpack`, `--record-avail` of archives (or, with `--recursive`, directories).
    pub fn archive_files(&mut self, args: &[PathBuf]) -> Result<i32> {
        let _ = args;
        unimplemented!()
    }
    /// `process_archive()`
    pub fn process_archive(&mut self, archive: &Path) -> Result<()> {
        let _ = archive;
        unimplemented!()
    }
}
