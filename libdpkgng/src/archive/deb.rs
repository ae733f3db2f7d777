//! Reading `.deb` files: deb(5) version 2.x, and the old format of deb-old(5).
//!
//! [`DebFile::member`] walks the archive up to the wanted member with dpkg's verdicts (what comes
//! behind the data member is never looked at); [`DebMember::stream`] then decompresses it. A
//! regular file can be asked for both members, in any order and at the same time; a pipe only
//! once, as it has no way back.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::ar::{HEADER_LEN, Header, MAGIC};
use super::compress::{Compressor, Decoder, Params};
use super::read_full;
use crate::error::{Error, OrFail as _, Result};
use crate::msg::Msg;
use crate::report::Reporter;
use crate::sys::inherited;
use crate::{bail, err, msg};

/// Name of the control member, without compressor extension.
pub const CONTROL_MEMBER: &str = "control.tar";
/// Name of the data member, without compressor extension.
pub const DATA_MEMBER: &str = "data.tar";
/// Name of the member that says the format version.
pub const MAGIC_MEMBER: &str = "debian-binary";
/// Lengths a pipe holds before its writer blocks; see [`Paste`].
pub const PIPE_SIZE: u64 = 64 * 1024;
/// Length of one read and write of the process that feeds dpkg-deb's decompressor.
const PIECE: u64 = 32 * 1024;

/// A format version, `X.Y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebVersion {
    /// 2 for today's format, 0 for the old one.
    pub major: i32,
    /// E.g. 0, or 939000.
    pub minor: i32,
}

impl DebVersion {
    /// Today's format, 2.0.
    pub const CURRENT: DebVersion = DebVersion { major: 2, minor: 0 };
    /// The old format that can still be written, 0.939000.
    pub const OLD: DebVersion = DebVersion {
        major: 0,
        minor: 939_000,
    };

    /// The directory that archives before 0.939 have around their control files.
    pub fn inner_control_dir(self) -> Option<&'static str> {
        let mut minor = self.minor;
        while minor != 0 && minor % 10 == 0 {
            minor /= 10;
        }
        match (self.major, minor) {
            (0, 931) => Some(".DEBIAN"),
            (0, 932 | 933) => Some("DEBIAN"),
            _ => None,
        }
    }

    /// Parse `X.Y`, ended by a newline, a NUL or the end (`deb_version_parse`).
    pub fn parse(text: &[u8]) -> std::result::Result<DebVersion, Msg> {
        let number = |text: &[u8]| -> std::result::Result<(i32, usize), ()> {
            let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
            let mut n = 0i32;
            for c in text.iter().take(digits) {
                n = n
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(i32::from(c - b'0')))
                    .ok_or(())?;
            }
            Ok((n, digits))
        };
        let (major, len) =
            number(text).map_err(|()| msg!("format version with too big major component"))?;
        if len == 0 {
            return Err(msg!("format version with empty major component"));
        }
        let Some(rest) = text.get(len..).and_then(|t| t.strip_prefix(b".")) else {
            return Err(msg!("format version has no dot"));
        };
        let (minor, len) =
            number(rest).map_err(|()| msg!("format version with too big minor component"))?;
        if len == 0 {
            return Err(msg!("format version with empty minor component"));
        }
        match rest.get(len) {
            None | Some(b'\n' | 0) => Ok(DebVersion { major, minor }),
            Some(_) => Err(msg!("format version followed by junk")),
        }
    }
}

/// One of the two tar archives of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The control files.
    Control,
    /// The file system.
    Data,
}

impl Part {
    /// The member's name without compressor extension.
    pub fn member_name(self) -> &'static str {
        match self {
            Part::Control => CONTROL_MEMBER,
            Part::Data => DATA_MEMBER,
        }
    }
}

/// An opened package file. Clones share what was opened.
#[derive(Clone)]
pub struct DebFile {
    name: Vec<u8>,
    file: Arc<File>,
    size: u64,
    /// Where the archive starts; `None` when the file cannot seek.
    start: Option<u64>,
    /// zlib names its input's descriptor in messages; dpkg-deb reads from a pipe whose
    /// descriptor is the next free one.
    gzip_fd: i32,
}

