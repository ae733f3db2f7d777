//! fnmatch(3), in the current locale.

use std::ffi::CString;

/// A pattern of fnmatch(3), ready to be matched. A NUL byte ends it, as it would in C.
#[derive(Clone, Debug)]
pub struct Pattern(CString);

fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

impl Pattern {
    /// Take a pattern.
    pub fn new(pattern: &[u8]) -> Pattern {
        Pattern(c_string(pattern))
    }

    /// The pattern itself.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// A string in the form that [`Pattern::matches`] wants, so that many patterns can be
    /// tried without copying it again.
    pub fn subject(text: &[u8]) -> CString {
        c_string(text)
    }

    /// Whether the whole subject matches, without any of fnmatch's flags.
    pub fn matches(&self, subject: &CString) -> bool {
        // SAFETY: both arguments are NUL-terminated strings that live through the call.
        unsafe { libc::fnmatch(self.0.as_ptr(), subject.as_ptr(), 0) == 0 }
    }
}
