//! Reading tar archives the way dpkg does (its tarfn.c): own header reader, pull-based.
//!
//! What is kept of dpkg's semantics:
//! - only the checksum tells a header from the end of the archive: a block that fails to decode
//!   and has an empty name ends it, one with a name is an error;
//! - one trailing slash of a directory's or regular file's name is cut; that of the file is noted,
//!   since to tar it means a directory, while dpkg goes on to make a file;
//! - only regular files have data, whatever size other entries claim;
//! - symbolic links come last, in archive order, after everything else;
//! - GNU long names and links are followed; volume, multi-volume, sparse, dump-directory, Solaris
//!   and pax entries are refused in dpkg's words, as is any other type.
//!
//! Errors carry the bare reason; dpkg prints it behind *corrupted filesystem tarfile in package
//! archive*.

use std::io::{self, Read};

use super::{hide_error, take_error};
use crate::error::{Error, OrFail, Result};
use crate::msg::until_nul;
use crate::{err, msg};

const BLOCK: usize = 512;
const BUF_SIZE: usize = 128 * 1024;
/// Longest GNU long name taken; paths end at `PATH_MAX` (4,096) long before.
const LONG_NAME_MAX: u64 = 1024 * 1024;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, with data.
    File,
    /// Another name of an earlier entry (`linkname`).
    HardLink,
    /// A symbolic link to `linkname`.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
}

/// A user or group name of a header: at most 32 bytes, no allocation.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnerName {
    len: u8,
    bytes: [u8; 32],
}

impl OwnerName {
    fn new(field: &[u8]) -> OwnerName {
        let text = until_nul(field);
        let mut name = OwnerName::default();
        for (to, from) in name.bytes.iter_mut().zip(text) {
            *to = *from;
            name.len += 1;
        }
        name
    }

    /// The name, empty where the header has none.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl std::fmt::Debug for OwnerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

/// One entry of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TarEntry {
    /// The path as in the archive (usually `./…`), without a directory's trailing slash.
    pub name: Vec<u8>,
    /// The target of a hard or symbolic link, as in the archive.
    pub linkname: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, `07777` at most.
    pub mode: u32,
    /// Numeric owner of the header; see [`TarEntry::resolve`].
    pub uid: u32,
    /// Numeric group of the header.
    pub gid: u32,
    /// Owner name, maybe empty.
    pub uname: OwnerName,
    /// Group name, maybe empty.
    pub gname: OwnerName,
    /// Length of the data in bytes ([`Kind::File`] only; other kinds may claim anything).
    pub size: u64,
    /// Modification time, seconds since the epoch.
    pub mtime: i64,
    /// Device major number (devices only, else 0).
    pub major: u64,
    /// Device minor number.
    pub minor: u64,
    /// A [`Kind::File`] whose name ended with a slash: a directory as tars before POSIX say it.
    pub slash: bool,
}

/// Looks up user and group names, in the system's database or that of a chroot.
pub trait Owners {
    /// The number of this user.
    ///
    /// # Errors
    /// Who there is cannot be read.
    fn uid(&mut self, name: &[u8]) -> Result<Option<u32>>;
    /// The number of this group.
    ///
    /// # Errors
    /// Who there is cannot be read.
    fn gid(&mut self, name: &[u8]) -> Result<Option<u32>>;
}

impl TarEntry {
    /// Replace owner and group numbers by those the names have here (Policy §9.2: names rule).
    ///
    /// # Errors
    /// Who there is here cannot be read.
    pub fn resolve(&mut self, owners: &mut dyn Owners) -> Result<()> {
        if self.uname.len > 0 {
            self.uid = owners.uid(self.uname.as_bytes())?.unwrap_or(self.uid);
        }
        if self.gname.len > 0 {
            self.gid = owners.gid(self.gname.as_bytes())?.unwrap_or(self.gid);
        }
        Ok(())
    }
}

