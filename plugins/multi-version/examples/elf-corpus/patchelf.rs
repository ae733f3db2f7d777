//! The same work by patchelf, and the time both take on the same files.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use dpkgng_multi_version::elf::{self, Outcome};

use super::files;

struct Sum {
    refused: usize,
    growth: Vec<u64>,
    wall: f64,
    cpu: f64,
}

/// Reads, rewrites and writes each file that needs it, once by each; false if we are not faster.
pub fn run(tool: &Path, dirs: &[PathBuf]) -> bool {
    let scratch = std::env::temp_dir().join(format!("elf-corpus-patchelf-{}", std::process::id()));
    let all = files::elf_files(dirs);
    let chosen: Vec<PathBuf> = all
        .into_iter()
        .map(|f| f.path)
        .filter(|p| needs_it(p))
        .collect();
    let ours = measure(&chosen, &scratch, |path| {
        let bytes = fs::read(path).ok()?;
        let Outcome::Edit(_, edit) = elf::rewrite(&bytes, &files::wish(&bytes)) else {
            return None;
        };
        fs::write(&scratch, edit.apply(&bytes)).ok()?;
        Some(edit.len - bytes.len() as u64)
    });
    let faults = RefCell::new(BTreeMap::<String, usize>::new());
    let theirs = measure(&chosen, &scratch, |path| {
        let bytes = fs::read(path).ok()?;
        fs::write(&scratch, &bytes).ok()?;
        let wish = files::wish(&bytes);
        let mut command = Command::new(tool);
        if elf::Image::read(elf::View::of(&bytes))
            .ok()?
            .interpreter()
            .ok()?
            .is_some()
        {
            let interpreter = wish.interpreter?;
            command.arg("--set-interpreter");
            command.arg(String::from_utf8(interpreter).ok()?);
        }
        command.arg("--set-rpath");
        command.arg(format!("{}:{}", files::INSTALL, files::SYSTEM));
        let output = command.arg(&scratch).output().ok()?;
        if !output.status.success() {
            return None;
        }
        let result = fs::read(&scratch).ok()?;
        if let Err(fault) = elf::check(&result) {
            *faults.borrow_mut().entry(fault.to_string()).or_default() += 1;
        }
        Some((result.len() as u64).saturating_sub(bytes.len() as u64))
    });
    let _ = fs::remove_file(&scratch);
    println!("{} files", chosen.len());
    for (name, sum) in [("ours", &ours), ("patchelf", &theirs)] {
        println!(
            "{name:9} {} refused; growth median {} B; {:.2} s wall, {:.2} s CPU: {:.3} ms CPU a file",
            sum.refused,
            files::median(sum.growth.clone()),
            sum.wall,
            sum.cpu,
            sum.cpu * 1000.0 / chosen.len().max(1) as f64
        );
    }
    println!("patchelf's results by our check: {:?}", faults.into_inner());
    ours.wall < theirs.wall && ours.cpu < theirs.cpu
}

/// Those that we refuse count as ours to do.
fn needs_it(path: &Path) -> bool {
    let bytes = fs::read(path).unwrap_or_default();
    !matches!(elf::rewrite(&bytes, &files::wish(&bytes)), Outcome::Skip(_))
}

fn measure(paths: &[PathBuf], scratch: &Path, work: impl Fn(&Path) -> Option<u64>) -> Sum {
    let (start, cpu) = (Instant::now(), files::cpu());
    let mut refused = 0;
    let mut growth = Vec::new();
    for path in paths {
        let _ = fs::remove_file(scratch);
        match work(path) {
            Some(by) => growth.push(by),
            None => {
                println!("refused: {}", path.display());
                refused += 1;
            }
        }
    }
    Sum {
        refused,
        growth,
        wall: start.elapsed().as_secs_f64(),
        cpu: files::cpu() - cpu,
    }
}
