//! Versions side by side, with small packages: what needs no packages of the archive. `compat multi all` does
//! the rest, with real ones.

use std::process::ExitCode;

use compat_tests::{multi, runner};

fn main() -> ExitCode {
    runner::test_main(
        "scenes with versions side by side",
        env!("CARGO_BIN_EXE_compat"),
        multi::sample(),
        |exe, filters| multi::run(exe, filters, multi::Extent::Sample),
    )
}
