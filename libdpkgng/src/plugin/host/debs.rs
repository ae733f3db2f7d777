//! Host functions that read a package file.

use std::ffi::{OsStr, c_void};
use std::io::Read;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use abi::Str;
use dpkgng_plugin_abi as abi;

use super::{Walk, answer, arg, given, read_sized, set};
use crate::archive::deb::{DebFile, DebStream, Part};
use crate::archive::extract::{Below, CONTROL_FILE_MAX};
use crate::archive::take_error;
use crate::archive::tar::{Kind, TarEntry, TarReader};
use crate::error::{OrFail, Result};
use crate::report::Silent;
use crate::{bail, err, msg};

/// The threads a decoder may use: as many as there are.
const THREADS: i32 = -1;

/// # Safety
/// An argument.
unsafe fn open(path: Str, part: Part) -> Result<TarReader<DebStream>> {
    // SAFETY: the caller's promise.
    let path = Path::new(OsStr::from_bytes(unsafe { arg(path) }));
    let deb = DebFile::open(path)?;
    Ok(TarReader::new(
        deb.member(part, &mut Silent)?.stream(THREADS)?,
    ))
}

pub(super) unsafe extern "C" fn members(
    _: *const abi::Host,
    path: Str,
    each: abi::MemberFn,
    user: *mut c_void,
) -> i32 {
    answer(|| {
        let each = given(each)?;
        // SAFETY: an argument.
        let mut tar = unsafe { open(path, Part::Control) }?;
        let mut walk = Walk::new();
        while let Some(entry) = tar.next_entry()? {
            if entry.kind != Kind::File || entry.slash {
                continue;
            }
            let name = entry.name.strip_prefix(b"./").unwrap_or(&entry.name);
            if entry.size > CONTROL_FILE_MAX {
                bail!("control file '%s' is too large", name);
            }
            let mut content = Vec::new();
            let read = tar.read_to_end(&mut content);
            read.map_err(|e| take_error(e, || msg!("failed to read")))?;
            let (name, content) = (Str::new(name), Str::new(&content));
            // SAFETY: the plugin's function.
            if !walk.goes_on(unsafe { each(user, name, content, entry.mode) }) {
                return Ok(walk.0);
            }
        }
        Ok(walk.0)
    })
}

/// A data member being walked, as a handle.
struct Reading {
    tar: TarReader<DebStream>,
    entry: TarEntry,
    below: Option<(RawFd, Below)>,
}

pub(super) unsafe extern "C" fn entries(
    _: *const abi::Host,
    path: Str,
    each: abi::EntryFn,
    user: *mut c_void,
) -> i32 {
    // SAFETY: the arguments.
    answer(|| unsafe { walk(open(path, Part::Data)?, each, user) })
}

pub(super) unsafe extern "C" fn entries_headers(
    _: *const abi::Host,
    path: Str,
    headers: i32,
    each: abi::EntryFn,
    user: *mut c_void,
) -> i32 {
    answer(|| {
        if headers < 0 {
            bail!("bad file descriptor %d of a plugin", headers);
        }
        // SAFETY: the caller's descriptor, open until we return; it is not closed here.
        let headers = unsafe { BorrowedFd::borrow_raw(headers) };
        let copy = headers.try_clone_to_owned();
        let copy = copy.or_fail(|| msg!("failed to write"))?;
        // SAFETY: the arguments.
        unsafe {
            let mut tar = open(path, Part::Data)?;
            tar.copy_headers(Box::new(std::fs::File::from(copy)));
            walk(tar, each, user)
        }
    })
}

/// Every entry of a data member.
///
/// # Safety
/// `each` and `user` belong together.
unsafe fn walk(
    mut tar: TarReader<DebStream>,
    each: abi::EntryFn,
    user: *mut c_void,
) -> Result<i32> {
    let each = given(each)?;
    let mut walk = Walk::new();
    let Some(entry) = tar.next_entry()? else {
        return Ok(walk.0);
    };
    let mut reading = Reading {
        tar,
        entry,
        below: None,
    };
    loop {
        let shown = reading.entry.clone();
        let shown = describe(&shown);
        let handle = (&raw mut reading).cast::<abi::Deb>();
        // SAFETY: the plugin's function; nothing else touches `reading` until it returns.
        if !walk.goes_on(unsafe { each(user, handle, &shown) }) {
            return Ok(walk.0);
        }
        match reading.tar.next_entry()? {
            Some(entry) => reading.entry = entry,
            None => break,
        }
    }
    let Reading { mut tar, below, .. } = reading;
    tar.drain()?;
    tar.into_inner().finish()?;
    if let Some((_, mut below)) = below {
        below.finish()?;
    }
    Ok(walk.0)
}

