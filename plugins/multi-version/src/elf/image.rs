//! An ELF file, read and checked.
//!
//! Works from program headers; section headers are used where they are there and whole. The checks
//! are the same for a file from a package and for what a rewrite would make of it: what
//! the kernel (`binfmt_elf.c`) and ld.so (`dl-load.c`, `rtld.c`) need to load it, and no more. A program is mapped by the
//! kernel, a library by ld.so, which asks for more.

use std::borrow::Cow;

use goblin::elf::{Dyn, ProgramHeader, SectionHeader};

use super::consts::*;
use super::fault::Fault;
use super::layout::{Layout, Section, Segment, align_up};
use super::view::View;

/// The kernel's bound on an interpreter's path, and ours on any string of the dynamic table.
pub const PATH_MAX: u64 = 4096;
const STRING_MAX: u64 = 1 << 16;
/// The smallest page any machine has: what kernel and ld.so ask for at least.
pub const PAGE: u64 = 0x1000;
const TABLE_MAX: u64 = 1 << 16;

/// Headers and dynamic table of a file.
#[derive(Clone)]
pub struct Image<'a> {
    /// The bytes.
    pub view: View<'a>,
    /// Class and byte order.
    pub layout: Layout,
    /// `e_type`: ET_EXEC or ET_DYN or another.
    pub kind: u16,
    /// `e_machine`.
    pub machine: u16,
    /// `e_flags`.
    pub flags: u32,
    /// Where the program header table is.
    pub phoff: u64,
    /// The program headers.
    pub segments: Vec<ProgramHeader>,
    /// Where the section header table is.
    pub shoff: u64,
    /// The section headers; none where the table is missing or not whole.
    pub sections: Vec<SectionHeader>,
    /// `.dynamic`, where PT_DYNAMIC has contents.
    pub dynamic: Option<Dynamic>,
}

/// The dynamic table.
#[derive(Debug, Clone, PartialEq)]
pub struct Dynamic {
    /// Where it is in the file.
    pub offset: u64,
    /// Where it is in memory.
    pub vaddr: u64,
    /// What stands before the first DT_NULL.
    pub entries: Vec<Dyn>,
    /// How many entries may be added before the last DT_NULL.
    pub spare: u64,
}

impl Dynamic {
    /// The value of a tag; of several the last, as ld.so has it.
    pub fn value(&self, tag: u64) -> Option<u64> {
        let found = self.entries.iter().rev().find(|e| e.d_tag == tag);
        found.map(|e| e.d_val)
    }

    /// Whether ld.so does the same without an entry: counts of relative relocations, which only hasten it,
    /// and what DT_FLAGS_1 says as well.
    pub(super) fn can_spare(&self, entry: &Dyn) -> bool {
        let now = self.value(DT_FLAGS_1).is_some_and(|f| f & DF_1_NOW != 0);
        match entry.d_tag {
            DT_RELACOUNT | DT_RELCOUNT => true,
            DT_BIND_NOW => now,
            DT_FLAGS => now && entry.d_val == DF_BIND_NOW,
            _ => false,
        }
    }

    /// Every value of a tag, in order.
    pub fn values(&self, tag: u64) -> impl Iterator<Item = u64> + '_ {
        let with = self.entries.iter().filter(move |e| e.d_tag == tag);
        with.map(|e| e.d_val)
    }
}

