//! Looking at files.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::{GenerationError, read_error};

/// Whether an error says that nothing is at a path, or on the way to it: ENOENT, ENOTDIR. No other does.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    kinds.contains(&error.kind())
}

/// What a look at a path gave; none, if nothing is there.
pub(crate) fn unless_absent<T>(seen: io::Result<T>) -> io::Result<Option<T>> {
    match seen {
        Err(e) if is_absent(&e) => Ok(None),
        seen => seen.map(Some),
    }
}

/// What is at a path, a link as itself; none, if nothing is.
pub(crate) fn what_is_at(path: &Path) -> io::Result<Option<Metadata>> {
    unless_absent(fs::symlink_metadata(path))
}

/// Whether anything is at a path, a link as itself.
pub(crate) fn is_there(path: &Path) -> io::Result<bool> {
    Ok(what_is_at(path)?.is_some())
}

/// Whether a directory is at a path, or what a link there leads to.
pub(crate) fn is_dir(path: &Path) -> io::Result<bool> {
    Ok(unless_absent(fs::metadata(path))?.is_some_and(|is| is.is_dir()))
}

/// Whether this is overlayfs's word for "nothing is here".
pub(crate) fn is_whiteout(is: &Metadata) -> bool {
    is.file_type().is_char_device() && is.rdev() == 0
}

/// Names in a directory, sorted, so that what is made of them is always made in the same order.
pub(crate) fn entries(dir: &Path) -> Result<Vec<std::ffi::OsString>, GenerationError> {
    let read =
        || -> io::Result<Vec<_>> { fs::read_dir(dir)?.map(|e| Ok(e?.file_name())).collect() };
    let mut names = read().map_err(read_error(dir))?;
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
        left.len() == right.len() && same_bytes(File::open(a)?, File::open(b)?)?
    } else if kind.is_char_device() || kind.is_block_device() {
        left.rdev() == right.rdev()
    } else {
        kind.is_fifo()
    };
    Ok(content && attributes(a)? == attributes(b)?)
}

/// Whether what is left of two files is the same, byte for byte.
pub(crate) fn same_bytes(mut a: impl Read, mut b: impl Read) -> io::Result<bool> {
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

/// The attribute that capabilities of a file are in: capabilities(7).
pub(crate) const CAPABILITY: &str = "security.capability";

/// Extended attributes with their values.
pub(crate) type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// Extended attributes; none where the file system has none.
pub(crate) fn attributes(path: &Path) -> io::Result<Attributes> {
    read_attributes(
        |names| rustix::fs::llistxattr(path, names),
        |name, value| rustix::fs::lgetxattr(path, name, value),
    )
}

/// Those of an open file.
pub(crate) fn attributes_of(file: &File) -> io::Result<Attributes> {
    read_attributes(
        |names| rustix::fs::flistxattr(file, names),
        |name, value| rustix::fs::fgetxattr(file, name, value),
    )
}

fn read_attributes(
    list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
    get: impl Fn(&[u8], &mut [u8]) -> rustix::io::Result<usize>,
) -> io::Result<Attributes> {
    let mut names = vec![0; 1 << 16];
    let count = match list(&mut names[..]) {
        Err(e) if e == rustix::io::Errno::OPNOTSUPP => return Ok(BTreeMap::new()),
        count => count?,
    };
    let names = names.get(..count).unwrap_or_default();
    let mut attributes = BTreeMap::new();
    for name in names.split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let mut value = vec![0; 1 << 16];
        let count = get(name, &mut value[..])?;
        value.truncate(count);
        attributes.insert(name.to_vec(), value);
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        let at = |path: &str| dir.path().join(path);
        assert!(is_there(&file).unwrap() && is_there(&at("link")).unwrap());
        assert!(!is_there(&at("none")).unwrap() && !is_there(&at("file/in")).unwrap());
        assert!(is_dir(dir.path()).unwrap() && !is_dir(&file).unwrap());
        assert!(!is_dir(&at("link")).unwrap() && !is_dir(&at("none")).unwrap());
        let long = at(&"x".repeat(300));
        assert!(is_there(&long).is_err() && is_dir(&long).is_err());
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        assert!(is_there(&at("loop")).unwrap() && is_dir(&at("loop")).is_err());
    }
}
