//! What live processes use below `/var/sys`, as `/proc` tells: root, exe, cwd, maps, mountinfo.
//!
//! In a context a program's path is `/usr/bin/…`; which view that is, only mountinfo says, and it
//! counts from the file system's own root. So the place of `/var/sys` in its file system is looked up first.
//!
//! A user's own store stands on `/var/sys` in its contexts alone. Nobody else can be in it, so other users' processes are not
//! looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{GcError, Why};
use crate::generation::is_absent;
use crate::layout::{Layout, StoreKey, VAR_SYS};
use crate::mountinfo::{mounts, unescape};
use crate::processes;

/// What processes use.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// By what is used.
    pub used: BTreeMap<StoreKey, BTreeSet<Why>>,
    /// Processes of which we may not see everything.
    pub hidden: BTreeSet<u32>,
}

/// Where the layout is in its file system.
struct Home {
    device: Vec<u8>,
    path: PathBuf,
}

impl Home {
    /// From our own mountinfo: the last mount on the longest mount point that leads there.
    fn of(root: &Path, mountinfo: &[u8]) -> Option<Home> {
        let all = mounts(mountinfo);
        let leads = all.iter().filter(|m| root.starts_with(&m.point));
        let mount = leads.max_by_key(|m| m.point.components().count())?;
        let below = root.strip_prefix(&mount.point).ok()?;
        Some(Home {
            device: mount.device.clone(),
            path: mount.root.join(below),
        })
    }
}

/// What all processes of `proc` use.
pub fn live(layout: &Layout, proc: &Path) -> Result<Live, GcError> {
    let read_error = |path: &Path, source| GcError::Read {
        path: path.into(),
        source,
    };
    // The kernel's paths have no links in them.
    let root = fs::canonicalize(layout.root()).map_err(|e| read_error(layout.root(), e))?;
    let layout = &Layout::new(root);
    let own = proc.join("self/mountinfo");
    let own_mounts = fs::read(&own).map_err(|e| read_error(&own, e))?;
    let home = Home::of(layout.root(), &own_mounts);
    let home = home.ok_or_else(|| GcError::NotMounted(layout.root().into()))?;
    let mut live = Live::default();
    let only = own_store(layout).map_err(|e| read_error(layout.root(), e))?;
    for (pid, dir) in processes::all(proc).map_err(|e| read_error(proc, e))? {
        if let Some(user) = only
            && !is_of(&dir, user).map_err(|e| read_error(&dir, e))?
        {
            continue;
        }
        match process(layout, &home, &dir, pid, &mut live.used) {
            Ok(Seen::All) => {}
            Ok(Seen::Partly) if uses_no_files(&dir) => {}
            Ok(Seen::Partly) => {
                live.hidden.insert(pid);
            }
            Err(e) => return Err(read_error(&dir, e)),
        }
    }
    Ok(live)
}

/// The user whose own store it is, if it is one.
fn own_store(layout: &Layout) -> io::Result<Option<u32>> {
    let us = rustix::process::geteuid();
    let is = fs::metadata(layout.root())?;
    Ok((!us.is_root() && is.uid() == us.as_raw()).then_some(us.as_raw()))
}

/// Whether a process is a user's: by its real user, which anybody may read (proc_pid_status(5)).
fn is_of(dir: &Path, user: u32) -> io::Result<bool> {
    let status = match fs::read_to_string(dir.join("status")) {
        // It has ended meanwhile.
        Err(e) if is_absent(&e) || is_gone(&e) => return Ok(false),
        status => status?,
    };
    let line = status.lines().find_map(|l| l.strip_prefix("Uid:"));
    let mut users = line.unwrap_or_default().split_ascii_whitespace();
    Ok(users.next().and_then(|u| u.parse().ok()) == Some(user))
}

/// Whether a process is a kernel thread or has ended: proc_pid_stat(5), which anybody may read.
fn uses_no_files(dir: &Path) -> bool {
    const PF_KTHREAD: u32 = 0x0020_0000;
    // Of what can't be looked at nothing is taken for sure.
    let Ok(stat) = fs::read(dir.join("stat")) else {
        return false;
    };
    // The name between the parentheses can have any byte in it.
    let behind = memchr::memrchr(b')', &stat).and_then(|at| stat.get(at + 1..));
    let words = behind.and_then(|b| std::str::from_utf8(b).ok());
    let mut words = words.unwrap_or_default().split_ascii_whitespace();
    let ended = matches!(words.next(), Some("Z" | "X"));
    let flags = words.nth(5).and_then(|w| w.parse::<u32>().ok());
    ended || flags.is_some_and(|f| f & PF_KTHREAD != 0)
}

