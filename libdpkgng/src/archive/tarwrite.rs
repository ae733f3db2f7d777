//! Writing tar archives: the bytes GNU tar writes for dpkg-deb.
//!
//! That is `tar -cf - --format=gnu --mtime @N --clamp-mtime [--mode …] [--owner root:0 --group
//! root:0] --no-recursion`: GNU headers, long names and links in `././@LongLink` members, numbers
//! too large for octal in base 256, a file met before (same device and inode) as a hard link,
//! records of 10,240 bytes. What tar warns of, it warns of here, in its words.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{Read as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{read_full, take_error};
use crate::error::Result;
use crate::msg::Msg;
use crate::report::{Event, Reporter};
use crate::{msg, msgn};

const BLOCK: usize = 512;
const RECORD: u64 = 10_240;
/// tar(1)'s text domain: what it would complain of is said in its words.
const TAR: &str = "tar";

/// That a call failed for a file.
fn cannot(call: &str, name: &[u8], e: std::io::Error) -> Msg {
    msg!("%s: %s", msg!("%s: Cannot %s", name, call).of(TAR), e)
}

/// What to change while packing.
#[derive(Clone, Copy, Debug)]
pub struct PackOptions {
    /// Later modification times become this one (seconds since the epoch).
    pub timestamp: i64,
    /// Modes as `chmod u+rw,go=rX` makes them (the control member).
    pub control_modes: bool,
    /// Everything belongs to root.
    pub root_owner_group: bool,
}

/// Packs files into a tar stream.
#[must_use]
pub struct TarWriter<W> {
    dst: W,
    written: u64,
    options: PackOptions,
    seen: HashMap<(u64, u64), Vec<u8>>,
    users: HashMap<u32, Vec<u8>>,
    groups: HashMap<u32, Vec<u8>>,
    /// 0, 1 (something changed meanwhile) or 2 (something could not be read), as tar exits.
    exit_status: i32,
}

impl<W: Write> TarWriter<W> {
    /// Write to `dst`.
    pub fn new(dst: W, options: PackOptions) -> TarWriter<W> {
        TarWriter {
            dst,
            written: 0,
            options,
            seen: HashMap::new(),
            users: HashMap::new(),
            groups: HashMap::new(),
            exit_status: 0,
        }
    }

    /// Complete the archive. Returns the destination and tar's exit status.
    pub fn finish(mut self) -> Result<(W, i32)> {
        self.put(&[0; 2 * BLOCK])?;
        let over = self.written % RECORD;
        if over > 0 {
            self.put_zeros(RECORD - over)?;
        }
        Ok((self.dst, self.exit_status))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.dst
            .write_all(bytes)
            .map_err(|e| take_error(e, || msg!("failed to write")))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn put_zeros(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            let n = count.min(BLOCK as u64);
            self.put([0; BLOCK].get(..n as usize).unwrap_or_default())?;
            count -= n;
        }
        Ok(())
    }

    fn complain(&mut self, status: i32, report: &mut dyn Reporter, text: Msg) {
        self.exit_status = self.exit_status.max(status);
        report.event(&Event::Stderr(msg!("%s: %s\n", "tar", text)));
    }

    /// Add the file at `path` (`lstat` decides what it is) under `name`, e.g. `./usr`.
    pub fn append(&mut self, path: &Path, name: &[u8], report: &mut dyn Reporter) -> Result<()> {
        let shown = shown_name(name);
        let stat = match std::fs::symlink_metadata(path) {
            Ok(stat) => stat,
            Err(e) => {
                self.complain(2, report, cannot("stat", &shown, e));
                return Ok(());
            }
        };
        let kind = stat.file_type();
        if kind.is_dir() {
            let mut name = name.to_vec();
            if !name.ends_with(b"/") {
                name.push(b'/');
            }
            return self.put_entry(&stat, &name, b'5', None, 0);
        }
        let id = (stat.dev(), stat.ino());
        if let Some(first) = self.seen.get(&id) {
            let first = first.clone();
            return self.put_entry(&stat, name, b'1', Some(&first), 0);
        }
        if kind.is_file() {
            if !self.append_file(path, &stat, name, report)? {
                return Ok(());
            }
        } else if kind.is_symlink() {
            match std::fs::read_link(path) {
                Ok(target) => {
                    let target = target.as_os_str().as_bytes();
                    self.put_entry(&stat, name, b'2', Some(target), 0)?;
                }
                Err(e) => {
                    self.complain(2, report, cannot("readlink", &shown, e));
                    return Ok(());
                }
            }
        } else if kind.is_socket() {
            self.complain(0, report, msg!("%s: socket ignored", &shown).of(TAR));
            return Ok(());
        } else {
            let flag = if kind.is_char_device() {
                b'3'
            } else if kind.is_block_device() {
                b'4'
            } else {
                b'6'
            };
            // GNU tar never writes these as links to each other.
            return self.put_entry(&stat, name, flag, None, 0);
        }
        self.seen.insert(id, name.to_vec());
        Ok(())
    }

