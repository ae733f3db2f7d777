//! What scripts do to /etc: kept aside, and put into the host's when the generation has its name.
//!
//! It is all or nothing as far as it can be: nothing is put if somebody else changed one of the files meanwhile.
//! Each file comes by rename.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::made::{self, Change, changes};
use super::{ScriptError, Work};
use crate::generation::{Disk, same_file};

/// What a file was: device, inode, change time.
type Stamp = (u64, u64, i64, i64);

/// The changes for the host's /etc.
#[derive(Debug)]
#[must_use]
pub struct Etc {
    /// The host's.
    etc: PathBuf,
    /// What it was like before.
    before: BTreeMap<PathBuf, Stamp>,
    /// Relative to it.
    changes: Vec<Change>,
}

/// Directories of /etc that speak of what is in /usr, and stay with the generation.
const KEPT: &[&str] = &[
    "alternatives",
    "systemd",
    "rc0.d",
    "rc1.d",
    "rc2.d",
    "rc3.d",
    "rc4.d",
    "rc5.d",
    "rc6.d",
    "rcS.d",
];
/// Derived from what was in the context, and of use nowhere else.
const DROPPED: &[&str] = &["ld.so.cache", "ld.so.cache~", ".pwd.lock"];

/// Whether a change, relative to `made/`, stays with the generation.
pub(super) fn is_kept(path: &Path) -> bool {
    match path.strip_prefix("etc") {
        Err(_) => true,
        Ok(below) => below.components().next().is_none_or(|first| {
            KEPT.iter()
                .any(|k| first.as_os_str() == std::ffi::OsStr::new(k))
        }),
    }
}

fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::symlink_metadata(path) {
        Ok(is) => Ok(Some((is.dev(), is.ino(), is.ctime(), is.ctime_nsec()))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => Ok(None),
        Err(e) => Err(e),
    }
}

impl Etc {
    /// The host's, as it is now.
    pub fn before(etc: &Path) -> Result<Etc, ScriptError> {
        let mut before = BTreeMap::new();
        let mut dirs = vec![PathBuf::new()];
        while let Some(dir) = dirs.pop() {
            let from = etc.join(&dir);
            let entries = fs::read_dir(&from).map_err(|e| ScriptError::read(&from, e))?;
            for entry in entries {
                let entry = entry.map_err(|e| ScriptError::read(&from, e))?;
                let path = dir.join(entry.file_name());
                let stamp = stamp(&entry.path());
                if let Some(stamp) = stamp.map_err(|e| ScriptError::read(&entry.path(), e))? {
                    before.insert(path.clone(), stamp);
                }
                if entry.file_type().is_ok_and(|t| t.is_dir()) {
                    dirs.push(path);
                }
            }
        }
        Ok(Etc {
            etc: etc.into(),
            before,
            changes: Vec::new(),
        })
    }

    /// The host's directory.
    pub(super) fn dir(&self) -> &Path {
        &self.etc
    }

    /// What would be changed, relative to /etc.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let leaf = |c: &&Change| !matches!(c, Change::Dir(_, false));
        self.changes.iter().filter(leaf).map(Change::path)
    }

    /// What the scripts of this work made of /etc.
    pub(super) fn collect(&mut self, work: &Work) -> Result<(), ScriptError> {
        let upper = work.made(None).join("etc");
        let wanted = |path: &Path| {
            let first = path.components().next();
            let dropped = |d: &&str| first.is_some_and(|f| *f.as_os_str() == **d);
            !is_kept(&Path::new("etc").join(path)) && !DROPPED.iter().any(dropped)
        };
        self.changes = changes(&upper, &wanted)?;
        let same = |change: &Change| {
            let (made, hosts) = (upper.join(change.path()), self.etc.join(change.path()));
            match change {
                Change::File(_) => same_file(&made, &hosts).unwrap_or(false),
                Change::Remove(_) => fs::symlink_metadata(&hosts).is_err(),
                Change::Dir(..) => false,
            }
        };
        self.changes.retain(|c| !same(c));
        Ok(())
    }

    /// Put the changes into the host's /etc. `generation` is where they were made, which may have got its name since.
    pub fn put(self, disk: &Disk, generation: &Path) -> Result<(), ScriptError> {
        let upper = super::made_in(generation, None).join("etc");
        for change in &self.changes {
            let path = self.etc.join(change.path());
            let now = stamp(&path).map_err(|e| ScriptError::read(&path, e))?;
            let same = self.before.get(change.path()) == now.as_ref();
            // In a directory somebody else may make something, too.
            if !same && !matches!(change, Change::Dir(_, false)) {
                return Err(ScriptError::Changed(path));
            }
        }
        for change in &self.changes {
            let (from, to) = (upper.join(change.path()), self.etc.join(change.path()));
            match change {
                Change::Remove(_) => disk.remove_tree(&to)?,
                Change::Dir(_, opaque) => {
                    let is = fs::symlink_metadata(&from);
                    let is = is.map_err(|e| ScriptError::read(&from, e))?;
                    if *opaque || fs::symlink_metadata(&to).is_ok_and(|m| !m.is_dir()) {
                        disk.remove_tree(&to)?;
                    }
                    disk.make_dir(&to)?;
                    disk.adopt(&to, &is)?;
                }
                Change::File(_) => {
                    let mut aside = OsString::from(to.as_os_str());
                    aside.push(".dpkg-new");
                    let aside = PathBuf::from(aside);
                    disk.remove_tree(&aside)?;
                    made::copy(disk, &from, &aside)?;
                    if fs::symlink_metadata(&to).is_ok_and(|m| m.is_dir()) {
                        disk.remove_tree(&to)?;
                    }
                    // Nothing was made of a socket.
                    if fs::symlink_metadata(&aside).is_ok() {
                        disk.rename(&aside, &to)?;
                    }
                }
            }
        }
        if !self.changes.is_empty() {
            disk.sync_fs(&self.etc)?;
        }
        // It is the host's from now on: a later change of it there must not be covered.
        let own = match fs::read_dir(&upper) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            own => own.map_err(|e| ScriptError::read(&upper, e))?,
        };
        for entry in own {
            let name = entry.map_err(|e| ScriptError::read(&upper, e))?.file_name();
            if !is_kept(&Path::new("etc").join(&name)) {
                disk.remove_tree(&upper.join(&name))?;
            }
        }
        Ok(())
    }
}
