//! A fixed sample of random sequences of update-alternatives against stock, as part of `cargo test`;
//! `compat random --alternatives` takes more.

use std::process::ExitCode;

use compat_tests::{generator, runner};

fn main() -> ExitCode {
    runner::test_main(
        "random alternatives",
        env!("CARGO_BIN_EXE_compat"),
        generator::SAMPLE,
        |exe, _| generator::sample_of_alternatives(exe),
    )
}
