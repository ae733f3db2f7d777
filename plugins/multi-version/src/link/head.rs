//! What a file's dynamic table says, of which only the pages that say it are read: a closure of hundreds of
//! packages is looked at whole after each change.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::elf::consts::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRTAB, PT_DYNAMIC, PT_INTERP,
};
use crate::elf::{DynamicInfo, Image, View, Write};

const PAGE: u64 = 4096;
/// No string of a dynamic table is read beyond; [`Image`] has the same bound.
const LONGEST: u64 = 1 << 16;

/// Pages of a file.
struct Pages<'f> {
    file: &'f File,
    len: u64,
    /// Ascending.
    pages: Vec<Write>,
}

impl Pages<'_> {
    /// Have these bytes, as far as the file goes.
    fn want(&mut self, at: u64, len: u64) -> io::Result<()> {
        let end = at.saturating_add(len).min(self.len);
        for offset in (at / PAGE..end.div_ceil(PAGE)).map(|n| n * PAGE) {
            if let Err(place) = self.pages.binary_search_by_key(&offset, |p| p.offset) {
                let mut bytes = vec![0; PAGE.min(self.len.saturating_sub(offset)) as usize];
                self.file.read_exact_at(&mut bytes, offset)?;
                self.pages.insert(place, Write { offset, bytes });
            }
        }
        Ok(())
    }

    /// The file as far as it was read; what was not read is zero.
    fn view(&self) -> View<'_> {
        View::after(&[], &self.pages, self.len)
    }
}

/// What ld.so would see of a file; `None`, if it is nothing for ld.so.
pub(super) fn read(file: &File, len: u64) -> io::Result<Option<DynamicInfo>> {
    let pages = Vec::new();
    let mut pages = Pages { file, len, pages };
    pages.want(0, PAGE)?;
    let Ok(image) = Image::read(pages.view()) else {
        return Ok(None);
    };
    // The program headers may be at the file's end.
    let size = image.segments.len() as u64 * image.layout.phdr_len();
    let phoff = image.phoff;
    pages.want(phoff, size)?;
    let Ok(image) = Image::read(pages.view()) else {
        return Ok(None);
    };
    let tables = [PT_INTERP, PT_DYNAMIC].map(|kind| image.segment(kind).copied());
    for segment in tables.into_iter().flatten() {
        pages.want(segment.offset, segment.filesz.min(LONGEST))?;
    }
    let strings = Image::read(pages.view()).ok().as_ref().and_then(strings);
    for at in strings.into_iter().flatten() {
        let mut size = 64;
        loop {
            pages.want(at, size)?;
            let room = size.min(len.saturating_sub(at));
            let raw = pages.view().bytes(at, room);
            let whole = raw.is_none_or(|raw| memchr::memchr(0, &raw).is_some());
            if whole || size >= LONGEST || room < size {
                break;
            }
            size *= 8;
        }
    }
    let image = Image::read(pages.view());
    Ok(image.and_then(|image| DynamicInfo::of(&image)).ok())
}

/// Where in the file the strings are that say something.
fn strings(image: &Image) -> Option<Vec<u64>> {
    let dynamic = image.dynamic.as_ref()?;
    let table = dynamic.value(DT_STRTAB)?;
    let tags = [DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH];
    let values = tags.iter().flat_map(|tag| dynamic.values(*tag));
    let offsets = values.filter_map(|v| image.offset_of(table.checked_add(v)?, 1));
    Some(offsets.collect())
}
