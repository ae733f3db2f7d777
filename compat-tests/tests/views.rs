//! The same steps in a stock chroot and in a view, with packages made here. `compat views` does the rest, with the
//! archive's.

use std::process::ExitCode;

use compat_tests::{runner, views};

fn main() -> ExitCode {
    runner::test_main(
        "lives of a view and of a chroot",
        env!("CARGO_BIN_EXE_compat"),
        views::small() + views::small_as_user(),
        |exe, filters| {
            let small = ["small".to_owned()];
            let names = if filters.is_empty() { &small } else { filters };
            let mut totals = views::run(exe, names, views::Options::default())?;
            let as_user = views::Options {
                user: true,
                ..views::Options::default()
            };
            totals.add(views::run(exe, names, as_user)?);
            Ok(totals)
        },
    )
}
