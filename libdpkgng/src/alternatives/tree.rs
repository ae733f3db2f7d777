//! The links on disk: what is at a path, and the primitive changes.
//!
//! Nothing here follows a link in the last component, but where stock asks whether a file is
//! there.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Dirs;
use crate::error::{OrFail, Result};
use crate::msg;
use crate::sys::dir::make_path;
use crate::sys::place::{Absence, Place, Spot};

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
#[derive(Clone, Debug)]
pub struct Tree {
    /// Where things are.
    pub dirs: Dirs,
    /// `--force`: replace and remove what is no link.
    pub force: bool,
    place: Place,
}

impl Tree {
    /// Nothing is opened before something in it is asked for.
    pub fn new(dirs: Dirs, force: bool) -> Tree {
        let place = Place::new(Path::new(OsStr::from_bytes(&dirs.instdir)));
        Tree { dirs, force, place }
    }

    /// A path of the installed system (`fsys_get_path`). A relative one is, as in stock, what
    /// it is with the instdir in front.
    pub fn spot(&self, path: &[u8]) -> Spot {
        match path.first() {
            Some(b'/') => self.place.spot(path),
            _ => Spot::path(&[&self.dirs.instdir, path].concat()),
        }
    }

    /// A file of the administrative directory; one below the instdir is resolved beneath that.
    pub(super) fn admin(&self, name: &[u8]) -> Spot {
        let path = [&self.dirs.admdir, b"/".as_slice(), name].concat();
        self.place.spot_of_path(&path)
    }

    /// The administrative directory itself.
    pub(super) fn admdir(&self) -> Spot {
        self.place.spot_of_path(&self.dirs.admdir)
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
        let spot = self.spot(path);
        let found = spot.stat().if_there();
        let found = found.or_fail(|| msg!("cannot stat file '%s'", &spot))?;
        Ok(found.is_none())
    }

    /// Whether a link that is about to be replaced is to have the time of the file it leads to:
    /// it is new, or leads nowhere. Below a root all that lead to absolute paths do, to stock,
    /// which looks for those outside.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn needs_time(&self, link: &[u8]) -> Result<bool> {
        let leads_out = |target: Vec<u8>| target.first() == Some(&b'/');
        if !self.dirs.instdir.is_empty() && self.target(link)?.is_some_and(leads_out) {
            return Ok(true);
        }
        self.is_missing(link)
    }

    /// What is at a path.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn classify(&self, path: &[u8]) -> Result<Kind> {
        let found = self.spot(path).lstat().if_there();
        match found.or_fail(|| msg!("cannot stat file '%s%s'", &self.dirs.instdir, path))? {
            Some(stat) if stat.is_symlink() => Ok(Kind::Symlink),
            Some(_) => Ok(Kind::Other),
            None => Ok(Kind::Missing),
        }
    }

    /// Where a link leads.
    ///
    /// # Errors
    /// readlink(2)'s: `EINVAL` for what is no link.
    pub fn readlink(&self, link: &[u8]) -> io::Result<Vec<u8>> {
        self.spot(link).readlink()
    }

    /// The same, and nothing for what is no link, is missing or cannot be reached.
    ///
    /// # Errors
    /// It cannot be said.
    pub fn target(&self, link: &[u8]) -> Result<Option<Vec<u8>>> {
        let target = match self.readlink(link) {
            Err(e) if e.raw_os_error() == Some(libc::EINVAL) => return Ok(None),
            target => target.if_reached(),
        };
        let instdir = &self.dirs.instdir;
        target.or_fail(|| msg!("unable to read link '%s%.255s'", instdir, link))
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
        let dir = self.spot(&self.dirs.altdir);
        self.place.forget();
        make_path(&dir, 0o755).or_fail(|| msg!("cannot create alternatives directory '%s'", &dir))
    }

    /// Make a link, in the place of whatever file is there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn symlink(&self, target: &[u8], link: &[u8]) -> Result<()> {
        self.unlink(link)?;
        let link = self.spot(link);
        link.symlink(target)
            .or_fail(|| msg!("error creating symbolic link '%.255s'", &link))
    }

    /// Remove a file that may be missing.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn unlink(&self, path: &[u8]) -> Result<()> {
        unlink(&self.spot(path))
    }

    /// Give a link that is still `staged` the time of the file it leads to, so that two systems
    /// made of the same packages are the same. Stock does it when the link has its name.
    ///
    /// # Errors
    /// A time cannot be read or set; that the file or the link is missing is none.
    pub fn take_time(&self, staged: &[u8], link: &[u8], from: &[u8]) -> Result<()> {
        let found = self.spot(from).lstat().if_there().or_fail(|| {
            let instdir = &self.dirs.instdir;
            msg!("unable to get file '%s%s' metadata", instdir, from)
        })?;
        let Some(time) = found.map(|stat| stat.mtime) else {
            return Ok(());
        };
        match self.spot(staged).set_times(time, time).if_there() {
            Err(e) if e.raw_os_error() != Some(libc::ENOSYS) => {
                let link = self.spot(link);
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
pub(super) fn unlink(spot: &Spot) -> Result<()> {
    let gone = spot.unlink().if_there().map(drop);
    gone.or_fail(|| msg!("unable to remove '%s'", spot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_seen_made_and_dated() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs {
            instdir: dir.path().as_os_str().as_bytes().to_vec(),
            altdir: b"/alt/deep".to_vec(),
            admdir: Vec::new(),
        };
        let tree = Tree::new(dirs, false);
        assert_eq!(tree.classify(b"/alt").unwrap(), Kind::Missing);
        tree.make_altdir().unwrap();
        assert_eq!(tree.classify(b"/alt/deep").unwrap(), Kind::Other);
        assert!(!tree.can_remove(b"/alt/deep").unwrap());
        std::fs::write(dir.path().join("file"), "").unwrap();
        tree.spot(b"/file").set_times(5, 5).unwrap();
        for _ in 0..2 {
            tree.symlink(b"/nowhere", &tree.alt(b"n")).unwrap();
        }
        assert_eq!(tree.readlink(b"/alt/deep/n").unwrap(), b"/nowhere");
        assert_eq!(tree.classify(b"/alt/deep/n").unwrap(), Kind::Symlink);
        assert!(tree.is_missing(b"/alt/deep/n").unwrap());
        tree.take_time(b"/alt/deep/n", b"/link", b"/file").unwrap();
        assert_eq!(tree.spot(b"/alt/deep/n").lstat().unwrap().mtime, 5);
        assert_eq!(
            tree.target(b"/alt/deep/n").unwrap(),
            Some(b"/nowhere".to_vec())
        );
        for none in [&b"/file"[..], b"/none", b"/file/x"] {
            assert_eq!(tree.target(none).unwrap(), None);
        }
        let long = [b'x'; 300];
        let error = tree.target(&[b"/", &long[..]].concat()).unwrap_err();
        assert_eq!(error.errno, Some(libc::ENAMETOOLONG));
        let error = tree.classify(b"/file/x").unwrap_err().to_string();
        assert!(error.ends_with("/file/x': Not a directory"), "{error}");
    }
}
