//! The calls on descriptors and names, and the way to a directory beneath a root: what the rest of [`super`] is made of.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;

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
    pub(super) fn from_raw(st: &libc::stat) -> Stat {
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

pub(super) fn check(rc: libc::c_int) -> io::Result<()> {
    if rc < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

pub(super) fn cstring(bytes: &[u8]) -> io::Result<CString> {
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
pub(super) const LINKS_MAX: usize = 40;

/// Open the directory `path` beneath `root`, as a chroot into it would find it.
pub(super) fn open_in_root(root: RawFd, path: &[u8]) -> io::Result<OwnedFd> {
    match openat2_in_root(root, path) {
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            walk_in_root(root, path)
        }
        opened => opened,
    }
}

pub(super) fn openat2_in_root(root: RawFd, path: &[u8]) -> io::Result<OwnedFd> {
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
pub(super) fn walk_in_root(root: RawFd, path: &[u8]) -> io::Result<OwnedFd> {
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

pub(super) fn open_at(dir: RawFd, name: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
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

pub(super) fn stat_at(dir: RawFd, name: &CStr, flags: i32) -> io::Result<Stat> {
    // SAFETY: an all-zero stat is a valid value.
    let mut st: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: name is NUL-terminated, st is writable, dir is open or AT_FDCWD.
    check(unsafe { libc::fstatat(dir, name.as_ptr(), &mut st, flags) })?;
    Ok(Stat::from_raw(&st))
}

pub(super) fn readlink_at(dir: RawFd, name: &CStr) -> io::Result<Vec<u8>> {
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
