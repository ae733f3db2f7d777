//! Cutting a package file into parts.

use std::fs::{File, OpenOptions};
use std::io::Seek as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::number::strtoimax;
use super::{DEB_EXTENSION, HEADER_ALLOWANCE, MAGIC_MEMBER, VERSION};
use crate::archive::ar::ArWriter;
use crate::digest;
use crate::error::{Error, OrFail as _, Result};
use crate::pkg::{PkgId, PkgTable, Which};
use crate::report::{Event, Reporter};
use crate::version::Epoch;
use crate::{bail, err, msg, msgn};

/// The greatest length of a part's file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartSize(u64);

impl Default for PartSize {
    /// What fits on a floppy disk three times.
    fn default() -> PartSize {
        PartSize(450 * 1024)
    }
}

impl PartSize {
    /// A number of KiB, the value of the option called `long`.
    ///
    /// # Errors
    /// A usage error.
    pub fn parse(long: &str, value: &[u8]) -> Result<PartSize> {
        let Some(number) = strtoimax(value, 10).filter(|n| n.rest.is_empty()) else {
            return Err(Error::usage(msg!(
                "invalid integer for --%s: '%.250s'",
                long,
                value
            )));
        };
        let largest = i64::from(i32::MAX >> 10);
        if number.overflow || number.value <= 0 || number.value > largest {
            return Err(Error::usage(msg!(
                "part size is far too large or is not positive"
            )));
        }
        let bytes = number.value.cast_unsigned() << 10;
        if bytes <= HEADER_ALLOWANCE {
            return Err(Error::usage(msg!(
                "part size must be at least %d KiB (to allow for header)",
                (HEADER_ALLOWANCE >> 10) + 1
            )));
        }
        Ok(PartSize(bytes))
    }

    /// The length of a part's data.
    fn data(self) -> u64 {
        self.0 - HEADER_ALLOWANCE
    }
}

/// How parts are called, and what is in their headers.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// What the names begin with.
    pub prefix: &'a [u8],
    /// How long parts are.
    pub part_size: PartSize,
    /// Names of eight and three characters.
    pub msdos: bool,
    /// The time of the members.
    pub mtime: i64,
}

/// A package file to be cut.
pub struct Source {
    file: File,
    len: u64,
    md5sum: String,
}

impl Source {
    /// Open and measure it.
    ///
    /// # Errors
    /// It cannot be read, or is no plain file.
    pub fn open(path: &Path) -> Result<Source> {
        let mut file =
            File::open(path).or_fail(|| msg!("unable to open source file '%.250s'", path))?;
        let stat = file
            .metadata()
            .or_fail(|| msg!("unable to fstat source file"))?;
        if !stat.is_file() {
            bail!("source file '%.250s' not a plain file", path);
        }
        let md5sum = digest::md5_reader(&mut file)
            .or_put(|| msg!("failed to read"))
            .map_err(|e| err!("cannot compute MD5 digest for file '%s': %s", path, e.msg))?;
        file.rewind()
            .or_fail(|| msg!("unable to fstat source file"))?;
        Ok(Source {
            file,
            len: stat.len(),
            md5sum,
        })
    }

    /// Write all parts, `table[pkg]` being the package in the file.
    ///
    /// # Errors
    /// A part cannot be written; those before it stay.
    pub fn cut(
        mut self,
        (table, pkg): (&PkgTable, PkgId),
        layout: &Layout<'_>,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let part_len = layout.part_size.data();
        let count = self.len.div_ceil(part_len);
        let available = table[pkg].bin(Which::Available);
        let name = &*table[table[pkg].set].name;
        report.output(msgn!(
            count,
            "Splitting package %s into %d part: ",
            "Splitting package %s into %d parts: ",
            name,
            count
        ));
        for number in 1..=count {
            let path = layout.path(number, count);
            let path = Path::new(std::ffi::OsStr::from_bytes(&path));
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o644)
                .open(path)
                .or_fail(|| msg!("unable to create '%.255s'", path))?;
            let mut ar = ArWriter::new(file, path.as_os_str().as_bytes(), layout.mtime);
            ar.put_magic()?;
            let text = format!(
                "{VERSION}\n{name}\n{}\n{}\n{}\n{part_len}\n{number}/{count}\n{}\n",
                available.version.describe(Epoch::NonAmbig),
                self.md5sum,
                self.len,
                table.arches.name(available.arch),
            );
            ar.put_member(MAGIC_MEMBER, text.as_bytes())?;
            let len = match number == count {
                true => self.len - (count - 1) * part_len,
                false => part_len,
            };
            ar.put_member_from(&format!("data.{number}"), &mut self.file, len)?;
            report.event(&Event::Output(msg!("%d ", number)));
        }
        report.output(msg!("done\n"));
        Ok(())
    }
}