    /// Add a regular file; false when it could not be opened.
    fn append_file(
        &mut self,
        path: &Path,
        stat: &Metadata,
        name: &[u8],
        report: &mut dyn Reporter,
    ) -> Result<bool> {
        let shown = shown_name(name);
        let opened = File::options()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK)
            .open(path);
        let mut file = match opened {
            Ok(file) => file,
            Err(e) => {
                self.complain(2, report, cannot("open", &shown, e));
                return Ok(false);
            }
        };
        let size = stat.size();
        self.put_entry(stat, name, b'0', None, size)?;
        let mut left = size;
        let mut buf = vec![0; 64 * 1024];
        while left > 0 {
            let want = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let got = read_full(&mut (&mut file).take(left), &mut buf[..want]);
            match got {
                Ok(n) if n == want => {}
                Ok(n) => {
                    self.put(&buf[..n])?;
                    left -= n as u64;
                    let text = msgn!(
                        left,
                        "%s: File shrank by %s byte; padding with zeros",
                        "%s: File shrank by %s bytes; padding with zeros",
                        &shown,
                        left.to_string()
                    );
                    self.complain(1, report, text.of(TAR));
                    self.put_zeros(left)?;
                    break;
                }
                Err(e) => {
                    let at = size - left;
                    let text = msgn!(
                        want,
                        "%s: Read error at byte %jd, while reading %zu byte",
                        "%s: Read error at byte %jd, while reading %zu bytes",
                        &shown,
                        at,
                        want
                    );
                    self.complain(2, report, msg!("%s: %s", text.of(TAR), e));
                    self.put_zeros(left)?;
                    break;
                }
            }
            self.put(&buf[..want])?;
            left -= want as u64;
        }
        self.put_zeros(size.wrapping_neg() % BLOCK as u64)?;
        if let Ok(now) = file.metadata() {
            let changed = |m: &Metadata| (m.ctime(), m.ctime_nsec());
            if changed(&now) != changed(stat) || now.size() > size {
                self.complain(
                    1,
                    report,
                    msg!("%s: file changed as we read it", &shown).of(TAR),
                );
            }
        }
        Ok(true)
    }

    /// The header of an entry, and before it what does not fit in.
    fn put_entry(
        &mut self,
        stat: &Metadata,
        name: &[u8],
        flag: u8,
        link: Option<&[u8]>,
        size: u64,
    ) -> Result<()> {
        if let Some(link) = link.filter(|l| l.len() > 100) {
            self.put_long(b'K', link)?;
        }
        if name.len() > 100 {
            self.put_long(b'L', name)?;
        }
        let mut mode = stat.mode() & 0o7777;
        if self.options.control_modes {
            mode = control_mode(mode, flag == b'5');
        }
        let mut header = Header([0; BLOCK]);
        header.text(0, 100, name);
        header.number(100, 8, i64::from(mode));
        let (uid, gid) = if self.options.root_owner_group {
            (0, 0)
        } else {
            (stat.uid(), stat.gid())
        };
        header.number(108, 8, i64::from(uid));
        header.number(116, 8, i64::from(gid));
        header.number(124, 12, i64::try_from(size).unwrap_or(i64::MAX));
        header.number(136, 12, stat.mtime().min(self.options.timestamp));
        header.0[156] = flag;
        header.text(157, 100, link.unwrap_or_default());
        header.text(257, 8, b"ustar  \0");
        if self.options.root_owner_group {
            header.text(265, 31, b"root");
            header.text(297, 31, b"root");
        } else {
            header.text(265, 31, self.user(uid));
            header.text(297, 31, self.group(gid));
        }
        if matches!(flag, b'3' | b'4') {
            let rdev = stat.rdev();
            header.number(329, 8, nix::sys::stat::major(rdev) as i64);
            header.number(337, 8, nix::sys::stat::minor(rdev) as i64);
        }
        let block = header.finish();
        self.put(&block)
    }

    /// A GNU member that carries a name or link longer than its field.
    fn put_long(&mut self, flag: u8, text: &[u8]) -> Result<()> {
        let mut header = Header([0; BLOCK]);
        header.text(0, 100, b"././@LongLink");
        header.number(100, 8, 0o644);
        header.number(108, 8, 0);
        header.number(116, 8, 0);
        header.number(124, 12, text.len() as i64 + 1);
        header.number(136, 12, 0);
        header.0[156] = flag;
        header.text(257, 8, b"ustar  \0");
        header.text(265, 31, self.user(0));
        header.text(297, 31, self.group(0));
        let block = header.finish();
        self.put(&block)?;
        self.put(text)?;
        let filled = (text.len() as u64 + 1).next_multiple_of(BLOCK as u64);
        self.put_zeros(filled - text.len() as u64)
    }

    fn user(&mut self, uid: u32) -> &[u8] {
        self.users.entry(uid).or_insert_with(|| {
            let user = nix::unistd::User::from_uid(uid.into()).ok().flatten();
            user.map(|u| u.name.into_bytes()).unwrap_or_default()
        })
    }

    fn group(&mut self, gid: u32) -> &[u8] {
        self.groups.entry(gid).or_insert_with(|| {
            let group = nix::unistd::Group::from_gid(gid.into()).ok().flatten();
            group.map(|g| g.name.into_bytes()).unwrap_or_default()
        })
    }
}

