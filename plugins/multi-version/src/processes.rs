//! The processes of a `/proc`.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A process: its number, and its directory. Most of what is in that can be gone at any time, as the process can.
pub(crate) type Process = (u32, PathBuf);

/// All processes there are, by number.
///
/// # Errors
/// `proc` can't be read.
pub(crate) fn all(proc: &Path) -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(proc)? {
        let name = entry?.file_name();
        if let Some(pid) = name.to_str().and_then(|n| n.parse().ok()) {
            found.push((pid, proc.join(&name)));
        }
    }
    found.sort();
    Ok(found)
}
