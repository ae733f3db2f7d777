//! An upper directory, as overlayfs leaves it: what is there, what hides what was there, and what it notes for itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::{Done, StateError};
pub(super) use crate::generation::is_whiteout;
use crate::generation::what_is_at;

/// Where overlayfs keeps its notes: root's, and those of a user namespace.
const PREFIXES: [&str; 2] = ["trusted.overlay.", "user.overlay."];
const OPAQUE: [&str; 2] = ["trusted.overlay.opaque", "user.overlay.opaque"];
const WHITEOUT: [&str; 2] = ["trusted.overlay.whiteout", "user.overlay.whiteout"];

/// What is at a path of an upper directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What was there is gone.
    Whiteout,
    /// A directory, and whether what was in it is gone.
    Dir { opaque: bool },
    /// Anything else.
    Other,
}

/// What is at a path; none, if nothing.
pub(super) fn look(path: &Path) -> Done<Option<(Kind, Metadata)>> {
    let is = match stat(path)? {
        None => return Ok(None),
        Some(is) => is,
    };
    let kind = if is.is_dir() {
        Kind::Dir {
            opaque: has(path, &OPAQUE)?,
        }
    } else if is_whiteout(&is) || is.is_file() && is.len() == 0 && has(path, &WHITEOUT)? {
        Kind::Whiteout
    } else {
        Kind::Other
    };
    Ok(Some((kind, is)))
}

/// A path's facts, no link followed; none, if nothing is there.
pub(super) fn stat(path: &Path) -> Done<Option<Metadata>> {
    what_is_at(path).map_err(|e| StateError::read(path, e))
}

/// Whether a directory is at a path, and no link to one.
pub(super) fn is_dir(path: &Path) -> Done<bool> {
    Ok(stat(path)?.is_some_and(|is| is.is_dir()))
}

/// The names in a directory, sorted.
pub(super) fn names(dir: &Path) -> Done<Vec<OsString>> {
    let read = || -> io::Result<Vec<OsString>> {
        fs::read_dir(dir)?.map(|e| Ok(e?.file_name())).collect()
    };
    let mut names = read().map_err(|e| StateError::read(dir, e))?;
    names.sort();
    Ok(names)
}

fn has(path: &Path, attributes: &[&str]) -> Done<bool> {
    for name in attributes {
        let mut value = [0; 1];
        match rustix::fs::lgetxattr(path, *name, &mut value[..]) {
            // `y`; an `x` says that there are whiteouts in it.
            Ok(1) if value == *b"y" || name.ends_with("whiteout") => return Ok(true),
            Ok(_) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE | Errno::PERM) => {}
            Err(e) => return Err(StateError::read(path, e)),
        }
    }
    Ok(false)
}

/// The attributes of a path, without overlayfs's notes.
pub(super) fn attributes(path: &Path) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut all = crate::generation::attributes(path)?;
    all.retain(|name, _| !is_note(name));
    Ok(all)
}

/// The same of an open file.
pub(super) fn attributes_of(file: &File) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut all = crate::generation::attributes_of(file)?;
    all.retain(|name, _| !is_note(name));
    Ok(all)
}

/// Have a directory hide what is under it, by the attribute that `like` does it by.
pub(super) fn make_opaque(path: &Path, like: &Path) -> Done {
    let by = match has(like, &OPAQUE[1..])? {
        true => OPAQUE[1],
        false => OPAQUE[0],
    };
    let set = rustix::fs::lsetxattr(path, by, b"y", rustix::fs::XattrFlags::empty());
    set.map_err(|e| StateError::io("change the attributes of", path, e))
}

fn is_note(name: &[u8]) -> bool {
    PREFIXES.iter().any(|p| name.starts_with(p.as_bytes()))
}

/// Take overlayfs's notes away, which mean nothing where there is no overlay. `opaque`: but not what makes a directory
/// hide what was there.
pub(super) fn forget_notes(path: &Path, opaque: bool) -> Done {
    let all = crate::generation::attributes(path).map_err(|e| StateError::read(path, e))?;
    for name in all.keys().filter(|n| is_note(n)) {
        if opaque && OPAQUE.iter().any(|o| o.as_bytes() == &name[..]) {
            continue;
        }
        match rustix::fs::lremovexattr(path, &name[..]) {
            Ok(()) | Err(Errno::NODATA) => {}
            Err(e) => return Err(StateError::io("change the attributes of", path, e)),
        }
    }
    Ok(())
}
