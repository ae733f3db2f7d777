//! Texts cropped and padded to columns of a terminal (strwide.c).

use libdpkgng::sys::wide::{Char, first_char};

/// The columns a text takes; its bytes when it is not valid in this locale, -1 when it has
/// something that cannot be shown (`str_width`).
pub fn width(text: &[u8]) -> i64 {
    let (mut rest, mut total, mut showable) = (text, 0i64, true);
    loop {
        match first_char(rest) {
            Char::End => return if showable { total } else { -1 },
            Char::Invalid => return text.len() as i64,
            Char::Valid { bytes, columns } => {
                showable &= columns >= 0;
                total += i64::from(columns);
                rest = rest.get(bytes..).unwrap_or_default();
            }
        }
    }
}

/// How many bytes of a text fit into `columns`, and how many bytes a field must have for the
/// text to fill those columns (`str_gen_crop`). A character that cannot be shown ends it.
pub fn crop(text: &[u8], columns: usize) -> (usize, usize) {
    let (mut bytes_used, mut columns_used) = (0usize, 0usize);
    loop {
        let rest = text.get(bytes_used..).unwrap_or_default();
        match first_char(rest) {
            Char::End => break,
            // Then columns count as bytes.
            Char::Invalid => return (columns, columns),
            Char::Valid {
                bytes,
                columns: its,
            } => match usize::try_from(its) {
                Ok(its) if columns_used + its <= columns => {
                    columns_used += its;
                    bytes_used += bytes;
                }
                _ => break,
            },
        }
    }
    (bytes_used, bytes_used + columns - columns_used)
}

/// Append a text cropped to `columns`, filled up with blanks behind it.
pub fn push_padded(text: &[u8], columns: usize, out: &mut Vec<u8>) {
    let (take, field) = crop(text, columns);
    let shown = text.get(..take).unwrap_or(text);
    out.extend_from_slice(shown);
    out.extend(std::iter::repeat_n(b' ', field.saturating_sub(shown.len())));
}

/// Append a text cropped to `columns`.
pub fn push_cropped(text: &[u8], columns: usize, out: &mut Vec<u8>) {
    let (take, _) = crop(text, columns);
    out.extend_from_slice(text.get(..take).unwrap_or(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii() {
        assert_eq!(width(b"abc"), 3);
        assert_eq!(width(b"a\nb"), -1);
        assert_eq!(crop(b"abcdef", 4), (4, 4));
        assert_eq!(crop(b"ab", 4), (2, 4));
        assert_eq!(crop(b"a\nb", 4), (1, 4));
        let mut out = Vec::new();
        push_padded(b"abc", 5, &mut out);
        push_cropped(b"defg", 2, &mut out);
        assert_eq!(out, b"abc  de");
    }
}
