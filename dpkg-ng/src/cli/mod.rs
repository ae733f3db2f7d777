//! The one command-line engine of all tools: dpkg's own grammar, not getopt's or clap's.
//!
//! A tool is a table of [`Opt`] rows over its settings; [`Parser`] obeys the rows in the order
//! in which options are met, first in configuration files, then on the command line. The one
//! tool with getopt's grammar has that of [`getopt`].

pub(crate) mod config;
mod dirs;
mod env;
mod epoch;
pub mod force;
pub mod getopt;
mod number;
mod process;
pub mod table;
pub mod text;

pub use dirs::{ADMINDIR, Dirs};
pub use env::Env;
pub use epoch::source_date_epoch;
pub use number::strtol;
pub use process::Process;
pub use table::{Effect, LONG, Name, Opt, Parser, need_action, parse_int};
pub use text::REFERENCE_VERSION;

use libdpkgng::error::Error;
use std::ffi::OsString;

/// Why a tool ends before its action is done.
#[derive(Debug)]
pub enum Stop {
    /// With an error, exit code 2.
    Error(Error),
    /// With everything said, and this exit code.
    Exit(i32),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        Stop::Error(e)
    }
}

/// What steps of a tool return.
pub type Step<T = ()> = Result<T, Stop>;

/// Exactly `N` arguments, or `None`.
pub fn exactly<const N: usize>(args: &[OsString]) -> Option<&[OsString; N]> {
    args.try_into().ok()
}
