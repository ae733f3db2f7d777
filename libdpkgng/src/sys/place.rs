//! Paths of an installed system, reached through descriptors: the one way to them.
//!
//! A [`Place`] is the root of an installed system; a [`Spot`] is a name in one of its
//! directories, and knows how it is shown. The way to the directory is resolved beneath the
//! root: symbolic links on the way are followed as the system itself would follow them after a
//! chroot, and never lead out of the root, whoever swaps them meanwhile. `openat2` does it
//! (`RESOLVE_IN_ROOT`), or, where the kernel has none or a sandbox forbids it, a walk from one
//! directory's descriptor to the next. The last component is handled by the `*at` functions of
//! libc (which fakeroot interposes) and is never followed unless a function says so; it is then
//! followed beneath the root, too.
//!
//! A path that somebody gave for this system (an archive, say) is a spot without a place
//! ([`Spot::path`]), resolved as the kernel does it.
//!
//! One difference to stock follows: with `--root`, an absolute symbolic link on the way
//! resolves inside the root, where the system that is installed there would find it.

mod raw;

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::msg::Arg;

use raw::{LINKS_MAX, check, cstring, open_at, open_in_root, readlink_at, stat_at};
pub use raw::{Stat, device, names};

/// Where something may be missing: the one place that says which errors mean that nothing is
/// there.
pub trait Absence<T> {
    /// `None` for `ENOENT`; every other error is one.
    fn if_there(self) -> io::Result<Option<T>>;
    /// `None`, too, where the way leads to nothing: it goes through what is no directory
    /// (`ENOTDIR`), or in a circle (`ELOOP`).
    fn if_reached(self) -> io::Result<Option<T>>;
}

impl<T> Absence<T> for io::Result<T> {
    fn if_there(self) -> io::Result<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn if_reached(self) -> io::Result<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// Whether an error says that a path leads to nothing, be it for what is on the way.
pub fn is_absent(e: &io::Error) -> bool {
    matches!(
        e.raw_os_error(),
        Some(libc::ENOENT | libc::ELOOP | libc::ENOTDIR)
    )
}

/// The root of an installed system; remembers the directory it was asked for last. Copies
/// are the same place.
#[derive(Clone, Debug)]
pub struct Place(Arc<Root>);

#[derive(Debug)]
struct Root {
    base: Vec<u8>,
    /// Opened when something is first asked for.
    fd: OnceLock<OwnedFd>,
    latest: Mutex<Option<(Vec<u8>, Arc<OwnedFd>)>>,
}

impl Root {
    fn fd(&self) -> io::Result<RawFd> {
        if let Some(fd) = self.fd.get() {
            return Ok(fd.as_raw_fd());
        }
        let opened = open_at(
            libc::AT_FDCWD,
            &cstring(&self.base)?,
            libc::O_PATH | libc::O_DIRECTORY,
            0,
        )?;
        Ok(self.fd.get_or_init(|| opened).as_raw_fd())
    }

    /// Open a directory, its path followed.
    fn open(&self, path: &[u8]) -> io::Result<OwnedFd> {
        if !self.base.is_empty() {
            return open_in_root(self.fd()?, path);
        }
        // Nothing leads out of the running system.
        let path = cstring(&[b"/", path].concat())?;
        open_at(libc::AT_FDCWD, &path, libc::O_PATH | libc::O_DIRECTORY, 0)
    }
}

impl Place {
    /// The system below `base`; empty for the running one. A root that cannot be opened shows
    /// when something in it is asked for.
    pub fn new(base: &Path) -> Place {
        Place(Arc::new(Root {
            base: base.as_os_str().as_bytes().to_vec(),
            fd: OnceLock::new(),
            latest: Mutex::new(None),
        }))
    }

    /// What is below an open directory.
    pub fn within(dir: OwnedFd) -> Place {
        let base = format!("/proc/self/fd/{}", dir.as_raw_fd()).into_bytes();
        Place(Arc::new(Root {
            base,
            fd: OnceLock::from(dir),
            latest: Mutex::new(None),
        }))
    }

    /// The same place, which remembers directories of its own: for another thread.
    pub fn fresh(&self) -> Place {
        Place::new(Path::new(OsStr::from_bytes(self.base())))
    }

    /// The path of the root on this system; empty for the running one.
    pub fn base(&self) -> &[u8] {
        &self.0.base
    }