impl<'a> Image<'a> {
    /// Reads headers and dynamic table, as far as they are there.
    pub fn read(view: View<'a>) -> Result<Image<'a>, Fault> {
        let ident = view.bytes(0, SIZEOF_IDENT as u64).ok_or(Fault::NotElf)?;
        let layout = match *ident {
            [0x7f, b'E', b'L', b'F', class, data, ..] => match (class, data) {
                (ELFCLASS32 | ELFCLASS64, ELFDATA2LSB | ELFDATA2MSB) => Layout {
                    wide: class == ELFCLASS64,
                    big: data == ELFDATA2MSB,
                },
                _ => return Err(Fault::Ident),
            },
            _ => return Err(Fault::NotElf),
        };
        let raw = view.bytes(0, layout.ehdr_len()).ok_or(Fault::NotElf)?;
        let header = layout.header(&raw).ok_or(Fault::NotElf)?;
        let (phoff, phnum) = (header.e_phoff, u64::from(header.e_phnum));
        let (shoff, shnum) = (header.e_shoff, u64::from(header.e_shnum));
        // As the kernel has it; PN_XNUM is beyond that, too.
        if phnum * layout.phdr_len() > TABLE_MAX {
            return Err(Fault::ManySegments);
        }
        if phnum > 0 && u64::from(header.e_phentsize) != layout.phdr_len() {
            return Err(Fault::Table);
        }
        let segments = segments(view, layout, phoff, phnum)?;
        let sections = if u64::from(header.e_shentsize) == layout.shdr_len() && shoff != 0 {
            sections(view, layout, shoff, shnum).unwrap_or_default()
        } else {
            Vec::new()
        };
        let mut image = Image {
            view,
            layout,
            kind: header.e_type,
            machine: header.e_machine,
            flags: header.e_flags,
            phoff,
            segments,
            shoff,
            sections,
            dynamic: None,
        };
        image.dynamic = image.read_dynamic()?;
        Ok(image)
    }

    /// The first segment of a kind.
    pub fn segment(&self, kind: u32) -> Option<&ProgramHeader> {
        self.segments.iter().find(|s| s.p_type == kind)
    }

    /// What is to be loaded.
    pub fn loads(&self) -> impl DoubleEndedIterator<Item = &ProgramHeader> {
        self.segments.iter().filter(|s| s.p_type == PT_LOAD)
    }

    /// The contents of a segment, as far as the file goes.
    pub fn contents(&self, segment: &ProgramHeader) -> Option<Cow<'a, [u8]>> {
        let left = self.view.len().checked_sub(segment.p_offset)?;
        let len = segment.p_filesz.min(left);
        self.view.bytes(segment.p_offset, len)
    }

    /// Where `len` bytes at an address are in the file.
    pub fn offset_of(&self, vaddr: u64, len: u64) -> Option<u64> {
        let load = self.loads().find(|s| s.holds(vaddr, len))?;
        load.p_offset.checked_add(vaddr.checked_sub(load.p_vaddr)?)
    }

