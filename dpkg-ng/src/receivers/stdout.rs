//! Standard output, buffered as stdio buffers it for stock.
//!
//! On a terminal every write goes out at once. Elsewhere `dpkg` and `dpkg-deb` are line
//! buffered, `dpkg-query` is fully buffered: this decides how output mixes with what children
//! and standard error write to the same pipe. Like stdio, a failure is remembered and
//! reported at the next flush.

use std::io::IsTerminal;
use std::os::fd::AsRawFd as _;

use libdpkgng::sys::inherited::{STDOUT, write_all};
use libdpkgng::sys::stdio::BLOCK;

/// When output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffering {
    /// At once.
    None,
    /// At every end of line.
    Line,
    /// When a block is full.
    Full,
    /// Never: kept for the caller, see [`Stdout::take`].
    Kept,
}

/// Standard output.
pub struct Stdout {
    mode: Buffering,
    pending: Vec<u8>,
    failed: Option<i32>,
}

impl Stdout {
    /// Unbuffered on a terminal, as said elsewhere.
    pub fn new(piped: Buffering) -> Stdout {
        let mode = if piped != Buffering::Kept && STDOUT.is_terminal() {
            Buffering::None
        } else {
            piped
        };
        Stdout {
            mode,
            pending: Vec::new(),
            failed: None,
        }
    }

    /// Change the mode; gives back the former one.
    pub fn set_buffering(&mut self, mode: Buffering) -> Buffering {
        std::mem::replace(&mut self.mode, mode)
    }

    /// What was kept.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pending)
    }

    /// `printf()`
    pub fn write(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        if self.mode == Buffering::Kept {
            return;
        }
        let ready = match self.mode {
            Buffering::None => self.pending.len(),
            Buffering::Line => through_last_newline(&self.pending),
            Buffering::Full | Buffering::Kept => 0,
        };
        // What does not fit into a block leaves in whole blocks.
        let ready = ready.max(if self.pending.len() > BLOCK {
            self.pending.len() / BLOCK * BLOCK
        } else {
            0
        });
        self.send(ready);
    }

    /// Write to the descriptor, behind what is pending (`fd_write`).
    ///
    /// # Errors
    /// write(2)'s; a flush does not meet it again.
    pub fn write_through(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.mode == Buffering::Kept {
            self.pending.extend_from_slice(bytes);
            return Ok(());
        }
        self.drain();
        write_all(STDOUT.as_raw_fd(), bytes)
    }

    /// Write what is pending.
    pub fn drain(&mut self) {
        if self.mode == Buffering::Kept {
            return;
        }
        self.send(self.pending.len());
    }

    /// `m_output()`: write what is pending. Fails with the `errno` of this or an earlier
    /// failure, unless it was a closed pipe.
    pub fn flush(&mut self) -> Result<(), i32> {
        self.drain();
        match self.failed {
            Some(errno) if errno != libc::EPIPE => Err(errno),
            _ => Ok(()),
        }
    }

    fn send(&mut self, count: usize) {
        if let Err(e) = write_all(STDOUT.as_raw_fd(), &self.pending[..count]) {
            self.failed = e.raw_os_error();
        }
        self.pending.drain(..count);
    }
}

/// The length up to and with the last newline.
fn through_last_newline(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1)
}
