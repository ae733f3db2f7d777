//! `views/VIEW/gen/N/bin/`: commands of wanted packages, to stand in a PATH outside of contexts.
//!
//! | a command is | if |
//! |---|---|
//! | a link into the generation's tree | it is an ELF program that is rewritten (or static), and names nothing by its absolute path that is in the generation |
//! | the same | it is set-id: a context of a user would take that away |
//! | a launcher, which enters the context | it is anything else: a script, a link that leaves the tree, a program that could not be rewritten |
//!
//! It has its name where that is free, and `NAME@SLOT` where it is taken. Packages without slot come first, then slots by
//! name. What came along (autos) is not exported.
//!
//! A launcher names the generation it is of, as the links do: a directory `current/bin` on a PATH follows switches.
#![forbid(unsafe_code)]

mod strings;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use crate::elf::{Image, View};
use crate::generation::{Disk, DiskError};
use crate::layout::{Layout, SlotName, inside};
use crate::link::{LinkError, unlinked};
use crate::manifest::{Manifest, Member, Reason, State};

/// Why commands can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// What could not be rewritten is not known.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// An exported command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// As it is called.
    pub name: OsString,
    /// What it is, as in a context: `/usr/bin/CMD`.
    pub command: PathBuf,
    /// How it is started.
    pub how: How,
}

/// How a command is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// It is a link, from `bin/`.
    Link(PathBuf),
    /// By a script that enters the context, and why that is needed.
    Launcher(Vec<u8>, Why),
}

/// Why a command needs a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// It is no ELF program: a script, or what the kernel or a shell knows.
    NoProgram,
    /// It could not be rewritten.
    Unlinked,
    /// It names a path that is in the generation.
    Names(PathBuf),
    /// It is a link that leads out of the tree.
    Leaves(PathBuf),
    /// It is called by another name here, which it might look at.
    Renamed,
}

/// Where commands are.
const DIRS: &[&str] = &["usr/bin", "usr/sbin", "usr/games"];
/// Links that are followed before one is taken for a loop.
const LINKS: usize = 40;

/// The commands of a generation whose trees are in `generation`, by name.
pub fn decide(
    layout: &Layout,
    generation: &Path,
    manifest: &Manifest,
) -> Result<Vec<Export>, ExportError> {
    let mut wanted: Vec<&Member> = manifest.packages.iter().collect();
    wanted.retain(|m| m.reason == Reason::Want && m.state != State::ConfigFiles);
    wanted.sort_by_key(|m| (m.slot.clone(), m.realization.clone()));
    let mut exports: BTreeMap<OsString, Export> = BTreeMap::new();
    for member in wanted {
        let of = Package {
            member,
            manifest,
            generation,
            unlinked: unlinked(layout, &member.realization)?
                .into_iter()
                .map(|u| u.path)
                .collect(),
        };
        for command in commands(&layout.realization(&member.realization))? {
            let Some(own) = command.file_name() else {
                continue;
            };
            let name = match (&member.slot, exports.contains_key(own)) {
                (_, false) => own.to_owned(),
                // A package of the same tree has it in another directory: the first counts.
                (None, true) => continue,
                (Some(slot), true) => {
                    let mut name = own.to_owned();
                    name.push(format!("@{slot}"));
                    name
                }
            };
            if exports.contains_key(&name) {
                continue;
            }
            let export = of.export(name.clone(), &command)?;
            exports.insert(name, export);
        }
    }
    Ok(exports.into_values().collect())
}

/// Write `bin/`.
pub fn write(disk: &Disk, generation: &Path, exports: &[Export]) -> Result<(), ExportError> {
    let bin = generation.join(inside::BIN);
    disk.make_dir(&bin)?;
    for export in exports {
        let path = bin.join(&export.name);
        match &export.how {
            How::Link(target) => disk.symlink(target, &path)?,
            How::Launcher(text, _) => {
                disk.write(&path, text)?;
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(&path, mode).map_err(|e| read(&path, e))?;
            }
        }
    }
    Ok(())
}

fn read(path: &Path, source: io::Error) -> ExportError {
    let path = path.into();
    ExportError::Read { path, source }
}

