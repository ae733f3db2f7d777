//! Signal dispositions.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a signal does before it is put back.
pub struct Saved {
    signal: libc::c_int,
    action: libc::sigaction,
}

fn set(signal: libc::c_int, handler: libc::sighandler_t) -> io::Result<Saved> {
    // SAFETY: a zeroed sigaction is a valid one, with an empty mask and no flags.
    let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
    new.sa_sigaction = handler;
    // SAFETY: as above.
    let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: both point to live sigaction values; the handler is SIG_IGN or SIG_DFL.
    if unsafe { libc::sigaction(signal, &new, &mut old) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Saved {
        signal,
        action: old,
    })
}

/// Ignore a signal until [`Saved::restore`].
///
/// # Errors
/// sigaction(2)'s.
pub fn ignore(signal: libc::c_int) -> io::Result<Saved> {
    set(signal, libc::SIG_IGN)
}

/// Give a signal its default effect. Rust's start-up ignores SIGPIPE; dpkg's tools die of it.
///
/// # Errors
/// sigaction(2)'s.
pub fn default(signal: libc::c_int) -> io::Result<Saved> {
    set(signal, libc::SIG_DFL)
}

/// Whether this process was started with SIGPIPE ignored (as systemd starts services).
static PIPE_WAS_IGNORED: AtomicBool = AtomicBool::new(false);

/// Looks at SIGPIPE before Rust's start-up changes it: the C library calls this first.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_START_UP: extern "C" fn() = look_at_sigpipe;

extern "C" fn look_at_sigpipe() {
    // SAFETY: all-zero is a valid sigaction, and one that is asked for is changed by nobody
    // else: the process has one thread and has not come to `main`.
    unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGPIPE, std::ptr::null(), &mut now) == 0 {
            PIPE_WAS_IGNORED.store(now.sa_sigaction == libc::SIG_IGN, Ordering::Relaxed);
        }
    }
}

/// Give SIGPIPE the effect this process was started with, for programs that take its place.
///
/// # Errors
/// sigaction(2)'s.
pub fn inherit_pipe() -> io::Result<()> {
    let ignored = PIPE_WAS_IGNORED.load(Ordering::Relaxed);
    let action = if ignored {
        libc::SIG_IGN
    } else {
        libc::SIG_DFL
    };
    set(libc::SIGPIPE, action).map(drop)
}

/// kill(2), with any number for a signal; 0 only asks whether it could be sent.
///
/// # Errors
/// kill(2)'s.
pub fn send(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill takes any numbers.
    if unsafe { libc::kill(pid, signal) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

impl Saved {
    /// Put the former disposition back.
    ///
    /// # Errors
    /// sigaction(2)'s.
    pub fn restore(self) -> io::Result<()> {
        // SAFETY: action was filled in by sigaction itself.
        if unsafe { libc::sigaction(self.signal, &self.action, std::ptr::null_mut()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}
