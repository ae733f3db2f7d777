//! A file's headers and dynamic table while they are being changed.

use goblin::elf::{Dyn, ProgramHeader, SectionHeader};

use super::consts::*;
use super::fault::Fault;
use super::image::Image;
use super::layout::{Section, TooLarge};
use super::patch::Edit;
use super::rewrite::Unsupported;
use super::view::Write;
use super::wish::DynamicGoal;

/// A place for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub offset: u64,
    pub vaddr: u64,
}

/// Headers and dynamic table to be, and the bytes to go elsewhere.
pub(super) struct Draft<'i, 'a> {
    image: &'i Image<'a>,
    pub segments: Vec<ProgramHeader>,
    pub phoff: u64,
    pub len: u64,
    sections: Vec<SectionHeader>,
    /// Entries with the place each had.
    entries: Vec<(Option<u64>, Dyn)>,
    dynamic: Option<Place>,
    pieces: Vec<Write>,
}

impl<'i, 'a> Draft<'i, 'a> {
    pub fn new(image: &'i Image<'a>) -> Draft<'i, 'a> {
        let dynamic = image.dynamic.as_ref();
        let entries = dynamic.map_or(&[][..], |d| &d.entries);
        Draft {
            image,
            segments: image.segments.clone(),
            phoff: image.phoff,
            len: image.view.len(),
            sections: image.sections.clone(),
            entries: (0..).map(Some).zip(entries.iter().cloned()).collect(),
            dynamic: dynamic.map(|d| Place {
                offset: d.offset,
                vaddr: d.vaddr,
            }),
            pieces: Vec::new(),
        }
    }

    /// Puts bytes somewhere.
    pub fn put(&mut self, offset: u64, bytes: Vec<u8>) {
        self.pieces.push(Write { offset, bytes });
    }

    /// Puts the interpreter's path somewhere; `bytes` end with its NUL.
    pub fn put_interpreter(&mut self, at: Place, bytes: Vec<u8>) {
        let size = bytes.len() as u64;
        let old = self.image.segment(PT_INTERP).map(|s| s.p_vaddr);
        for segment in self.segments.iter_mut().filter(|s| s.p_type == PT_INTERP) {
            segment.p_offset = at.offset;
            segment.p_vaddr = at.vaddr;
            segment.p_paddr = at.vaddr;
            segment.p_filesz = size;
            segment.p_memsz = size;
        }
        if let Some(old) = old {
            self.move_section(SHT_PROGBITS, old, at, size);
        }
        self.put(at.offset, bytes);
    }

    /// Puts the dynamic string table somewhere.
    pub fn put_strings(&mut self, at: Place, bytes: Vec<u8>) {
        let size = bytes.len() as u64;
        if let Some(old) = self.image.dynamic.as_ref().and_then(|d| d.value(DT_STRTAB)) {
            self.move_section(SHT_STRTAB, old, at, size);
        }
        self.set(DT_STRTAB, at.vaddr);
        self.set(DT_STRSZ, size);
        self.put(at.offset, bytes);
    }

    /// Lets the dynamic string table end later, over whatever follows it.
    pub fn grow_strings(&mut self, size: u64) {
        let old = self.image.dynamic.as_ref().and_then(|d| d.value(DT_STRTAB));
        let place = old.and_then(|vaddr| {
            let offset = self.image.offset_of(vaddr, 1)?;
            Some(Place { offset, vaddr })
        });
        if let Some(at) = place {
            self.move_section(SHT_STRTAB, at.vaddr, at, size);
        }
        self.set(DT_STRSZ, size);
    }

    /// Puts a table of symbols or their hashes (`tag`, `kind`) somewhere.
    pub fn put_table(&mut self, tag: u64, kind: u32, at: Place, bytes: Vec<u8>) {
        if let Some(old) = self.image.dynamic.as_ref().and_then(|d| d.value(tag)) {
            self.move_section(kind, old, at, bytes.len() as u64);
        }
        self.set(tag, at.vaddr);
        self.put(at.offset, bytes);
    }

