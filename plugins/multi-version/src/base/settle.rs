//! After a run: what became of the base.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use dpkgng_plugin::Host;
use rustix::fs::{CWD, FileType, Mode};

use super::host::{self, Known};
use super::pieces::{self, Listed};
use super::{ADMINDIR, BaseError, Done, Lent, PackageKey, brought, content, names};
use crate::generation::{Disk, is_whiteout, what_is_at};
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
/// package of the world has; and, as dpkg would remove them, directories that only such packages list and in which nothing is
/// left. What was hidden so and need not be any more shows again.
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

    let mut covered = match own.is_empty() {
        true => Covered::default(),
        false => covered(host, root, &own)?,
    };
    if !covered.directories.is_empty() {
        covered.keep_unlisted(host, root, world, &own)?;
    }
    let tree = world.tree();
    let mut settled = Settled::default();
    for path in &lent.whiteouts {
        let at = tree.join(path);
        let wanted = covered.files.contains(path) || covered.directories.contains(path);
        if !wanted && is_whiteout_at(&at)? {
            disk.remove_file(&at)?;
            settled.shown.push(path.clone());
        }
    }
    // What stands in the way of one was seen to first.
    let mut files = BTreeSet::new();
    for path in covered.files {
        if !hidden(&tree, &path)? {
            files.insert(path);
        }
    }
    for path in &files {
        if !is_whiteout_at(&tree.join(path))? {
            whiteout(disk, root, &tree, path)?;
            settled.hidden.push(path.clone());
        }
    }
    lent.whiteouts = files;
    // What is below something comes before it.
    for path in covered.directories.iter().rev() {
        let at = tree.join(path);
        if !is_whiteout_at(&at)? {
            if !shows_nothing(root, &tree, path)? {
                continue;
            }
            // Of whiteouts, if of anything.
            disk.remove_tree(&at)?;
            whiteout(disk, root, &tree, path)?;
            settled.hidden.retain(|hidden| !hidden.starts_with(path));
            settled.hidden.push(path.clone());
        }
        lent.whiteouts.retain(|hidden| !hidden.starts_with(path));
        lent.whiteouts.insert(path.clone());
    }
    if lent != Lent::read(world)? {
        lent.write(disk, world)?;
    }
    settled.lent = lent;
    Ok(settled)
}

/// Paths of the host that packages list which the world has in versions of its own, or has removed.
#[derive(Default)]
struct Covered {
    files: BTreeSet<PathBuf>,
    directories: BTreeSet<PathBuf>,
}

fn covered(host: Host, root: &Path, own: &BTreeSet<&PackageKey>) -> Done<Covered> {
    let hosts = root.join(ADMINDIR);
    let diverted = pieces::diverted(&hosts)?;
    let mut covered = Covered::default();
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
            let inside = TOPS
                .iter()
                .any(|top| path.starts_with(top) && path != Path::new(top));
            if !inside || !is_below(&path) {
                continue;
            }
            let at = root.join(&path);
            match look(&at)? {
                Some(is) if is.is_dir() => {
                    covered.directories.insert(path);
                }
                Some(_) => {
                    covered.files.insert(path);
                }
                None => {}
            }
        }
    }
    Ok(covered)
}

impl Covered {
    /// Of the directories only those stay that no other package lists, neither of the world nor of the host: dpkg
    /// removes a directory with the last package that has it.
    fn keep_unlisted(
        &mut self,
        host: Host,
        root: &Path,
        world: &WorldDir,
        own: &BTreeSet<&PackageKey>,
    ) -> Done {
        let info = world.admindir().join("info");
        for name in names(&info)? {
            if name.as_bytes().ends_with(b".list") {
                self.drop_listed(&info.join(name))?;
            }
        }
        // Most often no directory is left, and the host has many packages.
        if self.directories.is_empty() {
            return Ok(());
        }
        let hosts = root.join(ADMINDIR);
        for known in host::read(host, &hosts, root)? {
            if !own.contains(&known.key) {
                self.drop_listed(&hosts.join(format!("info/{}.list", known.info_name())))?;
            }
        }
        Ok(())
    }

    fn drop_listed(&mut self, list: &Path) -> Done {
        let text = content(list)?.unwrap_or_default();
        for line in text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let path = pieces::merged(line);
            self.directories.remove(Path::new(OsStr::from_bytes(&path)));
        }
        Ok(())
    }
}

/// Whether the tree has something at a path, or instead of a directory on the way to it; a whiteout at the path itself is nothing.
fn hidden(tree: &Path, path: &Path) -> Done<bool> {
    let mut at = tree.to_path_buf();
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        at.push(part);
        let Some(is) = look(&at)? else {
            return Ok(false);
        };
        if parts.peek().is_none() {
            return Ok(!is_whiteout(&is));
        }
        if !is.is_dir() {
            return Ok(true);
        }
    }
    Ok(true)
}

/// Whether the tree over the host shows a directory in which nothing is.
fn shows_nothing(root: &Path, tree: &Path, path: &Path) -> Done<bool> {
    let at = tree.join(path);
    match look(&at)? {
        Some(is) if !is.is_dir() => return Ok(false),
        None if hidden(tree, path)? => return Ok(false),
        _ => {}
    }
    for name in names(&at)? {
        if !is_whiteout_at(&at.join(name))? {
            return Ok(false);
        }
    }
    for name in names(&root.join(path))? {
        if !is_whiteout_at(&at.join(name))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Hide what is at a path of the host, where the tree has nothing.
fn whiteout(disk: &Disk, root: &Path, tree: &Path, path: &Path) -> Done {
    parents(disk, root, tree, path)?;
    let at = tree.join(path);
    let made = disk.step("make whiteout", &at, || {
        let kind = FileType::CharacterDevice;
        Ok(rustix::fs::mknodat(CWD, &at, kind, Mode::empty(), 0)?)
    });
    Ok(made?)
}

fn look(path: &Path) -> Done<Option<Metadata>> {
    what_is_at(path).map_err(|e| BaseError::read(path, e))
}

fn is_whiteout_at(path: &Path) -> Done<bool> {
    Ok(look(path)?.as_ref().is_some_and(is_whiteout))
}

/// The directories on the way to a path, as the host has them: what is in them shows through.
fn parents(disk: &Disk, root: &Path, tree: &Path, path: &Path) -> Done {
    let ups: Vec<&Path> = path.ancestors().skip(1).collect();
    for up in ups.iter().rev().filter(|up| !up.as_os_str().is_empty()) {
        let at = tree.join(up);
        if look(&at)?.is_none() {
            let like = root.join(up);
            let like = fs::symlink_metadata(&like).map_err(|e| BaseError::read(&like, e))?;
            disk.make_dir(&at)?;
            disk.adopt(&at, &like)?;
        }
    }
    Ok(())
}
