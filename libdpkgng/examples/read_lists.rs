//! Open the database ADMINDIR read only, read every file list, and say how many paths there
//! are; with a path as a second argument, who has it.

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::db::modstatdb::{AvailMode, OpenMode};
use libdpkgng::db::{Database, Dirs};
use libdpkgng::msg::English;
use libdpkgng::pkg::NameWhen;
use libdpkgng::report::{Event, Reporter};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

struct Print;
impl Reporter for Print {
    fn event(&mut self, event: &Event<'_>) {
        let mut out = std::io::stdout();
        let _ = match event {
            Event::Output(m) => out.write_all(&m.render(&English)),
            Event::Data(d) => out.write_all(d),
            Event::Warning(m) => writeln!(std::io::stderr(), "dpkg: warning: {m}"),
            _ => Ok(()),
        };
    }
    fn stdout_is_terminal(&self) -> bool {
        std::io::IsTerminal::is_terminal(&std::io::stdout())
    }
}

fn main() {
    let mut args = std::env::args_os().skip(1);
    let dirs = Dirs {
        admindir: args.next().expect("ADMINDIR").into(),
        instdir: Default::default(),
    };
    let mut db = Database::new(dirs, ArchTable::new(BUILD_ARCHITECTURE));
    db.open(OpenMode::ReadOnly, AvailMode::None, &mut Print)
        .expect("status");
    db.ensure_diversions(&mut Print).expect("diversions");
    db.ensure_statoverrides(true, &mut Print)
        .expect("statoverride");
    db.ensure_all_files(&mut Print).expect("lists");
    if let Some(path) = args.next() {
        let node = db.fsys.find(path.as_bytes());
        for pkg in db.fsys.owners(node) {
            println!("{}", db.table.name(pkg, NameWhen::NonAmbig));
        }
    }
}
