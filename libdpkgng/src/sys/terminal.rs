//! What a terminal says of itself.

use std::os::fd::{AsFd, AsRawFd};

/// The width in columns, where `fd` is a terminal that knows it.
pub fn columns(fd: impl AsFd) -> Option<u16> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCGWINSZ writes one winsize, which size is.
    let rc = unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::TIOCGWINSZ, &mut size) };
    (rc == 0).then_some(size.ws_col)
}