fn describe(entry: &TarEntry) -> abi::TarEntry {
    abi::TarEntry {
        size: size_of::<abi::TarEntry>() as u32,
        kind: match entry.kind {
            Kind::File if entry.slash => abi::DIRECTORY,
            Kind::File => abi::FILE,
            Kind::HardLink => abi::HARD_LINK,
            Kind::Symlink => abi::SYMLINK,
            Kind::CharDevice => abi::CHAR_DEVICE,
            Kind::BlockDevice => abi::BLOCK_DEVICE,
            Kind::Directory => abi::DIRECTORY,
            Kind::Fifo => abi::FIFO,
        },
        name: Str::new(&entry.name),
        link: Str::new(&entry.linkname),
        length: if entry.kind == Kind::File {
            entry.size
        } else {
            0
        },
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        major: entry.major as u32,
        minor: entry.minor as u32,
        mtime: entry.mtime,
        user: Str::new(entry.uname.as_bytes()),
        group: Str::new(entry.gname.as_bytes()),
    }
}

/// # Safety
/// The handle that a callback of `entries` was given, while that runs.
unsafe fn reading_of<'a>(deb: *mut abi::Deb) -> Result<&'a mut Reading> {
    // SAFETY: the caller's promise.
    unsafe { deb.cast::<Reading>().as_mut() }.ok_or_else(|| err!("no package file"))
}

pub(super) unsafe extern "C" fn read(
    _: *const abi::Host,
    deb: *mut abi::Deb,
    buffer: *mut u8,
    len: usize,
    got: *mut usize,
) -> i32 {
    answer(|| {
        // SAFETY: a handle.
        let reading = unsafe { reading_of(deb) }?;
        let mut count = 0;
        if !buffer.is_null() && len > 0 && reading.entry.kind == Kind::File {
            // SAFETY: the plugin's room for so many bytes; zeroed, as we may not read what
            // nobody wrote.
            let room = unsafe {
                buffer.write_bytes(0, len);
                std::slice::from_raw_parts_mut(buffer, len)
            };
            let read = reading.tar.read(room);
            count = read.map_err(|e| take_error(e, || msg!("failed to read")))?;
        }
        // SAFETY: the plugin's room for it.
        unsafe { set(got, count) };
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn place(
    _: *const abi::Host,
    deb: *mut abi::Deb,
    dir: i32,
    changed: *const abi::TarEntry,
) -> i32 {
    answer(|| {
        // SAFETY: a handle.
        let reading = unsafe { reading_of(deb) }?;
        let mut entry = reading.entry.clone();
        if entry.slash {
            entry.kind = Kind::Directory;
        }
        if !changed.is_null() {
            // SAFETY: the plugin's entry, which starts with its size, and its text.
            let (changed, name, link) = unsafe {
                let changed = read_sized(changed);
                (changed, arg(changed.name), arg(changed.link))
            };
            entry.name = name.to_vec();
            entry.linkname = link.to_vec();
            entry.mode = changed.mode & 0o7777;
            (entry.uid, entry.gid) = (changed.uid, changed.gid);
            entry.mtime = changed.mtime;
        }
        let below = match &mut reading.below {
            Some((known, below)) if *known == dir => below,
            Some(_) => bail!("the directory to place below has changed"),
            none => {
                if dir < 0 {
                    bail!("no directory to place below");
                }
                // SAFETY: a descriptor that the plugin says is open; a wrong one is EBADF.
                let top = unsafe { BorrowedFd::borrow_raw(dir) };
                let top = top.try_clone_to_owned();
                let top = top.or_fail(|| msg!("failed to open directory"))?;
                &mut none.insert((dir, Below::exactly(top))).1
            }
        };
        below.put(&entry, &mut reading.tar)?;
        Ok(abi::NO)
    })
}
