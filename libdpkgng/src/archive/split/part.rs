//! Reading what a part says of itself.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::number::strtoimax;
use super::{MAGIC_MEMBER, MD5_LEN};
use crate::archive::ar::{self, HEADER_LEN};
use crate::archive::deb::DebVersion;
use crate::archive::read_full;
use crate::error::{Error, OrFail as _, Result};
use crate::msg::Msg;
use crate::sys::inherited;
use crate::{bail, err, msg, msgc};

/// What stands before the data of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// The file it was read from.
    pub(super) filename: Vec<u8>,
    pub(super) format: DebVersion,
    /// The package it is a part of.
    pub(super) package: Vec<u8>,
    pub(super) version: Vec<u8>,
    /// Parts made before dpkg 1.16.1 do not say.
    pub(super) arch: Option<Vec<u8>>,
    /// That of the whole package.
    pub(super) md5sum: Vec<u8>,
    /// Length of the whole package.
    pub(super) total: i64,
    /// Length of every part's data but the last one's.
    pub(super) part_len: i64,
    /// Which part this is, from 1.
    pub(super) number: i32,
    /// How many there are.
    pub(super) count: i32,
    /// Length of this part's data.
    pub(super) len: i64,
    /// Where they belong in the package.
    pub(super) offset: i64,
    /// Length of what stands before the data.
    pub(super) header_len: u64,
    /// Length of the file as far as it is used.
    pub(super) file_len: u64,
}

/// The lines of the first member.
struct Lines<'a> {
    rest: &'a [u8],
    filename: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self, what: &Msg) -> Result<&'a [u8]> {
        let Some(end) = memchr::memchr(b'\n', self.rest) else {
            bail!(
                "file '%.250s' is corrupt - missing newline after %.250s",
                self.filename,
                what
            );
        };
        let line = self.rest.get(..end).unwrap_or_default();
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Ok(trim_end(line))
    }

    fn number(&mut self, what: Msg) -> Result<i64> {
        let line = self.next(&what)?;
        number(line, self.filename, what)
    }
}

/// Without the blanks at its end, as isspace(3) knows them.
fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [head @ .., b' ' | b'\t'..=b'\r'] = line {
        line = head;
    }
    line
}

fn number(text: &[u8], filename: &[u8], what: Msg) -> Result<i64> {
    let (found, stop) = match strtoimax(text, 10) {
        Some(n) => (Some((n.value, n.overflow)), n.rest.first()),
        None => (None, text.first()),
    };
    match (found, stop) {
        (Some((value, overflow)), None) => {
            if value < 0 || overflow {
                bail!(
                    "file '%s' is corrupt; out of range integer in %s",
                    filename,
                    what
                );
            }
            Ok(value)
        }
        (_, stop) => bail!(
            "file '%.250s' is corrupt - bad digit (code %d) in %s",
            filename,
            char_code(stop.copied().unwrap_or(0)),
            what
        ),
    }
}

/// A `char` as an `int`.
fn char_code(c: u8) -> i32 {
    i32::from(c.cast_signed())
}

/// Open a part as an archive: `-` is standard input (`dpkg_ar_open`).
fn open(path: &Path) -> Result<File> {
    if path == Path::new("-") {
        return inherited::stdin().or_fail(|| msg!("failed to fstat archive"));
    }
    File::open(path).or_fail(|| msg!("failed to read archive '%.255s'", path))
}

impl PartInfo {
    /// Read the head of a part; `None` for a file that is none.
    ///
    /// # Errors
    /// The file cannot be read, or is a damaged part.
    pub fn read(path: &Path) -> Result<Option<PartInfo>> {
        let mut file = open(path)?;
        let stat = file
            .metadata()
            .or_fail(|| msg!("failed to fstat archive"))?;
        let size = stat.is_file().then_some(stat.len());
        read_info(&mut file, path.as_os_str().as_bytes(), size)
    }

