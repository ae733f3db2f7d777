//! `dpkg-ng fsck` names and repairs what power cuts and full disks leave.

use std::process::ExitCode;

use compat_tests::{fsck, runner};

fn main() -> ExitCode {
    runner::test_main(
        "kinds of damage",
        env!("CARGO_BIN_EXE_compat"),
        fsck::count(),
        |_, filters| fsck::run(filters),
    )
}
