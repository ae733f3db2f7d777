//! Room for one more program header, where the table stands.
//!
//! Linkers put `.interp`, notes and `.gnu.hash` right behind the table. The interpreter's path and the
//! hash tables go to the new segment; notes move up into what they leave, staying in the
//! file's first page, where core dumps keep the build-id. Where that is not enough, the symbol table goes, too, and
//! behind notes that cannot move go those before them. Anything else there is in the way.

use goblin::elf::ProgramHeader;

use super::consts::*;
use super::draft::Draft;
use super::image::Image;
use super::layout::{Section, Segment};
use super::rewrite::Unsupported;
use super::{notes, symbols};

/// What has to go elsewhere.
#[derive(Default)]
pub(super) struct Evicted {
    /// The interpreter's path as it is, without its NUL.
    pub interpreter: Option<Vec<u8>>,
    /// Tables of symbols and their hashes.
    pub tables: Vec<Table>,
}

/// What may move.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The interpreter's path, notes as they follow each other, hash tables.
    Hashes,
    /// The symbol table and single notes, too.
    Symbols,
}

/// A table of symbols or their hashes.
pub(super) struct Table {
    /// DT_HASH, DT_GNU_HASH or DT_SYMTAB.
    pub tag: u64,
    /// Its section's kind.
    pub kind: u32,
    /// The table.
    pub bytes: Vec<u8>,
}

/// Something that can move, by its offset and end.
#[derive(Clone, Copy)]
struct Movable {
    start: u64,
    end: u64,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Interpreter,
    Note,
    Table(u64, u32),
}

/// Makes room for one header behind the table in `draft`; the caller enters it.
pub(super) fn make(image: &Image, draft: &mut Draft, reach: Reach) -> Result<Evicted, Unsupported> {
    let none = Unsupported::NoHeaderSlot;
    let size = image.layout.phdr_len();
    let end = image.segments.len() as u64 * size + image.phoff;
    let cover = image.loads().find(|s| {
        s.p_offset <= image.phoff && s.file_end().is_some_and(|e| e >= end) && s.p_flags & PF_R != 0
    });
    let cover = cover.ok_or(none)?;
    let movables = movables(image, end, reach);
    let barrier = barrier(image, cover, &movables, end);
    let mut evicted = Evicted::default();
    let mut cursor = end + size;
    let mut cleared = end;
    let mut shifted = Vec::new();
    for one in &movables {
        if one.start >= cursor || one.end > barrier {
            break;
        }
        zero_between(image, cleared, one.start)?;
        cleared = one.end;
        let len = one.end.checked_sub(one.start).ok_or(none)?;
        match one.what {
            What::Interpreter => {
                let path = image.interpreter().map_err(Unsupported::Input)?;
                evicted.interpreter = path;
            }
            What::Table(tag, kind) => {
                let bytes = image.view.bytes(one.start, len).ok_or(none)?;
                let bytes = bytes.into_owned();
                evicted.tables.push(Table { tag, kind, bytes });
            }
            What::Note => {
                let raw = image.view.bytes(one.start, len).ok_or(none)?;
                if !notes::may_move(image.layout, &raw) {
                    let lead = notes::leading(image.layout, &raw);
                    let pinned = one.start.checked_add(lead).ok_or(none)?;
                    if reach != Reach::Symbols || pinned < cursor {
                        return Err(none);
                    }
                    let (moved, stay) = split(&raw, lead).ok_or(none)?;
                    let rotated = draft.rotate_notes(one.start, lead, one.end);
                    rotated.ok_or(none)?;
                    cursor = one.end.checked_add(lead).ok_or(none)?;
                    shifted.push((pinned, stay));
                    shifted.push((one.end, moved));
                    continue;
                }
                // By whole multiples of the largest alignment a note has.
                let by = cursor.saturating_sub(one.start).div_ceil(8) * 8;
                draft.shift_notes(one.start, len, by).ok_or(none)?;
                cursor = one.end.checked_add(by).ok_or(none)?;
                shifted.push((one.start + by, raw.into_owned()));
            }
        }
    }
    if cursor > barrier || cursor > image.phoff.saturating_add(0x1000) {
        return Err(none);
    }
    zero_between(image, cleared, cursor)?;
    // What was left is cleared, so that nobody finds a stale copy.
    let mut at = end + size;
    let stop = cleared.max(cursor);
    for (start, bytes) in shifted {
        clear(draft, at, start);
        at = start + bytes.len() as u64;
        draft.put(start, bytes);
    }
    clear(draft, at, stop);
    Ok(evicted)
}

