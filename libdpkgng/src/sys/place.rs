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

use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::msg::Arg;

/// What `lstat(2)` tells, as far as anybody here asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Type and permission bits.
    pub mode: u32,
    /// Number of links.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// What device, for device files.
    pub rdev: u64,
    /// Size in bytes.
    pub size: u64,
    /// When the content last changed, in seconds since the epoch.
    pub mtime: i64,
    /// Nanoseconds after that.
    pub mtime_nsec: i64,
    /// When anything of it last changed: seconds since the epoch, and nanoseconds.
    pub ctime: (i64, i64),
}

impl Stat {
    fn from_raw(st: &libc::stat) -> Stat {
        // The widths differ between architectures.
        #[allow(clippy::unnecessary_cast)]
        Stat {
            dev: st.st_dev as u64,
            ino: st.st_ino as u64,
            mode: st.st_mode as u32,
            nlink: st.st_nlink as u64,
            uid: st.st_uid,
            gid: st.st_gid,
            rdev: st.st_rdev as u64,
            size: st.st_size as u64,
            mtime: st.st_mtime as i64,
            mtime_nsec: st.st_mtime_nsec as i64,
            ctime: (st.st_ctime as i64, st.st_ctime_nsec as i64),
        }
    }

    /// `fstat(2)`
    pub fn of(fd: &impl AsRawFd) -> io::Result<Stat> {
        // SAFETY: an all-zero stat is a valid value.
        let mut st: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: st is writable; a descriptor that is none is an error.
        check(unsafe { libc::fstat(fd.as_raw_fd(), &mut st) })?;
        Ok(Stat::from_raw(&st))
    }

    /// The type bits.
    pub fn kind(&self) -> u32 {
        self.mode & libc::S_IFMT
    }
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind() == libc::S_IFDIR
    }
    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind() == libc::S_IFREG
    }
    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.kind() == libc::S_IFLNK
    }
}

/// The device number of a major and a minor number (`makedev(3)`).
pub fn device(major: u64, minor: u64) -> u64 {
    #[allow(clippy::unnecessary_cast)]
    let dev = libc::makedev(major as u32, minor as u32) as u64;
    dev
}

fn check(rc: libc::c_int) -> io::Result<()> {
    if rc < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn cstring(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

/// `open_how` of openat2(2).
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// So many symbolic links are followed, as by the kernel.
const LINKS_MAX: usize = 40;

/// Open the directory `path` beneath `root`, as a chroot into it would find it.
fn open_in_root(root: RawFd, path: &[u8]) -> io::Result<OwnedFd> {
    match openat2_in_root(root, path) {
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            walk_in_root(root, path)
        }
        opened => opened,
    }
}

fn openat2_in_root(root: RawFd, path: &[u8]) -> io::Result<OwnedFd> {
    const RESOLVE_IN_ROOT: u64 = 0x10;
    let path = cstring(if path.is_empty() { b"." } else { path })?;
    let how = OpenHow {
        flags: (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u64,
        mode: 0,
        resolve: RESOLVE_IN_ROOT,
    };
    // The kernel asks for another try when something was renamed under its feet.
    let mut tries = 0;
    loop {
        // SAFETY: path is NUL-terminated and how is a valid open_how of the size given; the
        // kernel writes to neither.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_openat2,
                root,
                path.as_ptr(),
                &raw const how,
                size_of::<OpenHow>(),
            )
        };
        if fd >= 0 {
            // SAFETY: the kernel just gave us this descriptor, nobody else has it.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) });
        }
        let error = io::Error::last_os_error();
        let again = matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR));
        tries += 1;
        if !again || tries > 64 {
            return Err(error);
        }
    }
}

/// The same, one component after the other. `..` goes back to the directory we came from, so
/// that nothing that is moved meanwhile leads out of the root.
fn walk_in_root(root: RawFd, path: &[u8]) -> io::Result<OwnedFd> {
    let mut todo: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
    let mut way: Vec<OwnedFd> = Vec::new();
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part == b".." {
            way.pop();
            continue;
        }
        let here = way.last().map_or(root, AsRawFd::as_raw_fd);
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        let next = open_at(here, &cstring(&part)?, flags, 0)?;
        let stat = stat_at(next.as_raw_fd(), c"", libc::AT_EMPTY_PATH)?;
        if stat.is_symlink() {
            links += 1;
            if links > LINKS_MAX {
                return Err(io::Error::from_raw_os_error(libc::ELOOP));
            }
            let target = readlink_at(next.as_raw_fd(), c"")?;
            if target.first() == Some(&b'/') {
                way.clear();
            }
            todo.extend(components(&target).rev().map(<[u8]>::to_vec));
        } else if stat.is_dir() {
            way.push(next);
        } else {
            return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
        }
    }
    match way.pop() {
        Some(last) => Ok(last),
        None => open_at(root, c".", libc::O_PATH | libc::O_DIRECTORY, 0),
    }
}

