//! Whether we are root in a user namespace alone: what is said of owners, devices and overlayfs's notes is another thing there.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The user's store that this process has entered.
static STORE: OnceLock<PathBuf> = OnceLock::new();

/// Remember that a user's own store was entered.
pub fn entered(store: &Path) {
    // A process enters one.
    let _ = STORE.set(store.to_path_buf());
}

/// The user's store that this process has entered, as it is called outside.
pub fn store() -> Option<&'static Path> {
    STORE.get().map(PathBuf::as_path)
}

/// Whether users' numbers are not what they are outside.
pub fn is_mapped() -> bool {
    if store().is_some() {
        return true;
    }
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let all = map.split_whitespace().eq(["0", "0", "4294967295"]);
    rustix::process::geteuid().is_root() && !all && !map.is_empty()
}