    /// `len` bytes at an address.
    pub fn mapped(&self, vaddr: u64, len: u64) -> Option<Cow<'a, [u8]>> {
        self.view.bytes(self.offset_of(vaddr, len)?, len)
    }

    /// A string of the dynamic string table, without its NUL.
    pub fn string(&self, offset: u64) -> Option<Vec<u8>> {
        let table = self.dynamic.as_ref()?.value(DT_STRTAB)?;
        self.string_at(table.checked_add(offset)?)
    }

    /// The string at an address, without its NUL.
    pub fn string_at(&self, vaddr: u64) -> Option<Vec<u8>> {
        let load = self.loads().find(|s| s.holds(vaddr, 1))?;
        let start = load
            .p_offset
            .checked_add(vaddr.checked_sub(load.p_vaddr)?)?;
        let end = load.file_end()?.min(self.view.len());
        let room = end.checked_sub(start)?.min(STRING_MAX);
        let mut len = 64;
        loop {
            let raw = self.view.bytes(start, room.min(len))?;
            if let Some(end) = memchr::memchr(0, &raw) {
                return raw.get(..end).map(<[u8]>::to_vec);
            }
            if len >= room {
                return None;
            }
            len *= 4;
        }
    }

    /// PT_INTERP's path, without its NUL.
    pub fn interpreter(&self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(segment) = self.segment(PT_INTERP) else {
            return Ok(None);
        };
        if !(2..=PATH_MAX).contains(&segment.p_filesz) {
            return Err(Fault::Interpreter);
        }
        let raw = self.view.bytes(segment.p_offset, segment.p_filesz);
        let raw = raw.ok_or(Fault::Interpreter)?;
        match memchr::memchr(0, &raw) {
            Some(end) if end > 0 && raw.last() == Some(&0) => {
                Ok(raw.get(..end).map(<[u8]>::to_vec))
            }
            _ => Err(Fault::Interpreter),
        }
    }

    /// Whether it is what `objcopy --only-keep-debug` leaves: headers of a dynamic table without
    /// the table.
    pub fn is_detached_debug(&self) -> bool {
        let Some(segment) = self.segment(PT_DYNAMIC) else {
            return false;
        };
        let emptied = |s: &SectionHeader| {
            s.sh_type == SHT_NOBITS && s.sh_addr == segment.p_vaddr && s.sh_size > 0
        };
        segment.p_filesz == 0
            || (self.sections.iter().any(emptied)
                && !self.sections.iter().any(|s| s.sh_type == SHT_DYNAMIC))
    }

    fn read_dynamic(&self) -> Result<Option<Dynamic>, Fault> {
        let Some(segment) = self.segment(PT_DYNAMIC) else {
            return Ok(None);
        };
        if self.is_detached_debug() {
            return Ok(None);
        }
        let step = self.layout.dyn_len();
        let own = |s: &&SectionHeader| s.sh_type == SHT_DYNAMIC && s.sh_addr == segment.p_vaddr;
        let size = match self.sections.iter().find(own) {
            Some(section) => segment.p_filesz.min(section.sh_size),
            None => segment.p_filesz,
        };
        // ld.so goes by no size, but reads to the end mark.
        let load = self.loads().find(|s| s.holds(segment.p_vaddr, step));
        let left = load.and_then(|s| s.file_end()?.checked_sub(segment.p_offset));
        let most = self.view.len().saturating_sub(segment.p_offset);
        let most = left.unwrap_or(0).max(size).min(most);
        let raw = self.view.bytes(segment.p_offset, most);
        let raw = raw.ok_or(Fault::Dynamic)?;
        let entry = |n: u64| self.layout.record::<Dyn>(&raw, n.checked_mul(step)?);
        let mut entries = Vec::new();
        loop {
            match entry(entries.len() as u64).ok_or(Fault::Dynamic)? {
                Dyn { d_tag: DT_NULL, .. } => break,
                _ if entries.len() as u64 * step > TABLE_MAX => return Err(Fault::Dynamic),
                found => entries.push(found),
            }
        }
        let free = (entries.len() as u64 + 1)..size / step;
        let nothing = Dyn::default();
        let spare = free.take_while(|n| entry(*n).as_ref() == Some(&nothing));
        Ok(Some(Dynamic {
            offset: segment.p_offset,
            vaddr: segment.p_vaddr,
            spare: spare.count() as u64,
            entries,
        }))
    }

    /// Everything a loader relies on.
    pub fn check(&self) -> Result<(), Fault> {
        self.check_loads()?;
        self.check_heads()?;
        self.interpreter()?;
        self.check_dynamic()
    }

    /// What the kernel needs to map a program, and ld.so to map a library.
    fn check_loads(&self) -> Result<(), Fault> {
        let library = self.segment(PT_INTERP).is_none();
        // Whoever maps a file sees zeros up to the end of its last page.
        let seen = align_up(self.view.len(), PAGE).ok_or(Fault::Contents)?;
        let mut all: Vec<&ProgramHeader> = Vec::new();
        for load in self.loads() {
            if load.file_end().is_none_or(|e| e > seen) {
                return Err(Fault::Contents);
            }
            if load.p_filesz > load.p_memsz && !library {
                return Err(Fault::Sizes);
            }
            // Whatever p_align says: both look at the page alone.
            if load.p_offset % PAGE != load.p_vaddr % PAGE {
                return Err(Fault::Alignment);
            }
            if load.mem_end().ok_or(Fault::Order)? > load.p_vaddr {
                all.push(load);
            }
        }
        // ld.so maps a library from where the first begins to where the last ends.
        let ends = |s: &&ProgramHeader| (s.p_vaddr, s.mem_end());
        let (first, last) = (all.first().map(ends), all.last().map(ends));
        // Where two overlap, both have to show the same of the file, or who reads it has to know which was mapped last.
        all.sort_by_key(|s| s.p_vaddr);
        let outside = |s: &&ProgramHeader| {
            first.is_some_and(|(start, _)| s.p_vaddr < start)
                || last.is_some_and(|(_, end)| s.mem_end() > end)
        };
        if library && all.iter().any(outside) {
            return Err(Fault::Order);
        }
        let mut reach: Option<(u64, u64)> = None;
        for load in &all {
            let ahead = load.p_vaddr.wrapping_sub(load.p_offset);
            let end = load.mem_end().ok_or(Fault::Order)?;
            reach = match reach {
                Some((to, of)) if load.p_vaddr < to && of != ahead => return Err(Fault::Order),
                Some((to, of)) if to > end => Some((to, of)),
                _ => Some((end, ahead)),
            };
        }
        match reach {
            None => Err(Fault::NothingToLoad),
            Some(_) => Ok(()),
        }
    }

    /// PT_PHDR, PT_INTERP and PT_DYNAMIC: at most one each, and mapped. In which order matters to nobody.
    fn check_heads(&self) -> Result<(), Fault> {
        for (kind, name) in [
            (PT_PHDR, "PHDR"),
            (PT_INTERP, "INTERP"),
            (PT_DYNAMIC, "DYNAMIC"),
        ] {
            let mut own = self.segments.iter().filter(|s| s.p_type == kind);
            let Some(segment) = own.next() else {
                continue;
            };
            if own.next().is_some() {
                return Err(Fault::Several(name));
            }
            let at = self.offset_of(segment.p_vaddr, segment.p_filesz);
            let mapped = at == Some(segment.p_offset);
            match kind {
                // ld.so takes its address, and no size.
                PT_PHDR if !mapped || segment.p_offset != self.phoff => {
                    return Err(Fault::PhdrSegment);
                }
                PT_INTERP if !mapped => return Err(Fault::Interpreter),
                PT_DYNAMIC if !mapped && self.dynamic.is_some() => return Err(Fault::Dynamic),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_dynamic(&self) -> Result<(), Fault> {
        let Some(dynamic) = &self.dynamic else {
            return Ok(());
        };
        let strings = dynamic.value(DT_STRTAB).ok_or(Fault::Strings)?;
        self.offset_of(strings, 1).ok_or(Fault::Strings)?;
        for entry in &dynamic.entries {
            match entry.d_tag {
                DT_NEEDED | DT_SONAME | DT_RPATH | DT_RUNPATH => {
                    self.string(entry.d_val).ok_or(Fault::DanglingString)?;
                }
                DT_HASH | DT_GNU_HASH | DT_SYMTAB | DT_VERSYM | DT_VERDEF | DT_VERNEED => {
                    self.offset_of(entry.d_val, 4).ok_or(Fault::DanglingTable)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn segments(view: View, layout: Layout, at: u64, count: u64) -> Result<Vec<ProgramHeader>, Fault> {
    let step = layout.phdr_len();
    let raw = view.bytes(at, count * step).ok_or(Fault::Table)?;
    let mut all = Vec::new();
    for one in raw.chunks_exact(step as usize) {
        all.push(layout.record(one, 0).ok_or(Fault::Table)?);
    }
    Ok(all)
}

/// The section headers, if they are whole: contents inside the file.
fn sections(view: View, layout: Layout, at: u64, count: u64) -> Option<Vec<SectionHeader>> {
    let step = layout.shdr_len();
    let count = match count {
        // Too many for the header: the first entry says how many.
        0 => {
            let first: SectionHeader = layout.record(&view.bytes(at, step)?, 0)?;
            first.sh_size
        }
        count => count,
    };
    let raw = view.bytes(at, count.checked_mul(step)?)?;
    let mut all = Vec::new();
    for one in raw.chunks_exact(step as usize) {
        let section: SectionHeader = layout.record(one, 0)?;
        if section.in_file() && section.sh_offset.checked_add(section.sh_size)? > view.len() {
            return None;
        }
        all.push(section);
    }
    Some(all)
}
