//! Record locks over a whole file, `fcntl(2)`'s: the kind apt and other frontends take
//! (file.c).

use std::fs::File;
use std::os::fd::AsRawFd;

use super::place::Spot;
use crate::error::{OrFail, Result};
use crate::msg::Msg;
use crate::{bail, msg, msgc};

fn flock(kind: libc::c_int) -> libc::flock {
    // SAFETY: flock is a plain C structure for which all zeroes is a valid value.
    let mut fl: libc::flock = unsafe { std::mem::zeroed() };
    fl.l_type = kind as libc::c_short;
    fl.l_whence = libc::SEEK_SET as libc::c_short;
    fl
}

fn fcntl_lock(file: &File, cmd: libc::c_int, fl: &mut libc::flock) -> std::io::Result<()> {
    // SAFETY: the descriptor is open as long as `file` lives and fl is a valid flock.
    let rc = unsafe { libc::fcntl(file.as_raw_fd(), cmd, std::ptr::from_mut(fl)) };
    if rc < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

/// A lock that is held until this is dropped.
///
/// Closing *any* descriptor of the locked file in this process releases it: never open the
/// file again while it is held.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Lock `file`, or fail naming who holds it (`file_lock`). With `wait` it waits instead.
    /// `desc` names the lock in errors, e.g. `dpkg frontend lock`.
    pub fn lock(file: File, wait: bool, desc: Msg) -> Result<FileLock> {
        let cmd = if wait { libc::F_SETLKW } else { libc::F_SETLK };
        let Err(error) = fcntl_lock(&file, cmd, &mut flock(libc::F_WRLCK)) else {
            return Ok(FileLock { file });
        };
        if !matches!(error.raw_os_error(), Some(libc::EACCES | libc::EAGAIN)) {
            return Err(error).or_fail(|| msg!("unable to lock %s", desc));
        }
        let note = msg!(
            "Note: removing the lock file is always wrong, can damage the locked area\nand the entire system. See <https://wiki.debian.org/Teams/Dpkg/FAQ#db-lock>."
        );
        let mut holder = flock(libc::F_WRLCK);
        if fcntl_lock(&file, libc::F_GETLK, &mut holder).is_err() {
            bail!("%s was locked by another process\n%s", desc, note);
        }
        let who = process_name(holder.l_pid);
        bail!(
            "%s was locked by %s process with pid %d\n%s",
            desc,
            who.map_or_else(|| msgc!("process", "<unknown>"), Msg::verbatim),
            holder.l_pid,
            note
        );
    }

    /// The locked file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing releases the lock anyway; saying it keeps a child that got the descriptor
        // by accident from mattering.
        let _ = fcntl_lock(&self.file, libc::F_SETLK, &mut flock(libc::F_UNLCK));
    }
}

/// Whether another process has `file` locked (`file_is_locked`). `name` is for the error.
pub fn is_locked(file: &File, name: &Spot) -> Result<bool> {
    let mut fl = flock(libc::F_WRLCK);
    if fcntl_lock(file, libc::F_GETLK, &mut fl).is_err() {
        bail!("unable to check file '%s' lock status", name);
    }
    Ok(i32::from(fl.l_type) == libc::F_WRLCK && fl.l_pid as u32 != std::process::id())
}

/// The executable of a process (`dpkg_get_pid_execname`).
#[allow(clippy::disallowed_methods, reason = "/proc is the running system's")]
fn process_name(pid: libc::pid_t) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStringExt;
    let link = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let mut name = link.into_os_string().into_vec();
    name.truncate(256);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_locks_do_not_count() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("lock");
        let open = || {
            File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
                .expect("open")
        };
        let held = FileLock::lock(open(), false, msg!("lock")).expect("lock");
        assert!(!is_locked(held.file(), &Spot::path(b"lock")).expect("query"));
    }

    #[test]
    fn the_holder_is_named() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("lock");
        let script = format!(
            "open(my $f,'+>','{}') or die; my $l=pack('s s x4 q q l x4',1,0,0,0,0); fcntl($f,6,$l) or die; $|=1; print 'x'; <STDIN>;",
            path.display()
        );
        let child = std::process::Command::new("perl")
            .arg("-e")
            .arg(script)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        // Another process must hold the lock, and perl is essential on Debian.
        let mut child = child.expect("perl");
        let mut byte = [0u8];
        std::io::Read::read_exact(child.stdout.as_mut().expect("stdout"), &mut byte)
            .expect("the child locks");
        let file = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("open");
        assert!(is_locked(&file, &Spot::path(b"lock")).expect("query"));
        let error = FileLock::lock(file, false, msg!("dpkg frontend lock")).expect_err("locked");
        let text = error.to_string();
        let pid = format!("process with pid {}\nNote: removing", child.id());
        assert!(
            text.starts_with("dpkg frontend lock was locked by /"),
            "{text}"
        );
        assert!(text.contains(&pid), "{text}");
        drop(child.stdin.take());
        child.wait().expect("wait");
    }
}
