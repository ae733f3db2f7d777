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
