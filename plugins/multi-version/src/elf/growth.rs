//! At the file's end: one more PT_LOAD, for files without padding or without spare dynamic entries.
//!
//! The new segment lies above everything else in memory. Its program header takes the place of
//! what follows the table ([`super::slot`]), or PT_PHDR's in a program at a fixed address; or
//! the whole table goes to the end.

use goblin::elf::ProgramHeader;

use super::consts::*;
use super::draft::{Draft, Place};
use super::image::Image;
use super::layout::{Section, Segment, align_up};
use super::patch::Edit;
use super::rewrite::Unsupported;
use super::wish::Goal;
use super::{machine, padding, slot};

/// What is collected for the new segment.
struct Payload {
    at: Place,
    len: u64,
}

impl Payload {
    /// A place for `len` bytes.
    fn take(&mut self, len: u64, align: u64) -> Result<Place, Unsupported> {
        let sum = |a: u64| align_up(a, align).ok_or(Unsupported::NoAddresses);
        let start = sum(self.len)?;
        let add = |a: u64| a.checked_add(start).ok_or(Unsupported::NoAddresses);
        let place = Place {
            offset: add(self.at.offset)?,
            vaddr: add(self.at.vaddr)?,
        };
        self.len = start.checked_add(len).ok_or(Unsupported::NoAddresses)?;
        Ok(place)
    }
}

/// The table stays where it is and grows by one entry.
pub(super) fn segment(image: &Image, goal: &Goal, base: &[u8]) -> Result<Edit, Unsupported> {
    with_slot(image, goal, base, slot::Reach::Hashes)
}

/// The same, after more moved: the symbols, too.
pub(super) fn symbols(image: &Image, goal: &Goal, base: &[u8]) -> Result<Edit, Unsupported> {
    with_slot(image, goal, base, slot::Reach::Symbols)
}

fn with_slot(
    image: &Image,
    goal: &Goal,
    base: &[u8],
    reach: slot::Reach,
) -> Result<Edit, Unsupported> {
    let align = alignment(image);
    let mut payload = payload(image, align, 16)?;
    let mut draft = Draft::new(image);
    let evicted = match slot::make(image, &mut draft, reach) {
        Ok(evicted) => {
            for segment in draft.segments.iter_mut().filter(|s| s.p_type == PT_PHDR) {
                segment.p_filesz = table_len(image);
                segment.p_memsz = segment.p_filesz;
            }
            evicted
        }
        // PT_PHDR tells ld.so how far a program was moved. One at a fixed address was not.
        Err(_) if image.kind == ET_EXEC && image.segment(PT_PHDR).is_some() => {
            draft = Draft::new(image);
            draft.segments.retain(|s| s.p_type != PT_PHDR);
            slot::Evicted::default()
        }
        Err(why) => return Err(why),
    };
    fill(image, goal, &mut draft, &mut payload, evicted)?;
    finish(image, draft, payload, align, base)
}

/// The table goes to the end, too. Only for what ld.so alone reads: kernels before 5.18 take the table's
/// address from its place in the file. It starts a page, since ld.so looks for it in the first
/// segment whose last page, filled up, reaches it.
pub(super) fn table(image: &Image, goal: &Goal, base: &[u8]) -> Result<Edit, Unsupported> {
    if image.kind != ET_DYN || image.segment(PT_INTERP).is_some() {
        return Err(Unsupported::NoHeaderSlot);
    }
    let align = alignment(image);
    let page = machine::largest_page(image.machine);
    with_table(image, goal, base, payload(image, align, page)?, align)
}

/// The table goes to the end of a program, too, [`in_step`].
pub(super) fn lifted(image: &Image, goal: &Goal, base: &[u8]) -> Result<Edit, Unsupported> {
    let align = alignment(image);
    with_table(image, goal, base, in_step(image, align)?, align)
}

