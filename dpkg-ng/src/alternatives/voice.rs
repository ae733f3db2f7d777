//! How update-alternatives speaks: as a script's plain words, without colours; and its log.

use std::io::{self, BufWriter, IsTerminal, Write};

use libdpkgng::alternatives::PROGNAME;
use libdpkgng::error::{Error, Kind, Result};
use libdpkgng::msg;
use libdpkgng::msg::{Catalog, Msg};
use libdpkgng::report::{Event, Reporter, debug};
use libdpkgng::sys::clock::local_now;
use libdpkgng::sys::dir::make_parents;
use libdpkgng::sys::place::Spot;
use libdpkgng::sys::stdio::BLOCK;

use crate::locale;
use crate::receivers::{Buffering, Stdout};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// `--quiet`: errors and what was asked for.
    Quiet,
    /// And what is done, and warnings.
    Normal,
    /// `--verbose`
    Verbose,
    /// `--debug`
    Debug,
}

/// Standard output and error, and alternatives.log.
pub struct Voice {
    /// How much is said.
    pub verbosity: Verbosity,
    catalog: Box<dyn Catalog>,
    stdout: Stdout,
    log: Log,
    failure: Option<Error>,
}

impl Voice {
    /// A voice that has no log yet. Stock's output is not buffered; ours is held back only
    /// where nobody can tell: until it speaks on standard error, waits, changes something or
    /// ends.
    pub fn new() -> Voice {
        Voice {
            verbosity: Verbosity::Normal,
            catalog: locale::messages(),
            stdout: Stdout::new(Buffering::Full),
            log: Log {
                spot: Spot::path(b""),
                file: None,
                failed: None,
            },
            failure: None,
        }
    }

    /// Log to this file, from its first line on.
    pub fn set_log(&mut self, spot: Spot) {
        self.log = Log {
            spot,
            file: None,
            failed: None,
        };
    }

    /// `printf()`
    pub fn output(&mut self, text: Msg) {
        self.event(&Event::Output(text));
    }

    fn stderr(&mut self, text: &Msg) {
        self.stdout.drain();
        // There is nobody to tell of a failure.
        let _ = io::stderr().write_all(&text.render(&*self.catalog));
    }

    /// Write what the log still lacks. That it cannot be written is told and no more: the command
    /// is carried out, and a script must not fail because a log's disk is full.
    pub fn end_log(&mut self) {
        if let Err(e) = self.log.end() {
            let text = msg!("unable to write file '%s'", &self.log.spot);
            let text = Error::os(text, e).msg;
            self.event(&Event::Notice(text));
        }
    }

    fn info(&mut self, least: Verbosity, text: &Msg) {
        if self.verbosity >= least {
            self.output(msg!("%s: %s\n", PROGNAME, text));
            // Whoever no longer listens ends the run before what this announces.
            self.stdout.drain();
        }
    }

    /// Say what ended the run.
    pub fn error(&mut self, error: &Error) {
        match error.kind {
            Kind::Usage => {
                let hint = msg!("Use '%s --help' for program usage information.", PROGNAME);
                self.stderr(&msg!("%s: %s\n\n%s\n", PROGNAME, &error.msg, hint));
            }
            _ => self.stderr(&msg!("%s: %s: %s\n", PROGNAME, msg!("error"), &error.msg)),
        }
        // A log that cannot be written, too, is not worth more words than what ended the run.
        let _ = self.log.end();
    }
}

impl Reporter for Voice {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Output(text) => self.stdout.write(&text.render(&*self.catalog)),
            Event::Data(bytes) => self.stdout.write(bytes),
            Event::Info(text) => self.info(Verbosity::Normal, text),
            Event::Verbose(text) => self.info(Verbosity::Verbose, text),
            Event::Warning(text) => {
                if self.verbosity >= Verbosity::Normal {
                    self.stderr(&msg!("%s: %s: %s\n", PROGNAME, msg!("warning"), text));
                }
            }
            Event::Notice(text) => self.stderr(&msg!("%s: %s\n", PROGNAME, text)),
            Event::Stderr(text) => self.stderr(text),
            Event::Debug { text, .. } => self.stderr(&msg!("DEBUG: %s\n", text)),
            Event::Log(text) => {
                let written = self.log.write(&text.render(&*self.catalog));
                if let Err(e) = written {
                    self.failure.get_or_insert(e);
                }
            }
            // Packages and status descriptors are none of this tool's business.
            Event::Status { .. } | Event::Processing { .. } | Event::StatusFd(_) => {}
            Event::Flush => self.stdout.drain(),
        }
    }

    fn debug_flags(&self) -> u32 {
        match self.verbosity {
            Verbosity::Debug => debug::GENERAL,
            _ => 0,
        }
    }

    fn check(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

/// alternatives.log, opened at its first line, and written when the run ends, so that the lines
/// of two runs do not mix.
struct Log {
    spot: Spot,
    file: Option<Box<dyn Write>>,
    failed: Option<io::Error>,
}

impl Log {
    /// Write one line. That a user may not write the log is no error.
    fn write(&mut self, text: &[u8]) -> Result<()> {
        if self.file.is_none() {
            self.file = self.open()?;
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let now = local_now().map_err(|e| {
            let text = msg!("cannot get local time to log into '%s'", &self.spot);
            Error::os(text, e)
        })?;
        let mut line = format!(
            "{PROGNAME} {:04}-{:02}-{:02} {:02}:{:02}:{:02}: ",
            now.year, now.month, now.day, now.hour, now.minute, now.second
        )
        .into_bytes();
        line.extend_from_slice(text);
        line.push(b'\n');
        // Stock never looks whether it could; we do in the end.
        if let Err(e) = file.write_all(&line) {
            self.failed.get_or_insert(e);
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let flushed = match self.file.take() {
            Some(mut file) => file.flush(),
            None => Ok(()),
        };
        self.failed.take().map_or(flushed, Err)
    }

    fn open(&self) -> Result<Option<Box<dyn Write>>> {
        let mut opened = self.spot.append(0o666);
        if matches!(&opened, Err(e) if e.kind() == io::ErrorKind::NotFound) {
            if let Some(dir) = self.spot.shown_parent() {
                make_parents(&self.spot, 0o755)
                    .map_err(|e| Error::os(msg!("cannot create log directory '%s'", dir), e))?;
            }
            opened = self.spot.again().append(0o666);
        }
        match opened {
            Ok(file) if file.is_terminal() => Ok(Some(Box::new(file))),
            Ok(file) => Ok(Some(Box::new(BufWriter::with_capacity(BLOCK, file)))),
            Err(e) if e.raw_os_error() == Some(libc::EACCES) => Ok(None),
            Err(e) => Err(Error::os(msg!("cannot append to '%s'", &self.spot), e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_log_is_noticed_once() {
        let mut voice = Voice::new();
        voice.set_log(Spot::path(b"/dev/full"));
        for _ in 0..2 {
            voice.log.write(b"line").unwrap();
        }
        let full = voice.log.end().unwrap_err();
        assert_eq!(full.raw_os_error(), Some(libc::ENOSPC));
        voice.log.end().unwrap();
    }
}