    /// The same for a file that has to be a part. dpkg's message on one that is none ends with
    /// the text of `errno`, whatever that was last.
    ///
    /// # Errors
    /// As those of [`PartInfo::read`], or it is none.
    pub(super) fn demand(path: &Path, errno: i32) -> Result<PartInfo> {
        PartInfo::read(path)?.ok_or_else(|| {
            Error::os(
                msg!("file '%.250s' is not an archive part", path),
                io::Error::from_raw_os_error(errno),
            )
        })
    }

    /// The paragraph that `--info` prints.
    pub fn describe(&self) -> Msg {
        let arch = match &self.arch {
            Some(arch) => msg!("%s", arch),
            None => msgc!("architecture", "<unknown>"),
        };
        msg!(
            concat!(
                "%s:\n",
                "    Part format version:            %d.%d\n",
                "    Part of package:                %s\n",
                "        ... version:                %s\n",
                "        ... architecture:           %s\n",
                "        ... MD5 checksum:           %s\n",
                "        ... length:                 %jd bytes\n",
                "        ... split every:            %jd bytes\n",
                "    Part number:                    %d/%d\n",
                "    Part length:                    %jd bytes\n",
                "    Part offset:                    %jd bytes\n",
                "    Part file size (used portion):  %jd bytes\n\n",
            ),
            &self.filename,
            self.format.major,
            self.format.minor,
            &self.package,
            &self.version,
            arch,
            &self.md5sum,
            self.total,
            self.part_len,
            self.number,
            self.count,
            self.len,
            self.offset,
            self.file_len
        )
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        Path::new(std::ffi::OsStr::from_bytes(&self.filename))
    }

    /// Whether both are parts of the same file.
    pub(super) fn belongs_to(&self, other: &PartInfo) -> bool {
        self.package == other.package
            && self.version == other.version
            && self.md5sum == other.md5sum
            && self.total == other.total
            && self.count == other.count
            && self.part_len == other.part_len
    }
}

/// `read_info()`; `size` is that of a plain file.
fn read_info(src: &mut dyn Read, name: &[u8], size: Option<u64>) -> Result<Option<PartInfo>> {
    let mut magic = [0; ar::MAGIC.len()];
    let got = read_full(src, &mut magic).or_fail(|| msg!("error reading %.250s", name))?;
    if got < magic.len() || magic != *ar::MAGIC {
        return Ok(None);
    }
    let header = read_header(src, name, "ar header")?;
    if ar::member_name(&header) != MAGIC_MEMBER.as_bytes() {
        return Ok(None);
    }
    if !ar::is_legal(&header) {
        bail!(
            "file '%.250s' is corrupt - bad magic at end of first header",
            name
        );
    }
    let text_len = ar::member_size(name, &header)?;
    let text = read_text(src, name, text_len)?;

    let mut lines = Lines {
        rest: &text,
        filename: name,
    };
    let format = lines.next(&msg!("format version number"))?;
    let format = DebVersion::parse(format)
        .map_err(|why| err!("file '%.250s' has invalid format version: %s", name, why))?;
    if format.major != 2 {
        bail!(
            "file '%.250s' is format version %d.%d; get a newer dpkg-split",
            name,
            format.major,
            format.minor
        );
    }
    let package = lines.next(&msg!("package name"))?;
    let version = lines.next(&msg!("package version number"))?;
    let md5sum = lines.next(&msg!("package file MD5 checksum"))?;
    if md5sum.len() != MD5_LEN || !md5sum.iter().all(is_md5_digit) {
        bail!(
            "file '%.250s' is corrupt - bad MD5 checksum '%.250s'",
            name,
            md5sum
        );
    }
    let total = lines.number(msg!("archive total size"))?;
    let part_len = lines.number(msg!("archive part offset"))?;
    let numbers = lines.next(&msg!("archive part numbers"))?;
    let (number, count) = part_numbers(numbers, name)?;
    let arch = match lines.rest {
        [] => None,
        _ => Some(lines.next(&msg!("package architecture"))?.to_vec()),
    };

    let header = read_header(src, name, "reading data part member ar header")?;
    if !ar::is_legal(&header) {
        bail!(
            "file '%.250s' is corrupt - bad magic at end of second header",
            name
        );
    }
    if !ar::member_name(&header).starts_with(b"data") {
        bail!(
            "file '%.250s' is corrupt - second member is not data member",
            name
        );
    }
    let len = ar::member_size(name, &header)?.cast_signed();
    let offset = i64::from(number - 1).wrapping_mul(part_len);
    // Parts of no length are no parts; stock divides by it and dies.
    let expected = total
        .wrapping_add(part_len)
        .wrapping_sub(1)
        .checked_div(part_len);
    if expected != Some(i64::from(count)) {
        bail!(
            "file '%.250s' is corrupt - wrong number of parts for quoted sizes",
            name
        );
    }
    let expected = match number == count {
        true => total.wrapping_sub(offset),
        false => part_len,
    };
    if len != expected {
        bail!(
            "file '%.250s' is corrupt - size is wrong for quoted part number",
            name
        );
    }
    let header_len = (ar::MAGIC.len() + 2 * HEADER_LEN) as u64 + text_len + (text_len & 1);
    let file_len = header_len + len.cast_unsigned() + (len.cast_unsigned() & 1);
    if size.is_some_and(|size| size < file_len) {
        bail!("file '%.250s' is corrupt - too short", name);
    }
    Ok(Some(PartInfo {
        filename: name.to_vec(),
        format,
        package: package.to_vec(),
        version: version.to_vec(),
        arch,
        md5sum: md5sum.to_vec(),
        total,
        part_len,
        number,
        count,
        len,
        offset,
        header_len,
        file_len,
    }))
}

