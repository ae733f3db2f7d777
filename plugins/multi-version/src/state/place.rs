//! Places below a root, the host's or a state's: found by descriptors, with no symbolic link on the way. Directories below
//! `/var` belong to users who may be hostile, and who may rename and link while we look.
//!
//! What is placed is complete before it has its name, and takes nobody's place but what is said to be replaced.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, fchown, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags, Stat, XattrFlags,
};
use rustix::io::Errno;
use sha2::Digest;

use super::brought::{Item, What};
use super::{Done, StateError, upper};
use crate::layout::Sha256;

/// A directory that things are placed below. Links on the way to itself are followed.
pub(super) struct Root {
    path: PathBuf,
    dir: OwnedFd,
}

/// A name in a directory.
pub(super) struct At {
    dir: OwnedFd,
    name: OsString,
}

/// What is at a path.
pub(super) enum Found {
    /// Nothing, or no directory for it.
    Nothing,
    /// This, of the way to it, is no directory.
    Blocked(PathBuf),
    /// It.
    There(At, Stat),
}

/// How placing ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is there.
    Done,
    /// Something else is there, and stays.
    Taken,
    /// There is no source: it was placed before.
    NoSource,
}

const DIRECTORY: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Root {
    pub(super) fn open(path: &Path) -> Done<Root> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty());
        Ok(Root {
            dir: dir.map_err(|e| StateError::io("open", path, e))?,
            path: path.into(),
        })
    }

    /// A path below it, for messages.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        self.path.join(path)
    }

    fn error(&self, what: &'static str, path: &Path, e: impl Into<io::Error>) -> StateError {
        StateError::io(what, &self.shown(path), e)
    }

    /// The directory that a path is in. The first part of the path is in a directory of root's, and may be a link.
    fn parent(&self, path: &Path) -> Done<Result<At, Found>> {
        let mut parts = path.components();
        let (Some(top), Some(name)) = (parts.next(), path.file_name()) else {
            return Err(self.error("open", path, Errno::INVAL));
        };
        let at = |dir| At {
            dir,
            name: name.into(),
        };
        let below = parts.as_path();
        if below.as_os_str().is_empty() {
            let dir = rustix::io::fcntl_dupfd_cloexec(&self.dir, 0);
            return Ok(Ok(at(dir.map_err(|e| self.error("open", path, e))?)));
        }
        let parent = match below.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let beneath =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let opened = rustix::fs::openat(&self.dir, top.as_os_str(), flags, Mode::empty());
        let opened = opened
            .and_then(|top| rustix::fs::openat2(&top, parent, DIRECTORY, Mode::empty(), beneath));
        match opened {
            Ok(dir) => Ok(Ok(at(dir))),
            Err(Errno::NOENT) => Ok(Err(Found::Nothing)),
            Err(Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => {
                let parent = path.parent().unwrap_or(path);
                Ok(Err(Found::Blocked(self.block(parent)?)))
            }
            Err(e) => Err(self.error("open", path, e)),
        }
    }

    /// A directory below it, as a root; none, if it is not there or a link is on the way.
    pub(super) fn below(&self, path: &Path) -> Done<Option<Root>> {
        Ok(match self.parent(&path.join("x"))? {
            Ok(at) => Some(Root {
                path: self.shown(path),
                dir: at.dir,
            }),
            Err(_) => None,
        })
    }

    /// What of a path is in the way.
    fn block(&self, path: &Path) -> Done<PathBuf> {
        let mut at = PathBuf::new();
        for part in path.components() {
            let flags = match at.as_os_str().is_empty() {
                true => AtFlags::empty(),
                false => AtFlags::SYMLINK_NOFOLLOW,
            };
            at.push(part);
            match rustix::fs::statat(&self.dir, &at, flags) {
                Ok(is) if FileType::from_raw_mode(is.st_mode) == FileType::Directory => {}
                _ => return Ok(at),
            }
        }
        Ok(at)
    }

    /// What is at a path.
    pub(super) fn look(&self, path: &Path) -> Done<Found> {
        let at = match self.parent(path)? {
            Ok(at) => at,
            Err(found) => return Ok(found),
        };
        match rustix::fs::statat(&at.dir, &at.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(is) => Ok(Found::There(at, is)),
            Err(Errno::NOENT) => Ok(Found::Nothing),
            Err(e) => Err(self.error("read", path, e)),
        }
    }

    /// What is at a path, in the terms of what was brought; none, for nothing or a socket.
    pub(super) fn item(&self, path: &Path) -> Done<Option<Item>> {
        let Found::There(at, is) = self.look(path)? else {
            return Ok(None);
        };
        at.item(&is).map_err(|e| self.error("read", path, e))
    }

    /// The names in a directory.
    pub(super) fn names(&self, path: &Path) -> Done<Vec<OsString>> {
        let Found::There(at, _) = self.look(path)? else {
            return Ok(Vec::new());
        };
        let read = || -> io::Result<Vec<OsString>> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let dir = rustix::fs::openat(&at.dir, &at.name, flags, Mode::empty())?;
            let entries = fs::read_dir(by_descriptor(&dir))?;
            entries.map(|e| Ok(e?.file_name())).collect()
        };
        let mut names = read().map_err(|e| self.error("read", path, e))?;
        names.sort();
        Ok(names)
    }

    /// Give `from`, which is in a directory of ours alone, the name `to`, together with all that is in it. `replace` a file
    /// that is there; never a directory. Without that it must be of the same file system.
    pub(super) fn take(
        &self,
        from: &Path,
        to: &Path,
        replace: bool,
    ) -> Done<Result<Placed, Errno>> {
        let at = match self.parent(to)? {
            Ok(at) => at,
            Err(Found::Blocked(_)) => return Ok(Err(Errno::NOTDIR)),
            Err(_) => return Ok(Err(Errno::NOENT)),
        };
        let flags = match replace {
            true => RenameFlags::empty(),
            false => RenameFlags::NOREPLACE,
        };
        Ok(
            match rustix::fs::renameat_with(CWD, from, &at.dir, &at.name, flags) {
                Ok(()) => Ok(Placed::Done),
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR) => Ok(Placed::Taken),
                Err(Errno::NOENT) if upper::stat(from)?.is_none() => Ok(Placed::NoSource),
                Err(e) => Err(e),
            },
        )
    }

    /// Give what is at `from` the name `to`, which is in a directory of ours alone and free. Yes, if it was there.
    pub(super) fn give(&self, from: &Path, to: &Path) -> Done<bool> {
        let Found::There(at, _) = self.look(from)? else {
            return Ok(false);
        };
        match rustix::fs::renameat_with(&at.dir, &at.name, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(e) => Err(self.error("take away", from, e)),
        }
    }

    /// Remove a file, or an empty directory. Nothing there is fine; no, if a directory is not empty.
    pub(super) fn remove(&self, path: &Path) -> Done<bool> {
        let Found::There(at, is) = self.look(path)? else {
            return Ok(true);
        };
        let flags = match FileType::from_raw_mode(is.st_mode) {
            FileType::Directory => AtFlags::REMOVEDIR,
            _ => AtFlags::empty(),
        };
        match rustix::fs::unlinkat(&at.dir, &at.name, flags) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::BUSY) => Ok(false),
            Err(e) => Err(self.error("remove", path, e)),
        }
    }

    /// Give a directory another's owner, mode, attributes and time. What is no directory any more is left alone.
    pub(super) fn dress(&self, path: &Path, like: &Path) -> Done {
        let Found::There(at, _) = self.look(path)? else {
            return Ok(());
        };
        let act = || -> io::Result<()> {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let dir = match rustix::fs::openat(&at.dir, &at.name, flags, Mode::empty()) {
                Ok(dir) => File::from(dir),
                Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => return Ok(()),
                Err(e) => return Err(e.into()),
            };
            dress(&dir, like, &fs::symlink_metadata(like)?)
        };
        act().map_err(|e| self.error("set the owner of", path, e))
    }

    /// A directory of ours alone right below, to make things in that are to be placed in this file system.
    pub(super) fn stage(&self) -> Done<PathBuf> {
        let path = Path::new(STAGE);
        let act = || -> io::Result<PathBuf> {
            match rustix::fs::mkdirat(&self.dir, path, Mode::from_raw_mode(0o700)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
            let is = rustix::fs::statat(&self.dir, path, AtFlags::SYMLINK_NOFOLLOW)?;
            let ours = is.st_uid == rustix::process::geteuid().as_raw()
                && is.st_mode & 0o7777 == 0o700
                && FileType::from_raw_mode(is.st_mode) == FileType::Directory;
            match ours {
                true => Ok(by_descriptor(&self.dir).join(path)),
                false => Err(io::Error::other("it is not ours")),
            }
        };
        act().map_err(|e| self.error("use", path, e))
    }

    /// Take such a directory away, if there is one.
    pub(super) fn unstage(&self) -> Done {
        let stage = by_descriptor(&self.dir).join(STAGE);
        match upper::stat(&stage)? {
            Some(is) if is.is_dir() => {
                fs::remove_dir_all(&stage).map_err(|e| self.error("remove", Path::new(STAGE), e))
            }
            _ => Ok(()),
        }
    }

    /// Make all of its file system durable.
    pub(super) fn sync_fs(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(by_descriptor(&self.dir))?)?)
    }
}

