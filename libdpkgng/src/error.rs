//! The one error type, and how far an error reaches.
//!
//! dpkg raises an error in the innermost *error context* (ehandle.c): an archive, a package
//! or the whole run. Here an error travels with `?` and whoever owns the context catches it:
//! the archive and package loops of the pipeline turn a [`Kind::Failure`] into one line of
//! the final summary and go on; [`Kind::Run`] passes through them, [`Kind::Usage`] never
//! arises below the command line.

use crate::msg::Msg;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How far an [`Error`] reaches; decides who catches it and which exit code it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `ohshit`: ends the archive or package being processed, or else the run (exit 2).
    Failure,
    /// `ohshit` under `onerr_abort`: ends the run at once, whatever is being processed; nothing
    /// is unwound (exit 2).
    Run,
    /// `badusage`: a wrong command line (exit 2, with a pointer to `--help`).
    Usage,
    /// `internerr`: a broken invariant. A defect of ours, reported as such, never a panic.
    Internal,
}

/// What went wrong, in dpkg's words, naming path, package and step.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{msg}")]
pub struct Error {
    /// How far it reaches.
    pub kind: Kind,
    /// The text, without the `dpkg: error:` prefix.
    pub msg: Msg,
    /// The `errno` behind it, where a caller may want to tell cases apart.
    pub errno: Option<i32>,
}

impl Error {
    /// An `ohshit` with this text.
    pub fn new(msg: Msg) -> Error {
        Error {
            kind: Kind::Failure,
            msg,
            errno: None,
        }
    }

    /// An `ohshite`: `msg`, a colon, and the text of `source`.
    pub fn os(msg: Msg, source: impl Into<std::io::Error>) -> Error {
        let source = source.into();
        Error {
            kind: Kind::Failure,
            errno: source.raw_os_error(),
            msg: crate::msg!("%s: %s", msg, source),
        }
    }

    /// A `badusage`.
    pub fn usage(msg: Msg) -> Error {
        Error {
            kind: Kind::Usage,
            ..Error::new(msg)
        }
    }

    /// An `internerr`.
    pub fn internal(msg: Msg) -> Error {
        Error {
            kind: Kind::Internal,
            ..Error::new(msg)
        }
    }

    /// The same error, ending the run.
    pub fn fatal(self) -> Error {
        Error {
            kind: Kind::Run,
            ..self
        }
    }
}

/// `err!("template", args…)`: an [`Error`] of kind [`Kind::Failure`].
#[macro_export]
macro_rules! err {
    ($($t:tt)*) => { $crate::error::Error::new($crate::msg!($($t)*)) };
}

/// `bail!("template", args…)`: return that error.
#[macro_export]
macro_rules! bail {
    ($($t:tt)*) => { return Err($crate::err!($($t)*)) };
}

/// `Result<T, io::Error>` (or nix's) to ours with dpkg's words: `open(p).or_fail(|| msg!("unable to open '%s'", p))?`.
pub trait OrFail<T> {
    /// Wrap the error as [`Error::os`] does.
    fn or_fail(self, msg: impl FnOnce() -> Msg) -> Result<T>;

    /// Wrap the error as `dpkg_put_errno()` does, for a caller that puts its own words in
    /// front: `msg`, and the text of the error in parentheses.
    fn or_put(self, msg: impl FnOnce() -> Msg) -> Result<T>;
}
impl<T, E: Into<std::io::Error>> OrFail<T> for std::result::Result<T, E> {
    fn or_fail(self, msg: impl FnOnce() -> Msg) -> Result<T> {
        self.map_err(|e| Error::os(msg(), e))
    }
    fn or_put(self, msg: impl FnOnce() -> Msg) -> Result<T> {
        self.map_err(|e| {
            let source: std::io::Error = e.into();
            Error {
                kind: Kind::Failure,
                errno: source.raw_os_error(),
                msg: crate::msg!("%s (%s)", msg(), source),
            }
        })
    }
}