/// Whether a byte may be in an MD5 checksum as dpkg writes it.
pub(super) fn is_md5_digit(c: &u8) -> bool {
    matches!(c, b'0'..=b'9' | b'a'..=b'f')
}

fn read_header(src: &mut dyn Read, name: &[u8], what: &str) -> Result<[u8; HEADER_LEN]> {
    let mut header = [0; HEADER_LEN];
    match read_full(src, &mut header) {
        Ok(HEADER_LEN) => Ok(header),
        Ok(_) => bail!("unexpected end of file in %s in %.255s", what, name),
        Err(e) => Err(Error::os(
            msg!("error reading %s from file %.255s", what, name),
            e,
        )),
    }
}

/// The first member, without what fills it up to an even length.
fn read_text(src: &mut dyn Read, name: &[u8], len: u64) -> Result<Vec<u8>> {
    let what = "reading header member";
    let padded = len + (len & 1);
    // As much as there is: what is claimed costs nothing.
    let mut text = Vec::new();
    src.take(padded)
        .read_to_end(&mut text)
        .or_fail(|| msg!("error reading %s from file %.255s", what, name))?;
    if (text.len() as u64) < padded {
        bail!("unexpected end of file in %s in %.255s", what, name);
    }
    if padded > len {
        match text.pop() {
            Some(b'\n') | None => {}
            Some(c) => bail!(
                "file '%.250s' is corrupt - bad padding character (code %d)",
                name,
                char_code(c)
            ),
        }
    }
    if text.contains(&0) {
        bail!("file '%.250s' is corrupt - nulls in info section", name);
    }
    Ok(text)
}

/// `NUMBER/COUNT`
fn part_numbers(text: &[u8], name: &[u8]) -> Result<(i32, i32)> {
    let Some(slash) = memchr::memchr(b'/', text) else {
        bail!(
            "file '%.250s' is corrupt - no slash between archive part numbers",
            name
        );
    };
    let (left, right) = text.split_at(slash);
    let right = right.get(1..).unwrap_or_default();
    let count = number(right, name, msg!("number of archive parts"))?;
    let count = match i32::try_from(count) {
        Ok(count) if count > 0 => count,
        _ => bail!(
            "file '%.250s' is corrupt - bad number of archive parts",
            name
        ),
    };
    let this = number(left, name, msg!("archive parts number"))?;
    match i32::try_from(this) {
        Ok(this) if this > 0 && this <= count => Ok((this, count)),
        _ => bail!("file '%.250s' is corrupt - bad archive part number", name),
    }
}
