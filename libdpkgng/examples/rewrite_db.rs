//! Read a `status` (or, with `--available`, an `available`) file and write it again: what dpkg
//! does to a database that it opens and closes. For comparing with dpkg, and for timing.

use std::path::Path;

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::control::{self, ParseFlags};
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

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (which, flags, rest) = match args.first().map(String::as_str) {
        Some("--available") => (Which::Available, ParseFlags::AVAILABLE, &args[1..]),
        _ => (Which::Installed, ParseFlags::STATUS, &args[..]),
    };
    let [from, to] = rest else {
        eprintln!("usage: rewrite_db [--available] FROM TO");
        std::process::exit(2);
    };
    let mut table = PkgTable::new(ArchTable::new(BUILD_ARCHITECTURE));
    let done = control::parse_file(Path::new(from), flags, &mut table, &mut Stderr)
        .and_then(|_| control::write_db(Path::new(to), &table, which, false));
    if let Err(e) = done {
        eprintln!("dpkg: error: {e}");
        std::process::exit(2);
    }
}
