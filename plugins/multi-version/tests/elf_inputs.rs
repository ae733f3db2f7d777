//! Files that are unlike what the C compiler makes, but that the kernel and ld.so take: each is run as it is, then
//! rewritten, and run again.

mod built_by;

use std::fs;

use built_by::Corpus;
use dpkgng_multi_version::elf::consts::*;
use dpkgng_multi_version::elf::{
    self, Edit, Fault, Image, Outcome, Segment, Skip, Tier, Undo, Unsupported, View, Wish,
};
use goblin::elf::ProgramHeader;

/// Changes the program headers of a file.
fn with_headers(bytes: &[u8], change: impl FnOnce(&mut Vec<ProgramHeader>)) -> Vec<u8> {
    let image = Image::read(View::of(bytes)).unwrap();
    let (layout, at) = (image.layout, image.phoff as usize);
    let mut headers = image.segments.clone();
    change(&mut headers);
    assert_eq!(headers.len(), image.segments.len());
    let mut table = Vec::new();
    for header in &headers {
        layout.push(&mut table, header).unwrap();
    }
    let mut out = bytes.to_vec();
    out[at..at + table.len()].copy_from_slice(&table);
    out
}

/// Changes an entry of the dynamic table.
fn with_entry(bytes: &[u8], tag: u64, change: impl FnOnce(&mut goblin::elf::Dyn)) -> Vec<u8> {
    let image = Image::read(View::of(bytes)).unwrap();
    let dynamic = image.dynamic.unwrap();
    let place = dynamic.entries.iter().position(|e| e.d_tag == tag).unwrap();
    let mut entry = dynamic.entries[place].clone();
    change(&mut entry);
    let mut raw = Vec::new();
    image.layout.push(&mut raw, &entry).unwrap();
    let at = dynamic.offset as usize + place * raw.len();
    let mut out = bytes.to_vec();
    out[at..at + raw.len()].copy_from_slice(&raw);
    out
}

fn of_kind(headers: &[ProgramHeader], kind: u32) -> usize {
    headers.iter().position(|h| h.p_type == kind).unwrap()
}

/// The places of PT_LOAD.
fn loads(headers: &[ProgramHeader]) -> Vec<usize> {
    let of = |n: &usize| headers[*n].p_type == PT_LOAD;
    (0..headers.len()).filter(of).collect()
}

/// Without section headers: `e_shoff` is 0, or leads somewhere with `e_shnum` 0; cut behind what is mapped, or not.
fn without_sections(bytes: &[u8], shoff: u64, cut: bool) -> Vec<u8> {
    let image = Image::read(View::of(bytes)).unwrap();
    assert!(image.layout.wide);
    let mut out = bytes.to_vec();
    out[40..48].copy_from_slice(&shoff.to_le_bytes());
    out[60..64].fill(0);
    let ends = image.segments.iter().filter_map(Segment::file_end);
    if cut {
        out.truncate(ends.max().unwrap() as usize);
    }
    out
}

fn edit(bytes: &[u8], wish: &Wish) -> (Tier, Edit) {
    match elf::rewrite(bytes, wish) {
        Outcome::Edit(tier, edit) => (tier, edit),
        other => panic!("{other:?}"),
    }
}

/// A program finds its library by itself, runs as it is, and runs by what was written into it.
fn runs_before_and_after(corpus: &Corpus, name: &str, bytes: &[u8]) -> Vec<Tier> {
    let (said, loaded) = corpus.run("before", bytes);
    assert_eq!(said, "42 7\n", "{name}");
    assert!(!loaded.contains("/lib/libanswer.so.1"), "{name}: {loaded}");
    let tiers = [0, 300, 3900].map(|padding| {
        let wish = corpus.wish(padding);
        let (tier, edit) = edit(bytes, &wish);
        let out = edit.apply(bytes);
        let what = format!("{name}, {padding}, {tier:?}");
        elf::check(&out).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        let undo = Undo::decode(&edit.undo.encode()).unwrap();
        assert_eq!(undo.restore(&out).unwrap(), bytes, "{what}");
        let (said, loaded) = corpus.run("after", &out);
        assert_eq!(said, "42 7\n", "{what}");
        for library in ["libanswer.so.1", "libc.so.6"] {
            let own = format!("{}/lib/{library}", corpus.dir().display());
            assert!(loaded.contains(&own), "{what}: {loaded}");
        }
        tier
    });
    tiers.to_vec()
}

