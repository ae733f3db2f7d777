//! Package files.

use std::ffi::{OsStr, c_void};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use abi::Str;
use dpkgng_plugin_abi as abi;

use crate::call::{Walk, call};
use crate::{Failed, Services};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A hard link to a file of the archive.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// What this crate does not know, by its number.
    Unknown(u32),
}

/// An entry of a package's data member, while it is at hand.
pub struct Entry<'a> {
    host: Services,
    deb: *mut abi::Deb,
    raw: &'a abi::TarEntry,
    /// What it is.
    pub kind: Kind,
    /// As the archive has it, usually `./usr/…`; a directory without slash at its end.
    pub name: &'a [u8],
    /// The target of a link.
    pub link: &'a [u8],
    /// Bytes of its content; 0 for all but files.
    pub length: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner, by the archive's number.
    pub uid: u32,
    /// Group, by the archive's number.
    pub gid: u32,
    /// Device number.
    pub device: (u32, u32),
    /// Modification time, seconds since 1970.
    pub mtime: i64,
    /// Name of the owner, maybe empty.
    pub user: &'a [u8],
    /// Name of the group, maybe empty.
    pub group: &'a [u8],
}

/// What an entry is placed as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    /// Below the directory.
    pub name: &'a [u8],
    /// The target of a link.
    pub link: &'a [u8],
    /// Permission bits.
    pub mode: u32,
    /// Owner, set by root.
    pub uid: u32,
    /// Group, set by root.
    pub gid: u32,
    /// Modification time, seconds since 1970.
    pub mtime: i64,
}

impl<'a> Entry<'a> {
    /// # Safety
    /// What a callback of `deb_entries` was given, for no longer than that runs.
    unsafe fn new(host: Services, deb: *mut abi::Deb, raw: *const abi::TarEntry) -> Entry<'a> {
        // SAFETY: the caller's promise, for the texts, too.
        let (raw, name, link, user, group) = unsafe {
            let raw = &*raw;
            let [name, link] = [raw.name, raw.link].map(|s| s.bytes());
            let [user, group] = [raw.user, raw.group].map(|s| s.bytes());
            (raw, name, link, user, group)
        };
        Entry {
            host,
            deb,
            raw,
            kind: match raw.kind {
                abi::FILE => Kind::File,
                abi::HARD_LINK => Kind::HardLink,
                abi::SYMLINK => Kind::Symlink,
                abi::CHAR_DEVICE => Kind::CharDevice,
                abi::BLOCK_DEVICE => Kind::BlockDevice,
                abi::DIRECTORY => Kind::Directory,
                abi::FIFO => Kind::Fifo,
                other => Kind::Unknown(other),
            },
            name,
            link,
            length: raw.length,
            mode: raw.mode,
            uid: raw.uid,
            gid: raw.gid,
            device: (raw.major, raw.minor),
            mtime: raw.mtime,
            user,
            group,
        }
    }

    /// The entry as it is.
    pub fn as_is(&self) -> Placed<'a> {
        Placed {
            name: self.name,
            link: self.link,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            mtime: self.mtime,
        }
    }

    /// Place it below a directory, the same one throughout a walk. No symbolic link is followed
    /// on the way, `..` is refused, directories that lack are made, and what is there already
    /// gives way unless it is a directory. A file's content is what was not yet read of it.
    ///
    /// # Errors
    /// It can't be placed, or is a device or a named pipe.
    pub fn place(&mut self, dir: impl AsFd, placed: &Placed<'_>) -> Result<(), Failed> {
        let entry = abi::TarEntry {
            name: Str::new(placed.name),
            link: Str::new(placed.link),
            mode: placed.mode,
            uid: placed.uid,
            gid: placed.gid,
            mtime: placed.mtime,
            ..*self.raw
        };
        let dir = dir.as_fd().as_raw_fd();
        let done = call!(self.host.table, deb_place, self.deb, dir, &entry)?;
        self.host.check(done).map(drop)
    }
}

