//! Holds the ELF module against real files.
//!
//!     cargo run --release -p dpkgng-multi-version --example elf-corpus -- rewrite DIR…
//!
//! DIR holds unpacked packages, one directory each. `rewrite` decides about every ELF file,
//! checks result and undo, and prints tiers, growth and time. `lint` holds readelf's and eu-elflint's opinion
//! of each result against that of the original. `patchelf` does the same work with patchelf.
//! `load ROOT` builds a root of rewritten files and lets ld.so load them there (as root);
//! `fuzz SECONDS` mutates the files. `cross` compares our reading with readelf's.

mod files;
mod fuzz;
mod lint;
mod load;
mod patchelf;
mod rewriting;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mode = arguments.next().unwrap_or_default();
    let mut rest: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let mut first = || {
        if rest.is_empty() {
            None
        } else {
            Some(rest.remove(0))
        }
    };
    let done = match mode.to_str() {
        Some("rewrite") => Ok(rewriting::run(&rest)),
        Some("lint") => Ok(lint::run(&rest)),
        Some("cross") => Ok(lint::cross(&rest)),
        Some("patchelf") => match first() {
            Some(tool) => Ok(patchelf::run(&tool, &rest)),
            None => Err("patchelf PROGRAM DIR…"),
        },
        Some("load") => match first() {
            Some(root) => Ok(load::run(&root, &rest)),
            None => Err("load ROOT DIR…"),
        },
        Some("fuzz") => match first().and_then(|s| s.to_str()?.parse().ok()) {
            Some(seconds) => Ok(fuzz::run(seconds, &rest)),
            None => Err("fuzz SECONDS DIR…"),
        },
        _ => Err(
            "rewrite|lint|cross DIR… | patchelf PROGRAM DIR… | load ROOT DIR… | fuzz SECONDS DIR…",
        ),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(usage) => {
            eprintln!("usage: elf-corpus {usage}");
            ExitCode::from(2)
        }
    }
}
