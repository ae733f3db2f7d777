//! The only way anything below `/var/sys` is changed: each change is one step that either happened or
//! did not, and a test can end the process's life before any of them.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{
    DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, lchown, symlink,
};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, XattrFlags};
use rustix::io::Errno;

use super::files::{CAPABILITY, attributes};
use crate::elf::Edit;

/// A change that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} '{}': {source}", .path.display())]
pub struct DiskError {
    /// What was to be done.
    pub what: &'static str,
    /// With what.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

type Done<T = ()> = Result<T, DiskError>;

/// A change about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is to be done, as [`DiskError`] says it.
    pub what: &'static str,
    /// With what.
    pub path: PathBuf,
}

/// Told of each change before it is made; an error is that change's error.
pub type Watcher = Box<dyn Fn(&Step) -> io::Result<()> + Send + Sync>;

/// Makes changes.
#[derive(Default)]
pub struct Disk {
    watcher: Option<Watcher>,
}

impl Disk {
    /// One that tells of each step first.
    pub fn watched(watcher: Watcher) -> Disk {
        Disk {
            watcher: Some(watcher),
        }
    }

    /// Make a change that is one to the kernel, or that doing again ends.
    pub(crate) fn step<T>(
        &self,
        what: &'static str,
        path: &Path,
        act: impl FnOnce() -> io::Result<T>,
    ) -> Done<T> {
        log::trace!("{what} {}", path.display());
        let told = match &self.watcher {
            Some(watcher) => watcher(&Step {
                what,
                path: path.into(),
            }),
            None => Ok(()),
        };
        told.and_then(|()| act()).map_err(|source| DiskError {
            what,
            path: path.into(),
            source,
        })
    }

    /// Tell of a change below `tmp/` that somebody else makes next.
    pub fn announce(&self, what: &'static str, path: &Path) -> Done {
        self.step(what, path, || Ok(()))
    }

    /// Make a directory, mode 0755 whatever the umask. Yes, if it was not there.
    pub fn make_dir(&self, path: &Path) -> Done<bool> {
        self.step("make directory", path, || {
            match fs::DirBuilder::new().mode(0o755).create(path) {
                Ok(()) => fs::set_permissions(path, Permissions::from_mode(0o755)).map(|()| true),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(false),
                Err(e) => Err(e),
            }
        })
    }

    /// Give a directory just made in `tmp/` another's owner and mode, its set-id bits excepted.
    pub fn adopt(&self, path: &Path, like: &fs::Metadata) -> Done {
        self.step("set the owner of", path, || {
            let now = fs::symlink_metadata(path)?;
            if (now.uid(), now.gid()) != (like.uid(), like.gid()) {
                lchown(path, Some(like.uid()), Some(like.gid()))?;
            }
            fs::set_permissions(path, Permissions::from_mode(like.mode() & 0o1777))
        })
    }

    /// A second name for a file; a symbolic link is not followed.
    pub fn link(&self, from: &Path, to: &Path) -> Done {
        self.step("link", to, || fs::hard_link(from, to))
    }

    /// A file of its own with another's content, owner, mode without set-id bits, time and attributes.
    pub fn copy(&self, from: &Path, to: &Path) -> Done {
        self.step("copy", to, || {
            let mut source = File::open(from)?;
            let like = source.metadata()?;
            let mut copy = create_new(to)?;
            io::copy(&mut source, &mut copy)?;
            imitate(&copy, from, &like)
        })
    }

    /// As [`Disk::copy`], of a file that was read, with an edit applied.
    pub fn edited(&self, from: &Path, base: &[u8], edit: &Edit, to: &Path) -> Done {
        self.step("write", to, || {
            let like = fs::symlink_metadata(from)?;
            let mut copy = create_new(to)?;
            copy.write_all(base)?;
            copy.set_len(edit.len)?;
            for write in &edit.writes {
                copy.write_all_at(&write.bytes, write.offset)?;
            }
            imitate(&copy, from, &like)
        })
    }

    /// A new file with this content, mode 0644.
    pub fn write(&self, path: &Path, content: &[u8]) -> Done {
        self.write_as(path, content, 0o644)
    }

