//! Dynamic symbols and their versions: what a file takes from which soname, and what it offers.
//!
//! Format: the gABI, and the LSB's chapter on symbol versioning. Tables are found through the dynamic
//! table; section headers only tell a size that nothing else tells.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use goblin::elf::{SectionHeader, Sym};

use super::consts::*;
use super::fault::Fault;
use super::image::Image;
use super::layout::Segment;
use super::machine;

/// A symbol with its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Versioned {
    /// The symbol.
    pub name: Vec<u8>,
    /// Its version, such as `GLIBC_2.34`.
    pub version: Option<Vec<u8>>,
}

/// What a file takes from others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imports {
    /// By the soname they are bound to.
    pub by_soname: BTreeMap<Vec<u8>, BTreeSet<Versioned>>,
    /// Those without a version, with whether the file can do without.
    pub unversioned: BTreeMap<Vec<u8>, bool>,
}

/// The versions a file needs of one soname.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionNeed {
    /// The soname.
    pub soname: Vec<u8>,
    /// The versions.
    pub versions: Vec<NeededVersion>,
}

/// A version a file needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededVersion {
    /// Its name.
    pub name: Vec<u8>,
    /// Whether the loader lets it be missing.
    pub weak: bool,
    index: u16,
}

/// A version a file defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionDefinition {
    /// Its name; the base's is the soname.
    pub name: Vec<u8>,
    /// The file's own name, not a version.
    pub base: bool,
    index: u16,
}

/// More entries than any real table has.
const MANY: u64 = 1 << 16;
const VERSION_MASK: u16 = 0x7fff;

/// Offset and length of DT_HASH's, DT_GNU_HASH's or DT_SYMTAB's table.
pub(super) fn extent(image: &Image, tag: u64) -> Result<Option<(u64, u64)>, Fault> {
    let Some(at) = image.dynamic.as_ref().and_then(|d| d.value(tag)) else {
        return Ok(None);
    };
    let len = match tag {
        DT_GNU_HASH => gnu_hash(image, at).map(|(len, _)| len),
        DT_SYMTAB => told_count(image, at).and_then(|n| n.checked_mul(image.layout.sym_len())),
        _ => sysv_hash(image, at).map(|(len, _)| len),
    };
    let len = len.ok_or(Fault::Hash)?;
    let offset = image.offset_of(at, len).ok_or(Fault::Hash)?;
    Ok(Some((offset, len)))
}

/// Length of a DT_HASH table and the number of symbols it tells.
fn sysv_hash(image: &Image, at: u64) -> Option<(u64, u64)> {
    let step = machine::hash_entry_len(image.machine, image.layout);
    let head = image.mapped(at, step * 2)?;
    let read = |n: u64| match step {
        8 => image.layout.u64(&head, n * 8),
        _ => image.layout.u32(&head, n * 4).map(u64::from),
    };
    let (buckets, chains) = (read(0)?, read(1)?);
    let entries = buckets.checked_add(chains)?.checked_add(2)?;
    Some((entries.checked_mul(step)?, chains))
}

/// Length of a DT_GNU_HASH table and the number of symbols it tells, 0 if it is empty.
fn gnu_hash(image: &Image, at: u64) -> Option<(u64, u64)> {
    let head = image.mapped(at, 16)?;
    let read = |n| image.layout.u32(&head, n).map(u64::from);
    let (buckets, first, bloom) = (read(0)?, read(4)?, read(8)?);
    let buckets_at = bloom
        .checked_mul(image.layout.word_len())?
        .checked_add(16)?;
    let chains_at = buckets.checked_mul(4)?.checked_add(buckets_at)?;
    let raw = image.mapped(at.checked_add(buckets_at)?, buckets.checked_mul(4)?)?;
    let heads = (0..buckets).filter_map(|n| image.layout.u32(&raw, n * 4));
    let Some(last) = heads.max().map(u64::from).filter(|l| *l >= first) else {
        return Some((chains_at, 0));
    };
    let start = last.checked_sub(first)?.checked_mul(4)?;
    let start = at.checked_add(chains_at)?.checked_add(start)?;
    let load = image.loads().find(|s| s.holds(start, 4))?;
    let mut offset = image.offset_of(start, 4)?;
    let mut symbol = last;
    while offset < load.file_end()? {
        let hash = image.layout.u32(&image.view.bytes(offset, 4)?, 0)?;
        symbol = symbol.checked_add(1)?;
        offset = offset.checked_add(4)?;
        if hash & 1 == 1 {
            break;
        }
    }
    let chains = symbol.checked_sub(first)?.checked_mul(4)?;
    Some((chains_at.checked_add(chains)?, symbol))
}

