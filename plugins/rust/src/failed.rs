//! Why something failed.

use std::fmt;

/// Why something failed: words for the user, any bytes. Those of the host are taken over at once,
/// since they stay no longer than until the next failure.
#[derive(Clone, PartialEq, Eq)]
pub struct Failed(Vec<u8>);

impl Failed {
    /// With these words: no newline, no name of a program.
    pub fn new(text: impl Into<Vec<u8>>) -> Failed {
        Failed(text.into())
    }

    /// The words.
    pub fn text(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failed({self})")
    }
}

impl std::error::Error for Failed {}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Failed {
        Failed::new(error.to_string())
    }
}
