//! What start-stop-daemon says: its own name in front, as it was called, no colours, English
//! (stock has no catalogue for it).
//!
//! Standard output is buffered in blocks unless it is a terminal, and what is still held back
//! when another program takes the place of this one is lost: stock's stdio has it so, and with
//! `--verbose` into a pipe that shows.

use std::ffi::OsString;
use std::io::Write;

use libdpkgng::error::{Error, Kind};
use libdpkgng::msg;
use libdpkgng::msg::{English, Msg};
use libdpkgng::report::{Event, Reporter, debug};

use super::options::Level;
use crate::receivers::{Buffering, Stdout};

/// Standard output and error.
pub struct Voice {
    program: OsString,
    stdout: Stdout,
    /// What is told.
    pub level: Level,
}

impl Voice {
    /// For a program that was called so.
    pub fn new(program: OsString) -> Voice {
        Voice {
            program,
            stdout: Stdout::new(Buffering::Full),
            level: Level::default(),
        }
    }

    /// Print a text, whatever the level.
    pub fn print(&mut self, text: &[u8]) {
        self.stdout.write(text);
    }

    /// Write out what is held back.
    pub fn flush(&mut self) {
        self.stdout.drain();
    }

    fn stderr(&self, text: Msg) {
        // There is nowhere left to complain to.
        let _ = std::io::stderr().write_all(&text.render(&English));
    }

    /// Say what ended the run.
    pub fn fail(&self, error: &Error) {
        let (program, problem) = (&self.program, &error.msg);
        self.stderr(match error.kind {
            Kind::Usage => {
                let hint = "Try '%s --help' for more information.\n";
                msg!("%s: %s\n%s", program, problem, msg!(hint, program))
            }
            Kind::Internal => msg!("%s: internal error: %s\n", program, problem),
            Kind::Failure | Kind::Run => msg!("%s: %s\n", program, problem),
        });
    }
}

impl Reporter for Voice {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Output(_) if self.level == Level::Quiet => {}
            Event::Output(text) | Event::Debug { text, .. } => {
                self.stdout.write(&text.render(&English));
            }
            Event::Data(bytes) => self.stdout.write(bytes),
            Event::Warning(text) => {
                self.stderr(msg!("%s: warning: %s\n", &self.program, text));
            }
            Event::Notice(text) => self.stderr(msg!("%s: %s\n", &self.program, text)),
            Event::Info(text) | Event::Verbose(text) => {
                let line = msg!("%s: %s\n", &self.program, text);
                self.stdout.write(&line.render(&English));
            }
            Event::Stderr(text) => self.stderr(text.clone()),
            Event::Flush => self.stdout.drain(),
            // No package is concerned.
            Event::Status { .. } | Event::Processing { .. } => {}
            Event::Log(_) | Event::StatusFd(_) => {}
        }
    }

    fn debug_flags(&self) -> u32 {
        match self.level {
            Level::Verbose => debug::GENERAL,
            _ => 0,
        }
    }
}