/// The table is the first of what goes to the end.
fn with_table(
    image: &Image,
    goal: &Goal,
    base: &[u8],
    mut payload: Payload,
    align: u64,
) -> Result<Edit, Unsupported> {
    let mut draft = Draft::new(image);
    let size = table_len(image);
    let at = payload.take(size, 16)?;
    draft.phoff = at.offset;
    for segment in draft.segments.iter_mut().filter(|s| s.p_type == PT_PHDR) {
        segment.p_offset = at.offset;
        segment.p_vaddr = at.vaddr;
        segment.p_paddr = at.vaddr;
        segment.p_filesz = size;
        segment.p_memsz = size;
    }
    let none = slot::Evicted::default();
    fill(image, goal, &mut draft, &mut payload, none)?;
    finish(image, draft, payload, align, base)
}

/// The length of the table with one more header.
fn table_len(image: &Image) -> u64 {
    (image.segments.len() as u64 + 1) * image.layout.phdr_len()
}

/// The alignment of the new segment: what any page of the machine or any segment asks for.
fn alignment(image: &Image) -> u64 {
    let asked = image.loads().map(|s| s.p_align);
    let asked = asked.filter(|a| a.is_power_of_two()).max().unwrap_or(1);
    asked.max(machine::largest_page(image.machine))
}

/// An empty payload behind the file's end and above its image.
fn payload(image: &Image, align: u64, start: u64) -> Result<Payload, Unsupported> {
    if has_data_behind(image) {
        return Err(Unsupported::DataBehind);
    }
    let top = image.loads().filter_map(Segment::mem_end).max();
    let top = top.and_then(|t| align_up(t, align));
    let shown = image.loads().filter_map(Segment::file_end).max();
    let shown = shown.unwrap_or(0).max(image.view.len());
    let offset = align_up(shown, start);
    let (Some(top), Some(offset)) = (top, offset) else {
        return Err(Unsupported::NoAddresses);
    };
    let vaddr = top.checked_add(offset & (align - 1));
    let vaddr = vaddr.ok_or(Unsupported::NoAddresses)?;
    Ok(Payload {
        at: Place { offset, vaddr },
        len: 0,
    })
}

/// The longest hole a file may grow by. It takes no room on disk, but whoever reads the file whole reads it, too.
const LONGEST_HOLE: u64 = 1 << 26;

/// An empty payload on a page of its own, its address as far from its offset as the first segment's. For where a
/// program's table is in memory, kernels before 5.18 reckon as if it were in the first segment,
/// later ones look which segment holds it, and ld.so takes what they say for PT_PHDR's
/// address: here all agree. Addresses run ahead of offsets by what is zero in memory
/// only, so that a hole comes before it.
fn in_step(image: &Image, align: u64) -> Result<Payload, Unsupported> {
    let page = machine::largest_page(image.machine);
    let at = payload(image, page, page)?.at;
    let first = image.loads().next();
    let ahead = first.and_then(|f| f.p_vaddr.checked_sub(f.p_offset));
    let ahead = ahead.filter(|a| a & (align - 1) == 0);
    let ahead = ahead.ok_or(Unsupported::NoHeaderSlot)?;
    let behind = at.offset.checked_add(ahead);
    let vaddr = at.vaddr.max(behind.ok_or(Unsupported::NoAddresses)?);
    let offset = vaddr - ahead;
    if offset - image.view.len() > LONGEST_HOLE {
        return Err(Unsupported::NoHeaderSlot);
    }
    Ok(Payload {
        at: Place { offset, vaddr },
        len: 0,
    })
}

/// Whether something follows the image that no header speaks of: more than what fills its last page up.
pub(super) fn has_data_behind(image: &Image) -> bool {
    let (end, len) = (described_end(image), image.view.len());
    let Some(behind) = len.checked_sub(end).filter(|b| *b > 0) else {
        return false;
    };
    let page = align_up(end, machine::largest_page(image.machine));
    page.is_none_or(|page| len > page) || image.view.zeros(end, behind) < behind
}

