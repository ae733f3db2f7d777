//! Signal dispositions.

use std::io;

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