impl DebFile {
    /// Open `path`; `-` is standard input.
    pub fn open(path: &Path) -> Result<DebFile> {
        let fail = || msg!("failed to read archive '%.255s'", path);
        if path == Path::new("-") {
            let stdin = inherited::stdin().or_fail(|| msg!("failed to fstat archive"))?;
            return DebFile::from_file(path, stdin, 3);
        }
        let file = File::open(path).or_fail(fail)?;
        let next_fd = file.as_raw_fd().saturating_add(1);
        DebFile::from_file(path, file, next_fd)
    }

    fn from_file(path: &Path, mut file: File, gzip_fd: i32) -> Result<DebFile> {
        let stat = file
            .metadata()
            .or_fail(|| msg!("failed to fstat archive"))?;
        let start = file.stream_position().ok();
        Ok(DebFile {
            name: std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()).to_vec(),
            file: Arc::new(file),
            size: stat.len(),
            start,
            gzip_fd,
        })
    }

    /// The name it was opened by.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file itself; reading does not move its position, unless it is a pipe.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Find a member. dpkg complains about what it meets on the way there, not behind it.
    pub fn member(&self, part: Part, report: &mut dyn Reporter) -> Result<DebMember> {
        let mut src = Source {
            file: Arc::clone(&self.file),
            pos: self.start,
        };
        let mut line = [0; 39];
        let what = || msg!("archive magic version number");
        let line =
            read_line(&mut src, &mut line, MAGIC.len()).or_else(|e| self.read_fail(e, what()))?;
        if line == MAGIC {
            self.member_new(src, part)
        } else if line.starts_with(b"0.93") {
            let line = line.to_vec();
            self.member_old(src, part, &line)
        } else {
            if line.starts_with(b"!<arch>") {
                report.notice(msg!(
                    "file looks like it might be an archive which has been\n corrupted by being downloaded in ASCII mode"
                ));
            }
            bail!("'%.255s' is not a Debian format archive", &self.name)
        }
    }

    /// A read that failed or came to the end too early.
    fn read_fail<T>(&self, problem: Option<io::Error>, what: Msg) -> Result<T> {
        match problem {
            None => bail!("unexpected end of file in %s in %.255s", what, &self.name),
            Some(e) => Err(Error::os(
                msg!("error reading %s from file %.255s", what, &self.name),
                e,
            )),
        }
    }

    fn skip(&self, src: &mut Source, count: i64, template: &'static str) -> Result<()> {
        src.skip(count)
            .map_err(|problem| Error::new(msg!(template, &self.name, problem)))
    }

    fn member_new(&self, mut src: Source, part: Part) -> Result<DebMember> {
        let mut version = None;
        let mut control: Option<u64> = None;
        loop {
            let mut raw = [0; HEADER_LEN];
            let header = match read_full(&mut src, &mut raw) {
                Ok(HEADER_LEN) => Header::parse(&self.name, &raw)?,
                Ok(_) => return self.read_fail(None, msg!("archive member header")),
                Err(e) => return self.read_fail(Some(e), msg!("archive member header")),
            };
            let name = header.name.as_slice();
            if version.is_none() {
                if name != MAGIC_MEMBER.as_bytes() {
                    bail!(
                        "file '%.250s' is not a Debian binary archive (try dpkg-split?)",
                        &self.name
                    );
                }
                version = Some(self.read_version(&mut src, &header)?);
                continue;
            }
            let skip = |src: &mut Source| {
                let count = header.padded_size() as i64;
                self.skip(src, count, "cannot skip archive member from '%s': %s")
            };
            if name.first() == Some(&b'_') {
                skip(&mut src)?;
                continue;
            }
            // The extension of a name that fills its field runs into the next field.
            let extension = |prefix: &str| {
                let rest = name.strip_prefix(prefix.as_bytes())?;
                Some(match header.name_unterminated {
                    true => None,
                    false => Compressor::from_extension(rest),
                })
            };
            let unknown = || {
                err!(
                    "archive '%s' uses unknown compression for member '%.*s', giving up",
                    &self.name,
                    16,
                    name
                )
            };
            let premature = |before: &str| {
                err!(
                    "archive '%s' has premature member '%.*s' before '%s', giving up",
                    &self.name,
                    16,
                    name,
                    before
                )
            };
            let found = if let Some(compressor) = extension(CONTROL_MEMBER) {
                let compressor = compressor.filter(|c| c.for_control()).ok_or_else(unknown)?;
                if control.is_some_and(|len| len != 0) {
                    bail!(
                        "archive '%.250s' contains two control members, giving up",
                        &self.name
                    );
                }
                control = Some(header.size);
                (Part::Control, compressor)
            } else if control.is_none() {
                return Err(premature(CONTROL_MEMBER));
            } else if let Some(compressor) = extension(DATA_MEMBER) {
                (Part::Data, compressor.ok_or_else(unknown)?)
            } else {
                return Err(premature(DATA_MEMBER));
            };
            if found.0 != part {
                skip(&mut src)?;
                continue;
            }
            return Ok(DebMember {
                name: self.name.clone(),
                size: self.size,
                version: version.unwrap_or(DebVersion::CURRENT),
                control_size: control.unwrap_or(0) as i64,
                main_size: None,
                compressor: found.1,
                part,
                bytes: MemberBytes {
                    src,
                    left: Some(header.size),
                    problem: None,
                },
                gzip_fd: self.gzip_fd,
            });
        }
    }

    fn read_version(&self, src: &mut Source, header: &Header) -> Result<DebVersion> {
        // Only the first line counts; the rest is read over in pieces.
        let mut kept = Vec::new();
        let mut left = header.padded_size();
        let mut piece = [0; 512];
        while left > 0 {
            let want = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let what = || msg!("archive information header member");
            match read_full(src, &mut piece[..want]) {
                Ok(n) if n == want => {}
                Ok(_) => return self.read_fail(None, what()),
                Err(e) => return self.read_fail(Some(e), what()),
            }
            if kept.len() < 4096 {
                kept.extend_from_slice(&piece[..want]);
            }
            left -= want as u64;
        }
        kept.truncate(usize::try_from(header.size).unwrap_or(usize::MAX));
        check_version(&kept, 2)
    }

    fn member_old(&self, mut src: Source, part: Part, first: &[u8]) -> Result<DebMember> {
        let version = check_version(first, 0)?;
        let mut buf = [0; 39];
        let line = read_line(&mut src, &mut buf, 1)
            .or_else(|e| self.read_fail(e, msg!("archive control member size")))?;
        let control_size = parse_size_line(line)
            .ok_or_else(|| err!("archive has malformed control member size '%s'", line))?;
        let main_size = (self.size as i64)
            .wrapping_sub(control_size)
            .wrapping_sub(line.len() as i64)
            .wrapping_sub(first.len() as i64);
        let left = match part {
            Part::Control => control_size,
            Part::Data => {
                self.skip(
                    &mut src,
                    control_size,
                    "cannot skip archive control member from '%s': %s",
                )?;
                main_size
            }
        };
        Ok(DebMember {
            name: self.name.clone(),
            size: self.size,
            version,
            control_size,
            main_size: Some(main_size),
            compressor: Compressor::Gzip,
            part,
            bytes: MemberBytes {
                src,
                // A pipe has no size, so that this is negative: everything that comes.
                left: u64::try_from(left).ok(),
                problem: None,
            },
            gzip_fd: self.gzip_fd,
        })
    }
}