/// The name of [`Root::stage`].
const STAGE: &str = ".dpkg-ng-stage";

/// A path to what a descriptor is of.
fn by_descriptor(dir: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd()))
}

impl At {
    fn item(&self, is: &Stat) -> io::Result<Option<Item>> {
        let mut facts = (is.st_mode, is.st_uid, is.st_gid);
        let what = match FileType::from_raw_mode(is.st_mode) {
            FileType::Directory => What::Dir,
            FileType::RegularFile => {
                // Another may be there by now, and a fifo would have us wait.
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = match rustix::fs::openat(&self.dir, &self.name, flags, Mode::empty()) {
                    Ok(file) => File::from(file),
                    Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(None),
                    Err(e) => return Err(e.into()),
                };
                let is = file.metadata()?;
                if !is.is_file() {
                    return Ok(None);
                }
                facts = (is.mode(), is.uid(), is.gid());
                What::File(hash(file)?)
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(&self.dir, &self.name, Vec::new())?;
                What::Link(path_of(target.into_bytes()))
            }
            FileType::Fifo => What::Fifo,
            FileType::BlockDevice => What::Device(true, is.st_rdev),
            FileType::CharacterDevice => What::Device(false, is.st_rdev),
            _ => return Ok(None),
        };
        let (mode, uid, gid) = facts;
        Ok(Some(Item {
            what,
            mode: mode & 0o7777,
            uid,
            gid,
            package: None,
        }))
    }
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes).into()
}

