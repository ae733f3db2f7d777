//! The case library against stock, as part of `cargo test`.

use std::path::Path;
use std::process::ExitCode;

use compat_tests::runner;

fn main() -> ExitCode {
    let exe = Path::new(env!("CARGO_BIN_EXE_compat"));
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    match runner::get_ready().and_then(|()| runner::run_cases(exe, &filters, "trixie")) {
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
