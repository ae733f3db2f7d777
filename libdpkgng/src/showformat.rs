//! `--showformat`: text with `${field;width}` in it, filled in for a package (pkg-format.c,
//! pkg-show.c; dpkg-query(1) "PACKAGE FIELDS").

use std::borrow::Cow;

use crate::control::{self, Part, Scope};
use crate::db::Database;
use crate::err;
use crate::error::{OrFail, Result};
use crate::msg;
use crate::msg::Msg;
use crate::pkg::{NameWhen, PkgId, PkgTable, Which};
use crate::report::Reporter;
use crate::state::{EFlag, Status, Want};
use crate::sys::place::Absence;
use crate::version::{Epoch, Version};

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    /// A field and its width: 0 for as it is, negative for left-aligned.
    Field(Vec<u8>, i32),
}

/// A parsed format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    pieces: Vec<Piece>,
}

/// What the fields of the `db-fsys` name space are filled from.
pub trait DbFsys {
    /// The paths of a package, when they were read.
    fn files(&self, pkg: PkgId) -> Option<Vec<&[u8]>>;
    /// When its list was last written, in seconds since the epoch; `None` without a list.
    fn last_modified(&self, pkg: PkgId, which: Which) -> Result<Option<i64>>;
}

/// For packages that are in no database.
pub struct NoDbFsys;

impl DbFsys for NoDbFsys {
    fn files(&self, _: PkgId) -> Option<Vec<&[u8]>> {
        None
    }
    fn last_modified(&self, _: PkgId, _: Which) -> Result<Option<i64>> {
        Ok(None)
    }
}

impl DbFsys for Database {
    fn files(&self, pkg: PkgId) -> Option<Vec<&[u8]>> {
        let nodes = self.fsys.files(pkg)?;
        Some(nodes.iter().map(|n| self.fsys.name(*n)).collect())
    }

    fn last_modified(&self, pkg: PkgId, which: Which) -> Result<Option<i64>> {
        self.infodb_format()?;
        let found = self.infodb_file(pkg, which, "list").stat().if_there();
        let found = found.or_fail(|| {
            msg!(
                "cannot get package %s filesystem last modification time",
                self.table.bin_name(pkg, which, NameWhen::NonAmbig)
            )
        })?;
        Ok(found.map(|stat| stat.mtime))
    }
}

/// `strtol(…, 0)` up to a closing brace. The error is the character that is in the way, or
/// `None` when the number is too big.
fn width(text: &[u8]) -> Result<i32, Option<u8>> {
    let at = |i: usize| text.get(i).copied().unwrap_or(b'}');
    let mut i = 0;
    while crate::deb822::is_space(at(i)) {
        i += 1;
    }
    let negative = at(i) == b'-';
    if matches!(at(i), b'-' | b'+') {
        i += 1;
    }
    let radix = match (at(i), at(i + 1), at(i + 2)) {
        (b'0', b'x' | b'X', digit) if digit.is_ascii_hexdigit() => {
            i += 2;
            16
        }
        (b'0', _, _) => 8,
        _ => 10,
    };
    let start = i;
    let mut value = 0i64;
    while let Some(digit) = char::from(at(i)).to_digit(radix) {
        value = value
            .saturating_mul(i64::from(radix))
            .saturating_add(i64::from(digit));
        i += 1;
    }
    if i == start {
        // No number at all: nothing of the text counts as read.
        i = 0;
    }
    if i < text.len() {
        return Err(Some(text[i]));
    }
    let value = if negative { -value } else { value };
    i32::try_from(value).map_err(|_| None)
}