const BY_ITSELF: &str = "-Wl,-rpath,$ORIGIN";

fn program(corpus: &Corpus, name: &str, more: &[&str]) -> Vec<u8> {
    corpus.program(name, &[&[BY_ITSELF], more].concat())
}

#[test]
fn headers_in_any_order() {
    let corpus = Corpus::new();
    for (name, arguments) in [
        ("pie", ["-pie", "-fPIE"]),
        ("fixed", ["-no-pie", "-fno-pie"]),
    ] {
        let bytes = program(&corpus, name, &arguments);
        // What patchelf leaves.
        let late = with_headers(&bytes, |headers| {
            let interpreter = headers.remove(of_kind(headers, PT_INTERP));
            headers.push(interpreter);
        });
        runs_before_and_after(&corpus, "PT_INTERP behind the others", &late);
        let phdr_size = with_headers(&bytes, |headers| {
            let place = of_kind(headers, PT_PHDR);
            headers[place].p_filesz -= 56;
            headers[place].p_memsz -= 56;
        });
        runs_before_and_after(&corpus, "PT_PHDR of another length", &phdr_size);
        let unsorted = with_headers(&bytes, |headers| {
            let loads = loads(headers);
            headers.swap(loads[1], loads[2]);
        });
        runs_before_and_after(&corpus, "PT_LOAD in disorder", &unsorted);
        // Two that show the same of the file: the frame table once more.
        let overlapping = with_headers(&bytes, |headers| {
            let place = of_kind(headers, PT_GNU_EH_FRAME);
            headers[place].p_type = PT_LOAD;
        });
        runs_before_and_after(&corpus, "PT_LOAD that overlap", &overlapping);
    }
}

#[test]
fn what_no_loader_looks_at() {
    let corpus = Corpus::new();
    let bytes = program(&corpus, "program", &[]);
    let mut version = bytes.clone();
    version[6] = 0;
    runs_before_and_after(&corpus, "EI_VERSION", &version);
    for align in [0, 3, 0x1800] {
        let odd = with_headers(&bytes, |headers| {
            for place in loads(headers) {
                headers[place].p_align = align;
            }
        });
        runs_before_and_after(&corpus, &format!("p_align {align}"), &odd);
    }
    let note = with_headers(&bytes, |headers| {
        let place = of_kind(headers, PT_NOTE);
        headers[place].p_offset = 1 << 40;
    });
    runs_before_and_after(&corpus, "a note that is nowhere", &note);
    runs_before_and_after(&corpus, "bare", &without_sections(&bytes, 0, true));
    for shoff in [64, 1 << 50] {
        let name = format!("e_shnum 0, e_shoff {shoff}");
        let bare = without_sections(&bytes, shoff, true);
        runs_before_and_after(&corpus, &name, &bare);
    }
}

