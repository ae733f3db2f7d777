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
    let tables = [PT_INTERP, PT_DYNAMIC].map(|kind| image.segment(kind).cloned());
    for segment in tables.into_iter().flatten() {
        pages.want(segment.p_offset, segment.p_filesz.min(LONGEST))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Every library of this machine, read in pieces and whole.
    #[test]
    fn pieces_say_what_the_whole_file_does() {
        let mut seen = 0;
        for dir in [
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/bin",
        ] {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let Ok(file) = File::open(entry.path()) else {
                    continue;
                };
                let is = file.metadata().unwrap();
                if !is.is_file() || is.len() > 1 << 23 {
                    continue;
                }
                let bytes = std::fs::read(entry.path()).unwrap();
                let whole = Image::read(View::of(&bytes)).and_then(|i| DynamicInfo::of(&i));
                let pieces = read(&file, is.len()).unwrap();
                assert_eq!(pieces, whole.ok(), "{}", entry.path().display());
                seen += usize::from(pieces.is_some());
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn long_strings_and_cut_files() {
        let dir = tempfile::tempdir().unwrap();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let libc = maps.split_whitespace().find(|w| w.ends_with("/libc.so.6"));
        let own = std::fs::read(libc.unwrap()).unwrap();
        let wish = crate::elf::Wish {
            path: vec![[b"/".as_slice(), &[b'x'; 9000]].concat()],
            ..Default::default()
        };
        let outcome = crate::elf::rewrite(&own, &wish);
        let crate::elf::Outcome::Edit(_, edit) = outcome else {
            panic!("{outcome:?}");
        };
        let long = edit.apply(&own);
        let path = dir.path().join("f");
        let said = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read(&File::open(&path).unwrap(), bytes.len() as u64).unwrap()
        };
        assert_eq!(said(&long).unwrap().runpath.unwrap().len(), 9001);
        for len in [0, 3, 20, 63, 64, 200, 4096, 5000, long.len() / 2] {
            said(&long[..len]);
        }
    }
}