fn hash(mut file: File) -> io::Result<Sha256> {
    let (mut hash, mut block) = (sha2::Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(Sha256::from_bytes(hash.finalize().into())),
            Ok(count) => hash.update(block.get(..count).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// What a path in a directory of ours alone is, in the terms of what was brought.
pub(super) fn item(path: &Path) -> Done<Option<Item>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(StateError::read(path, Errno::INVAL));
    };
    Root::open(parent)?.item(Path::new(name))
}

/// Give an open file or directory another's owner, mode, attributes and time.
fn dress(file: &File, from: &Path, like: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    // Who is not root has no other files than their own.
    let differs = (own.uid(), own.gid()) != (like.uid(), like.gid());
    if differs && rustix::process::geteuid().is_root() {
        fchown(file, Some(like.uid()), Some(like.gid()))?;
    }
    let (now, wanted) = (upper_attributes(file)?, upper::attributes(from)?);
    for name in now.keys().filter(|n| !wanted.contains_key(*n)) {
        rustix::fs::fremovexattr(file, &name[..])?;
    }
    for (name, value) in wanted.iter().filter(|(n, v)| now.get(*n) != Some(v)) {
        rustix::fs::fsetxattr(file, &name[..], value, XattrFlags::empty())?;
    }
    // A change of owner clears set-id bits, and one of an ACL the group's.
    file.set_permissions(fs::Permissions::from_mode(like.mode() & 0o7777))?;
    file.set_modified(like.modified()?)
}

fn upper_attributes(file: &File) -> io::Result<std::collections::BTreeMap<Vec<u8>, Vec<u8>>> {
    // By the descriptor: what has its name may be another by now.
    upper::attributes_of(file)
}

/// Make a copy of what is no directory, with all that it is; both are in directories of ours alone. Of a socket nothing
/// is made: it is nobody's without who made it.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let is = fs::symlink_metadata(from)?;
    let kind = is.file_type();
    if kind.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
        lchown(to, Some(is.uid()), Some(is.gid()))?;
    } else if kind.is_file() {
        let mut source = File::open(from)?;
        let mut options = File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut copy = options.write(true).create_new(true).open(to)?;
        // Blocks are shared where the file system can.
        io::copy(&mut source, &mut copy)?;
        dress(&copy, from, &is)?;
    } else if !kind.is_socket() {
        let raw = FileType::from_raw_mode(is.mode());
        rustix::fs::mknodat(CWD, to, raw, Mode::from_raw_mode(0o600), is.rdev())?;
        lchown(to, Some(is.uid()), Some(is.gid()))?;
        fs::set_permissions(to, fs::Permissions::from_mode(is.mode() & 0o7777))?;
    }
    Ok(())
}

/// Make a directory like another, empty; both in directories of ours alone.
pub(super) fn copy_dir(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::mkdir(to, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(e) => return Err(e.into()),
    }
    dress(&File::open(to)?, from, &fs::symlink_metadata(from)?)
}

/// Copy a tree, or what is none, without sockets. `opaque`: with what makes directories hide others.
pub(crate) fn copy_tree(from: &Path, to: &Path, opaque: bool) -> Done {
    let copying = |e: io::Error| StateError::io("copy", from, e);
    let Some((kind, _)) = upper::look(from)? else {
        return Ok(());
    };
    match kind {
        upper::Kind::Dir { opaque: is } => {
            match rustix::fs::mkdir(to, Mode::from_raw_mode(0o700)) {
                Ok(()) => {}
                Err(e) => return Err(copying(e.into())),
            }
            match upper::names(from) {
                Err(StateError::Io { source, .. }) if is_left(&source) => {}
                names => {
                    for name in names? {
                        copy_tree(&from.join(&name), &to.join(&name), opaque)?;
                    }
                }
            }
            copy_dir(from, to).map_err(copying)?;
            match opaque && is {
                true => upper::make_opaque(to, from),
                false => Ok(()),
            }
        }
        _ => match copy(from, to) {
            Err(e) if is_left(&e) => Ok(()),
            done => done.map_err(copying),
        },
    }
}

/// Whether something of the host's is not to be had: who is root of a user namespace alone goes without it.
pub(super) fn is_left(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && crate::rootless::is_mapped()
}
