//! What commands print: tables for a person, JSON for programs.
//!
//! A table fits the terminal it is on, cutting its [`Column::Wide`] cells; what goes into a file or a pipe is never
//! cut.
#![forbid(unsafe_code)]

mod amount;
pub mod json;
mod table;

use std::io::{self, Write};

pub use amount::{Date, Size};
pub use json::Json;
pub use table::{Column, Table};

/// Where a command prints, and how.
pub struct Out<'w> {
    to: &'w mut dyn Write,
    /// Columns of the terminal, if it is one.
    pub width: Option<usize>,
    /// For a program.
    pub json: bool,
}

impl<'w> Out<'w> {
    /// To a person at a terminal of `width` columns, or into a file; with `json` to a program.
    pub fn new(to: &'w mut dyn Write, width: Option<usize>, json: bool) -> Out<'w> {
        Out { to, width, json }
    }

    /// Print as it is.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)
    }

    /// Print a line.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.to, "{line}")
    }

    /// Print a table.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        let text = table.to_text(self.width);
        self.bytes(text.as_bytes())
    }

    /// Print JSON.
    pub fn value(&mut self, value: &Json) -> io::Result<()> {
        self.line(&format!("{value:#}"))
    }
}

/// The columns of the terminal that is standard output, if it is one.
pub fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
