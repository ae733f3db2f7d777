//! What of /etc has to be overlaid: the host's stays as it is and can be written, but for directories that
//! lack something of the generation, and for the alternatives, which belong to what is in /usr.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{ContextError, Host, Mount, Mounts, is_dir};
use crate::layout::Layout;

/// The links of update-alternatives: the generation's count before the host's.
const ALTERNATIVES: &str = "etc/alternatives";

pub(super) fn decide(
    trees: &[PathBuf],
    layout: &Layout,
    host: &Host,
    mounts: &mut Mounts,
) -> Result<(), ContextError> {
    let mut dirs = BTreeSet::new();
    for tree in trees {
        lacking(tree, Path::new("etc"), &host.root, &mut dirs)?;
    }
    // A directory is covered with the one it is in.
    let inner: Vec<PathBuf> = dirs
        .iter()
        .filter(|d| d.ancestors().skip(1).any(|a| dirs.contains(a)))
        .cloned()
        .collect();
    dirs.retain(|d| !inner.contains(d));
    let alternatives = Path::new(ALTERNATIVES);
    if trees.iter().any(|t| is_dir(t, alternatives)) {
        let there = is_dir(&host.root, alternatives);
        dirs.insert(
            if there {
                alternatives
            } else {
                Path::new("etc")
            }
            .into(),
        );
    }
    for dir in dirs {
        let at = host.root.join(&dir);
        let keep = host.below(&at);
        if !keep.is_empty() && !host.privileged {
            mounts.lacking.push(at);
            continue;
        }
        let having = trees.iter().filter(|t| is_dir(t, &dir));
        let mut layers: Vec<PathBuf> = having.map(|t| t.join(&dir)).collect();
        let hosts = layout.host().join(&dir);
        match dir == alternatives {
            true => layers.push(hosts),
            false => layers.insert(0, hosts),
        }
        mounts.mounts.push(Mount::Overlay {
            at,
            layers,
            upper: None,
            keep,
        });
    }
    Ok(())
}

/// Directories of the host, relative to its root, that lack something of the tree.
fn lacking(
    tree: &Path,
    dir: &Path,
    root: &Path,
    dirs: &mut BTreeSet<PathBuf>,
) -> Result<(), ContextError> {
    if dir == Path::new(ALTERNATIVES) {
        return Ok(());
    }
    let from = tree.join(dir);
    let entries = match fs::read_dir(&from) {
        // What the caller may not look at is nothing to them.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            return Ok(());
        }
        entries => entries.map_err(|e| ContextError::read(&from, e))?,
    };
    let mut inner = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| ContextError::read(&from, e))?;
        let path = dir.join(entry.file_name());
        match fs::symlink_metadata(root.join(&path)) {
            // All that is in it is covered with it.
            Err(e) if e.kind() == ErrorKind::NotFound => {
                dirs.insert(dir.into());
                return Ok(());
            }
            // What we may not look at is there.
            Err(_) => {}
            Ok(hosts) => {
                let is_dir = entry.file_type().is_ok_and(|t| t.is_dir());
                inner.extend((is_dir && hosts.is_dir()).then_some(path));
            }
        }
    }
    for dir in inner {
        lacking(tree, &dir, root, dirs)?;
    }
    Ok(())
}