/// Where the last thing that a header speaks of ends.
pub(super) fn described_end(image: &Image) -> u64 {
    let layout = image.layout;
    let sections = image.sections.iter().filter(|s| s.in_file());
    let sections = sections.map(|s| s.sh_offset.saturating_add(s.sh_size));
    let segments = image.segments.iter().filter_map(Segment::file_end);
    let tables = [
        image.phoff + image.segments.len() as u64 * layout.phdr_len(),
        image
            .shoff
            .saturating_add(image.sections.len() as u64 * layout.shdr_len()),
    ];
    let all = sections.chain(segments).chain(tables);
    all.max().unwrap_or(0)
}

/// Puts everything into the payload.
fn fill(
    image: &Image,
    goal: &Goal,
    draft: &mut Draft,
    payload: &mut Payload,
    evicted: slot::Evicted,
) -> Result<(), Unsupported> {
    // The strings after a copy of the others, so that tools find them; or alone, counted from where the others are.
    let none = Unsupported::NoAddresses;
    let mut strings = None;
    if let Some(dynamic) = &goal.dynamic {
        let new = dynamic.strings();
        match padding::string_table(image) {
            Ok(mut table) => {
                let offset = table.len() as u64;
                draft.enter(dynamic, offset).ok_or(none)?;
                table.extend_from_slice(&new);
                strings = Some(table);
            }
            Err(_) => {
                let at = payload.take(new.len() as u64, 1)?;
                let table = image.dynamic.as_ref().and_then(|d| d.value(DT_STRTAB));
                let offset = table.and_then(|table| at.vaddr.checked_sub(table));
                let entered = offset.and_then(|offset| draft.enter(dynamic, offset));
                entered.ok_or(none)?;
                draft.put(at.offset, new);
            }
        }
    }
    if draft.dynamic_lacks() > 0 {
        // ld.so writes into it, so it takes the segment's being writable with it.
        let at = payload.take(draft.dynamic_len(), 16)?;
        draft.move_dynamic(at);
    }
    for table in evicted.tables {
        let at = payload.take(table.bytes.len() as u64, 8)?;
        draft.put_table(table.tag, table.kind, at, table.bytes);
    }
    if let Some(table) = strings {
        let at = payload.take(table.len() as u64, 1)?;
        draft.put_strings(at, table);
    }
    let Some(path) = goal.interpreter.clone().or(evicted.interpreter) else {
        return Ok(());
    };
    let bytes = [path.as_slice(), b"\0"].concat();
    let at = payload.take(bytes.len() as u64, 1)?;
    draft.put_interpreter(at, bytes);
    Ok(())
}

/// Enters the segment behind the last PT_LOAD.
fn finish(
    image: &Image,
    mut draft: Draft,
    payload: Payload,
    align: u64,
    base: &[u8],
) -> Result<Edit, Unsupported> {
    let end = payload.at.vaddr.checked_add(payload.len);
    let highest = machine::highest_address(image.layout);
    if end.is_none_or(|e| e > highest) {
        return Err(Unsupported::NoAddresses);
    }
    let last = draft.segments.iter().rposition(|s| s.p_type == PT_LOAD);
    let place = last.and_then(|l| l.checked_add(1));
    let place = place.ok_or(Unsupported::NoAddresses)?;
    let writable = if draft.dynamic_lacks() > 0 { PF_W } else { 0 };
    draft.segments.insert(
        place,
        ProgramHeader {
            p_type: PT_LOAD,
            p_flags: PF_R | writable,
            p_offset: payload.at.offset,
            p_vaddr: payload.at.vaddr,
            p_paddr: payload.at.vaddr,
            p_filesz: payload.len,
            p_memsz: payload.len,
            p_align: align,
        },
    );
    let len = payload.at.offset.checked_add(payload.len);
    draft.len = len.ok_or(Unsupported::NoAddresses)?;
    draft.finish(base)
}