fn split(raw: &[u8], at: u64) -> Option<(Vec<u8>, Vec<u8>)> {
    let (lead, rest) = raw.split_at_checked(usize::try_from(at).ok()?)?;
    Some((lead.to_vec(), rest.to_vec()))
}

fn clear(draft: &mut Draft, from: u64, to: u64) {
    if let Ok(len) = usize::try_from(to.saturating_sub(from)) {
        draft.put(from, vec![0; len]);
    }
}

fn zero_between(image: &Image, from: u64, to: u64) -> Result<(), Unsupported> {
    let len = to.saturating_sub(from);
    if image.view.zeros(from, len) == len {
        return Ok(());
    }
    Err(Unsupported::NoHeaderSlot)
}

/// What can move, ascending, without what lies before `from` or overlaps another.
fn movables(image: &Image, from: u64, reach: Reach) -> Vec<Movable> {
    let mut all = Vec::new();
    for segment in &image.segments {
        let what = match segment.p_type {
            PT_INTERP => What::Interpreter,
            PT_NOTE | PT_GNU_PROPERTY => What::Note,
            _ => continue,
        };
        if let Some(end) = segment.file_end() {
            let start = segment.p_offset;
            all.push(Movable { start, end, what });
        }
    }
    let symbols = (reach == Reach::Symbols).then_some((DT_SYMTAB, SHT_DYNSYM));
    let hashes = [(DT_HASH, SHT_HASH), (DT_GNU_HASH, SHT_GNU_HASH)];
    for (tag, kind) in hashes.into_iter().chain(symbols) {
        let found = symbols::extent(image, tag);
        if let Ok(Some((start, len))) = found {
            let end = start.saturating_add(len);
            let what = What::Table(tag, kind);
            all.push(Movable { start, end, what });
        }
    }
    all.retain(|m| m.start >= from && m.end > m.start);
    all.sort_by_key(|m| (m.start, m.end));
    // PT_GNU_PROPERTY describes a note that PT_NOTE describes, too.
    let mut apart: Vec<Movable> = Vec::new();
    for one in all {
        match apart.last_mut() {
            Some(last) if one.start < last.end => {
                if last.what != What::Note || one.what != What::Note {
                    return apart;
                }
                last.end = last.end.max(one.end);
            }
            _ => apart.push(one),
        }
    }
    apart
}

/// The first offset behind the table that belongs to something which cannot move.
fn barrier(image: &Image, cover: &ProgramHeader, movables: &[Movable], from: u64) -> u64 {
    let movable = |start: u64, end: u64| movables.iter().any(|m| m.start <= start && end <= m.end);
    let mut barrier = cover.file_end().unwrap_or(from);
    let mut meet = |start: u64, len: u64| {
        let end = start.saturating_add(len);
        if len > 0 && end > from && !movable(start, end) {
            barrier = barrier.min(start.max(from));
        }
    };
    for section in image.sections.iter().filter(|s| s.in_file()) {
        meet(section.sh_offset, section.sh_size);
    }
    let fixed = |s: &&ProgramHeader| !matches!(s.p_type, PT_LOAD | PT_PHDR);
    for segment in image.segments.iter().filter(fixed) {
        // RELRO and the like span what is met by itself; those that start later end the room.
        meet(segment.p_offset, segment.p_filesz);
    }
    meet(image.shoff, image.sections.len() as u64);
    // Without section headers, what the dynamic table points to.
    for entry in image.dynamic.iter().flat_map(|d| &d.entries) {
        let address = is_address(entry.d_tag) && !matches!(entry.d_tag, DT_HASH | DT_GNU_HASH);
        match image.offset_of(entry.d_val, 1) {
            Some(start) if address => meet(start, 1),
            _ => {}
        }
    }
    barrier
}

/// Whether a tag's value is an address, by the gABI's and glibc's numbering.
fn is_address(tag: u64) -> bool {
    matches!(
        tag,
        3..=7 | 12 | 13 | 17 | 21 | 23 | 25 | 26 | 32 | 34 | 36 | 0x6fff_fe00..=0x6fff_feff
            | 0x6fff_fff0 | DT_VERDEF | DT_VERNEED
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_sizes() {
        for tag in [
            DT_STRTAB, DT_SYMTAB, DT_RELA, DT_JMPREL, DT_VERSYM, DT_VERNEED,
        ] {
            assert!(is_address(tag), "{tag}");
        }
        for tag in [DT_NEEDED, DT_STRSZ, DT_RELASZ, DT_RUNPATH, DT_FLAGS_1] {
            assert!(!is_address(tag), "{tag}");
        }
    }
}