impl Layout<'_> {
    /// The name of a part.
    fn path(&self, number: u64, count: u64) -> Vec<u8> {
        let which = format!("{number}of{count}");
        if !self.msdos {
            return [
                self.prefix,
                b".",
                which.as_bytes(),
                DEB_EXTENSION.as_bytes(),
            ]
            .concat();
        }
        let (dir, base) = split_path(self.prefix);
        let base = clean_msdos(base);
        // Where the number alone fills the name, stock does not shorten the prefix.
        let kept = 8usize.checked_sub(which.len()).unwrap_or(base.len());
        let base = base.get(..kept).unwrap_or(&base);
        let which = which.get(..8).unwrap_or(&which);
        [dir, b"/", base, which.as_bytes(), DEB_EXTENSION.as_bytes()].concat()
    }
}

/// dirname(3) and what stands behind the last slash.
fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    let base = memchr::memrchr(b'/', path).map_or(path, |at| path.get(at + 1..).unwrap_or(path));
    let no_slashes = |mut p: &[u8]| {
        while let [head @ .., b'/'] = p {
            p = head;
        }
        p.len()
    };
    let end = no_slashes(path);
    let named = path.get(..end).unwrap_or(path);
    let dir = match memchr::memrchr(b'/', named) {
        Some(at) => {
            let head = named.get(..at).unwrap_or_default();
            match no_slashes(head) {
                0 => path.get(..1).unwrap_or_default(),
                end => head.get(..end).unwrap_or(head),
            }
        }
        None if named.is_empty() && !path.is_empty() => b"/",
        None => b".",
    };
    (dir, base)
}

/// `clean_msdos_filename()`: letters in lower case, digits, `x` for `+`. Like stock's, it passes
/// over what follows a character it does not want too, and leaves in place what stands there.
fn clean_msdos(name: &[u8]) -> Vec<u8> {
    let mut clean = name.to_vec();
    let (mut from, mut to) = (0, 0);
    while let Some(&c) = clean.get(from) {
        let kept = match c {
            b'+' => Some(b'x'),
            c if c.is_ascii_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        };
        match (kept, clean.get_mut(to)) {
            (Some(c), Some(place)) => *place = c,
            _ => from += 1,
        }
        from += 1;
        to += 1;
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_as_by_dirname() {
        let text = |p: &str| {
            let (dir, base) = split_path(p.as_bytes());
            [dir, base].map(|b| String::from_utf8_lossy(b).into_owned())
        };
        assert_eq!(text("a/b"), ["a", "b"]);
        assert_eq!(text("b"), [".", "b"]);
        assert_eq!(text("/b"), ["/", "b"]);
        assert_eq!(text("a//b"), ["a", "b"]);
        assert_eq!(text("a/b/"), ["a", ""]);
        assert_eq!(text("/"), ["/", ""]);
        assert_eq!(text(""), [".", ""]);
    }

    #[test]
    fn short_names() {
        let layout = |prefix: &'static str| Layout {
            prefix: prefix.as_bytes(),
            part_size: PartSize::default(),
            msdos: true,
            mtime: 0,
        };
        let name = |p, n, c| String::from_utf8_lossy(&layout(p).path(n, c)).into_owned();
        assert_eq!(name("d/Package", 1, 2), "d/pack1of2.deb");
        assert_eq!(name("c++", 1, 2), "./cxx1of2.deb");
        assert_eq!(name("a-bc", 1, 2), "./a-cc1of2.deb");
        assert_eq!(name("package", 10, 100), "./p10of100.deb");
        assert_eq!(name("package", 1000, 1000), "./package1000of10.deb");
    }

    #[test]
    fn sizes_of_parts() {
        let parse = |v: &str| PartSize::parse("partsize", v.as_bytes()).map_err(|e| e.to_string());
        assert_eq!(parse("2").map(PartSize::data), Ok(1024));
        assert!(parse("1").is_err_and(|e| e.contains("at least 2 KiB")));
        assert!(parse("-5").is_err_and(|e| e.contains("not positive")));
        assert!(parse("99999999999999999999").is_err_and(|e| e.contains("far too large")));
        assert!(parse("x").is_err_and(|e| e == "invalid integer for --partsize: 'x'"));
    }
}
