//! Rewriting what the C compiler makes, and running it: every way of linking, every tier.

mod built_by;
mod mutation;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use built_by::Corpus;
use dpkgng_multi_version::elf::{
    self, DynamicInfo, Edit, Image, Outcome, PathTag, Skip, Tier, Undo, Unsupported, View, Wish,
    notes, symbols,
};

fn edit(bytes: &[u8], wish: &Wish) -> (Tier, Edit) {
    match elf::rewrite(bytes, wish) {
        Outcome::Edit(tier, edit) => (tier, edit),
        other => panic!("{other:?}"),
    }
}

/// Rewrites, checks undo and result, gives tier and result.
fn rewritten(bytes: &[u8], wish: &Wish) -> (Tier, Vec<u8>) {
    let (tier, edit) = edit(bytes, wish);
    let out = edit.apply(bytes);
    elf::check(&out).unwrap();
    let undo = Undo::decode(&edit.undo.encode()).unwrap();
    assert_eq!(undo.restore(&out).unwrap(), bytes);
    assert_eq!(elf::rewrite(&out, wish), Outcome::Skip(Skip::AlreadySo));
    (tier, out)
}

fn info(bytes: &[u8]) -> DynamicInfo {
    DynamicInfo::of(&Image::read(View::of(bytes)).unwrap()).unwrap()
}

/// Without section headers, as `sstrip` leaves it.
fn without_sections(bytes: &[u8]) -> Vec<u8> {
    let image = Image::read(View::of(bytes)).unwrap();
    let mut out = bytes.to_vec();
    let (shoff, shentsize) = if image.layout.wide {
        (40, 58)
    } else {
        (32, 46)
    };
    let word = image.layout.word_len() as usize;
    out[shoff..shoff + word].fill(0);
    out[shentsize..shentsize + 6].fill(0);
    // The table itself is cut off: nothing describes it any more.
    out.truncate(
        image
            .segments
            .iter()
            .filter_map(elf::Segment::file_end)
            .max()
            .unwrap() as usize,
    );
    out
}

#[test]
fn programs_run_by_what_was_written_into_them() {
    let corpus = Corpus::new();
    let kinds: [(&str, &[&str]); 9] = [
        ("pie", &["-pie", "-fPIE"]),
        ("fixed", &["-no-pie", "-fno-pie"]),
        ("no-spare", &["-Wl,--spare-dynamic-tags=1"]),
        ("fixed-no-spare", &["-no-pie", "-Wl,--spare-dynamic-tags=1"]),
        ("one-text-segment", &["-Wl,-z,noseparate-code"]),
        ("sysv-hash", &["-Wl,--hash-style=sysv"]),
        ("both-hashes", &["-Wl,--hash-style=both", "-Wl,-z,now"]),
        ("large-pages", &["-Wl,-z,max-page-size=0x200000"]),
        ("stripped", &["-s", "-Wl,-z,relro,-z,now"]),
    ];
    for (name, arguments) in kinds {
        let original = corpus.program(name, arguments);
        for (variant, bytes) in [
            ("", original.clone()),
            ("-bare", without_sections(&original)),
        ] {
            for padding in [0, 300, 3000] {
                let wish = corpus.wish(padding);
                let (tier, out) = rewritten(&bytes, &wish);
                let what = format!("{name}{variant}, {padding}, {tier:?}");
                let found = info(&out);
                assert_eq!(found.interpreter, wish.interpreter, "{what}");
                assert_eq!(found.runpath, Some(wish.path.join(&b':')), "{what}");
                let (said, loaded) = corpus.run("rewritten", &out);
                assert_eq!(said, "42 7\n", "{what}");
                for library in ["libanswer.so.1", "libc.so.6"] {
                    let from = format!("{library} => {}", "/".repeat(padding));
                    let own = format!("{}/lib/{library}", corpus.dir().display());
                    let line = loaded.lines().find(|l| l.contains(&from));
                    assert!(line.is_some_and(|l| l.contains(&own)), "{what}:\n{loaded}");
                }
            }
        }
    }
}