/// The highest symbol a relocation speaks of, plus one.
fn relocated(image: &Image) -> u64 {
    let Some(dynamic) = &image.dynamic else {
        return 0;
    };
    let word = image.layout.word_len();
    let plt_rela = dynamic.value(DT_PLTREL) == Some(DT_RELA);
    let mut highest = 0;
    for (at, size, rela) in [
        (DT_RELA, DT_RELASZ, true),
        (DT_REL, DT_RELSZ, false),
        (DT_JMPREL, DT_PLTRELSZ, plt_rela),
    ] {
        let place = dynamic.value(at).zip(dynamic.value(size));
        let Some(raw) = place.and_then(|(at, size)| image.mapped(at, size)) else {
            continue;
        };
        let step = if rela { 3 * word } else { 2 * word };
        for n in 0..raw.len() as u64 / step {
            let info = image.layout.word(&raw, n * step + word).unwrap_or(0);
            let symbol = if image.layout.wide {
                info >> 32
            } else {
                info >> 8
            };
            highest = highest.max(symbol + 1);
        }
    }
    highest
}

/// How many dynamic symbols there are.
fn count(image: &Image, table: u64) -> u64 {
    let own = |s: &&SectionHeader| s.sh_type == SHT_DYNSYM && s.sh_addr == table;
    if let Some(section) = image.sections.iter().find(own) {
        return section.sh_size / image.layout.sym_len();
    }
    let dynamic = image.dynamic.as_ref();
    let value = |tag| dynamic.and_then(|d| d.value(tag));
    let sysv = value(DT_HASH).and_then(|at| sysv_hash(image, at));
    if let Some((_, count)) = sysv {
        return count;
    }
    let gnu = value(DT_GNU_HASH).and_then(|at| gnu_hash(image, at));
    gnu.map_or(0, |(_, count)| count).max(relocated(image))
}

/// How many dynamic symbols there are for certain: a section header or DT_HASH tells, and nothing speaks of more.
fn told_count(image: &Image, table: u64) -> Option<u64> {
    let own = |s: &&SectionHeader| s.sh_type == SHT_DYNSYM && s.sh_addr == table;
    let section = image.sections.iter().find(own);
    let value = |tag| image.dynamic.as_ref().and_then(|d| d.value(tag));
    let (sysv, gnu) = (value(DT_HASH), value(DT_GNU_HASH));
    let told = count(image, table);
    let sysv = match sysv {
        Some(at) => Some(sysv_hash(image, at)?.1),
        None => None,
    };
    let gnu = match gnu {
        Some(at) => gnu_hash(image, at)?.1,
        None => 0,
    };
    let exact = match section {
        Some(section) => section.sh_size == told * image.layout.sym_len(),
        None => sysv.is_some(),
    };
    let agreed = sysv.is_none_or(|n| n == told) && gnu <= told && relocated(image) <= told;
    (exact && agreed).then_some(told)
}

/// The tables that symbols are spread over.
struct Tables<'a> {
    symbols: Cow<'a, [u8]>,
    versions: Option<Cow<'a, [u8]>>,
    strings: Cow<'a, [u8]>,
}

impl<'a> Tables<'a> {
    fn of(image: &Image<'a>) -> Result<Option<Tables<'a>>, Fault> {
        let Some(dynamic) = &image.dynamic else {
            return Ok(None);
        };
        let Some(at) = dynamic.value(DT_SYMTAB) else {
            return Ok(None);
        };
        let count = count(image, at);
        let size = count.checked_mul(image.layout.sym_len());
        let symbols = size.and_then(|s| image.mapped(at, s));
        let symbols = symbols.ok_or(Fault::Symbols)?;
        let versions = match dynamic.value(DT_VERSYM) {
            Some(at) => Some(image.mapped(at, count * 2).ok_or(Fault::Symbols)?),
            None => None,
        };
        let strings = dynamic.value(DT_STRTAB).ok_or(Fault::Strings)?;
        let load = image.loads().find(|s| s.holds(strings, 1));
        let load = load.ok_or(Fault::Strings)?;
        // DT_STRSZ may reach past the segment, see `padding::appended`.
        let room = load.p_filesz - (strings - load.p_vaddr);
        let size = dynamic.value(DT_STRSZ).unwrap_or(room).min(room);
        let strings = image.mapped(strings, size).ok_or(Fault::Strings)?;
        Ok(Some(Tables {
            symbols,
            versions,
            strings,
        }))
    }

    fn name(&self, offset: usize) -> Option<&[u8]> {
        let rest = self.strings.get(offset..)?;
        rest.get(..memchr::memchr(0, rest)?)
    }

    /// Every symbol but the first.
    fn each<'t>(&'t self, image: &'t Image) -> impl Iterator<Item = Symbol<'t>> + 't {
        let layout = image.layout;
        let step = layout.sym_len();
        let count = self.symbols.len() as u64 / step;
        (1..count).filter_map(move |n| {
            let symbol: Sym = layout.record(&self.symbols, n * step)?;
            let version = match &self.versions {
                Some(raw) => layout.u16(raw, n * 2)?,
                None => 1,
            };
            Some(Symbol {
                name: self.name(symbol.st_name)?,
                binding: symbol.st_bind(),
                visibility: symbol.st_visibility(),
                defined: symbol.st_shndx != SHN_UNDEF as usize,
                version,
            })
        })
    }
}

