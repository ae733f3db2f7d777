//! Stanzas of `Field: value` lines, deb822(5), as dpkg tokenises them (`parse_stanza`).
//!
//! Works over one buffer and copies nothing. It reproduces what dpkg does at the edges, down
//! to reading one character ahead: a text that does not end in a newline loses its last
//! character, `^Z` ends a line as a newline does, and a value has its trailing blanks (and
//! only those) trimmed.

use crate::msg;
use crate::msg::Msg;

/// One field as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, in the spelling of the text.
    pub name: &'a [u8],
    /// The value from its first non-blank character (a newline, when the first line is empty)
    /// to its last, with continuation lines as they are.
    pub value: &'a [u8],
}

/// Splits a text into stanzas and fields.
///
/// ```
/// use libdpkgng::deb822::Scanner;
/// let mut s = Scanner::new(b"A: 1\nB:\n x\n\nA: 2\n");
/// let mut seen = Vec::new();
/// while s.begin() {
///     while let Some(f) = s.field().unwrap() {
///         seen.push((f.name, f.value));
///     }
/// }
/// assert_eq!(seen, [(&b"A"[..], &b"1"[..]), (b"B", b"\n x"), (b"A", b"2")]);
/// ```
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    data: &'a [u8],
    /// The next character to read; `pos - 1` is the one in hand (`c` in dpkg's parser).
    pos: usize,
    line: usize,
    in_stanza: bool,
    name: &'a [u8],
    blanks: Vec<usize>,
}

/// `^Z`, at which MS-DOS ended files.
const MSDOS_EOF: u8 = 0x1a;

/// C's `isspace()`.
pub fn is_space(c: u8) -> bool {
    matches!(c, b'\t'..=b'\r' | b' ')
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of `data`.
    pub fn new(data: &'a [u8]) -> Scanner<'a> {
        Scanner::from_line(data, 0)
    }

    /// A scanner for a part of a text that so many newlines were passed of.
    pub fn from_line(data: &'a [u8], line: usize) -> Scanner<'a> {
        Scanner {
            data,
            pos: 0,
            line,
            in_stanza: false,
            name: b"",
            blanks: Vec::new(),
        }
    }

    /// The line number dpkg would show now: the newlines passed so far.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Whether nothing is left.
    pub fn at_end(&self) -> bool {
        self.pos >= self.data.len()
    }

    /// The lines (numbers as in [`Scanner::line`]) of the field read last that were blank
    /// continuation lines: an error for strict parsers, a warning for lax ones. Filled also
    /// when [`Scanner::field`] then fails.
    pub fn blank_lines(&self) -> &[usize] {
        &self.blanks
    }

    /// The name of the field read last, also of one that failed after its name.
    pub fn field_name(&self) -> &'a [u8] {
        self.name
    }

    fn next_char(&mut self) -> u8 {
        let c = self.data.get(self.pos).copied().unwrap_or(0);
        self.pos += 1;
        c
    }

    /// Go to the next stanza; false when there is none.
    pub fn begin(&mut self) -> bool {
        while !self.at_end() {
            let c = self.next_char();
            if c != b'\n' && c != MSDOS_EOF {
                break;
            }
            self.line += 1;
        }
        self.in_stanza = !self.at_end();
        self.in_stanza
    }

    /// The next field of the stanza, `None` after its last one. Errors are dpkg's, without the
    /// place.
    pub fn field(&mut self) -> Result<Option<Field<'a>>, Msg> {
        self.blanks.clear();
        if !self.in_stanza {
            return Ok(None);
        }
        let start = self.pos - 1;
        let mut c = self.data.get(start).copied().unwrap_or(0);
        while !self.at_end() && !is_space(c) && c != b':' && c != MSDOS_EOF {
            c = self.next_char();
        }
        let name = self.data.get(start..self.pos - 1).unwrap_or_default();
        if name.is_empty() {
            return Err(msg!("empty field name"));
        }
        self.name = name;
        // In the messages '%.*s' stands for length and text.
        let len = name.len();
        if name[0] == b'-' {
            return Err(msg!(
                "field name '%.*s' cannot start with hyphen",
                len,
                name
            ));
        }
        while !self.at_end() && c != b'\n' && is_space(c) {
            c = self.next_char();
        }
        if self.at_end() {
            return Err(msg!("end of file after field name '%.*s'", len, name));
        }
        match c {
            b':' => {}
            b'\n' => return Err(msg!("newline in field name '%.*s'", len, name)),
            MSDOS_EOF => {
                return Err(msg!(
                    "MSDOS end of file (^Z) in field name '%.*s'",
                    len,
                    name
                ));
            }
            _ => {
                return Err(msg!(
                    "field name '%.*s' must be followed by colon",
                    len,
                    name
                ));
            }
        }
        while !self.at_end() {
            c = self.next_char();
            if c == b'\n' || !is_space(c) {
                break;
            }
        }
        if self.at_end() {
            return Err(msg!(
                "end of file before value of field '%.*s' (missing final newline)",
                len,
                name
            ));
        }
        if c == MSDOS_EOF {
            return Err(msg!(
                "MSDOS end of file (^Z) in value of field '%.*s' (missing newline?)",
                len,
                name
            ));
        }

        let value_start = self.pos - 1;
        // Line by line: `at` is where the current line's unread part starts.
        let mut at = value_start;
        let mut continuation = false;
        loop {
            let rest = self.data.get(at..).unwrap_or_default();
            let Some(end) = memchr::memchr2(b'\n', MSDOS_EOF, rest) else {
                self.pos = self.data.len();
                return Err(msg!(
                    "end of file during value of field '%.*s' (missing final newline)",
                    len,
                    name
                ));
            };
            if continuation && rest[..end].iter().all(|c| is_space(*c)) {
                self.blanks.push(self.line);
            }
            self.line += 1;
            self.pos = at + end + 1;
            c = rest[end];
            if self.at_end() {
                break;
            }
            c = self.next_char();
            if self.at_end() || c == b'\n' || !is_space(c) {
                break;
            }
            at = self.pos - 1;
            continuation = true;
        }
        let mut value = self.data.get(value_start..self.pos - 1).unwrap_or_default();
        while let [head @ .., last] = value {
            if !is_space(*last) {
                break;
            }
            value = head;
        }
        if self.at_end() || c == b'\n' || c == MSDOS_EOF {
            self.in_stanza = false;
            // dpkg counts this newline after it has dealt with the field; `finish` does.
        }
        Ok(Some(Field { name, value }))
    }

    /// Leave a stanza whose last field was read: counts the newline that ended it. To be
    /// called once per stanza, after the last field was dealt with.
    pub fn finish(&mut self) {
        if self.pos > 0 && self.data.get(self.pos - 1) == Some(&b'\n') {
            self.line += 1;
        }
        self.in_stanza = false;
    }
}

