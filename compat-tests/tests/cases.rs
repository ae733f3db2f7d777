//! The case library against stock, as part of `cargo test`.

use std::process::ExitCode;

use compat_tests::{cases, runner};

fn main() -> ExitCode {
    let count = cases::all().len();
    runner::test_main(
        "cases",
        env!("CARGO_BIN_EXE_compat"),
        count,
        |exe, filters| runner::run_cases(exe, filters, "trixie"),
    )
}
