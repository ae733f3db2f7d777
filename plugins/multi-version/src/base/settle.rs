//! After a run: what became of the base.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use dpkgng_plugin::Host;
use rustix::fs::{CWD, FileType, Mode};

use super::host::{self, Known};
use super::pieces::{self, Listed};
use super::{ADMINDIR, BaseError, Done, Lent, PackageKey, brought};
use crate::generation::Disk;
use crate::manifest::path::is_below;
use crate::world::WorldDir;

/// What became of the base, and of files of the host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// What of the world is the host's now.
    pub lent: Lent,
    /// Paths below the world's tree that are whiteouts now and were none before.
    pub hidden: Vec<PathBuf>,
    /// Paths that were whiteouts and are none any more.
    pub shown: Vec<PathBuf>,
}

/// Where the host's files show through.
pub(super) const TOPS: [&str; 2] = ["usr", "opt"];

/// Before a commit: see which packages of the base the world has made its own or removed, and hide those files of the host
/// that are of the host's version of a package which the world has in a version of its own, or has removed, and that no
/// package of the world has. What was hidden so and need not be any more shows again.
pub fn settle(host: Host, disk: &Disk, root: &Path, world: &WorldDir) -> Done<Settled> {
    let mut lent = Lent::read(world)?;
    let (before, brought) = (lent.clone(), brought(world)?);
    let there = host::read(host, &world.admindir(), &world.tree())?;
    let there: BTreeMap<&PackageKey, &Known> = there.iter().map(|k| (&k.key, k)).collect();
    for (key, version) in before.packages {
        let still = there.get(&key).is_some_and(|known| {
            known.has_files() && known.version == version && !brought.contains(&key)
        });
        if !still {
            lent.packages.remove(&key);
            lent.own.insert(key);
        }
    }
    let own = there.values().filter(|k| k.has_files());
    let own = own.filter(|k| !lent.packages.contains_key(&k.key));
    let own: BTreeSet<&PackageKey> = own.map(|k| &k.key).chain(&lent.own).collect();

    let wanted = match own.is_empty() {
        true => BTreeSet::new(),
        false => covered(host, root, world, &own)?,
    };
    let tree = world.tree();
    let mut settled = Settled::default();
    for path in &lent.whiteouts {
        let at = tree.join(path);
        if !wanted.contains(path) && is_whiteout(&at)? {
            disk.remove_file(&at)?;
            settled.shown.push(path.clone());
        }
    }
    for path in &wanted {
        let at = tree.join(path);
        if is_whiteout(&at)? {
            continue;
        }
        parents(disk, root, &tree, path)?;
        disk.step("make whiteout", &at, || {
            let kind = FileType::CharacterDevice;
            Ok(rustix::fs::mknodat(CWD, &at, kind, Mode::empty(), 0)?)
        })?;
        settled.hidden.push(path.clone());
    }
    lent.whiteouts = wanted;
    if lent != Lent::read(world)? {
        lent.write(disk, world)?;
    }
    settled.lent = lent;
    Ok(settled)
}

/// Files of the host that are in these packages as it has them, and that nothing in the tree covers; those that a whiteout of
/// ours covers, too.
fn covered(
    host: Host,
    root: &Path,
    world: &WorldDir,
    own: &BTreeSet<&PackageKey>,
) -> Done<BTreeSet<PathBuf>> {
    let hosts = root.join(ADMINDIR);
    let diverted = pieces::diverted(&hosts)?;
    let tree = world.tree();
    let mut wanted = BTreeSet::new();
    for known in host::read(host, &hosts, root)? {
        if !own.contains(&known.key) || !known.has_files() {
            continue;
        }
        let mut listed = Listed::new();
        let name = known.info_name();
        pieces::list(
            &hosts.join("info").join(format!("{name}.list")),
            &mut listed,
        )?;
        for path in listed {
            let path = match diverted.get(&path) {
                Some((to, by)) if *by != known.key.0 => to.clone(),
                _ => path,
            };
            let path = PathBuf::from(OsStr::from_bytes(&path));
            if !TOPS.iter().any(|top| path.starts_with(top)) || !is_below(&path) {
                continue;
            }
            let shows = fs::symlink_metadata(root.join(&path)).is_ok_and(|is| !is.is_dir());
            if shows && !hidden(&tree, &path)? {
                wanted.insert(path);
            }
        }
    }
    Ok(wanted)
}

/// Whether the tree has something at a path, or instead of a directory on the way to it.
fn hidden(tree: &Path, path: &Path) -> Done<bool> {
    let mut at = tree.to_path_buf();
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let is = match fs::symlink_metadata(&at) {
            Ok(is) => is,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(BaseError::read(&at, e)),
        };
        if parts.peek().is_none() {
            return Ok(!(is.file_type().is_char_device() && is.rdev() == 0));
        }
        if !is.is_dir() {
            return Ok(true);
        }
    }
    Ok(true)
}

fn is_whiteout(path: &Path) -> Done<bool> {
    match fs::symlink_metadata(path) {
        Ok(is) => Ok(is.file_type().is_char_device() && is.rdev() == 0),
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(false)
        }
        Err(e) => Err(BaseError::read(path, e)),
    }
}

/// The directories on the way to a path, as the host has them: what is in them shows through.
fn parents(disk: &Disk, root: &Path, tree: &Path, path: &Path) -> Done {
    let ups: Vec<&Path> = path.ancestors().skip(1).collect();
    for up in ups.iter().rev().filter(|up| !up.as_os_str().is_empty()) {
        let at = tree.join(up);
        if fs::symlink_metadata(&at).is_err() {
            let like = root.join(up);
            let like = fs::symlink_metadata(&like).map_err(|e| BaseError::read(&like, e))?;
            disk.make_dir(&at)?;
            disk.adopt(&at, &like)?;
        }
    }
    Ok(())
}
