//! Read a `status` (or, with `--available`, an `available`) file and write it again; with
//! `--open`, open a whole database for writing and close it. For comparing with dpkg, and for
//! timing.

use std::path::Path;

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::control::{self, ParseFlags};
use libdpkgng::db::modstatdb::{AvailMode, OpenMode};
use libdpkgng::db::{Database, Dirs};
use libdpkgng::error::Error;
use libdpkgng::pkg::{PkgTable, Which};
use libdpkgng::report::{Event, Reporter};

struct Stderr;
impl Reporter for Stderr {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Warning(m) = event {
            eprintln!("dpkg: warning: {m}");
        }
    }
}

fn open(admindir: &str) -> Result<(), Error> {
    let dirs = Dirs {
        admindir: admindir.into(),
        instdir: Default::default(),
    };
    let mut db = Database::new(dirs, ArchTable::new(BUILD_ARCHITECTURE));
    db.open(OpenMode::Write, AvailMode::Write, &mut Stderr)?;
    db.infodb_upgrade(&mut Stderr)?;
    db.shutdown(&mut Stderr)
}

fn finish(done: Result<(), Error>) -> ! {
    if let Err(e) = &done {
        eprintln!("dpkg: error: {e}");
    }
    std::process::exit(if done.is_ok() { 0 } else { 2 })
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [option, admindir] = &args[..]
        && option == "--open"
    {
        finish(open(admindir));
    }
    let (which, flags, rest) = match args.first().map(String::as_str) {
        Some("--available") => (Which::Available, ParseFlags::AVAILABLE, &args[1..]),
        _ => (Which::Installed, ParseFlags::STATUS, &args[..]),
    };
    let [from, to] = rest else {
        eprintln!("usage: rewrite_db [--available] FROM TO | --open ADMINDIR");
        std::process::exit(2);
    };
    let mut table = PkgTable::new(ArchTable::new(BUILD_ARCHITECTURE));
    let done = control::parse_file(Path::new(from), flags, &mut table, &mut Stderr)
        .and_then(|_| control::write_db(Path::new(to), &table, which, false));
    finish(done)
}
