//! The set-id files of a pending generation, as dpkg, its overrides and scripts have left them.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags};

use super::EngineError;
use crate::generation::Disk;
use crate::manifest::SetId;
use crate::world::WorldDir;

/// Find those of all worlds, relative to the generation, sorted; one that has a name elsewhere, too, becomes the
/// generation's own.
///
/// # Errors
/// A tree can't be read, or a file not be copied.
pub(super) fn own_set_ids(
    disk: &Disk,
    generation: &Path,
    worlds: &[WorldDir],
) -> Result<Vec<SetId>, EngineError> {
    let mut found: Vec<(SetId, rustix::fs::Stat)> = Vec::new();
    for world in worlds {
        let tree = world.tree();
        let prefix = tree.strip_prefix(generation).unwrap_or(&tree);
        below(&tree, &mut |path, is| {
            let set_id = SetId {
                path: prefix.join(path),
                mode: is.st_mode & 0o7777,
                uid: is.st_uid,
                gid: is.st_gid,
            };
            found.push((set_id, *is));
        })
        .map_err(|(path, e)| EngineError::path("read", &tree.join(path))(e))?;
    }
    let inode = |is: &rustix::fs::Stat| (is.st_dev, is.st_ino);
    for (set_id, is) in &found {
        let here = found
            .iter()
            .filter(|(_, other)| inode(other) == inode(is))
            .count();
        if usize::try_from(is.st_nlink) != Ok(here) {
            let path = generation.join(&set_id.path);
            let aside = generation.join("set-id.work");
            disk.copy(&path, &aside)?;
            disk.rename(&aside, &path)?;
        }
    }
    let mut found: Vec<SetId> = found.into_iter().map(|(set_id, _)| set_id).collect();
    found.sort();
    Ok(found)
}

/// Every set-id file below a directory, by no symbolic link.
fn below(
    top: &Path,
    found: &mut dyn FnMut(&Path, &rustix::fs::Stat),
) -> Result<(), (PathBuf, io::Error)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, top, flags, Mode::empty());
    let root = root.map_err(|e| (PathBuf::new(), io::Error::from(e)))?;
    let mut dirs = vec![PathBuf::new()];
    while let Some(dir) = dirs.pop() {
        let failed = |e: rustix::io::Errno| (dir.clone(), io::Error::from(e));
        let here: &Path = if dir.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &dir
        };
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let here =
            rustix::fs::openat2(&root, here, flags, Mode::empty(), beneath).map_err(failed)?;
        for entry in Dir::read_from(&here).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let path = dir.join(OsStr::from_bytes(name.to_bytes()));
            let mut kind = entry.file_type();
            if matches!(kind, FileType::Unknown | FileType::RegularFile) {
                let is = rustix::fs::statat(&here, name, AtFlags::SYMLINK_NOFOLLOW);
                let is = is.map_err(|e| (path.clone(), io::Error::from(e)))?;
                kind = FileType::from_raw_mode(is.st_mode);
                if kind == FileType::RegularFile && is.st_mode & 0o6000 != 0 {
                    found(&path, &is);
                }
            }
            if kind == FileType::Directory {
                dirs.push(path);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn those_of_all_worlds_are_found_and_are_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let (generation, other) = (dir.path().join("gen"), dir.path().join("other"));
        let main = WorldDir::main(&generation);
        let side = WorldDir::side(&generation, "a@1");
        for world in [&main, &side] {
            fs::create_dir_all(world.tree().join("usr/bin")).unwrap();
        }
        let put = |path: PathBuf, mode| {
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            path
        };
        let su = put(main.tree().join("usr/bin/su"), 0o4755);
        fs::hard_link(&su, main.tree().join("usr/bin/too")).unwrap();
        let shared = put(side.tree().join("usr/bin/wall"), 0o2755);
        fs::hard_link(&shared, &other).unwrap();
        put(main.tree().join("usr/bin/plain"), 0o1755);
        let found = own_set_ids(&Disk::default(), &generation, &[main, side]).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|s| (s.path.to_str().unwrap(), s.mode))
            .collect();
        let wanted = [
            ("main/root/usr/bin/su", 0o4755),
            ("main/root/usr/bin/too", 0o4755),
            ("worlds/a@1/root/usr/bin/wall", 0o2755),
        ];
        assert_eq!(found, wanted);
        let links = |path: &Path| fs::metadata(path).unwrap().nlink();
        assert_eq!((links(&su), links(&shared), links(&other)), (2, 1, 1));
    }
}
