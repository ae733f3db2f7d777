//! dpkg's own functional suite, its `src/at` tests and those in Perl, as part of `cargo test`.

use std::path::Path;
use std::process::ExitCode;

use compat_tests::report::Totals;
use compat_tests::{Res, autotest, oracle, perl, runner, suite};

fn main() -> ExitCode {
    runner::test_main(
        "tests of dpkg's own",
        env!("CARGO_BIN_EXE_compat"),
        count(),
        |exe, _| all(exe),
    )
}

/// How many tests the two releases have, as far as that is recorded: those in Perl are one script each.
fn count() -> usize {
    let recorded = |release: &str| {
        let kinds = [
            "suite-R-root",
            "suite-R-user",
            "autotest-R",
            "autotest-R-user",
        ];
        let files = kinds.map(|kind| suite::baseline(&kind.replace('R', release)));
        let tests = files.iter().map(|file| suite::read_baseline(file).len());
        tests.sum::<usize>() + perl::SCRIPTS.len()
    };
    oracle::RELEASES.into_iter().map(recorded).sum()
}

fn all(exe: &Path) -> Res<Totals> {
    let mut totals = Totals::default();
    // Upstream's newest is only where DPKG_HEAD_SRC says.
    let head = oracle::source("head").map(|_| "head");
    for release in oracle::RELEASES.into_iter().chain(head) {
        for user in [false, true] {
            totals.add(suite::run(exe, release, user, false, &[])?);
            totals.add(autotest::run(exe, release, user, false)?);
        }
        totals.add(perl::run(exe, release)?);
    }
    Ok(totals)
}
