//! Decides about every file, checks result and undo.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use dpkgng_multi_version::elf::{self, Image, Outcome, Undo, View};

use super::files;

#[derive(Default)]
struct Sums {
    counts: BTreeMap<String, usize>,
    growth: Vec<u64>,
    undo: Vec<u64>,
    edits: u64,
    deciding: Duration,
    failures: usize,
}

/// Prints a table for each machine; false if anything that came out is wrong.
pub fn run(dirs: &[PathBuf]) -> bool {
    let mut by_machine: BTreeMap<String, Sums> = BTreeMap::new();
    let mut packages = std::collections::HashSet::new();
    for file in files::elf_files(dirs) {
        let Ok(bytes) = fs::read(&file.path) else {
            continue;
        };
        packages.insert(file.package);
        let machine = Image::read(View::of(&bytes)).map(|i| format!("machine {}", i.machine));
        let machine = machine.unwrap_or_else(|fault| format!("unreadable: {fault}"));
        let sums = by_machine.entry(machine).or_default();
        let wish = files::wish(&bytes);
        let start = Instant::now();
        let outcome = elf::rewrite(&bytes, &wish);
        sums.deciding += start.elapsed();
        let label = match &outcome {
            Outcome::Skip(why) => format!("skipped: {why}"),
            Outcome::Edit(tier, _) => format!("{tier:?}"),
            Outcome::Unsupported(why) => {
                println!("unsupported: {}: {why}", file.path.display());
                format!("unsupported: {why}")
            }
        };
        *sums.counts.entry(label).or_default() += 1;
        let Outcome::Edit(tier, edit) = outcome else {
            continue;
        };
        if tier > elf::Tier::Appended {
            println!("{tier:?}: {}", file.path.display());
        }
        let record = edit.undo.encode();
        sums.edits += 1;
        sums.growth.push(edit.len - bytes.len() as u64);
        sums.undo.push(record.len() as u64);
        let out = edit.apply(&bytes);
        let restored = Undo::decode(&record).and_then(|u| u.restore(&out));
        let again = elf::rewrite(&out, &wish);
        let problem = if elf::check(&out).is_err() {
            Some("the result is faulty".to_owned())
        } else if restored.as_deref() != Ok(&bytes[..]) {
            Some("undo does not restore it".to_owned())
        } else if !matches!(again, Outcome::Skip(elf::Skip::AlreadySo)) {
            Some(format!("a second time gives {again:?}"))
        } else {
            None
        };
        if let Some(problem) = problem {
            sums.failures += 1;
            println!("FAILED: {}: {problem}", file.path.display());
        }
    }
    println!("{} packages with ELF files", packages.len());
    let mut right = true;
    for (machine, sums) in by_machine {
        println!("{machine}:");
        for (label, count) in &sums.counts {
            println!("  {count:6} {label}");
        }
        println!(
            "  {} edited, {} wrong; growth median {} B, largest {} B; undo record median {} B; {:.3} ms a file to decide",
            sums.edits,
            sums.failures,
            files::median(sums.growth.clone()),
            sums.growth.iter().max().unwrap_or(&0),
            files::median(sums.undo),
            sums.deciding.as_secs_f64() * 1000.0
                / sums.counts.values().sum::<usize>().max(1) as f64,
        );
        right &= sums.failures == 0;
    }
    right
}