/// How much of a process was to be seen.
enum Seen {
    All,
    Partly,
}

/// Nothing, for a process that has ended meanwhile, and for a file we may not read.
fn or_less<T: Default>(read: io::Result<T>, seen: &mut Seen) -> io::Result<T> {
    match read {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            *seen = Seen::Partly;
            Ok(T::default())
        }
        // A kernel thread has no exe; a zombie has left its namespace, which is EINVAL.
        Err(e) if e.kind() == io::ErrorKind::NotFound || is_gone(&e) => Ok(T::default()),
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => Ok(T::default()),
        read => read,
    }
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

fn process(
    layout: &Layout,
    home: &Home,
    dir: &Path,
    pid: u32,
    used: &mut BTreeMap<StoreKey, BTreeSet<Why>>,
) -> io::Result<Seen> {
    let mut seen = Seen::All;
    let machine = Layout::new(VAR_SYS);
    let mut found = |path: &Path, what: &'static str| {
        // By its own name, too: that of /var/sys in a context of a store that is elsewhere.
        if let Some(key) = layout.key_of(path).or_else(|| machine.key_of(path)) {
            used.entry(key).or_default().insert(Why::Process(pid, what));
        }
    };
    for what in ["root", "cwd", "exe"] {
        let path = or_less(fs::read_link(dir.join(what)), &mut seen)?;
        found(&path, what);
    }
    let maps = or_less(fs::read(dir.join("maps")), &mut seen)?;
    for line in maps.split(|b| *b == b'\n') {
        // In maps only a newline is escaped, so the path is what stands from the first slash on.
        if let Some(at) = memchr::memchr(b'/', line) {
            let path = line.get(at..).unwrap_or_default();
            found(Path::new(OsStr::from_bytes(path)), "maps");
        }
    }
    let mountinfo = or_less(fs::read(dir.join("mountinfo")), &mut seen)?;
    for mount in mounts(&mountinfo) {
        if mount.device == home.device
            && let Ok(below) = mount.root.strip_prefix(&home.path)
        {
            found(&layout.root().join(below), "mountinfo");
        }
        // An overlay's layers: lowerdir=A:B, lowerdir+=A, upperdir=A.
        let words = mount.options.split(|b| matches!(b, b',' | b'=' | b':'));
        for word in words.filter(|w| w.first() == Some(&b'/')) {
            found(&unescape(word), "mountinfo");
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn var_sys_in_its_file_system() {
        let info = b"1 0 8:1 /@root / rw - btrfs /dev/a rw\n2 1 8:2 / /var/sys rw - ext4 /dev/b rw\n\
            3 1 8:3 / /var/system rw - ext4 /dev/c rw\n4 1 0:9 /x\\040y /mnt rw shared:1 - ext4 d rw\n";
        let home = Home::of(Path::new("/var/sys"), info).unwrap();
        assert_eq!(
            (home.device.as_slice(), home.path.as_path()),
            (&b"8:2"[..], Path::new("/"))
        );
        let home = Home::of(Path::new("/var/other"), info).unwrap();
        assert_eq!(home.path, Path::new("/@root/var/other"));
        let home = Home::of(Path::new("/mnt/s"), info).unwrap();
        assert_eq!(home.path, Path::new("/x y/s"));
    }

    #[test]
    fn kernel_threads_and_the_dead_hide_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let counts = |stat: &str| {
            fs::write(dir.path().join("stat"), stat).unwrap();
            !uses_no_files(dir.path())
        };
        assert!(counts("7 (a) b) S 1 7 7 0 -1 4194560 1 0"));
        assert!(!counts("7 (kthreadd) S 0 0 0 0 -1 2129984 0 0"));
        assert!(!counts("7 (sh) Z 1 7 7 0 -1 4194560 1 0"));
        assert!(counts("7 (odd"));
    }
}