struct Symbol<'t> {
    name: &'t [u8],
    binding: u8,
    visibility: u8,
    defined: bool,
    version: u16,
}

impl Symbol<'_> {
    fn is_shared(&self) -> bool {
        matches!(self.binding, STB_GLOBAL | STB_WEAK | STB_GNU_UNIQUE) && !self.name.is_empty()
    }

    fn is_visible(&self) -> bool {
        matches!(self.visibility, STV_DEFAULT | STV_PROTECTED)
    }
}

/// What a file takes from others, each symbol with its version, by soname. What a program
/// copied out of a library (R_*_COPY) counts, too.
pub fn imports(image: &Image) -> Result<Imports, Fault> {
    let mut imports = Imports::default();
    let Some(tables) = Tables::of(image)? else {
        return Ok(imports);
    };
    let needs = version_needs(image)?;
    let mut by_index = BTreeMap::new();
    for need in &needs {
        for version in &need.versions {
            by_index.insert(version.index & VERSION_MASK, (&need.soname, &version.name));
        }
    }
    for symbol in tables.each(image).filter(Symbol::is_shared) {
        match by_index.get(&(symbol.version & VERSION_MASK)) {
            Some((soname, version)) => {
                let set = imports.by_soname.entry((*soname).clone()).or_default();
                set.insert(Versioned {
                    name: symbol.name.to_vec(),
                    version: Some((*version).clone()),
                });
            }
            None if !symbol.defined => {
                let weak = symbol.binding == STB_WEAK;
                let known = imports.unversioned.entry(symbol.name.to_vec());
                known.and_modify(|w| *w &= weak).or_insert(weak);
            }
            None => {}
        }
    }
    Ok(imports)
}

/// What a file offers of its own: not what it copied out of another.
pub fn exports(image: &Image) -> Result<BTreeSet<Versioned>, Fault> {
    let Some(tables) = Tables::of(image)? else {
        return Ok(BTreeSet::new());
    };
    let definitions = version_definitions(image)?;
    let names: BTreeMap<u16, &VersionDefinition> =
        definitions.iter().map(|d| (d.index, d)).collect();
    let needs = version_needs(image)?;
    let needed = needs.iter().flat_map(|n| &n.versions);
    let needed: BTreeSet<u16> = needed.map(|v| v.index & VERSION_MASK).collect();
    let mut exports = BTreeSet::new();
    for symbol in tables.each(image) {
        let index = symbol.version & VERSION_MASK;
        if !symbol.defined
            || !symbol.is_shared()
            || !symbol.is_visible()
            || index == 0
            || needed.contains(&index)
        {
            continue;
        }
        let version = names.get(&index).filter(|d| !d.base);
        exports.insert(Versioned {
            name: symbol.name.to_vec(),
            version: version.map(|d| d.name.clone()),
        });
    }
    Ok(exports)
}

/// The versions a file needs, by soname (DT_VERNEED).
pub fn version_needs(image: &Image) -> Result<Vec<VersionNeed>, Fault> {
    let mut needs = Vec::new();
    let layout = image.layout;
    let mut left = MANY;
    chain(image, DT_VERNEED, DT_VERNEEDNUM, 16, 12, |at, raw| {
        let count = layout.u16(raw, 2)?;
        let soname = image.string(u64::from(layout.u32(raw, 4)?))?;
        let mut aux = at.checked_add(u64::from(layout.u32(raw, 8)?))?;
        let mut versions = Vec::new();
        for _ in 0..count {
            left = left.checked_sub(1)?;
            let raw = image.mapped(aux, 16)?;
            versions.push(NeededVersion {
                name: image.string(u64::from(layout.u32(&raw, 8)?))?,
                weak: layout.u16(&raw, 4)? & 2 != 0,
                index: layout.u16(&raw, 6)?,
            });
            match layout.u32(&raw, 12)? {
                0 => break,
                next => aux = aux.checked_add(u64::from(next))?,
            }
        }
        needs.push(VersionNeed { soname, versions });
        Some(())
    })?;
    Ok(needs)
}

