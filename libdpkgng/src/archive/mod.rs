//! The container formats: ar, tar, the compressors, and the `.deb` made of them (deb(5),
//! deb-old(5)), read and written; and the parts that one can be split into (deb-split(5)).
//!
//! Reading is pull-based: [`deb::DebFile`] finds a member, [`compress::Decoder`] is a `Read` of
//! what is inside, [`tar::TarReader`] cuts that into entries. All three are `Send` and hold
//! buffers of fixed size; every length an archive claims is either bounded or only followed as
//! far as there are bytes. Errors carry dpkg's words inside the `io::Error` and come out again
//! with [`take_error`].
#![allow(
    clippy::disallowed_methods,
    reason = "archives, their parts and the trees they are made of are paths that somebody gave"
)]

use std::io;

use crate::error::{Error, OrFail as _};
use crate::msg;
use crate::msg::Msg;

pub mod ar;
pub mod build;
pub mod compress;
pub mod deb;
pub mod extract;
pub mod split;
pub mod tar;
pub mod tarwrite;
pub mod treewalk;

/// Bytes copied at a time.
const COPY_BUFFER: usize = 64 * 1024;

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

/// Copy the next `size` bytes (`fd_fd_copy`). The error is a text for the caller to put its own
/// words in front of.
pub(crate) fn copy_exact(
    src: &mut (impl io::Read + ?Sized),
    dst: &mut (impl io::Write + ?Sized),
    size: u64,
) -> Result<(), Msg> {
    let why = |e: io::Error, what: Msg| match e.downcast::<Error>() {
        Ok(ours) => ours.msg,
        Err(e) => match Err::<(), _>(e).or_put(|| what) {
            Err(e) => e.msg,
            Ok(()) => msg!(""),
        },
    };
    let mut buf = vec![
        0;
        usize::try_from(size)
            .unwrap_or(COPY_BUFFER)
            .min(COPY_BUFFER)
    ];
    let mut left = size;
    while left > 0 {
        let want = usize::try_from(left)
            .unwrap_or(COPY_BUFFER)
            .min(COPY_BUFFER);
        let piece = buf.get_mut(..want).unwrap_or_default();
        let got = read_full(src, piece).map_err(|e| why(e, msg!("failed to read")))?;
        let piece = piece.get(..got).unwrap_or_default();
        dst.write_all(piece)
            .map_err(|e| why(e, msg!("failed to write")))?;
        if got < want {
            return Err(msg!("unexpected end of file or stream"));
        }
        left -= got as u64;
    }
    Ok(())
}
