//! The tree of a generation: payloads laid over each other with hard links.
//!
//! A path of two payloads is fine when both have the same there: for files the same content, mode,
//! owner and attributes. A file that is to be set-user-id gets an inode of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{Disk, GenerationError};
use crate::manifest::SetId;

/// A tree being made.
pub(super) struct Tree<'d> {
    disk: &'d Disk,
    root: PathBuf,
    /// What payload a path came from first.
    origin: BTreeMap<PathBuf, PathBuf>,
}

impl<'d> Tree<'d> {
    pub(super) fn new(disk: &'d Disk, root: PathBuf) -> Tree<'d> {
        Tree {
            disk,
            root,
            origin: BTreeMap::new(),
        }
    }

    /// Lay a payload into the tree, `except` for some top-level names.
    pub(super) fn place(
        &mut self,
        payload: &Path,
        except: &[&str],
        setuid: &[SetId],
    ) -> Result<(), GenerationError> {
        let own: BTreeSet<&Path> = setuid.iter().map(|s| s.path.as_path()).collect();
        let mut dirs = vec![PathBuf::new()];
        while let Some(dir) = dirs.pop() {
            let from = payload.join(&dir);
            for entry in entries(&from)? {
                if dir.as_os_str().is_empty() && except.iter().any(|e| entry == **e) {
                    continue;
                }
                let path = dir.join(&entry);
                let is = stat(&payload.join(&path))?;
                if is.is_dir() {
                    self.directory(payload, &path, &is)?;
                    dirs.push(path);
                } else {
                    self.file(payload, path, &is, &own)?;
                }
            }
        }
        match own.iter().find(|p| !self.origin.contains_key(**p)) {
            Some(absent) => Err(GenerationError::NoSetuidFile(payload.join(absent))),
            None => Ok(()),
        }
    }

    fn directory(
        &mut self,
        payload: &Path,
        path: &Path,
        is: &Metadata,
    ) -> Result<(), GenerationError> {
        let to = self.root.join(path);
        if self.origin.contains_key(path) && !stat(&to)?.is_dir() {
            return Err(self.clash(payload, path));
        }
        // As with dpkg, the first package's owner and mode stay.
        if !self.origin.contains_key(path) {
            self.disk.make_dir(&to)?;
            self.disk.adopt(&to, is)?;
            self.origin.insert(path.into(), payload.into());
        }
        Ok(())
    }

    fn file(
        &mut self,
        payload: &Path,
        path: PathBuf,
        is: &Metadata,
        own: &BTreeSet<&Path>,
    ) -> Result<(), GenerationError> {
        let (from, to) = (payload.join(&path), self.root.join(&path));
        if is.mode() & 0o6000 != 0 && is.is_file() {
            return Err(GenerationError::SetuidInStore(from));
        }
        if let Some(first) = self.origin.get(&path) {
            let private = own.contains(path.as_path());
            let same = same_file(&first.join(&path), &from);
            return match same.map_err(|e| read_error(&from, e))? {
                true if !private => Ok(()),
                _ => Err(self.clash(payload, &path)),
            };
        }
        if own.contains(path.as_path()) {
            if !is.is_file() {
                return Err(GenerationError::NoSetuidFile(from));
            }
            self.disk.copy(&from, &to)?;
        } else {
            self.disk.link(&from, &to)?;
        }
        self.origin.insert(path, payload.into());
        Ok(())
    }

    fn clash(&self, payload: &Path, path: &Path) -> GenerationError {
        GenerationError::Clash {
            path: path.into(),
            first: self.origin.get(path).cloned().unwrap_or_default(),
            second: payload.into(),
        }
    }
}

fn read_error(path: &Path, source: io::Error) -> GenerationError {
    GenerationError::Read {
        path: path.into(),
        source,
    }
}

fn stat(path: &Path) -> Result<Metadata, GenerationError> {
    fs::symlink_metadata(path).map_err(|e| read_error(path, e))
}

/// Names in a directory, sorted, so that a tree is always made in the same order.
pub(crate) fn entries(dir: &Path) -> Result<Vec<std::ffi::OsString>, GenerationError> {
    let read =
        || -> io::Result<Vec<_>> { fs::read_dir(dir)?.map(|e| Ok(e?.file_name())).collect() };
    let mut names = read().map_err(|e| read_error(dir, e))?;
    names.sort();
    Ok(names)
}

/// Whether two files may be one: kind, content, mode, owner and extended attributes agree.
pub fn same_file(a: &Path, b: &Path) -> io::Result<bool> {
    let (left, right) = (fs::symlink_metadata(a)?, fs::symlink_metadata(b)?);
    if (left.dev(), left.ino()) == (right.dev(), right.ino()) {
        return Ok(true);
    }
    let facts = |m: &Metadata| (m.mode(), m.uid(), m.gid());
    if facts(&left) != facts(&right) {
        return Ok(false);
    }
    let kind = left.file_type();
    let content = if kind.is_symlink() {
        fs::read_link(a)? == fs::read_link(b)?
    } else if kind.is_file() {
        left.len() == right.len() && same_content(File::open(a)?, File::open(b)?)?
    } else if kind.is_char_device() || kind.is_block_device() {
        left.rdev() == right.rdev()
    } else {
        kind.is_fifo()
    };
    Ok(content && attributes(a)? == attributes(b)?)
}

fn same_content(mut a: File, mut b: File) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = a.read(&mut left)?;
        if count == 0 {
            return Ok(b.read(&mut right)? == 0);
        }
        let (Some(left), Some(right)) = (left.get(..count), right.get_mut(..count)) else {
            return Ok(false);
        };
        match b.read_exact(right) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            done => done?,
        }
        if left != right {
            return Ok(false);
        }
    }
}

/// Extended attributes with their values; none where the file system has none.
pub(crate) fn attributes(path: &Path) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut names = vec![0; 1 << 16];
    let count = match rustix::fs::llistxattr(path, &mut names[..]) {
        Err(e) if e == rustix::io::Errno::OPNOTSUPP => return Ok(BTreeMap::new()),
        count => count?,
    };
    let names = names.get(..count).unwrap_or_default();
    let mut attributes = BTreeMap::new();
    for name in names.split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let mut value = vec![0; 1 << 16];
        let count = rustix::fs::lgetxattr(path, name, &mut value[..])?;
        value.truncate(count);
        attributes.insert(name.to_vec(), value);
    }
    Ok(attributes)
}
