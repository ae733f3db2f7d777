//! What of a command line is the plugin's: reading it, and which command does it.
//!
//! | first words | done by |
//! |---|---|
//! | `run` | [`crate::context`] |
//! | `view`, `gc` | [`crate::view`], `view apt` [`crate::apt`] |
//! | `relink` | `relink` |
//! | `--multi-version`, `--view` with an action of dpkg's | `actions`, by [`crate::engine`] |

mod actions;
mod apt;
mod errors;
pub mod line;
pub mod relink;
mod shown;
mod views;

use std::ffi::OsString;

use dpkgng_plugin::{Failed, Host};

use crate::context;
use crate::generation::{Disk, Sys};
use crate::layout::{Layout, VAR_SYS};

/// Run a command line that is the plugin's; gives the exit code.
pub fn run(host: Host, args: &[OsString]) -> Result<i32, Failed> {
    let layout = Layout::new(VAR_SYS);
    let rest = args.get(1..).unwrap_or_default();
    if asks_for_help(args) {
        host.output(HELP)?;
        return Ok(0);
    }
    match args.first().and_then(|a| a.to_str()) {
        Some("run") => become_command(host, &layout, rest),
        Some("view") => views::view(host, &layout, rest),
        Some("gc") => views::gc(host, &layout, rest),
        _ => actions::act(host, &layout, args),
    }
}

/// What `--help` says.
const HELP: &str = include_str!("help.txt");

/// Of `run`, only the first word is ours: the others may be the command's.
fn asks_for_help(args: &[OsString]) -> bool {
    let ours = match args.first().is_some_and(|a| a == "run") {
        true => args.get(1..2).unwrap_or_default(),
        false => args,
    };
    let mut before_end = ours.iter().take_while(|a| *a != "--");
    before_end.any(|a| a == "--help" || a == "-?")
}

/// Everything, locked, with nothing half-done in it.
fn open(host: Host, layout: &Layout) -> Result<Sys, Failed> {
    let sys = Sys::open(layout.clone(), Disk::default(), false)?;
    crate::engine::recover(host, &sys)?;
    Ok(sys)
}

/// `dpkg-ng run`: only returns when it fails.
fn become_command(host: Host, layout: &Layout, args: &[OsString]) -> Result<i32, Failed> {
    let options = context::Options::parse(args)?;
    // What can't be said any more is no reason not to run.
    let error = context::run(layout, &options, &mut || drop(host.flush()));
    let code = error.status();
    host.notice(format!("error: {error}"))?;
    Ok(code)
}
