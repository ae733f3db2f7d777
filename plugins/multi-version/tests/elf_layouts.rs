//! Both classes and both byte orders, by files written here from the specification.

use dpkgng_multi_version::elf::consts::*;
use dpkgng_multi_version::elf::{
    self, DynamicInfo, Image, Layout, Outcome, Undo, View, Wish, symbols,
};
use goblin::elf::ProgramHeader;

const LAYOUTS: [Layout; 4] = [
    Layout {
        wide: true,
        big: false,
    },
    Layout {
        wide: true,
        big: true,
    },
    Layout {
        wide: false,
        big: false,
    },
    Layout {
        wide: false,
        big: true,
    },
];

const STRINGS: &[u8] = b"\0libc.so.6\0libx.so.1\0puts\0V_1\0";
const NEEDED: u64 = 1;
const SONAME: u64 = 11;
const PUTS: u32 = 21;
const VERSION: u32 = 26;
const DATA: u64 = 0x1_1000;

/// Headers, interpreter, one imported symbol with its version, a dynamic table with `spare` entries; `room`
/// bytes of padding behind what is read-only.
fn file(layout: Layout, machine: u16, spare: usize, room: u64) -> Vec<u8> {
    let mut head = vec![
        0x7f,
        b'E',
        b'L',
        b'F',
        1 + u8::from(layout.wide),
        1 + u8::from(layout.big),
        1,
    ];
    head.resize(16, 0);
    let half = |out: &mut Vec<u8>, v: u64| layout.push_u16(out, v as u16);
    let word = |out: &mut Vec<u8>, v: u64| layout.push_word(out, v).unwrap();
    half(&mut head, ET_DYN.into());
    half(&mut head, machine.into());
    layout.push_u32(&mut head, 1);
    for value in [0, layout.ehdr_len(), 0] {
        word(&mut head, value);
    }
    layout.push_u32(&mut head, 0);
    for value in [layout.ehdr_len(), layout.phdr_len(), 5, 0, 0, 0] {
        half(&mut head, value);
    }
    let mut at = layout.ehdr_len() + 5 * layout.phdr_len();
    let mut body = Vec::new();
    let mut place = |bytes: &[u8], body: &mut Vec<u8>| {
        let here = at;
        body.extend_from_slice(bytes);
        body.resize(body.len().next_multiple_of(8), 0);
        at = layout.ehdr_len() + 5 * layout.phdr_len() + body.len() as u64;
        here
    };
    let interpreter = place(b"/lib/ld.so.1\0", &mut body);
    let mut hash = Vec::new();
    for value in [1u32, 2, 1, 0, 0] {
        layout.push_u32(&mut hash, value);
    }
    let hash = place(&hash, &mut body);
    let mut symtab = vec![0; layout.sym_len() as usize];
    layout.push_u32(&mut symtab, PUTS);
    if layout.wide {
        symtab.extend([0x12, 0, 0, 0]);
    } else {
        symtab.extend([0; 8]);
        symtab.extend([0x12, 0, 0, 0]);
    }
    symtab.resize(2 * layout.sym_len() as usize, 0);
    let symtab = place(&symtab, &mut body);
    let strings = place(STRINGS, &mut body);
    let mut versym = Vec::new();
    half(&mut versym, 0);
    half(&mut versym, 2);
    let versym = place(&versym, &mut body);
    let mut need = Vec::new();
    half(&mut need, 1);
    half(&mut need, 1);
    for value in [NEEDED as u32, 16, 0, 0x1234] {
        layout.push_u32(&mut need, value);
    }
    half(&mut need, 0);
    half(&mut need, 2);
    layout.push_u32(&mut need, VERSION);
    layout.push_u32(&mut need, 0);
    let need = place(&need, &mut body);
    let text_end = at;
    let data_offset = (at + room).next_multiple_of(16);
    let mut dynamic = Vec::new();
    let entries = [
        (DT_NEEDED, NEEDED),
        (DT_SONAME, SONAME),
        (DT_HASH, hash),
        (DT_STRTAB, strings),
        (DT_STRSZ, STRINGS.len() as u64),
        (DT_SYMTAB, symtab),
        (DT_VERSYM, versym),
        (DT_VERNEED, need),
        (DT_VERNEEDNUM, 1),
    ];
    for (tag, value) in entries
        .into_iter()
        .chain(std::iter::repeat_n((0, 0), spare + 1))
    {
        word(&mut dynamic, tag);
        word(&mut dynamic, value);
    }
    let load = |p_type, p_flags, p_offset: u64, p_vaddr, size, p_align| ProgramHeader {
        p_type,
        p_flags,
        p_offset,
        p_vaddr,
        p_paddr: p_vaddr,
        p_filesz: size,
        p_memsz: size,
        p_align,
    };
    let size = dynamic.len() as u64;
    let data = DATA + 0x1_0000 + data_offset;
    let table = layout.ehdr_len();
    for segment in [
        load(PT_PHDR, 4, table, table, 5 * layout.phdr_len(), 8),
        load(PT_INTERP, 4, interpreter, interpreter, 13, 1),
        load(PT_LOAD, 5, 0, 0, text_end, 0x1000),
        load(PT_LOAD, 6, data_offset, data, size, 0x1000),
        load(PT_DYNAMIC, 6, data_offset, data, size, 8),
    ] {
        layout.push(&mut head, &segment).unwrap();
    }
    head.extend(body);
    head.resize(data_offset as usize, 0);
    head.extend(dynamic);
    head
}