/// How a blank continuation line is called.
pub fn blank_line_problem(field: &[u8]) -> Msg {
    msg!("blank line in value of field '%.*s'", field.len(), field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Vec<(String, String)>>, String> {
        let mut s = Scanner::new(text.as_bytes());
        let mut out = Vec::new();
        let show = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        while s.begin() {
            let mut stanza = Vec::new();
            while let Some(f) = s.field().map_err(|m| m.to_string())? {
                stanza.push((show(f.name), show(f.value)));
            }
            s.finish();
            out.push(stanza);
        }
        Ok(out)
    }

    fn one(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn stanzas_and_values() {
        assert_eq!(
            all("\n\nA : 1 \t\nB:\n x\n  y \n\n\nC:2\n"),
            Ok(vec![
                vec![one("A", "1"), one("B", "\n x\n  y")],
                vec![one("C", "2")]
            ])
        );
        assert_eq!(all("\n\n"), Ok(vec![]));
        assert_eq!(all("x"), Ok(vec![]));
        assert_eq!(all("A: 1\nx"), Ok(vec![vec![one("A", "1")]]));
    }

    #[test]
    fn errors_are_stocks() {
        for (text, error) in [
            (": x\n", "empty field name"),
            ("-A: x\n", "field name '-A' cannot start with hyphen"),
            ("A\nB: x\n", "newline in field name 'A'"),
            ("A b: x\n", "field name 'A' must be followed by colon"),
            ("Abc", "end of file after field name 'Ab'"),
            (
                "A: b",
                "end of file before value of field 'A' (missing final newline)",
            ),
            (
                "A: bc",
                "end of file during value of field 'A' (missing final newline)",
            ),
            (
                "A:\n",
                "end of file before value of field 'A' (missing final newline)",
            ),
            ("A\u{1a}b\n", "MSDOS end of file (^Z) in field name 'A'"),
            (
                "A: \u{1a}b\n",
                "MSDOS end of file (^Z) in value of field 'A' (missing newline?)",
            ),
        ] {
            assert_eq!(all(text), Err(error.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn blank_continuation_lines_are_noted() {
        let mut s = Scanner::new(b"A: 1\nB: x\n \n y\n");
        assert!(s.begin());
        s.field().expect("A");
        assert!(s.blank_lines().is_empty());
        s.field().expect("B");
        assert_eq!(s.blank_lines(), [2]);
        s.field().expect("the end");
        assert!(s.blank_lines().is_empty());
    }
}