/// The versions a file defines (DT_VERDEF).
pub fn version_definitions(image: &Image) -> Result<Vec<VersionDefinition>, Fault> {
    let mut definitions = Vec::new();
    let layout = image.layout;
    chain(image, DT_VERDEF, DT_VERDEFNUM, 20, 16, |at, raw| {
        let aux = at.checked_add(u64::from(layout.u32(raw, 12)?))?;
        let name = layout.u32(&image.mapped(aux, 8)?, 0)?;
        definitions.push(VersionDefinition {
            name: image.string(u64::from(name))?,
            base: layout.u16(raw, 2)? & 1 != 0,
            index: layout.u16(raw, 4)? & VERSION_MASK,
        });
        Some(())
    })?;
    Ok(definitions)
}

/// The highest offset into the dynamic string table that a symbol, a version or the dynamic table itself speaks of: as
/// far as they can be read, since it may be beyond DT_STRSZ, which ld.so does not look at.
pub(super) fn last_string(image: &Image) -> u64 {
    let layout = image.layout;
    let Some(dynamic) = &image.dynamic else {
        return 0;
    };
    let strings = dynamic.entries.iter().filter(|e| is_string(e.d_tag));
    let mut last = strings.map(|e| e.d_val).max().unwrap_or(0);
    if let Some(at) = dynamic.value(DT_SYMTAB) {
        let size = count(image, at).checked_mul(layout.sym_len());
        let raw = size.and_then(|size| image.mapped(at, size));
        for symbol in raw
            .as_deref()
            .unwrap_or_default()
            .chunks_exact(layout.sym_len() as usize)
        {
            // st_name comes first in either class.
            last = last.max(layout.u32(symbol, 0).map_or(0, u64::from));
        }
    }
    let mut left = MANY;
    // What is damaged is read as far as it goes.
    let _ = chain(image, DT_VERNEED, DT_VERNEEDNUM, 16, 12, |at, raw| {
        last = last.max(u64::from(layout.u32(raw, 4)?));
        let mut aux = at.checked_add(u64::from(layout.u32(raw, 8)?))?;
        for _ in 0..layout.u16(raw, 2)? {
            left = left.checked_sub(1)?;
            let raw = image.mapped(aux, 16)?;
            last = last.max(u64::from(layout.u32(&raw, 8)?));
            aux = aux.checked_add(u64::from(layout.u32(&raw, 12)?))?;
        }
        Some(())
    });
    let _ = chain(image, DT_VERDEF, DT_VERDEFNUM, 20, 16, |at, raw| {
        let mut aux = at.checked_add(u64::from(layout.u32(raw, 12)?))?;
        for _ in 0..layout.u16(raw, 6)? {
            left = left.checked_sub(1)?;
            let raw = image.mapped(aux, 8)?;
            last = last.max(u64::from(layout.u32(&raw, 0)?));
            aux = aux.checked_add(u64::from(layout.u32(&raw, 4)?))?;
        }
        Some(())
    });
    last
}

/// Whether a tag's value is an offset into the dynamic string table.
fn is_string(tag: u64) -> bool {
    matches!(
        tag,
        DT_NEEDED
            | DT_SONAME
            | DT_RPATH
            | DT_RUNPATH
            | DT_CONFIG
            | DT_DEPAUDIT
            | DT_AUDIT
            | DT_AUXILIARY
            | DT_FILTER
    )
}

/// Visits a chain of `size`-byte records, each telling at `next` how far the next one is.
fn chain(
    image: &Image,
    tag: u64,
    number: u64,
    size: u64,
    next: u64,
    mut visit: impl FnMut(u64, &[u8]) -> Option<()>,
) -> Result<(), Fault> {
    let value = |tag| image.dynamic.as_ref().and_then(|d| d.value(tag));
    let Some(mut at) = value(tag) else {
        return Ok(());
    };
    for _ in 0..value(number).unwrap_or(0).min(MANY) {
        let raw = image.mapped(at, size).ok_or(Fault::Symbols)?;
        visit(at, &raw).ok_or(Fault::Symbols)?;
        match image.layout.u32(&raw, next) {
            None | Some(0) => break,
            Some(far) => at = at.checked_add(u64::from(far)).ok_or(Fault::Symbols)?,
        }
    }
    Ok(())
}
