//! Who hears what the library has to say: the terminal, the status descriptors, dpkg.log.

mod color;
mod log;
mod status_fd;
mod stdout;

pub use color::{Colors, Part};
pub use stdout::{Buffering, Stdout};

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io::IsTerminal;
use std::os::fd::RawFd;
use std::rc::Rc;

use libdpkgng::error::{Error, Result};
use libdpkgng::msg;
use libdpkgng::msg::{Catalog, Msg, until_nul};
use libdpkgng::report::{Event, Reporter};
use libdpkgng::sys::inherited::{STDOUT, write_all};

use crate::cli::Env;
use crate::locale;
use log::Log;
use status_fd::StatusFds;

/// All receivers of one tool. Standard output is buffered as stock's stdio does it, standard
/// error is written at once, so that the two mix on a shared pipe as stock's do.
///
/// A handle: clones speak to the same receivers, so that a run of the library can own one
/// while the command line keeps another.
#[derive(Clone)]
pub struct Receivers(Rc<RefCell<Inner>>);

impl Receivers {
    /// Receivers for a tool of this name; `piped` is how its output is buffered when it is
    /// not a terminal.
    pub fn new(program: &'static str, env: &Env, piped: Buffering) -> Receivers {
        Receivers(Rc::new(RefCell::new(Inner {
            program,
            catalog: locale::messages(),
            colors: Colors::new(env),
            stdout: Stdout::new(piped),
            stderr_failed: None,
            stderr_used: false,
            debug_mask: 0,
            status: StatusFds::default(),
            log: Log::default(),
            failure: None,
        })))
    }

    /// The tool's name.
    pub fn program(&self) -> &'static str {
        self.0.borrow().program
    }

    /// A text in the words messages are rendered in.
    pub fn with_catalog(&self, text: impl FnOnce(&dyn Catalog) -> Vec<u8>) -> Vec<u8> {
        text(&*self.0.borrow().catalog)
    }

    /// Listen to these debug areas.
    pub fn set_debug_mask(&self, mask: u32) {
        self.0.borrow_mut().debug_mask = mask;
    }

    /// `--status-fd`: also write status lines to this descriptor.
    ///
    /// # Errors
    /// There is no such descriptor.
    pub fn add_status_fd(&self, fd: RawFd) -> Result<()> {
        self.0.borrow_mut().status.add(fd)
    }

    /// `--log`: also write log lines to this file, from its first line on.
    pub fn set_log_file(&self, path: &OsStr) {
        self.0.borrow_mut().log.set_file(path);
    }

    /// How standard output is buffered; the pager changes it. Gives back the former way.
    pub fn set_buffering(&self, mode: Buffering) -> Buffering {
        self.0.borrow_mut().stdout.set_buffering(mode)
    }

    /// Write what standard output still holds, without regard to failures.
    pub fn drain_output(&self) {
        self.0.borrow_mut().stdout.drain();
    }

    /// Write to standard output's descriptor, behind what the buffer still holds.
    ///
    /// # Errors
    /// write(2)'s.
    pub fn write_through(&self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.borrow_mut().stdout.write_through(bytes)
    }

    /// What standard output was given, where it is [`Buffering::Kept`].
    pub fn take_output(&self) -> Vec<u8> {
        self.0.borrow_mut().stdout.take()
    }

    /// Whether anything went to standard error.
    pub fn spoke_to_stderr(&self) -> bool {
        self.0.borrow().stderr_used
    }

    /// The `errno` of a failed write to standard error, if there was one.
    pub fn stderr_failed(&self) -> Option<i32> {
        self.0.borrow().stderr_failed
    }

    /// `warning()`
    pub fn warning(&mut self, text: Msg) {
        self.event(&Event::Warning(text));
    }

    /// `notice()`
    pub fn notice(&mut self, text: Msg) {
        self.event(&Event::Notice(text));
    }

    /// `printf()`
    pub fn output(&mut self, text: Msg) {
        self.event(&Event::Output(text));
    }

    /// `fprintf(stderr, …)`
    pub fn stderr(&mut self, text: Msg) {
        self.event(&Event::Stderr(text));
    }

    /// `debug()`
    pub fn debug(&mut self, flag: u32, text: impl FnOnce() -> Msg) {
        (self as &mut dyn Reporter).debug(flag, text);
    }

    /// What `info()` starts a line of standard output with.
    pub fn info_prefix(&self) -> Vec<u8> {
        let inner = self.0.borrow();
        let (on, off) = (
            inner.colors.get(Part::Program),
            inner.colors.get(Part::Reset),
        );
        format!("{on}{}:{off}", inner.program).into_bytes()
    }

    /// What `hint()` starts a line of standard output with.
    pub fn hint_prefix(&self) -> Vec<u8> {
        let mut prefix = self.info_prefix();
        let inner = self.0.borrow();
        let (on, off) = (inner.colors.get(Part::Hint), inner.colors.get(Part::Reset));
        prefix.extend(msg!(" %s%s:%s", on, msg!("hint"), off).render(&*inner.catalog));
        prefix
    }

    /// The last words of a run that failed (`print_fatal_error`).
    pub fn error(&self, text: Msg) {
        let mut inner = self.0.borrow_mut();
        inner.prefixed(Some((Part::Error, "error")), text);
    }

    /// The last words of a run that met a problem where nothing can be unwound (dpkg's
    /// `onerr_abort`).
    pub fn fatal_error(&self, text: Msg) {
        let mut inner = self.0.borrow_mut();
        let reset = inner.colors.get(Part::Reset);
        let line = msg!(
            "%s%s%s: %s%s:%s\n %s\n",
            inner.colors.get(Part::Program),
            inner.program,
            reset,
            inner.colors.get(Part::Error),
            msg!("unrecoverable fatal error, aborting"),
            reset,
            text
        );
        inner.stderr(&line);
    }

    /// The last words of a run that met a defect of ours.
    pub fn internal_error(&self, text: Msg) {
        let mut inner = self.0.borrow_mut();
        inner.prefixed(Some((Part::Error, "internal error")), text);
    }
}

