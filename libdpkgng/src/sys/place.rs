//! Paths of the installed system, reached through descriptors.
//!
//! A [`Place`] is the root of an installed system; a [`Spot`] is a name in one of its
//! directories. The way to the directory is resolved by `openat2(RESOLVE_IN_ROOT)`: symbolic
//! links on the way are followed as the system itself would follow them after a chroot, and
//! never lead out of the root, whoever swaps them meanwhile. The last component is handled by
//! the `*at` functions of libc (which fakeroot interposes) and is never followed unless a
//! function says so. Where the kernel has no `openat2` (or a sandbox forbids it), the path is
//! handed to the same functions in full, below the root's path, as stock dpkg does.
//!
//! One difference to stock follows: with `--root`, an absolute symbolic link on the way
//! resolves inside the root, where the system that is installed there would find it.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// Modification time: seconds since the epoch, and nanoseconds.
    pub mtime: (i64, i64),
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
            mtime: (st.st_mtime as i64, st.st_mtime_nsec as i64),
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

/// Resolve `path` beneath `root`, as a chroot into it would.
fn open_in_root(root: RawFd, path: &[u8], flags: i32) -> io::Result<OwnedFd> {
    const RESOLVE_IN_ROOT: u64 = 0x10;
    let path = cstring(if path.is_empty() { b"." } else { path })?;
    let how = OpenHow {
        flags: (flags | libc::O_CLOEXEC) as u64,
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

/// The root of an installed system; remembers the directory it was asked for last.
#[derive(Debug)]
pub struct Place {
    /// `None`: plain paths are used.
    root: Option<Arc<OwnedFd>>,
    base: Vec<u8>,
    latest: Option<(Vec<u8>, Arc<OwnedFd>)>,
    /// Held open, as `base` is a path of its descriptor.
    _within: Option<Arc<OwnedFd>>,
}

impl Place {
    /// The system below `base`; empty for the running one. A root that cannot be opened shows
    /// when something in it is asked for.
    pub fn new(base: &Path) -> Place {
        let base = base.as_os_str().as_bytes().to_vec();
        let path = if base.is_empty() { b"/" } else { &base[..] };
        let root = Spot::path(path)
            .open(libc::O_PATH | libc::O_DIRECTORY, true)
            .ok()
            .filter(|root| open_in_root(root.as_raw_fd(), b"", libc::O_PATH).is_ok());
        Place {
            root: root.map(Arc::new),
            base,
            latest: None,
            _within: None,
        }
    }

    /// What is below an open directory.
    pub fn within(dir: OwnedFd) -> Place {
        let base = format!("/proc/self/fd/{}", dir.as_raw_fd()).into_bytes();
        let dir = Arc::new(dir);
        let by_fd = open_in_root(dir.as_raw_fd(), b"", libc::O_PATH).is_ok();
        Place {
            root: by_fd.then(|| dir.clone()),
            base,
            latest: None,
            _within: Some(dir),
        }
    }

    /// The same with plain paths, as on a kernel without `openat2`.
    pub fn with_plain_paths(base: &Path) -> Place {
        Place {
            root: None,
            base: base.as_os_str().as_bytes().to_vec(),
            latest: None,
            _within: None,
        }
    }

    /// The path of the root on this system; empty for the running one.
    pub fn base(&self) -> &[u8] {
        &self.base
    }

    /// The path `name` (with its leading slash) has on this system.
    pub fn path(&self, name: &[u8]) -> Vec<u8> {
        [&self.base, name].concat()
    }

    /// Forget the directory last resolved: something on its path may have been replaced.
    pub fn forget(&mut self) {
        self.latest = None;
    }

    /// A name of this system; the parts before its last slash are followed now. When they
    /// cannot be, what is done with the spot fails with that error.
    pub fn spot(&mut self, name: &[u8]) -> Spot {
        let Some(root) = &self.root else {
            return Spot::path(&self.path(name));
        };
        let cut = name.iter().rposition(|c| *c == b'/');
        let (parent, last) = match cut {
            Some(i) => (&name[..i], &name[i + 1..]),
            None => (&name[..0], name),
        };
        let dir = match &self.latest {
            Some((known, fd)) if known == parent => Dir::Fd(fd.clone()),
            _ => {
                let opened =
                    open_in_root(root.as_raw_fd(), parent, libc::O_PATH | libc::O_DIRECTORY);
                match opened {
                    Ok(fd) => {
                        let fd = Arc::new(fd);
                        self.latest = Some((parent.to_vec(), fd.clone()));
                        Dir::Fd(fd)
                    }
                    Err(e) => Dir::Failed(e.raw_os_error().unwrap_or(libc::EIO)),
                }
            }
        };
        // A path that ends in a slash, or the root itself.
        let last = if last.is_empty() { &b"."[..] } else { last };
        Spot::new(dir, last)
    }

    /// `stat(2)`: what is at `name`, the last component followed too.
    pub fn stat(&self, name: &[u8]) -> io::Result<Stat> {
        match &self.root {
            None => Spot::path(&self.path(name)).stat_at(0),
            Some(root) => {
                let fd = open_in_root(root.as_raw_fd(), name, libc::O_PATH)?;
                // SAFETY: an all-zero stat is a valid value.
                let mut st: libc::stat = unsafe { std::mem::zeroed() };
                // SAFETY: fd is open and st is writable.
                check(unsafe { libc::fstat(fd.as_raw_fd(), &mut st) })?;
                Ok(Stat::from_raw(&st))
            }
        }
    }

    /// The spot that is left when the last component of `name`, too, is followed (`ELOOP` after
    /// as many symbolic links as the kernel takes).
    pub fn follow(&mut self, name: &[u8]) -> io::Result<Spot> {
        const LINKS_MAX: usize = 40;
        let mut name = name.to_vec();
        for _ in 0..LINKS_MAX {
            let spot = self.spot(&name);
            if !spot.lstat()?.is_symlink() {
                return Ok(spot);
            }
            let target = spot.readlink()?;
            let parent = name.iter().rposition(|c| *c == b'/').map_or(0, |i| i + 1);
            name.truncate(if target.first() == Some(&b'/') {
                0
            } else {
                parent
            });
            name.extend_from_slice(&target);
        }
        Err(io::Error::from_raw_os_error(libc::ELOOP))
    }
}

#[derive(Clone, Debug)]
enum Dir {
    Cwd,
    Fd(Arc<OwnedFd>),
    Failed(i32),
}

/// A name in a directory that was resolved before. Every function fails with the error of
/// that resolution, if there was one.
#[derive(Clone, Debug)]
pub struct Spot {
    dir: Dir,
    name: CString,
}

impl Spot {
    fn new(dir: Dir, name: &[u8]) -> Spot {
        match CString::new(name) {
            Ok(name) => Spot { dir, name },
            Err(_) => Spot {
                dir: Dir::Failed(libc::ENOENT),
                name: CString::default(),
            },
        }
    }

    /// A plain path of this system.
    pub fn path(path: &[u8]) -> Spot {
        Spot::new(Dir::Cwd, path)
    }

    /// The same directory, the same name with `suffix` behind it.
    pub fn with_suffix(&self, suffix: &[u8]) -> Spot {
        Spot::new(self.dir.clone(), &[self.name.as_bytes(), suffix].concat())
    }

    fn raw(&self) -> io::Result<(RawFd, *const libc::c_char)> {
        match &self.dir {
            Dir::Cwd => Ok((libc::AT_FDCWD, self.name.as_ptr())),
            Dir::Fd(fd) => Ok((fd.as_raw_fd(), self.name.as_ptr())),
            Dir::Failed(errno) => Err(io::Error::from_raw_os_error(*errno)),
        }
    }

    fn stat_at(&self, flags: i32) -> io::Result<Stat> {
        let (dir, name) = self.raw()?;
        // SAFETY: an all-zero stat is a valid value.
        let mut st: libc::stat = unsafe { std::mem::zeroed() };
        // SAFETY: name is NUL-terminated, st is writable, dir is open or AT_FDCWD.
        check(unsafe { libc::fstatat(dir, name, &mut st, flags) })?;
        Ok(Stat::from_raw(&st))
    }

    /// `lstat(2)`
    pub fn lstat(&self) -> io::Result<Stat> {
        self.stat_at(libc::AT_SYMLINK_NOFOLLOW)
    }

    /// `access(2)` with `F_OK`.
    pub fn exists(&self) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::faccessat(dir, name, libc::F_OK, 0) })
    }

    /// `open(2)` with close-on-exec; the last component is followed only when asked for.
    pub fn open(&self, flags: i32, follow: bool) -> io::Result<OwnedFd> {
        let follow = if follow { 0 } else { libc::O_NOFOLLOW };
        self.open_with(flags | follow, 0)
    }

    fn open_with(&self, flags: i32, mode: u32) -> io::Result<OwnedFd> {
        let (dir, name) = self.raw()?;
        let flags = flags | libc::O_CLOEXEC;
        loop {
            // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
            let fd = unsafe { libc::openat(dir, name, flags, mode as libc::c_uint) };
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

    /// A new regular file with mode 0, open for writing; `EEXIST` when there is anything.
    pub fn create(&self) -> io::Result<File> {
        let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY;
        Ok(File::from(self.open(flags, false)?))
    }

    /// `creat(2)`: an empty file open for writing, new or what was there; a symbolic link is
    /// `ELOOP`, so that one somebody left there leads nowhere.
    pub fn create_or_empty(&self, mode: u32) -> io::Result<File> {
        let flags = libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY | libc::O_NOFOLLOW;
        Ok(File::from(self.open_with(flags, mode)?))
    }

    /// A new regular file with mode 0 and no name, in this directory; it goes when it is closed,
    /// unless [`Spot::link_file`] names it. Not every file system has it (`EOPNOTSUPP`, `EISDIR`).
    pub fn unnamed(&self) -> io::Result<File> {
        Ok(File::from(
            self.open_with(libc::O_TMPFILE | libc::O_RDWR, 0)?,
        ))
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
        let (dir, name) = self.raw()?;
        let mut buf = vec![0u8; 256];
        loop {
            // SAFETY: name is NUL-terminated, buf is writable for its whole length.
            let len = unsafe { libc::readlinkat(dir, name, buf.as_mut_ptr().cast(), buf.len()) };
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

    /// `mkdir(2)` with mode 0.
    pub fn mkdir(&self) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::mkdirat(dir, name, 0) })
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

    /// `chmod(2)`; follows, so only for what is known to be no symbolic link.
    pub fn chmod(&self, mode: u32) -> io::Result<()> {
        let (dir, name) = self.raw()?;
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::fchmodat(dir, name, mode as libc::mode_t, 0) })
    }

    /// `chmod(2)` of what is no symbolic link; one is `ELOOP`.
    pub fn chmod_nofollow(&self, mode: u32) -> io::Result<()> {
        if self.lstat()?.is_symlink() {
            return Err(io::Error::from_raw_os_error(libc::ELOOP));
        }
        self.chmod(mode)
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
        // SAFETY: name is NUL-terminated, dir is open or AT_FDCWD.
        check(unsafe { libc::unlinkat(dir, name, libc::AT_REMOVEDIR) })
    }

    /// The names in this directory (never `.` and `..`), unsorted, with a spot for each that
    /// holds on to the directory as it was opened. Symbolic links are not followed.
    pub fn entries(&self) -> io::Result<Vec<(PathBuf, Spot)>> {
        let dir = Arc::new(self.open(libc::O_RDONLY | libc::O_DIRECTORY, false)?);
        let mut list = nix::dir::Dir::from_fd(dir.try_clone()?)?;
        let mut names = Vec::new();
        for entry in list.iter() {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                let spot = Spot::new(Dir::Fd(dir.clone()), &name);
                names.push((PathBuf::from(std::ffi::OsString::from_vec(name)), spot));
            }
        }
        Ok(names)
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

    /// The last component as it was given.
    pub fn name(&self) -> &OsStr {
        OsStr::from_bytes(self.name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn places(base: &Path) -> [Place; 2] {
        [Place::new(base), Place::with_plain_paths(base)]
    }

    #[test]
    fn both_ways_do_the_same_to_a_plain_tree() {
        for plain in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(dir.path().join("a/b")).unwrap();
            symlink("b", dir.path().join("a/l")).unwrap();
            let mut place = if plain {
                Place::with_plain_paths(dir.path())
            } else {
                Place::new(dir.path())
            };
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
            assert_eq!(
                place.spot(b"/a/fifo").lstat().unwrap().kind(),
                libc::S_IFIFO
            );
            let gone = place.spot(b"/nowhere/x").lstat().unwrap_err();
            assert_eq!(gone.raw_os_error(), Some(libc::ENOENT));
            let through = place.spot(b"/a/b/f.new/x").lstat().unwrap_err();
            assert_eq!(through.raw_os_error(), Some(libc::ENOTDIR));
            assert!(place.spot(b"/.").lstat().unwrap().is_dir());
        }
    }

    #[test]
    fn links_on_the_way_stay_in_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        symlink("../../outside", root.join("up")).unwrap();
        symlink("/etc", root.join("abs")).unwrap();
        let mut place = Place::new(&root);
        if place.root.is_none() {
            return; // No openat2 here.
        }
        assert!(place.spot(b"/up/f").create().is_err());
        assert!(place.spot(b"/etc/../../outside/f").create().is_err());
        drop(place.spot(b"/abs/dpkgng-place-test").create().unwrap());
        assert!(root.join("etc/dpkgng-place-test").exists());
        assert_eq!(fs::read_dir(dir.path().join("outside")).unwrap().count(), 0);
    }

    #[test]
    fn a_remembered_directory_is_forgotten_when_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        for mut place in places(dir.path()) {
            drop(place.spot(b"/d/f").create().unwrap());
            fs::rename(dir.path().join("d"), dir.path().join("e")).unwrap();
            fs::create_dir(dir.path().join("d")).unwrap();
            place.forget();
            assert!(place.spot(b"/d/f").lstat().is_err());
            fs::remove_dir(dir.path().join("d")).unwrap();
            fs::remove_file(dir.path().join("e/f")).unwrap();
            fs::rename(dir.path().join("e"), dir.path().join("d")).unwrap();
        }
    }
}