/// What a header's type byte says.
enum Type {
    Entry(Kind),
    LongLink,
    LongName,
    Refused(&'static str),
}

fn type_of(flag: u8) -> Type {
    Type::Entry(match flag {
        0 | b'0' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::CharDevice,
        b'4' => Kind::BlockDevice,
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        b'K' => return Type::LongLink,
        b'L' => return Type::LongName,
        b'V' | b'M' | b'S' | b'D' => {
            return Type::Refused("unsupported GNU tar header type '%c'");
        }
        b'X' | b'A' => return Type::Refused("unsupported Solaris tar header type '%c'"),
        b'g' | b'x' => return Type::Refused("unsupported PAX tar header type '%c'"),
        _ => return Type::Refused("unknown tar header type '%c'"),
    })
}

/// Pulls entries out of a tar stream; as a `Read` it yields the data of the current one.
pub struct TarReader<R> {
    src: R,
    buf: Box<[u8]>,
    pos: usize,
    len: usize,
    /// Data bytes of the current entry not read yet.
    data: u64,
    /// Filling behind them.
    padding: u64,
    /// Held back until the end, as dpkg places them last.
    symlinks: std::collections::VecDeque<TarEntry>,
    in_order: bool,
    end: bool,
    orderly: bool,
    /// No content follows the headers.
    bare: bool,
    /// Where the headers are copied to.
    copy: Option<Box<dyn io::Write + Send>>,
}

impl<R: Read> TarReader<R> {
    /// Read entries from `src`.
    pub fn new(src: R) -> TarReader<R> {
        TarReader {
            src,
            buf: vec![0; BUF_SIZE].into_boxed_slice(),
            pos: 0,
            len: 0,
            data: 0,
            padding: 0,
            symlinks: std::collections::VecDeque::new(),
            in_order: false,
            end: false,
            orderly: true,
            bare: false,
            copy: None,
        }
    }

    /// Read entries from the headers alone, as [`TarReader::copy_headers`] makes them: files have
    /// the size they say, but their content is not here.
    pub fn bare(src: R) -> TarReader<R> {
        TarReader {
            bare: true,
            ..TarReader::new(src)
        }
    }

    /// All entries come where they are, as tar(1) takes them: else symbolic links come last.
    pub fn in_order(self) -> TarReader<R> {
        TarReader {
            in_order: true,
            ..self
        }
    }

    /// Whether there are headers alone.
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    /// From here on write every header to `to` as it is read, with the long names that belong to
    /// it and the one that ends the archive: all of a tar archive but the content of its files.
    /// That it cannot be written is an error of [`TarReader::next_entry`].
    pub fn copy_headers(&mut self, to: Box<dyn io::Write + Send>) {
        self.copy = Some(to);
    }

    /// Whether all headers so far, and the end of the archive, were such as tar(1) passes
    /// without a word. dpkg overlooks more: a mode that is no number, the size of what is no
    /// file, and an end that is any block without a name.
    pub fn orderly(&mut self) -> bool {
        if self.end && self.orderly {
            let last = self.block();
            self.orderly = matches!(last, Ok(Some(block)) if block == [0; BLOCK]);
        }
        self.orderly
    }

    /// The source, which may have been read ahead.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.src
    }

    /// Bytes that were taken from the source and not used yet.
    pub fn read_ahead(&self) -> u64 {
        self.len.saturating_sub(self.pos) as u64
    }

    /// The source back; what was read ahead is lost.
    pub fn into_inner(self) -> R {
        self.src
    }

    /// Read on to the end of the source, dropping what follows the archive (its last record).
    pub fn drain(&mut self) -> Result<()> {
        self.pos = self.len;
        loop {
            self.fill()?;
            if self.pos == self.len {
                return Ok(());
            }
            self.pos = self.len;
        }
    }

