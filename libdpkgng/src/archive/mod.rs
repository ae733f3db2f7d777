//! The container formats: ar, tar, the compressors, and the `.deb` made of them (deb(5),
//! deb-old(5)), read and written.
//!
//! Reading is pull-based: [`deb::DebFile`] finds a member, [`compress::Decoder`] is a `Read` of
//! what is inside, [`tar::TarReader`] cuts that into entries. All three are `Send` and hold
//! buffers of fixed size; every length an archive claims is either bounded or only followed as
//! far as there are bytes. Errors carry dpkg's words inside the `io::Error` and come out again
//! with [`take_error`].

use std::io;

use crate::error::Error;
use crate::msg::Msg;

pub mod ar;
pub mod build;
pub mod compress;
pub mod deb;
pub mod extract;
pub mod tar;
pub mod tarwrite;
pub mod treewalk;

/// Hide one of our errors in an `io::Error`, so that it can pass through a `Read` or `Write`.
pub(crate) fn hide_error(e: Error) -> io::Error {
    io::Error::other(e)
}

/// The error that came through a `Read` or `Write`: ours if it is one (a decompressor's verdict,
/// say), or else `msg` and the system's text.
pub fn take_error(e: io::Error, msg: impl FnOnce() -> Msg) -> Error {
    match e.downcast::<Error>() {
        Ok(ours) => ours,
        Err(e) => Error::os(msg(), e),
    }
}

/// Read until `buf` is full or the source ends (`fd_read`); returns how much is there.
pub(crate) fn read_full(src: &mut (impl io::Read + ?Sized), buf: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while let Some(rest) = buf.get_mut(len..).filter(|r| !r.is_empty()) {
        match src.read(rest) {
            Ok(0) => break,
            Ok(n) => len += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(len)
}