/// What is to be walked through: a path without empty parts and those that lead nowhere.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let parts = path.split(|c| *c == b'/');
    parts.filter(|part| !part.is_empty() && *part != b".")
}

fn open_at(dir: RawFd, name: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
    loop {
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        let fd = unsafe {
            libc::openat(
                dir,
                name.as_ptr(),
                flags | libc::O_CLOEXEC,
                mode as libc::c_uint,
            )
        };
        if fd >= 0 {
            // SAFETY: the kernel just gave us this descriptor, nobody else has it.
            return Ok(unsafe { OwnedFd::from_raw_fd(fd) });
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

fn stat_at(dir: RawFd, name: &CStr, flags: i32) -> io::Result<Stat> {
    // SAFETY: an all-zero stat is a valid value.
    let mut st: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: name is NUL-terminated, st is writable, dir is open or AT_FDCWD.
    check(unsafe { libc::fstatat(dir, name.as_ptr(), &mut st, flags) })?;
    Ok(Stat::from_raw(&st))
}

fn readlink_at(dir: RawFd, name: &CStr) -> io::Result<Vec<u8>> {
    let mut buf = vec![0u8; 256];
    loop {
        // SAFETY: name is NUL-terminated, buf is writable for its whole length.
        let len =
            unsafe { libc::readlinkat(dir, name.as_ptr(), buf.as_mut_ptr().cast(), buf.len()) };
        let Ok(len) = usize::try_from(len) else {
            return Err(io::Error::last_os_error());
        };
        if len < buf.len() {
            buf.truncate(len);
            return Ok(buf);
        }
        buf.resize(buf.len() * 2, 0);
    }
}

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

/// The names in a directory, `.` and `..` among them, in its order.
///
/// # Errors
/// Any while reading, its end aside.
pub fn names(dir: OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let list = Listing::of(dir)?;
    let mut names = Vec::new();
    loop {
        // Only errno tells the end from an error.
        // SAFETY: the location is this thread's own, and always valid.
        unsafe { *libc::__errno_location() = 0 };
        // SAFETY: the stream is open until `list` is dropped, and nobody else reads from it.
        let entry = unsafe { libc::readdir64(list.0.as_ptr()) };
        if entry.is_null() {
            let error = io::Error::last_os_error();
            return match error.raw_os_error() {
                Some(0) => Ok(names),
                _ => Err(error),
            };
        }
        // SAFETY: the entry is valid until the stream is read again, and its name NUL-terminated.
        let name = unsafe { CStr::from_ptr((&raw const (*entry).d_name).cast()) };
        names.push(name.to_bytes().to_vec());
    }
}

/// A directory stream.
struct Listing(NonNull<libc::DIR>);

impl Listing {
    fn of(dir: OwnedFd) -> io::Result<Listing> {
        // SAFETY: an open descriptor.
        let stream = unsafe { libc::fdopendir(dir.as_raw_fd()) };
        let stream = NonNull::new(stream).ok_or_else(io::Error::last_os_error)?;
        // The descriptor is the stream's now.
        let _ = dir.into_raw_fd();
        Ok(Listing(stream))
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        // SAFETY: the stream is open and used no more. Nothing was written through it.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn a_plain_tree_is_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        symlink("b", dir.path().join("a/l")).unwrap();
        let place = Place::new(dir.path());
        let spot = place.spot(b"/a/l/f");
        drop(spot.create().unwrap());
        assert_eq!(
            spot.create().unwrap_err().raw_os_error(),
            Some(libc::EEXIST)
        );
        spot.chmod(0o640).unwrap();
        spot.set_times(5, 7).unwrap();
        let meta = fs::metadata(dir.path().join("a/b/f")).unwrap();
        assert_eq!(
            (meta.mode() & 0o7777, meta.mtime(), meta.atime()),
            (0o640, 7, 5)
        );
        spot.link(&spot.with_suffix(b".dpkg-tmp")).unwrap();
        assert_eq!(spot.lstat().unwrap().nlink, 2);
        spot.rename(&spot.with_suffix(b".new")).unwrap();
        assert!(spot.lstat().is_err());
        place.spot(b"/a/s").symlink(b"/x/y").unwrap();
        assert_eq!(place.spot(b"/a/s").readlink().unwrap(), b"/x/y");
        assert!(place.spot(b"/a/s").lstat().unwrap().is_symlink());
        assert!(place.stat(b"/a/l").unwrap().is_dir());
        place.spot(b"/a/fifo").mkfifo().unwrap();
        let fifo = place.spot(b"/a/fifo").lstat().unwrap();
        assert_eq!(fifo.kind(), libc::S_IFIFO);
        let gone = place.spot(b"/nowhere/x").lstat();
        assert!(gone.if_there().unwrap().is_none());
        let through = place.spot(b"/a/b/f.new/x").lstat().unwrap_err();
        assert_eq!(through.raw_os_error(), Some(libc::ENOTDIR));
        assert!(place.spot(b"/.").lstat().unwrap().is_dir());
        assert_eq!(place.spot(b"/a/b").child(b"c").name(), "c");
        let sibling = place.spot(b"/a/b").sibling(b"s");
        assert_eq!(sibling.shown(), place.path(b"/a/s"));
        assert_eq!(sibling.readlink().unwrap(), b"/x/y");
        assert_eq!(spot.host_path(), dir.path().join("a/l/f"));
    }

    /// A root with a way out by each kind of link, and what lies outside of it.
    fn with_ways_out() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/file"), "kept").unwrap();
        symlink("../../outside", root.join("up")).unwrap();
        symlink("/etc", root.join("abs")).unwrap();
        symlink("abs", root.join("via")).unwrap();
        symlink("../outside/file", root.join("file")).unwrap();
        symlink("/etc/none", root.join("dangling")).unwrap();
        (dir, root)
    }

    #[test]
    fn links_stay_in_the_root() {
        let (dir, root) = with_ways_out();
        let place = Place::new(&root);
        for out in [
            "/up/file",
            "/etc/../../outside/file",
            "/../outside/file",
            "/file",
        ] {
            let spot = place.spot(out.as_bytes());
            assert!(spot.read().is_err(), "{out}");
            assert!(spot.stat().is_err(), "{out}");
        }
        for up in ["/..", "/etc/../..", "/../.."] {
            let (up, top) = (place.spot(up.as_bytes()), place.spot(b"/"));
            assert_eq!(up.lstat().unwrap(), top.lstat().unwrap());
        }
        drop(place.spot(b"/via/made").create().unwrap());
        assert!(root.join("etc/made").exists());
        assert_eq!(place.spot(b"/via/made").host_path(), root.join("etc/made"));
        let dangling = place.spot(b"/dangling").follow().unwrap();
        assert_eq!(dangling.shown(), place.path(b"/etc/none"));
        let file = place.spot(b"/file");
        // A user's own link is followed, below the root.
        match nix::unistd::geteuid().is_root() {
            true => {
                drop(file.create_anew(0o600).unwrap());
                assert!(file.lstat().unwrap().is_file());
            }
            false => assert!(file.create_anew(0o600).is_err()),
        }
        assert!(place.spot(b"/up").chmod(0o777).is_err());
        let outside = fs::read_dir(dir.path().join("outside")).unwrap();
        assert_eq!(outside.count(), 1);
        assert_eq!(fs::read(dir.path().join("outside/file")).unwrap(), b"kept");
    }

    #[test]
    fn walking_is_resolving() {
        let (_dir, root) = with_ways_out();
        symlink("loop", root.join("loop")).unwrap();
        fs::write(root.join("etc/f"), "").unwrap();
        let fd = Spot::path(root.as_os_str().as_bytes())
            .open(libc::O_PATH | libc::O_DIRECTORY, true)
            .unwrap();
        for path in [
            "",
            "/",
            "etc",
            "//etc/./",
            "via",
            "up",
            "..",
            "etc/../..",
            "via/../etc",
            "loop",
            "etc/f",
            "etc/f/x",
            "none",
            "none/..",
            "dangling",
        ] {
            let id = |opened: io::Result<OwnedFd>| {
                let fd = opened.map_err(|e| e.raw_os_error())?;
                let stat = stat_at(fd.as_raw_fd(), c"", libc::AT_EMPTY_PATH).unwrap();
                Ok::<_, Option<i32>>((stat.dev, stat.ino))
            };
            let walked = id(walk_in_root(fd.as_raw_fd(), path.as_bytes()));
            let opened = id(openat2_in_root(fd.as_raw_fd(), path.as_bytes()));
            if opened != Err(Some(libc::ENOSYS)) {
                assert_eq!(walked, opened, "{path}");
            }
        }
    }

    #[test]
    fn a_remembered_directory_is_forgotten_when_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        let place = Place::new(dir.path());
        drop(place.spot(b"/d/f").create().unwrap());
        fs::rename(dir.path().join("d"), dir.path().join("e")).unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        place.forget();
        assert!(place.spot(b"/d/f").lstat().is_err());
    }

    #[test]
    fn a_path_belongs_where_it_lies() {
        let place = Place::new(Path::new("/r"));
        for (path, inside) in [("/r/x", true), ("/r", true), ("/rx", false), ("x", false)] {
            let spot = place.spot_of_path(path.as_bytes());
            assert_eq!(spot.shown(), path.as_bytes());
            let base = spot.place.as_ref().is_some_and(|p| p.base() == b"/r");
            assert_eq!(base, inside, "{path}");
        }
    }
}
