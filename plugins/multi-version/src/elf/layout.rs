//! How ELF writes its numbers: class and byte order, and goblin's records in them.
//!
//! The records ([`ProgramHeader`], [`SectionHeader`], [`Dyn`], [`Sym`], [`Header`]) and their numbers are goblin's. Every
//! read is bounds-checked, and every write checked to fit the class, which goblin's own does not do.

use goblin::container::{Container, Ctx};
use goblin::elf::section_header::{SHF_ALLOC, SHT_NOBITS, SHT_NULL};
use goblin::elf::{Dyn, Header, ProgramHeader, SectionHeader, Sym};
use scroll::ctx::{SizeWith, TryFromCtx, TryIntoCtx};
use scroll::{Endian, Pread, Pwrite};

/// The class (ELFCLASS32, ELFCLASS64) and byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layout {
    /// ELFCLASS64.
    pub wide: bool,
    /// ELFDATA2MSB.
    pub big: bool,
}

/// A number that the file's class cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

impl Layout {
    /// The same, as goblin has it.
    pub fn ctx(self) -> Ctx {
        let container = match self.wide {
            true => Container::Big,
            false => Container::Little,
        };
        Ctx::new(container, self.endian())
    }

    fn endian(self) -> Endian {
        match self.big {
            true => Endian::Big,
            false => Endian::Little,
        }
    }

    /// Bytes in an address or offset.
    pub fn word_len(self) -> u64 {
        if self.wide { 8 } else { 4 }
    }

    /// The length of a record of this kind.
    pub fn len_of<T: SizeWith<Ctx>>(self) -> u64 {
        T::size_with(&self.ctx()) as u64
    }

    /// Length of the ELF header.
    pub fn ehdr_len(self) -> u64 {
        self.len_of::<Header>()
    }

    /// Length of a program header.
    pub fn phdr_len(self) -> u64 {
        self.len_of::<ProgramHeader>()
    }

    /// Length of a section header.
    pub fn shdr_len(self) -> u64 {
        self.len_of::<SectionHeader>()
    }

    /// Length of an entry of `.dynamic`.
    pub fn dyn_len(self) -> u64 {
        self.len_of::<Dyn>()
    }

    /// Length of a symbol.
    pub fn sym_len(self) -> u64 {
        self.len_of::<Sym>()
    }

    /// The record of goblin's at `at`.
    pub fn record<'a, T>(self, bytes: &'a [u8], at: u64) -> Option<T>
    where
        T: TryFromCtx<'a, Ctx, Error = goblin::error::Error>,
    {
        let rest = bytes.get(usize::try_from(at).ok()?..)?;
        rest.pread_with(0, self.ctx()).ok()
    }

    /// The file's header, at the start of `bytes`.
    pub fn header(self, bytes: &[u8]) -> Option<Header> {
        bytes.pread_with(0, self.endian()).ok()
    }

    fn number<'a, T>(self, bytes: &'a [u8], at: u64) -> Option<T>
    where
        T: TryFromCtx<'a, Endian, Error = scroll::Error>,
    {
        bytes
            .pread_with(usize::try_from(at).ok()?, self.endian())
            .ok()
    }

    /// The 16-bit number at `at`.
    pub fn u16(self, bytes: &[u8], at: u64) -> Option<u16> {
        self.number(bytes, at)
    }

    /// The 32-bit number at `at`.
    pub fn u32(self, bytes: &[u8], at: u64) -> Option<u32> {
        self.number(bytes, at)
    }

    /// The 64-bit number at `at`.
    pub fn u64(self, bytes: &[u8], at: u64) -> Option<u64> {
        self.number(bytes, at)
    }

    /// The address-sized number at `at`.
    pub fn word(self, bytes: &[u8], at: u64) -> Option<u64> {
        if self.wide {
            self.u64(bytes, at)
        } else {
            self.u32(bytes, at).map(u64::from)
        }
    }

    /// Appends a record of goblin's.
    pub fn push<T: Record>(self, out: &mut Vec<u8>, record: &T) -> Result<(), TooLarge> {
        if !self.wide && u32::try_from(record.largest()).is_err() {
            return Err(TooLarge);
        }
        let start = out.len();
        out.resize(start + T::size_with(&self.ctx()), 0);
        let room = out.get_mut(start..).ok_or(TooLarge)?;
        room.pwrite_with(record.clone(), 0, self.ctx())
            .map_err(|_| TooLarge)?;
        Ok(())
    }

    /// Appends a 16-bit number.
    pub fn push_u16(self, out: &mut Vec<u8>, value: u16) {
        out.extend_from_slice(&if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }

    /// Appends a 32-bit number.
    pub fn push_u32(self, out: &mut Vec<u8>, value: u32) {
        out.extend_from_slice(&if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        });
    }

    /// Appends an address-sized number.
    pub fn push_word(self, out: &mut Vec<u8>, value: u64) -> Result<(), TooLarge> {
        if self.wide {
            out.extend_from_slice(&if self.big {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            });
            return Ok(());
        }
        self.push_u32(out, u32::try_from(value).map_err(|_| TooLarge)?);
        Ok(())
    }
}

