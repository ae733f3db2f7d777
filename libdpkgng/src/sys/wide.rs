//! Characters of the locale and how many columns of a terminal they take.

/// The first character of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Char {
    /// So many bytes, and so many columns, or -1 when it cannot be shown.
    Valid {
        /// Its length.
        bytes: usize,
        /// Its columns.
        columns: i32,
    },
    /// The bytes are no character in this locale.
    Invalid,
    /// The text is at its end (or at a NUL).
    End,
}

/// glibc's `mbstate_t`: 8 bytes, all zero in the initial state.
#[repr(C)]
struct MbState([u64; 2]);

unsafe extern "C" {
    fn mbrtowc(
        wc: *mut libc::wchar_t,
        text: *const libc::c_char,
        len: libc::size_t,
        state: *mut MbState,
    ) -> libc::size_t;
    fn wcwidth(wc: libc::wchar_t) -> libc::c_int;
}

/// Decode the first character of `text` by the character type the locale has now.
pub fn first_char(text: &[u8]) -> Char {
    match text.first() {
        None | Some(0) => return Char::End,
        Some(0x20..0x7f) => {
            return Char::Valid {
                bytes: 1,
                columns: 1,
            };
        }
        _ => {}
    }
    let mut wc: libc::wchar_t = 0;
    let mut state = MbState([0; 2]);
    // SAFETY: text is readable for its length, wc and state are writable; the state is the
    // initial one and at least as large as the C library's.
    let bytes = unsafe { mbrtowc(&mut wc, text.as_ptr().cast(), text.len(), &mut state) };
    if bytes > text.len() {
        return Char::Invalid;
    }
    // SAFETY: wcwidth takes any value.
    let columns = unsafe { wcwidth(wc) };
    Char::Valid { bytes, columns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_in_any_locale() {
        let one = Char::Valid {
            bytes: 1,
            columns: 1,
        };
        assert_eq!(first_char(b"ab"), one);
        assert_eq!(first_char(b""), Char::End);
        assert_eq!(first_char(b"\0a"), Char::End);
        let newline = Char::Valid {
            bytes: 1,
            columns: -1,
        };
        assert_eq!(first_char(b"\n"), newline);
    }
}
