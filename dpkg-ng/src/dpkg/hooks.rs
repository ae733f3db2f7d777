//! `--pre-invoke`, `--post-invoke` and `--status-logger`.

use std::ffi::OsString;
use std::os::fd::IntoRawFd;

use libdpkgng::error::Result;
use libdpkgng::force::Force;
use libdpkgng::{bail, msg};

use super::args::DpkgArgs;
use crate::children;
use crate::cli::Process;

/// Whether hooks and loggers run at all: for actions that change the system, done for real,
/// by root or by someone who forces not being it.
pub fn may_run(args: &DpkgArgs) -> bool {
    let root = || nix::unistd::getuid().is_root() && nix::unistd::geteuid().is_root();
    args.action.changes_system()
        && args.settings.act
        && (args.settings.force.has(Force::NonRoot) || root())
}

/// Run hooks one after the other, with `DPKG_HOOK_ACTION` telling the action.
///
/// # Errors
/// A hook failed.
pub fn run(process: &mut Process, action: &str, hooks: &[OsString]) -> Result<()> {
    process.env.set("DPKG_HOOK_ACTION", action.as_bytes());
    for hook in hooks {
        let status = children::system(&process.env, hook);
        if status != 0 {
            bail!("error executing hook '%s', exit code %d", hook, status);
        }
    }
    process.env.unset("DPKG_HOOK_ACTION");
    Ok(())
}

/// Start the loggers; each gets every status line on its standard input.
///
/// # Errors
/// A logger cannot be started.
pub fn start_status_loggers(process: &mut Process, commands: &[OsString]) -> Result<()> {
    for command in commands {
        let what = msg!("status logger");
        let pipe = children::logger(&process.env, command, &what)?;
        process.report.add_status_fd(pipe.into_raw_fd())?;
    }
    Ok(())
}