    /// Moves notes in `old..old + size` (offsets) up by `by`.
    pub fn shift_notes(&mut self, old: u64, size: u64, by: u64) -> Option<()> {
        let inside =
            |at: u64, len: u64| at >= old && at.checked_add(len).is_some_and(|e| e <= old + size);
        // Told by where they were: what moved before may stand in another's place now.
        for (was, segment) in self.image.segments.iter().zip(&mut self.segments) {
            if matches!(was.p_type, PT_NOTE | PT_GNU_PROPERTY) && inside(was.p_offset, was.p_filesz)
            {
                segment.p_offset = segment.p_offset.checked_add(by)?;
                segment.p_vaddr = segment.p_vaddr.checked_add(by)?;
                segment.p_paddr = segment.p_paddr.checked_add(by)?;
            }
        }
        for (was, section) in self.image.sections.iter().zip(&mut self.sections) {
            if was.sh_type == SHT_NOTE && inside(was.sh_offset, was.sh_size) {
                section.sh_offset = section.sh_offset.checked_add(by)?;
                section.sh_addr = section.sh_addr.checked_add(by)?;
            }
        }
        Some(())
    }

    /// Moves the notes in the first `lead` bytes of the run at `start..end` (offsets) behind it, the others stay.
    pub fn rotate_notes(&mut self, start: u64, lead: u64, end: u64) -> Option<()> {
        let pinned = start.checked_add(lead)?;
        let by = end.checked_sub(start)?;
        // By where they were, as above.
        for (was, segment) in self.image.segments.iter().zip(&mut self.segments) {
            let inside = was.p_offset >= start && was.p_offset < end;
            if inside && matches!(was.p_type, PT_NOTE | PT_GNU_PROPERTY) {
                if was.p_type != PT_NOTE || was.p_offset != start || was.p_filesz != by {
                    return None;
                }
                segment.p_offset = pinned;
                segment.p_vaddr = was.p_vaddr.checked_add(lead)?;
                segment.p_paddr = was.p_paddr.checked_add(lead)?;
            }
        }
        for (was, section) in self.image.sections.iter().zip(&mut self.sections) {
            if was.sh_type == SHT_NOTE && was.sh_offset >= start && was.sh_offset < pinned {
                if was.sh_offset.checked_add(was.sh_size)? > pinned {
                    return None;
                }
                section.sh_offset = was.sh_offset.checked_add(by)?;
                section.sh_addr = was.sh_addr.checked_add(by)?;
            }
        }
        Some(())
    }

    /// Where the dynamic table shall be instead.
    pub fn move_dynamic(&mut self, at: Place) {
        self.dynamic = Some(at);
    }

    /// How many bytes the dynamic table takes, with its end.
    pub fn dynamic_len(&self) -> u64 {
        (self.entries.len() as u64 + 1) * self.image.layout.dyn_len()
    }

    /// How many entries there are more than there is room for at the old place.
    pub fn dynamic_lacks(&self) -> u64 {
        let Some(dynamic) = &self.image.dynamic else {
            return 0;
        };
        let room = dynamic.entries.len() as u64 + dynamic.spare;
        (self.entries.len() as u64).saturating_sub(room)
    }

    /// Removes entries that ld.so can do without, as many as there are too many.
    pub fn spare_entries(&mut self) {
        let Some(dynamic) = &self.image.dynamic else {
            return;
        };
        while self.dynamic_lacks() > 0 {
            let dispensable = |(_, entry): &(Option<u64>, Dyn)| dynamic.can_spare(entry);
            match self.entries.iter().position(dispensable) {
                Some(place) => self.entries.remove(place),
                None => return,
            };
        }
    }

    /// Enters path and needs; their strings, in [`DynamicGoal::strings`]'s order, start at
    /// `offset` of the string table.
    pub fn enter(&mut self, goal: &DynamicGoal, offset: u64) -> Option<()> {
        let mut at = offset;
        let mut next = |string: &[u8]| {
            let here = at;
            at = at.checked_add(string.len() as u64)?.checked_add(1)?;
            Some(here)
        };
        let mut path = match &goal.path {
            Some(path) => Some(Dyn {
                d_tag: goal.tag,
                d_val: next(path)?,
            }),
            None => None,
        };
        let mut entries = Vec::new();
        for (place, entry) in self.entries.drain(..) {
            if !matches!(entry.d_tag, DT_RPATH | DT_RUNPATH) {
                entries.push((place, entry));
            } else if let Some(path) = path.take() {
                entries.push((place, path));
            }
        }
        entries.extend(path.map(|p| (None, p)));
        for soname in &goal.needed {
            let need = Dyn {
                d_tag: DT_NEEDED,
                d_val: next(soname)?,
            };
            entries.push((None, need));
        }
        self.entries = entries;
        Some(())
    }

