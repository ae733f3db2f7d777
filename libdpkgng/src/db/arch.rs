//! `arch` and `arch-native` (arch.c).
//!
//! SKELETON: owner fills in.

use super::Dirs;
use crate::arch::ArchTable;
use crate::error::Result;

/// `dpkg_arch_load_list()`: the built-in table, `arch-native` (below an instdir only), and `arch`.
pub fn load(dirs: &Dirs) -> Result<ArchTable> {
    let _ = dirs;
    unimplemented!()
}

/// `dpkg_arch_save_list()`, when the set of foreign architectures changed.
pub fn save(dirs: &Dirs, arches: &mut ArchTable) -> Result<()> {
    let _ = (dirs, arches);
    unimplemented!()
}
