//! An ELF file, read and checked.
//!
//! Works from program headers; section headers are used where they are there and whole. The checks
//! are the same for a file from a package and for what a rewrite would make of it: what
//! the kernel (`binfmt_elf.c`) and ld.so (`dl-load.c`) need to load it.

use std::borrow::Cow;

use super::consts::*;
use super::fault::Fault;
use super::layout::{Dyn, Layout, Phdr, Shdr};
use super::view::View;

/// The kernel's bound on an interpreter's path, and ours on any string of the dynamic table.
pub const PATH_MAX: u64 = 4096;
const STRING_MAX: u64 = 1 << 16;
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
    pub segments: Vec<Phdr>,
    /// Where the section header table is.
    pub shoff: u64,
    /// The section headers; none where the table is missing or not whole.
    pub sections: Vec<Shdr>,
    /// `.dynamic`, where PT_DYNAMIC has contents.
    pub dynamic: Option<Dynamic>,
}

/// The dynamic table.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let found = self.entries.iter().rev().find(|e| e.tag == tag);
        found.map(|e| e.value)
    }

    /// Whether ld.so does the same without an entry: counts of relative relocations, which only hasten it,
    /// and what DT_FLAGS_1 says as well.
    pub(super) fn can_spare(&self, entry: &Dyn) -> bool {
        let now = self.value(DT_FLAGS_1).is_some_and(|f| f & DF_1_NOW != 0);
        match entry.tag {
            DT_RELACOUNT | DT_RELCOUNT => true,
            DT_BIND_NOW => now,
            DT_FLAGS => now && entry.value == DF_BIND_NOW,
            _ => false,
        }
    }

    /// Every value of a tag, in order.
    pub fn values(&self, tag: u64) -> impl Iterator<Item = u64> + '_ {
        let with = self.entries.iter().filter(move |e| e.tag == tag);
        with.map(|e| e.value)
    }
}