fn wish() -> Wish {
    Wish {
        interpreter: Some(b"/var/sys/inst/x_1_all-0/lib/ld.so.1".to_vec()),
        path: vec![b"/var/sys/inst/x_1_all-0/lib".to_vec(), b"/c/lib".to_vec()],
        ..Wish::default()
    }
}

#[test]
fn every_layout_is_read_and_rewritten() {
    for layout in LAYOUTS {
        let bytes = file(layout, EM_MIPS, 4, 400);
        elf::check(&bytes).unwrap();
        let Outcome::Edit(tier, edit) = elf::rewrite(&bytes, &wish()) else {
            panic!("{layout:?}");
        };
        assert_eq!(
            (tier, edit.len),
            (elf::Tier::Copied, bytes.len() as u64),
            "{layout:?}"
        );
        let out = edit.apply(&bytes);
        let image = Image::read(View::of(&out)).unwrap();
        let info = DynamicInfo::of(&image).unwrap();
        assert_eq!(info.needed, [b"libc.so.6".to_vec()]);
        assert_eq!(info.soname.as_deref(), Some(&b"libx.so.1"[..]));
        assert_eq!(info.runpath, Some(wish().path.join(&b':')));
        assert_eq!(info.interpreter, wish().interpreter);
        let imports = symbols::imports(&image).unwrap();
        let puts = imports.by_soname[&b"libc.so.6"[..]].first().unwrap();
        assert_eq!(
            (&puts.name[..], puts.version.as_deref()),
            (&b"puts"[..], Some(&b"V_1"[..]))
        );
        let undo = Undo::decode(&edit.undo.encode()).unwrap();
        assert_eq!(undo.restore(&out).unwrap(), bytes);
    }
}

