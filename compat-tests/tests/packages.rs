//! Our Debian packages in a stock system, and kills at a few moments, as part of `cargo test`: built
//! without optimisation. `compat packages --all` takes every moment, and the packages as they are.

use std::process::ExitCode;

use compat_tests::{packages, runner};

fn main() -> ExitCode {
    runner::test_main("packages", env!("CARGO_BIN_EXE_compat"), |exe, filters| {
        let debs = packages::build(exe, true)?;
        let some = [
            "as-dpkg",
            "by-stock",
            "dpkg-moved-under-it",
            "kill-install",
            "kill-remove",
        ];
        let some = match filters {
            [] => some.map(str::to_owned).to_vec(),
            named => named.to_vec(),
        };
        packages::run(exe, &debs, "trixie", "2", &some)
    })
}