fn check_version(text: &[u8], wanted_major: i32) -> Result<DebVersion> {
    let text = match memchr::memchr(0, text) {
        Some(end) => text.get(..end).unwrap_or(text),
        None => text,
    };
    if !text.contains(&b'\n') {
        bail!("archive has no newlines in header");
    }
    let version = DebVersion::parse(text)
        .map_err(|problem| err!("archive has invalid format version: %s", problem))?;
    if wanted_major == 2 && version.major != 2 {
        bail!(
            "archive is format version %d.%d; get a newer dpkg-deb",
            version.major,
            version.minor
        );
    }
    Ok(version)
}

/// `sscanf("%jd%c%d")` giving 2 with a newline behind the number.
fn parse_size_line(line: &[u8]) -> Option<i64> {
    let text = line.strip_suffix(b"\n")?.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n = digits.iter().fold(0i64, |n, c| {
        n.saturating_mul(10).saturating_add(i64::from(c - b'0'))
    });
    Some(if negative { -n } else { n })
}

/// Read at least `min` bytes and on to a newline, as dpkg does; the line ends behind its first
/// newline or at a NUL. The error is `None` at the end of the file.
fn read_line<'a>(
    src: &mut Source,
    buf: &'a mut [u8; 39],
    min: usize,
) -> std::result::Result<&'a [u8], Option<io::Error>> {
    let mut len = 0;
    let mut want = min;
    while len < buf.len() {
        let piece = buf.get_mut(len..(len + want).min(39)).unwrap_or_default();
        let n = read_full(src, piece).map_err(Some)?;
        if n == 0 {
            return Err(None);
        }
        let newline = memchr::memchr(b'\n', piece);
        if let Some(at) = newline {
            len += at + 1;
            break;
        }
        len += n;
        want = 1;
    }
    let line = buf.get(..len).unwrap_or_default();
    Ok(match memchr::memchr(0, line) {
        Some(end) => &line[..end],
        None => line,
    })
}

