//! The set-id files of a world: as dpkg, dpkg-statoverride and scripts left them, whatever packages say.
//!
//! They are the generation's alone, so that their bits can be taken away when it is current no more: an old generation is
//! no place for what had to be upgraded.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::EngineError;
use crate::generation::Disk;
use crate::manifest::SetId;

/// What a copy is called until it takes its place.
const ASIDE: &str = ".dpkg-ng-own";

/// Find those of a tree, sorted, and make each that has another name, or is another generation's, too, a file of its own.
pub(super) fn own_set_id(disk: &Disk, tree: &Path) -> Result<Vec<SetId>, EngineError> {
    let mut found = Vec::new();
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        let at = tree.join(&dir);
        let read = |e: io::Error| EngineError::path("read", &at)(e);
        for entry in fs::read_dir(&at).map_err(read)? {
            let entry = entry.map_err(read)?;
            let kind = entry.file_type().map_err(read)?;
            let path = dir.join(entry.file_name());
            if kind.is_dir() {
                dirs.push(path);
                continue;
            }
            if !kind.is_file() {
                continue;
            }
            let is = entry.metadata().map_err(read)?;
            if is.mode() & 0o6000 == 0 {
                continue;
            }
            if is.nlink() > 1 {
                part(disk, &tree.join(&path), is.mode() & 0o7777)?;
            }
            found.push(SetId {
                path,
                mode: is.mode() & 0o7777,
                uid: is.uid(),
                gid: is.gid(),
            });
        }
    }
    found.sort();
    Ok(found)
}

/// Put a copy in the place of a file that has other names.
fn part(disk: &Disk, path: &Path, mode: u32) -> Result<(), EngineError> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(ASIDE);
    let aside = PathBuf::from(aside);
    disk.remove_file(&aside)?;
    disk.copy(path, &aside)?;
    let mode = fs::Permissions::from_mode(mode);
    fs::set_permissions(&aside, mode).map_err(EngineError::path("change the mode of", &aside))?;
    Ok(disk.rename(&aside, path)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_the_tree_has_counts_and_is_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, other) = (dir.path().join("tree"), dir.path().join("other"));
        fs::create_dir_all(tree.join("usr/bin")).unwrap();
        let put = |path: &Path, mode: u32| {
            fs::write(path, "x").unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let bin = tree.join("usr/bin");
        put(&bin.join("su"), 0o4755);
        put(&bin.join("write"), 0o2755);
        put(&bin.join("plain"), 0o755);
        fs::set_permissions(&bin, fs::Permissions::from_mode(0o2755)).unwrap();
        symlink("su", bin.join("link")).unwrap();
        fs::hard_link(bin.join("su"), bin.join("sudo")).unwrap();
        fs::hard_link(bin.join("write"), &other).unwrap();

        let found = own_set_id(&Disk::default(), &tree).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|s| (s.path.to_str().unwrap(), s.mode))
            .collect();
        assert_eq!(
            shown,
            [
                ("usr/bin/su", 0o4755),
                ("usr/bin/sudo", 0o4755),
                ("usr/bin/write", 0o2755)
            ]
        );
        for set_id in &found {
            let is = fs::metadata(tree.join(&set_id.path)).unwrap();
            let facts = (is.nlink(), is.mode() & 0o7777, is.uid(), is.gid());
            assert_eq!(facts, (1, set_id.mode, set_id.uid, set_id.gid));
        }
        assert_eq!(fs::read_dir(&bin).unwrap().count(), 5);
        assert_eq!(own_set_id(&Disk::default(), &tree).unwrap(), found);
    }
}
