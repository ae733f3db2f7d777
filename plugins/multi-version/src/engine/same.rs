//! Whether a tree is as the one that it was cloned from.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::generation::{same_bytes, unless_absent};

/// Whether it counts when a file was last changed. When a directory was, never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// It does.
    OfFiles,
    /// It does not.
    Aside,
}

/// A path that could not be read, and why.
pub(super) type Failed = (PathBuf, io::Error);

/// Whether a path of an admindir is a copy of what was there before.
pub(super) fn is_backup(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(b"-old")
}

/// Whether two files have the same content, or neither is there.
pub(super) fn same_content(a: &Path, b: &Path) -> Result<bool, Failed> {
    let open = |path: &Path| unless_absent(fs::File::open(path)).map_err(|e| (path.to_owned(), e));
    match (open(a)?, open(b)?) {
        (Some(left), Some(right)) => same_bytes(left, right).map_err(|e| (a.to_owned(), e)),
        (left, right) => Ok(left.is_none() && right.is_none()),
    }
}

/// Whether two directories have the same in them: kinds, modes, owners, targets, contents. Of what is hard-linked nothing is read.
/// `aside` tells what does not count, by its path below them.
pub(super) fn same_tree(
    now: &Path,
    then: &Path,
    times: Times,
    aside: &dyn Fn(&Path) -> bool,
) -> Result<bool, Failed> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(dir) = waiting.pop() {
        let names = [now, then].map(|root| names(&root.join(&dir), &dir, aside));
        let [here, there] = names;
        let (here, there) = (here?, there?);
        if here != there {
            return Ok(false);
        }
        for name in here {
            let path = dir.join(name);
            let (a, b) = (now.join(&path), then.join(&path));
            let (is, was) = (look(&a)?, look(&b)?);
            if !same(&a, &is, &b, &was, times)? {
                return Ok(false);
            }
            if is.is_dir() {
                waiting.push(path);
            }
        }
    }
    Ok(true)
}

fn names(
    at: &Path,
    dir: &Path,
    aside: &dyn Fn(&Path) -> bool,
) -> Result<BTreeSet<OsString>, Failed> {
    let failed = |e| (at.to_owned(), e);
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(at).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !aside(&dir.join(&name)) {
            names.insert(name);
        }
    }
    Ok(names)
}

fn look(path: &Path) -> Result<Metadata, Failed> {
    fs::symlink_metadata(path).map_err(|e| (path.to_owned(), e))
}

fn same(
    now: &Path,
    is: &Metadata,
    then: &Path,
    was: &Metadata,
    times: Times,
) -> Result<bool, Failed> {
    if (is.dev(), is.ino()) == (was.dev(), was.ino()) {
        return Ok(true);
    }
    let facts = |m: &Metadata| (m.mode(), m.uid(), m.gid());
    if facts(is) != facts(was) {
        return Ok(false);
    }
    if is.is_dir() {
        return Ok(true);
    }
    if times == Times::OfFiles && (is.mtime(), is.mtime_nsec()) != (was.mtime(), was.mtime_nsec()) {
        return Ok(false);
    }
    let kind = is.file_type();
    if kind.is_symlink() {
        let target = |path: &Path| fs::read_link(path).map_err(|e| (path.to_owned(), e));
        return Ok(target(now)? == target(then)?);
    }
    if kind.is_char_device() || kind.is_block_device() {
        return Ok(is.rdev() == was.rdev());
    }
    Ok(!kind.is_file() || is.len() == was.len() && same_content(now, then)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_difference_is_enough() {
        type Change = fn(&Path);
        let changes: [Change; 8] = [
            |at| fs::write(at.join("new"), "").unwrap(),
            |at| fs::remove_file(at.join("dir/file")).unwrap(),
            |at| fs::write(at.join("dir/file"), "Text").unwrap(),
            |at| fs::set_permissions(at.join("dir"), fs::Permissions::from_mode(0o700)).unwrap(),
            |at| {
                fs::set_permissions(at.join("dir/file"), fs::Permissions::from_mode(0o600)).unwrap()
            },
            |at| {
                fs::remove_file(at.join("link")).unwrap();
                std::os::unix::fs::symlink("dir", at.join("link")).unwrap();
            },
            |at| {
                fs::remove_file(at.join("dir/file")).unwrap();
                fs::create_dir(at.join("dir/file")).unwrap();
            },
            |at| {
                let file = fs::File::options().write(true).open(at.join("dir/file"));
                file.unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
            },
        ];
        let make = |at: &Path| {
            fs::create_dir_all(at.join("dir")).unwrap();
            fs::write(at.join("dir/file"), "text").unwrap();
            std::os::unix::fs::symlink("dir/file", at.join("link")).unwrap();
            for path in ["dir/file", "link"] {
                let when = rustix::fs::Timespec {
                    tv_sec: 1_000_000_000,
                    tv_nsec: 0,
                };
                let times = rustix::fs::Timestamps {
                    last_access: when,
                    last_modification: when,
                };
                let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                rustix::fs::utimensat(rustix::fs::CWD, at.join(path), &times, flags).unwrap();
            }
        };
        let nothing = |_: &Path| false;
        for (number, change) in changes.iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let (now, then) = (dir.path().join("now"), dir.path().join("then"));
            make(&now);
            make(&then);
            let same = |times| same_tree(&now, &then, times, &nothing).unwrap();
            assert!(same(Times::OfFiles), "{number}");
            change(&now);
            assert!(!same(Times::OfFiles), "{number}");
            // The last one changes a time alone, and that of a link is changed with it.
            assert_eq!(same(Times::Aside), number == 7, "{number}");
        }
    }

    #[test]
    fn what_is_aside_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let (now, then) = (dir.path().join("now"), dir.path().join("then"));
        for at in [&now, &then] {
            fs::create_dir(at).unwrap();
        }
        fs::write(now.join("status-old"), "").unwrap();
        assert!(same_tree(&now, &then, Times::OfFiles, &is_backup).unwrap());
        assert!(!same_tree(&now, &then, Times::OfFiles, &|_| false).unwrap());
        let same = |name: &str| same_content(&now.join(name), &then.join(name)).unwrap();
        assert!(same("a") && !same("status-old"));
    }
}
