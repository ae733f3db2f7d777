//! dpkg's own functional suite and its `src/at` tests, as part of `cargo test`.

use std::path::Path;
use std::process::ExitCode;

use compat_tests::report::Totals;
use compat_tests::{Res, autotest, oracle, runner, suite};

fn main() -> ExitCode {
    match run() {
        Ok(totals) => {
            totals.print("dpkg's own tests");
            if totals.failed.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Res<Totals> {
    let exe = Path::new(env!("CARGO_BIN_EXE_compat"));
    let mut totals = Totals::default();
    if !runner::may_run()? {
        totals.ignored.push("all: not root".into());
        return Ok(totals);
    }
    runner::get_ready()?;
    for release in ["trixie", "bookworm", "head"] {
        // Upstream's newest is only where DPKG_HEAD_SRC says.
        if oracle::source(release).is_none() {
            totals.ignored.push(format!("{release}: no source"));
            continue;
        }
        for user in [false, true] {
            totals.add(suite::run(exe, release, user, false, &[])?);
        }
        totals.add(autotest::run(exe, release, false)?);
    }
    Ok(totals)
}
