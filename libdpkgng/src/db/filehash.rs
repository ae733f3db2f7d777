//! `info/*.md5sums`: what the files of a package should contain (db-fsys-digest.c).
//!
//! SKELETON: owner fills in.

use super::Database;
use crate::error::Result;
use crate::fsys::{NodeFlags, NodeId};
use crate::pkg::{PkgId, Which};

impl Database {
    /// Read the md5sums file into the nodes' `newhash` (`parse_filehash`).
    pub fn parse_filehash(&mut self, pkg: PkgId, which: Which) -> Result<()> {
        let _ = (pkg, which);
        unimplemented!()
    }
    /// Write one from the nodes' `newhash` (`write_filehash_except`).
    pub fn write_filehash_except(
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
