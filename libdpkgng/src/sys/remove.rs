//! Removing things so that nobody can still use them by another name (lib/dpkg/path-remove.c).

use std::io;
use std::os::unix::ffi::OsStrExt;

use super::place::{Spot, Stat};

/// What [`remove`] ended with, and by which call.
#[derive(Debug)]
pub enum Removed {
    /// `rmdir` decided: it was a directory, or there is nothing, or it failed.
    Rmdir(io::Result<()>),
    /// It was no directory, `unlink` decided.
    Unlink(io::Result<()>),
}

impl Removed {
    /// The error, if it failed.
    pub fn result(self) -> io::Result<()> {
        match self {
            Removed::Rmdir(r) | Removed::Unlink(r) => r,
        }
    }
}

/// Unlink what `stat` describes; a set-id or sticky file, a device and anything unknown first
/// loses its mode, because there may be other links to it (`secure_unlink_statted`).
pub fn secure_unlink_statted(spot: &Spot, stat: &Stat) -> io::Result<()> {
    let dangerous = match stat.kind() {
        libc::S_IFREG => stat.mode & 0o7000 != 0,
        libc::S_IFLNK | libc::S_IFDIR | libc::S_IFIFO | libc::S_IFSOCK => false,
        _ => true,
    };
    if dangerous {
        spot.chmod(0o600)?;
    }
    spot.unlink()
}

/// The same for what is there now (`secure_unlink`).
pub fn secure_unlink(spot: &Spot) -> io::Result<()> {
    secure_unlink_statted(spot, &spot.lstat()?)
}

/// Remove an empty directory or anything else (`secure_remove`).
pub fn remove(spot: &Spot) -> Removed {
    match spot.rmdir() {
        Err(e) if e.raw_os_error() == Some(libc::ENOTDIR) => Removed::Unlink(secure_unlink(spot)),
        result => Removed::Rmdir(result),
    }
}

/// Why [`remove_tree`] could not.
#[derive(Debug)]
pub enum TreeError {
    /// The thing itself could not be removed.
    Top(io::Error),
    /// Something below it could not: its path below the top, with a leading slash (empty for
    /// the top).
    Below(Vec<u8>, io::Error),
}

/// Remove something with all that is below it (`path_remove_tree`). That there is nothing is
/// fine. `deep` is called before the first descent, where stock starts `rm -rf`; like it, this
/// removes what it can and then says what it could not (the first of it).
pub fn remove_tree(spot: &Spot, deep: impl FnOnce()) -> Result<(), TreeError> {
    let mut error = match spot.rmdir() {
        Ok(()) => return Ok(()),
        Err(e) => e,
    };
    if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ELOOP)) {
        return Ok(());
    }
    if error.raw_os_error() == Some(libc::ENOTDIR) {
        match secure_unlink(spot) {
            Ok(()) => return Ok(()),
            Err(e) if e.raw_os_error() == Some(libc::ENOTDIR) => return Ok(()),
            Err(e) => error = e,
        }
    }
    // On a read-only file system even what does not exist cannot be removed.
    if error.raw_os_error() == Some(libc::EROFS)
        && spot
            .exists()
            .is_err_and(|e| e.raw_os_error() == Some(libc::ENOENT))
    {
        return Ok(());
    }
    if !matches!(error.raw_os_error(), Some(libc::ENOTEMPTY | libc::EEXIST)) {
        return Err(TreeError::Top(error));
    }
    deep();
    let mut first = None;
    descend(spot, &mut Vec::new(), 0, &mut first);
    match first {
        None => Ok(()),
        Some((path, e)) => Err(TreeError::Below(path, e)),
    }
}

/// Deeper than any path the kernel takes at once, and well within the stack.
const DEPTH: usize = 2_000;

type First = Option<(Vec<u8>, io::Error)>;

/// Remember the first failure; that something went away meanwhile is none.
fn note(first: &mut First, path: &[u8], e: io::Error) {
    if e.raw_os_error() != Some(libc::ENOENT) && first.is_none() {
        *first = Some((path.to_vec(), e));
    }
}

fn descend(spot: &Spot, path: &mut Vec<u8>, depth: usize, first: &mut First) {
    if depth > DEPTH {
        return note(
            first,
            path,
            io::Error::from_raw_os_error(libc::ENAMETOOLONG),
        );
    }
    match spot.entries() {
        Err(e) => note(first, path, e),
        Ok(entries) => {
            for (name, entry) in entries {
                let length = path.len();
                path.push(b'/');
                path.extend_from_slice(name.as_os_str().as_bytes());
                match entry.unlink() {
                    Ok(()) => {}
                    // Directories: Linux says EISDIR, POSIX EPERM.
                    Err(e) if matches!(e.raw_os_error(), Some(libc::EISDIR | libc::EPERM)) => {
                        match entry.lstat() {
                            Ok(st) if st.is_dir() => descend(&entry, path, depth + 1, first),
                            _ => note(first, path, e),
                        }
                    }
                    Err(e) => note(first, path, e),
                }
                path.truncate(length);
            }
        }
    }
    if let Err(e) = spot.rmdir() {
        note(first, path, e);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn trees_go_with_all_below_and_links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (top, other) = (dir.path().join("t"), dir.path().join("o"));
        fs::create_dir_all(top.join("a/b")).unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("keep"), "x").unwrap();
        fs::write(top.join("a/b/f"), "x").unwrap();
        symlink(&other, top.join("a/l")).unwrap();
        let spot = Spot::path(top.as_os_str().as_bytes());
        let mut deep = false;
        remove_tree(&spot, || deep = true).unwrap();
        assert!(deep && !top.exists() && other.join("keep").exists());
        remove_tree(&spot, || panic!("there is nothing")).unwrap();
        fs::write(&top, "x").unwrap();
        remove_tree(&spot, || panic!("a file needs no descent")).unwrap();
        assert!(!top.exists());
    }

    #[test]
    fn set_id_files_lose_their_mode_first() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "x").unwrap();
        fs::hard_link(&a, &b).unwrap();
        fs::set_permissions(&a, fs::Permissions::from_mode(0o4755)).unwrap();
        secure_unlink(&Spot::path(a.as_os_str().as_bytes())).unwrap();
        assert_eq!(fs::metadata(&b).unwrap().mode() & 0o7777, 0o600);
        fs::set_permissions(&b, fs::Permissions::from_mode(0o755)).unwrap();
        fs::hard_link(&b, &a).unwrap();
        secure_unlink(&Spot::path(a.as_os_str().as_bytes())).unwrap();
        assert_eq!(fs::metadata(&b).unwrap().mode() & 0o7777, 0o755);
    }

    #[test]
    fn remove_tells_which_call_decided() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let spot = Spot::path(path.as_os_str().as_bytes());
        assert!(matches!(remove(&spot), Removed::Rmdir(Err(_))));
        fs::write(&path, "").unwrap();
        assert!(matches!(remove(&spot), Removed::Unlink(Ok(()))));
        fs::create_dir(&path).unwrap();
        assert!(matches!(remove(&spot), Removed::Rmdir(Ok(()))));
    }
}