    /// The path `name` (with its leading slash) has on this system.
    pub fn path(&self, name: &[u8]) -> Vec<u8> {
        [&self.0.base, name].concat()
    }

    /// Forget the directory last resolved: something on its path may have been replaced, or
    /// somebody may want to unmount it.
    pub fn forget(&self) {
        *self.latest() = None;
    }

    fn latest(&self) -> std::sync::MutexGuard<'_, Option<(Vec<u8>, Arc<OwnedFd>)>> {
        self.0.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name of this system; the parts before its last slash are followed now. When they
    /// cannot be, what is done with the spot fails with that error.
    pub fn spot(&self, name: &[u8]) -> Spot {
        let cut = name.iter().rposition(|c| *c == b'/');
        let (parent, last) = match cut {
            Some(i) => (&name[..i], &name[i + 1..]),
            None => (&name[..0], name),
        };
        let (parent, last) = match last {
            // A path that ends in a slash, or the root itself.
            b"" => (parent, &b"."[..]),
            // Only the resolution knows where the root ends.
            b".." => (name, &b"."[..]),
            last => (parent, last),
        };
        let dir = self.directory(parent);
        Spot::new(Some(self.clone()), dir, last, self.path(name))
    }

    fn directory(&self, path: &[u8]) -> Dir {
        let mut latest = self.latest();
        if let Some((known, fd)) = &*latest
            && known == path
        {
            return Dir::Fd(fd.clone());
        }
        match self.0.open(path) {
            Ok(fd) => {
                let fd = Arc::new(fd);
                *latest = Some((path.to_vec(), fd.clone()));
                Dir::Fd(fd)
            }
            Err(e) => Dir::Failed(e.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    /// `stat(2)`: what is at `name`, the last component followed too.
    pub fn stat(&self, name: &[u8]) -> io::Result<Stat> {
        self.spot(name).stat()
    }

    /// The spot that is left when the last component of `name`, too, is followed (`ELOOP` after
    /// as many symbolic links as the kernel takes).
    pub fn follow(&self, name: &[u8]) -> io::Result<Spot> {
        self.spot(name).follow()
    }

    /// The spot of a path of this system: of this place when it is below its base, of the
    /// running system else, or, when it is relative, as the kernel takes it.
    pub fn spot_of_path(&self, path: &[u8]) -> Spot {
        match path.strip_prefix(&self.0.base[..]) {
            Some(name) if matches!(name.first(), None | Some(b'/')) => self.spot(name),
            _ if path.first() == Some(&b'/') => Place::new(Path::new("")).spot(path),
            _ => Spot::path(path),
        }
    }
}

#[derive(Clone, Debug)]
enum Dir {
    Cwd,
    Fd(Arc<OwnedFd>),
    Failed(i32),
}

/// A name in a directory that was resolved before, and how it is shown. Every function fails
/// with the error of that resolution, if there was one.
#[derive(Clone, Debug)]
pub struct Spot {
    /// `None` for a path that somebody gave for this system.
    place: Option<Place>,
    dir: Dir,
    name: CString,
    /// The path on this system.
    shown: Vec<u8>,
}

impl From<&Spot> for Arg {
    fn from(spot: &Spot) -> Arg {
        Arg::Bytes(spot.shown.clone())
    }
}

/// By what they are called.
impl PartialEq for Spot {
    fn eq(&self, other: &Spot) -> bool {
        self.shown == other.shown
    }
}
impl Eq for Spot {}

impl Spot {
    fn new(place: Option<Place>, dir: Dir, name: &[u8], shown: Vec<u8>) -> Spot {
        let (dir, name) = match CString::new(name) {
            Ok(name) => (dir, name),
            Err(_) => (Dir::Failed(libc::ENOENT), CString::default()),
        };
        Spot {
            place,
            dir,
            name,
            shown,
        }
    }

    /// A path that somebody gave for this system; links in it are followed as the kernel does.
    pub fn path(path: &[u8]) -> Spot {
        Spot::new(None, Dir::Cwd, path, path.to_vec())
    }

    /// The path on this system, for messages.
    pub fn shown(&self) -> &[u8] {
        &self.shown
    }

    /// The same as a path.
    pub fn shown_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.shown))
    }

    /// The last component as it was given.
    pub fn name(&self) -> &OsStr {
        OsStr::from_bytes(self.name.as_bytes())
    }

