//! The case library against stock, as part of `cargo test`.

use std::path::Path;
use std::process::ExitCode;

use compat_tests::report::Totals;
use compat_tests::{Res, runner};

fn main() -> ExitCode {
    match run() {
        Ok(totals) => {
            totals.print("cases");
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
    runner::run_cases(exe, &filters, "trixie")
}