/// What the handles share.
struct Inner {
    program: &'static str,
    catalog: Box<dyn Catalog>,
    colors: Colors,
    stdout: Stdout,
    stderr_failed: Option<i32>,
    stderr_used: bool,
    debug_mask: u32,
    status: StatusFds,
    log: Log,
    failure: Option<Error>,
}

impl Inner {
    /// `PROGRAM: [KIND:] text` on standard error.
    fn prefixed(&mut self, kind: Option<(Part, &'static str)>, text: Msg) {
        // To stock it is a C string, which may have got a NUL by "%c".
        let text = text.render(&*self.catalog);
        let text = until_nul(&text);
        let program = self.colors.get(Part::Program);
        let reset = self.colors.get(Part::Reset);
        let line = match kind {
            None => msg!("%s%s:%s %s\n", program, self.program, reset, text),
            Some((part, kind)) => msg!(
                "%s%s:%s %s%s:%s %s\n",
                program,
                self.program,
                reset,
                self.colors.get(part),
                msg!(kind),
                reset,
                text
            ),
        };
        self.stderr(&line);
    }

    fn stderr(&mut self, text: &Msg) {
        let bytes = text.render(&*self.catalog);
        self.stderr_used = true;
        if let Err(e) = write_all(libc::STDERR_FILENO, &bytes) {
            self.stderr_failed = e.raw_os_error().or(self.stderr_failed);
        }
    }

    fn log(&mut self, line: &Msg) {
        if let Some(problem) = self.log.write(&line.render(&*self.catalog)) {
            self.prefixed(None, problem);
        }
    }

    fn status(&mut self, line: &Msg) {
        let sent = self.status.send(&line.render(&*self.catalog));
        if let Err(e) = sent {
            self.failure.get_or_insert(e);
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Output(text) => self.stdout.write(&text.render(&*self.catalog)),
            Event::Data(bytes) => self.stdout.write(bytes),
            Event::Info(text) => {
                let program = self.colors.get(Part::Program);
                let reset = self.colors.get(Part::Reset);
                let line = msg!("%s%s:%s %s\n", program, self.program, reset, text);
                self.stdout.write(&line.render(&*self.catalog));
            }
            // None of the tools that speak through here has a verbose mode.
            Event::Verbose(_) => {}
            Event::Warning(text) => {
                self.prefixed(Some((Part::Warning, "warning")), text.clone());
            }
            Event::Notice(text) => self.prefixed(None, text.clone()),
            Event::Stderr(text) => self.stderr(text),
            Event::Debug { flag, text } => {
                self.stderr(&msg!("D0%05o: %s\n", *flag, text));
            }
            Event::Status {
                pkg,
                pkg_nonambig,
                status,
                version,
            } => {
                self.log(&msg!("status %s %s %s", *status, *pkg, *version));
                self.status(&msg!("status: %s: %s", *pkg_nonambig, *status));
            }
            Event::Processing { action, pkg } => {
                self.status(&msg!("processing: %s: %s", *action, *pkg));
            }
            Event::Log(line) => self.log(line),
            Event::StatusFd(line) => self.status(line),
            Event::Flush => {
                if let Err(errno) = self.stdout.flush() {
                    let what = msg!("error writing to '%s'", msg!("<standard output>"));
                    let source = std::io::Error::from_raw_os_error(errno);
                    self.failure.get_or_insert(Error::os(what, source));
                }
            }
        }
    }
}

impl Reporter for Receivers {
    fn event(&mut self, event: &Event<'_>) {
        self.0.borrow_mut().event(event);
    }

    fn debug_flags(&self) -> u32 {
        self.0.borrow().debug_mask
    }

    fn words(&self, text: &Msg) -> Vec<u8> {
        self.with_catalog(|c| text.render(c))
    }

    fn stdout_is_terminal(&self) -> bool {
        STDOUT.is_terminal()
    }

    fn check(&mut self) -> Result<()> {
        self.0.borrow_mut().failure.take().map_or(Ok(()), Err)
    }
}