    /// The path of the directory it is in, without a slash at its end; `None` for a path
    /// without a slash.
    pub fn shown_parent(&self) -> Option<&[u8]> {
        memchr::memrchr(b'/', &self.shown).map(|slash| &self.shown[..slash])
    }

    /// Whether nothing leads out of where it is: the kernel may follow.
    fn is_unbounded(&self) -> bool {
        self.place
            .as_ref()
            .is_none_or(|place| place.base().is_empty())
    }

    /// The path in its place.
    fn inner(&self) -> &[u8] {
        let base = self.place.as_ref().map_or(0, |place| place.base().len());
        &self.shown[base..]
    }

    /// A path beside or below this, or anywhere in its place, resolved now.
    fn elsewhere(&self, inner: &[u8]) -> Spot {
        match &self.place {
            Some(place) => place.spot(inner),
            None => Spot::path(inner),
        }
    }

    /// What the first bytes of the path are, up to a slash: a directory above it.
    pub(super) fn above(&self, length: usize) -> Spot {
        let path = &self.shown[..length];
        match &self.place {
            Some(place) if place.base().len() < length => place.spot(&path[place.base().len()..]),
            // The root itself, and what is above it, is this system's.
            _ => Spot::path(path),
        }
    }

    /// The same path, the way to it resolved anew.
    pub fn again(&self) -> Spot {
        if let Some(place) = &self.place {
            place.forget();
        }
        self.elsewhere(self.inner())
    }

    /// A name in this directory, if it is one.
    pub fn child(&self, name: &[u8]) -> Spot {
        let inner = self.inner();
        let slash: &[u8] = if inner.last() == Some(&b'/') {
            b""
        } else {
            b"/"
        };
        self.elsewhere(&[inner, slash, name].concat())
    }

    /// The same directory, the same name with `suffix` behind it.
    pub fn with_suffix(&self, suffix: &[u8]) -> Spot {
        Spot::new(
            self.place.clone(),
            self.dir.clone(),
            &[self.name.as_bytes(), suffix].concat(),
            [&self.shown, suffix].concat(),
        )
    }

    /// The same directory, another name.
    pub fn sibling(&self, name: &[u8]) -> Spot {
        let slash = memchr::memrchr(b'/', &self.shown).map_or(0, |i| i + 1);
        let shown = [&self.shown[..slash], name].concat();
        match self.dir {
            Dir::Cwd => Spot::path(&shown),
            _ => Spot::new(self.place.clone(), self.dir.clone(), name, shown),
        }
    }

    fn dir(&self) -> io::Result<RawFd> {
        match &self.dir {
            Dir::Cwd => Ok(libc::AT_FDCWD),
            Dir::Fd(fd) => Ok(fd.as_raw_fd()),
            Dir::Failed(errno) => Err(io::Error::from_raw_os_error(*errno)),
        }
    }

    fn raw(&self) -> io::Result<(RawFd, *const libc::c_char)> {
        Ok((self.dir()?, self.name.as_ptr()))
    }

    /// `lstat(2)`
    pub fn lstat(&self) -> io::Result<Stat> {
        stat_at(self.dir()?, &self.name, libc::AT_SYMLINK_NOFOLLOW)
    }

    /// `stat(2)`: the last component is followed.
    pub fn stat(&self) -> io::Result<Stat> {
        if self.is_unbounded() {
            return stat_at(self.dir()?, &self.name, 0);
        }
        match self.lstat()? {
            link if link.is_symlink() => self.follow()?.lstat(),
            stat => Ok(stat),
        }
    }

    /// The spot that is left when the last component is followed; it need not exist. `ELOOP`
    /// after as many symbolic links as the kernel takes.
    pub fn follow(&self) -> io::Result<Spot> {
        let mut spot = self.clone();
        for _ in 0..=LINKS_MAX {
            match spot.lstat().if_there()? {
                Some(link) if link.is_symlink() => {}
                _ => return Ok(spot),
            }
            spot = spot.target(&spot.readlink()?);
        }
        Err(io::Error::from_raw_os_error(libc::ELOOP))
    }

    /// Where a symbolic link here with this target leads.
    pub fn target(&self, target: &[u8]) -> Spot {
        if target.first() == Some(&b'/') {
            return self.elsewhere(target);
        }
        let inner = self.inner();
        let slash = memchr::memrchr(b'/', inner).map_or(0, |i| i + 1);
        self.elsewhere(&[&inner[..slash], target].concat())
    }

