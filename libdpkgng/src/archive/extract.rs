//! Taking control files out of a package without running anything.
//!
//! The control member is written below one directory and cannot leave it: names are cut into
//! components, `..` is refused, and every directory on the way is opened without following
//! links. Owner, group, mode and time are those of the archive, as `tar -x` sets them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, UtimensatFlags, fchmod, mkdirat, utimensat};
use nix::sys::time::TimeSpec;

use super::deb::{DebFile, Part};
use super::take_error;
use super::tar::{Kind, Owners, TarEntry, TarReader};
use crate::error::{OrFail as _, Result};
use crate::report::Reporter;
use crate::sys::place::Spot;
use crate::{bail, msg};

/// Largest control file that [`read_control_file`] takes into memory.
pub const CONTROL_FILE_MAX: u64 = 256 * 1024 * 1024;

/// One control file's contents, `None` if the package has no file of this name.
pub fn read_control_file(
    deb: &DebFile,
    name: &[u8],
    report: &mut dyn Reporter,
) -> Result<Option<Vec<u8>>> {
    let stream = deb.member(Part::Control, report)?.stream(-1)?;
    let mut tar = TarReader::new(stream);
    let mut found = None;
    while let Some(entry) = tar.next_entry()? {
        let path = entry.name.strip_prefix(b"./").unwrap_or(&entry.name);
        if entry.kind != Kind::File || entry.slash || path != name {
            continue;
        }
        if entry.size > CONTROL_FILE_MAX {
            bail!("control file '%s' is too large", name);
        }
        let mut data = Vec::new();
        tar.read_to_end(&mut data)
            .map_err(|e| take_error(e, || msg!("failed to read")))?;
        found = Some(data);
    }
    if !tar.orderly() {
        bail!("tar would have something to say");
    }
    tar.into_inner().finish()?;
    Ok(found)
}

/// Write all control files below `dir`, which is made if need be. Owners are set when running
/// as root, from names through `owners` first.
pub fn extract_control(
    deb: &DebFile,
    dir: &Spot,
    owners: &mut dyn Owners,
    report: &mut dyn Reporter,
) -> Result<()> {
    let member = deb.member(Part::Control, report)?;
    if member.version.inner_control_dir().is_some() {
        bail!("dpkg-deb moves the control files of such an archive");
    }
    let stream = member.stream(-1)?;
    match dir.mkdir_mode(0o777) {
        Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {}
        made => made.or_fail(|| msg!("failed to create directory"))?,
    }
    let top = dir
        .open(libc::O_RDONLY | libc::O_DIRECTORY, true)
        .or_fail(|| msg!("failed to chdir to directory"))?;
    let mut place = Below::new(top, false);
    // A name that comes twice is what it is last.
    let mut tar = TarReader::new(stream).in_order();
    while let Some(mut entry) = tar.next_entry()? {
        entry.resolve(owners)?;
        if entry.slash {
            entry.kind = Kind::Directory;
        }
        place.put(&entry, &mut tar)?;
    }
    if !tar.orderly() {
        bail!("tar would have something to say");
    }
    place.finish()?;
    tar.into_inner().finish()
}

/// A directory below which entries of a tar archive are placed.
pub struct Below {
    top: OwnedFd,
    as_root: bool,
    /// Modes are the archive's also for others than root, and links have owner and time.
    exact: bool,
    umask: u32,
    /// Directories whose mode and time are set last, so that they stay writable until then.
    dirs: Vec<TarEntry>,
}

impl Below {
    fn new(top: OwnedFd, exact: bool) -> Below {
        Below {
            top,
            as_root: nix::unistd::geteuid().is_root(),
            exact,
            umask: 0,
            dirs: Vec::new(),
        }
    }

    /// Everything below this directory is to be as the entries say, as far as we may.
    pub fn exactly(top: OwnedFd) -> Below {
        Below::new(top, true)
    }

    /// Place an entry, with the content that comes next in `data`. What is there gives way
    /// unless it is a directory.
    ///
    /// # Errors
    /// It cannot be placed, is a device or a named pipe, or leads out of the directory.
    pub fn put(&mut self, entry: &TarEntry, data: &mut dyn Read) -> Result<()> {
        let fail = || msg!("unable to create '%.255s'", &entry.name);
        if entry.kind == Kind::Directory {
            self.dirs.push(entry.clone());
        }
        let Some((parent, name)) = self.parent_of(&entry.name)? else {
            return Ok(());
        };
        let name = name.as_path();
        match entry.kind {
            Kind::Directory => match mkdirat(&parent, name, Mode::from_bits_truncate(0o700)) {
                Err(nix::errno::Errno::EEXIST) => {}
                other => other.or_fail(fail)?,
            },
            Kind::File => {
                remove_old(&parent, name);
                let flags = OFlag::O_WRONLY
                    | OFlag::O_CREAT
                    | OFlag::O_EXCL
                    | OFlag::O_NOFOLLOW
                    | OFlag::O_CLOEXEC;
                let fd =
                    openat(&parent, name, flags, Mode::from_bits_truncate(0o600)).or_fail(fail)?;
                let mut file = File::from(fd);
                let copied = io::copy(data, &mut file)
                    .map_err(|e| take_error(e, || msg!("failed to write")))?;
                if copied != entry.size {
                    bail!("unexpected end of file or stream");
                }
                self.set_meta(&file.into(), entry).or_fail(fail)?;
            }
            Kind::Symlink => {
                remove_old(&parent, name);
                nix::unistd::symlinkat(OsStr::from_bytes(&entry.linkname), &parent, name)
                    .or_fail(fail)?;
                self.set_link_meta(&parent, name, entry).or_fail(fail)?;
            }
            Kind::HardLink => {
                remove_old(&parent, name);
                let Some((from_dir, from)) = self.parent_of(&entry.linkname)? else {
                    bail!("unable to create '%.255s'", &entry.name);
                };
                nix::unistd::linkat(&from_dir, from.as_path(), &parent, name, AtFlags::empty())
                    .or_fail(fail)?;
            }
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo => {
                bail!("unable to create '%.255s'", &entry.name);
            }
        }
        Ok(())
    }

