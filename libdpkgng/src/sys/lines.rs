//! Lines of small text files, as dpkg's bounded buffers take them (`fgets_checked`).

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, Read};

use crate::bail;
use crate::error::{OrFail, Result};
use crate::msg;

/// The lines of a file that dpkg reads through a buffer of limited size (`fgets_checked`).
pub struct Lines<'a> {
    name: &'a [u8],
    size: usize,
    buf: Cow<'a, [u8]>,
    at: usize,
}

impl<'a> Lines<'a> {
    /// Read all of `file`, called `name` in errors; lines must fit into `size` bytes with
    /// their newline and a terminator.
    pub fn read(file: &mut File, name: &'a [u8], size: usize) -> Result<Lines<'a>> {
        let mut buf = Vec::new();
        file.read_to_end(&mut buf)
            .or_fail(|| msg!("read error in '%.250s'", name))?;
        Ok(Lines {
            name,
            size,
            buf: Cow::Owned(buf),
            at: 0,
        })
    }

    /// The same over what was read from it before.
    pub fn over(content: &'a [u8], name: &'a [u8], size: usize) -> Lines<'a> {
        Lines {
            name,
            size,
            buf: Cow::Borrowed(content),
            at: 0,
        }
    }

    /// The next line without its newline; `None` at the end of the file.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>> {
        let rest = self.buf.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let window = &rest[..rest.len().min(self.size - 1)];
        let end = memchr::memchr(b'\n', window);
        // A NUL ends the string in dpkg's eyes, so that its newline is not seen.
        match (end, memchr::memchr(0, window)) {
            (_, Some(0)) => bail!("fgets gave an empty string from '%.250s'", self.name),
            (Some(end), nul) if nul.is_none_or(|nul| nul > end) => {
                self.at += end + 1;
                Ok(Some(&self.buf[self.at - end - 1..self.at - 1]))
            }
            _ => bail!("too-long line or missing newline in '%.250s'", self.name),
        }
    }

    /// The next line, which must be there (`fgets_must`).
    pub fn must(&mut self) -> Result<&[u8]> {
        let name = self.name;
        match self.next_line()? {
            Some(line) => Ok(line),
            None => bail!("unexpected end of file reading '%.250s'", name),
        }
    }
}

/// Lines of a stream, as fgets(3) hands them to C: up to a limit, cut at a NUL byte, and once it
/// ended it stays so, even a terminal.
pub struct Fgets<'a> {
    input: &'a mut dyn BufRead,
    ended: bool,
}

impl<'a> Fgets<'a> {
    /// The lines of `input`.
    pub fn new(input: &'a mut dyn BufRead) -> Fgets<'a> {
        Fgets {
            input,
            ended: false,
        }
    }

    /// The next line with its newline, or as much of it as fits into `size` bytes with a
    /// terminator; `None` at the end.
    ///
    /// # Errors
    /// read(2)'s.
    pub fn next(&mut self, size: usize) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        while !self.ended && line.len() + 1 < size && line.last() != Some(&b'\n') {
            let ready = match self.input.fill_buf() {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let fits = &ready[..ready.len().min(size - 1 - line.len())];
            let count = memchr::memchr(b'\n', fits).map_or(fits.len(), |end| end + 1);
            line.extend_from_slice(&fits[..count]);
            self.ended = count == 0;
            self.input.consume(count);
        }
        if line.is_empty() {
            return Ok(None);
        }
        if let Some(nul) = memchr::memchr(0, &line) {
            line.truncate(nul);
        }
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    fn lines(content: &[u8], size: usize) -> (Vec<Vec<u8>>, Option<String>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file.rewind().unwrap();
        let mut lines = Lines::read(&mut file, b"f", size).unwrap();
        let mut seen = Vec::new();
        loop {
            match lines.next_line() {
                Ok(Some(line)) => seen.push(line.to_vec()),
                Ok(None) => return (seen, None),
                Err(e) => return (seen, Some(e.to_string())),
            }
        }
    }

    #[test]
    fn lines_are_bounded_and_must_end() {
        let long = Some("too-long line or missing newline in 'f'".to_owned());
        assert_eq!(lines(b"", 5), (vec![], None));
        assert_eq!(lines(b"abc\n\n", 5), (vec![b"abc".to_vec(), vec![]], None));
        assert_eq!(lines(b"abcd\n", 5), (vec![], long.clone()));
        assert_eq!(lines(b"a\nbc", 5), (vec![b"a".to_vec()], long.clone()));
        assert_eq!(lines(b"a\0b\n", 9), (vec![], long));
        let empty = Some("fgets gave an empty string from 'f'".to_owned());
        assert_eq!(lines(b"\0b\n", 9), (vec![], empty));
    }

    #[test]
    fn fgets_takes_what_fits() {
        let mut input = b"abcdef\n\nx\0y\nend".as_slice();
        let mut lines = Fgets::new(&mut input);
        let mut seen = Vec::new();
        while let Some(line) = lines.next(5).unwrap() {
            seen.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(seen, ["abcd", "ef\n", "\n", "x", "end"]);
    }
}
