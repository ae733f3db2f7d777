//! Kills at a sample of moments and recovers, as part of `cargo test`; `compat kill --all` takes every
//! moment.

use std::process::ExitCode;

use compat_tests::{kill, runner};

fn main() -> ExitCode {
    runner::test_main(
        "kills",
        env!("CARGO_BIN_EXE_compat"),
        kill::NAMES.len(),
        |exe, filters| kill::run(exe, "trixie", "sample", filters),
    )
}
