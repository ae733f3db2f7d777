//! Where the entries of a package go, and which can't be stored: decided entry by entry, in the archive's
//! order, before anything is written.
//!
//! What was decided is remembered by path. So a path is only ever written below directories that are known
//! to be directories of this payload, whatever links the archive plants; and these come last, as with dpkg.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use dpkgng_plugin::Kind;

use crate::layout::{inside, merged, merged_target};
use crate::manifest::SetId;

/// An entry that can't be stored, by its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It leads out of the package.
    #[error("'{}' is not a path below the package", .0.display())]
    Outside(PathBuf),
    /// It is longer than any that can be worked with.
    #[error("'{}' is too long a path", .0.display())]
    TooLong(PathBuf),
    /// It is where our own metadata is.
    #[error("'{}' is where metadata is kept", .0.display())]
    Metadata(PathBuf),
    /// It is a device or a named pipe.
    #[error("'{}' is {}, which cannot be stored", .0.display(), kind_word(.1))]
    Special(PathBuf, Kind),
    /// It is below what is no directory.
    #[error("'{}' is below '{}', which is no directory", .0.display(), .1.display())]
    Through(PathBuf, PathBuf),
    /// It is a hard link to nothing.
    #[error("'{}' is a hard link to '{}', which is no file before it", .0.display(), .1.display())]
    Dangling(PathBuf, PathBuf),
    /// It is there twice (maybe once as /bin and once as /usr/bin), and not the same.
    #[error("'{}' is there twice, and not the same", .0.display())]
    Clash(PathBuf),
    /// It belongs to somebody, and only root can give it to him.
    #[error("'{}' belongs to user {} and group {}: this needs superuser privilege", .0.display(), .1, .2)]
    Owner(PathBuf, u32, u32),
}

fn kind_word(kind: &Kind) -> &'static str {
    match kind {
        Kind::CharDevice | Kind::BlockDevice => "a device",
        Kind::Fifo => "a named pipe",
        _ => "of a kind",
    }
}

/// What decides about an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a [u8],
    pub(super) link: &'a [u8],
    pub(super) length: u64,
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
}

/// What is to be done about an entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// Where it goes.
    pub(super) path: PathBuf,
    /// What it is linked to, as it is placed.
    pub(super) link: PathBuf,
    /// The directories that the archive does not have and are needed first, from the top.
    pub(super) missing: Vec<PathBuf>,
    /// What.
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Place it, with these permission bits.
    Place(u32),
    /// Nothing: it is there.
    Skip,
    /// It is there, if the content is the same.
    Compare,
}

/// What is at a path.
#[derive(Debug, PartialEq, Eq)]
enum Known {
    Directory,
    File(u32, (u32, u32)),
    Symlink(PathBuf),
    HardLink(PathBuf),
}

/// What was decided so far.
#[derive(Debug, Default)]
pub(super) struct Arrangement {
    known: HashMap<PathBuf, Known>,
    /// Who we are, unless we are root.
    us: Option<(u32, u32)>,
    setuid: Vec<SetId>,
    size: u64,
}

/// Shorter than PATH_MAX by more than any prefix.
const LONGEST: usize = 3000;

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Whether a symbolic link leads from one spelling of a path to the other. `name` is as the archive has it: the
/// links to the merged directories themselves are at the top.
fn is_itself(name: &Path, path: &Path, target: &Path) -> bool {
    let mut parts = name
        .components()
        .filter(|c| matches!(c, Component::Normal(_)));
    let at = match (parts.next(), parts.next()) {
        (Some(only), None) => Path::new(only.as_os_str()),
        _ => path,
    };
    merged_target(at, target).is_some_and(|to| to == path)
}

impl Arrangement {
    /// Nothing yet. `us`: who files belong to, for others than root.
    pub(super) fn new(us: Option<(u32, u32)>) -> Arrangement {
        Arrangement {
            us,
            ..Arrangement::default()
        }
    }

    /// The files that are to be set-id, sorted, and the bytes of all files.
    pub(super) fn finish(mut self) -> (Vec<SetId>, u64) {
        self.setuid.sort();
        (self.setuid, self.size)
    }

