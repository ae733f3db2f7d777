//! How a test says that it cannot be run here.
//!
//! Rust's test runner knows tests that passed and tests that failed, and hides the words of those that
//! passed. So that nobody takes for passed what never ran, `./test` names a file (`TESTS_NOT_RUN`) in which
//! each such test leaves a line, and counts them as skipped. Otherwise they say so on standard error.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;

/// Says that the test of this thread is not run (or not all of it), and why. Said more than once, it counts
/// once.
pub fn not_run(why: impl Display) {
    let thread = std::thread::current();
    // The runner gives each test a thread, and that the test's name.
    let test = thread.name().unwrap_or("a test");
    let why = why.to_string();
    let why = why.lines().next().unwrap_or_default();
    let said = match std::env::var_os("TESTS_NOT_RUN") {
        Some(file) => OpenOptions::new()
            .append(true)
            .open(file)
            .and_then(|mut file| file.write_all(format!("{test}\t{why}\n").as_bytes())),
        // Not by eprintln, whose words the runner hides.
        None => std::io::stderr().write_all(format!("{test} is not run: {why}\n").as_bytes()),
    };
    if let Err(e) = said {
        panic!("{test} is not run ({why}), which cannot be said: {e}");
    }
}
