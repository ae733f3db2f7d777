//! Long output through a pager, when both ends are a terminal.
//!
//! The pager is `DPKG_PAGER`, `PAGER`, or the first of `pager`, `less`, `more` that is there;
//! `cat` stands for none.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use libdpkgng::error::{Error, OrFail, Result};
use libdpkgng::msg;
use libdpkgng::msg::Msg;
use libdpkgng::sys::signal;

use crate::children;
use crate::cli::Env;
use crate::receivers::{Buffering, Receivers};

const FALLBACKS: [&str; 3] = ["pager", "less", "more"];

/// A pager between standard output and the terminal, or nothing.
#[must_use = "a pager must be reaped"]
pub struct Pager(Option<Running>);

struct Running {
    child: Child,
    what: Msg,
    terminal: OwnedFd,
    sigpipe: signal::Saved,
    buffering: Buffering,
}

/// The pager to use (`pager_get_exec`), `None` for no pager.
fn choose(env: &Env) -> Result<Option<OsString>> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Ok(None);
    }
    let not_cat = |pager: &OsStr| (pager != "cat").then(|| pager.to_owned());
    for name in ["DPKG_PAGER", "PAGER"] {
        if let Some(pager) = env.get_nonempty(name)
            && children::in_path(env, pager)?
        {
            return Ok(not_cat(pager));
        }
    }
    for pager in FALLBACKS {
        if children::in_path(env, OsStr::new(pager))? {
            return Ok(Some(pager.into()));
        }
    }
    Ok(None)
}

impl Pager {
    /// Put a pager behind standard output, if there is one and `enabled` (not `--no-pager`).
    /// `what` is how errors call it.
    ///
    /// # Errors
    /// The pipe or the process cannot be made.
    pub fn spawn(enabled: bool, env: &Env, report: &Receivers, what: Msg) -> Result<Pager> {
        let Some(pager) = choose(env)?.filter(|_| enabled) else {
            return Ok(Pager(None));
        };
        let mut env = env.clone();
        if env.get("LESS").is_none() {
            env.set("LESS", b"-FRSXMQ");
        }
        let sigpipe = signal::ignore(libc::SIGPIPE).or_fail(|| {
            msg!(
                "unable to ignore signal %s before running %.250s",
                "SIGPIPE",
                &what
            )
        })?;
        let mut command = children::shell_command(&env, &pager);
        command.stdin(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|e| children::cannot_execute(&what, &pager, e))?;
        let Some(pipe) = child.stdin.take() else {
            return Err(Error::internal(msg!("pager without a pipe")));
        };
        let terminal =
            nix::unistd::dup(std::io::stdout()).or_fail(|| msg!("failed to dup for fd %d", 1))?;
        keep_from_children(&terminal)?;
        nix::unistd::dup2_stdout(&pipe).or_fail(|| msg!("failed to dup for std%s", "out"))?;
        // The pager gets what is written as late as possible, all at once.
        let buffering = report.set_buffering(Buffering::Full);
        Ok(Pager(Some(Running {
            child,
            what,
            terminal,
            sigpipe,
            buffering,
        })))
    }

    /// Give standard output back to the terminal and wait until the user has seen enough.
    /// Output is to be flushed before.
    ///
    /// # Errors
    /// The pager failed.
    pub fn reap(self, report: &Receivers) -> Result<()> {
        let Some(mut running) = self.0 else {
            return Ok(());
        };
        report.drain_output();
        report.set_buffering(running.buffering);
        nix::unistd::dup2_stdout(&running.terminal)
            .or_fail(|| msg!("failed to dup for std%s", "out"))?;
        let what = running.what;
        let status = running
            .child
            .wait()
            .or_fail(|| msg!("wait for %s subprocess failed", &what))?;
        children::check_unless_pipe(status, &what)?;
        running.sigpipe.restore().or_fail(|| {
            msg!(
                "unable to ignore signal %s before running %.250s",
                "SIGPIPE",
                &what
            )
        })
    }
}

fn keep_from_children(fd: &OwnedFd) -> Result<()> {
    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .map(|_| ())
        .or_fail(|| {
            msg!(
                "unable to set close-on-exec flag for %.250s",
                "<standard output>"
            )
        })
}