impl Format {
    /// Parse a format (`pkg_format_parse`). The error is dpkg's reason.
    pub fn parse(format: &[u8]) -> Result<Format, Msg> {
        let mut pieces = Vec::new();
        let mut rest = format;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix(b"${") {
                let Some(end) = memchr::memchr(b'}', inner) else {
                    return Err(msg!("missing closing brace"));
                };
                pieces.push(parse_field(&inner[..end])?);
                rest = &inner[end + 1..];
            } else {
                let starts = memchr::memmem::find(&rest[1..], b"${");
                let end = starts.map_or(rest.len(), |i| i + 1);
                pieces.push(Piece::Text(parse_text(rest, end)));
                rest = &rest[end..];
            }
        }
        if pieces.is_empty() {
            return Err(msg!("may not be empty string"));
        }
        Ok(Format { pieces })
    }

    /// Whether it needs packages' file lists (`pkg_format_needs_db_fsys`): the caller reads
    /// them before.
    pub fn needs_files(&self) -> bool {
        let files = |p: &Piece| matches!(p, Piece::Field(name, _) if name == b"db-fsys:Files");
        self.pieces.iter().any(files)
    }

    /// How much of the packages it needs.
    pub fn scope(&self) -> Scope {
        let mut descriptions = false;
        for piece in &self.pieces {
            let Piece::Field(name, _) = piece else {
                continue;
            };
            match &name[..] {
                b"Package" | b"Architecture" | b"Version" | b"Status" | b"Multi-Arch"
                | b"binary:Package" | b"db:Status-Abbrev" | b"db:Status-Want"
                | b"db:Status-Status" | b"db:Status-Eflag" => {}
                b"Description" | b"binary:Summary" | b"binary:Synopsis" => descriptions = true,
                _ => return Scope::All,
            }
        }
        Scope::Some(Part {
            descriptions,
            ..Part::default()
        })
    }

    /// Append the format filled in for a description of a package (`pkg_format_print`).
    pub fn render(
        &self,
        table: &PkgTable,
        pkg: PkgId,
        which: Which,
        fsys: &dyn DbFsys,
        report: &dyn Reporter,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut value = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Field(name, width) => {
                    value.clear();
                    if field(name, table, pkg, which, fsys, report, &mut value)? {
                        pad(&value, *width, out);
                    }
                }
            }
        }
        Ok(())
    }
}

fn parse_field(inner: &[u8]) -> Result<Piece, Msg> {
    let Some(semicolon) = memchr::memchr(b';', inner) else {
        return Ok(Piece::Field(inner.to_vec(), 0));
    };
    match width(&inner[semicolon + 1..]) {
        Ok(width) => Ok(Piece::Field(inner[..semicolon].to_vec(), width)),
        Err(Some(c)) => Err(msg!("invalid character '%c' in field width", c)),
        Err(None) => Err(msg!("field width is out of range")),
    }
}

/// The text of `format` up to `end` with its escapes resolved. A backslash just before a field
/// takes the dollar sign with it, and the field stays a field.
fn parse_text(format: &[u8], end: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(end);
    let mut i = 0;
    while i < end {
        let mut c = format[i];
        if c == b'\\' {
            i += 1;
            c = match format.get(i) {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(other) => *other,
                None => break,
            };
        }
        text.push(c);
        i += 1;
    }
    text
}

/// Fill up with blanks to the width, or cut to it. In bytes, as printf counts.
fn pad(value: &[u8], width: i32, out: &mut Vec<u8>) {
    let room = width.unsigned_abs() as usize;
    if room == 0 {
        out.extend_from_slice(value);
        return;
    }
    let value = value.get(..room).unwrap_or(value);
    let blanks = std::iter::repeat_n(b' ', room - value.len());
    if width > 0 {
        out.extend(blanks);
        out.extend_from_slice(value);
    } else {
        out.extend_from_slice(value);
        out.extend(blanks);
    }
}