/// The commands of a realization, relative to it.
fn commands(realization: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let mut commands = Vec::new();
    for dir in DIRS {
        let from = realization.join(dir);
        let entries = match fs::read_dir(&from) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|e| read(&from, e))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| read(&from, e))?;
            let is = entry.metadata().map_err(|e| read(&entry.path(), e))?;
            if is.is_symlink() || is.is_file() && is.permissions().mode() & 0o111 != 0 {
                found.push(Path::new(dir).join(entry.file_name()));
            }
        }
        found.sort();
        commands.extend(found);
    }
    Ok(commands)
}

/// A package whose commands are exported.
struct Package<'a> {
    member: &'a Member,
    manifest: &'a Manifest,
    generation: &'a Path,
    unlinked: Vec<PathBuf>,
}

impl Package<'_> {
    fn slot(&self) -> Option<&SlotName> {
        self.member.slot.as_ref()
    }

    fn export(&self, name: OsString, command: &Path) -> Result<Export, ExportError> {
        let tree = inside::tree(self.slot());
        let why = match command.file_name() == Some(&name) {
            true => self.needs_context(&self.generation.join(&tree), command)?,
            false => Some(Why::Renamed),
        };
        let absolute = Path::new("/").join(command);
        let how = match why {
            None => How::Link(Path::new("..").join(&tree).join(command)),
            Some(why) => How::Launcher(self.launcher(&absolute), why),
        };
        Ok(Export {
            name,
            command: absolute,
            how,
        })
    }

    fn needs_context(&self, tree: &Path, command: &Path) -> Result<Option<Why>, ExportError> {
        let Some(file) = follow(tree, command) else {
            return Ok(Some(Why::Leaves(command.into())));
        };
        if self.member.setuid.iter().any(|s| s.path == file) {
            return Ok(None);
        }
        if self.unlinked.contains(&file) {
            return Ok(Some(Why::Unlinked));
        }
        let path = tree.join(&file);
        let bytes = fs::read(&path).map_err(|e| read(&path, e))?;
        let Ok(image) = Image::read(View::of(&bytes)) else {
            return Ok(Some(Why::NoProgram));
        };
        let interpreter = image.interpreter().ok().flatten();
        let is_interpreter = |p: &Path| interpreter.as_deref() == Some(p.as_os_str().as_bytes());
        let trees = [tree.to_path_buf(), self.generation.join(inside::TREE)];
        let named = strings::paths(&bytes).into_iter().find(|path| {
            let merged = strings::merged(path);
            !is_interpreter(path)
                && !strings::is_loader(path)
                && !strings::is_shared(&merged)
                && trees
                    .iter()
                    .any(|t| fs::symlink_metadata(t.join(&merged)).is_ok())
        });
        Ok(named.map(Why::Names))
    }

    fn launcher(&self, command: &Path) -> Vec<u8> {
        let Manifest { view, number, .. } = self.manifest;
        let mut text = format!("#!/bin/sh\nexec dpkg-ng run --view {view}@{number}").into_bytes();
        if self.slot().is_some() {
            let id = &self.member.realization;
            let (package, version, arch) = (id.package(), id.version(), id.architecture());
            let selector = format!(" -p {package}={version}:{arch}");
            text.extend(selector.bytes());
        }
        text.extend(b" -- ");
        text.extend(quoted(command.as_os_str()));
        text.extend(b" \"$@\"\n");
        text
    }
}

/// The file a command is, relative to the tree; none, if a link leads out of it, or nowhere.
fn follow(tree: &Path, command: &Path) -> Option<PathBuf> {
    let mut path = command.to_path_buf();
    for _ in 0..LINKS {
        let is = fs::symlink_metadata(tree.join(&path)).ok()?;
        if is.is_file() {
            return Some(path);
        }
        let target = fs::read_link(tree.join(&path)).ok()?;
        path.pop();
        for part in target.components() {
            match part {
                Component::Normal(name) => path.push(name),
                Component::ParentDir => path.pop().then_some(())?,
                Component::CurDir => {}
                Component::RootDir | Component::Prefix(_) => return None,
            }
            // The way itself must not be by links.
            let on_the_way = fs::symlink_metadata(tree.join(&path)).ok()?;
            if on_the_way.is_symlink() && part != target.components().next_back()? {
                return None;
            }
        }
    }
    None
}

/// For a shell: a file's name may have anything in it.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut text = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => text.extend(b"'\\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
    text
}
