//! `info/`: the control files of installed packages and their names (db-ctrl-*.c).
//!
//! SKELETON: owner fills in.

use std::path::PathBuf;

use super::Database;
use crate::error::Result;
use crate::pkg::{PkgId, Which};

/// A control file of an installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its type: the part after the last dot (`postinst`, `list`, …).
    pub kind: String,
}

impl Database {
    /// `info/` itself (`pkg_infodb_get_dir`).
    pub fn infodb_dir(&self) -> PathBuf {
        unimplemented!()
    }
    /// The path of one control file, whether or not it exists (`pkg_infodb_get_file`).
    pub fn infodb_file(&self, pkg: PkgId, which: Which, kind: &str) -> PathBuf {
        let _ = (pkg, which, kind);
        unimplemented!()
    }
    /// Whether it exists (`pkg_infodb_has_file`).
    pub fn infodb_has_file(&self, pkg: PkgId, which: Which, kind: &str) -> Result<bool> {
        let _ = (pkg, which, kind);
        unimplemented!()
    }
    /// All control files of a package, in directory order (`pkg_infodb_foreach`).
    pub fn infodb_files(&self, pkg: PkgId, which: Which) -> Result<Vec<InfoFile>> {
        let _ = (pkg, which);
        unimplemented!()
    }
}
