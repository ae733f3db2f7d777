//! Other programs' opinion of results, held against their opinion of the originals.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dpkgng_multi_version::elf::symbols::{self, Versioned};
use dpkgng_multi_version::elf::{self, DynamicInfo, Image, Outcome, View, notes};

use super::files;

/// Complaints of readelf and eu-elflint about each result that the original does not earn.
pub fn run(dirs: &[PathBuf]) -> bool {
    let scratch = std::env::temp_dir().join(format!("elf-corpus-lint-{}", std::process::id()));
    let mut kinds: BTreeMap<String, (usize, PathBuf)> = BTreeMap::new();
    let (mut edited, mut unread) = (0, 0);
    for file in files::elf_files(dirs) {
        let Ok(bytes) = fs::read(&file.path) else {
            continue;
        };
        let Outcome::Edit(tier, edit) = elf::rewrite(&bytes, &files::wish(&bytes)) else {
            continue;
        };
        edited += 1;
        if let Err(error) = fs::write(&scratch, edit.apply(&bytes)) {
            println!("{}: {error}", scratch.display());
            return false;
        }
        let before = complaints(&file.path);
        for complaint in complaints(&scratch).difference(&before) {
            let kind = format!("{tier:?}: {complaint}");
            let entry = kinds.entry(kind).or_insert((0, file.path.clone()));
            entry.0 += 1;
        }
        if !shows_path(&scratch) {
            unread += 1;
            println!("readelf -d shows no path: {}", file.path.display());
        }
    }
    let _ = fs::remove_file(&scratch);
    println!("{edited} edited, {unread} whose path readelf -d does not show");
    for (kind, (count, example)) in &kinds {
        println!("{count:6} {kind} ({})", example.display());
    }
    let known = |kind: &String| KNOWN.iter().any(|k| kind.contains(k));
    kinds.keys().all(known) && unread == 0
}

/// What follows from rewriting and harms nobody.
const KNOWN: [&str; 3] = [
    // Strings in another segment than the table they belong to.
    "'.dynstr' not fully contained in segment of program header entry",
    // libcap's and libpsx's own symbol for their `.interp`; the old path still stands there.
    "(__execable_dl_loader): st_value out of bounds",
    // The section symbol of what moved, in the static symbol table.
    "'.symtab': symbol N (): st_value out of bounds",
];

/// What the two programs find wrong, numbers taken out.
fn complaints(path: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let readelf = Command::new("readelf").args(["-lSdnVW"]).arg(path).output();
    let lint = Command::new("eu-elflint")
        .arg("--gnu-ld")
        .arg(path)
        .output();
    for (name, output) in [("readelf", readelf), ("eu-elflint", lint)] {
        let Ok(output) = output else {
            found.insert(format!("{name} did not run"));
            continue;
        };
        let text = match name {
            // Its report is no complaint.
            "readelf" => output.stderr,
            _ => [output.stdout, output.stderr].concat(),
        };
        for line in String::from_utf8_lossy(&text).lines() {
            let line = line.replace(&*path.to_string_lossy(), "FILE");
            found.insert(format!("{name}: {}", without_numbers(&line)));
        }
    }
    found
}

