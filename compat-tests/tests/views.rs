//! The same steps in a stock chroot and in a view, with packages made here. `compat views` does the rest, with the
//! archive's.

use std::process::ExitCode;

use compat_tests::{runner, views};

fn main() -> ExitCode {
    runner::test_main(
        "lives of a view and of a chroot",
        env!("CARGO_BIN_EXE_compat"),
        views::small(),
        |exe, filters| match filters {
            [] => views::run(exe, &["small".into()], views::Options::default()),
            some => views::run(exe, some, views::Options::default()),
        },
    )
}
