//! Processes as `/proc` shows them (proc(5)).

use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::failed;
use crate::error::{Error, Result};
use crate::msg;
use crate::msg::Arg;
use crate::number;
use crate::sys::signal;

/// The number of a process: greater than zero, so that no signal goes to a whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pid(i32);

/// A file, by whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    dev: u64,
    ino: u64,
}

impl FileId {
    /// Of a file; links are followed.
    ///
    /// # Errors
    /// stat(2)'s.
    pub fn of(path: &Path) -> std::io::Result<FileId> {
        let meta = fs::metadata(path)?;
        Ok(FileId {
            dev: meta.dev(),
            ino: meta.ino(),
        })
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Pid> for Arg {
    fn from(pid: Pid) -> Arg {
        Arg::from(pid.0)
    }
}

impl Pid {
    /// A number that is one.
    pub fn new(number: i32) -> Option<Pid> {
        (number > 0).then_some(Pid(number))
    }

    /// This process.
    pub fn own() -> Pid {
        Pid(std::process::id() as i32)
    }

    fn entry(self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.0.to_string()).join(name)
    }

    /// What its file of this name says: one text that the kernel makes when it is read.
    fn read(self, name: &str) -> Option<Vec<u8>> {
        // It has no size to ask for; the room is for all of it at once.
        let mut text = Vec::with_capacity(2048);
        let file = fs::File::open(self.entry(name)).ok()?;
        file.take(64 << 10).read_to_end(&mut text).ok()?;
        Some(text)
    }

    /// The file that it executes, by the name that the kernel knows; when a file was removed
    /// and another took its name (an upgrade), that one.
    pub fn executable(self) -> Option<FileId> {
        const DELETED: &[u8] = b" (deleted)";
        let link = fs::read_link(self.entry("exe")).ok()?;
        let name = link.into_os_string().into_vec();
        // The kernels of OpenVZ put the mark in front.
        let name = match name.strip_prefix(DELETED) {
            Some(name) => name,
            None => name.strip_suffix(DELETED).unwrap_or(&name),
        };
        FileId::of(Path::new(std::ffi::OsStr::from_bytes(name))).ok()
    }

    /// The value of a field of `status`, which ends in a colon here.
    fn status(self, field: &str) -> Option<Vec<u8>> {
        let text = self.read("status")?;
        text.split(|c| *c == b'\n').find_map(|line| {
            let (name, value) = line.split_at_checked(field.len())?;
            let start = value.iter().position(|c| !number::is_space(c));
            let found = name.eq_ignore_ascii_case(field.as_bytes());
            found.then(|| value[start.unwrap_or(value.len())..].to_vec())
        })
    }

    /// Its parent, if that is in sight.
    pub fn parent(self) -> Option<Pid> {
        let number = super::unsigned(&self.status("PPid:")?, 10).ok()?;
        Pid::new(number)
    }

    /// The user it runs as.
    pub fn owner(self) -> Option<u32> {
        Some(fs::metadata(self.entry("")).ok()?.uid())
    }

    /// Its name: that of its program, unless it chose another, in at most 15 bytes.
    pub fn name(self) -> Option<Vec<u8>> {
        self.status("Name:")
    }

    /// Whether there is such a process.
    ///
    /// # Errors
    /// That cannot be found out.
    pub fn is_running(self) -> Result<bool> {
        let Err(e) = signal::send(self.0, 0) else {
            return Ok(true);
        };
        match e.raw_os_error() {
            Some(libc::EPERM) => Ok(true),
            Some(libc::ESRCH) => Ok(false),
            _ => Err(failed(msg!("error checking pid %u status", self), e)),
        }
    }

    /// Send it a signal; 0 only asks whether that could be done.
    ///
    /// # Errors
    /// kill(2)'s.
    pub fn signal(self, signal: i32) -> std::io::Result<()> {
        signal::send(self.0, signal)
    }

    /// When it was started, in clock ticks after the machine was.
    fn started(self) -> Option<u64> {
        let text = self.read("stat")?;
        // The second field is a name in parentheses and may hold anything.
        let after_name = text.iter().rposition(|c| *c == b')')? + 1;
        let mut fields = text[after_name..].split(|c| *c == b' ');
        let field = std::str::from_utf8(fields.nth(20)?).ok()?;
        field.parse().ok()
    }

    /// The processes in sight, in `/proc`'s order.
    ///
    /// # Errors
    /// `/proc` is not there.
    pub fn all() -> Result<Vec<Pid>> {
        let entries =
            fs::read_dir("/proc").map_err(|e| failed(msg!("unable to opendir /proc"), e))?;
        let numbers = entries.map_while(|entry| Some(entry.ok()?.file_name()));
        let pids: Vec<Pid> = numbers
            .filter_map(|name| Pid::new(number::scan(name.as_bytes(), 10)?.value as i32))
            .collect();
        match pids.is_empty() {
            true => Err(Error::new(msg!("nothing in /proc - not mounted?"))),
            false => Ok(pids),
        }
    }
}

/// One process for as long as it lives. Its number alone may be given to another later.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// Its number.
    pub pid: Pid,
    started: Option<u64>,
}

impl Identity {
    /// That of the process which has this number now.
    pub fn of(pid: Pid) -> Identity {
        Identity {
            pid,
            started: pid.started(),
        }
    }

    /// Whether another process has its number now. Where `/proc` does not show when a process
    /// was started, numbers have to do.
    pub fn is_taken(&self) -> bool {
        let now = self.pid.started();
        self.started.is_some() && now.is_some() && now != self.started
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process() {
        let own = Pid::own();
        assert!(Pid::all().unwrap().contains(&own));
        assert_eq!(own.parent(), Pid::new(nix::unistd::getppid().as_raw()));
        assert_eq!(own.owner(), Some(nix::unistd::geteuid().as_raw()));
        let exe = std::env::current_exe().unwrap();
        assert_eq!(own.executable(), Some(FileId::of(&exe).unwrap()));
        assert!(own.is_running().unwrap());
        assert!(own.name().is_some_and(|n| n.len() <= 15));
    }

    #[test]
    fn a_number_that_goes_to_another_is_noticed() {
        let own = Identity::of(Pid::own());
        assert!(own.started.is_some() && !own.is_taken());
        let before = Identity {
            started: own.started.map(|t| t - 1),
            ..own
        };
        assert!(before.is_taken());
        let unknown = Identity {
            started: None,
            ..own
        };
        assert!(!unknown.is_taken());
    }

    #[test]
    fn numbers_of_groups_are_no_processes() {
        assert_eq!((Pid::new(0), Pid::new(-1)), (None, None));
    }
}
