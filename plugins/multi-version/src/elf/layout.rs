//! How ELF writes its numbers: class and byte order, and the records made of them.
//!
//! Mirrors `elf(5)`. Every read is bounds-checked and every write checked to fit the class.

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
    /// Bytes in an address or offset.
    pub fn word_len(self) -> u64 {
        if self.wide { 8 } else { 4 }
    }

    /// Length of the ELF header.
    pub fn ehdr_len(self) -> u64 {
        if self.wide { 64 } else { 52 }
    }

    /// Length of a program header.
    pub fn phdr_len(self) -> u64 {
        if self.wide { 56 } else { 32 }
    }

    /// Length of a section header.
    pub fn shdr_len(self) -> u64 {
        if self.wide { 64 } else { 40 }
    }

    /// Length of an entry of `.dynamic`.
    pub fn dyn_len(self) -> u64 {
        self.word_len() * 2
    }

    /// Length of a symbol.
    pub fn sym_len(self) -> u64 {
        if self.wide { 24 } else { 16 }
    }

    /// The 16-bit number at `at`.
    pub fn u16(self, bytes: &[u8], at: u64) -> Option<u16> {
        let raw = array::<2>(bytes, at)?;
        Some(if self.big {
            u16::from_be_bytes(raw)
        } else {
            u16::from_le_bytes(raw)
        })
    }

    /// The 32-bit number at `at`.
    pub fn u32(self, bytes: &[u8], at: u64) -> Option<u32> {
        let raw = array::<4>(bytes, at)?;
        Some(if self.big {
            u32::from_be_bytes(raw)
        } else {
            u32::from_le_bytes(raw)
        })
    }

    /// The 64-bit number at `at`.
    pub fn u64(self, bytes: &[u8], at: u64) -> Option<u64> {
        let raw = array::<8>(bytes, at)?;
        Some(if self.big {
            u64::from_be_bytes(raw)
        } else {
            u64::from_le_bytes(raw)
        })
    }

    /// The address-sized number at `at`.
    pub fn word(self, bytes: &[u8], at: u64) -> Option<u64> {
        if self.wide {
            self.u64(bytes, at)
        } else {
            self.u32(bytes, at).map(u64::from)
        }
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

fn array<const N: usize>(bytes: &[u8], at: u64) -> Option<[u8; N]> {
    let start = usize::try_from(at).ok()?;
    bytes.get(start..start.checked_add(N)?)?.try_into().ok()
}

/// A program header, `p_*` of `elf(5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are elf(5)'s, less the p_")]
pub struct Phdr {
    pub kind: u32,
    pub flags: u32,
    pub offset: u64,
    pub vaddr: u64,
    pub paddr: u64,
    pub filesz: u64,
    pub memsz: u64,
    pub align: u64,
}

impl Phdr {
    /// Reads one from the start of `raw`.
    pub fn read(layout: Layout, raw: &[u8]) -> Option<Phdr> {
        let word = |n: u64| layout.word(raw, n);
        Some(if layout.wide {
            Phdr {
                kind: layout.u32(raw, 0)?,
                flags: layout.u32(raw, 4)?,
                offset: word(8)?,
                vaddr: word(16)?,
                paddr: word(24)?,
                filesz: word(32)?,
                memsz: word(40)?,
                align: word(48)?,
            }
        } else {
            Phdr {
                kind: layout.u32(raw, 0)?,
                offset: word(4)?,
                vaddr: word(8)?,
                paddr: word(12)?,
                filesz: word(16)?,
                memsz: word(20)?,
                flags: layout.u32(raw, 24)?,
                align: word(28)?,
            }
        })
    }

    /// Appends it.
    pub fn write(&self, layout: Layout, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        layout.push_u32(out, self.kind);
        if layout.wide {
            layout.push_u32(out, self.flags);
        }
        for value in [self.offset, self.vaddr, self.paddr, self.filesz, self.memsz] {
            layout.push_word(out, value)?;
        }
        if !layout.wide {
            layout.push_u32(out, self.flags);
        }
        layout.push_word(out, self.align)
    }

    /// Where its bytes end in the file; `None` where that overflows.
    pub fn file_end(&self) -> Option<u64> {
        self.offset.checked_add(self.filesz)
    }

    /// Where it ends in memory; `None` where that overflows.
    pub fn mem_end(&self) -> Option<u64> {
        self.vaddr.checked_add(self.memsz)
    }

    /// Whether its file contents cover `len` bytes at the address.
    pub fn holds(&self, vaddr: u64, len: u64) -> bool {
        let filled = self.vaddr.checked_add(self.filesz);
        vaddr >= self.vaddr
            && matches!((vaddr.checked_add(len), filled), (Some(a), Some(b)) if a <= b)
    }
}

/// A section header, `sh_*` of `elf(5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are elf(5)'s, less the sh_")]
pub struct Shdr {
    pub name: u32,
    pub kind: u32,
    pub flags: u64,
    pub addr: u64,
    pub offset: u64,
    pub size: u64,
    pub link: u32,
    pub info: u32,
    pub align: u64,
    pub entsize: u64,
}

impl Shdr {
    /// Reads one from the start of `raw`.
    pub fn read(layout: Layout, raw: &[u8]) -> Option<Shdr> {
        let w = layout.word_len();
        let word = |n: u64| layout.word(raw, 8 + n * w);
        Some(Shdr {
            name: layout.u32(raw, 0)?,
            kind: layout.u32(raw, 4)?,
            flags: word(0)?,
            addr: word(1)?,
            offset: word(2)?,
            size: word(3)?,
            link: layout.u32(raw, 8 + 4 * w)?,
            info: layout.u32(raw, 12 + 4 * w)?,
            align: layout.word(raw, 16 + 4 * w)?,
            entsize: layout.word(raw, 16 + 5 * w)?,
        })
    }

    /// Appends it.
    pub fn write(&self, layout: Layout, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        layout.push_u32(out, self.name);
        layout.push_u32(out, self.kind);
        for value in [self.flags, self.addr, self.offset, self.size] {
            layout.push_word(out, value)?;
        }
        layout.push_u32(out, self.link);
        layout.push_u32(out, self.info);
        layout.push_word(out, self.align)?;
        layout.push_word(out, self.entsize)
    }

    /// Whether it is mapped by the loader (SHF_ALLOC).
    pub fn allocated(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Whether it has bytes in the file.
    pub fn in_file(&self) -> bool {
        self.kind != super::consts::SHT_NOBITS && self.kind != super::consts::SHT_NULL
    }
}

/// An entry of `.dynamic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dyn {
    /// `d_tag`.
    pub tag: u64,
    /// `d_val` or `d_ptr`.
    pub value: u64,
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
