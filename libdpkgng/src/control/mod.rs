//! The package paragraph: what its fields mean, how a file of them is read into the
//! [`PkgTable`], and how it is written back; deb-control(5), Policy §5, and the fields of
//! `status` that only dpkg knows (parse.c, fields.c, parsehelp.c, dump.c).
//!
//! Reading a file of the database and writing it again gives the bytes that dpkg gives:
//! fields in dpkg's order, relations and blanks in its spelling, unknown fields last in the
//! order they were read. What dpkg rejects is rejected in its words, with file, line and
//! package; what it warns about is warned about.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;

use crate::error::{OrFail, Result};
use crate::msg;
use crate::pkg::{PkgId, PkgTable};
use crate::report::Reporter;
use crate::sys::inherited;
use crate::sys::place::{Absence, Spot};

mod context;
mod fields;
mod parse;
mod read;
mod scope;
mod write;

#[cfg(test)]
mod tests;

pub use fields::{FIELD_COUNT, FieldInfo, FieldKind, field};
pub use parse::{Flaw, parse_bytes, parse_stanza};
pub use scope::{Part, Scope};
pub use write::{stanza, write_arbitrary_field, write_db, write_field, write_stanzas};

bitflags::bitflags! {
    /// How a file is read (`parsedbflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ParseFlags: u16 {
        /// A single control stanza is expected.
        const SINGLE_STANZA = 1 << 0;
        /// Store in the available descriptions, not the installed ones.
        const RECORD_AVAILABLE = 1 << 1;
        /// A `Status` field is an error.
        const REJECT_STATUS = 1 << 2;
        /// Keep priority and section when there are any.
        const WEAK_CLASSIFICATION = 1 << 3;
        /// Keep the archive fields.
        const IGNORE_ARCHIVES = 1 << 4;
        /// Skip packages of which a newer version was read.
        const IGNORE_OLDER = 1 << 5;
        /// Odd versions are warned about only.
        const LAX_VERSION = 1 << 6;
        /// Odd stanzas are warned about only.
        const LAX_STANZA = 1 << 7;
        /// The file name `-` is standard input.
        const DASH_IS_STDIN = 1 << 9;
        /// The file may be missing or empty.
        const ALLOW_EMPTY = 1 << 10;

        /// Both laxities.
        const LAX = Self::LAX_VERSION.bits() | Self::LAX_STANZA.bits();
        /// The `status` file.
        const STATUS = Self::LAX.bits() | Self::WEAK_CLASSIFICATION.bits()
            | Self::ALLOW_EMPTY.bits();
        /// A file of `updates/`.
        const UPDATE = Self::STATUS.bits() | Self::SINGLE_STANZA.bits();
        /// The `available` file.
        const AVAILABLE = Self::RECORD_AVAILABLE.bits() | Self::REJECT_STATUS.bits()
            | Self::LAX.bits() | Self::ALLOW_EMPTY.bits();
        /// The `control` file of an archive.
        const BINARY = Self::RECORD_AVAILABLE.bits() | Self::REJECT_STATUS.bits()
            | Self::SINGLE_STANZA.bits();
    }
}

/// Which of the four kinds of file the flags amount to (`parsedbtype`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Update,
    Status,
    Control,
    Available,
}

impl ParseFlags {
    fn kind(self) -> FileKind {
        let available = self.contains(ParseFlags::RECORD_AVAILABLE);
        match (available, self.contains(ParseFlags::SINGLE_STANZA)) {
            (true, true) => FileKind::Control,
            (true, false) => FileKind::Available,
            (false, true) => FileKind::Update,
            (false, false) => FileKind::Status,
        }
    }
}

/// Read a file into `table` (`parsedb`). Returns the number of packages taken over and the
/// last of them.
///
/// With the flags of [`ParseFlags::BINARY`] exactly one stanza is demanded. An error leaves in
/// the table what was read before it.
pub fn parse_file(
    path: &Spot,
    flags: ParseFlags,
    table: &mut PkgTable,
    report: &mut dyn Reporter,
) -> Result<(usize, Option<PkgId>)> {
    parse_scope(path, flags, &Scope::All, table, report)
}

/// The same, of which only a part is kept: for who writes nothing of it back.
pub fn parse_scope(
    path: &Spot,
    flags: ParseFlags,
    scope: &Scope,
    table: &mut PkgTable,
    report: &mut dyn Reporter,
) -> Result<(usize, Option<PkgId>)> {
    let name = path.shown();
    let file = if flags.contains(ParseFlags::DASH_IS_STDIN) && name == b"-" {
        inherited::stdin().or_fail(|| msg!("can't stat package info file '%.255s'", path))?
    } else {
        let cannot = || {
            msg!(
                "failed to open package info file '%.255s' for reading",
                path
            )
        };
        match flags.contains(ParseFlags::ALLOW_EMPTY) {
            false => path.read().or_fail(cannot)?,
            true => match path.read().if_there().or_fail(cannot)? {
                Some(file) => file,
                None => return Ok((0, None)),
            },
        }
    };
    let mut parser = parse::Parser::new(name, flags, scope, report);
    read_parts(file, path, |part| parser.feed(part, table))?;
    parser.finish()
}

/// How much of a file is in memory at a time, unless a stanza is longer.
const PART: usize = 1 << 16;

/// Read a file (`parsedb_load`) - a pipe to its end, anything else as far as its size says -
/// and give it to `feed` in parts that end in an empty line, as far as there is one.
fn read_parts(file: File, path: &Spot, mut feed: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let meta = file
        .metadata()
        .or_fail(|| msg!("can't stat package info file '%.255s'", path))?;
    let limit = match meta.file_type().is_fifo() {
        true => u64::MAX,
        false => meta.len(),
    };
    let mut file = file.take(limit);
    let mut buffer = Vec::new();
    loop {
        let had = buffer.len();
        file.by_ref()
            .take(PART as u64)
            .read_to_end(&mut buffer)
            .or_fail(|| msg!("reading package info file '%.255s'", path))?;
        if buffer.len() - had < PART {
            return feed(&buffer);
        }
        // The empty line may have begun in what was there before.
        let searched = buffer.get(had.saturating_sub(1)..).unwrap_or_default();
        if let Some(end) = memchr::memmem::rfind(searched, b"\n\n") {
            let end = had.saturating_sub(1) + end + 2;
            feed(&buffer[..end])?;
            buffer.drain(..end);
        }
    }
}
