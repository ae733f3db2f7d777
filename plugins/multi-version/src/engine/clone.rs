//! A tree once more: directories, devices, and files with set-id or sticky bits of their own, with owner, mode, times and
//! attributes; all else by hard links. Set-id bits come and go with a generation, and dpkg takes all permissions from what it
//! removes of these, so each is of one inode alone, which only names in the same tree share.
//!
//! Reached by descriptors, directory by directory, on as many threads as there are cores: a view of 60,000 paths is
//! cloned before each command.

use std::collections::{HashMap, VecDeque};
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, XattrFlags,
};

use crate::generation::CAPABILITY;
use crate::manifest::SetId;

/// Threads at most; more would only wait for the same journal.
const THREADS: usize = 4;
/// The largest attribute that a directory's is taken to have, and the longest list of their names, in bytes (the kernel's own
/// bounds).
const LONGEST_ATTRIBUTE: usize = 65536;

/// Directories that wait, relative to both trees, and how many are being done.
struct Queue {
    waiting: VecDeque<PathBuf>,
    busy: usize,
    failed: Option<(PathBuf, io::Error)>,
}

/// What was copied and has several names: a path in the new tree, by device and inode.
type Copies = Mutex<HashMap<(u64, u64), PathBuf>>;

/// What is told of paths, relative to the tree.
type Told<'t, T> = &'t (dyn Fn(&Path) -> T + Sync);

/// Clone what is in directory `from` into the new directory `to`. `skip` tells what to leave out, and `set_id` what is to
/// be set-id, or to have capabilities, although it is not so at the moment.
///
/// # Errors
/// The path that could not be read or made, with why.
pub(super) fn clone_tree(
    from: &Path,
    to: &Path,
    skip: Told<'_, bool>,
    set_id: Told<'_, Option<SetId>>,
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
    let copies = Copies::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(THREADS) {
            scope.spawn(|| work(&roots, &queue, &changed, &copies, skip, set_id));
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
    copies: &Copies,
    skip: Told<'_, bool>,
    set_id: Told<'_, Option<SetId>>,
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
        let done = one(roots, &dir, copies, skip, set_id);
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
    (from, top): &(OwnedFd, OwnedFd),
    dir: &Path,
    copies: &Copies,
    skip: Told<'_, bool>,
    set_id: Told<'_, Option<SetId>>,
) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |e: rustix::io::Errno| (dir.to_owned(), io::Error::from(e));
    let here: &Path = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let open = |root: &OwnedFd| rustix::fs::openat(root, here, directory(), Mode::empty());
    let (from, to) = (open(from).map_err(failed)?, open(top).map_err(failed)?);
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
        let kind = entry.file_type();
        if kind == FileType::Directory {
            rustix::fs::mkdirat(&to, name, Mode::from_raw_mode(0o700)).map_err(failed)?;
            below.push(path);
            continue;
        }
        if kind == FileType::Symlink {
            rustix::fs::linkat(&from, name, &to, name, AtFlags::empty()).map_err(failed)?;
            continue;
        }
        let is = rustix::fs::statat(&from, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        let kind = FileType::from_raw_mode(is.st_mode);
        let given = set_id(&path);
        let mode = given.as_ref().map_or(is.st_mode & 0o7777, |s| s.mode);
        let capability = given.and_then(|s| s.capability);
        let is_own = match kind {
            FileType::RegularFile => mode & 0o7000 != 0 || capability.is_some(),
            // What says that nothing is there is dpkg's never.
            FileType::CharacterDevice => is.st_rdev != 0,
            FileType::BlockDevice => true,
            FileType::Directory => {
                rustix::fs::mkdirat(&to, name, Mode::from_raw_mode(0o700)).map_err(failed)?;
                below.push(path);
                continue;
            }
            _ => false,
        };
        if !is_own {
            rustix::fs::linkat(&from, name, &to, name, AtFlags::empty()).map_err(failed)?;
            continue;
        }
        let mut copies = match is.st_nlink > 1 {
            true => Some(copies.lock().unwrap_or_else(PoisonError::into_inner)),
            false => None,
        };
        let id = (is.st_dev, is.st_ino);
        if let Some(there) = copies.as_ref().and_then(|copies| copies.get(&id)) {
            rustix::fs::linkat(top, there, &to, name, AtFlags::empty()).map_err(failed)?;
            continue;
        }
        let copied = match kind {
            FileType::RegularFile => copy(&from, &to, name, mode, capability.as_deref()),
            _ => copy_device(&to, name, &is).map_err(io::Error::from),
        };
        copied.map_err(|e| (path.clone(), e))?;
        if let Some(copies) = &mut copies {
            copies.insert(id, path);
        }
    }
    let mode = rustix::fs::fstat(&from).map_err(failed)?.st_mode;
    imitate(&from, &to, mode).map_err(failed)?;
    Ok(below)
}