/// The file at a position of its own, or the pipe.
struct Source {
    file: Arc<File>,
    pos: Option<u64>,
}

impl Source {
    /// Go on by `count` bytes: by seeking where possible, and then beyond the end too.
    fn skip(&mut self, count: i64) -> std::result::Result<(), Msg> {
        if let Some(pos) = &mut self.pos {
            *pos = pos.checked_add_signed(count).ok_or_else(|| {
                msg!(
                    "%s (%s)",
                    msg!("failed to seek"),
                    crate::msg::Arg::Errno(libc::EINVAL)
                )
            })?;
            return Ok(());
        }
        let mut bytes = MemberBytes {
            src: Source {
                file: Arc::clone(&self.file),
                pos: None,
            },
            left: u64::try_from(count).ok(),
            problem: None,
        };
        let _ = io::copy(&mut bytes, &mut io::sink());
        match bytes.problem {
            None => Ok(()),
            Some(problem) => Err(problem),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.pos {
            None => (&*self.file).read(buf),
            Some(pos) => {
                let n = self.file.read_at(buf, *pos)?;
                *pos += n as u64;
                Ok(n)
            }
        }
    }
}

/// The bytes of a member, still compressed. Ends early without an error when the file does;
/// [`DebStream::finish`] tells.
pub struct MemberBytes {
    src: Source,
    left: Option<u64>,
    problem: Option<Msg>,
}

impl Read for MemberBytes {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let want = match self.left {
            Some(left) => buf.len().min(usize::try_from(left).unwrap_or(usize::MAX)),
            None => buf.len(),
        };
        if want == 0 || self.problem.is_some() {
            return Ok(0);
        }
        let piece = buf.get_mut(..want).unwrap_or_default();
        match self.src.read(piece) {
            Ok(0) if self.left.is_some() => {
                self.problem = Some(msg!("unexpected end of file or stream"));
                Ok(0)
            }
            Ok(n) => {
                self.left = self.left.map(|left| left - n as u64);
                Ok(n)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Err(e),
            Err(e) => {
                self.problem = Some(msg!("%s (%s)", msg!("failed to read"), e));
                Ok(0)
            }
        }
    }
}

/// A member that was found: what is known about it, and its bytes to come.
pub struct DebMember {
    name: Vec<u8>,
    /// Size of the whole file in bytes (0 for a pipe).
    pub size: u64,
    /// The archive's format version.
    pub version: DebVersion,
    /// Size of the control member in bytes.
    pub control_size: i64,
    /// Size of the data member in bytes; known in the old format only.
    pub main_size: Option<i64>,
    /// How the member is compressed.
    pub compressor: Compressor,
    part: Part,
    bytes: MemberBytes,
    gzip_fd: i32,
}

impl DebMember {
    /// The tar stream inside, decompressed with at most `threads_max` threads (negative: one per
    /// processor).
    pub fn stream(self, threads_max: i32) -> Result<DebStream> {
        let params = Params {
            threads_max,
            ..Params::new(self.compressor)
        };
        let desc = msg!(
            "decompressing archive '%s' (size=%jd) member '%s'",
            &self.name,
            self.size,
            self.part.member_name()
        );
        Ok(DebStream {
            decoder: Decoder::new(&params, self.bytes, desc, self.gzip_fd)?,
            name: self.name,
            file_size: self.size,
            told: false,
        })
    }
}

/// How the process that feeds dpkg-deb's decompressor (*paste*) would have ended.
#[derive(Debug)]
pub enum Paste {
    /// It wrote the whole member.
    Complete,
    /// The file ends within the member, or could not be read.
    Failed(Error),
    /// The decompressor stopped reading and more than a pipe's worth was left.
    BrokenPipe,
}

/// A tar stream of a package, as a `Read`. `Send`, so that it can run ahead on another thread.
pub struct DebStream {
    decoder: Decoder<MemberBytes>,
    name: Vec<u8>,
    file_size: u64,
    told: bool,
}

impl DebStream {
    /// The feeding process runs ahead of the decompressor by what a pipe and a buffer hold:
    /// whether it has met the file's end within the member by now, and what it says then.
    /// Tells once.
    pub fn paste_failed_ahead(&mut self) -> Option<Error> {
        let bytes = self.decoder.get_mut();
        let problem = match (&bytes.problem, bytes.src.pos, bytes.left) {
            (Some(problem), _, _) => problem.clone(),
            (None, Some(pos), Some(left)) => {
                let there = self.file_size.saturating_sub(pos);
                if left <= there || there > PIPE_SIZE + PIECE {
                    return None;
                }
                msg!("unexpected end of file or stream")
            }
            _ => return None,
        };
        let told = std::mem::replace(&mut self.told, true);
        (!told).then(|| self.paste_error(problem))
    }

