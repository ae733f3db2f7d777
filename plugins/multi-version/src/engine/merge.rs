//! What scripts wrote below `/usr` and the like, into the tree.
//!
//! A script writes through an overlay, whose upper directory holds what it made, changed and removed. All of it goes
//! into the tree by rename, so that nothing that is linked elsewhere is ever written to; what lies on the host and was
//! removed stays a whiteout in the tree, where a context sees it.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, lchown};
use std::path::Path;

use super::EngineError;

/// Says that nothing below a directory shines through.
const OPAQUE: &str = "trusted.overlay.opaque";
/// What else overlayfs writes down; it means nothing elsewhere.
const NOTES: [&str; 5] = [
    "trusted.overlay.origin",
    "trusted.overlay.impure",
    "trusted.overlay.nlink",
    "trusted.overlay.uuid",
    "trusted.overlay.metacopy",
];

type Done<T = ()> = Result<T, EngineError>;

/// Move what is in the directory `upper` into `tree`; `below` is what lies under both in a context (the host's). `upper` is
/// there afterwards, and empty. Yes, if there was anything.
pub(super) fn merge(upper: &Path, tree: &Path, below: &Path) -> Done<bool> {
    let mut any = false;
    for entry in fs::read_dir(upper).map_err(EngineError::path("read", upper))? {
        let entry = entry.map_err(EngineError::path("read", upper))?;
        let name = entry.file_name();
        any = true;
        let (from, to, under) = (upper.join(&name), tree.join(&name), below.join(&name));
        let is = stat(&from)?;
        forget_notes(&from);
        if is.is_dir() {
            directory(&from, &is, &to, &under)?;
            let removed = fs::remove_dir(&from);
            removed.map_err(EngineError::path("remove", &from))?;
        } else if is_whiteout(&is) {
            clear(&to)?;
            match present(&under)?.is_some() {
                true => rename(&from, &to)?,
                false => fs::remove_file(&from).map_err(EngineError::path("remove", &from))?,
            }
        } else {
            if present(&to)?.is_some_and(|m| m.is_dir()) {
                clear(&to)?;
            }
            rename(&from, &to)?;
        }
    }
    Ok(any)
}

/// A directory of the upper one, which is in the tree afterwards.
fn directory(from: &Path, is: &Metadata, to: &Path, below: &Path) -> Done {
    let opaque = is_opaque(from);
    match present(to)? {
        Some(there) if there.is_dir() && !opaque => {}
        Some(_) => clear(to)?,
        None => {}
    }
    if present(to)?.is_none() {
        fs::create_dir(to).map_err(EngineError::path("make directory", to))?;
    }
    merge(from, to, below)?;
    let shown = "set the owner and mode of";
    let now = stat(to)?;
    if (now.uid(), now.gid()) != (is.uid(), is.gid()) {
        lchown(to, Some(is.uid()), Some(is.gid())).map_err(EngineError::path(shown, to))?;
    }
    let mode = fs::Permissions::from_mode(is.mode() & 0o7777);
    fs::set_permissions(to, mode).map_err(EngineError::path(shown, to))?;
    // What was there on the host must not be seen through it.
    if opaque && present(below)?.is_some_and(|m| m.is_dir()) {
        let set = rustix::fs::lsetxattr(to, OPAQUE, b"y", rustix::fs::XattrFlags::empty());
        set.map_err(|e| EngineError::path("hide what is below", to)(e.into()))?;
    }
    Ok(())
}

/// Whether this is overlayfs's word for "nothing is here".
pub(super) fn is_whiteout(is: &Metadata) -> bool {
    is.file_type().is_char_device() && is.rdev() == 0
}

fn is_opaque(dir: &Path) -> bool {
    let mut value = [0; 1];
    let told = rustix::fs::lgetxattr(dir, OPAQUE, &mut value[..]);
    told.is_ok() && value == *b"y"
}

fn forget_notes(path: &Path) {
    for note in NOTES {
        // Most are not there.
        let _ = rustix::fs::lremovexattr(path, OsStr::new(note));
    }
}

fn stat(path: &Path) -> Done<Metadata> {
    fs::symlink_metadata(path).map_err(EngineError::path("look at", path))
}

/// What is at a path, if anything is.
fn present(path: &Path) -> Done<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(is) => Ok(Some(is)),
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(EngineError::path("look at", path)(e)),
    }
}

fn clear(path: &Path) -> Done {
    let removed = match present(path)? {
        Some(is) if is.is_dir() => fs::remove_dir_all(path),
        Some(_) => fs::remove_file(path),
        None => Ok(()),
    };
    removed.map_err(EngineError::path("remove", path))
}

fn rename(from: &Path, to: &Path) -> Done {
    fs::rename(from, to).map_err(EngineError::path("rename to", to))
}