    /// What is to be done about the next entry.
    pub(super) fn next(&mut self, entry: &Header<'_>) -> Result<Step, EntryError> {
        let name = path_of(entry.name);
        let path = merged(name).ok_or_else(|| EntryError::Outside(name.into()))?;
        if path.as_os_str().len() > LONGEST {
            return Err(EntryError::TooLong(path));
        }
        if path.starts_with(inside::METADATA) {
            return Err(EntryError::Metadata(path));
        }
        let link = self.link(entry, &path)?;
        let top = path.as_os_str().is_empty();
        let done = |what| Step {
            path: path.clone(),
            link: link.clone(),
            missing: Vec::new(),
            what,
        };
        match entry.kind {
            Kind::Directory if top => return Ok(done(What::Skip)),
            _ if top => return Err(EntryError::Clash(name.into())),
            // `bin -> usr/bin`, and `/bin/x -> /usr/bin/x` beside `/usr/bin/x`.
            Kind::Symlink if is_itself(name, &path, &link) => return Ok(done(What::Skip)),
            Kind::HardLink if link == path => return Ok(done(What::Skip)),
            _ => {}
        }
        let missing = self.missing(&path)?;
        let now = match entry.kind {
            Kind::Directory => Known::Directory,
            Kind::File => Known::File(entry.mode & 0o7777, entry.owner),
            Kind::Symlink => Known::Symlink(link.clone()),
            Kind::HardLink => Known::HardLink(link.clone()),
            kind => return Err(EntryError::Special(path, kind)),
        };
        self.check_owner(entry, &path)?;
        let what = match self.known.get(&path) {
            None => What::Place(entry.mode & 0o1777),
            Some(Known::Directory) if now == Known::Directory => What::Place(entry.mode & 0o1777),
            Some(before) if *before != now => return Err(EntryError::Clash(path)),
            Some(Known::File(..)) => What::Compare,
            Some(_) => What::Skip,
        };
        if self.known.insert(path.clone(), now).is_none() {
            self.note(entry, &path, &link);
        }
        for dir in &missing {
            self.known.insert(dir.clone(), Known::Directory);
        }
        Ok(Step {
            path,
            link,
            missing,
            what,
        })
    }

    /// The target of a link, as it is placed.
    fn link(&self, entry: &Header<'_>, path: &Path) -> Result<PathBuf, EntryError> {
        let link = path_of(entry.link);
        if entry.kind != Kind::HardLink {
            return Ok(link.into());
        }
        let link = merged(link).ok_or_else(|| EntryError::Outside(link.into()))?;
        match self.known.get(&link) {
            None | Some(Known::Directory) => Err(EntryError::Dangling(path.into(), link)),
            Some(_) => Ok(link),
        }
    }

    /// The directories on the way that are not there yet.
    fn missing(&self, path: &Path) -> Result<Vec<PathBuf>, EntryError> {
        let mut missing = Vec::new();
        let above = path.ancestors().skip(1);
        for dir in above.take_while(|dir| !dir.as_os_str().is_empty()) {
            match self.known.get(dir) {
                // What is above a directory was looked at when that was placed.
                Some(Known::Directory) => break,
                Some(_) => return Err(EntryError::Through(path.into(), dir.into())),
                None => missing.push(dir.into()),
            }
        }
        missing.reverse();
        Ok(missing)
    }

    fn check_owner(&self, entry: &Header<'_>, path: &Path) -> Result<(), EntryError> {
        let (uid, gid) = entry.owner;
        match self.us {
            Some(us) if entry.kind != Kind::HardLink && us != entry.owner => {
                Err(EntryError::Owner(path.into(), uid, gid))
            }
            _ => Ok(()),
        }
    }

