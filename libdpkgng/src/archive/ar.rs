//! The outer container of a `.deb`: the Unix ar format as deb(5) restricts it.
//!
//! Sixty-byte headers of blank-padded ASCII; only name and size matter when reading, and dpkg
//! looks at nothing else. Members start at even offsets, a newline filling the gap.

use std::io::{Read, Write};

use super::copy_exact;
use crate::error::{OrFail as _, Result};
use crate::msg;

/// What an archive starts with.
pub const MAGIC: &[u8; 8] = b"!<arch>\n";
/// The length of a member header.
pub const HEADER_LEN: usize = 60;
const END_MAGIC: &[u8; 2] = b"`\n";

/// A member header, as far as dpkg reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The name without padding and without the slash of GNU archives.
    pub name: Vec<u8>,
    /// The name filled its field, so that nothing terminates it.
    pub name_unterminated: bool,
    /// Length of the data in bytes, up to 9,999,999,999.
    pub size: u64,
}

impl Header {
    /// Read a header of the archive called `archive` (for the messages).
    pub fn parse(archive: &[u8], raw: &[u8; HEADER_LEN]) -> Result<Header> {
        if !is_legal(raw) {
            crate::bail!(
                "file '%.250s' is corrupt - bad archive header magic",
                archive
            );
        }
        let name = member_name(raw);
        let size = member_size(archive, raw)?;
        Ok(Header {
            name: name.to_vec(),
            name_unterminated: name.len() == 16,
            size,
        })
    }

    /// The data's length with the byte that fills it up to an even one.
    pub fn padded_size(&self) -> u64 {
        self.size + (self.size & 1)
    }
}

/// Whether a header ends as every header does (not `dpkg_ar_member_is_illegal()`).
pub(super) fn is_legal(raw: &[u8; HEADER_LEN]) -> bool {
    raw.ends_with(END_MAGIC)
}

/// The name in a header (`dpkg_ar_normalize_name`).
pub(super) fn member_name(raw: &[u8; HEADER_LEN]) -> &[u8] {
    let mut name = &raw[..16];
    while let [head @ .., b' '] = name {
        name = head;
    }
    if let [head @ .., b'/'] = name {
        name = head;
    }
    match memchr::memchr(0, name) {
        Some(end) => name.get(..end).unwrap_or(name),
        None => name,
    }
}

/// The size in a header of the archive called `archive` (`dpkg_ar_member_get_size`).
pub(super) fn member_size(archive: &[u8], raw: &[u8; HEADER_LEN]) -> Result<u64> {
    let digits = raw[48..58].iter().copied().skip_while(|&c| c == b' ');
    let mut size = 0u64;
    for c in digits.take_while(|&c| c != b' ') {
        if !c.is_ascii_digit() {
            crate::bail!(
                "invalid character '%c' in archive '%.250s' member '%.16s' size",
                c,
                archive,
                member_name(raw)
            );
        }
        size = size * 10 + u64::from(c - b'0');
    }
    Ok(size)
}

/// Writes an archive of plain files that belong to root.
pub struct ArWriter<W> {
    dst: W,
    name: Vec<u8>,
    mtime: i64,
}

impl<W: Write> ArWriter<W> {
    /// Write to `dst`, called `name` in messages; members get `mtime` (seconds since the epoch).
    pub fn new(dst: W, name: &[u8], mtime: i64) -> ArWriter<W> {
        ArWriter {
            dst,
            name: name.to_vec(),
            mtime,
        }
    }

    /// The destination, for what is not an ar archive (deb-old(5)).
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.dst
    }

    /// The destination back.
    pub fn into_inner(self) -> W {
        self.dst
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.dst
            .write_all(bytes)
            .or_fail(|| msg!("unable to write file '%s'", &self.name))
    }

    /// The archive's magic.
    pub fn put_magic(&mut self) -> Result<()> {
        self.put(MAGIC)
    }

    fn put_header(&mut self, member: &str, size: u64) -> Result<()> {
        if member.len() > 15 {
            crate::bail!("ar member name '%s' length too long", member);
        }
        if size > 9_999_999_999 {
            crate::bail!("ar member size %jd too large", size);
        }
        if self.mtime > 999_999_999_999 {
            crate::bail!("ar member time %jd too large", self.mtime);
        }
        let header = format!(
            "{member:<16}{:<12}{:<6}{:<6}{:<8o}{size:<10}`\n",
            self.mtime, 0, 0, 0o100_644
        );
        if header.len() != HEADER_LEN {
            crate::bail!("generated corrupt ar header for '%s'", &self.name);
        }
        self.put(header.as_bytes())
    }

    /// A member of these bytes.
    pub fn put_member(&mut self, member: &str, data: &[u8]) -> Result<()> {
        self.put_header(member, data.len() as u64)?;
        self.put(data)?;
        if data.len() % 2 == 1 {
            self.put(b"\n")?;
        }
        Ok(())
    }

    /// A member of the next `size` bytes of `src`.
    pub fn put_member_from(&mut self, member: &str, src: &mut dyn Read, size: u64) -> Result<()> {
        self.put_header(member, size)?;
        if let Err(problem) = copy_exact(src, &mut self.dst, size) {
            crate::bail!(
                "cannot append ar member file (%s) to '%s': %s",
                member,
                &self.name,
                problem
            );
        }
        if size % 2 == 1 {
            self.put(b"\n")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, size: &str) -> [u8; HEADER_LEN] {
        let text = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
            0, 0, 0, "100644"
        );
        text.as_bytes().try_into().unwrap()
    }

    #[test]
    fn names_lose_padding_and_one_slash() {
        let parse = |n| Header::parse(b"x", &header(n, "3")).unwrap().name;
        assert_eq!(parse("data.tar/"), b"data.tar");
        assert_eq!(parse("data.tar//"), b"data.tar/");
        assert_eq!(parse("data.tar"), b"data.tar");
        assert_eq!(parse("a b"), b"a b");
        let full = Header::parse(b"x", &header("control.tar.lzma", "3")).unwrap();
        assert!(full.name_unterminated);
    }

    #[test]
    fn sizes_and_their_faults() {
        let parse = |s| Header::parse(b"a.deb", &header("m", s));
        assert_eq!(parse("9999999999").unwrap().size, 9_999_999_999);
        assert_eq!(parse("  12").unwrap().size, 12);
        assert_eq!(parse("1 2").unwrap().size, 1);
        assert_eq!(parse("3").unwrap().padded_size(), 4);
        assert_eq!(
            parse("1x").unwrap_err().to_string(),
            "invalid character 'x' in archive 'a.deb' member 'm' size"
        );
        let mut bad = header("m", "1");
        bad[59] = b' ';
        assert_eq!(
            Header::parse(b"a.deb", &bad).unwrap_err().to_string(),
            "file 'a.deb' is corrupt - bad archive header magic"
        );
    }

    #[test]
    fn written_members_are_even() {
        let mut ar = ArWriter::new(Vec::new(), b"a.deb", 1);
        ar.put_magic().unwrap();
        ar.put_member("debian-binary", b"2.0\n").unwrap();
        ar.put_member_from("odd", &mut &b"abc"[..], 3).unwrap();
        assert_eq!(
            ar.into_inner(),
            b"!<arch>\ndebian-binary   1           0     0     100644  4         `\n2.0\n\
              odd             1           0     0     100644  3         `\nabc\n"
        );
    }
}
