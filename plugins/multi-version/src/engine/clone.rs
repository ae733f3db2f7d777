//! A tree once more: directories of their own, with owner, mode, times and attributes; all else by hard links.
//!
//! Reached by descriptors, directory by directory, on as many threads as there are cores: a view of 60,000 paths is
//! cloned before each command.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};

/// Threads at most; more would only wait for the same journal.
const THREADS: usize = 4;
/// The largest attribute that a directory's is taken to have, in bytes (the kernel's own bound).
const LONGEST_ATTRIBUTE: usize = 65536;

/// Directories that wait, relative to both trees, and how many are being done.
struct Queue {
    waiting: VecDeque<PathBuf>,
    busy: usize,
    failed: Option<(PathBuf, io::Error)>,
}

/// Clone what is in directory `from` into the new directory `to`. `skip` tells names (relative to `from`) to leave out.
///
/// # Errors
/// The path that could not be read or made, with why.
pub(super) fn clone_tree(
    from: &Path,
    to: &Path,
    skip: &(dyn Fn(&Path) -> bool + Sync),
) -> Result<(), (PathBuf, io::Error)> {
    let open = |path: &Path| {
        rustix::fs::openat(CWD, path, directory(), Mode::empty())
            .map_err(|e| (path.to_owned(), e.into()))
    };
    rustix::fs::mkdir(to, Mode::from_raw_mode(0o700)).map_err(|e| (to.to_owned(), e.into()))?;
    let roots = (open(from)?, open(to)?);
    let queue = Mutex::new(Queue {
        waiting: VecDeque::from([PathBuf::new()]),
        busy: 0,
        failed: None,
    });
    let changed = Condvar::new();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(THREADS) {
            scope.spawn(|| work(&roots, &queue, &changed, skip));
        }
    });
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    match queue.failed {
        Some((path, e)) => Err((from.join(path), e)),
        None => Ok(()),
    }
}

fn directory() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn work(
    roots: &(OwnedFd, OwnedFd),
    queue: &Mutex<Queue>,
    changed: &Condvar,
    skip: &(dyn Fn(&Path) -> bool + Sync),
) {
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut state = lock();
        let dir = loop {
            if state.failed.is_some() {
                return;
            }
            if let Some(dir) = state.waiting.pop_front() {
                state.busy += 1;
                break dir;
            }
            if state.busy == 0 {
                return;
            }
            state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        let done = one(roots, &dir, skip);
        let mut state = lock();
        state.busy -= 1;
        match done {
            Ok(below) => state.waiting.extend(below),
            Err((path, e)) => {
                state.failed.get_or_insert((path, e));
            }
        }
        changed.notify_all();
    }
}

/// One directory, which is there in both; gives those below it, made but empty.
fn one(
    (from, to): &(OwnedFd, OwnedFd),
    dir: &Path,
    skip: &dyn Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |e: rustix::io::Errno| (dir.to_owned(), io::Error::from(e));
    let here: &Path = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let open = |root: &OwnedFd| rustix::fs::openat(root, here, directory(), Mode::empty());
    let (from, to) = (open(from).map_err(failed)?, open(to).map_err(failed)?);
    let mut below = Vec::new();
    for entry in Dir::read_from(&from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let path = dir.join(OsStr::from_bytes(name.to_bytes()));
        let failed = |e: rustix::io::Errno| (path.clone(), io::Error::from(e));
        if skip(&path) {
            continue;
        }
        let is_dir = match entry.file_type() {
            FileType::Directory => true,
            FileType::Unknown => is_dir(&from, name).map_err(failed)?,
            _ => false,
        };
        if is_dir {
            rustix::fs::mkdirat(&to, name, Mode::from_raw_mode(0o700)).map_err(failed)?;
            below.push(path);
        } else {
            rustix::fs::linkat(&from, name, &to, name, AtFlags::empty()).map_err(failed)?;
        }
    }
    imitate(&from, &to).map_err(failed)?;
    Ok(below)
}

fn is_dir(dir: impl AsFd, name: &CStr) -> rustix::io::Result<bool> {
    let is = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(FileType::from_raw_mode(is.st_mode) == FileType::Directory)
}

/// Give a directory the owner, mode, attributes and times of another.
fn imitate(from: &OwnedFd, to: &OwnedFd) -> rustix::io::Result<()> {
    let like = rustix::fs::fstat(from)?;
    let own = rustix::fs::fstat(to)?;
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid) {
        let (uid, gid) = (
            rustix::fs::Uid::from_raw(like.st_uid),
            rustix::fs::Gid::from_raw(like.st_gid),
        );
        rustix::fs::fchown(to, Some(uid), Some(gid))?;
    }
    rustix::fs::fchmod(to, Mode::from_raw_mode(like.st_mode & 0o7777))?;
    for name in attributes(from)? {
        let mut value = vec![0; LONGEST_ATTRIBUTE];
        let len = rustix::fs::fgetxattr(from, &name, &mut value[..])?;
        rustix::fs::fsetxattr(
            to,
            &name,
            value.get(..len).unwrap_or_default(),
            XattrFlags::empty(),
        )?;
    }
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds as _,
    };
    let times = Timestamps {
        last_access: time(like.st_atime, like.st_atime_nsec as u64),
        last_modification: time(like.st_mtime, like.st_mtime_nsec as u64),
    };
    rustix::fs::futimens(to, &times)
}

fn attributes(of: &OwnedFd) -> rustix::io::Result<Vec<CString>> {
    let mut list = [0; 4096];
    let len = match rustix::fs::flistxattr(of, &mut list[..]) {
        Ok(len) => len,
        Err(rustix::io::Errno::NOTSUP) => 0,
        Err(e) => return Err(e),
    };
    let names = list.get(..len).unwrap_or_default().split(|b| *b == 0);
    let names = names.filter(|n| !n.is_empty());
    Ok(names.filter_map(|n| CString::new(n).ok()).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    #[test]
    fn files_are_shared_and_directories_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir_all(from.join("usr/bin/deep")).unwrap();
        fs::create_dir_all(from.join("lock")).unwrap();
        for n in 0..50 {
            fs::create_dir(from.join(format!("usr/{n}"))).unwrap();
            fs::write(from.join(format!("usr/{n}/file")), "x").unwrap();
        }
        fs::write(from.join("usr/bin/a"), "a").unwrap();
        fs::write(from.join("lock/own"), "").unwrap();
        symlink("a", from.join("usr/bin/b")).unwrap();
        fs::set_permissions(from.join("usr/bin"), fs::Permissions::from_mode(0o1751)).unwrap();
        clone_tree(&from, &to, &|p| p == Path::new("lock/own")).unwrap();
        let stat = |p: &Path| fs::symlink_metadata(p).unwrap();
        for path in ["usr/bin/a", "usr/bin/b", "usr/7/file", "usr/49/file"] {
            assert_eq!(
                stat(&from.join(path)).ino(),
                stat(&to.join(path)).ino(),
                "{path}"
            );
        }
        let (old, new) = (stat(&from.join("usr/bin")), stat(&to.join("usr/bin")));
        assert_ne!(old.ino(), new.ino());
        assert_eq!(
            (old.mode(), old.mtime(), old.mtime_nsec()),
            (new.mode(), new.mtime(), new.mtime_nsec())
        );
        assert!(to.join("usr/bin/deep").is_dir() && !to.join("lock/own").exists());
        let (path, _) = clone_tree(&from, &to, &|_| false).unwrap_err();
        assert_eq!(path, to);
    }
}
