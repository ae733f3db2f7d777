//! A sample of the cases, with what makes ours fast switched off.
//! `COMPAT_OUR_OPTIONS=no-read-ahead compat cases` runs them all that way.

use std::process::{Command, ExitCode};

use compat_tests::sandbox::OUR_OPTIONS;
use compat_tests::{cases, runner};

/// One case in so many.
const SAMPLE: usize = 16;

fn main() -> ExitCode {
    if std::env::var_os(OUR_OPTIONS).is_none() {
        let again = std::env::current_exe().and_then(|exe| {
            Command::new(exe)
                .args(std::env::args_os().skip(1))
                .env(OUR_OPTIONS, "no-read-ahead")
                .status()
        });
        return ExitCode::from(u8::from(!again.is_ok_and(|status| status.success())));
    }
    let some = cases::all().into_iter().skip(7).step_by(SAMPLE);
    let some: Vec<String> = some.map(|c| c.name).collect();
    runner::test_sample(
        "cases without what makes it fast",
        env!("CARGO_BIN_EXE_compat"),
        &some,
    )
}
