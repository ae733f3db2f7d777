//! `lent`, in a world: what it has of the host, and of which state of the host's database.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{BaseError, Done};
use crate::generation::Disk;
use crate::layout::Sha256;
use crate::manifest::ManifestError;
use crate::manifest::path::{escape, unescape, unescape_any};
use crate::manifest::stanza::{self, Stanza};
use crate::world::WorldDir;

/// A package: its name and architecture, in dpkg's words.
pub type PackageKey = (String, String);

/// What a world has of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lent {
    /// The versions of the packages that are the host's.
    pub packages: BTreeMap<PackageKey, String>,
    /// Packages of the base that the view has taken over or removed, and that are not lent to it any more.
    pub own: BTreeSet<PackageKey>,
    /// What the host's database was.
    pub(super) stamp: String,
    /// What else was written into the admindir.
    pub(super) pieces: BTreeSet<Piece>,
    /// Groups of alternatives, and what their files were.
    pub(super) alternatives: BTreeMap<String, Sha256>,
    /// Whiteouts in the tree, relative to it.
    pub(super) whiteouts: BTreeSet<PathBuf>,
}

/// A part of a file of lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    /// The file, relative to the admindir.
    pub file: PathBuf,
    /// The package that it is about; `-` for none.
    pub package: String,
    /// Its lines.
    pub text: Vec<u8>,
}

const NAME: &str = "lent";

impl Lent {
    /// A world's; nothing, if it was lent nothing.
    pub fn read(world: &WorldDir) -> Done<Lent> {
        let path = world.path().join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Lent::default()),
            Err(e) => return Err(BaseError::read(&path, e)),
        };
        Lent::parse(&text).map_err(|why| BaseError::Damaged { path, why })
    }

    /// Whether a package of the world's database, in this version, is the host's.
    pub fn has(&self, name: &str, architecture: &str, version: &str) -> bool {
        let key = (name.to_owned(), architecture.to_owned());
        self.packages.get(&key).is_some_and(|v| v == version)
    }

    /// Write it in the place of what is there.
    pub(super) fn write(&self, disk: &Disk, world: &WorldDir) -> Done {
        super::replace(disk, &world.path().join(NAME), self.to_text().as_bytes())
    }

    fn to_text(&self) -> String {
        let mut stanza = Stanza::default();
        let bytes = |b: &[u8]| escape(Path::new(OsStr::from_bytes(b)));
        stanza.put("Of", escape(Path::new(&self.stamp)));
        let packages = self.packages.iter();
        stanza.put_lines(
            "Packages",
            packages.map(|((n, a), v)| format!("{n} {a} {v}")),
        );
        stanza.put_lines("Own", self.own.iter().map(|(n, a)| format!("{n} {a}")));
        let piece = |p: &Piece| {
            let (file, package) = (escape(&p.file), bytes(p.package.as_bytes()));
            format!("{file} {package} {}", bytes(&p.text))
        };
        stanza.put_lines("Pieces", self.pieces.iter().map(piece));
        let groups = self.alternatives.iter();
        stanza.put_lines(
            "Alternatives",
            groups.map(|(name, hash)| format!("{} {hash}", escape(Path::new(name)))),
        );
        stanza.put_lines("Whiteouts", self.whiteouts.iter().map(|p| escape(p)));
        let mut text = String::new();
        stanza.write(&mut text);
        stanza::seal(text)
    }

    fn parse(text: &str) -> Result<Lent, ManifestError> {
        let mut stanza = crate::manifest::the_one(text)?;
        let word = |w: &str| -> Result<String, String> {
            Ok(unescape_any(w)?.to_string_lossy().into_owned())
        };
        let lent = Lent {
            stamp: word(&stanza.take::<String>("Of")?).map_err(ManifestError::Stranger)?,
            packages: stanza
                .take_each("Packages", |line| {
                    match line.split(' ').collect::<Vec<_>>()[..] {
                        [n, a, v] => Ok(((n.to_owned(), a.to_owned()), v.to_owned())),
                        _ => Err(format!("'{line}' is no package")),
                    }
                })?
                .into_iter()
                .collect(),
            own: stanza
                .take_each("Own", |line| match line.split_once(' ') {
                    Some((n, a)) => Ok((n.to_owned(), a.to_owned())),
                    None => Err(format!("'{line}' is no package")),
                })?
                .into_iter()
                .collect(),
            pieces: stanza
                .take_each("Pieces", |line| {
                    match line.split(' ').collect::<Vec<_>>()[..] {
                        [file, package, text] => Ok(Piece {
                            file: unescape(file)?,
                            package: word(package)?,
                            text: unescape_any(text)?.into_os_string().into_vec(),
                        }),
                        _ => Err(format!("'{line}' is no part of a file")),
                    }
                })?
                .into_iter()
                .collect(),
            alternatives: stanza
                .take_each("Alternatives", |line| {
                    let (name, hash) = line.split_once(' ').ok_or("one word")?;
                    let hash = hash.parse().map_err(|_| format!("'{hash}' is no hash"))?;
                    Ok((word(name)?, hash))
                })?
                .into_iter()
                .collect(),
            whiteouts: stanza
                .take_each("Whiteouts", unescape)?
                .into_iter()
                .collect(),
        };
        stanza.end()?;
        Ok(lent)
    }
}

/// What of a host's database tells that something in it has changed: dpkg replaces files by rename.
const STAMPED: [&str; 8] = [
    "status",
    "updates",
    "diversions",
    "statoverride",
    "triggers",
    "triggers/File",
    "alternatives",
    "info/format",
];

/// Device, inode, size and time of each file that matters.
pub(super) fn stamp(admindir: &Path) -> Done<String> {
    let mut stamp = String::new();
    for name in STAMPED {
        let path = admindir.join(name);
        match fs::metadata(&path) {
            Ok(is) => stamp.push_str(&format!(
                "{}.{}.{}.{}.{};",
                is.dev(),
                is.ino(),
                is.len(),
                is.mtime(),
                is.mtime_nsec()
            )),
            Err(e) if e.kind() == io::ErrorKind::NotFound => stamp.push_str("-;"),
            Err(e) => return Err(BaseError::read(&path, e)),
        }
    }
    Ok(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_as_written() {
        let key = |n: &str| (n.to_owned(), "amd64".to_owned());
        let lent = Lent {
            packages: [(key("libc6"), "1:2~3+b1".to_owned())].into(),
            own: [key("bash")].into(),
            stamp: "1.2;-;".into(),
            pieces: [Piece {
                file: "diversions".into(),
                package: "a:amd64".into(),
                text: b"/a b\n/c\n\xffx".to_vec(),
            }]
            .into(),
            alternatives: [("builtins.7.gz".to_owned(), Sha256::of(b"x"))].into(),
            whiteouts: ["usr/bin/a b".into()].into(),
        };
        assert_eq!(Lent::parse(&lent.to_text()).unwrap(), lent);
    }
}
