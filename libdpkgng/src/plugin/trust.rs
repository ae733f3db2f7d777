//! Whose file may become code of this process: one that nobody but root and we could have
//! changed, by itself or by a directory on the way to it.
//!
//! In a user namespace (user_namespaces(7)) that root is not in, what is root's is shown as what is anybody else's: as the overflow
//! user's. Who is there acts as the user who made it, and can be trusted to have named no file of an attacker's; but in a
//! directory that others write to, sticky or not, it may be one.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Refused;

/// Why a file or directory is not to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Owned by somebody else, this user.
    Owner(u32),
    /// Everybody may write to it.
    WorldWritable,
    /// A group that is neither root's nor ours may write to it.
    GroupWritable(u32),
    /// It is no regular file.
    NotAFile,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Owner(uid) => write!(f, "is owned by user {uid}"),
            Flaw::WorldWritable => f.write_str("is writable by everybody"),
            Flaw::GroupWritable(gid) => write!(f, "is writable by group {gid}"),
            Flaw::NotAFile => f.write_str("is no regular file"),
        }
    }
}

/// The file's canonical path, if the file and every directory on that path can be trusted.
///
/// # Errors
/// It is not there, or which part of its path is not to be trusted.
pub fn check(path: &Path) -> Result<PathBuf, Refused> {
    let missing = |_| Refused::Missing(path.to_owned());
    let real = path.canonicalize().map_err(missing)?;
    let meta = real.metadata().map_err(missing)?;
    if !meta.is_file() {
        return Err(Refused::Untrusted(real, Flaw::NotAFile));
    }
    let nobody = overflow_user();
    let mut is_nobodys = false;
    for part in real.ancestors() {
        let meta = part.symlink_metadata().map_err(missing)?;
        let we = (
            nix::unistd::geteuid().as_raw(),
            nix::unistd::getegid().as_raw(),
        );
        let sticky = meta.is_dir() && meta.mode() & libc::S_ISVTX != 0 && !is_nobodys;
        is_nobodys = Some(meta.uid()) == nobody;
        let owner = if is_nobodys { 0 } else { meta.uid() };
        if let Some(flaw) = flaw((owner, meta.gid()), meta.mode(), sticky, we) {
            return Err(Refused::Untrusted(part.to_owned(), flaw));
        }
    }
    Ok(real)
}

/// Whose what is root's is shown to be, where root has no number.
fn overflow_user() -> Option<u32> {
    let map = std::fs::read_to_string("/proc/self/uid_map").ok()?;
    let has_root = map.lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        words.nth(1) == Some("0")
    });
    if has_root {
        return None;
    }
    let text = std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?;
    text.trim().parse().ok()
}

/// What is wrong with an owner and a mode, for us being `we`. In a sticky directory nobody
/// can replace what is not his.
fn flaw((uid, gid): (u32, u32), mode: u32, sticky: bool, we: (u32, u32)) -> Option<Flaw> {
    if uid != 0 && uid != we.0 {
        return Some(Flaw::Owner(uid));
    }
    if sticky {
        return None;
    }
    if mode & 0o002 != 0 {
        return Some(Flaw::WorldWritable);
    }
    if mode & 0o020 != 0 && gid != 0 && gid != we.1 {
        return Some(Flaw::GroupWritable(gid));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_we_ourselves_are_trusted() {
        let root = (0, 0);
        let me = (1000, 1000);
        for (owner, mode, sticky, we, expected) in [
            (root, 0o755, false, root, None),
            (root, 0o755, false, me, None),
            (me, 0o755, false, me, None),
            (me, 0o755, false, root, Some(Flaw::Owner(1000))),
            ((33, 0), 0o755, false, me, Some(Flaw::Owner(33))),
            (root, 0o777, false, root, Some(Flaw::WorldWritable)),
            (root, 0o1777, true, root, None),
            ((33, 0), 0o1777, true, root, Some(Flaw::Owner(33))),
            (root, 0o775, false, root, None),
            (me, 0o775, false, me, None),
            ((0, 50), 0o775, false, root, Some(Flaw::GroupWritable(50))),
            ((0, 50), 0o755, false, root, None),
        ] {
            let found = flaw(owner, mode, sticky, we);
            assert_eq!(found, expected, "{owner:?} {mode:o} for {we:?}");
        }
    }
}
