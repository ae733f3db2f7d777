//! Whether an edit does what was wished, and nothing else.
//!
//! Reads the result anew and trusts nothing the rewriting computed: the input's checks must hold, every
//! difference must be one that was wished, and nothing may be written over other sections.

use goblin::elf::{Dyn, ProgramHeader};

use super::consts::*;
use super::fault::Fault;
use super::image::Image;
use super::info::DynamicInfo;
use super::layout::{Section, Segment};
use super::patch::Edit;
use super::rewrite::Unsupported;
use super::view::Write;
use super::wish::Goal;
use super::{notes, symbols};

/// Compares a file with what an edit makes of it.
pub(super) fn verify(
    before: &Image,
    goal: &Goal,
    base: &[u8],
    edit: &Edit,
) -> Result<(), Unsupported> {
    let after = Image::read(edit.view(base)).map_err(Unsupported::Output)?;
    after.check().map_err(Unsupported::Output)?;
    let unwished = |holds: bool, what| match holds {
        true => Ok(()),
        false => Err(Unsupported::Unwished(what)),
    };
    unwished(strings_as_wished(before, goal, &after)?, "its strings")?;
    unwished(same_entries(before, &after), "its dynamic entries")?;
    unwished(same_loads(before, &after), "its segments to load")?;
    unwished(same_others(before, &after), "its other segments")?;
    unwished(table_agreed(before, &after), "its program headers' address")?;
    unwished(same_tables(before, &after), "its symbols")?;
    unwished(same_names(before, &after), "its names")?;
    unwished(same_sections(before, &after), "its sections")?;
    let symbols = |image: &Image| image.dynamic.as_ref().and_then(|d| d.value(DT_SYMTAB));
    let moved = symbols(before).filter(|at| symbols(&after) != Some(*at));
    let writes = &edit.writes;
    let kept = writes.iter().all(|w| spares_contents(before, w, moved));
    unwished(kept, "its contents")
}

fn strings_as_wished(before: &Image, goal: &Goal, after: &Image) -> Result<bool, Unsupported> {
    let mut expected = DynamicInfo::of(before).map_err(Unsupported::Input)?;
    let found = DynamicInfo::of(after).map_err(Unsupported::Output)?;
    if let Some(path) = &goal.interpreter {
        expected.interpreter = Some(path.clone());
    }
    if let Some(dynamic) = &goal.dynamic {
        expected.needed.extend(dynamic.needed.iter().cloned());
        let (used, other) = match dynamic.tag {
            DT_RPATH => (&mut expected.rpath, &mut expected.runpath),
            _ => (&mut expected.runpath, &mut expected.rpath),
        };
        used.clone_from(&dynamic.path);
        *other = None;
    }
    Ok(expected == found)
}

/// Entries that a rewrite may change or add.
fn may_change(tag: u64) -> bool {
    matches!(
        tag,
        DT_RPATH
            | DT_RUNPATH
            | DT_STRTAB
            | DT_STRSZ
            | DT_HASH
            | DT_GNU_HASH
            | DT_SYMTAB
            | DT_NEEDED
            | DT_MIPS_RLD_MAP_REL
    )
}

/// The others are the same in the same order; only what can be spared may be gone.
fn same_entries(before: &Image, after: &Image) -> bool {
    let entries = |image: &Image| -> Vec<Dyn> {
        let all = image.dynamic.iter().flat_map(|d| &d.entries);
        all.filter(|e| !may_change(e.d_tag)).cloned().collect()
    };
    let new = entries(after);
    let mut new = new.iter().peekable();
    for old in entries(before) {
        let kept = new.next_if(|n| **n == old).is_some();
        if !kept && !before.dynamic.iter().any(|d| d.can_spare(&old)) {
            return false;
        }
    }
    new.next().is_none()
}

/// Each old segment is where it was; only zeros were added behind it.
fn same_loads(before: &Image, after: &Image) -> bool {
    let mut new = after.loads();
    let all_there = before.loads().all(|old| {
        new.next().is_some_and(|new| {
            let grown = ProgramHeader {
                p_filesz: new.p_filesz,
                p_memsz: new.p_memsz,
                ..old.clone()
            };
            let by = new.p_filesz.checked_sub(old.p_filesz);
            let mem_by = new.p_memsz.checked_sub(old.p_memsz);
            let gap = old
                .file_end()
                .zip(by)
                .is_some_and(|(end, by)| before.view.zeros(end, by) == by);
            *new == grown && by == mem_by && gap
        })
    });
    // At most one more, above all of them.
    all_there && new.count() <= 1
}