    /// Get more bytes when the buffer is used up; leaves it empty at the end of the source.
    fn fill(&mut self) -> Result<()> {
        if self.pos < self.len {
            return Ok(());
        }
        self.pos = 0;
        self.len = 0;
        loop {
            match self.src.read(&mut self.buf) {
                Ok(n) => {
                    self.len = n.min(self.buf.len());
                    return Ok(());
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(take_error(e, || msg!("error reading from dpkg-deb pipe"))),
            }
        }
    }

    /// One block, or `None` at the end of the source.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while have < BLOCK {
            self.fill()?;
            let from = self.buf.get(self.pos..self.len).unwrap_or_default();
            let n = from.len().min(BLOCK - have);
            if n == 0 {
                break;
            }
            block[have..have + n].copy_from_slice(&from[..n]);
            have += n;
            self.pos += n;
        }
        match have {
            BLOCK => {
                if let Some(copy) = &mut self.copy {
                    copy.write_all(&block).or_fail(|| msg!("failed to write"))?;
                }
                Ok(Some(block))
            }
            0 => Ok(None),
            _ => Err(err!("partially read tar header")),
        }
    }

    fn discard(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            self.fill()?;
            let n = ((self.len - self.pos) as u64).min(count);
            if n == 0 {
                return Err(err!("unexpected end of file or stream"));
            }
            self.pos += n as usize;
            count -= n;
        }
        Ok(())
    }

    /// Drop what is left of the current entry's data.
    pub fn skip_data(&mut self) -> Result<()> {
        let n = std::mem::take(&mut self.data);
        self.discard(n)
    }

    /// Drop the filling behind the current entry's data, once that is read.
    pub fn skip_padding(&mut self) -> Result<()> {
        let n = std::mem::take(&mut self.padding);
        self.discard(n)
    }

    /// The next entry; data of the previous one that nobody read is dropped. After an error
    /// there are no more entries.
    pub fn next_entry(&mut self) -> Result<Option<TarEntry>> {
        if !self.end {
            let next = self.next_in_archive();
            if !matches!(next, Ok(Some(_))) {
                self.end = true;
            }
            match next {
                Ok(None) => {}
                Err(e) => {
                    self.symlinks.clear();
                    return Err(e);
                }
                some => return some,
            }
        }
        Ok(self.symlinks.pop_front())
    }

    fn next_in_archive(&mut self) -> Result<Option<TarEntry>> {
        self.skip_data()?;
        self.skip_padding()?;
        let (mut long_name, mut long_link) = (None, None);
        while let Some(block) = self.block()? {
            let header = Header(&block);
            let mut entry = match header.decode() {
                Ok(entry) => entry,
                Err(_) if header.name().is_empty() => {
                    self.orderly &= block == [0; BLOCK];
                    return Ok(None);
                }
                Err(e) => return Err(e),
            };
            self.orderly &= number(&block[100..108]).is_ok();
            let kind = type_of(block[156]);
            if !matches!(kind, Type::LongName | Type::LongLink) {
                entry.name = long_name.take().unwrap_or(entry.name);
                entry.linkname = long_link.take().unwrap_or(entry.linkname);
            }
            if entry.name.is_empty() {
                return Err(err!("invalid tar header with empty name field"));
            }
            match kind {
                Type::LongLink => long_link = Some(self.long_name(entry.size)?),
                Type::LongName => long_name = Some(self.long_name(entry.size)?),
                Type::Refused(template) => {
                    return Err(Error::new(msg!(template, block[156])));
                }
                Type::Entry(kind) => {
                    entry.kind = kind;
                    self.orderly &= kind == Kind::File || entry.size == 0;
                    if kind == Kind::File && !self.bare {
                        self.data = entry.size;
                        self.padding = entry.size.wrapping_neg() % BLOCK as u64;
                    }
                    if matches!(kind, Kind::File | Kind::Directory) && entry.name.ends_with(b"/") {
                        entry.name.pop();
                        entry.slash = kind == Kind::File;
                    }
                    if kind == Kind::Symlink && !self.in_order {
                        self.symlinks.push_back(entry);
                    } else {
                        return Ok(Some(entry));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The text of a GNU long name or link; the archive may end in the middle, as dpkg has it.
    fn long_name(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > LONG_NAME_MAX {
            return Err(err!("invalid tar header size field"));
        }
        let mut text = Vec::new();
        let mut left = size as usize;
        while left > 0 {
            let Some(block) = self.block()? else { break };
            let n = left.min(BLOCK);
            text.extend_from_slice(&block[..n]);
            left -= n;
        }
        text.truncate(until_nul(&text).len());
        Ok(text)
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.data)
            .unwrap_or(usize::MAX)
            .min(out.len());
        if want == 0 {
            return Ok(0);
        }
        let short = || hide_error(err!("unexpected end of file or stream"));
        let out = &mut out[..want];
        let n = if self.pos == self.len && want >= BUF_SIZE {
            self.src.read(out)?
        } else {
            self.fill().map_err(hide_error)?;
            let from = self.buf.get(self.pos..self.len).unwrap_or_default();
            let n = from.len().min(want);
            out[..n].copy_from_slice(&from[..n]);
            self.pos += n;
            n
        };
        if n == 0 {
            return Err(short());
        }
        self.data -= n as u64;
        Ok(n)
    }
}

struct Header<'a>(&'a [u8; BLOCK]);

impl Header<'_> {
    /// The name: prefix and name field of POSIX headers, or the name field alone.
    fn name(&self) -> Vec<u8> {
        let block = self.0;
        let name = until_nul(&block[..100]);
        let prefix = until_nul(&block[345..500]);
        if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
            [prefix, b"/", name].concat()
        } else {
            name.to_vec()
        }
    }

    fn decode(&self) -> Result<TarEntry> {
        let block = self.0;
        let parse = |number: std::result::Result<u64, i32>, template: &'static str| {
            number
                .map_err(io::Error::from_raw_os_error)
                .or_put(|| msg!(template))
        };
        let device = matches!(block[156], b'3' | b'4');
        // A fault in the mode or device fields goes unnoticed in dpkg: what is no number is 0, and a
        // mode that is too large has all bits set.
        let lenient = |field: &[u8]| number(field).unwrap_or(0);
        let mode = match lenient(&block[100..108]) {
            mode if mode > u64::from(u32::MAX) => 0o7777,
            mode => (mode & 0o7777) as u32,
        };
        let entry = TarEntry {
            name: self.name(),
            linkname: until_nul(&block[157..257]).to_vec(),
            kind: Kind::File,
            mode,
            size: parse(
                unsigned(&block[124..136], i64::MAX as u64),
                "invalid tar header size field",
            )?,
            // As in C: 64 bits, reinterpreted.
            mtime: parse(number(&block[136..148]), "invalid tar header mtime field")? as i64,
            major: if device { lenient(&block[329..337]) } else { 0 },
            minor: if device { lenient(&block[337..345]) } else { 0 },
            uname: OwnerName::new(&block[265..297]),
            uid: parse(
                unsigned(&block[108..116], u64::from(u32::MAX)),
                "invalid tar header uid field",
            )? as u32,
            gname: OwnerName::new(&block[297..329]),
            gid: parse(
                unsigned(&block[116..124], u64::from(u32::MAX)),
                "invalid tar header gid field",
            )? as u32,
            slash: false,
        };
        let stored = parse(octal(&block[148..156]), "invalid tar header checksum field")?;
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(i, &b)| u64::from(if (148..156).contains(&i) { b' ' } else { b }))
            .sum();
        if stored != sum {
            return Err(err!("invalid tar header checksum"));
        }
        Ok(entry)
    }
}

