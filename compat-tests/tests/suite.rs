//! dpkg's own functional suite, its `src/at` tests and those in Perl, as part of `cargo test`.

use std::path::Path;
use std::process::ExitCode;

use compat_tests::report::Totals;
use compat_tests::{Res, autotest, oracle, perl, runner, suite};

fn main() -> ExitCode {
    runner::test_main(
        "dpkg's own tests",
        env!("CARGO_BIN_EXE_compat"),
        |exe, _| all(exe),
    )
}

fn all(exe: &Path) -> Res<Totals> {
    let mut totals = Totals::default();
    for release in ["trixie", "bookworm", "head"] {
        // Upstream's newest is only where DPKG_HEAD_SRC says.
        if oracle::source(release).is_none() {
            totals.ignored.push(format!("{release}: no source"));
            continue;
        }
        for user in [false, true] {
            totals.add(suite::run(exe, release, user, false, &[])?);
            totals.add(autotest::run(exe, release, user, false)?);
        }
        totals.add(perl::run(exe, release)?);
    }
    Ok(totals)
}
