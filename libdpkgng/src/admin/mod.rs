//! What dpkg and the tools beside it do to and tell of the database without touching a package
//! (enquiry.c, select.c, update.c, verify.c, main.c, src/{divert,statoverride,trigger}).
//!
//! | module | commands |
//! |---|---|
//! | [`audit`] | `--audit` |
//! | [`pending`] | `--yet-to-unpack` |
//! | [`predep`] | `--predep-package` |
//! | [`selections`] | `--get-selections`, `--set-selections`, `--clear-selections` |
//! | [`avail`] | `--update-avail`, `--merge-avail`, `--clear-avail` |
//! | [`verify`] | `--verify` |
//! | [`divert`] | dpkg-divert's |
//! | [`statoverride`] | dpkg-statoverride's |
//! | [`trigger`] | dpkg-trigger's |
//! | [`architectures`] | `--add-architecture`, `--remove-architecture`, `--print-foreign-architectures` |
//!
//! Each function takes a database that has not been opened, opens it as stock does, and
//! returns the exit code. `verb` is the command's long name without its dashes, as errors cite
//! it. That a command takes no arguments is the command line's to check.

use crate::db::Database;
use crate::error::Result;
use crate::msg;
use crate::pkg::PkgId;
use crate::report::{Event, Reporter};
use crate::showformat::synopsis;

pub mod architectures;
pub mod audit;
pub mod avail;
pub mod divert;
pub mod pending;
pub mod predep;
pub mod selections;
pub mod statoverride;
pub mod trigger;
pub mod verify;

/// A package and what it is, on one line of about 79 columns (`describebriefly`).
fn describe_briefly(db: &Database, pkg: PkgId, report: &mut dyn Reporter) {
    let excess = db.table.set_name(pkg).len().saturating_sub(20);
    let whole = db.table[pkg].installed.description.as_deref();
    let line = synopsis(whole, report);
    let text = match 57usize.checked_sub(excess) {
        Some(room) => &line[..line.len().min(room)],
        // To printf, a negative precision is none.
        None => whole.unwrap_or(&line),
    };
    let name = db.table.name(pkg, crate::pkg::NameWhen::NonAmbig);
    report.output(msg!(" %-20s %s\n", name, text));
}

/// `m_output()`: what was said must have been written.
fn flush(report: &mut dyn Reporter) -> Result<()> {
    report.event(&Event::Flush);
    report.check()
}