impl io::Read for Entry<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (room, len, mut got) = (buffer.as_mut_ptr(), buffer.len(), 0);
        call!(self.host.table, deb_read, self.deb, room, len, &mut got)
            .and_then(|r| self.host.check(r))
            .map_err(io::Error::other)?;
        Ok(got.min(len))
    }
}

fn path_of(path: &Path) -> Str {
    Str::new(path.as_os_str().as_bytes())
}

impl Services {
    /// Every control file of a package file, in the archive's order: its name, content and mode.
    ///
    /// # Errors
    /// The file can't be read, or what `each` returned.
    pub fn deb_members<E: From<Failed>>(
        self,
        path: &Path,
        each: impl FnMut(&OsStr, &[u8], u32) -> Result<(), E>,
    ) -> Result<(), E> {
        unsafe extern "C" fn one<F, E>(user: *mut c_void, name: Str, content: Str, mode: u32) -> i32
        where
            F: FnMut(&OsStr, &[u8], u32) -> Result<(), E>,
            E: From<Failed>,
        {
            // SAFETY: the walk below, and texts lent for this call.
            unsafe {
                let name = OsStr::from_bytes(name.bytes());
                Walk::<F, E>::step(user, |each| each(name, content.bytes(), mode))
            }
        }
        fn callback<F, E>(_: &Walk<F, E>) -> abi::MemberFn
        where
            F: FnMut(&OsStr, &[u8], u32) -> Result<(), E>,
            E: From<Failed>,
        {
            Some(one::<F, E>)
        }
        let mut walk = Walk::new(each);
        let (one, user) = (callback(&walk), walk.user());
        let walked = call!(self.table, deb_members, path_of(path), one, user);
        walk.end(walked.and_then(|r| self.check(r))).map(drop)
    }

    /// Every entry of its data member, as it is decompressed: in the archive's order, but symbolic
    /// links after all others, as dpkg unpacks them. Directories placed get their owners, modes and times at the end.
    ///
    /// # Errors
    /// The file can't be read, or what `each` returned.
    pub fn deb_entries<E: From<Failed>>(
        self,
        path: &Path,
        each: impl FnMut(Entry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.walk_entries(path, None, each)
    }

    /// The same; what the data member is without the content of its files is written to `headers`,
    /// for a [`Payload`](crate::Payload).
    ///
    /// # Errors
    /// The file can't be read, the headers can't be written, or what `each` returned.
    pub fn deb_entries_headers<E: From<Failed>>(
        self,
        path: &Path,
        headers: impl AsFd,
        each: impl FnMut(Entry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.walk_entries(path, Some(headers.as_fd()), each)
    }

    fn walk_entries<E: From<Failed>>(
        self,
        path: &Path,
        headers: Option<BorrowedFd<'_>>,
        each: impl FnMut(Entry<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        unsafe extern "C" fn one<F, E>(
            user: *mut c_void,
            deb: *mut abi::Deb,
            entry: *const abi::TarEntry,
        ) -> i32
        where
            F: FnMut(Entry<'_>) -> Result<(), E>,
            E: From<Failed>,
        {
            // SAFETY: the walk below, and a handle and an entry lent for this call.
            unsafe {
                Walk::<(Services, F), E>::step(user, |(host, each)| {
                    each(Entry::new(*host, deb, entry))
                })
            }
        }
        fn callback<F, E>(_: &Walk<(Services, F), E>) -> abi::EntryFn
        where
            F: FnMut(Entry<'_>) -> Result<(), E>,
            E: From<Failed>,
        {
            Some(one::<F, E>)
        }
        let mut walk = Walk::new((self, each));
        let (one, user) = (callback(&walk), walk.user());
        let path = path_of(path);
        let walked = match headers.map(|h| h.as_raw_fd()) {
            None => call!(self.table, deb_entries, path, one, user),
            Some(fd) => call!(self.table, deb_entries_headers, path, fd, one, user),
        };
        walk.end(walked.and_then(|r| self.check(r))).map(drop)
    }
}
