//! A root of rewritten files, in which ld.so loads them.
use std::path::{Path, PathBuf};
/// Later.
pub fn run(_: &Path, _: &[PathBuf]) -> bool {
    false
}