fn without_numbers(line: &str) -> String {
    let words = line.split(' ').map(|word| {
        if word.chars().any(|c| c.is_ascii_digit()) && !word.contains("DT_") {
            "N"
        } else {
            word
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn shows_path(path: &Path) -> bool {
    let output = Command::new("readelf").args(["-dW"]).arg(path).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    let wanted = format!("[{}:{}", files::INSTALL, files::SYSTEM);
    text.is_ok_and(|t| {
        t.lines()
            .any(|l| l.contains("(RUNPATH)") && l.contains(&wanted))
    })
}

/// Holds what we read against what readelf prints.
pub fn cross(dirs: &[PathBuf]) -> bool {
    let (mut same, mut different) = (0, 0);
    for file in files::elf_files(dirs) {
        let Ok(bytes) = fs::read(&file.path) else {
            continue;
        };
        let Ok(image) = Image::read(View::of(&bytes)) else {
            continue;
        };
        if image.dynamic.is_none() {
            continue;
        }
        let ours = our_reading(&image);
        let theirs = readelf_reading(&file.path);
        if ours == theirs {
            same += 1;
            continue;
        }
        different += 1;
        println!("{}:", file.path.display());
        for line in ours.difference(&theirs).take(3) {
            println!("  only ours:   {line}");
        }
        for line in theirs.difference(&ours).take(3) {
            println!("  only theirs: {line}");
        }
    }
    println!("{same} read alike, {different} not");
    different == 0
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn our_reading(image: &Image) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    if let Ok(info) = DynamicInfo::of(image) {
        let one = |tag: &str, value: &[u8]| format!("{tag} {}", text(value));
        lines.extend(info.needed.iter().map(|n| one("NEEDED", n)));
        lines.extend(info.soname.iter().map(|n| one("SONAME", n)));
        lines.extend(info.rpath.iter().map(|n| one("RPATH", n)));
        lines.extend(info.runpath.iter().map(|n| one("RUNPATH", n)));
        lines.extend(info.interpreter.iter().map(|n| one("INTERP", n)));
    }
    if let Some(id) = notes::build_id(image) {
        let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
        lines.insert(format!("BUILD-ID {hex}"));
    }
    let symbol = |way: &str, s: &Versioned| match &s.version {
        // readelf leaves the version out of its own symbol.
        Some(version) if *version != s.name => {
            format!("{way} {}@{}", text(&s.name), text(version))
        }
        _ => format!("{way} {}", text(&s.name)),
    };
    match symbols::imports(image) {
        Ok(imports) => {
            let bound = imports.by_soname.values().flatten();
            lines.extend(bound.map(|s| symbol("IMPORT", s)));
            let free = imports.unversioned.keys();
            lines.extend(free.map(|n| format!("IMPORT {}", text(n))));
        }
        Err(fault) => {
            lines.insert(format!("IMPORT: {fault}"));
        }
    }
    match symbols::exports(image) {
        Ok(exports) => lines.extend(exports.iter().map(|s| symbol("EXPORT", s))),
        Err(fault) => {
            lines.insert(format!("EXPORT: {fault}"));
        }
    }
    lines
}

fn readelf_reading(path: &Path) -> BTreeSet<String> {
    let output = Command::new("readelf")
        .args(["-dlnW", "--dyn-syms"])
        .arg(path)
        .output();
    let Ok(output) = output else {
        return BTreeSet::new();
    };
    let mut lines = BTreeSet::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let bracketed = || Some(line.split_once('[')?.1.rsplit_once(']')?.0);
        for tag in ["NEEDED", "SONAME", "RPATH", "RUNPATH"] {
            if words.get(1) == Some(&&*format!("({tag})")) {
                lines.extend(bracketed().map(|v| format!("{tag} {v}")));
            }
        }
        if let Some(rest) = line
            .trim()
            .strip_prefix("[Requesting program interpreter: ")
        {
            lines.insert(format!("INTERP {}", rest.trim_end_matches(']')));
        } else if let Some((_, id)) = line.split_once("Build ID: ") {
            lines.insert(format!("BUILD-ID {id}"));
        } else if let [number, _, _, _, bind, visibility, rest @ ..] = &words[..]
            && number.ends_with(':')
            && matches!(*bind, "GLOBAL" | "WEAK" | "UNIQUE")
        {
            lines.extend(symbol_line(visibility, rest));
        }
    }
    lines
}

/// `[other] NDX NAME[@VERSION] [(N)]`, as readelf prints it.
fn symbol_line(visibility: &str, rest: &[&str]) -> Option<String> {
    // Machine-specific flags stand in brackets and may hold blanks.
    let start = rest
        .iter()
        .rposition(|w| w.ends_with(']'))
        .map_or(0, |n| n + 1);
    let [section, name, tail @ ..] = rest.get(start..)? else {
        return None;
    };
    let bound = name.replace("@@", "@");
    // A number in brackets: the version is one that is needed.
    if *section == "UND" || !tail.is_empty() {
        return Some(format!("IMPORT {bound}"));
    }
    matches!(visibility, "DEFAULT" | "PROTECTED").then(|| format!("EXPORT {bound}"))
}