    /// The directory a path lies in, opened, and its last component; `None` for the top itself.
    fn parent_of(&self, path: &[u8]) -> Result<Option<(OwnedFd, PathBuf)>> {
        let fail = || msg!("unable to create '%.255s'", path);
        let mut parts = path
            .split(|&c| c == b'/')
            .filter(|p| !p.is_empty() && *p != b".")
            .peekable();
        let mut dir = self.top.try_clone().or_fail(fail)?;
        while let Some(part) = parts.next() {
            if part == b".." {
                bail!("unable to create '%.255s'", path);
            }
            if parts.peek().is_none() {
                return Ok(Some((dir, PathBuf::from(OsStr::from_bytes(part)))));
            }
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let part = OsStr::from_bytes(part);
            dir = match openat(&dir, part, flags, Mode::empty()) {
                Err(nix::errno::Errno::ENOENT) => {
                    mkdirat(&dir, part, Mode::from_bits_truncate(0o777)).or_fail(fail)?;
                    openat(&dir, part, flags, Mode::empty()).or_fail(fail)?
                }
                other => other.or_fail(fail)?,
            };
        }
        Ok(None)
    }

    fn set_meta(&mut self, fd: &OwnedFd, entry: &TarEntry) -> io::Result<()> {
        let mut mode = entry.mode;
        if self.as_root {
            nix::unistd::fchown(fd, Some(entry.uid.into()), Some(entry.gid.into()))?;
        } else if !self.exact {
            mode &= 0o777 & !self.process_umask()?;
        }
        fchmod(fd, Mode::from_bits_truncate(mode))?;
        let time = TimeSpec::new(entry.mtime, 0);
        nix::sys::stat::futimens(fd, &time, &time)?;
        Ok(())
    }

    /// The umask, read off a directory made for the purpose: asking for it would change it.
    fn process_umask(&mut self) -> io::Result<u32> {
        if self.umask == 0 {
            let probe = Path::new(".dpkg-ng-umask");
            mkdirat(&self.top, probe, Mode::from_bits_truncate(0o777))?;
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let made = openat(&self.top, probe, flags, Mode::empty());
            nix::unistd::unlinkat(&self.top, probe, nix::unistd::UnlinkatFlags::RemoveDir)?;
            let seen = File::from(made?).metadata()?.mode();
            self.umask = 0o1000 | (!seen & 0o777);
        }
        Ok(self.umask & 0o777)
    }

    fn set_link_meta(&self, dir: &OwnedFd, name: &Path, entry: &TarEntry) -> io::Result<()> {
        if self.as_root {
            let (uid, gid) = (Some(entry.uid.into()), Some(entry.gid.into()));
            nix::unistd::fchownat(dir, name, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW)?;
        }
        let time = TimeSpec::new(entry.mtime, 0);
        utimensat(dir, name, &time, &time, UtimensatFlags::NoFollowSymlink)?;
        Ok(())
    }

    /// Give the directories placed their owners, modes and times.
    ///
    /// # Errors
    /// It cannot be done.
    pub fn finish(&mut self) -> Result<()> {
        for entry in std::mem::take(&mut self.dirs).into_iter().rev() {
            let fail = || msg!("unable to create '%.255s'", &entry.name);
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let fd = match self.parent_of(&entry.name)? {
                None => self.top.try_clone().or_fail(fail)?,
                Some((parent, name)) => {
                    openat(&parent, name.as_path(), flags, Mode::empty()).or_fail(fail)?
                }
            };
            self.set_meta(&fd, &entry).or_fail(fail)?;
        }
        Ok(())
    }
}

/// An earlier entry of the same name gives way, as with tar; the following step reports what fails.
fn remove_old(parent: &OwnedFd, name: &Path) {
    let _ = nix::unistd::unlinkat(parent, name, nix::unistd::UnlinkatFlags::NoRemoveDir);
}

/// Set a path's modification time without following links.
pub fn set_mtime(path: &Path, mtime: i64) -> io::Result<()> {
    let time = TimeSpec::new(mtime, 0);
    utimensat(
        nix::fcntl::AT_FDCWD,
        path,
        &time,
        &time,
        UtimensatFlags::NoFollowSymlink,
    )?;
    Ok(())
}
