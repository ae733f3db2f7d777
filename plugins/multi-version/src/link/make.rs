//! One realization, in `tmp/`.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::linking::Linking;
use super::undo::Records;
use super::unlinked::{self, Kind, Unlinked};
use super::{Done, LinkError, read_error};
use crate::elf::{Outcome, Skip, rewrite};
use crate::facts::Object;
use crate::generation::{Disk, GenerationError, entries, is_there};
use crate::layout::{Layout, inside};

/// What is in a payload, directories before their contents.
#[derive(Default)]
struct Payload {
    dirs: Vec<(PathBuf, Metadata)>,
    files: Vec<(PathBuf, Metadata)>,
}

impl Payload {
    fn read(payload: &Path) -> Done<Payload> {
        let mut all = Payload::default();
        let mut left = vec![PathBuf::new()];
        while let Some(dir) = left.pop() {
            for name in entries(&payload.join(&dir))? {
                let path = dir.join(&name);
                let from = payload.join(&path);
                let is = fs::symlink_metadata(&from).map_err(|e| read_error(&from, e))?;
                if path == Path::new(inside::METADATA) {
                    continue;
                }
                if path == Path::new(inside::LIB) {
                    return Err(LinkError::LibInPayload(from));
                }
                if is.is_dir() {
                    left.push(path.clone());
                    all.dirs.push((path, is));
                } else if is.is_file() && is.mode() & 0o6000 != 0 {
                    return Err(GenerationError::SetuidInStore(from).into());
                } else {
                    all.files.push((path, is));
                }
            }
        }
        Ok(all)
    }
}

/// Makes a realization.
pub(super) struct Maker<'a> {
    disk: &'a Disk,
    linking: &'a Linking<'a>,
    payload: PathBuf,
    to: PathBuf,
    undo: Records,
    unlinked: Vec<Unlinked>,
    /// The rewritten, by the inode in the store: what they are in the realization, and their undo record.
    rewritten: BTreeMap<(u64, u64), (PathBuf, usize)>,
}

impl<'a> Maker<'a> {
    pub fn new(layout: &Layout, disk: &'a Disk, linking: &'a Linking<'a>) -> Maker<'a> {
        Maker {
            disk,
            linking,
            payload: layout.installation(&linking.facts.id),
            to: layout.tmp().join(linking.id.to_string()),
            undo: Records::default(),
            unlinked: Vec::new(),
            rewritten: BTreeMap::new(),
        }
    }

    /// Make it, its record last. It is not durable and has no name yet. Returns what could not be rewritten.
    pub fn make(mut self) -> Done<Vec<Unlinked>> {
        let disk = self.disk;
        if is_there(&self.to).map_err(|e| read_error(&self.to, e))? {
            // Of a try of this same command that failed.
            disk.remove_tree(&self.to)?;
        }
        disk.make_dir(&self.to)?;
        let payload = Payload::read(&self.payload)?;
        for (path, _) in &payload.dirs {
            disk.make_dir(&self.to.join(path))?;
        }
        // Objects first: whatever else names the same inode gets the rewritten one.
        let (objects, others): (Vec<_>, Vec<_>) = payload
            .files
            .iter()
            .map(|(path, is)| (path, is, self.object(path, is)))
            .partition(|(_, _, object)| object.is_some());
        for (path, is, object) in objects.into_iter().chain(others) {
            self.file(path, is, object)?;
        }
        for (path, is) in payload.dirs.iter().rev() {
            disk.adopt(&self.to.join(path), is)?;
        }
        for (path, why) in &self.linking.facts.damaged {
            self.leave(path, Kind::Damaged, why.clone());
        }
        self.metadata()?;
        Ok(self.unlinked)
    }

    fn object(&self, path: &Path, is: &Metadata) -> Option<&'a Object> {
        let objects = &self.linking.facts.objects;
        let at = objects
            .binary_search_by(|o| o.path.as_path().cmp(path))
            .ok();
        at.and_then(|at| objects.get(at)).filter(|_| is.is_file())
    }

    fn file(&mut self, path: &Path, is: &Metadata, object: Option<&Object>) -> Done {
        let (from, to) = (self.payload.join(path), self.to.join(path));
        let inode = (is.dev(), is.ino());
        if let Some((first, number)) = self.rewritten.get(&inode) {
            self.disk.link(&self.to.join(first), &to)?;
            self.undo.also(*number, path.into());
            return Ok(());
        }
        let Some(object) = object else {
            return Ok(self.disk.link(&from, &to)?);
        };
        if let Some(machine) = self.linking.other_machine(object) {
            let why = format!("it is for {machine}, of which this view has no packages");
            self.leave(path, Kind::Machine, why);
            return Ok(self.disk.link(&from, &to)?);
        }
        let base = fs::read(&from).map_err(|e| read_error(&from, e))?;
        let why = match rewrite(&base, &self.linking.wish(object)) {
            Outcome::Edit(_, edit) => {
                self.disk.edited(&from, &base, &edit, &to)?;
                let number = self.undo.add(path.into(), edit.undo);
                self.rewritten.insert(inode, (path.into(), number));
                return Ok(());
            }
            Outcome::Skip(why @ Skip::ForeignInterpreter) => {
                Some((Kind::Interpreter, why.to_string()))
            }
            Outcome::Skip(_) => None,
            Outcome::Unsupported(why) => Some((Kind::Refused, why.to_string())),
        };
        if let Some((kind, why)) = why {
            self.leave(path, kind, why);
        }
        Ok(self.disk.link(&from, &to)?)
    }

    fn leave(&mut self, path: &Path, kind: Kind, why: String) {
        let path = path.to_path_buf();
        self.unlinked.push(Unlinked { path, kind, why });
    }

    fn metadata(&mut self) -> Done {
        let Maker { disk, to, .. } = self;
        if !self.linking.lib.is_empty() {
            let lib = to.join(inside::LIB);
            disk.make_dir(&lib)?;
            for (name, target) in &self.linking.lib {
                disk.symlink(target, &lib.join(name.as_str()))?;
            }
        }
        disk.make_dir(&to.join(inside::METADATA))?;
        if !self.undo.is_empty() {
            disk.write(&to.join(inside::UNDO), &self.undo.encode())?;
        }
        self.unlinked.sort();
        if !self.unlinked.is_empty() {
            let text = unlinked::to_text(&self.unlinked);
            disk.write(&to.join(inside::UNLINKED), text.as_bytes())?;
        }
        let text = self.linking.realization.to_text();
        Ok(disk.write(&to.join(inside::REALIZATION), text.as_bytes())?)
    }
}