/// Append the value of a field; false when there is no such field.
fn field(
    name: &[u8],
    table: &PkgTable,
    pkg: PkgId,
    which: Which,
    fsys: &dyn DbFsys,
    report: &dyn Reporter,
    out: &mut Vec<u8>,
) -> Result<bool> {
    if let Some(info) = control::field(name) {
        control::write_field(table, pkg, which, info, false, out);
        return Ok(true);
    }
    if virtual_field(name, table, pkg, which, fsys, report, out)? {
        return Ok(true);
    }
    let arbs = &table[pkg].bin(which).arbs;
    let arb = arbs.iter().find(|a| a.name.eq_ignore_ascii_case(name));
    if let Some(arb) = arb {
        out.extend_from_slice(&arb.value);
    }
    Ok(arb.is_some())
}

/// The fields that are in no file; false when it is none of them.
fn virtual_field(
    name: &[u8],
    table: &PkgTable,
    pkg: PkgId,
    which: Which,
    fsys: &dyn DbFsys,
    report: &dyn Reporter,
    out: &mut Vec<u8>,
) -> Result<bool> {
    let p = &table[pkg];
    let installed = which == Which::Installed;
    let name = name.to_ascii_lowercase();
    match &name[..] {
        b"binary:package" => {
            out.extend_from_slice(table.bin_name(pkg, which, NameWhen::NonAmbig).as_bytes());
        }
        b"binary:synopsis" | b"binary:summary" => {
            let description = p.bin(which).description.as_deref();
            out.extend_from_slice(&synopsis(description, report));
        }
        b"db:status-abbrev" if installed => {
            out.extend_from_slice(&abbreviations(p.want, p.status(), p.eflag));
        }
        b"db:status-want" if installed => out.extend_from_slice(p.want.as_str().as_bytes()),
        b"db:status-status" if installed => {
            out.extend_from_slice(p.status().as_str().as_bytes());
        }
        b"db:status-eflag" if installed => out.extend_from_slice(p.eflag.as_str().as_bytes()),
        b"db:status-abbrev" | b"db:status-want" | b"db:status-status" | b"db:status-eflag" => {}
        b"db-fsys:files" => {
            for path in fsys.files(pkg).unwrap_or_default() {
                out.push(b' ');
                out.extend_from_slice(path);
                out.push(b'\n');
            }
        }
        b"db-fsys:last-modified" => {
            if p.status() != Status::NotInstalled
                && let Some(time) = fsys.last_modified(pkg, which)?
            {
                out.extend_from_slice(time.to_string().as_bytes());
            }
        }
        b"source:package" => {
            let source = p.bin(which).source.as_deref();
            let source = source.unwrap_or(table.set_name(pkg).as_bytes());
            let end = memchr::memchr(b' ', source).unwrap_or(source.len());
            out.extend_from_slice(&source[..end]);
        }
        b"source:version" => {
            let version = source_version(table, pkg, which)?;
            out.extend_from_slice(&version.to_bytes(Epoch::NonAmbig));
        }
        b"source:upstream-version" => {
            out.extend_from_slice(source_version(table, pkg, which)?.version());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The first line of a description, or dpkg's words for none (`pkgbin_synopsis`).
pub fn synopsis<'a>(description: Option<&'a [u8]>, report: &dyn Reporter) -> Cow<'a, [u8]> {
    let first_line = |text: &'a [u8]| {
        let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
        Cow::Borrowed(&text[..end])
    };
    let none = || Cow::Owned(report.words(&msg!("(no description available)")));
    description.map_or_else(none, first_line)
}

/// The three letters of `--list`: desired, status, error.
pub fn abbreviations(want: Want, status: Status, eflag: EFlag) -> [u8; 3] {
    let want = match want {
        Want::Unknown => b'u',
        Want::Install => b'i',
        Want::Hold => b'h',
        Want::Deinstall => b'r',
        Want::Purge => b'p',
    };
    let status = match status {
        Status::NotInstalled => b'n',
        Status::ConfigFiles => b'c',
        Status::HalfInstalled => b'H',
        Status::Unpacked => b'U',
        Status::HalfConfigured => b'F',
        Status::TriggersAwaited => b'W',
        Status::TriggersPending => b't',
        Status::Installed => b'i',
    };
    let eflag = match eflag {
        EFlag::Ok => b' ',
        EFlag::ReinstReq => b'R',
    };
    [want, status, eflag]
}

