//! Our Debian packages in a stock system, and kills at a sample of moments, as part of `cargo test`: built
//! without optimisation. `compat packages --all` takes every moment, and the packages as they are.

use std::process::ExitCode;

use compat_tests::{packages, runner};

fn main() -> ExitCode {
    runner::test_main("packages", env!("CARGO_BIN_EXE_compat"), |exe, filters| {
        let debs = packages::build(exe, true)?;
        packages::run(exe, &debs, "trixie", "sample", filters)
    })
}
