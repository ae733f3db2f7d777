//! The case library against stock, as part of `cargo test`.

use std::process::ExitCode;

use compat_tests::runner;

fn main() -> ExitCode {
    runner::test_main("cases", env!("CARGO_BIN_EXE_compat"), |exe, filters| {
        runner::run_cases(exe, filters, "trixie")
    })
}