impl<'a> Image<'a> {
    /// Reads headers and dynamic table, as far as they are there.
    pub fn read(view: View<'a>) -> Result<Image<'a>, Fault> {
        let ident = view.bytes(0, 16).ok_or(Fault::NotElf)?;
        let [0x7f, b'E', b'L', b'F', class, data, version, ..] = *ident else {
            return Err(Fault::NotElf);
        };
        if !matches!((class, data, version), (1 | 2, 1 | 2, 1)) {
            return Err(Fault::Ident);
        }
        let layout = Layout {
            wide: class == 2,
            big: data == 2,
        };
        let header = view.bytes(0, layout.ehdr_len()).ok_or(Fault::NotElf)?;
        let half = |at| layout.u16(&header, at).ok_or(Fault::NotElf);
        let word = |at| layout.word(&header, at).ok_or(Fault::NotElf);
        let w = layout.word_len();
        let (phoff, shoff) = (word(24 + w)?, word(24 + 2 * w)?);
        let tail = 24 + 3 * w;
        let flags = layout.u32(&header, tail).ok_or(Fault::NotElf)?;
        let (phentsize, phnum) = (half(tail + 6)?, half(tail + 8)?);
        let (shentsize, shnum) = (half(tail + 10)?, half(tail + 12)?);
        // As the kernel has it; PN_XNUM is beyond that, too.
        if u64::from(phnum) * layout.phdr_len() > TABLE_MAX {
            return Err(Fault::ManySegments);
        }
        if phnum > 0 && u64::from(phentsize) != layout.phdr_len() {
            return Err(Fault::Table);
        }
        let segments = segments(view, layout, phoff, u64::from(phnum))?;
        let sections = if u64::from(shentsize) == layout.shdr_len() && shoff != 0 {
            sections(view, layout, shoff, u64::from(shnum)).unwrap_or_default()
        } else {
            Vec::new()
        };
        let mut image = Image {
            view,
            layout,
            kind: half(16)?,
            machine: half(18)?,
            flags,
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
    pub fn segment(&self, kind: u32) -> Option<&Phdr> {
        self.segments.iter().find(|s| s.kind == kind)
    }

    /// What is to be loaded.
    pub fn loads(&self) -> impl DoubleEndedIterator<Item = &Phdr> {
        self.segments.iter().filter(|s| s.kind == PT_LOAD)
    }

    /// Where `len` bytes at an address are in the file.
    pub fn offset_of(&self, vaddr: u64, len: u64) -> Option<u64> {
        let load = self.loads().find(|s| s.holds(vaddr, len))?;
        load.offset.checked_add(vaddr.checked_sub(load.vaddr)?)
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
        let start = load.offset.checked_add(vaddr.checked_sub(load.vaddr)?)?;
        let room = load.file_end()?.checked_sub(start)?.min(STRING_MAX);
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
        if !(2..=PATH_MAX).contains(&segment.filesz) {
            return Err(Fault::Interpreter);
        }
        let raw = self.view.bytes(segment.offset, segment.filesz);
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
        let emptied = |s: &Shdr| s.kind == SHT_NOBITS && s.addr == segment.vaddr && s.size > 0;
        segment.filesz == 0
            || (self.sections.iter().any(emptied)
                && !self.sections.iter().any(|s| s.kind == SHT_DYNAMIC))
    }

    fn read_dynamic(&self) -> Result<Option<Dynamic>, Fault> {
        let Some(segment) = self.segment(PT_DYNAMIC) else {
            return Ok(None);
        };
        if self.is_detached_debug() {
            return Ok(None);
        }
        let step = self.layout.dyn_len();
        let own = |s: &&Shdr| s.kind == SHT_DYNAMIC && s.addr == segment.vaddr;
        let size = match self.sections.iter().find(own) {
            Some(section) => segment.filesz.min(section.size),
            None => segment.filesz,
        };
        let raw = self
            .view
            .bytes(segment.offset, size)
            .ok_or(Fault::Dynamic)?;
        let entry = |n: u64| {
            Some(Dyn {
                tag: self.layout.word(&raw, n * step)?,
                value: self.layout.word(&raw, n * step + self.layout.word_len())?,
            })
        };
        let mut all = (0..size / step).map_while(entry);
        let mut entries = Vec::new();
        loop {
            match all.next().ok_or(Fault::Dynamic)? {
                Dyn { tag: DT_NULL, .. } => break,
                found => entries.push(found),
            }
        }
        let nothing = Dyn { tag: 0, value: 0 };
        let spare = all.take_while(|e| *e == nothing).count() as u64;
        Ok(Some(Dynamic {
            offset: segment.offset,
            vaddr: segment.vaddr,
            entries,
            spare,
        }))
    }

    /// Everything a loader relies on.
    pub fn check(&self) -> Result<(), Fault> {
        self.check_loads()?;
        self.check_heads()?;
        self.interpreter()?;
        for segment in &self.segments {
            // Only what is mapped can be relied on; other kinds may be empty or describe nothing.
            if segment.filesz > 0 && segment.file_end().is_none_or(|e| e > self.view.len()) {
                return Err(Fault::Contents);
            }
        }
        self.check_dynamic()
    }

    fn check_loads(&self) -> Result<(), Fault> {
        let mut end = 0;
        for load in self.loads() {
            if load.file_end().is_none_or(|e| e > self.view.len()) {
                return Err(Fault::Contents);
            }
            if load.filesz > load.memsz {
                return Err(Fault::Sizes);
            }
            let align = load.align.max(1);
            if !align.is_power_of_two() || load.offset % align != load.vaddr % align {
                return Err(Fault::Alignment);
            }
            if load.vaddr < end {
                return Err(Fault::Order);
            }
            end = load.mem_end().ok_or(Fault::Order)?;
        }
        if end == 0 {
            return Err(Fault::NothingToLoad);
        }
        Ok(())
    }

    /// PT_PHDR, PT_INTERP and PT_DYNAMIC: at most one each, mapped, the first two before the PT_LOADs.
    fn check_heads(&self) -> Result<(), Fault> {
        let first_load = self.segments.iter().position(|s| s.kind == PT_LOAD);
        for (kind, name) in [
            (PT_PHDR, "PHDR"),
            (PT_INTERP, "INTERP"),
            (PT_DYNAMIC, "DYNAMIC"),
        ] {
            let mut own = self.segments.iter().enumerate();
            let Some((place, segment)) = own.find(|(_, s)| s.kind == kind) else {
                continue;
            };
            if own.any(|(_, s)| s.kind == kind) {
                return Err(Fault::Several(name));
            }
            if kind != PT_DYNAMIC && first_load.is_some_and(|load| load < place) {
                return Err(Fault::Late(name));
            }
            let mapped = self.offset_of(segment.vaddr, segment.filesz) == Some(segment.offset);
            match kind {
                PT_PHDR => {
                    let table = self.segments.len() as u64 * self.layout.phdr_len();
                    if !mapped || segment.offset != self.phoff || segment.filesz != table {
                        return Err(Fault::PhdrSegment);
                    }
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
        dynamic.value(DT_STRSZ).ok_or(Fault::Strings)?;
        for entry in &dynamic.entries {
            match entry.tag {
                DT_NEEDED | DT_SONAME | DT_RPATH | DT_RUNPATH => {
                    self.string(entry.value).ok_or(Fault::DanglingString)?;
                }
                DT_HASH | DT_GNU_HASH | DT_SYMTAB | DT_VERSYM | DT_VERDEF | DT_VERNEED => {
                    self.offset_of(entry.value, 4).ok_or(Fault::DanglingTable)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn segments(view: View, layout: Layout, at: u64, count: u64) -> Result<Vec<Phdr>, Fault> {
    let step = layout.phdr_len();
    let raw = view.bytes(at, count * step).ok_or(Fault::Table)?;
    let mut all = Vec::new();
    for one in raw.chunks_exact(step as usize) {
        all.push(Phdr::read(layout, one).ok_or(Fault::Table)?);
    }
    Ok(all)
}

/// The section headers, if they are whole: contents inside the file.
fn sections(view: View, layout: Layout, at: u64, count: u64) -> Option<Vec<Shdr>> {
    let step = layout.shdr_len();
    let count = match count {
        // Too many for the header: the first entry says how many.
        0 => Shdr::read(layout, &view.bytes(at, step)?)?.size,
        count => count,
    };
    let raw = view.bytes(at, count.checked_mul(step)?)?;
    let mut all = Vec::new();
    for one in raw.chunks_exact(step as usize) {
        let section = Shdr::read(layout, one)?;
        if section.in_file() && section.offset.checked_add(section.size)? > view.len() {
            return None;
        }
        all.push(section);
    }
    Some(all)
}
