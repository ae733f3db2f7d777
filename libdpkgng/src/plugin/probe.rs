//! Trying a plugin in a child process: a crash there costs nothing but the child.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

use super::Refused;
use crate::sys::locale::{strerror, strsignal};

/// Seconds after which a plugin that is still starting is given up.
const PATIENCE: u32 = 10;

/// How the child ended that should not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// By this signal.
    Signal(i32),
    /// It took too long.
    TooLong,
    /// It called exit with this code.
    Exit(i32),
    /// There was no child: this errno.
    NotTried(i32),
}

fn words(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Death::Signal(signal) => write!(f, "crashed ({})", words(&strsignal(*signal))),
            Death::TooLong => write!(f, "did not start within {PATIENCE} seconds"),
            Death::Exit(code) => write!(f, "ended its process (exit status {code})"),
            Death::NotTried(errno) => {
                write!(f, "had no process ({})", words(&strerror(*errno)))
            }
        }
    }
}

/// Run `load` in a child process that says nothing, and see whether it returns.
///
/// # Errors
/// How the child ended.
pub fn survives(path: &Path, load: impl FnOnce()) -> Result<(), Refused> {
    let died = |death| Err(Refused::Crashed(path.to_owned(), death));
    let flags = OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    let (mut returned, tell) = match nix::unistd::pipe2(flags) {
        Ok((read, write)) => (File::from(read), File::from(write)),
        Err(e) => return died(Death::NotTried(e as i32)),
    };
    // SAFETY: the caller promises that there is one thread; the child ends by _exit.
    let child = match unsafe { fork() } {
        Err(e) => return died(Death::NotTried(e as i32)),
        Ok(ForkResult::Parent { child }) => child,
        Ok(ForkResult::Child) => {
            silence();
            // SAFETY: no pointers. The signal's default ends the child.
            unsafe {
                libc::signal(libc::SIGALRM, libc::SIG_DFL);
                libc::alarm(PATIENCE);
            }
            load();
            let told = (&tell).write_all(b".");
            // SAFETY: ends the process, running nothing of what it inherited.
            unsafe { libc::_exit(i32::from(told.is_err())) }
        }
    };
    let ended = loop {
        match waitpid(child, None) {
            Err(nix::errno::Errno::EINTR) => {}
            other => break other,
        }
    };
    let mut byte = [0];
    let told = matches!(returned.read(&mut byte), Ok(1));
    match ended {
        Ok(WaitStatus::Exited(_, 0)) if told => Ok(()),
        Ok(WaitStatus::Exited(_, code)) => died(Death::Exit(code)),
        Ok(WaitStatus::Signaled(_, nix::sys::signal::Signal::SIGALRM, _)) => died(Death::TooLong),
        Ok(WaitStatus::Signaled(_, signal, _)) => died(Death::Signal(signal as i32)),
        Ok(_) => died(Death::Exit(-1)),
        Err(e) => died(Death::NotTried(e as i32)),
    }
}

/// What the child says is no answer to anything; and it leaves no core.
fn silence() {
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdout(&null);
        let _ = nix::unistd::dup2_stderr(&null);
    }
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: points to a live rlimit.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
}
