//! The programs a command line starts by itself: hooks, loggers, pagers, shells, diff.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use libdpkgng::error::{Error, Result};
use libdpkgng::msg::Msg;
use libdpkgng::sys::{child, locale, process, signal};
use libdpkgng::{bail, err, msg};

use crate::cli::Env;

/// The shell for commands given as text.
pub const DEFAULT_SHELL: &str = "sh";

/// `sh -c -- TEXT`, in this environment.
pub fn shell_command(env: &Env, text: &OsStr) -> Command {
    let mut command = Command::new(DEFAULT_SHELL);
    command.args(["-c", "--"]).arg(text);
    env.apply(&mut command);
    command
}

/// system(3): run a command and wait for it, deaf to interrupts meanwhile. Returns the wait
/// status, 127 shifted when there is no shell.
pub fn system(env: &Env, text: &OsStr) -> i32 {
    let mut command = Command::new("/bin/sh");
    // The name under which the shell complains.
    command.arg0(DEFAULT_SHELL).args(["-c", "--"]).arg(text);
    env.apply(&mut command);
    match command.spawn() {
        Ok(mut child) => wait_undisturbed(&mut child).map_or(-1, ExitStatusExt::into_raw),
        Err(_) => 127 << 8,
    }
}

/// Wait for a child while the terminal's interrupts are meant for it.
fn wait_undisturbed(child: &mut Child) -> std::io::Result<ExitStatus> {
    let saved = [signal::ignore(libc::SIGINT), signal::ignore(libc::SIGQUIT)];
    let status = child.wait();
    for disposition in saved.into_iter().flatten() {
        disposition.restore()?;
    }
    status
}

/// Start a shell command that reads what the returned pipe is given and has no standard
/// output. Nobody waits for it: it ends when the pipe does.
///
/// # Errors
/// It cannot be started.
pub fn logger(env: &Env, text: &OsStr, what: &Msg) -> Result<OwnedFd> {
    let mut command = shell_command(env, text);
    command.stdin(Stdio::piped());
    child::without_stdout(&mut command);
    let mut child = command.spawn().map_err(|e| cannot_execute(what, text, e))?;
    match child.stdin.take() {
        Some(pipe) => Ok(pipe.into()),
        None => Err(Error::internal(msg!("logger without a pipe"))),
    }
}

/// The text for a program that could not be started.
pub fn cannot_execute(what: &Msg, program: &OsStr, e: std::io::Error) -> Error {
    Error::os(msg!("unable to execute %s (%s)", what, program), e)
}

/// `subproc_check`: an error when a child did not end well.
///
/// # Errors
/// dpkg's words on how it ended.
pub fn check(status: ExitStatus, what: &Msg) -> Result<()> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => bail!("%s subprocess returned error exit status %d", what, code),
        (None, Some(libc::SIGINT)) => bail!("%s subprocess was interrupted", what),
        (None, Some(number)) => {
            let dumped = if status.core_dumped() {
                msg!(", core dumped")
            } else {
                msg!("")
            };
            Err(err!(
                "%s subprocess was killed by signal (%s)%s",
                what,
                locale::strsignal(number),
                dumped
            ))
        }
        (None, None) => bail!(
            "%s subprocess failed with wait status code %d",
            what,
            status.into_raw()
        ),
    }
}

/// [`check`] for a child that may end by having its pipe closed (`SUBPROC_NOPIPE`).
///
/// # Errors
/// The same.
pub fn check_unless_pipe(status: ExitStatus, what: &Msg) -> Result<()> {
    if status.signal() == Some(libc::SIGPIPE) {
        return Ok(());
    }
    check(status, what)
}

/// Whether a program is found in `PATH` (or, with an absolute name, is there).
///
/// # Errors
/// There is no `PATH`.
pub fn in_path(env: &Env, program: &OsStr) -> Result<bool> {
    let path = env.get("PATH").ok_or_else(|| err!("PATH is not set"))?;
    let program = program.to_string_lossy();
    Ok(process::in_path(path.as_encoded_bytes(), &program))
}
