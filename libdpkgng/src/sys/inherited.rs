//! Descriptors that were inherited and are known by number only (`--status-fd`, standard input and
//! output).

use std::io;
use std::os::fd::RawFd;

/// Have `/dev/null` where standard input, output or error is closed, so that no file that is opened
/// later is taken for one of them.
///
/// # Errors
/// poll(2)'s and open(2)'s.
pub fn hold_standard() -> io::Result<()> {
    let mut fds = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: the pointer and count are of a live array.
    if unsafe { libc::poll(fds.as_mut_ptr(), 3, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    for closed in fds.iter().filter(|fd| fd.revents & libc::POLLNVAL != 0) {
        // SAFETY: a literal, NUL-terminated path; what is opened stays open for good.
        let fd = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        if fd != closed.fd {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Have a descriptor closed in programs that are executed from here on.
///
/// # Errors
/// `(true, e)` when the flags could not be read (no such descriptor), `(false, e)` when they
/// could not be set.
pub fn set_close_on_exec(fd: RawFd) -> Result<(), (bool, io::Error)> {
    // SAFETY: fcntl takes any number and says EBADF where it is no descriptor.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    if flags < 0 {
        return Err((true, io::Error::last_os_error()));
    }
    // SAFETY: as above; F_SETFD takes an int.
    if unsafe { libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC) } < 0 {
        return Err((false, io::Error::last_os_error()));
    }
    Ok(())
}

/// Write all of `bytes`, again after interruptions.
///
/// # Errors
/// write(2)'s.
pub fn write_all(fd: RawFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        // SAFETY: the pointer and length are of a live slice.
        let n = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(n) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}