/// Where a program's table moved to is the same by its offset, as kernels before 5.18 reckon, as by the segment that
/// holds it; and it is the only segment to hold it.
fn table_agreed(before: &Image, after: &Image) -> bool {
    if after.phoff == before.phoff || after.segment(PT_INTERP).is_none() {
        return true;
    }
    let len = after.segments.len() as u64 * after.layout.phdr_len();
    let (from, to) = (after.phoff, after.phoff.saturating_add(len));
    let touches = |s: &&ProgramHeader| s.p_offset < to && s.file_end().is_none_or(|e| e > from);
    let first = after.loads().next();
    let first = first.and_then(|f| after.phoff.checked_sub(f.p_offset)?.checked_add(f.p_vaddr));
    after.loads().filter(touches).count() == 1
        && first.and_then(|vaddr| after.offset_of(vaddr, len)) == Some(from)
}

fn same_others(before: &Image, after: &Image) -> bool {
    // See `growth::segment`.
    let spared = before.kind == ET_EXEC && after.segment(PT_PHDR).is_none();
    let own = |s: &&ProgramHeader| s.p_type != PT_LOAD && !(spared && s.p_type == PT_PHDR);
    let (mut old, mut new) = (
        before.segments.iter().filter(own),
        after.segments.iter().filter(own),
    );
    loop {
        let (old, new) = match (old.next(), new.next()) {
            (None, None) => return true,
            (Some(old), Some(new)) => (old, new),
            _ => return false,
        };
        let same = match old.p_type {
            PT_INTERP | PT_PHDR | PT_DYNAMIC => {
                old.p_type == new.p_type && old.p_flags == new.p_flags
            }
            PT_NOTE | PT_GNU_PROPERTY => {
                let contents = |image: &Image, s: &ProgramHeader| {
                    let raw = image.view.bytes(s.p_offset, s.p_filesz);
                    raw.map(|r| r.into_owned())
                };
                let moved = ProgramHeader {
                    p_offset: new.p_offset,
                    p_vaddr: new.p_vaddr,
                    p_paddr: new.p_paddr,
                    ..old.clone()
                };
                // Contents agree, and stay in step with where they are mapped.
                let same = contents(before, old) == contents(after, new);
                let placed = || {
                    let before = notes::placed(before, old);
                    before.is_some() && before == notes::placed(after, new)
                };
                *new == moved
                    && (same || placed())
                    && (old == new
                        || after.offset_of(new.p_vaddr, new.p_filesz) == Some(new.p_offset))
            }
            _ => old == new,
        };
        if !same {
            return false;
        }
    }
}

/// Tables of symbols and their hashes that moved say the same.
fn same_tables(before: &Image, after: &Image) -> bool {
    let value = |image: &Image, tag| image.dynamic.as_ref().and_then(|d| d.value(tag));
    [DT_SYMTAB, DT_HASH, DT_GNU_HASH].into_iter().all(|tag| {
        let contents = |image: &Image| {
            let (offset, len) = symbols::extent(image, tag).ok()??;
            image.view.bytes(offset, len).map(|r| r.into_owned())
        };
        if value(before, tag) == value(after, tag) {
            return true;
        }
        let old = contents(before);
        old.is_some() && old == contents(after)
    })
}

/// A string table that moved has all that is spoken of where it was.
fn same_names(before: &Image, after: &Image) -> bool {
    let value = |image: &Image, tag| image.dynamic.as_ref().and_then(|d| d.value(tag));
    let len = value(before, DT_STRSZ).unwrap_or(0);
    let table = |image: &Image| {
        let raw = image.mapped(value(image, DT_STRTAB)?, len)?;
        Some(raw.into_owned())
    };
    let moved = value(before, DT_STRTAB) != value(after, DT_STRTAB);
    !moved
        || (symbols::last_string(before) < len
            && table(before).is_some_and(|old| old.last() == Some(&0) && Some(old) == table(after)))
}

/// Section headers keep number, order, kind and flags.
fn same_sections(before: &Image, after: &Image) -> bool {
    let kept = |image: &Image| -> Vec<_> {
        let all = image.sections.iter();
        all.map(|s| (s.sh_name, s.sh_type, s.sh_flags, s.sh_link, s.sh_info))
            .collect()
    };
    kept(before) == kept(after)
}

/// Whether a write leaves alone what sections hold, but what a rewrite may move: the symbols where that is where they
/// were.
fn spares_contents(before: &Image, write: &Write, symbols: Option<u64>) -> bool {
    let interpreter = before.segment(PT_INTERP).map(|s| s.p_offset);
    before
        .sections
        .iter()
        .filter(|s| s.in_file())
        .all(|section| {
            let movable = matches!(
                section.sh_type,
                SHT_DYNAMIC | SHT_NOTE | SHT_HASH | SHT_GNU_HASH
            ) || Some(section.sh_offset) == interpreter
                || (section.sh_type == SHT_DYNSYM && Some(section.sh_addr) == symbols);
            let apart = write.end().is_some_and(|e| e <= section.sh_offset)
                || section.sh_offset.saturating_add(section.sh_size) <= write.offset;
            movable || apart
        })
}

/// What the output check says of a file as it is.
pub fn check(base: &[u8]) -> Result<(), Fault> {
    Image::read(super::view::View::of(base))?.check()
}