    fn paste_error(&self, problem: Msg) -> Error {
        err!(
            "cannot copy archive member from '%s' to decompressor pipe: %s",
            &self.name,
            problem
        )
    }

    /// How the member's bytes ended. Call it when the stream ended (well or not): a file cut off
    /// within a member that is not compressed shows here alone.
    pub fn paste(&mut self) -> Paste {
        let mut unread = 0;
        let bytes = self.decoder.get_mut();
        let mut piece = [0; 4096];
        while unread <= PIPE_SIZE {
            match bytes.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => unread += n as u64,
                Err(_) => {}
            }
        }
        match bytes.problem.take() {
            _ if unread > PIPE_SIZE => Paste::BrokenPipe,
            None => Paste::Complete,
            Some(problem) => Paste::Failed(self.paste_error(problem)),
        }
    }

    /// Compressed bytes of the member that were not read yet; nothing where it has no size.
    pub fn unread(&mut self) -> u64 {
        self.decoder.get_mut().left.unwrap_or(0)
    }

    /// dpkg's words for what of this stream could not be written.
    pub fn write_error(&self, e: io::Error) -> Error {
        self.decoder.write_error(e)
    }

    /// What follows a tar's end is read by nobody: it has to fit into a pipe, and the member has
    /// to be whole.
    pub fn finish(mut self) -> Result<()> {
        io::copy(&mut (&mut self).take(PIPE_SIZE), &mut io::sink())
            .map_err(|e| super::take_error(e, || msg!("failed to read")))?;
        match self.paste() {
            Paste::Complete => Ok(()),
            Paste::Failed(e) => Err(e),
            Paste::BrokenPipe => Err(Error::os(
                msg!("failed to write"),
                io::Error::from_raw_os_error(libc::EPIPE),
            )),
        }
    }
}

impl Read for DebStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buf)
    }
}

#[cfg(test)]
mod tests;
