//! The order of the locale (strcoll(3)).

use std::cmp::Ordering;
use std::ffi::CString;

/// Which of two names comes first; what is behind a NUL byte is not looked at.
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let c_string = |s: &[u8]| {
        let end = memchr::memchr(0, s).unwrap_or(s.len());
        CString::new(&s[..end]).unwrap_or_default()
    };
    let (a, b) = (c_string(a), c_string(b));
    // SAFETY: both arguments are NUL-terminated strings that live through the call.
    unsafe { libc::strcoll(a.as_ptr(), b.as_ptr()) }.cmp(&0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn without_a_locale_bytes_decide() {
        let mut names = [b"b".as_slice(), b"a-c", b"ab", b"B"];
        names.sort_by(|a, b| super::compare(a, b));
        assert_eq!(names, [b"B".as_slice(), b"a-c", b"ab", b"b"]);
    }
}
