//! The user at the terminal (or at the other end of standard input), asked about conffiles.

use std::ffi::OsStr;
use std::io::{IsTerminal, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use libdpkgng::error::{Error, OrFail, Result};
use libdpkgng::msg;
use libdpkgng::msg::{Arg, Msg};
use libdpkgng::report::Prompter;
use libdpkgng::sys::inherited::STDIN;
use libdpkgng::sys::stdio::Stdin;

use crate::children;
use crate::cli::Env;
use crate::pager::Pager;
use crate::receivers::Receivers;

/// No answer is longer; the rest of a longer line is dropped.
const LONGEST_ANSWER: usize = 1 << 16;

/// Asks on standard error, reads standard input.
pub struct Terminal {
    env: Env,
    report: Receivers,
    /// Not `--no-pager`.
    pager: bool,
    /// What is read beyond an answer stays with us and is not there for maintainer scripts, as
    /// with stock.
    input: Stdin,
}

impl Terminal {
    /// Someone to ask.
    pub fn new(env: Env, report: Receivers, pager: bool) -> Terminal {
        Terminal {
            env,
            report,
            pager,
            input: Stdin::new(),
        }
    }

    /// getchar(3)
    fn next_byte(&mut self) -> Result<Option<u8>> {
        // stdio flushes standard output before it waits for a terminal.
        if self.input.is_drained() && STDIN.is_terminal() {
            self.report.drain_output();
        }
        let byte = self.input.by_ref().bytes().next().transpose();
        byte.or_fail(|| msg!("read error on stdin at conffile prompt"))
    }
}

impl Prompter for Terminal {
    fn ask(&mut self, prompt: &Msg) -> Result<Option<Vec<u8>>> {
        // What was typed before the question is no answer to it.
        let _ = nix::sys::termios::tcflush(STDIN, nix::sys::termios::FlushArg::TCIFLUSH);
        self.report.stderr(prompt.clone());
        if let Some(errno) = self.report.stderr_failed() {
            let mut error = Error::new(msg!(
                "%s: %s",
                msg!("error writing to stderr, discovered before conffile prompt"),
                Arg::Errno(errno)
            ));
            error.errno = Some(errno);
            return Err(error);
        }
        let mut line = Vec::new();
        loop {
            match self.next_byte()? {
                None => return Ok(None),
                Some(b'\n') => return Ok(Some(line)),
                Some(byte) if line.len() < LONGEST_ANSWER => line.push(byte),
                Some(_) => {}
            }
        }
    }

    /// The variables are listed before the shell starts.
    fn shell(&mut self, variables: &[(&str, &[u8])]) -> Result<()> {
        self.report.stderr(msg!("Useful environment variables:\n"));
        let mut env = self.env.clone();
        for (name, value) in variables {
            self.report.stderr(msg!(" - %s\n", *name));
            env.set(name, value);
        }
        self.report.stderr(msg!("Type 'exit' when you're done.\n"));
        let shell = env
            .get_nonempty("SHELL")
            .unwrap_or(OsStr::new(children::DEFAULT_SHELL))
            .to_owned();
        let mut command = Command::new(&shell);
        command.args(["-i", "--"]);
        env.apply(&mut command);
        self.run(command, &msg!("conffile shell"), OsStr::new("(null)"))
    }

    fn diff(&mut self, old: &Path, new: &Path) -> Result<()> {
        let what = || msg!("conffile difference visualizer");
        let pager = Pager::spawn(self.pager, &self.env, &self.report, what())?;
        let mut command = Command::new("diff");
        command.arg("-Nu").arg(old).arg(new);
        self.env.apply(&mut command);
        let shown = self.run(command, &what(), OsStr::from_bytes(b"diff"));
        pager.reap(&self.report)?;
        shown
    }
}

impl Terminal {
    /// Run a program on the terminal; how it ends does not matter. One that cannot be started
    /// says so in the words of the child that stock would have forked.
    fn run(&mut self, mut command: Command, what: &Msg, program: &OsStr) -> Result<()> {
        match command.spawn() {
            Ok(mut child) => {
                child
                    .wait()
                    .or_fail(|| msg!("wait for %s subprocess failed", what))?;
            }
            Err(e) => {
                let problem = children::cannot_execute(what, program, e);
                let line = msg!("%s (subprocess): %s\n", self.report.program(), problem.msg);
                self.report.stderr(line);
            }
        }
        Ok(())
    }
}
