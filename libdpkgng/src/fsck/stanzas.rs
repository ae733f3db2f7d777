//! A file of stanzas, cut into them before anything is parsed, so that each is judged by itself.

use super::{Fault, Kind, Where, text};
use crate::control::{ParseFlags, parse_stanza};
use crate::pkg::{PkgId, PkgTable};

/// A stanza as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'d> {
    /// The number of its first line.
    pub line: usize,
    /// All of it, the newline of its last line included, if it has one.
    pub text: &'d [u8],
}

/// Cut a file at its empty lines.
pub(super) fn chunks(data: &[u8]) -> Vec<Chunk<'_>> {
    let mut found = Vec::new();
    let (mut start, mut first, mut line, mut at) = (0, 1, 1, 0);
    while at < data.len() {
        let end = memchr::memchr(b'\n', &data[at..]).map_or(data.len(), |n| at + n + 1);
        if &data[at..end] == b"\n" {
            if start < at {
                let text = &data[start..at];
                found.push(Chunk { line: first, text });
            }
            (start, first) = (end, line + 1);
        }
        (at, line) = (end, line + 1);
    }
    if start < data.len() {
        let text = &data[start..];
        found.push(Chunk { line: first, text });
    }
    found
}

/// The fields of a stanza that say whose it is, as far as whole lines can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub package: Vec<u8>,
    pub arch: Vec<u8>,
    pub version: Vec<u8>,
    pub status: Vec<u8>,
    pub same: bool,
}

impl Head {
    pub fn of(stanza: &[u8]) -> Head {
        let mut head = Head::default();
        for line in stanza.split_inclusive(|c| *c == b'\n') {
            let Some(line) = line.strip_suffix(b"\n").filter(|l| !l.contains(&0)) else {
                continue;
            };
            let Some(colon) = memchr::memchr(b':', line) else {
                continue;
            };
            let value = line
                .get(colon + 1..)
                .unwrap_or_default()
                .trim_ascii()
                .to_vec();
            match line.get(..colon).unwrap_or_default() {
                b"Package" => head.package = value,
                b"Architecture" => head.arch = value,
                b"Version" => head.version = value,
                b"Status" => head.status = value,
                b"Multi-Arch" => head.same = value == b"same",
                _ => {}
            }
        }
        head
    }

    /// Which package it is.
    pub fn key(&self) -> (Vec<u8>, Vec<u8>) {
        (self.package.clone(), self.arch.clone())
    }

    /// What the names of its control files begin with.
    pub fn stem(&self) -> Vec<u8> {
        match self.same {
            true => [&self.package[..], b":", &self.arch].concat(),
            false => self.package.clone(),
        }
    }
}

/// What one stanza is found to be.
pub(super) enum Verdict {
    /// dpkg takes it.
    Good(PkgId),
    /// It does not, and why.
    Bad(Box<Fault>),
}

/// Judge a stanza; a good one goes into the table.
pub(super) fn judge(
    chunk: &Chunk<'_>,
    file: &Where,
    flags: ParseFlags,
    table: &mut PkgTable,
) -> Verdict {
    let head = Head::of(chunk.text);
    let fault = |kind, line| {
        let fault = Fault::new(kind, file.clone()).at(line);
        match head.package.is_empty() {
            true => fault,
            false => fault.of(&String::from_utf8_lossy(&head.package)),
        }
    };
    if let Some(nul) = text::nul_line(chunk.text) {
        return Verdict::Bad(Box::new(fault(Kind::ZeroFilled, chunk.line + nul - 1)));
    }
    if !text::is_terminated(chunk.text) {
        let last = chunk.line + text::line_count(chunk.text) - 1;
        return Verdict::Bad(Box::new(fault(Kind::NoFinalNewline, last)));
    }
    match parse_stanza(chunk.text, chunk.line, flags, table) {
        Ok(Some(pkg)) => Verdict::Good(pkg),
        Ok(None) => Verdict::Bad(Box::new(fault(Kind::Syntax, chunk.line))),
        Err(flaw) => {
            // The parser has gone beyond an end that it met too early.
            let last = chunk.line + text::line_count(chunk.text) - 1;
            let line = flaw.line.clamp(chunk.line, last);
            Verdict::Bad(Box::new(
                fault(Kind::Syntax, line).detail(flaw.reason.to_string()),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ArchTable;

    #[test]
    fn a_file_is_cut_at_empty_lines() {
        let cut = |data: &'static [u8]| -> Vec<(usize, &[u8])> {
            chunks(data).iter().map(|c| (c.line, c.text)).collect()
        };
        assert_eq!(cut(b""), []);
        assert_eq!(cut(b"\n\n"), []);
        assert_eq!(
            cut(b"A: 1\nB: 2\n\n\nC: 3\n"),
            [(1, &b"A: 1\nB: 2\n"[..]), (5, b"C: 3\n")]
        );
        assert_eq!(cut(b"A: 1\n\nB"), [(1, &b"A: 1\n"[..]), (3, b"B")]);
    }

    #[test]
    fn a_head_is_made_of_whole_lines() {
        let head = Head::of(b"Package: a\nStatus: install ok installed\nVersion: 1\nArchi");
        assert_eq!(
            (&head.package[..], &head.version[..], &head.arch[..]),
            (&b"a"[..], &b"1"[..], &b""[..])
        );
        let head = Head::of(b"Package: a\nArchitecture: x\nMulti-Arch: same\nVersion: 1.0");
        assert_eq!((head.stem(), head.version), (b"a:x".to_vec(), Vec::new()));
    }

    #[test]
    fn each_stanza_is_judged_with_its_line() {
        let stanza = "Package: a\nStatus: install ok installed\nMaintainer: x\nArchitecture: amd64\nVersion: 1\nDescription: x\n";
        let text = format!(
            "{stanza}\n{}\n{}",
            stanza.replace("1\n", "1 2\n"),
            stanza.replace('x', "\0")
        );
        let mut table = PkgTable::new(ArchTable::new("amd64"));
        let file = Where::Admin(b"status".to_vec());
        let found: Vec<Option<(Kind, Option<usize>)>> = chunks(text.as_bytes())
            .iter()
            .map(|c| match judge(c, &file, ParseFlags::STATUS, &mut table) {
                Verdict::Good(_) => None,
                Verdict::Bad(f) => Some((f.kind, f.line)),
            })
            .collect();
        let expected = [
            None,
            Some((Kind::Syntax, Some(12))),
            Some((Kind::ZeroFilled, Some(17))),
        ];
        assert_eq!(found, expected);
    }
}