#[test]
fn each_tier_works_in_each_layout() {
    for layout in LAYOUTS {
        let tier = |spare, room| match elf::rewrite(&file(layout, EM_MIPS, spare, room), &wish()) {
            Outcome::Edit(tier, _) => Some(tier),
            Outcome::Unsupported(_) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(tier(4, 140), Some(elf::Tier::Copied), "{layout:?}");
        // The strings fit, the table's copy does not.
        assert_eq!(tier(4, 80), Some(elf::Tier::Appended), "{layout:?}");
        // No padding, no room behind the program headers but the interpreter's and the hash table's.
        assert_eq!(tier(4, 0), expected_growth(layout), "{layout:?}");
        assert_eq!(tier(0, 400), expected_growth(layout), "{layout:?}");
    }
}

/// A header of 32 bytes finds room where the interpreter and the hash table are; one of 56 takes the symbols', too.
fn expected_growth(layout: Layout) -> Option<elf::Tier> {
    Some(match layout.wide {
        true => elf::Tier::Symbols,
        false => elf::Tier::Segment,
    })
}

/// With DT_HASH made an entry that says nothing, so that nobody knows how many symbols there are, and nothing of them
/// may move.
fn uncounted(mut bytes: Vec<u8>) -> Vec<u8> {
    let image = Image::read(View::of(&bytes)).unwrap();
    let (layout, dynamic) = (image.layout, image.dynamic.clone().unwrap());
    let place = dynamic.entries.iter().position(|e| e.d_tag == DT_HASH);
    let at = dynamic.offset + place.unwrap() as u64 * layout.dyn_len();
    let mut tag = Vec::new();
    layout.push_word(&mut tag, 0x6fff_fdf5).unwrap();
    bytes[at as usize..][..tag.len()].copy_from_slice(&tag);
    bytes
}

#[test]
fn moved_symbols_are_found() {
    for layout in LAYOUTS.into_iter().filter(|l| l.wide) {
        let bytes = file(layout, EM_MIPS, 0, 0);
        let Outcome::Edit(elf::Tier::Symbols, edit) = elf::rewrite(&bytes, &wish()) else {
            panic!("{layout:?}");
        };
        let out = edit.apply(&bytes);
        let (before, after) = (View::of(&bytes), View::of(&out));
        let (before, after) = (Image::read(before).unwrap(), Image::read(after).unwrap());
        let symtab = |image: &Image| image.dynamic.as_ref().unwrap().value(DT_SYMTAB);
        assert_ne!(symtab(&before), symtab(&after));
        let imports = |image| symbols::imports(image).unwrap();
        assert_eq!(imports(&before), imports(&after));
        assert_eq!(after.phoff, before.phoff);
        assert_eq!(edit.undo.restore(&out).unwrap(), bytes);
    }
}

/// What kernels before 5.18 say, what later ones say, and PT_PHDR.
#[test]
fn a_moved_table_is_where_everyone_looks_for_it() {
    for layout in LAYOUTS {
        let bytes = uncounted(file(layout, EM_MIPS, 0, 0));
        let Outcome::Edit(elf::Tier::Lifted, edit) = elf::rewrite(&bytes, &wish()) else {
            panic!("{layout:?}");
        };
        let out = edit.apply(&bytes);
        let image = Image::read(View::of(&out)).unwrap();
        let first = image.loads().next().unwrap();
        let by_offset = image.phoff - first.p_offset + first.p_vaddr;
        let len = image.segments.len() as u64 * layout.phdr_len();
        assert_eq!(image.offset_of(by_offset, len), Some(image.phoff));
        let described = image.segment(PT_PHDR).unwrap();
        assert_eq!(
            (described.p_offset, described.p_vaddr),
            (image.phoff, by_offset)
        );
        // The hole says nothing, and the way back takes it away.
        let hole = bytes.len()..image.phoff as usize;
        assert!(!hole.is_empty() && out[hole].iter().all(|b| *b == 0));
        let undo = Undo::decode(&edit.undo.encode()).unwrap();
        assert_eq!(undo.restore(&out).unwrap(), bytes);
    }
}

#[test]
fn a_hole_has_its_measure() {
    let layout = LAYOUTS[0];
    for (zeros, tier) in [(1 << 24, Some(elf::Tier::Lifted)), (1 << 40, None)] {
        let mut bytes = uncounted(file(layout, EM_MIPS, 0, 0));
        // The second PT_LOAD's p_memsz.
        let at = (layout.ehdr_len() + 3 * layout.phdr_len() + 40) as usize;
        bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(zeros));
        elf::check(&bytes).unwrap();
        match (elf::rewrite(&bytes, &wish()), tier) {
            (Outcome::Edit(is, _), Some(tier)) => assert_eq!(is, tier),
            (Outcome::Unsupported(elf::Unsupported::NoHeaderSlot), None) => {}
            (other, _) => panic!("{zeros}: {other:?}"),
        }
    }
}

#[test]
fn what_does_not_fit_the_class_is_refused() {
    for layout in LAYOUTS {
        for cut in 0..400 {
            let whole = file(layout, EM_MIPS, 1, 40);
            let _ = elf::rewrite(&whole[..cut.min(whole.len())], &wish());
        }
    }
}
