//! Mutated real files: nothing may panic, hang, or come out faulty.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[path = "../../tests/mutation/mod.rs"]
mod mutation;

use super::files;

/// No file of 200 kB takes more than a hundredth of it.
const TOO_LONG: Duration = Duration::from_secs(3);

/// Mutates small files of the corpus for so many seconds.
pub fn run(seconds: u64, dirs: &[PathBuf]) -> bool {
    let mut seeds = Vec::new();
    for file in files::elf_files(dirs) {
        let small = fs::metadata(&file.path).is_ok_and(|m| m.len() < 200_000);
        if small && let Ok(bytes) = fs::read(&file.path) {
            seeds.push(bytes);
        }
        if seeds.len() == 400 {
            break;
        }
    }
    let mut random = mutation::Random::new(std::process::id().into());
    let start = Instant::now();
    let (mut rounds, mut edits) = (0u64, 0u64);
    let mut slowest = Duration::ZERO;
    while start.elapsed().as_secs() < seconds && !seeds.is_empty() {
        let seed = &seeds[random.below(seeds.len())];
        let bytes = mutation::mutate(&mut random, seed);
        let one = Instant::now();
        let result = std::panic::catch_unwind(|| mutation::try_all(&bytes));
        slowest = slowest.max(one.elapsed());
        if slowest > TOO_LONG {
            return keep(&bytes, &format!("took {slowest:?}"));
        }
        match result {
            Ok(Ok(edited)) => edits += u64::from(edited),
            Ok(Err(problem)) => return keep(&bytes, &problem),
            Err(_) => return keep(&bytes, "panicked"),
        }
        rounds += 1;
    }
    println!(
        "{rounds} mutated files of {} seeds, {edits} rewritten, slowest {slowest:?}",
        seeds.len()
    );
    true
}

fn keep(bytes: &[u8], problem: &str) -> bool {
    let path = std::env::temp_dir().join("elf-corpus-fuzz.bad");
    let _ = fs::write(&path, bytes);
    println!("{problem}: kept as {}", path.display());
    false
}
