//! Stands before one of dpkg's tools in `PATH` (by the name it is called), runs the real one, and
//! records the call and the state it left: see [`compat_tests::suite`].

use std::process::ExitCode;

fn main() -> ExitCode {
    match compat_tests::suite::wrap() {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            eprintln!("compat-wrap: {e}");
            ExitCode::from(99)
        }
    }
}