/// The version of the source package: what the `Source` field has in parentheses, else the
/// package's own (`pkg_source_version`).
pub fn source_version(table: &PkgTable, pkg: PkgId, which: Which) -> Result<Version> {
    let bin = table[pkg].bin(which);
    let source = bin.source.as_deref().unwrap_or_default();
    let Some(open) = memchr::memchr(b'(', source) else {
        return Ok(bin.version.clone());
    };
    let text = &source[open + 1..];
    let text = &text[..memchr::memchr(b')', text).unwrap_or(text.len())];
    match Version::parse(text) {
        (version, None) => Ok(version),
        (_, Some(problem)) => Err(err!("version '%s' has bad syntax: %s", text, problem.msg)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ArchTable;
    use crate::control::{ParseFlags, parse_bytes};
    use crate::report::Silent;

    const STATUS: &[u8] = b"Package: a\nStatus: hold reinstreq half-installed\nSection: x\nMaintainer: m\nArchitecture: i386\nVersion: 1:2-3\nSource: src (1:2-1)\nDepends: b (>= 1), c\nConffiles:\n /x h\n /y h\nDescription: short\n long\nFoo-Bar: baz\n";

    fn show(format: &str) -> String {
        let mut table = PkgTable::new(ArchTable::new("amd64"));
        let (_, pkg) =
            parse_bytes(b"F", STATUS, ParseFlags::STATUS, &mut table, &mut Silent).expect("status");
        let mut out = Vec::new();
        let parsed = match Format::parse(format.as_bytes()) {
            Ok(parsed) => parsed,
            Err(why) => return why.to_string(),
        };
        let pkg = pkg.expect("a package");
        match parsed.render(&table, pkg, Which::Installed, &NoDbFsys, &Silent, &mut out) {
            Ok(()) => String::from_utf8_lossy(&out).into_owned(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn fields() {
        for (format, shown) in [
            ("${package}|${Version}|${FOO-bar}|${none}|", "a|1:2-3|baz||"),
            ("${binary:Package} ${binary:Summary}", "a:i386 short"),
            ("${Description}", "short\n long"),
            ("${Conffiles}", " /x h\n /y h"),
            ("${Depends}", "b (>= 1), c"),
            ("${Essential}${Multi-Arch}", "nono"),
            ("[${Config-Version}${Recommended}]", "[]"),
            (
                "${db:Status-Abbrev}|${Status}",
                "hHR|hold reinstreq half-installed",
            ),
            (
                "${source:Package} ${source:Version} ${source:Upstream-Version}",
                "src 1:2-1 2",
            ),
        ] {
            assert_eq!(show(format), shown, "{format}");
        }
    }

    #[test]
    fn widths_and_escapes() {
        for (format, shown) in [
            ("[${Version;8}]", "[   1:2-3]"),
            ("[${Version;-8}]", "[1:2-3   ]"),
            (
                "[${Version;3}${Version;-0x4}${Version;010}]",
                "[1:21:2-   1:2-3]",
            ),
            ("[${Version;}${none;5}]", "[1:2-3]"),
            ("a\\tb\\n\\r\\\\\\q$x", "a\tb\n\r\\q$x"),
            ("a\\${Version}", "a$1:2-3"),
            ("a\\", "a"),
        ] {
            assert_eq!(show(format), shown, "{format}");
        }
    }

    #[test]
    fn bad_formats() {
        for (format, error) in [
            ("", "may not be empty string"),
            ("a${b", "missing closing brace"),
            ("${a;x}", "invalid character 'x' in field width"),
            ("${a;0x}", "invalid character 'x' in field width"),
            ("${a; }", "invalid character ' ' in field width"),
            ("${a;2147483648}", "field width is out of range"),
        ] {
            assert_eq!(show(format), error, "{format}");
        }
    }
}
