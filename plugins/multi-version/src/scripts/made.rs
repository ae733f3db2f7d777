//! `made/`: what scripts made, changed and removed of a tree. It is what overlayfs leaves in an upper directory: a
//! whiteout (character device 0:0) for what was removed, and an attribute on directories that hide what was there.
//!
//! It has mode 0700: set-id files may be in it.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use rustix::io::Errno;

use super::{MADE, ScriptError, Work, made_in};
use crate::generation::Disk;
use crate::layout::{SlotName, inside};
use crate::manifest::SetId;

/// Says that nothing below a directory shines through.
const OPAQUE: &str = "trusted.overlay.opaque";
/// What else overlayfs writes down; it means nothing elsewhere.
const NOTES: &[&str] = &[
    "trusted.overlay.origin",
    "trusted.overlay.impure",
    "trusted.overlay.nlink",
    "trusted.overlay.uuid",
];

/// A change of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A directory that is there, and whether what was in it before is gone.
    Dir(PathBuf, bool),
    /// Anything else that is there.
    File(PathBuf),
    /// Nothing is there.
    Remove(PathBuf),
}

impl Change {
    pub(super) fn path(&self) -> &Path {
        match self {
            Change::Dir(path, _) | Change::File(path) | Change::Remove(path) => path,
        }
    }
}

fn stat(path: &Path) -> Result<Metadata, ScriptError> {
    fs::symlink_metadata(path).map_err(|e| ScriptError::read(path, e))
}

/// What an upper directory says, each directory before what is in it. `wanted` chooses by path.
pub(super) fn changes(
    upper: &Path,
    wanted: &dyn Fn(&Path) -> bool,
) -> Result<Vec<Change>, ScriptError> {
    let mut found = Vec::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        let from = upper.join(&dir);
        let entries = match fs::read_dir(&from) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && dir.as_os_str().is_empty() => break,
            entries => entries.map_err(|e| ScriptError::read(&from, e))?,
        };
        for entry in entries {
            let entry = entry.map_err(|e| ScriptError::read(&from, e))?;
            let path = dir.join(entry.file_name());
            if !wanted(&path) {
                continue;
            }
            let is = stat(&entry.path())?;
            if is.is_dir() {
                let mut opaque = [0; 1];
                let told = rustix::fs::lgetxattr(entry.path(), OPAQUE, &mut opaque[..]);
                dirs.push(path.clone());
                found.push(Change::Dir(path, told.is_ok() && opaque == *b"y"));
            } else if is.file_type().is_char_device() && is.rdev() == 0 {
                found.push(Change::Remove(path));
            } else {
                found.push(Change::File(path));
            }
        }
    }
    found.sort_by(|a, b| a.path().cmp(b.path()));
    Ok(found)
}

/// The trees that have or may have changes: the view's own, and those of slots.
pub(super) fn slots(work: &Work) -> Result<Vec<Option<SlotName>>, ScriptError> {
    let mut slots = vec![None];
    let dir = work.building.join(inside::SLOTS);
    let entries = match fs::read_dir(&dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(slots),
        entries => entries.map_err(|e| ScriptError::read(&dir, e))?,
    };
    for entry in entries {
        let name = entry.map_err(|e| ScriptError::read(&dir, e))?.file_name();
        slots.extend(name.to_str().and_then(|n| n.parse().ok()).map(Some));
    }
    slots.sort();
    Ok(slots)
}

/// Lay the changes into their tree. Files that are to be set-id, which they are not in the tree, are told.
pub(super) fn lay(work: &Work, slot: Option<&SlotName>) -> Result<Vec<SetId>, ScriptError> {
    let (made, tree) = (work.made(slot), work.tree(slot));
    let mut setuid = Vec::new();
    for change in changes(&made, &super::etc::is_kept)? {
        let (from, to) = (made.join(change.path()), tree.join(change.path()));
        forget_notes(&from);
        let disk = work.disk;
        match &change {
            Change::Remove(_) => disk.remove_tree(&to)?,
            Change::Dir(_, opaque) => {
                if *opaque || fs::symlink_metadata(&to).is_ok_and(|m| !m.is_dir()) {
                    disk.remove_tree(&to)?;
                }
                disk.make_dir(&to)?;
                disk.adopt(&to, &stat(&from)?)?;
            }
            Change::File(path) => {
                disk.remove_tree(&to)?;
                let is = stat(&from)?;
                if is.is_file() && is.mode() & 0o6000 != 0 {
                    // Its mode will be changed: it may have no other name.
                    disk.copy(&from, &to)?;
                    setuid.push(SetId {
                        path: path.clone(),
                        mode: is.mode() & 0o7777,
                        uid: is.uid(),
                        gid: is.gid(),
                    });
                } else {
                    disk.link(&from, &to)?;
                }
            }
        }
    }
    Ok(setuid)
}

