//! In place: strings into the zeros between two segments, which the file keeps anyway.
//!
//! The read-only segment before them grows, in the file and in memory, as far as neither
//! anything else in the file nor the next segment's first page is touched.

use goblin::elf::ProgramHeader;

use super::consts::*;
use super::draft::{Draft, Place};
use super::fault::Fault;
use super::image::Image;
use super::layout::{Section, Segment, align_down};
use super::patch::Edit;
use super::rewrite::Unsupported;
use super::wish::Goal;
use super::{growth, machine, symbols};

/// Free room behind a read-only segment.
#[derive(Debug, Clone, Copy)]
struct Gap {
    /// The segment's place in the table.
    segment: usize,
    at: Place,
    room: u64,
}

/// The gaps of a file: those that are only readable first. At most `want` bytes of each are looked at.
fn gaps(image: &Image, want: u64) -> Vec<Gap> {
    let mut all = Vec::new();
    for (place, load) in image.segments.iter().enumerate() {
        let read_only = load.p_flags & (PF_R | PF_W) == PF_R;
        if load.p_type != PT_LOAD
            || !read_only
            || load.p_filesz == 0
            || load.p_filesz != load.p_memsz
        {
            continue;
        }
        let (Some(offset), Some(vaddr)) = (load.file_end(), load.mem_end()) else {
            continue;
        };
        let room =
            file_room(image, offset).min(memory_room(image, load.p_offset, load.p_vaddr, vaddr));
        let room = image.view.zeros(offset, room.min(want));
        if room > 0 {
            let at = Place { offset, vaddr };
            all.push(Gap {
                segment: place,
                at,
                room,
            });
        }
    }
    let executable = |gap: &Gap| image.segments.get(gap.segment).map(|s| s.p_flags & PF_X);
    all.sort_by_key(executable);
    all
}

/// How far it is from `offset` to the next thing in the file.
fn file_room(image: &Image, offset: u64) -> u64 {
    let layout = image.layout;
    let tables = [
        (0, layout.ehdr_len()),
        (image.phoff, image.segments.len() as u64 * layout.phdr_len()),
        (image.shoff, image.sections.len() as u64 * layout.shdr_len()),
    ];
    let segments = image.segments.iter().map(|s| (s.p_offset, s.p_filesz));
    let sections = image.sections.iter().filter(|s| s.in_file());
    let sections = sections.map(|s| (s.sh_offset, s.sh_size));
    let mut end = match growth::described_end(image) {
        // What follows may be somebody's, zeros and all.
        described if growth::has_data_behind(image) => described,
        _ => image.view.len(),
    };
    for (start, len) in tables.into_iter().chain(segments).chain(sections) {
        if len == 0 {
            continue;
        }
        if start >= offset {
            end = end.min(start);
        } else if start.saturating_add(len) > offset {
            return 0;
        }
    }
    end.saturating_sub(offset)
}

/// How far it is from `end` to the next segment's first page in memory. Where both segments
/// show the same file contents at the same distance, the page may be shared.
fn memory_room(image: &Image, offset: u64, vaddr: u64, end: u64) -> u64 {
    let largest = machine::largest_page(image.machine);
    let covers = |s: &ProgramHeader| s.p_vaddr < end && s.mem_end().is_none_or(|e| e > end);
    if image.loads().any(covers) {
        return 0;
    }
    let above = image.loads().filter(|s| s.p_vaddr >= end);
    let next = above.min_by_key(|s| s.p_vaddr);
    let Some(next) = next else {
        return u64::MAX - end;
    };
    if next.p_vaddr.wrapping_sub(next.p_offset) == vaddr.wrapping_sub(offset) {
        return next.p_vaddr.saturating_sub(end);
    }
    let page = if next.p_align.is_power_of_two() {
        next.p_align.clamp(0x1000, largest)
    } else {
        largest
    };
    align_down(next.p_vaddr, page).saturating_sub(end)
}

/// Takes `len` bytes from the first gap that has them and passes `fits`, growing its segment.
fn take(
    draft: &mut Draft,
    gaps: &mut [Gap],
    len: u64,
    fits: impl Fn(&Gap) -> bool,
) -> Result<Place, Unsupported> {
    let found = gaps.iter_mut().find(|g| g.room >= len && fits(g));
    let gap = found.ok_or(Unsupported::NoPadding)?;
    let at = gap.at;
    let segment = draft.segments.get_mut(gap.segment);
    let segment = segment.ok_or(Unsupported::NoPadding)?;
    // The room was measured against both ends, so none of these sums overflows.
    gap.room -= len;
    gap.at.offset += len;
    gap.at.vaddr += len;
    segment.p_filesz += len;
    segment.p_memsz += len;
    Ok(at)
}

/// The interpreter's path with its NUL where the old one stands, if it fits, or in a gap.
fn interpreter(
    image: &Image,
    draft: &mut Draft,
    gaps: &mut [Gap],
    path: &[u8],
) -> Result<(), Unsupported> {
    let bytes = [path, b"\0"].concat();
    let len = bytes.len() as u64;
    let old = image.segment(PT_INTERP);
    let old = old.ok_or(Unsupported::Input(Fault::Interpreter))?;
    let at = if len <= old.p_filesz {
        Place {
            offset: old.p_offset,
            vaddr: old.p_vaddr,
        }
    } else {
        take(draft, gaps, len, |_| true)?
    };
    draft.put_interpreter(at, bytes);
    Ok(())
}

