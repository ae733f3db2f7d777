//! What a process inherits: descriptors that are known by number only (`--status-fd`, standard input
//! and output), and the environment.

use std::ffi::{CStr, OsStr, OsString, c_char};
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;

/// Standard output, without the buffer that the standard library's has ready.
// SAFETY: descriptor 1 is open for good, as `hold_standard` sees to, and as the standard library
// takes for granted.
pub const STDOUT: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(1) };

/// The environment, in its order and with what is there twice. To be called before there are other
/// threads, which might change it meanwhile; the standard library's would be copied once more.
pub fn environment() -> Vec<(OsString, OsString)> {
    unsafe extern "C" {
        /// environ(7)
        static environ: *const *const c_char;
    }
    let mut count = 0;
    // SAFETY: the array ends in a null pointer, or there is none, and nobody changes it.
    while unsafe { !environ.is_null() && !(*environ.add(count)).is_null() } {
        count += 1;
    }
    let mut variables = Vec::with_capacity(count);
    for i in 0..count {
        // SAFETY: as above; before the null pointer each entry is a string that ends in a NUL.
        let text = unsafe { CStr::from_ptr(*environ.add(i)) }.to_bytes();
        // A name is not empty: "=" in its first place belongs to it.
        let equals = text.iter().skip(1).position(|&b| b == b'=');
        if let Some((name, value)) = equals.and_then(|at| text.split_at_checked(at + 1)) {
            let value = value.get(1..).unwrap_or_default();
            variables.push((
                OsStr::from_bytes(name).to_owned(),
                OsStr::from_bytes(value).to_owned(),
            ));
        }
    }
    variables
}

/// Have `/dev/null` where standard input, output or error is closed, so that no file that is opened
/// later is taken for one of them. What is written there is lost to a `sink`, else that fails as if
/// it were closed; programs that are executed find closed what was closed.
///
/// # Errors
/// poll(2)'s and open(2)'s.
pub fn hold_standard(sink: bool) -> io::Result<()> {
    let mode = if sink { libc::O_RDWR } else { libc::O_RDONLY };
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
        let fd = unsafe { libc::open(c"/dev/null".as_ptr(), mode | libc::O_CLOEXEC) };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_the_standard_librarys() {
        assert!(!environment().is_empty());
        assert_eq!(environment(), std::env::vars_os().collect::<Vec<_>>());
    }
}