    /// Whether there is something, the last component followed.
    pub fn exists(&self) -> io::Result<()> {
        self.stat().map(drop)
    }

    /// `access(2)`, the last component followed.
    pub fn access(&self, mode: i32) -> io::Result<()> {
        let spot = match self.is_unbounded() {
            true => self,
            false => &self.follow()?,
        };
        let (dir, name) = spot.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::faccessat(dir, name, mode, 0) })
    }

    /// `open(2)` with close-on-exec; the last component is followed only when asked for.
    pub fn open(&self, flags: i32, follow: bool) -> io::Result<OwnedFd> {
        self.open_with(flags, 0, follow)
    }

    fn open_with(&self, flags: i32, mode: u32, follow: bool) -> io::Result<OwnedFd> {
        let dir = self.dir()?;
        if follow && self.is_unbounded() {
            return open_at(dir, &self.name, flags, mode);
        }
        let flags = flags | libc::O_NOFOLLOW;
        if !follow {
            return open_at(dir, &self.name, flags, mode);
        }
        if flags & libc::O_PATH == 0 {
            match open_at(dir, &self.name, flags, mode) {
                // Of a symbolic link, O_DIRECTORY says ENOTDIR.
                Err(e)
                    if matches!(e.raw_os_error(), Some(libc::ELOOP | libc::ENOTDIR))
                        && self.lstat().is_ok_and(|st| st.is_symlink()) => {}
                opened => return opened,
            }
        }
        let spot = self.follow()?;
        open_at(spot.dir()?, &spot.name, flags, mode)
    }

    /// Open for reading, the last component followed.
    pub fn read(&self) -> io::Result<File> {
        Ok(File::from(self.open(libc::O_RDONLY, true)?))
    }

    /// Read all of it, the last component followed.
    pub fn read_all(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        io::Read::read_to_end(&mut self.read()?, &mut content)?;
        Ok(content)
    }

    /// A new regular file with mode 0, open for writing; `EEXIST` when there is anything.
    pub fn create(&self) -> io::Result<File> {
        self.create_new(0)
    }

    /// The same with this mode, as the umask leaves it.
    pub fn create_new(&self, mode: u32) -> io::Result<File> {
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY;
        Ok(File::from(self.open_with(flags, mode, false)?))
    }

    /// A new regular file open for writing in the place of what is there, which loses its name
    /// first: a link that somebody left there, symbolic or not, leads nowhere. It does for who is not
    /// root and has left it there: dpkg's tests lead to `/dev/full` that way, and what can be written
    /// so is theirs anyway.
    pub fn create_anew(&self, mode: u32) -> io::Result<File> {
        match self.create_new(mode) {
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {
                if self.is_own_link() {
                    let flags = libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY;
                    return Ok(File::from(self.follow()?.open_with(flags, mode, false)?));
                }
                self.unlink()?;
                self.create_new(mode)
            }
            created => created,
        }
    }

    /// Whether this is a symbolic link of who runs this and is not root.
    fn is_own_link(&self) -> bool {
        let user = nix::unistd::geteuid();
        let own = |stat: Stat| stat.is_symlink() && stat.uid == user.as_raw();
        !user.is_root() && self.lstat().is_ok_and(own)
    }

    /// `creat(2)`: an empty file open for writing, new or what was there; a symbolic link is
    /// `ELOOP`, so that one somebody left there leads nowhere.
    pub fn create_or_empty(&self, mode: u32) -> io::Result<File> {
        let flags = libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY;
        Ok(File::from(self.open_with(flags, mode, false)?))
    }

    /// A file to be written to at its end, made when it is missing; followed.
    pub fn append(&self, mode: u32) -> io::Result<File> {
        let flags = libc::O_CREAT | libc::O_APPEND | libc::O_WRONLY;
        Ok(File::from(self.open_with(flags, mode, true)?))
    }

    /// A file to be locked, empty, made when it is missing; a symbolic link is `ELOOP`, and
    /// what has other names, too, keeps its content.
    pub fn open_lock(&self, mode: u32) -> io::Result<File> {
        let flags = libc::O_CREAT | libc::O_RDWR;
        let file = File::from(self.open_with(flags, mode, false)?);
        if stat_at(file.as_raw_fd(), c"", libc::AT_EMPTY_PATH)?.nlink == 1 {
            file.set_len(0)?;
        }
        Ok(file)
    }

    /// A new regular file with mode 0 and no name, in this directory; it goes when it is closed,
    /// unless [`Spot::link_file`] names it. Not every file system has it (`EOPNOTSUPP`, `EISDIR`).
    pub fn unnamed(&self) -> io::Result<File> {
        Ok(File::from(self.open_with(
            libc::O_TMPFILE | libc::O_RDWR,
            0,
            true,
        )?))
    }

    /// Make this a name of an open file, which may be one that has none; `EEXIST` when there is
    /// anything.
    pub fn link_file(&self, file: &File) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        let fd = file.as_raw_fd();
        let empty = c"".as_ptr();
        // SAFETY: both names are NUL-terminated, fd is open, dir is open or AT_FDCWD.
        let linked = check(unsafe { libc::linkat(fd, empty, dir, name, libc::AT_EMPTY_PATH) });
        match linked {
            // Not allowed without the capability to read any file: it is ours all the same.
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => {
                let path = cstring(format!("/proc/self/fd/{fd}").as_bytes())?;
                let follow = libc::AT_SYMLINK_FOLLOW;
                // SAFETY: as above.
                check(unsafe { libc::linkat(libc::AT_FDCWD, path.as_ptr(), dir, name, follow) })
            }
            linked => linked,
        }
    }

    /// Bytes that are free, for anybody, on the file system of this directory.
    pub fn free_space(&self) -> io::Result<u64> {
        let dir = self.open(libc::O_RDONLY | libc::O_DIRECTORY, true)?;
        let free = nix::sys::statvfs::fstatvfs(&dir)?;
        #[allow(clippy::unnecessary_cast)]
        Ok((free.blocks_available() as u64).saturating_mul(free.fragment_size() as u64))
    }

    /// `rename(2)` to another spot. Of two names of one file both stay.
    pub fn rename(&self, to: &Spot) -> io::Result<()> {
        let ((dir, name), (to_dir, to_name)) = (self.raw()?, to.raw()?);
        // SAFETY: both names are NUL-terminated, both directories open or AT_FDCWD.
        check(unsafe { libc::renameat(dir, name, to_dir, to_name) })
    }

    /// `link(2)`: `to` becomes another name of this; a symbolic link is not followed.
    pub fn link(&self, to: &Spot) -> io::Result<()> {
        if matches!(to.dir, Dir::Failed(_)) {
            // The kernel looks for what is to be linked first.
            self.lstat()?;
        }
        let ((dir, name), (to_dir, to_name)) = (self.raw()?, to.raw()?);
        // SAFETY: both names are NUL-terminated, both directories open or AT_FDCWD.
        check(unsafe { libc::linkat(dir, name, to_dir, to_name, 0) })
    }

    /// `symlink(2)`: make this a symbolic link to `target`.
    pub fn symlink(&self, target: &[u8]) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        let target = cstring(target)?;
        // SAFETY: both strings are NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::symlinkat(target.as_ptr(), dir, name) })
    }

    /// `readlink(2)`: the target, however long.
    pub fn readlink(&self) -> io::Result<Vec<u8>> {
        readlink_at(self.dir()?, &self.name)
    }

    /// `mkdir(2)` with mode 0.
    pub fn mkdir(&self) -> io::Result<()> {
        self.mkdir_mode(0)
    }

    /// `mkdir(2)`
    pub fn mkdir_mode(&self, mode: u32) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::mkdirat(dir, name, mode as libc::mode_t) })
    }

    /// `mkfifo(3)` with mode 0.
    pub fn mkfifo(&self) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::mkfifoat(dir, name, 0) })
    }

    /// `mknod(2)` with mode 0; `kind` is `S_IFCHR` or `S_IFBLK`, `dev` a [`device`].
    pub fn mknod(&self, kind: u32, dev: u64) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::mknodat(dir, name, kind, dev as libc::dev_t) })
    }

    /// `lchown(2)`
    pub fn chown(&self, uid: u32, gid: u32) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::fchownat(dir, name, uid, gid, flags) })
    }

    /// `chmod(2)` of what is no symbolic link; one is `ELOOP`.
    pub fn chmod(&self, mode: u32) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        let mode = mode as libc::mode_t;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        let done = check(unsafe { libc::fchmodat(dir, name, mode, libc::AT_SYMLINK_NOFOLLOW) });
        match done {
            // Of a symbolic link; of anything, where libc needs /proc and there is none.
            Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS)) => {}
            done => return done,
        }
        let stat = self.lstat()?;
        if stat.is_symlink() {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        if stat.is_file() || stat.is_dir() {
            let file = self.open(libc::O_RDONLY | libc::O_NONBLOCK, false)?;
            return super::writeback::set_mode(&File::from(file), mode);
        }
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::fchmodat(dir, name, mode, 0) })
    }

    /// Set access and modification time, in seconds since the epoch.
    pub fn set_times(&self, atime: i64, mtime: i64) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        let time = |sec: i64| libc::timespec {
            tv_sec: sec as libc::time_t,
            tv_nsec: 0,
        };
        let times = [time(atime), time(mtime)];
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        // SAFETY: name is NUL-terminated, times has the two entries asked for.
        check(unsafe { libc::utimensat(dir, name, times.as_ptr(), flags) })
    }

    /// `unlink(2)`
    pub fn unlink(&self) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::unlinkat(dir, name, 0) })
    }

    /// `rmdir(2)`
    pub fn rmdir(&self) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // What it says of `..`, which is not the name we have for it.
        if self.name.as_bytes() == b"." && self.shown.ends_with(b"/..") {
            return Err(io::Error::from_raw_os_error(libc::ENOTEMPTY));
        }
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::unlinkat(dir, name, libc::AT_REMOVEDIR) })
    }

    /// The directory it is in, open for reading.
    pub fn open_parent(&self) -> io::Result<OwnedFd> {
        let flags = libc::O_RDONLY | libc::O_DIRECTORY;
        match self.dir {
            Dir::Cwd => {
                let parent = match self.shown_parent() {
                    Some(b"") => b"/",
                    Some(parent) => parent,
                    None => b".",
                };
                open_at(libc::AT_FDCWD, &cstring(parent)?, flags, 0)
            }
            _ => open_at(self.dir()?, c".", flags, 0),
        }
    }

    /// The names in this directory (never `.` and `..`), unsorted, with a spot for each that
    /// holds on to the directory as it was opened. Symbolic links are not followed.
    pub fn entries(&self) -> io::Result<Vec<(PathBuf, Spot)>> {
        let dir = Arc::new(self.open(libc::O_RDONLY | libc::O_DIRECTORY, false)?);
        let mut names = names(dir.try_clone()?)?;
        names.retain(|name| !matches!(&name[..], b"." | b".."));
        let spots = names.into_iter().map(|name| {
            let shown = [&self.shown[..], b"/", &name].concat();
            let spot = Spot::new(self.place.clone(), Dir::Fd(dir.clone()), &name, shown);
            (PathBuf::from(OsStr::from_bytes(&name)), spot)
        });
        Ok(spots.collect())
    }

    /// A path by which other programs of this process's libraries reach the last component
    /// without resolving the way to it again; `full` where `/proc` cannot serve.
    pub(super) fn proc_path(&self, full: &[u8]) -> CString {
        let by_fd = match &self.dir {
            Dir::Fd(fd) => {
                let path = format!("/proc/self/fd/{}/", fd.as_raw_fd());
                let path = [path.as_bytes(), self.name.as_bytes()].concat();
                Spot::path(&path).lstat().ok().map(|_| path)
            }
            _ => None,
        };
        CString::new(by_fd.unwrap_or_else(|| full.to_vec())).unwrap_or_default()
    }

    /// A path by which another program finds it: the one that is shown, unless that leads
    /// elsewhere when followed from here, as an absolute link on the way makes it.
    pub fn host_path(&self) -> PathBuf {
        let shown = || self.shown_path().to_owned();
        let Dir::Fd(dir) = &self.dir else {
            return shown();
        };
        let parent = match self.shown_parent() {
            Some(b"") => &b"/"[..],
            Some(parent) => parent,
            None => return shown(),
        };
        let is = |stat: io::Result<Stat>| stat.ok().map(|stat| (stat.dev, stat.ino));
        let here = is(stat_at(dir.as_raw_fd(), c"", libc::AT_EMPTY_PATH));
        if here == is(Spot::path(parent).stat()) {
            return shown();
        }
        let link = format!("/proc/self/fd/{}", dir.as_raw_fd());
        match Spot::path(link.as_bytes()).readlink() {
            Ok(real) => Path::new(OsStr::from_bytes(&real)).join(self.name()),
            Err(_) => shown(),
        }
    }
}

#[cfg(test)]
mod tests;