fn forget_notes(path: &Path) {
    for note in NOTES {
        // Most are not there.
        let _ = rustix::fs::lremovexattr(path, *note);
    }
}

/// Copies of what was made in the generation before, and its database's local state.
pub(super) fn carry(work: &Work, previous: &Path) -> Result<(), ScriptError> {
    for slot in slots(work)? {
        let slot = slot.as_ref();
        let (from, to, tree) = (made_in(previous, slot), work.made(slot), work.tree(slot));
        let changes = changes(&from, &super::etc::is_kept)?;
        let mut dirs = BTreeSet::from([PathBuf::new()]);
        for change in changes {
            let path = change.path();
            let in_package = fs::symlink_metadata(tree.join(path));
            // A package's file is as the package has it.
            let own = match &change {
                Change::Dir(..) => in_package.is_ok_and(|m| !m.is_dir()),
                _ => in_package.is_ok(),
            };
            let parent = path.parent().unwrap_or(Path::new(""));
            if own || !dirs.contains(parent) {
                continue;
            }
            if dirs.len() == 1 {
                begin(work.disk, &to)?;
            }
            let (from, to) = (from.join(path), to.join(path));
            match &change {
                Change::Dir(path, opaque) => {
                    work.disk.make_dir(&to)?;
                    work.disk.adopt(&to, &stat(&from)?)?;
                    // Of packages' files nothing is hidden.
                    if *opaque && !tree.join(path).exists() {
                        let set = rustix::fs::lsetxattr(&to, OPAQUE, b"y", XattrFlags::empty());
                        set.map_err(|e| ScriptError::read(&to, e.into()))?;
                    }
                    dirs.insert(path.clone());
                }
                Change::File(_) => copy(work.disk, &from, &to)?,
                Change::Remove(_) => {
                    let kind = FileType::CharacterDevice;
                    let made = rustix::fs::mknodat(CWD, &to, kind, Mode::empty(), 0);
                    match made {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(e) => return Err(ScriptError::read(&to, e.into())),
                    }
                }
            }
        }
    }
    for name in ["alternatives", "diversions", "statoverride"] {
        let admindir = Path::new(inside::ADMINDIR).join(name);
        let (from, to) = (previous.join(&admindir), work.building.join(&admindir));
        if from.exists() && !to.exists() {
            copy_all(work.disk, &from, &to)?;
        }
    }
    Ok(())
}

/// Make `made/`, if it is not there.
pub(super) fn begin(disk: &Disk, made: &Path) -> Result<(), ScriptError> {
    debug_assert!(made.ends_with(MADE));
    disk.make_dir(made)?;
    let private = Mode::from_raw_mode(0o700);
    rustix::fs::chmod(made, private).map_err(|e| ScriptError::read(made, e.into()))
}

/// What is not a directory, with its mode.
pub(super) fn copy(disk: &Disk, from: &Path, to: &Path) -> Result<(), ScriptError> {
    let is = stat(from)?;
    if is.is_symlink() {
        let target = fs::read_link(from).map_err(|e| ScriptError::read(from, e))?;
        disk.symlink(&target, to)?;
        let own = stat(to)?;
        if (own.uid(), own.gid()) != (is.uid(), is.gid()) {
            let chowned = std::os::unix::fs::lchown(to, Some(is.uid()), Some(is.gid()));
            chowned.map_err(|e| ScriptError::read(to, e))?;
        }
    } else if is.is_file() {
        disk.copy(from, to)?;
        forget_notes(to);
        if is.mode() & 0o6000 != 0 {
            let mode = Mode::from_raw_mode(is.mode() & 0o7777);
            rustix::fs::chmod(to, mode).map_err(|e| ScriptError::read(to, e.into()))?;
        }
    }
    // Sockets and the like have no meaning without who made them.
    Ok(())
}

fn copy_all(disk: &Disk, from: &Path, to: &Path) -> Result<(), ScriptError> {
    if !stat(from)?.is_dir() {
        return copy(disk, from, to);
    }
    disk.make_dir(to)?;
    let entries = fs::read_dir(from).map_err(|e| ScriptError::read(from, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| ScriptError::read(from, e))?;
        copy_all(disk, &entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