#[test]
fn the_end_of_the_last_page() {
    let corpus = Corpus::new();
    let kinds: [(&str, &[&str]); 2] = [
        ("spare", &[]),
        (
            "none",
            &["-Wl,--spare-dynamic-tags=1", "-Wl,-z,noseparate-code"],
        ),
    ];
    for (name, arguments) in kinds {
        let bytes = program(&corpus, name, arguments);
        let bare = without_sections(&bytes, 0, true);
        // What Go's linker leaves, stripped.
        let mut filled = bare.clone();
        filled.resize(bare.len().next_multiple_of(4096), 0);
        let tiers = runs_before_and_after(&corpus, "zeros behind it", &filled);
        assert!(tiers.contains(&Tier::Segment), "{tiers:?}");
        // Somebody's data, though there are zeros before it.
        let data = [&filled[..], b"data"].concat();
        let outcome = elf::rewrite(&data, &corpus.wish(3900));
        let behind = Outcome::Unsupported(Unsupported::DataBehind);
        assert!(name == "spare" || outcome == behind, "{outcome:?}");
        // The kernel shows zeros behind the file's end.
        let beyond = with_headers(&bare, |headers| {
            let place = *loads(headers).last().unwrap();
            let last = &mut headers[place];
            assert!(last.p_memsz >= last.p_filesz + 8);
            last.p_filesz += 8;
        });
        let image = Image::read(View::of(&beyond)).unwrap();
        let end = image.loads().filter_map(Segment::file_end).max().unwrap();
        assert_eq!(end, beyond.len() as u64 + 8);
        runs_before_and_after(&corpus, "a segment that ends behind the file", &beyond);
        let cut = &bytes[..bytes.len() / 2];
        assert!(elf::check(cut).is_err());
    }
}

#[test]
fn dynamic_tables() {
    let corpus = Corpus::new();
    let spare = ["-Wl,--spare-dynamic-tags=200"];
    let bytes = program(&corpus, "many-spares", &spare);
    let tiers = runs_before_and_after(&corpus, "200 spare entries", &bytes);
    assert_eq!(tiers[0], Tier::Copied);
    let bytes = program(&corpus, "no-spare", &["-Wl,--spare-dynamic-tags=1"]);
    runs_before_and_after(&corpus, "no spare entry", &bytes);
    // ld.so reads on to the end mark.
    let bare = without_sections(&bytes, 0, true);
    let image = Image::read(View::of(&bare)).unwrap();
    let size = image.dynamic.unwrap().entries.len() as u64 * image.layout.dyn_len();
    let endless = with_headers(&bare, |headers| {
        let place = of_kind(headers, PT_DYNAMIC);
        headers[place].p_filesz = size;
        headers[place].p_memsz = size;
    });
    runs_before_and_after(&corpus, "an end mark behind its end", &endless);
}

#[test]
fn strings_beyond_the_string_table() {
    let corpus = Corpus::new();
    let kinds: [(&str, &[&str]); 2] = [
        ("padding", &[]),
        (
            "growth",
            &["-Wl,--spare-dynamic-tags=1", "-Wl,-z,noseparate-code"],
        ),
    ];
    for (name, arguments) in kinds {
        let bytes = program(&corpus, name, arguments);
        let image = Image::read(View::of(&bytes)).unwrap();
        let size = image.dynamic.unwrap().value(DT_STRSZ).unwrap();
        for len in [0, 1, size / 2, size - 2] {
            let split = with_entry(&bytes, DT_STRSZ, |entry| entry.d_val = len);
            let what = format!("{name}: {len} of {size}");
            let tiers = runs_before_and_after(&corpus, &what, &split);
            assert!(!tiers.contains(&Tier::Copied), "{what}: {tiers:?}");
        }
        // Nobody says how long it is.
        let untold = with_entry(&bytes, DT_STRSZ, |entry| entry.d_tag = 0x6fff_fdf0);
        runs_before_and_after(&corpus, name, &untold);
    }
}

#[test]
fn addresses_and_alignments() {
    let corpus = Corpus::new();
    let kinds: [(&str, &[&str]); 4] = [
        ("based", &["-pie", "-fPIE", "-Wl,-Ttext-segment=0x400000"]),
        (
            "high",
            &["-no-pie", "-fno-pie", "-Wl,-Ttext-segment=0x20000000"],
        ),
        ("4 MiB", &["-Wl,-z,max-page-size=0x400000"]),
        (
            "64 KiB, no room",
            &["-Wl,-z,max-page-size=0x10000", "-Wl,--spare-dynamic-tags=1"],
        ),
    ];
    for (name, arguments) in kinds {
        let bytes = program(&corpus, name, arguments);
        runs_before_and_after(&corpus, name, &bytes);
    }
}