/// A record of goblin's that is written.
pub trait Record: SizeWith<Ctx> + TryIntoCtx<Ctx, Error = goblin::error::Error> + Clone {
    /// The largest of its address-sized numbers.
    fn largest(&self) -> u64;
}

impl Record for ProgramHeader {
    fn largest(&self) -> u64 {
        let offsets = self.p_offset.max(self.p_vaddr).max(self.p_paddr);
        let sizes = self.p_filesz.max(self.p_memsz).max(self.p_align);
        offsets.max(sizes)
    }
}

impl Record for SectionHeader {
    fn largest(&self) -> u64 {
        let places = self.sh_addr.max(self.sh_offset).max(self.sh_flags);
        let sizes = self.sh_size.max(self.sh_addralign).max(self.sh_entsize);
        places.max(sizes)
    }
}

impl Record for Dyn {
    fn largest(&self) -> u64 {
        self.d_tag.max(self.d_val)
    }
}

/// Where a segment is.
pub trait Segment {
    /// Where its bytes end in the file; `None` where that overflows.
    fn file_end(&self) -> Option<u64>;

    /// Where it ends in memory; `None` where that overflows.
    fn mem_end(&self) -> Option<u64>;

    /// Whether its file contents cover `len` bytes at the address.
    fn holds(&self, vaddr: u64, len: u64) -> bool;
}

impl Segment for ProgramHeader {
    fn file_end(&self) -> Option<u64> {
        self.p_offset.checked_add(self.p_filesz)
    }

    fn mem_end(&self) -> Option<u64> {
        self.p_vaddr.checked_add(self.p_memsz.max(self.p_filesz))
    }

    fn holds(&self, vaddr: u64, len: u64) -> bool {
        let filled = self.p_vaddr.checked_add(self.p_filesz);
        vaddr >= self.p_vaddr
            && matches!((vaddr.checked_add(len), filled), (Some(a), Some(b)) if a <= b)
    }
}

/// What a section is to a loader and to a file.
pub trait Section {
    /// Whether it is mapped by the loader.
    fn allocated(&self) -> bool;

    /// Whether it has bytes in the file.
    fn in_file(&self) -> bool;
}

impl Section for SectionHeader {
    fn allocated(&self) -> bool {
        self.sh_flags & u64::from(SHF_ALLOC) != 0
    }

    fn in_file(&self) -> bool {
        self.sh_type != SHT_NOBITS && self.sh_type != SHT_NULL
    }
}

/// `n` rounded up to a multiple of `align`, a power of two.
pub fn align_up(n: u64, align: u64) -> Option<u64> {
    debug_assert!(align.is_power_of_two());
    let mask = align.checked_sub(1)?;
    Some(n.checked_add(mask)? & !mask)
}

/// `n` rounded down to a multiple of `align`, a power of two.
pub fn align_down(n: u64, align: u64) -> u64 {
    debug_assert!(align.is_power_of_two());
    n & !(align.wrapping_sub(1))
}