/// The bytes of the dynamic string table, ending with a NUL, if all that is spoken of is among them.
pub(super) fn string_table(image: &Image) -> Result<Vec<u8>, Unsupported> {
    let missing = Unsupported::Input(Fault::Strings);
    let dynamic = image.dynamic.as_ref().ok_or(missing)?;
    let at = dynamic.value(DT_STRTAB).ok_or(missing)?;
    let len = dynamic.value(DT_STRSZ).unwrap_or(0);
    if symbols::last_string(image) >= len {
        return Err(Unsupported::NoPadding);
    }
    let table = image.mapped(at, len).ok_or(missing)?;
    match table.last() {
        // Its last string goes on behind it.
        Some(last) if *last != 0 => Err(Unsupported::NoPadding),
        _ => Ok(table.into_owned()),
    }
}

/// The string table is copied, so that every offset stays, and grows there. What ordinary tools
/// read best.
pub(super) fn copied(image: &Image, goal: &Goal, base: &[u8]) -> Result<Edit, Unsupported> {
    finish(draft_copied(image, goal)?, base, false)
}

fn draft_copied<'i, 'a>(image: &'i Image<'a>, goal: &Goal) -> Result<Draft<'i, 'a>, Unsupported> {
    let mut draft = Draft::new(image);
    let long = goal.interpreter.as_ref().map_or(0, |i| i.len() as u64 + 1);
    let mut gaps_left;
    match &goal.dynamic {
        Some(dynamic) => {
            let mut table = string_table(image)?;
            let offset = table.len() as u64;
            table.extend_from_slice(&dynamic.strings());
            let len = table.len() as u64;
            gaps_left = gaps(image, len.saturating_add(long));
            draft.enter(dynamic, offset).ok_or(Unsupported::NoPadding)?;
            let at = take(&mut draft, &mut gaps_left, len, |_| true)?;
            draft.put_strings(at, table);
        }
        None => gaps_left = gaps(image, long),
    }
    if let Some(path) = &goal.interpreter {
        interpreter(image, &mut draft, &mut gaps_left, path)?;
    }
    Ok(draft)
}

/// Only the new strings go into padding; their offsets reach past the table's end, which
/// ld.so does not mind. DT_STRSZ and the section header grow to cover them where file and memory agree on the distance, so
/// that other tools find them, too.
pub(super) fn appended(image: &Image, goal: &Goal, base: &[u8]) -> Result<Edit, Unsupported> {
    finish(draft_appended(image, goal)?, base, false)
}

fn draft_appended<'i, 'a>(image: &'i Image<'a>, goal: &Goal) -> Result<Draft<'i, 'a>, Unsupported> {
    let mut draft = Draft::new(image);
    let Some(dynamic) = &goal.dynamic else {
        return Err(Unsupported::NoPadding);
    };
    let strings = dynamic.strings();
    let len = strings.len() as u64;
    let long = goal.interpreter.as_ref().map_or(0, |i| i.len() as u64 + 1);
    let mut left = gaps(image, len.saturating_add(long));
    let missing = Unsupported::Input(Fault::Strings);
    let table = image.dynamic.as_ref().and_then(|d| d.value(DT_STRTAB));
    let table = table.ok_or(missing)?;
    let bias = table.wrapping_sub(image.offset_of(table, 1).ok_or(missing)?);
    let above = |gap: &Gap| gap.at.vaddr > table;
    let near = |gap: &Gap| above(gap) && gap.at.vaddr.wrapping_sub(gap.at.offset) == bias;
    let (at, covered) = match take(&mut draft, &mut left, len, near) {
        Ok(at) => (at, true),
        Err(_) => (take(&mut draft, &mut left, len, above)?, false),
    };
    // `above` holds: this is not negative.
    let offset = at.vaddr.wrapping_sub(table);
    if u32::try_from(offset).is_err() {
        return Err(Unsupported::NoPadding);
    }
    draft.enter(dynamic, offset).ok_or(Unsupported::NoPadding)?;
    if covered {
        draft.grow_strings(offset + len);
    }
    draft.put(at.offset, strings);
    if let Some(path) = &goal.interpreter {
        interpreter(image, &mut draft, &mut left, path)?;
    }
    Ok(draft)
}

/// In place although no entry of the dynamic table is free: one that says nothing new is given up.
pub(super) fn exchanged(image: &Image, goal: &Goal, base: &[u8]) -> Result<Edit, Unsupported> {
    draft_copied(image, goal)
        .and_then(|draft| finish(draft, base, true))
        .or_else(|_| finish(draft_appended(image, goal)?, base, true))
}

fn finish(mut draft: Draft, base: &[u8], exchange: bool) -> Result<Edit, Unsupported> {
    if exchange {
        draft.spare_entries();
    }
    if draft.dynamic_lacks() > 0 {
        return Err(Unsupported::NoPadding);
    }
    draft.finish(base)
}
