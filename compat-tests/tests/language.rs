//! A sample of the cases, in a language in which every translated text shows that it is one.
//! `COMPAT_LANGUAGE=marked compat cases` runs them all in it.

use std::process::{Command, ExitCode};

use compat_tests::{cases, catalogue, runner};

/// One case in so many.
const SAMPLE: usize = 16;

fn main() -> ExitCode {
    let language = "COMPAT_LANGUAGE";
    if std::env::var_os(language).is_none() {
        let again = std::env::current_exe().and_then(|exe| {
            Command::new(exe)
                .args(std::env::args_os().skip(1))
                .env(language, catalogue::LANGUAGE)
                .status()
        });
        return ExitCode::from(u8::from(!again.is_ok_and(|status| status.success())));
    }
    let some = cases::all().into_iter().step_by(SAMPLE).map(|c| c.name);
    let some: Vec<String> = some.collect();
    runner::test_sample(
        "cases in another language",
        env!("CARGO_BIN_EXE_compat"),
        &some,
    )
}
