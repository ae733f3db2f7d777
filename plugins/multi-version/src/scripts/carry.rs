//! From a generation to the next: copies of what scripts made, as scripts are not run again for what stays.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use rustix::io::Errno;

use super::made::{self, Change, OPAQUE, changes, copy, owner, stat};
use super::{ScriptError, Work, etc, made_in};
use crate::layout::{SlotName, inside};
use crate::manifest::Member;

/// Files of the database that scripts write, besides what it is made with.
const LOCAL: &[&str] = &["alternatives", "diversions", "statoverride"];

/// Take over what was made in `previous`, which has these packages.
pub(super) fn all(work: &Work, previous: &Path, members: &[Member]) -> Result<(), ScriptError> {
    for slot in made::slots(work)? {
        let before = Before {
            made: made_in(previous, slot.as_ref()),
            members,
            slot: slot.as_ref(),
        };
        before.carry(work)?;
    }
    for name in LOCAL {
        let path = Path::new(inside::ADMINDIR).join(name);
        let (from, to) = (previous.join(&path), work.building.join(&path));
        if from.exists() && !to.exists() {
            copy_all(work, &from, &to)?;
        }
    }
    Ok(())
}

/// A tree of the generation before.
struct Before<'a> {
    made: PathBuf,
    members: &'a [Member],
    slot: Option<&'a SlotName>,
}

/// What is to be done about a change.
enum Verdict {
    /// It is taken over.
    Keep,
    /// A package's file is as it is now, but with the mode and owner it was given.
    Retouch(PathBuf),
    /// It means nothing any more.
    Drop,
}

impl Before<'_> {
    fn carry(&self, work: &Work) -> Result<(), ScriptError> {
        let to = work.made(self.slot);
        let mut dirs = BTreeSet::from([PathBuf::new()]);
        for change in changes(&self.made, &etc::is_kept)? {
            let parent = change.path().parent().unwrap_or(Path::new(""));
            let verdict = match dirs.contains(parent) {
                true => self.judge(work, &change)?,
                false => Verdict::Drop,
            };
            if let Verdict::Drop = verdict {
                continue;
            }
            made::begin(work.disk, &to)?;
            let (from, to) = (self.made.join(change.path()), to.join(change.path()));
            match (&change, verdict) {
                (Change::Dir(path, opaque), _) => {
                    work.disk.make_dir(&to)?;
                    work.disk.adopt(&to, &stat(&from)?)?;
                    // Of packages' files nothing is hidden.
                    if *opaque && !work.tree(self.slot).join(path).exists() {
                        let set = rustix::fs::lsetxattr(&to, OPAQUE, b"y", XattrFlags::empty());
                        set.map_err(|e| ScriptError::read(&to, e.into()))?;
                    }
                    dirs.insert(path.clone());
                }
                (Change::Remove(_), _) => {
                    let kind = FileType::CharacterDevice;
                    match rustix::fs::mknodat(CWD, &to, kind, Mode::empty(), 0) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(e) => return Err(ScriptError::read(&to, e.into())),
                    }
                }
                (Change::File(_), Verdict::Retouch(now)) => {
                    let like = stat(&from)?;
                    work.disk.copy(&now, &to)?;
                    work.disk.adopt(&to, &like)?;
                    made::set_bits(&to, &like)?;
                }
                (Change::File(_), _) => copy(work.disk, &from, &to)?,
            }
        }
        Ok(())
    }

    fn judge(&self, work: &Work, change: &Change) -> Result<Verdict, ScriptError> {
        let path = change.path();
        let packaged = fs::symlink_metadata(work.tree(self.slot).join(path));
        let was = owner(work.layout, self.members, self.slot, path);
        let Ok(packaged) = packaged else {
            return Ok(match (change, was) {
                // A directory is needed by what may be in it.
                (Change::Dir(..), _) | (Change::File(_), None) => Verdict::Keep,
                // Nothing is there to be removed; or it went with its package.
                _ => Verdict::Drop,
            });
        };
        if let (Change::Dir(..), true) = (change, packaged.is_dir()) {
            return Ok(Verdict::Keep);
        }
        let is = owner(work.layout, work.members, self.slot, path);
        let Some((was, is)) = was.zip(is) else {
            return Ok(Verdict::Drop);
        };
        let (was, is) = (&was.realization, &is.realization);
        if was == is {
            return Ok(Verdict::Keep);
        }
        // Another version's postinst does what is to be done.
        let same = (was.package(), was.version(), was.architecture())
            == (is.package(), is.version(), is.architecture());
        let (was, is) = (
            work.layout.realization(was).join(path),
            work.layout.realization(is).join(path),
        );
        Ok(match change {
            Change::Remove(_) if same => Verdict::Keep,
            Change::File(_) if same && packaged.is_file() => {
                // What it has in it now may speak of where it was linked.
                let made = self.made.join(path);
                let read = |path: &Path| fs::read(path).map_err(|e| ScriptError::read(path, e));
                match read(&was)? == read(&made)? {
                    true => Verdict::Retouch(is),
                    false => Verdict::Drop,
                }
            }
            _ => Verdict::Drop,
        })
    }
}

fn copy_all(work: &Work, from: &Path, to: &Path) -> Result<(), ScriptError> {
    if !stat(from)?.is_dir() {
        return copy(work.disk, from, to);
    }
    work.disk.make_dir(to)?;
    let entries = fs::read_dir(from).map_err(|e| ScriptError::read(from, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| ScriptError::read(from, e))?;
        copy_all(work, &entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