#[test]
fn tiers_come_in_order() {
    let corpus = Corpus::new();
    let pie = corpus.program("pie", &["-pie"]);
    let (tier, edit_) = edit(&pie, &corpus.wish(0));
    assert_eq!((tier, edit_.len), (Tier::Copied, pie.len() as u64));
    // Neither padding has 3,000 bytes twice.
    let tight = corpus.program("tight", &["-Wl,-z,noseparate-code"]);
    let (tier, edit_) = edit(&tight, &corpus.wish(3900));
    assert_eq!(tier, Tier::Segment);
    assert!(edit_.len > tight.len() as u64);
    let spare = corpus.program("spare", &["-Wl,--spare-dynamic-tags=1", "-Wl,-z,now"]);
    assert_eq!(edit(&spare, &corpus.wish(0)).0, Tier::Segment);
}

#[test]
fn libraries_are_found_wherever_their_headers_are() {
    let corpus = Corpus::new();
    let program = corpus.program("program", &[]);
    let (_, program) = rewritten(&program, &corpus.wish(0));
    let plain = ["-shared", "-fPIC", "-Wl,-soname,libanswer.so.1", "answer.c"];
    let kinds: [(&str, &[&str]); 4] = [
        ("plain", &[]),
        ("no-spare", &["-Wl,--spare-dynamic-tags=1"]),
        (
            "no-spare-sysv",
            &["-Wl,--spare-dynamic-tags=1", "-Wl,--hash-style=sysv"],
        ),
        (
            "no-room",
            &["-Wl,-z,noseparate-code", "-Wl,--build-id=none"],
        ),
    ];
    // Enough symbols that their hash table leaves room for a program header.
    let many: String = (0..60)
        .map(|n| format!("int more{n}(void) {{ return {n}; }}\n"))
        .collect();
    std::fs::write(corpus.path("many.c"), many).unwrap();
    let kinds = kinds.into_iter().flat_map(|(name, arguments)| {
        [
            (name, arguments.to_vec()),
            (name, [arguments, &["many.c"]].concat()),
        ]
    });
    let mut tiers = Vec::new();
    for (name, arguments) in kinds {
        let original = corpus.cc("library", &[&plain[..], &arguments].concat());
        for padding in [0, 3900] {
            let (tier, out) = rewritten(&original, &corpus.wish(padding));
            tiers.push(tier);
            // The loader has it mapped: a new file, not the old one's bytes.
            std::fs::remove_file(corpus.path("libanswer.so.1")).unwrap();
            std::fs::write(corpus.path("libanswer.so.1"), out).unwrap();
            assert_eq!(
                corpus.run("rewritten", &program).0,
                "42 7\n",
                "{name} {tier:?}"
            );
        }
    }
    for tier in [Tier::Copied, Tier::Segment, Tier::Table] {
        assert!(tiers.contains(&tier), "{tier:?}: {tiers:?}");
    }
}

