//! The only system calls. One of the two modules with `unsafe` code (the other is `plugin`).
//!
//! Everything goes through libc's functions, never raw system calls: fakeroot and test beds
//! interpose them (see `shared/stock-facts.md`). `openat2`, which glibc does not wrap and
//! nobody interposes, is the one exception.
#![allow(unsafe_code)]

pub mod child;
pub mod clock;
pub mod daemon;
pub mod exec_label;
pub mod fnmatch;
pub mod inherited;
pub mod place;
pub mod process;
pub mod remove;
pub mod selinux;
pub mod signal;
pub mod writeback;

pub mod atomic;
pub mod dir;
pub mod extent;
pub mod file;
pub mod lines;
pub mod lock;
pub mod wide;
pub mod zlib;

use std::ffi::CStr;

/// The text of an `errno` value, as `strerror(3)` puts it in the current locale.
pub fn strerror(errno: i32) -> String {
    let mut buf = [0 as libc::c_char; 256];
    // SAFETY: buf is writable for its whole length and strerror_r (the XSI one, which libc
    // binds) terminates it within that length.
    let rc = unsafe { libc::strerror_r(errno, buf.as_mut_ptr(), buf.len()) };
    if rc != 0 {
        return format!("Unknown error {errno}");
    }
    // SAFETY: strerror_r succeeded, so buf holds a NUL-terminated string.
    unsafe { CStr::from_ptr(buf.as_ptr()) }
        .to_string_lossy()
        .into_owned()
}
