//! Without root: whether users' numbers are others than outside, and which store stands on `/var/sys`. These are two things: root,
//! too, can have a store elsewhere.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The store that this process has entered.
static STORE: OnceLock<PathBuf> = OnceLock::new();
/// Whether this process has gone into a user namespace.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Remember that a store that is elsewhere stands on `/var/sys` for this process.
pub fn entered(store: &Path) {
    // A process enters one.
    let _ = STORE.set(store.to_path_buf());
}

/// The store that this process has entered, as it is called outside.
pub fn store() -> Option<&'static Path> {
    STORE.get().map(PathBuf::as_path)
}

/// Remember that this process has gone into a user namespace that has its user's number alone.
pub fn entered_user_namespace() {
    ENTERED.store(true, Ordering::Relaxed);
}

/// Whether users' numbers are not what they are outside: what is said of owners, devices and overlayfs's notes is another
/// thing there.
pub fn is_mapped() -> bool {
    static BEGAN: OnceLock<bool> = OnceLock::new();
    ENTERED.load(Ordering::Relaxed) || *BEGAN.get_or_init(is_root_of_a_namespace)
}

/// Whether this process began as the root of a user namespace that does not have all numbers as they are outside
/// (user_namespaces(7)).
fn is_root_of_a_namespace() -> bool {
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    // A kernel without user namespaces has no such file. What else there is can't be told: then nothing is taken for sure.
    match std::fs::read_to_string("/proc/self/uid_map") {
        Ok(map) => !map.split_whitespace().eq(["0", "0", "4294967295"]),
        Err(e) => e.kind() != std::io::ErrorKind::NotFound,
    }
}
