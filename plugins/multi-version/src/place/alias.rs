//! Names of libraries that no package has itself: `libblas.so.3`, which update-alternatives leads to the one or the other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::{Done, read};
use crate::world::WorldDir;

/// Links that are followed before one is taken for a loop.
const LINKS: usize = 40;

/// The links in a world's library directories that lead out of them, by update-alternatives or otherwise, to a file
/// of its tree: both relative to it.
///
/// # Errors
/// The directories can't be read.
pub fn aliases(dir: &WorldDir) -> Done<BTreeMap<PathBuf, PathBuf>> {
    let mut found = BTreeMap::new();
    let lib = Path::new("usr/lib");
    let mut dirs = vec![lib.to_path_buf(), "usr/lib32".into(), "usr/lib64".into(), "usr/libx32".into()];
    for name in names(&dir.tree().join(lib))? {
        // Debian's multiarch directories, such as x86_64-linux-gnu.
        if name.as_os_str().as_bytes().windows(4).any(|w| w == b"-gnu") {
            dirs.push(lib.join(name));
        }
    }
    for library_dir in dirs {
        for name in names(&dir.tree().join(&library_dir))? {
            let link = library_dir.join(name);
            let is_library = link.as_os_str().as_bytes().windows(3).any(|w| w == b".so");
            if is_library
                && let Some(target) = follow(dir, &link)
                && target.parent() != link.parent()
            {
                found.insert(link, target);
            }
        }
    }
    Ok(found)
}

fn names(dir: &Path) -> Done<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(read(dir))?,
    };
    let names = entries.map(|e| Ok(e?.file_name().into())).collect::<io::Result<Vec<_>>>();
    names.map_err(read(dir))
}

/// Where a path of a world's tree ends, relative to the tree, with `/etc/alternatives` as the world has them; none, if it
/// is no link, or leads out of the tree, or nowhere.
pub(crate) fn follow(dir: &WorldDir, path: &Path) -> Option<PathBuf> {
    let way = way(dir, path)?;
    (way.len() > 1).then(|| way.last().cloned())?
}

/// All names on that way, from the path itself to the file.
pub(crate) fn way(dir: &WorldDir, path: &Path) -> Option<Vec<PathBuf>> {
    let mut here = path.to_path_buf();
    let mut way = Vec::new();
    for _ in 0..LINKS {
        let at = match here.strip_prefix("etc") {
            Ok(below) => dir.etc().join(below),
            Err(_) => dir.tree().join(&here),
        };
        way.push(here.clone());
        let is = fs::symlink_metadata(&at).ok()?;
        if is.is_file() {
            return Some(way);
        }
        let target = fs::read_link(&at).ok()?;
        let mut next = match target.is_absolute() {
            true => PathBuf::new(),
            false => here.parent()?.to_path_buf(),
        };
        for part in target.components() {
            match part {
                Component::Normal(name) => next.push(name),
                Component::ParentDir => next.pop().then_some(())?,
                _ => {}
            }
        }
        here = crate::layout::merged(&next)?;
    }
    None
}
