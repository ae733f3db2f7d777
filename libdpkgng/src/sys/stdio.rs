//! What of C's stdio others can tell: how it reads and writes in blocks.

use std::io::{self, BufRead, BufReader, Read};

use nix::unistd::{Whence, lseek, read};

use super::inherited::STDIN;

/// glibc's block for pipes and files.
pub const BLOCK: usize = 4096;

/// Descriptor 0 as it is: the standard library's takes one that cannot be read for an empty one.
struct Descriptor;

impl Read for Descriptor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(read(STDIN, buf)?)
    }
}

/// Standard input. What was read and not used is left to whoever reads from it next, where it can
/// be.
pub struct Stdin(BufReader<Descriptor>);

impl Stdin {
    /// The one that was inherited.
    #[must_use]
    pub fn new() -> Stdin {
        Stdin(BufReader::with_capacity(BLOCK, Descriptor))
    }

    /// Whether the next byte must be waited for.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.0.buffer().is_empty()
    }
}

impl Default for Stdin {
    fn default() -> Stdin {
        Stdin::new()
    }
}

impl Read for Stdin {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl BufRead for Stdin {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        let unused = self.0.buffer().len();
        if unused > 0 {
            // A pipe has no way back.
            let _ = lseek(STDIN, -(unused as i64), Whence::SeekCur);
        }
    }
}
