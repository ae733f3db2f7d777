//! A fixed sample of random sequences of packages and commands in a view, held against stock in a chroot, as part of
//! `cargo test`; `compat random --view` takes more.

use std::process::ExitCode;

use compat_tests::{generator, runner};

fn main() -> ExitCode {
    runner::test_main(
        "random lives of a view",
        env!("CARGO_BIN_EXE_compat"),
        generator::count_of_views(),
        |exe, _| generator::sample_of_views(exe),
    )
}