/// A file of its own, with this mode and capability; without one, with what the other has.
fn copy(
    from: &OwnedFd,
    to: &OwnedFd,
    name: &CStr,
    mode: u32,
    capability: Option<&[u8]>,
) -> io::Result<()> {
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let from = rustix::fs::openat(from, name, OFlags::RDONLY | flags, Mode::empty())?;
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | flags;
    let to = rustix::fs::openat(to, name, new, Mode::from_raw_mode(0o600))?;
    let (mut from, mut to) = (File::from(from), File::from(to));
    io::copy(&mut from, &mut to)?;
    imitate(&from, &to, mode)?;
    if let Some(value) = capability {
        rustix::fs::fsetxattr(&to, CAPABILITY, value, XattrFlags::empty())?;
    }
    Ok(())
}

/// A device file like another, whose attributes are none of dpkg's.
fn copy_device(to: &OwnedFd, name: &CStr, like: &Stat) -> rustix::io::Result<()> {
    let (kind, mode) = (
        FileType::from_raw_mode(like.st_mode),
        Mode::from_raw_mode(like.st_mode & 0o7777),
    );
    rustix::fs::mknodat(to, name, kind, Mode::from_raw_mode(0o600), like.st_rdev)?;
    let (uid, gid) = (
        rustix::fs::Uid::from_raw(like.st_uid),
        rustix::fs::Gid::from_raw(like.st_gid),
    );
    rustix::fs::chownat(to, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    rustix::fs::chmodat(to, name, mode, AtFlags::empty())?;
    rustix::fs::utimensat(to, name, &times(like), AtFlags::SYMLINK_NOFOLLOW)
}

fn times(like: &Stat) -> Timestamps {
    let time = |seconds, nanoseconds: u64| Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds as _,
    };
    Timestamps {
        last_access: time(like.st_atime, like.st_atime_nsec as u64),
        last_modification: time(like.st_mtime, like.st_mtime_nsec as u64),
    }
}

/// Give a file or directory this mode, and the owner, attributes and times of another.
fn imitate(from: impl AsFd, to: impl AsFd, mode: u32) -> rustix::io::Result<()> {
    let (from, to) = (from.as_fd(), to.as_fd());
    let like = rustix::fs::fstat(from)?;
    let own = rustix::fs::fstat(to)?;
    if (own.st_uid, own.st_gid) != (like.st_uid, like.st_gid) {
        let (uid, gid) = (
            rustix::fs::Uid::from_raw(like.st_uid),
            rustix::fs::Gid::from_raw(like.st_gid),
        );
        rustix::fs::fchown(to, Some(uid), Some(gid))?;
    }
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
    rustix::fs::fchmod(to, Mode::from_raw_mode(mode & 0o7777))?;
    rustix::fs::futimens(to, &times(&like))
}

