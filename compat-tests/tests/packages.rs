//! Our Debian packages in a stock system, and kills at a few moments, as part of `cargo test`: built
//! without optimisation. `compat packages --all` takes every moment, and the packages as they are.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use compat_tests::{Res, packages, runner};

const COMPAT: &str = env!("CARGO_BIN_EXE_compat");

const RELEASE: &str = "trixie";
/// The scenes and kills that are a part of this; `compat packages` does the others.
const SAMPLE: [&str; 4] = [
    "as-dpkg",
    "dpkg-moved-under-it",
    "kill-install-by-ours",
    "kill-remove-unpacked",
];

fn main() -> ExitCode {
    // Whoever owns the tree builds; only then may sudo take over.
    if std::env::var_os("DPKG_NG_DEBS").is_none() && runner::can_compare() {
        eprintln!("{}", build_and_start_again().unwrap_or_else(|e| e));
        return ExitCode::FAILURE;
    }
    let sample = SAMPLE.map(str::to_owned);
    runner::test_main(
        "scenes with our packages",
        COMPAT,
        packages::matching(RELEASE, &sample).len(),
        |exe, filters| {
            let some = match filters {
                [] => &sample,
                named => named,
            };
            let debs = packages::build(exe, true)?;
            packages::run(exe, &debs, RELEASE, "2", some)
        },
    )
}

/// Returns only what went wrong.
fn build_and_start_again() -> Res<String> {
    let debs = packages::build(Path::new(COMPAT), true)?;
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut again = Command::new(own);
    again.args(std::env::args_os().skip(1));
    Ok(again.env("DPKG_NG_DEBS", debs).exec().to_string())
}