/// Makes the build-id a note of an owner who may count from its own place: it cannot move, so no header fits before
/// it. As Crashpad's note in what Chromium's linker makes.
fn pin(bytes: &mut [u8]) {
    let at = memchr::memmem::find(bytes, b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0");
    let owner = at.expect("a build-id") + 12;
    bytes[owner..owner + 3].copy_from_slice(b"Xyz");
}

/// A note whose owner may count from its own place.
const PINNED: &str = r#"
__asm__(".pushsection .note.pinned,\"a\",%note\n.balign 4\n"
        ".long 4, 8, 1\n.asciz \"Pin\"\n.quad 0x1122334455667788\n.popsection");
"#;

/// A program laid out as lld does: behind the notes come the symbols, and the note that cannot move stands
/// between others.
fn as_lld_does(corpus: &Corpus, pinned: bool) -> Vec<u8> {
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .args([
            "-pie",
            "-Wl,-z,noseparate-code,--verbose",
            "alone.c",
            "-o",
            "alone",
        ])
        .current_dir(corpus.dir())
        .output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    let script = said.split("==================================================");
    let script = script.skip(1).step_by(2).next().unwrap();
    let (mut out, mut hashes) = (String::new(), String::new());
    for line in script.lines() {
        if line.contains("*(.gnu.hash)") || line.contains("*(.hash)") {
            hashes += line;
        } else if line.contains("*(.note.gnu.build-id)") {
            // Linkers do not agree on whether notes come first, nor on where those go that no script names.
            for section in [
                ".interp",
                ".note.gnu.property",
                ".note.ABI-tag",
                ".note.pinned",
            ] {
                out += &format!("{section} : {{ *({section}) }}\n");
            }
            out += line;
        } else if line.contains("*(.dynstr)") {
            out += line;
            out += &hashes;
        } else if !line.contains("*(.interp)") {
            out += line;
        }
        out.push('\n');
    }
    std::fs::write(corpus.path("script"), out).unwrap();
    std::fs::write(corpus.path("pinned.c"), PINNED).unwrap();
    let arguments = [
        "-pie",
        "-fPIE",
        "-Wl,-T,script",
        "-Wl,--spare-dynamic-tags=1",
        "-Wl,-z,noseparate-code",
        "pinned.c",
    ];
    corpus.program("lld", &arguments[..5 + usize::from(pinned)])
}

#[test]
fn symbols_move_where_nothing_else_makes_room() {
    let corpus = Corpus::new();
    for pinned in [false, true] {
        let original = as_lld_does(&corpus, pinned);
        let (tier, out) = rewritten(&original, &corpus.wish(3900));
        assert_eq!(tier, Tier::Symbols, "{pinned}");
        assert_eq!(corpus.run("rewritten", &out).0, "42 7\n", "{pinned}");
        let (before, after) = (View::of(&original), View::of(&out));
        let (before, after) = (Image::read(before).unwrap(), Image::read(after).unwrap());
        assert_eq!(before.phoff, after.phoff);
        let imports = |image| symbols::imports(image).unwrap();
        assert_eq!(imports(&before), imports(&after));
        assert_eq!(
            symbols::exports(&before).unwrap(),
            symbols::exports(&after).unwrap()
        );
        let said = |image| {
            let all = notes::all(image);
            let texts = all.iter().map(|n| format!("{n:?}"));
            texts.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(said(&before), said(&after));
        // What counts from its own place is there still; what core dumps tell of a program is in its first page.
        let note = b"Pin\0\x88\x77\x66\x55";
        let place = |bytes: &[u8]| memchr::memmem::find(bytes, note);
        assert_eq!(place(&original), place(&out));
        assert_eq!(place(&out).is_some(), pinned);
        let id = notes::build_id(&before).unwrap();
        assert!(memchr::memmem::find(&out[..0x1000], &id).is_some());
        let strip = Command::new("strip").arg(corpus.path("rewritten")).status();
        assert!(strip.unwrap().success());
        let stripped = std::fs::read(corpus.path("rewritten")).unwrap();
        assert_eq!(corpus.run("stripped", &stripped).0, "42 7\n", "{pinned}");
    }
}

#[test]
fn the_whole_table_may_stand_at_the_end_of_a_program() {
    let corpus = Corpus::new();
    std::fs::write(corpus.path("zeros.c"), "char zeros[5000000] = {0};\n").unwrap();
    let kinds: [(&str, &[&str]); 3] = [
        ("pie", &["-pie", "-fPIE"]),
        ("zeros", &["-pie", "-fPIE", "zeros.c"]),
        ("debug", &["-pie", "-fPIE", "-g3"]),
    ];
    for (name, arguments) in kinds {
        let tight = ["-Wl,-z,noseparate-code"];
        let mut original = corpus.program(name, &[arguments, &tight].concat());
        pin(&mut original);
        for bytes in [original.clone(), without_sections(&original)] {
            let wish = corpus.wish(3900);
            let (tier, out) = rewritten(&bytes, &wish);
            assert_eq!(tier, Tier::Lifted, "{name}");
            let (said, loaded) = corpus.run("rewritten", &out);
            assert_eq!(said, "42 7\n", "{name}");
            assert!(loaded.contains("/lib/libanswer.so.1"), "{name}: {loaded}");
            // The loader as a program maps it by itself.
            let loader = OsStr::from_bytes(wish.interpreter.as_deref().unwrap());
            let output = Command::new(loader).arg(corpus.path("rewritten")).output();
            assert_eq!(output.unwrap().stdout, b"42 7\n", "{name}");
        }
    }
}

#[test]
fn the_whole_table_may_stand_at_the_end_of_a_library() {
    let corpus = Corpus::new();
    let program = corpus.program("program", &[]);
    let (_, program) = rewritten(&program, &corpus.wish(0));
    let arguments = [
        "-shared",
        "-fPIC",
        "-Wl,-soname,libanswer.so.1",
        "answer.c",
        "-Wl,--spare-dynamic-tags=1",
    ];
    let mut original = corpus.cc("library", &arguments);
    pin(&mut original);
    let (tier, out) = rewritten(&original, &corpus.wish(0));
    assert_eq!(tier, Tier::Table);
    std::fs::remove_file(corpus.path("libanswer.so.1")).unwrap();
    std::fs::write(corpus.path("libanswer.so.1"), out).unwrap();
    assert_eq!(corpus.run("rewritten", &program).0, "42 7\n");
}

#[test]
fn what_needs_nothing_is_left_alone() {
    let corpus = Corpus::new();
    let wish = corpus.wish(0);
    let skipped = |bytes: &[u8]| match elf::rewrite(bytes, &wish) {
        Outcome::Skip(why) => why,
        other => panic!("{other:?}"),
    };
    let fixed = corpus.cc("static", &["-static", "alone.c"]);
    assert_eq!(skipped(&fixed), Skip::Static);
    let moved = corpus.cc("static-pie", &["-static-pie", "-fPIE", "alone.c"]);
    assert_eq!(skipped(&moved), Skip::NeedsNothing);
    let loader = std::fs::read(
        corpus.path("lib").join(
            String::from_utf8(wish.interpreter.clone().unwrap())
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap(),
        ),
    );
    assert_eq!(skipped(&loader.unwrap()), Skip::NeedsNothing);
    assert_eq!(
        skipped(&corpus.cc("object.o", &["-c", "alone.c"])),
        Skip::OtherKind
    );
    assert_eq!(skipped(b"#!/bin/sh\n"), Skip::NotElf);
    assert_eq!(skipped(b""), Skip::NotElf);
    let odd = corpus.program("odd", &["-Wl,--dynamic-linker=/lib/klibc-abc.so"]);
    assert_eq!(skipped(&odd), Skip::ForeignInterpreter);
    let mut mapped = wish.clone();
    mapped.foreign_interpreters = vec![(b"/lib/klibc-abc.so".into(), b"/x/klibc-abc.so".into())];
    let (_, out) = rewritten(&odd, &mapped);
    assert_eq!(
        info(&out).interpreter.as_deref(),
        Some(&b"/x/klibc-abc.so"[..])
    );
}

#[test]
fn detached_debugging_information_is_left_alone() {
    let corpus = Corpus::new();
    corpus.program("program", &["-g"]);
    let done = std::process::Command::new("objcopy")
        .args(["--only-keep-debug", "program", "program.debug"])
        .current_dir(corpus.dir())
        .status();
    assert!(done.unwrap().success());
    let bytes = std::fs::read(corpus.path("program.debug")).unwrap();
    let outcome = elf::rewrite(&bytes, &corpus.wish(0));
    assert_eq!(outcome, Outcome::Skip(Skip::DetachedDebug));
}

#[test]
fn data_behind_the_image_stays_or_the_file_is_refused() {
    let corpus = Corpus::new();
    let image = b"an image that its program finds by the file's end";
    let room = [corpus.program("room", &[]), image.to_vec()].concat();
    let (tier, out) = rewritten(&room, &corpus.wish(0));
    assert!(tier <= Tier::Appended && out.ends_with(image) && out.len() == room.len());
    let none = [
        corpus.program("none", &["-Wl,--spare-dynamic-tags=1"]),
        image.to_vec(),
    ]
    .concat();
    let outcome = elf::rewrite(&none, &corpus.wish(3900));
    assert_eq!(outcome, Outcome::Unsupported(Unsupported::DataBehind));
}

#[test]
fn present_paths_stay_behind_ours() {
    let corpus = Corpus::new();
    let old = "-Wl,-rpath,$ORIGIN/../x:/usr/lib/private";
    let mut wish = corpus.wish(0);
    wish.reroot = vec![b"/r".to_vec()];
    let ours = String::from_utf8(wish.path.join(&b':')).unwrap();
    for tags in ["-Wl,--disable-new-dtags", "-Wl,--enable-new-dtags"] {
        let bytes = corpus.program("paths", &[tags, old]);
        for (tag, spare) in [(PathTag::Runpath, 0), (PathTag::Rpath, 2)] {
            wish.tag = tag;
            wish.needed = (0..spare)
                .map(|n| format!("libmore.so.{n}").into())
                .collect();
            let before = info(&bytes);
            let out = edit(&bytes, &wish).1.apply(&bytes);
            let after = info(&out);
            let wanted =
                format!("{ours}:$ORIGIN/../x:/r/usr/lib/private:/usr/lib/private").into_bytes();
            let expected = match tag {
                PathTag::Runpath => (None, Some(wanted)),
                PathTag::Rpath => (Some(wanted), None),
            };
            assert_eq!((after.rpath, after.runpath), expected);
            assert_eq!(after.needed, [before.needed, wish.needed.clone()].concat());
        }
    }
}

#[test]
fn wishes_that_cannot_be_written_are_refused() {
    let corpus = Corpus::new();
    let bytes = corpus.program("program", &[]);
    let wrong = |change: fn(&mut Wish)| {
        let mut wish = corpus.wish(0);
        change(&mut wish);
        assert_eq!(
            elf::rewrite(&bytes, &wish),
            Outcome::Unsupported(Unsupported::Wish)
        );
    };
    wrong(|w| w.path.push(b"/with:colon".to_vec()));
    wrong(|w| w.path.push(b"/with\0nul".to_vec()));
    wrong(|w| w.path.push(Vec::new()));
    wrong(|w| w.interpreter = Some(vec![b'/'; 4096]));
}

#[test]
fn mutated_files_neither_panic_nor_come_out_faulty() {
    let corpus = Corpus::new();
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for arguments in [
        &["-pie"][..],
        &["-no-pie", "-Wl,--hash-style=both"],
        &["-Wl,--spare-dynamic-tags=1"],
    ] {
        seeds.push(corpus.program("seed", arguments));
    }
    seeds.push(std::fs::read(corpus.path("libanswer.so.1")).unwrap());
    seeds.push(without_sections(&seeds[0]));
    seeds.push(seeds[2].clone());
    pin(&mut seeds[5]);
    seeds.push(as_lld_does(&corpus, true));
    let mut random = mutation::Random::new(1);
    let mut edited = 0;
    for round in 0..4000 {
        let bytes = mutation::mutate(&mut random, &seeds[round % 7]);
        match mutation::try_all(&bytes) {
            Ok(done) => edited += u32::from(done),
            Err(problem) => panic!("round {round}: {problem}"),
        }
    }
    assert!(edited > 400, "only {edited} got past the checks");
}