    /// What is written down about a file.
    fn note(&mut self, entry: &Header<'_>, path: &Path, link: &Path) {
        let set_id = match entry.kind {
            Kind::File if entry.mode & 0o6000 != 0 => Some((entry.mode & 0o7777, entry.owner)),
            Kind::HardLink => {
                let to = self.setuid.iter().find(|s| s.path == link);
                to.map(|s| (s.mode, (s.uid, s.gid)))
            }
            _ => None,
        };
        if let Some((mode, (uid, gid))) = set_id {
            self.setuid.push(SetId {
                path: path.into(),
                mode,
                uid,
                gid,
                capability: None,
            });
        }
        if entry.kind == Kind::File {
            self.size = self.size.saturating_add(entry.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry<'a>(kind: Kind, name: &'a str, link: &'a str) -> Header<'a> {
        Header {
            kind,
            name: name.as_bytes(),
            link: link.as_bytes(),
            length: 1,
            mode: 0o755,
            owner: (0, 0),
        }
    }

    fn arrange(entries: &[Header<'_>]) -> Result<Vec<(String, What)>, EntryError> {
        let mut arrangement = Arrangement::new(None);
        let steps = entries.iter().map(|entry| {
            let step = arrangement.next(entry)?;
            Ok((step.path.to_str().unwrap().to_owned(), step.what))
        });
        steps.collect()
    }

    use Kind::{Directory, File, HardLink, Symlink};

    #[test]
    fn usr_is_merged() {
        let place = What::Place(0o755);
        let steps = arrange(&[
            entry(Directory, "./", ""),
            entry(Directory, "./bin", ""),
            entry(File, "./bin/a", ""),
            entry(Symlink, "./lib64", "usr/lib64"),
            entry(Directory, "./usr/bin", ""),
            entry(Symlink, "./usr/bin/a", "/bin/a"),
            entry(HardLink, "./usr/bin/b", "./bin/a"),
            entry(File, "./usr/bin/a", ""),
            entry(HardLink, "./bin/a", "./usr/bin/a"),
        ]);
        let steps = steps.unwrap();
        let expected = [
            ("", What::Skip),
            ("usr/bin", place),
            ("usr/bin/a", place),
            ("usr/lib64", What::Skip),
            ("usr/bin", place),
            ("usr/bin/a", What::Skip),
            ("usr/bin/b", place),
            ("usr/bin/a", What::Compare),
            ("usr/bin/a", What::Skip),
        ];
        let steps: Vec<(&str, What)> = steps.iter().map(|(p, w)| (&**p, *w)).collect();
        assert_eq!(steps, expected);
    }

    #[test]
    fn what_does_not_agree_clashes() {
        let mut other = entry(File, "usr/bin/a", "");
        other.mode = 0o644;
        for second in [
            other,
            entry(Symlink, "usr/bin/a", "b"),
            entry(Directory, "usr/bin/a", ""),
        ] {
            let clash = arrange(&[entry(File, "bin/a", ""), second]);
            assert_eq!(clash, Err(EntryError::Clash("usr/bin/a".into())));
        }
        let links = |to| {
            [
                entry(Symlink, "lib/a", "b"),
                entry(Symlink, "usr/lib/a", to),
            ]
        };
        assert!(arrange(&links("b")).is_ok());
        assert!(arrange(&links("c")).is_err());
        assert!(arrange(&[entry(File, "./", "")]).is_err());
    }

    #[test]
    fn nothing_leads_out() {
        let wrong = |entries: &[Header<'_>]| arrange(entries).unwrap_err();
        let outside = wrong(&[entry(File, "usr/../../x", "")]);
        assert!(matches!(outside, EntryError::Outside(_)));
        let outside = wrong(&[entry(HardLink, "x", "../x")]);
        assert!(matches!(outside, EntryError::Outside(_)));
        let through = wrong(&[
            entry(Symlink, "usr/a", "/etc"),
            entry(File, "usr/a/b/passwd", ""),
        ]);
        let expected = EntryError::Through("usr/a/b/passwd".into(), "usr/a".into());
        assert_eq!(through, expected);
        let dangling = wrong(&[entry(HardLink, "x", "/etc/passwd")]);
        assert!(matches!(dangling, EntryError::Dangling(..)));
        for name in ["DEBIAN", "./DEBIAN/control", "//DEBIAN/x"] {
            let metadata = wrong(&[entry(File, name, "")]);
            assert!(matches!(metadata, EntryError::Metadata(_)), "{name}");
        }
        for kind in [
            Kind::CharDevice,
            Kind::BlockDevice,
            Kind::Fifo,
            Kind::Unknown(9),
        ] {
            let special = wrong(&[entry(kind, "dev/x", "")]);
            assert_eq!(special, EntryError::Special("dev/x".into(), kind));
        }
        let long = "a/".repeat(2000);
        let long = wrong(&[entry(File, &long, "")]);
        assert!(matches!(long, EntryError::TooLong(_)));
    }

    #[test]
    fn set_id_bits_are_written_down() {
        let mut arrangement = Arrangement::new(None);
        let mut su = entry(File, "bin/su", "");
        su.mode = 0o4755;
        assert_eq!(arrangement.next(&su).unwrap().what, What::Place(0o755));
        let mut mail = entry(Directory, "var/mail", "");
        mail.mode = 0o2775;
        assert_eq!(arrangement.next(&mail).unwrap().what, What::Place(0o775));
        arrangement
            .next(&entry(HardLink, "bin/aa", "bin/su"))
            .unwrap();
        let (setuid, size) = arrangement.finish();
        let paths: Vec<_> = setuid.iter().map(|s| s.path.to_str().unwrap()).collect();
        assert_eq!((paths, size), (vec!["usr/bin/aa", "usr/bin/su"], 1));
        assert!(setuid.iter().all(|s| s.mode == 0o4755));
    }

    #[test]
    fn directories_that_lack_are_made_once() {
        let mut arrangement = Arrangement::new(Some((1000, 1000)));
        let mut file = entry(File, "opt/a/b/c", "");
        file.owner = (1000, 1000);
        let missing = arrangement.next(&file).unwrap().missing;
        assert_eq!(missing, ["opt", "opt/a", "opt/a/b"].map(PathBuf::from));
        file.name = b"opt/a/b/d";
        assert!(arrangement.next(&file).unwrap().missing.is_empty());
        file.owner = (0, 1000);
        let owner = arrangement.next(&file);
        assert_eq!(owner, Err(EntryError::Owner("opt/a/b/d".into(), 0, 1000)));
    }
}