    /// Sets the value of an entry.
    pub fn set(&mut self, tag: u64, value: u64) {
        for (_, entry) in self.entries.iter_mut().filter(|(_, e)| e.d_tag == tag) {
            entry.d_val = value;
        }
    }

    fn move_section(&mut self, kind: u32, from: u64, to: Place, size: u64) {
        let own = |s: &&mut SectionHeader| s.sh_type == kind && s.sh_addr == from && s.allocated();
        if let Some(section) = self.sections.iter_mut().find(own) {
            section.sh_addr = to.vaddr;
            section.sh_offset = to.offset;
            section.sh_size = size;
        }
    }

    /// The change as a whole.
    pub fn finish(mut self, base: &[u8]) -> Result<Edit, Unsupported> {
        let too_large = |TooLarge| Unsupported::Output(Fault::TooLarge);
        self.finish_dynamic().ok_or(too_large(TooLarge))?;
        let layout = self.image.layout;
        let mut table = Vec::new();
        for segment in &self.segments {
            layout.push(&mut table, segment).map_err(too_large)?;
        }
        self.put(self.phoff, table);
        let mut table = Vec::new();
        for (old, new) in self.image.sections.iter().zip(&self.sections) {
            if old != new {
                layout.push(&mut table, new).map_err(too_large)?;
            }
        }
        let changed = self.image.sections.iter().zip(&self.sections).enumerate();
        let step = layout.shdr_len();
        let places: Vec<u64> = changed
            .filter(|(_, (old, new))| old != new)
            .map(|(n, _)| self.image.shoff + n as u64 * step)
            .collect();
        for (offset, raw) in places.into_iter().zip(table.chunks(step as usize)) {
            self.put(offset, raw.to_vec());
        }
        let w = layout.word_len();
        if self.phoff != self.image.phoff {
            let mut raw = Vec::new();
            layout.push_word(&mut raw, self.phoff).map_err(too_large)?;
            self.put(24 + w, raw);
        }
        if self.segments.len() != self.image.segments.len() {
            let count = u16::try_from(self.segments.len()).ok();
            let count = count.filter(|n| *n < PN_XNUM).ok_or(too_large(TooLarge))?;
            let mut raw = Vec::new();
            layout.push_u16(&mut raw, count);
            self.put(24 + 3 * w + 8, raw);
        }
        let overlap = Unsupported::Layout("what is to be written overlaps");
        Edit::of(base, self.pieces, self.len).ok_or(overlap)
    }

    /// Writes the dynamic table, at its old place or at another.
    fn finish_dynamic(&mut self) -> Option<()> {
        let (Some(old), Some(at)) = (&self.image.dynamic, self.dynamic) else {
            return Some(());
        };
        let layout = self.image.layout;
        let step = layout.dyn_len();
        let mut raw = Vec::new();
        for (n, (place, entry)) in self.entries.iter().enumerate() {
            let mut entry = entry.clone();
            if let (DT_MIPS_RLD_MAP_REL, Some(place)) = (entry.d_tag, place) {
                // It counts from its own address.
                let was = old.vaddr.checked_add(place.checked_mul(step)?)?;
                let is = at.vaddr.checked_add((n as u64).checked_mul(step)?)?;
                entry.d_val = entry.d_val.wrapping_add(was).wrapping_sub(is);
                if !layout.wide {
                    entry.d_val &= u64::from(u32::MAX);
                }
            }
            layout.push(&mut raw, &entry).ok()?;
        }
        raw.resize(usize::try_from(self.dynamic_len()).ok()?, 0);
        let size = raw.len() as u64;
        if at.offset != old.offset {
            for segment in self.segments.iter_mut().filter(|s| s.p_type == PT_DYNAMIC) {
                segment.p_offset = at.offset;
                segment.p_vaddr = at.vaddr;
                segment.p_paddr = at.vaddr;
                segment.p_filesz = size;
                segment.p_memsz = size;
            }
            self.move_section(SHT_DYNAMIC, old.vaddr, at, size);
        } else {
            // A removed entry leaves zeros behind.
            let before = (old.entries.len() as u64 + 1).checked_mul(step)?;
            raw.resize(usize::try_from(size.max(before)).ok()?, 0);
        }
        self.put(at.offset, raw);
        Some(())
    }
}
