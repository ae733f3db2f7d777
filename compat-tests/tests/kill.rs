//! Kills at a sample of moments and recovers, as part of `cargo test`; `compat kill --all` takes every
//! moment.

use std::path::Path;
use std::process::ExitCode;

use compat_tests::report::Totals;
use compat_tests::{Res, kill, runner};

fn main() -> ExitCode {
    match run() {
        Ok(totals) => {
            totals.print("kills");
            if totals.failed.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Res<Totals> {
    let exe = Path::new(env!("CARGO_BIN_EXE_compat"));
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    if !runner::may_run()? {
        return Ok(Totals {
            ignored: vec!["all: not root".into()],
            ..Totals::default()
        });
    }
    runner::get_ready()?;
    kill::run(exe, "trixie", "sample", &filters)
}