fn attributes(of: impl AsFd) -> rustix::io::Result<Vec<CString>> {
    let mut list = vec![0; LONGEST_ATTRIBUTE];
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
        let chmod = |path: &str, mode| {
            fs::set_permissions(from.join(path), fs::Permissions::from_mode(mode)).unwrap()
        };
        fs::write(from.join("usr/bin/su"), "su").unwrap();
        chmod("usr/bin/su", 0o4755);
        fs::write(from.join("usr/bin/was"), "was").unwrap();
        chmod("usr/bin/was", 0o755);
        fs::hard_link(from.join("usr/bin/su"), from.join("usr/7/su")).unwrap();
        fs::write(from.join("usr/bin/sticky"), "s").unwrap();
        chmod("usr/bin/sticky", 0o1644);
        let set_id = |p: &Path| {
            (p == Path::new("usr/bin/was")).then(|| SetId {
                path: p.into(),
                mode: 0o2711,
                uid: 0,
                gid: 0,
                capability: None,
            })
        };
        clone_tree(&from, &to, &|p| p == Path::new("lock/own"), &set_id).unwrap();
        let stat = |p: &Path| fs::symlink_metadata(p).unwrap();
        for path in ["usr/bin/a", "usr/bin/b", "usr/7/file", "usr/49/file"] {
            assert_eq!(
                stat(&from.join(path)).ino(),
                stat(&to.join(path)).ino(),
                "{path}"
            );
        }
        for (path, mode) in [
            ("usr/bin/su", 0o4755),
            ("usr/bin/was", 0o2711),
            ("usr/bin/sticky", 0o1644),
        ] {
            let (old, new) = (stat(&from.join(path)), stat(&to.join(path)));
            assert_ne!(old.ino(), new.ino(), "{path}");
            assert_eq!(
                (new.mode() & 0o7777, new.len(), new.mtime()),
                (mode, old.len(), old.mtime()),
                "{path}"
            );
        }
        let (one, other) = (stat(&to.join("usr/bin/su")), stat(&to.join("usr/7/su")));
        assert_eq!((one.ino(), one.nlink()), (other.ino(), 2));
        let (old, new) = (stat(&from.join("usr/bin")), stat(&to.join("usr/bin")));
        assert_ne!(old.ino(), new.ino());
        assert_eq!(
            (old.mode(), old.mtime(), old.mtime_nsec()),
            (new.mode(), new.mtime(), new.mtime_nsec())
        );
        assert!(to.join("usr/bin/deep").is_dir() && !to.join("lock/own").exists());
        let (path, _) = clone_tree(&from, &to, &|_| false, &|_| None).unwrap_err();
        assert_eq!(path, to);
    }

    #[test]
    fn a_directory_keeps_owner_times_and_attributes() {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        let inner = from.join("usr/inner");
        fs::create_dir_all(&inner).unwrap();
        let file = fs::File::open(&inner).unwrap();
        let mut names = vec![("user.one".to_owned(), b"1".to_vec())];
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&inner, Some(1234), Some(567)).unwrap();
            names.push(("trusted.overlay.opaque".into(), b"y".to_vec()));
        }
        // More than a page of names.
        names.extend((0..25).map(|n| (format!("user.{n}{}", "x".repeat(200)), Vec::new())));
        let mut given = 0;
        for (name, value) in &names {
            match rustix::fs::fsetxattr(&file, name, value, XattrFlags::empty()) {
                Ok(()) => given += 1,
                Err(rustix::io::Errno::NOTSUP | rustix::io::Errno::NOSPC) => {}
                Err(e) => panic!("{name}: {e}"),
            }
        }
        let set = |seconds| Timespec {
            tv_sec: seconds,
            tv_nsec: 7,
        };
        let times = Timestamps {
            last_access: set(1_000_000_000),
            last_modification: set(1_100_000_000),
        };
        rustix::fs::futimens(&file, &times).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o2770)).unwrap();

        clone_tree(&from, &to, &|_| false, &|_| None).unwrap();
        let copy = to.join("usr/inner");
        let facts = |path: &Path| {
            let is = fs::metadata(path).unwrap();
            (is.uid(), is.gid(), is.mode(), is.mtime(), is.mtime_nsec())
        };
        assert_eq!(facts(&copy), facts(&inner));
        assert_eq!(facts(&copy).3, 1_100_000_000);
        let all = |path: &Path| crate::generation::attributes(path).unwrap();
        assert!(all(&copy) == all(&inner) && all(&inner).len() >= given);
    }

    #[test]
    fn what_is_neither_directory_nor_device_is_linked_and_what_is_skipped_is_not_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir_all(from.join("skipped/deep")).unwrap();
        fs::write(from.join("skipped/deep/file"), "").unwrap();
        let odd = OsStr::from_bytes(b"new\nline \xff");
        fs::create_dir(from.join(odd)).unwrap();
        fs::write(from.join(odd).join(odd), "").unwrap();
        symlink("/nowhere", from.join("dangling")).unwrap();
        symlink("skipped", from.join("to-dir")).unwrap();
        let fifo = from.join("fifo");
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        let mut names = vec!["dangling", "to-dir", "fifo"];
        let whiteout = from.join("whiteout");
        let made = rustix::fs::mknodat(CWD, &whiteout, FileType::CharacterDevice, Mode::empty(), 0);
        if made.is_ok() {
            names.push("whiteout");
        }
        let device = from.join("device");
        let kind = FileType::CharacterDevice;
        let mode = Mode::from_raw_mode(0o640);
        let made = rustix::fs::mknodat(CWD, &device, kind, mode, rustix::fs::makedev(1, 3));
        clone_tree(&from, &to, &|p| p == Path::new("skipped"), &|_| None).unwrap();
        if made.is_ok() {
            let facts = |path: &Path| {
                let is = fs::symlink_metadata(path).unwrap();
                (
                    is.mode(),
                    is.rdev(),
                    is.mtime(),
                    is.mtime_nsec(),
                    is.nlink(),
                )
            };
            assert_eq!(facts(&device), facts(&to.join("device")));
        }
        let inode = |path: PathBuf| fs::symlink_metadata(path).unwrap().ino();
        for name in names {
            assert_eq!(inode(from.join(name)), inode(to.join(name)), "{name}");
        }
        let file = |root: &Path| inode(root.join(odd).join(odd));
        assert_eq!(file(&from), file(&to));
        assert!(!to.join("skipped").exists());
        assert_eq!(
            fs::read_dir(&to).unwrap().count(),
            fs::read_dir(&from).unwrap().count() - 1
        );
    }
}
