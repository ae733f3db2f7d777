//! The socket on which a daemon says that it is ready (sd_notify(3), `NOTIFY_SOCKET`).
//!
//! It lies in a directory that only the daemon's user can enter, below `/run` or what the
//! caller names. Both are gone when the [`Socket`] or [`Place`] is dropped.

use std::fs;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Gid, Uid, chown};

use super::{failed, unsigned};
use crate::error::{Error, Result};
use crate::msg;
use crate::report::{Reporter, debug};

/// The longest message that is read.
const LENGTH: usize = 4096;

/// Where the socket is; dropping this removes it.
#[derive(Debug)]
pub struct Place {
    dir: PathBuf,
    /// The socket itself.
    pub path: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        // What somebody else removed needs no removing.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_dir(&self.dir);
    }
}

/// The parent's end.
#[derive(Debug)]
pub struct Socket {
    socket: UnixDatagram,
    /// Where it is.
    pub place: Place,
}

/// What came in one message.
enum Said {
    Ready,
    /// Wait for so long, from now on.
    Extend(Duration),
}

impl Socket {
    /// Make one below `base` for this user and group.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(base: &Path, uid: Option<u32>, gid: Option<u32>) -> Result<Socket> {
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        let template = [base.as_os_str(), ".s-s-d-notify.XXXXXX".as_ref()].join("/".as_ref());
        let dir = nix::unistd::mkdtemp(Path::new(&template))
            .map_err(|e| failed(msg!("cannot create socket directory %s", &template), e))?;
        let place = Place {
            path: dir.join("notify"),
            dir,
        };
        chown(&place.dir, uid, gid)
            .map_err(|e| failed(msg!("cannot change socket directory ownership"), e))?;
        let socket = UnixDatagram::bind(&place.path)
            .and_then(|socket| socket.set_nonblocking(true).map(|()| socket))
            .map_err(|e| failed(msg!("cannot bind to notification socket"), e))?;
        fs::set_permissions(&place.path, fs::Permissions::from_mode(0o660))
            .map_err(|e| failed(msg!("cannot change notification socket permissions"), e))?;
        chown(&place.path, uid, gid)
            .map_err(|e| failed(msg!("cannot change notification socket ownership"), e))?;
        Ok(Socket { socket, place })
    }

    /// Give up the socket, but not its place: the daemon's side.
    pub fn into_place(self) -> Place {
        self.place
    }

    /// Wait until the daemon says `READY=1`.
    ///
    /// # Errors
    /// It says that it failed, or nothing in time.
    pub fn wait(&self, time: Duration, reporter: &mut dyn Reporter) -> Result<()> {
        let mut begin = Instant::now();
        let mut time = time;
        let mut next = Some(time);
        // As in stock, time that ran out while the daemon was talking is no failure.
        while let Some(left) = next {
            reporter.debug(debug::GENERAL, || {
                let (sec, nsec) = (left.as_secs(), left.subsec_nanos());
                let what = "Waiting for notifications... (timeout %lusec %lunsec)\n";
                msg!(what, sec, nsec)
            });
            if !self.poll(left)? && begin.elapsed() >= time {
                return Err(Error::new(msg!("timed out waiting for a notification")));
            }
            next = time.checked_sub(begin.elapsed());
            while let Some(message) = self.receive()? {
                match read(&message, reporter)? {
                    Some(Said::Ready) => return Ok(()),
                    Some(Said::Extend(more)) => {
                        begin = Instant::now();
                        time = more;
                        next = Some(more);
                    }
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Whether something came in this time; it may be cut short.
    fn poll(&self, time: Duration) -> Result<bool> {
        // Up to a whole millisecond, lest the last part of one is spent asking.
        let time = time.saturating_add(Duration::from_nanos(999_999));
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        let mut on = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut on, timeout) {
            Ok(count) => Ok(count > 0),
            Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => Ok(false),
            Err(e) => {
                let what = "cannot monitor notification socket for activity";
                Err(failed(msg!(what), e))
            }
        }
    }

    /// The next message that is there.
    fn receive(&self) -> Result<Option<Vec<u8>>> {
        let mut message = vec![0; LENGTH];
        match self.socket.recv(&mut message) {
            Ok(length) => {
                message.truncate(length);
                Ok(Some(message))
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Ok(None)
            }
            Err(e) => Err(failed(msg!("cannot receive notification packet"), e)),
        }
    }
}

/// Read one message: lines up to a NUL, up to the one that says that all is ready.
fn read(message: &[u8], reporter: &mut dyn Reporter) -> Result<Option<Said>> {
    let text = message.split(|c| *c == 0).next().unwrap_or_default();
    let mut said = None;
    for line in text.split_inclusive(|c| *c == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        reporter.debug(debug::GENERAL, || msg!("Child sent some notification...\n"));
        if let Some(value) = line.strip_prefix(b"EXTEND_TIMEOUT_USEC=") {
            let what = "cannot parse extended timeout notification %s";
            let value = unsigned(value, 10).map_err(|e| e.error(msg!(what, line)))?;
            // Stock takes these microseconds for milliseconds.
            let value = u64::try_from(value).unwrap_or_default();
            said = Some(Said::Extend(Duration::from_millis(value)));
        } else if let Some(value) = line.strip_prefix(b"ERRNO=") {
            let what = "cannot parse errno notification %s";
            let errno = unsigned(value, 10).map_err(|e| e.error(msg!(what, line)))?;
            let reason = std::io::Error::from_raw_os_error(errno);
            return Err(failed(msg!("program failed to initialize"), reason));
        } else if line == b"READY=1" {
            reporter.debug(debug::GENERAL, || {
                msg!("-> Notification => ready for service.\n")
            });
            return Ok(Some(Said::Ready));
        } else {
            reporter.debug(debug::GENERAL, || {
                msg!("-> Notification line '%s' received\n", line)
            });
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Silent;

    fn after(messages: &[&str], time: Duration) -> Result<()> {
        let dir = tempfile::tempdir().unwrap();
        let socket = Socket::new(dir.path(), None, None).unwrap();
        let daemon = UnixDatagram::unbound().unwrap();
        for message in messages {
            daemon
                .send_to(message.as_bytes(), &socket.place.path)
                .unwrap();
        }
        let outcome = socket.wait(time, &mut Silent);
        drop(socket);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        outcome
    }

    #[test]
    fn what_a_daemon_may_say() {
        let second = Duration::from_secs(1);
        assert!(after(&["STATUS=x\nREADY=1"], second).is_ok());
        assert!(after(&["STATUS=x", "\nREADY=1\n"], second).is_ok());
        assert!(after(&["EXTEND_TIMEOUT_USEC=5000\nREADY=1"], Duration::ZERO).is_ok());
        let text = |messages: &[&str]| after(messages, second).unwrap_err().to_string();
        assert_eq!(
            text(&["ERRNO=2\nREADY=1"]),
            "program failed to initialize (No such file or directory)"
        );
        assert_eq!(text(&["ERRNO=0"]), "program failed to initialize");
        assert_eq!(
            text(&["ERRNO=x"]),
            "cannot parse errno notification ERRNO=x"
        );
        assert_eq!(
            text(&["READY=1x\0READY=1", "EXTEND_TIMEOUT_USEC=0"]),
            "timed out waiting for a notification"
        );
    }

    #[test]
    fn a_daemon_that_says_nothing() {
        let error = after(&[], Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "timed out waiting for a notification");
    }
}
