//! What a process inherits: descriptors that are known by number only (`--status-fd`, standard input
//! and output), and the environment.

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU8, Ordering};

/// Standard input, without the buffer that the standard library's has ready.
// SAFETY: as below.
pub const STDIN: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(0) };

/// Standard output, without the buffer that the standard library's has ready.
// SAFETY: descriptor 1 is open for good, as `hold_standard` sees to, and as the standard library
// takes for granted.
pub const STDOUT: BorrowedFd<'static> = unsafe { BorrowedFd::borrow_raw(1) };

/// A descriptor of standard input.
///
/// # Errors
/// fcntl(2)'s; it was closed.
pub fn stdin() -> io::Result<File> {
    if CLOSED.load(Ordering::Relaxed) & 1 != 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    Ok(STDIN.try_clone_to_owned()?.into())
}

/// The environment, in its order and with what is there twice. It is borrowed, not copied: to copy
/// each name and value would be most of what a short run allocates.
pub fn environment() -> Vec<(&'static OsStr, &'static OsStr)> {
    unsafe extern "C" {
        /// environ(7)
        static environ: *const *const c_char;
    }
    let mut count = 0;
    // SAFETY: the array ends in a null pointer, or there is none. The strings are where the kernel
    // laid them, for good: who changes a variable with setenv(3), as nobody here does, has others.
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
            variables.push((OsStr::from_bytes(name), OsStr::from_bytes(value)));
        }
    }
    variables
}

/// Which of the standard descriptors were closed, a bit each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Put `/dev/null` in the place of a standard descriptor, for as long as this program runs.
fn put_null(fd: RawFd, flags: c_int) -> io::Result<()> {
    // SAFETY: a literal, NUL-terminated path; the descriptors are numbers, and `fd` is nobody's.
    let done = unsafe {
        match libc::open(c"/dev/null".as_ptr(), flags | libc::O_CLOEXEC) {
            null if null < 0 || null == fd => null >= 0,
            null => libc::dup3(null, fd, libc::O_CLOEXEC) >= 0 && libc::close(null) == 0,
        }
    };
    match done {
        true => Ok(()),
        false => Err(io::Error::last_os_error()),
    }
}

/// Have `/dev/null` where standard input, output or error is closed, so that no file that is opened
/// later is taken for one of them. It is opened the wrong way round: reading and writing fail as they
/// would without; and programs that are executed find closed what was closed.
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
    for fd in fds.iter().filter(|fd| fd.revents & libc::POLLNVAL != 0) {
        let wrong_way = match fd.fd {
            libc::STDIN_FILENO => libc::O_WRONLY,
            _ => libc::O_RDONLY,
        };
        put_null(fd.fd, wrong_way)?;
        CLOSED.fetch_or(1 << fd.fd, Ordering::Relaxed);
    }
    Ok(())
}

/// From here on what was closed can be written to, and read, to no effect. With stock, files that
/// stay open get these numbers, and what it says goes there: it does not fail for want of a listener.
///
/// # Errors
/// open(2)'s.
pub fn free_standard() -> io::Result<()> {
    let closed = CLOSED.swap(0, Ordering::Relaxed);
    (0..3)
        .filter(|fd| closed & (1 << fd) != 0)
        .try_for_each(|fd| put_null(fd, libc::O_RDWR))
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

/// Write all of `bytes`, again after interruptions, and waiting where there is no room yet.
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
                match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => wait_for_room(fd),
                    _ => return Err(error),
                }
            }
        }
    }
    Ok(())
}

/// Wait until a descriptor can be written, or has an error to tell.
fn wait_for_room(fd: RawFd) {
    let mut waiting = libc::pollfd {
        fd,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: the pointer is of a live value; what came of it the next write shows.
    unsafe { libc::poll(&raw mut waiting, 1, -1) };
}

/// How many descriptors this process may have open (`RLIMIT_NOFILE`, the soft limit).
pub fn descriptors_max() -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: limit is writable. When that fails it stays 0.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pipe_is_waited_for() {
        use std::io::Read;
        use std::os::fd::AsRawFd;
        let (mut reader, writer) = std::io::pipe().unwrap();
        let flags = nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK);
        nix::fcntl::fcntl(&writer, flags).unwrap();
        let text = vec![b'x'; 1 << 20];
        let expected = text.len();
        let writing = std::thread::spawn(move || write_all(writer.as_raw_fd(), &text));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(writing.join().unwrap().is_ok());
        assert_eq!(read.len(), expected);
    }

    #[test]
    fn the_environment_is_the_standard_librarys() {
        assert!(!environment().is_empty());
        let ours = environment().into_iter();
        assert!(
            ours.eq(std::env::vars_os()
                .collect::<Vec<_>>()
                .iter()
                .map(|(n, v)| (&**n, &**v)))
        );
    }
}
