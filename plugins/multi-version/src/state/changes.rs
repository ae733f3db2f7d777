//! What is to be carried out: plain data, and the redo log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::accounts::Additions;
use super::brought::Item;
use super::{Done, Kept, StateError, StateKind};
use crate::generation::Disk;
use crate::manifest::ManifestError;
use crate::manifest::path::{escape, unescape};
use crate::manifest::stanza::{self, Stanza};
use crate::world::WorldDir;

/// What is to become of a world's scratch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Whose state it is.
    pub kind: StateKind,
    /// The scratch, relative to the generation.
    pub scratch: PathBuf,
    /// Where each of the scratch's directories was laid, relative to `/`, and its name.
    pub layers: Vec<(PathBuf, String)>,
    /// Whether the world's first state is to be made the view's.
    pub founds: bool,
    /// What is to be done, in order. Each may have been done before.
    pub steps: Vec<Step>,
    /// What is added to the host's accounts, before anything else is done.
    pub accounts: Additions,
    /// What is not carried over. It is told, and not in the log.
    pub kept: Vec<Kept>,
}

/// Something to be done with a path, relative to `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `own`: a directory on the way to something, like the scratch's.
    Make(PathBuf),
    /// `own`: what is in the scratch takes the place of what is there.
    Move(PathBuf),
    /// `own`: what is there goes.
    Drop(PathBuf),
    /// `own`: what is there goes, and what is under the state is hidden.
    Hide(PathBuf),
    /// `own`: a directory gets the scratch's owner, mode and attributes.
    Dress(PathBuf),
    /// `host`: what is in the scratch, where nothing is.
    Place(PathBuf, Item),
    /// `host`: what is in the scratch, in the place of what is ours and as it was brought. Of directories, owner and mode.
    Change(PathBuf, Item, Item),
    /// `host`: what is ours and as it was brought goes.
    Remove(PathBuf, Item),
    /// `host`: another view has brought it just so: it is ours, too.
    Share(PathBuf, Item),
    /// `host`: it is not ours any more.
    Forget(PathBuf),
}

impl Step {
    /// Its path.
    pub fn path(&self) -> &Path {
        match self {
            Step::Make(path)
            | Step::Move(path)
            | Step::Drop(path)
            | Step::Hide(path)
            | Step::Dress(path)
            | Step::Place(path, _)
            | Step::Change(path, _, _)
            | Step::Remove(path, _)
            | Step::Share(path, _)
            | Step::Forget(path) => path,
        }
    }

    fn to_line(&self) -> String {
        let path = escape(self.path());
        match self {
            Step::Make(_) => format!("make {path}"),
            Step::Move(_) => format!("move {path}"),
            Step::Drop(_) => format!("drop {path}"),
            Step::Hide(_) => format!("hide {path}"),
            Step::Dress(_) => format!("dress {path}"),
            Step::Place(_, item) => format!("place {path} {}", item.to_words()),
            Step::Change(_, was, item) => {
                format!("change {path} {} {}", was.to_words(), item.to_words())
            }
            Step::Remove(_, item) => format!("remove {path} {}", item.to_words()),
            Step::Share(_, item) => format!("share {path} {}", item.to_words()),
            Step::Forget(_) => format!("forget {path}"),
        }
    }

    fn of_line(line: &str) -> Result<Step, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, path, items @ ..] = &words[..] else {
            return Err(format!("'{line}' is no step"));
        };
        let path = unescape(path)?;
        Ok(match (*what, items.len()) {
            ("make", 0) => Step::Make(path),
            ("move", 0) => Step::Move(path),
            ("drop", 0) => Step::Drop(path),
            ("hide", 0) => Step::Hide(path),
            ("dress", 0) => Step::Dress(path),
            ("place", _) => Step::Place(path, Item::of_words(items)?),
            ("change", _) => {
                let (was, item) = items.split_at(items.len() / 2);
                Step::Change(path, Item::of_words(was)?, Item::of_words(item)?)
            }
            ("remove", _) => Step::Remove(path, Item::of_words(items)?),
            ("share", _) => Step::Share(path, Item::of_words(items)?),
            ("forget", 0) => Step::Forget(path),
            _ => return Err(format!("'{line}' is no step")),
        })
    }
}

/// The log, in a world.
pub(super) const LOG: &str = "changes";

