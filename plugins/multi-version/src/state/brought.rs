//! `views/VIEW/brought`: what a view of `State: host` has placed on the host, and what it was like then.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Done, StateError};
use crate::generation::Disk;
use crate::layout::{Layout, Sha256, ViewName};
use crate::manifest::ManifestError;
use crate::manifest::path::{escape, unescape, unescape_any};
use crate::manifest::stanza::{self, Stanza};

/// What a view has placed on the host, by path, relative to `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// Each.
    pub items: BTreeMap<PathBuf, Item>,
}

/// Something that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is.
    pub what: What,
    /// Permission bits, set-id and sticky bits included. Of a link they mean nothing.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The package that lists it, `NAME` or `NAME:ARCH` as in the world's info directory; none, if a script made it.
    pub package: Option<String>,
}

/// What something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A directory.
    Dir,
    /// A file with this content.
    File(Sha256),
    /// A symbolic link.
    Link(PathBuf),
    /// A fifo.
    Fifo,
    /// A device, and whether it is one of blocks.
    Device(bool, u64),
}

impl Item {
    /// Whether another is the same, whoever lists it.
    pub fn is_same(&self, other: &Item) -> bool {
        let facts = |i: &Item| match i.what {
            What::Link(_) => (0, i.uid, i.gid),
            _ => (i.mode, i.uid, i.gid),
        };
        self.what == other.what && facts(self) == facts(other)
    }

    pub(super) fn to_words(&self) -> String {
        let what = match &self.what {
            What::Dir => "dir -".to_owned(),
            What::File(hash) => format!("file {hash}"),
            What::Link(target) => format!("link {}", escape(target)),
            What::Fifo => "fifo -".to_owned(),
            What::Device(true, number) => format!("block {number}"),
            What::Device(false, number) => format!("char {number}"),
        };
        let package = self.package.as_deref().unwrap_or("-");
        let package = escape(Path::new(OsStr::from_bytes(package.as_bytes())));
        format!("{what} {:o} {} {} {package}", self.mode, self.uid, self.gid)
    }

    pub(super) fn of_words(words: &[&str]) -> Result<Item, String> {
        let wrong = || format!("'{}' is not what was placed", words.join(" "));
        let [kind, value, mode, uid, gid, package] = words[..] else {
            return Err(wrong());
        };
        let device = |is_block| {
            let number = value.parse().map_err(|_| wrong());
            number.map(|number| What::Device(is_block, number))
        };
        Ok(Item {
            what: match kind {
                "dir" => What::Dir,
                "file" => What::File(value.parse().map_err(|_| wrong())?),
                "link" => What::Link(unescape_any(value)?),
                "fifo" => What::Fifo,
                "block" => device(true)?,
                "char" => device(false)?,
                _ => return Err(wrong()),
            },
            mode: u32::from_str_radix(mode, 8).map_err(|_| wrong())?,
            uid: uid.parse().map_err(|_| wrong())?,
            gid: gid.parse().map_err(|_| wrong())?,
            package: match package {
                "-" => None,
                word => Some(unescape_any(word)?.to_string_lossy().into_owned()),
            },
        })
    }
}

const FIELD: &str = "Brought";

fn file(layout: &Layout, view: &ViewName) -> PathBuf {
    layout.view(view).join("brought")
}

impl Brought {
    /// A view's; nothing, if it has placed nothing.
    pub fn read(layout: &Layout, view: &ViewName) -> Done<Brought> {
        let path = file(layout, view);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Brought::default()),
            Err(e) => return Err(StateError::read(&path, e)),
        };
        Brought::parse(&text).map_err(|why| StateError::Damaged { path, why })
    }

    fn parse(text: &str) -> Result<Brought, ManifestError> {
        let mut brought = Brought::default();
        for mut stanza in stanza::read(text)? {
            let lines = stanza.take_each(FIELD, |line| {
                let words: Vec<&str> = line.split(' ').collect();
                let (path, item) = words.split_first().ok_or("an empty line")?;
                Ok((unescape(path)?, Item::of_words(item)?))
            })?;
            brought.items.extend(lines);
            stanza.end()?;
        }
        Ok(brought)
    }

    pub(super) fn to_text(&self) -> String {
        let mut stanza = Stanza::default();
        let line =
            |(path, item): (&PathBuf, &Item)| format!("{} {}", escape(path), item.to_words());
        stanza.put_lines(FIELD, self.items.iter().map(line));
        let mut text = String::new();
        stanza.write(&mut text);
        stanza::seal(text)
    }

    /// Write it, at once; durable when its file system is.
    pub(super) fn write(&self, disk: &Disk, layout: &Layout, view: &ViewName) -> Done {
        let (path, aside) = (
            file(layout, view),
            layout.tmp().join(format!("{view}.brought")),
        );
        disk.remove_file(&aside)?;
        if self.items.is_empty() {
            return Ok(disk.remove_file(&path)?);
        }
        disk.write(&aside, self.to_text().as_bytes())?;
        disk.sync_file(&aside)?;
        Ok(disk.rename(&aside, &path)?)
    }

    /// What is below a path, and not it.
    pub(super) fn below<'b>(
        &'b self,
        path: &'b Path,
    ) -> impl DoubleEndedIterator<Item = (&'b PathBuf, &'b Item)> + 'b {
        // Paths are ordered by their components: all that is below comes right behind.
        let behind = self
            .items
            .range::<Path, _>((Bound::Excluded(path), Bound::Unbounded));
        let below: Vec<_> = behind.take_while(|(p, _)| p.starts_with(path)).collect();
        below.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_as_written() {
        let item = |what| Item {
            what,
            mode: 0o2755,
            uid: 1,
            gid: 22,
            package: Some("x:amd64".into()),
        };
        let mut brought = Brought::default();
        for (path, what) in [
            ("etc/a b", What::Dir),
            ("etc/a b/c\n", What::File(Sha256::of(b"x"))),
            ("etc/a", What::Link("../%/ö".into())),
            ("var/p", What::Fifo),
            ("var/d", What::Device(true, 2049)),
            ("var/e", What::Device(false, 259)),
        ] {
            brought.items.insert(path.into(), item(what));
        }
        brought.items.get_mut(Path::new("var/p")).unwrap().package = None;
        assert_eq!(Brought::parse(&brought.to_text()).unwrap(), brought);
        let below: Vec<_> = brought.below(Path::new("etc/a b")).map(|b| b.0).collect();
        assert_eq!(below, [Path::new("etc/a b/c\n")]);
        let cut = brought.to_text().replace("var/p", "var/q");
        assert_eq!(Brought::parse(&cut), Err(ManifestError::Cut));
    }
}
