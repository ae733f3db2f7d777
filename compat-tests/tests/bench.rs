//! The disk of `compat bench` counts and delays as it should, and every work of it runs: nothing that depends on how
//! fast the machine is.

use std::process::ExitCode;

use compat_tests::{bench, runner};

fn main() -> ExitCode {
    runner::test_main(
        "parts of the benchmark",
        env!("CARGO_BIN_EXE_compat"),
        bench::TESTS,
        |exe, _| bench::test(exe),
    )
}
