//! Daemons: which processes are one, how one is started and how it is stopped
//! (start-stop-daemon(8)).
//!
//! | module | owns |
//! |---|---|
//! | [`process`] | what `/proc` says of a process |
//! | [`pidfile`] | pid files: when to trust one, writing, removing |
//! | [`search`] | the processes that a set of traits describes |
//! | [`signals`] | names of signals |
//! | [`schedule`] | `--retry`: signals and pauses in their order |
//! | [`stop`] | following such a schedule |
//! | [`priority`] | scheduling of processes and of their input and output |
//! | [`account`] | users and groups |
//! | [`launch`] | becoming the daemon, in the background or not |
//! | [`notify`] | the socket on which a daemon says that it is ready |
//!
//! What is said on the way leaves as events: progress as `Output`, what only `--verbose` shows
//! as `Debug` of [`report::debug::GENERAL`](crate::report::debug::GENERAL).
#![allow(
    clippy::disallowed_methods,
    reason = "pid files, /proc and logs are the running system's"
)]

pub mod account;
pub mod launch;
pub mod notify;
pub mod pidfile;
pub mod priority;
pub mod process;
pub mod schedule;
pub mod search;
pub mod signals;
pub mod stop;

use crate::error::Error;
use crate::msg::Msg;
use crate::number;

/// A number of these options: all of `text`, not negative, small enough for an `int`. The
/// error is whether it was (far) too large, which stock's messages then tell.
///
/// # Errors
/// It is no such number.
pub fn unsigned(text: &[u8], base: u32) -> Result<i32, OutOfRange> {
    let scanned = number::scan(text, base);
    let overflow = scanned.is_some_and(|s| s.overflow);
    let value = scanned.and_then(|s| s.whole());
    value
        .and_then(|n| i32::try_from(n).ok())
        .filter(|n| *n >= 0)
        .ok_or(OutOfRange(overflow))
}

/// Why [`unsigned`] found no number: whether that was for its size (`ERANGE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange(pub bool);

impl OutOfRange {
    /// The problem `msg`, with the reason behind it if there is one.
    pub fn error(self, msg: Msg) -> Error {
        match self.0 {
            true => failed(msg, std::io::Error::from_raw_os_error(libc::ERANGE)),
            false => Error::new(msg),
        }
    }
}

/// The problem `msg` and, in parentheses, the system's reason for it.
pub fn failed(msg: Msg, source: impl Into<std::io::Error>) -> Error {
    let source = source.into();
    match source.raw_os_error() {
        Some(0) => Error::new(msg),
        errno => Error {
            errno,
            ..Error::new(crate::msg!("%s (%s)", msg, source))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_an_int() {
        assert_eq!(unsigned(b"022", 0), Ok(18));
        assert_eq!(unsigned(b" +7", 10), Ok(7));
        assert_eq!(unsigned(b"2147483647", 10), Ok(i32::MAX));
        for text in ["", "-1", "2147483648", "1x", "x"] {
            assert_eq!(unsigned(text.as_bytes(), 10), Err(OutOfRange(false)));
        }
        assert_eq!(unsigned(b"9223372036854775808", 10), Err(OutOfRange(true)));
    }
}
