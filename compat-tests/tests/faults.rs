//! The system calls of dpkg, failed one at a time: the sample that is part of `cargo test`;
//! `compat faults --all` takes every call.

use std::process::ExitCode;

use compat_tests::{faults, kill, runner};

fn main() -> ExitCode {
    runner::test_main(
        "faults",
        env!("CARGO_BIN_EXE_compat"),
        kill::NAMES.len(),
        |exe, filters| faults::run(exe, "trixie", "sample", filters),
    )
}
