//! What surrounds a tool: its name, environment and receivers; how it ends.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::error::{Error, Kind, Result};
use libdpkgng::msg;
use libdpkgng::report::{Event, Reporter};

use super::{Env, Stop, strtol};
use crate::receivers::{Buffering, Receivers};

/// The surroundings of one tool. A tool that hands over to another in-process makes a new one
/// for it, as `execvp` would.
pub struct Process {
    /// The environment for this tool and its children.
    pub env: Env,
    /// Where everything goes that is said.
    pub report: Receivers,
    /// What usage errors end with. Stock has none before the command line is read, and its
    /// C library shows that.
    help_hint: &'static str,
}

impl Process {
    /// Start a tool: debug areas from `DPKG_DEBUG`, the umask, output buffering.
    pub fn start(program: &'static str, env: Env, piped: Buffering) -> Process {
        let report = Receivers::new(program, &env, piped);
        nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
        let mut process = Process {
            env,
            report,
            help_hint: "(null)",
        };
        let debug = process.env.get("DPKG_DEBUG").map(|v| v.to_owned());
        if debug.is_some_and(|mask| !process.set_debug(&mask)) {
            process.report.warning(msg!(
                "cannot parse debug mask from environment variable %s",
                "DPKG_DEBUG"
            ));
        }
        process
    }

    /// Run a tool of our own that prints one text; gives the exit code.
    pub fn print(env: Env, text: &[u8]) -> i32 {
        let mut process = Process::start("dpkg-ng", env, Buffering::Line);
        process.report.event(&Event::Data(text));
        let outcome = process.flush_output();
        process.finish(outcome.map(|()| 0).map_err(Into::into))
    }

    /// The tool's name, as its messages start with.
    pub fn program(&self) -> &'static str {
        self.report.program()
    }

    /// From here on usage errors end with this pointer to the help.
    pub fn set_help_hint(&mut self, hint: &'static str) {
        self.help_hint = hint;
    }

    /// Listen to the debug areas of an octal mask; false when it is no good one. Stock keeps
    /// the mask in an int: one that turns negative there is wrong, and obeyed all the same.
    pub fn set_debug(&mut self, mask: &OsStr) -> bool {
        match strtol(mask.as_bytes(), 8) {
            Some(mask) if mask >= 0 => {
                self.report.set_debug_mask(mask as u32);
                mask as i32 >= 0
            }
            _ => false,
        }
    }

    /// Flush standard output (`m_output`).
    ///
    /// # Errors
    /// The output could not be written, now or before; a closed pipe is no error.
    pub fn flush_output(&mut self) -> Result<()> {
        self.report.event(&Event::Flush);
        self.report.check()
    }

    /// What was written to standard error got there (`m_output`).
    ///
    /// # Errors
    /// It did not; a closed pipe is no error.
    pub fn check_stderr(&self) -> Result<()> {
        match self.report.stderr_failed() {
            None | Some(libc::EPIPE) => Ok(()),
            Some(errno) => Err(Error::os(
                msg!("error writing to '%s'", msg!("<standard error>")),
                std::io::Error::from_raw_os_error(errno),
            )),
        }
    }

    /// Say what ended the run, flush, and give the exit code.
    pub fn finish(mut self, outcome: Result<i32, Stop>) -> i32 {
        let code = match outcome {
            Ok(code) | Err(Stop::Exit(code)) => code,
            Err(Stop::Error(error)) => {
                self.print_error(&error);
                2
            }
        };
        self.report.event(&Event::Flush);
        code
    }

    fn print_error(&mut self, error: &Error) {
        match error.kind {
            Kind::Usage => {
                let hint = msg!(self.help_hint);
                self.report.error(msg!("%s\n\n%s", &error.msg, hint));
            }
            Kind::Internal => self.report.internal_error(error.msg.clone()),
            Kind::Failure => self.report.error(error.msg.clone()),
            Kind::Run => self.report.fatal_error(error.msg.clone()),
        }
    }
}
