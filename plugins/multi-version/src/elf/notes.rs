//! Notes: build-id, and what a program says it may dlopen (`.note.dlopen`).
//!
//! Format: `elf(5)`; <https://uapi-group.org/specifications/specs/elf_dlopen_metadata/>.

use std::collections::HashSet;

use goblin::elf::ProgramHeader;
use serde_json::Value as Json;

use super::consts::*;
use super::image::Image;
use super::layout::{Layout, align_up};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Note {
    /// Who defined its type, without the NUL.
    pub owner: Vec<u8>,
    /// Its type.
    pub kind: u32,
    /// Its contents.
    pub contents: Vec<u8>,
}

/// More notes than any real file has.
const MANY: usize = 4096;
const NT_GNU_BUILD_ID: u32 = 3;
const NT_FDO_DLOPEN: u32 = 0x407c_0c0a;

/// Every note that a PT_NOTE or a note section holds, each once.
pub fn all(image: &Image) -> Vec<Note> {
    let segments = image.segments.iter().filter(|s| s.p_type == PT_NOTE);
    let segments = segments.map(|s| (s.p_offset, s.p_filesz, s.p_align));
    let sections = image.sections.iter().filter(|s| s.sh_type == SHT_NOTE);
    let sections = sections.map(|s| (s.sh_offset, s.sh_size, s.sh_addralign));
    let mut seen = HashSet::new();
    let mut found: Vec<Note> = Vec::new();
    for (offset, len, align) in segments.chain(sections) {
        let raw = image.view.bytes(offset, len.min(1 << 20));
        for note in raw.iter().flat_map(|r| within(image.layout, r, align)) {
            if found.len() < MANY && seen.insert(note.clone()) {
                found.push(note);
            }
        }
    }
    found
}

/// The notes in a piece of the file, up to the first that is damaged.
fn within(layout: Layout, raw: &[u8], align: u64) -> Vec<Note> {
    let align = if align == 8 { 8 } else { 4 };
    let mut notes = Vec::new();
    let mut at = 0;
    while let Some((note, next)) = one(layout, raw, at, align) {
        notes.push(note);
        at = next;
    }
    notes
}

fn one(layout: Layout, raw: &[u8], at: u64, align: u64) -> Option<(Note, u64)> {
    let name_len = u64::from(layout.u32(raw, at)?);
    let len = u64::from(layout.u32(raw, at.checked_add(4)?)?);
    let kind = layout.u32(raw, at.checked_add(8)?)?;
    let name_at = at.checked_add(12)?;
    let start = align_up(name_at.checked_add(name_len)?, align)?;
    let end = start.checked_add(len)?;
    let piece = |from: u64, to: u64| {
        let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
        raw.get(range)
    };
    let owner = piece(name_at, name_at.checked_add(name_len)?)?;
    let owner = owner.split(|b| *b == 0).next().unwrap_or_default();
    let note = Note {
        owner: owner.to_vec(),
        kind,
        contents: piece(start, end)?.to_vec(),
    };
    Some((note, align_up(end, align)?))
}

/// Whether notes in `raw` say nothing about where they are: those whose owner is known.
pub(super) fn may_move(layout: Layout, raw: &[u8]) -> bool {
    let known = |align| {
        let notes = within(layout, raw, align);
        !notes.is_empty() && notes.iter().all(is_known)
    };
    known(4) || known(8)
}

fn is_known(note: &Note) -> bool {
    [&b"GNU"[..], b"FDO", b"Go"].contains(&&note.owner[..])
}

/// The length of those notes in `raw`, which is 4-aligned, that stand before the first whose owner is not known.
pub(super) fn leading(layout: Layout, raw: &[u8]) -> u64 {
    let mut at = 0;
    while let Some((note, next)) = one(layout, raw, at, 4) {
        if !is_known(&note) {
            return at;
        }
        at = next;
    }
    0
}

/// The notes of a segment in order of what they say, those whose owner is not known with their address; `None` where
/// they do not fill it.
pub(super) fn placed(image: &Image, segment: &ProgramHeader) -> Option<Vec<(Note, Option<u64>)>> {
    let raw = image.view.bytes(segment.p_offset, segment.p_filesz)?;
    let align = if segment.p_align == 8 { 8 } else { 4 };
    let mut found = Vec::new();
    let mut at = 0;
    while at < segment.p_filesz {
        let (note, next) = one(image.layout, &raw, at, align)?;
        let place = segment.p_vaddr.checked_add(at)?;
        let pinned = (!is_known(&note)).then_some(place);
        found.push((note, pinned));
        at = next;
    }
    found.sort();
    (at == segment.p_filesz).then_some(found)
}

/// The build-id.
pub fn build_id(image: &Image) -> Option<Vec<u8>> {
    let own = |n: &Note| n.owner == b"GNU" && n.kind == NT_GNU_BUILD_ID;
    all(image).into_iter().find(own).map(|n| n.contents)
}

/// One feature for which a program may dlopen something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dlopen {
    /// What it is for.
    pub feature: Option<String>,
    /// The same for people.
    pub description: Option<String>,
    /// `required`, `recommended` (if nothing is said) or `suggested`.
    pub priority: Option<String>,
    /// Sonames, each as good as the others, the preferred first.
    pub sonames: Vec<String>,
}

/// What `.note.dlopen` says; entries that cannot be read are left out.
pub fn dlopens(image: &Image) -> Vec<Dlopen> {
    let notes = all(image);
    let own = notes
        .iter()
        .filter(|n| n.owner == b"FDO" && n.kind == NT_FDO_DLOPEN);
    own.flat_map(|n| entries(&n.contents)).collect()
}

fn entries(contents: &[u8]) -> Vec<Dlopen> {
    let text = contents.split(|b| *b == 0).next().unwrap_or_default();
    let Ok(Json::Array(items)) = serde_json::from_slice(text) else {
        return Vec::new();
    };
    items.iter().filter_map(entry).collect()
}

fn entry(item: &Json) -> Option<Dlopen> {
    let names = item.get("soname")?.as_array()?;
    let text = |name| item.get(name).and_then(Json::as_str).map(str::to_owned);
    let names = names.iter().filter_map(Json::as_str);
    Some(Dlopen {
        feature: text("feature"),
        description: text("description"),
        priority: text("priority"),
        sonames: names.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: Layout = Layout {
        wide: true,
        big: false,
    };

    fn note(owner: &[u8], kind: u32, contents: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        LITTLE.push_u32(&mut out, owner.len() as u32 + 1);
        LITTLE.push_u32(&mut out, contents.len() as u32);
        LITTLE.push_u32(&mut out, kind);
        out.extend_from_slice(owner);
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend_from_slice(contents);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    #[test]
    fn notes_follow_each_other() {
        let raw = [note(b"GNU", 3, &[1, 2, 3]), note(b"FDO", 9, b"x")].concat();
        let notes = within(LITTLE, &raw, 4);
        assert_eq!(notes.len(), 2);
        assert_eq!(notes[0].contents, [1, 2, 3]);
        assert_eq!((&notes[1].owner[..], notes[1].kind), (&b"FDO"[..], 9));
        assert!(may_move(LITTLE, &raw));
        assert!(!may_move(LITTLE, &note(b"Crashpad", 1, b"self-relative")));
    }

    #[test]
    fn dlopen_metadata_is_read() {
        let text = br#"[{"feature":"xz","description":"Support \"xz\"","priority":"suggested","soname":["liblzma.so.5"]}]"#;
        let found = entries(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].sonames, ["liblzma.so.5"]);
        assert_eq!(found[0].description.as_deref(), Some("Support \"xz\""));
    }
}
