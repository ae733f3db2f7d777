//! What of a command line is the plugin's: reading it, and which command does it.

pub mod options;

use std::ffi::OsString;

use dpkgng_plugin::{Failed, Host};

/// Run a command line that is the plugin's; gives the exit code.
pub fn run(host: Host, args: &[OsString]) -> Result<i32, Failed> {
    let _ = host;
    let first = args.first().map(|a| a.to_string_lossy().into_owned());
    let first = first.unwrap_or_default();
    Err(Failed::new(format!("{first} is unknown")))
}
