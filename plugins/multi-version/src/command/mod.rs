//! What of a command line is the plugin's: reading it, and which command does it.

pub mod options;

use std::ffi::OsString;

use dpkgng_plugin::{Failed, Host};

/// Run a command line that is the plugin's; gives the exit code.
pub fn run(host: Host, args: &[OsString]) -> Result<i32, Failed> {
    let _ = host;
    let line = options::Line::parse(args).map_err(|e| Failed::new(e.to_string()))?;
    Err(Failed::new(format!("{:?} is unknown", line.action)))
}