/// `chmod u+rw,go=rX`: a directory keeps its set-id bits, a file only set-user-id.
fn control_mode(mode: u32, is_dir: bool) -> u32 {
    let mode = mode | 0o600;
    let exec = if is_dir || mode & 0o111 != 0 {
        0o011
    } else {
        0
    };
    let kept = mode & if is_dir { 0o6700 } else { 0o4700 };
    kept | 0o044 | exec
}

struct Header([u8; BLOCK]);

impl Header {
    fn text(&mut self, at: usize, len: usize, text: &[u8]) {
        let field = self.0.get_mut(at..at + len).unwrap_or_default();
        for (to, from) in field.iter_mut().zip(text) {
            *to = *from;
        }
    }

    /// Octal digits and a NUL where they suffice, else base 256 with a marker in front.
    fn number(&mut self, at: usize, len: usize, value: i64) {
        let field = self.0.get_mut(at..at + len).unwrap_or_default();
        let digits = len - 1;
        if value >= 0 && (value as u64) >> (3 * digits) == 0 {
            let text = format!("{value:0digits$o}");
            for (to, from) in field.iter_mut().zip(text.bytes()) {
                *to = from;
            }
        } else {
            let mut rest = value;
            for byte in field.iter_mut().rev() {
                *byte = rest as u8;
                rest >>= 8;
            }
            if let Some(first) = field.first_mut() {
                *first = if value < 0 { 0xff } else { 0x80 };
            }
        }
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.text(148, 8, b"        ");
        let sum: u32 = self.0.iter().map(|&b| u32::from(b)).sum();
        self.text(148, 7, format!("{sum:06o}\0").as_bytes());
        self.0
    }
}

/// A name as tar shows it in messages: C escapes for what does not print.
fn shown_name(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let octal = |out: &mut Vec<u8>, bytes: &[u8]| {
        for c in bytes {
            out.extend_from_slice(format!("\\{c:03o}").as_bytes());
        }
    };
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let escaped = match c {
                '\\' => b'\\',
                ':' => b':',
                '\n' => b'n',
                '\t' => b't',
                '\r' => b'r',
                '\x07' => b'a',
                '\x08' => b'b',
                '\x0b' => b'v',
                '\x0c' => b'f',
                _ => {
                    let bytes = &mut [0; 4];
                    let bytes = c.encode_utf8(bytes).as_bytes();
                    if c.is_control() {
                        octal(&mut out, bytes);
                    } else {
                        out.extend_from_slice(bytes);
                    }
                    continue;
                }
            };
            out.extend_from_slice(&[b'\\', escaped]);
        }
        octal(&mut out, chunk.invalid());
    }
    out
}

/// The name of a file below `dir`, for [`TarWriter::append`].
pub(super) fn path_below(dir: &Path, name: &[u8]) -> std::path::PathBuf {
    dir.join(OsStr::from_bytes(name.strip_prefix(b"./").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_of_control_files() {
        // chmod u+rw,go=rX of coreutils on files and directories of these modes.
        for (mode, is_dir, want) in [
            (0o755, false, 0o755),
            (0o600, false, 0o644),
            (0o100, false, 0o755),
            (0o4755, false, 0o4755),
            (0o2755, false, 0o755),
            (0o2755, true, 0o2755),
            (0o1777, true, 0o755),
            (0o555, true, 0o755),
        ] {
            assert_eq!(control_mode(mode, is_dir), want, "{mode:o} {is_dir}");
        }
    }

    #[test]
    fn numbers_too_large_for_octal() {
        let field = |len, value| {
            let mut header = Header([0; BLOCK]);
            header.number(0, len, value);
            header.0[..len].to_vec()
        };
        assert_eq!(field(8, 0o7777777), b"7777777\0");
        assert_eq!(field(8, 0o10000000), b"\x80\0\0\0\0\x20\0\0");
        assert_eq!(field(12, -1), [0xff; 12]);
        assert_eq!(field(12, 1 << 33), b"\x80\0\0\0\0\0\0\x02\0\0\0\0");
    }
}