#[test]
fn libraries_as_ld_so_takes_them() {
    let corpus = Corpus::new();
    let main = program(&corpus, "main", &[]);
    let with = |name: &str, library: &[u8]| {
        // What is mapped stays: another file.
        let place = corpus.path("libanswer.so.1");
        fs::remove_file(&place).unwrap();
        fs::write(&place, library).unwrap();
        assert_eq!(corpus.run("main", &main).0, "42 7\n", "{name}");
    };
    let build = |more: &[&str]| {
        let plain = ["-shared", "-fPIC", "-Wl,-soname,libanswer.so.1", "answer.c"];
        corpus.cc("library", &[&plain[..], more].concat())
    };
    let plain = build(&[]);
    let prelinked = build(&["-Wl,-Ttext-segment=0x3000000000"]);
    let aligned = build(&["-Wl,-z,max-page-size=0x200000"]);
    let larger = with_headers(&plain, |headers| {
        let place = loads(headers)[0];
        headers[place].p_memsz -= 8;
    });
    let split = with_entry(&plain, DT_STRSZ, |entry| entry.d_val = 1);
    let none = build(&["-Wl,--spare-dynamic-tags=1"]);
    for (name, bytes) in [
        ("prelinked addresses", prelinked),
        ("aligned to 2 MiB", aligned),
        ("larger in the file than in memory", larger),
        ("strings beyond the table", split),
        ("no sections, no spare", without_sections(&none, 0, true)),
    ] {
        with(name, &bytes);
        for padding in [0, 3900] {
            let (tier, edit) = edit(&bytes, &corpus.wish(padding));
            with(&format!("{name}, {tier:?}"), &edit.apply(&bytes));
        }
    }
    for (align, order) in [(0, [1, 2]), (3, [2, 1]), (8, [2, 1])] {
        let odd = with_headers(&plain, |headers| {
            let loads = loads(headers);
            headers.swap(loads[order[0]], loads[order[1]]);
            for place in loads {
                headers[place].p_align = align;
            }
        });
        let what = format!("aligned to {align}, in disorder");
        with(&what, &odd);
        for padding in [0, 3900] {
            let (tier, edit) = edit(&odd, &corpus.wish(padding));
            with(&format!("{what}, {tier:?}"), &edit.apply(&odd));
        }
    }
    // There it maps less than it needs, and crashes.
    let last = with_headers(&plain, |headers| {
        let loads = loads(headers);
        headers.swap(loads[2], loads[3]);
    });
    let unsupported = Outcome::Unsupported(Unsupported::Input(Fault::Order));
    assert_eq!(elf::rewrite(&last, &corpus.wish(0)), unsupported);
}

#[test]
fn what_is_not_loaded_is_left_alone() {
    let corpus = Corpus::new();
    let whole = program(&corpus, "whole", &["-g"]);
    let debug = |option: &str| {
        let done = std::process::Command::new("objcopy")
            .args([option, "whole", "whole.debug"])
            .current_dir(corpus.dir())
            .status();
        assert!(done.unwrap().success());
        fs::read(corpus.path("whole.debug")).unwrap()
    };
    let detached = debug("--only-keep-debug");
    let skipped = Outcome::Skip(Skip::DetachedDebug);
    assert_eq!(elf::rewrite(&detached, &corpus.wish(0)), skipped);
    // As elfutils' strip leaves it: program headers as they were, sections emptied.
    let headers = Image::read(View::of(&whole)).unwrap().segments;
    let kept = with_headers(&detached, |own| {
        let place = of_kind(own, PT_DYNAMIC);
        own[place] = headers[of_kind(&headers, PT_DYNAMIC)].clone();
    });
    assert_eq!(elf::rewrite(&kept, &corpus.wish(0)), skipped);
    let alone = corpus.cc("static-pie", &["-static-pie", "-fPIE", "alone.c"]);
    let outcome = elf::rewrite(&alone, &corpus.wish(0));
    assert_eq!(outcome, Outcome::Skip(Skip::NeedsNothing));
}