/// An octal number: blanks, digits, then only blanks and NULs. The error is an `errno`.
fn octal(field: &[u8]) -> std::result::Result<u64, i32> {
    let blanks = field.iter().take_while(|&&c| c == b' ').count();
    let text = field.get(blanks..).unwrap_or_default();
    if text.is_empty() {
        return Err(libc::EINVAL);
    }
    let mut n = 0u64;
    let mut rest = text.iter();
    for &c in rest.by_ref() {
        match c {
            0 | b' ' => break,
            b'0'..=b'7' => n = n.wrapping_mul(8).wrapping_add(u64::from(c - b'0')),
            _ => return Err(libc::ERANGE),
        }
    }
    if rest.any(|&c| c != 0 && c != b' ') {
        return Err(libc::EINVAL);
    }
    Ok(n)
}

/// GNU's base-256 two's complement, told by a first byte of 0x80 or 0xff, as 64 bits.
fn base256(field: &[u8]) -> Option<std::result::Result<u64, i32>> {
    let sign = match field.first()? {
        0x80 => 0u8,
        0xff => 0xff,
        _ => return None,
    };
    let digits = std::iter::once(sign).chain(field.iter().skip(1).copied());
    let high = field.len().saturating_sub(8);
    let mut n = if sign == 0 { 0 } else { u64::MAX };
    for (i, c) in digits.enumerate() {
        if i < high && c != sign || i == high && c & 0x80 != sign & 0x80 {
            return Some(Err(libc::ERANGE));
        }
        n = n << 8 | u64::from(c);
    }
    Some(Ok(n))
}

fn number(field: &[u8]) -> std::result::Result<u64, i32> {
    base256(field).unwrap_or_else(|| octal(field))
}

fn unsigned(field: &[u8], max: u64) -> std::result::Result<u64, i32> {
    let n = number(field)?;
    if n > max {
        return Err(libc::ERANGE);
    }
    Ok(n)
}

#[cfg(test)]
mod tests;
