//! `made/`: what scripts made, changed and removed of a tree. It is what overlayfs leaves in an upper directory: a
//! whiteout (character device 0:0) for what was removed, and an attribute on directories that hide what was there.
//!
//! It has mode 0700: set-id files may be in it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;

use super::{Bits, MADE, ScriptError, Work};
use crate::generation::Disk;
use crate::layout::{Layout, SlotName, inside};
use crate::manifest::{Member, SetId, State};

/// Says that nothing below a directory shines through.
pub(super) const OPAQUE: &str = "trusted.overlay.opaque";
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

pub(super) fn stat(path: &Path) -> Result<Metadata, ScriptError> {
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
pub(super) fn lay(work: &Work, slot: Option<&SlotName>) -> Result<Vec<Bits>, ScriptError> {
    let (made, tree) = (work.made(slot), work.tree(slot));
    let mut found = Vec::new();
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
                let packaged = setuid(work, slot, path);
                if !is.is_file() || is.mode() & 0o6000 == 0 && packaged.is_none() {
                    disk.link(&from, &to)?;
                    continue;
                }
                // Its mode will be changed: it may have no other name.
                disk.copy(&from, &to)?;
                let set_id = SetId {
                    path: path.clone(),
                    mode: is.mode() & 0o7777,
                    uid: is.uid(),
                    gid: is.gid(),
                };
                let has_bits = set_id.mode & 0o6000 != 0;
                // Without bits, which the script did not find: with another owner it would not have kept them.
                let kept = packaged.filter(|p| !has_bits && (p.uid, p.gid) == (is.uid(), is.gid()));
                if kept.is_none() {
                    found.push(Bits {
                        slot: slot.cloned(),
                        path: path.clone(),
                        set_id: has_bits.then_some(set_id),
                    });
                }
            }
        }
    }
    Ok(found)
}

/// What the packages say of a file's set-id bits.
fn setuid<'w>(work: &Work<'w>, slot: Option<&SlotName>, path: &Path) -> Option<&'w SetId> {
    let members = work.members.iter().filter(|m| m.slot.as_ref() == slot);
    members.flat_map(|m| &m.setuid).find(|s| s.path == path)
}

/// The package of a tree that has a path.
pub(super) fn owner<'m>(
    layout: &Layout,
    members: &'m [Member],
    slot: Option<&SlotName>,
    path: &Path,
) -> Option<&'m Member> {
    let laid = |m: &&Member| m.slot.as_ref() == slot && m.state != State::ConfigFiles;
    let has = |m: &&Member| {
        let path = layout.realization(&m.realization).join(path);
        fs::symlink_metadata(path).is_ok()
    };
    members.iter().filter(laid).find(has)
}

fn forget_notes(path: &Path) {
    for note in NOTES {
        // Most are not there.
        let _ = rustix::fs::lremovexattr(path, *note);
    }
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
        set_bits(to, &is)?;
    }
    // Sockets and the like have no meaning without who made them.
    Ok(())
}

/// Set-id bits, which what copies leaves out.
pub(super) fn set_bits(path: &Path, like: &Metadata) -> Result<(), ScriptError> {
    if like.mode() & 0o6000 == 0 {
        return Ok(());
    }
    let mode = Mode::from_raw_mode(like.mode() & 0o7777);
    rustix::fs::chmod(path, mode).map_err(|e| ScriptError::read(path, e.into()))
}
