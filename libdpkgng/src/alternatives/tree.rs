//! The links on disk: what is at a path, and the primitive changes.
//!
//! A path of the installed system becomes one of the running system by putting the instdir in
//! front. Nothing here follows a link in the last component, but where stock asks whether a
//! file is there.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Dirs;
use crate::error::{OrFail, Result};
use crate::msg;
use crate::sys::dir::make_path;
use crate::sys::place::Spot;

/// What is at a path (`alternative_path_classify`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A symbolic link, wherever it leads.
    Symlink,
    /// Nothing.
    Missing,
    /// Something that links may replace only by force.
    Other,
}

/// The links of a system.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Where things are.
    pub dirs: Dirs,
    /// `--force`: replace and remove what is no link.
    pub force: bool,
}

/// Bytes as a path.
pub(super) fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl Tree {
    /// A path of the installed system on this one (`fsys_get_path`).
    pub fn root(&self, path: &[u8]) -> PathBuf {
        let full = [&self.dirs.instdir, path].concat();
        PathBuf::from(std::ffi::OsString::from_vec(full))
    }

    /// The link in the alternatives directory.
    pub fn alt(&self, name: &[u8]) -> Vec<u8> {
        [&self.dirs.altdir, b"/".as_slice(), name].concat()
    }

    /// Whether there is no such file, links followed.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn is_missing(&self, path: &[u8]) -> Result<bool> {
        let path = self.root(path);
        match fs::metadata(&path) {
            Ok(_) => Ok(false),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(e) => Err(e).or_fail(|| msg!("cannot stat file '%s'", &path)),
        }
    }

    /// What is at a path.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn classify(&self, path: &[u8]) -> Result<Kind> {
        match fs::symlink_metadata(self.root(path)) {
            Ok(meta) if meta.file_type().is_symlink() => Ok(Kind::Symlink),
            Ok(_) => Ok(Kind::Other),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Kind::Missing),
            Err(e) => Err(e).or_fail(|| msg!("cannot stat file '%s%s'", &self.dirs.instdir, path)),
        }
    }

    /// Where a link leads.
    ///
    /// # Errors
    /// readlink(2)'s: `EINVAL` for what is no link.
    pub fn readlink(&self, link: &[u8]) -> io::Result<Vec<u8>> {
        let target = fs::read_link(self.root(link))?;
        Ok(target.into_os_string().into_vec())
    }

    /// Whether a link may be removed.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn can_remove(&self, link: &[u8]) -> Result<bool> {
        Ok(self.force || self.classify(link)? != Kind::Other)
    }

    /// Make the alternatives directory.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn make_altdir(&self) -> Result<()> {
        let dir = self.root(&self.dirs.altdir);
        make_path(&dir, 0o755).or_fail(|| msg!("cannot create alternatives directory '%s'", &dir))
    }

    /// Make a link, in the place of whatever file is there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn symlink(&self, target: &[u8], link: &[u8]) -> Result<()> {
        self.unlink(link)?;
        let link = self.root(link);
        std::os::unix::fs::symlink(OsStr::from_bytes(target), &link)
            .or_fail(|| msg!("error creating symbolic link '%.255s'", &link))
    }

    /// Remove a file that may be missing.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn unlink(&self, path: &[u8]) -> Result<()> {
        unlink(&self.root(path))
    }

    /// Give a link the time of the file it leads to, so that two systems made of the same
    /// packages are the same.
    ///
    /// # Errors
    /// A time cannot be read or set; that the file is missing is none.
    pub fn take_time(&self, link: &[u8], from: &[u8]) -> Result<()> {
        let time = match fs::symlink_metadata(self.root(from)) {
            Ok(meta) => meta.mtime(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => {
                let instdir = &self.dirs.instdir;
                return Err(e)
                    .or_fail(|| msg!("unable to get file '%s%s' metadata", instdir, from));
            }
        };
        let link = self.root(link);
        match Spot::path(link.as_os_str().as_bytes()).set_times(time, time) {
            Err(e) if e.raw_os_error() != Some(libc::ENOSYS) => {
                Err(e).or_fail(|| msg!("cannot set symlink '%s' timestamp", &link))
            }
            _ => Ok(()),
        }
    }
}

/// Remove a file that may be missing.
///
/// # Errors
/// It cannot be removed.
pub(super) fn unlink(path: &Path) -> Result<()> {
    missing_is_fine(fs::remove_file(path)).or_fail(|| msg!("unable to remove '%s'", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_made_and_dated() {
        let dir = tempfile::tempdir().unwrap();
        let tree = Tree {
            dirs: Dirs {
                instdir: dir.path().as_os_str().as_bytes().to_vec(),
                altdir: b"/alt/deep".to_vec(),
                admdir: Vec::new(),
            },
            force: false,
        };
        assert_eq!(tree.classify(b"/alt").unwrap(), Kind::Missing);
        tree.make_altdir().unwrap();
        assert_eq!(tree.classify(b"/alt/deep").unwrap(), Kind::Other);
        assert!(!tree.can_remove(b"/alt/deep").unwrap());
        fs::write(dir.path().join("file"), "").unwrap();
        Spot::path(tree.root(b"/file").as_os_str().as_bytes())
            .set_times(5, 5)
            .unwrap();
        for _ in 0..2 {
            tree.symlink(b"/nowhere", &tree.alt(b"n")).unwrap();
        }
        assert_eq!(tree.readlink(b"/alt/deep/n").unwrap(), b"/nowhere");
        assert_eq!(tree.classify(b"/alt/deep/n").unwrap(), Kind::Symlink);
        assert!(tree.is_missing(b"/alt/deep/n").unwrap());
        tree.take_time(b"/alt/deep/n", b"/file").unwrap();
        let meta = fs::symlink_metadata(tree.root(b"/alt/deep/n")).unwrap();
        assert_eq!(meta.mtime(), 5);
        let error = tree.classify(b"/file/x").unwrap_err().to_string();
        assert!(error.ends_with("/file/x': Not a directory"), "{error}");
    }
}