impl Changes {
    /// Whether there is nothing to be done.
    pub fn is_empty(&self) -> bool {
        !self.founds && self.steps.is_empty() && self.accounts.is_empty()
    }

    /// Write the log into the world, which is pending. Durable when the generation is.
    pub fn write(&self, disk: &Disk, world: &WorldDir) -> Done {
        let path = world.path().join(LOG);
        Ok(disk.write_as(&path, self.to_text().as_bytes(), 0o600)?)
    }

    fn to_text(&self) -> String {
        let mut stanza = Stanza::default();
        stanza.put("State", self.kind);
        stanza.put("Scratch", escape(&self.scratch));
        if self.founds {
            stanza.put("First", "yes");
        }
        let layers = self.layers.iter();
        stanza.put_lines(
            "Layers",
            layers.map(|(at, s)| format!("{} {s}", escape(at))),
        );
        stanza.put_lines("Accounts", self.accounts.to_lines());
        stanza.put_lines("Steps", self.steps.iter().map(Step::to_line));
        let mut text = String::new();
        stanza.write(&mut text);
        stanza::seal(text)
    }

    fn parse(text: &str) -> Result<Changes, ManifestError> {
        let mut stanza = crate::manifest::the_one(text)?;
        let mut accounts = Additions::default();
        let changes = Changes {
            kind: stanza.take("State")?,
            scratch: unescape(&stanza.take::<String>("Scratch")?)
                .map_err(ManifestError::Stranger)?,
            founds: stanza.take_maybe::<String>("First")?.is_some(),
            layers: stanza.take_each("Layers", |line| {
                let words = line.split_once(' ').ok_or("one word")?;
                Ok((unescape(words.0)?, words.1.to_owned()))
            })?,
            steps: stanza.take_each("Steps", Step::of_line)?,
            accounts: {
                let lines = stanza.take_each("Accounts", |line| Ok(line.to_owned()))?;
                for line in lines {
                    accounts.take_line(&line).map_err(ManifestError::Stranger)?;
                }
                accounts
            },
            kept: Vec::new(),
        };
        stanza.end()?;
        Ok(changes)
    }

    /// A world's log, if there is one.
    pub(super) fn read(world: &Path) -> Done<Option<Changes>> {
        Changes::read_from(&world.join(LOG))
    }

    /// A log, if there is one of this name.
    pub(super) fn read_from(path: &Path) -> Done<Option<Changes>> {
        match fs::read_to_string(path) {
            Ok(text) => Changes::parse(&text)
                .map(Some)
                .map_err(|why| StateError::Damaged {
                    path: path.into(),
                    why,
                }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StateError::read(path, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::{Entry, Member};
    use super::super::brought::What;
    use super::*;

    #[test]
    fn read_as_written() {
        let item = |uid| Item {
            what: What::Link("/a b".into()),
            mode: 0o777,
            uid,
            gid: 0,
            package: None,
        };
        let path = || PathBuf::from("var/a b%");
        let mut changes = Changes {
            kind: StateKind::Host,
            scratch: "work/main".into(),
            founds: true,
            layers: vec![
                ("etc".into(), "etc".into()),
                ("var/l".into(), "var%2fl".into()),
            ],
            steps: vec![
                Step::Make(path()),
                Step::Move(path()),
                Step::Drop(path()),
                Step::Hide(path()),
                Step::Dress(path()),
                Step::Place(path(), item(1)),
                Step::Change(path(), item(1), item(2)),
                Step::Remove(path(), item(2)),
                Step::Share(path(), item(3)),
                Step::Forget(path()),
            ],
            accounts: Additions {
                entries: vec![Entry {
                    file: 0,
                    line: b"x:x:1:1:a b,\xff:/:/bin/sh".to_vec(),
                    shared: true,
                }],
                members: vec![Member {
                    file: 1,
                    group: b"g".to_vec(),
                    member: b"x".to_vec(),
                }],
            },
            kept: Vec::new(),
        };
        assert_eq!(Changes::parse(&changes.to_text()).unwrap(), changes);
        changes.founds = false;
        changes.steps.clear();
        changes.accounts = Additions::default();
        assert!(changes.is_empty());
        assert_eq!(Changes::parse(&changes.to_text()).unwrap(), changes);
    }
}
