//! The set-id files of a pending generation, and those with capabilities, as dpkg, its overrides and scripts have left them.

use std::ffi::{CStr, OsStr};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::EngineError;
use crate::generation::{CAPABILITY, Disk};
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
        below(&tree, &mut |path, is, capability| {
            let set_id = SetId {
                path: prefix.join(path),
                mode: is.st_mode & 0o7777,
                uid: is.st_uid,
                gid: is.st_gid,
                capability,
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

/// The capability of a file in a directory, if it has one.
fn capability(dir: &OwnedFd, name: &CStr) -> io::Result<Option<Vec<u8>>> {
    // There is no call that takes a directory and a name.
    let path = format!("/proc/self/fd/{}/", dir.as_raw_fd());
    let path = [path.as_bytes(), name.to_bytes()].concat();
    let mut value = vec![0; 256];
    match rustix::fs::lgetxattr(&path[..], CAPABILITY, &mut value[..]) {
        Ok(len) => {
            value.truncate(len);
            Ok(Some(value))
        }
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Is told of a file: its path, what it is, its capability.
type Found<'f> = dyn FnMut(&Path, &rustix::fs::Stat, Option<Vec<u8>>) + 'f;

/// Every set-id file below a directory, and every one with a capability, by no symbolic link.
fn below(top: &Path, found: &mut Found<'_>) -> Result<(), (PathBuf, io::Error)> {
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
                if kind == FileType::RegularFile && is.st_mode & 0o6111 != 0 {
                    let capability = capability(&here, name).map_err(|e| (path.clone(), e))?;
                    if is.st_mode & 0o6000 != 0 || capability.is_some() {
                        found(&path, &is, capability);
                    }
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
    fn capabilities_are_found_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let world = WorldDir::main(dir.path());
        let bin = world.tree().join("usr/bin");
        fs::create_dir_all(&bin).unwrap();
        let ping = bin.join("ping");
        fs::write(&ping, "x").unwrap();
        fs::set_permissions(&ping, Permissions::from_mode(0o755)).unwrap();
        // cap_net_raw=ep
        let value = [
            1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let flags = rustix::fs::XattrFlags::empty();
        if rustix::fs::setxattr(&ping, CAPABILITY, &value, flags).is_err() {
            // Not by a user, and not on every file system.
            return;
        }
        let disk = Disk::default();
        let worlds = [world];
        let found = || own_set_ids(&disk, dir.path(), &worlds).unwrap();
        let all = found();
        let [one] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!(
            (one.mode, one.capability.as_deref()),
            (0o755, Some(&value[..]))
        );
        let text = SetId::write_list(&all);
        assert_eq!(SetId::read_list(&text).unwrap(), all);
        let set = |capability| disk.set_mode(dir.path(), &one.path, 0o755, None, capability);
        set(None).unwrap();
        assert_eq!(found(), []);
        set(one.capability.as_deref()).unwrap();
        assert_eq!(found(), all);
    }

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