    /// A new file with this content and mode.
    pub fn write_as(&self, path: &Path, content: &[u8], mode: u32) -> Done {
        self.step("write", path, || {
            let mut file = create_new(path)?;
            file.write_all(content)?;
            file.set_permissions(Permissions::from_mode(mode))
        })
    }

    /// A symbolic link.
    pub fn symlink(&self, target: &Path, path: &Path) -> Done {
        self.step("make link", path, || symlink(target, path))
    }

    /// Rename, onto nothing or a file that is replaced.
    pub fn rename(&self, from: &Path, to: &Path) -> Done {
        self.step("rename", to, || fs::rename(from, to))
    }

    /// Remove a file or symbolic link. Nothing there is fine.
    pub fn remove_file(&self, path: &Path) -> Done {
        self.step("remove", path, || missing_is_fine(fs::remove_file(path)))
    }

    /// Remove a directory if nothing is in it.
    pub fn remove_empty_dir(&self, path: &Path) -> Done {
        self.step("remove", path, || match fs::remove_dir(path) {
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            other => missing_is_fine(other),
        })
    }

    /// Remove a tree, following no link. Nothing there is fine.
    pub fn remove_tree(&self, path: &Path) -> Done {
        self.step("remove tree", path, || match fs::symlink_metadata(path) {
            Ok(is) if is.is_dir() => missing_is_fine(match fs::remove_dir_all(path) {
                Err(e) if is_denied(&e) => {
                    open_up(path)?;
                    fs::remove_dir_all(path)
                }
                done => done,
            }),
            Ok(_) => missing_is_fine(fs::remove_file(path)),
            Err(e) => missing_is_fine(Err(e)),
        })
    }

    /// Make what was done in a directory durable.
    pub fn sync_dir(&self, path: &Path) -> Done {
        self.step("sync", path, || File::open(path)?.sync_all())
    }

    /// Make a file's content durable.
    pub fn sync_file(&self, path: &Path) -> Done {
        self.step("sync", path, || File::open(path)?.sync_all())
    }

    /// Make everything in a directory's file system durable.
    pub fn sync_fs(&self, path: &Path) -> Done {
        self.step("sync the file system of", path, || {
            Ok(rustix::fs::syncfs(File::open(path)?)?)
        })
    }

    /// Set permission bits, owner and capability (none: it has none) of the regular file `path` below `tree`, which no
    /// symbolic link on the way may lead to.
    pub fn set_mode(
        &self,
        tree: &Path,
        path: &Path,
        mode: u32,
        owner: Option<(u32, u32)>,
        capability: Option<&[u8]>,
    ) -> Done {
        let shown = tree.join(path);
        self.step("change the mode of", &shown, || {
            let tree = File::open(tree)?;
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
            let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            let file = rustix::fs::openat2(&tree, path, flags, Mode::empty(), beneath)?;
            let file = File::from(file);
            let now = file.metadata()?;
            if !now.is_file() {
                return Err(io::Error::other("it is no file"));
            }
            if let Some((uid, gid)) = owner
                && (now.uid(), now.gid()) != (uid, gid)
            {
                fchown(&file, Some(uid), Some(gid))?;
            }
            if now.mode() & 0o7777 != mode {
                file.set_permissions(Permissions::from_mode(mode))?;
            }
            match capability {
                Some(value) => {
                    rustix::fs::fsetxattr(&file, CAPABILITY, value, XattrFlags::empty())?;
                }
                // Who may not take any away may have none to take away.
                None => match rustix::fs::fgetxattr(&file, CAPABILITY, &mut [0; 64][..]) {
                    Err(Errno::NODATA | Errno::OPNOTSUPP) => {}
                    Ok(_) | Err(Errno::RANGE) => rustix::fs::fremovexattr(&file, CAPABILITY)?,
                    Err(e) => return Err(e.into()),
                },
            }
            Ok(())
        })
    }
}

/// Give a file another's owner, mode without set-id bits, attributes and time.
fn imitate(file: &File, from: &Path, like: &fs::Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(Permissions::from_mode(like.mode() & 0o1777))?;
    for (name, value) in attributes(from)? {
        rustix::fs::fsetxattr(file, name, &value, XattrFlags::empty())?;
    }
    file.set_modified(like.modified()?)
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// Have the owner write in a directory and all below it, who may have been denied that by a package.
fn open_up(dir: &Path) -> io::Result<()> {
    fs::set_permissions(dir, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
