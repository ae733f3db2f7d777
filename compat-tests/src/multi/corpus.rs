//! Must-show 3: every ELF object of more than a thousand real packages, of three architectures and all kinds,
//! through `elf-corpus`, which rewrites, undoes, and lets readelf, eu-elflint, the loader and patchelf speak.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::system::System;
use super::{Extent, fetch, objects};
use crate::{During, Res, oracle};

/// Where the build directory of this program has the one that does it, optimised.
pub fn elf_corpus() -> Res<PathBuf> {
    let exe = std::env::current_exe().during("own path")?;
    let target = exe.ancestors().nth(2).ok_or("compat is in no directory")?;
    Ok(target.join("release/examples/elf-corpus"))
}

/// Fetches what it takes, and builds the program; before the sandbox, which has no network.
pub fn prepare() -> Res<()> {
    oracle::need("eu-elflint", "elfutils")?;
    oracle::need("patchelf", "patchelf")?;
    fetch::the_corpus()?;
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = elf_corpus()?;
    let target = program.ancestors().nth(3).ok_or("no build directory")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    oracle::run(
        Command::new(cargo)
            .args(["build", "--release", "-p", "dpkgng-multi-version"])
            .args(["--example", "elf-corpus", "--target-dir"])
            .arg(target)
            .current_dir(tree),
    )
}

/// The files of an architecture by kind.
fn kinds(dir: &Path) -> Res<BTreeMap<&'static str, usize>> {
    let mut counts = BTreeMap::new();
    for file in objects::below(dir) {
        let bytes = fs::read(&file).during(file.display())?;
        let linking = objects::linking(&file)?;
        let header = objects::header(&file)?;
        let has = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
        let program = linking.interpreter.is_some();
        let meta = fs::metadata(&file).during(file.display())?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        for (kind, is) in [
            ("PIE", program && header.contains("DYN")),
            ("non-PIE", program && header.contains("EXEC")),
            ("static-PIE", !program && linking.pie),
            ("static", !linking.dynamic && header.contains("EXEC")),
            ("library", !program && !linking.needed.is_empty()),
            ("Go", has(b"Go buildinf:")),
            ("Rust", has(b"RUST_BACKTRACE")),
            ("set-id", meta.mode() & 0o6000 != 0),
            ("libc itself", name == "libc.so.6"),
            ("stripped", !linking.symtab),
        ] {
            if is {
                *counts.entry(kind).or_insert(0) += 1;
            }
        }
    }
    Ok(counts)
}

/// All of it.
pub fn run(s: &System, _: Extent) -> Res<()> {
    let program = elf_corpus()?;
    let scratch = s.outside("/tmp/corpus");
    fs::create_dir_all(&scratch).during("scratch")?;
    let call = |what: &str, args: &[&Path]| {
        s.part(what, || {
            let out = Command::new(&program)
                .args(args)
                .env("TMPDIR", &scratch)
                .output()
                .during(program.display())?;
            let said = String::from_utf8_lossy(&out.stdout).into_owned();
            let lines: Vec<&str> = said.lines().collect();
            for line in lines.iter().rev().take(25).rev() {
                println!("      {line}");
            }
            s.expect(out.status.success(), || {
                format!("elf-corpus {what}: {said}")
            });
            Ok(())
        });
    };
    let mut packages = 0;
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for (architecture, list) in fetch::CORPUS {
        let dir = fetch::corpus(architecture);
        packages += list.lines().count();
        for (kind, count) in kinds(&dir)? {
            *all.entry(kind).or_default() += count;
        }
        let word = Path::new;
        call(&format!("rewrite {architecture}"), &[word("rewrite"), &dir]);
        call(&format!("lint {architecture}"), &[word("lint"), &dir]);
        call(
            &format!("patchelf {architecture}"),
            &[word("patchelf"), word("patchelf"), &dir],
        );
        if architecture != "arm64" {
            let root = scratch.join(architecture);
            call(
                &format!("load {architecture}"),
                &[word("load"), &root, &dir],
            );
            let _ = fs::remove_dir_all(&root);
        }
    }
    println!("    {packages} packages: {all:?}");
    s.expect(packages >= 1000, || format!("only {packages} packages"));
    for kind in [
        "PIE",
        "non-PIE",
        "static-PIE",
        "static",
        "library",
        "Go",
        "Rust",
        "set-id",
        "libc itself",
        "stripped",
    ] {
        s.expect(all.contains_key(kind), || {
            format!("nothing {kind} in the corpus")
        });
    }
    Ok(())
}
