//! `dpkg-ng --parity`: how far this is stock dpkg, as data.

use std::ffi::OsString;

use libdpkgng::report::{Event, Reporter};

use crate::cli::{Env, Process};
use crate::receivers::Buffering;

/// One row per command, option, force thing, field, status-fd line and environment variable:
/// kind, name, status (`same`, `deviation`, `missing`), note; tab-separated.
const TABLE: &str = include_str!("../../compat-tests/parity.tsv");

/// Print the table.
pub fn main(env: Env, _: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-ng", env, Buffering::Line);
    process.report.event(&Event::Data(TABLE.as_bytes()));
    let outcome = process.flush_output();
    process.finish(outcome.map(|()| 0).map_err(Into::into))
}
