//! `--list`: a table of packages.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::control::{Part, Scope};
use libdpkgng::msg;
use libdpkgng::pkg::{NameWhen, PkgId, PkgTable};
use libdpkgng::query::{Matches, matching};
use libdpkgng::report::{Event, Reporter};
use libdpkgng::showformat::{abbreviations, synopsis};
use libdpkgng::state::Status;
use libdpkgng::version::Epoch;

use super::args::QueryArgs;
use super::columns::{push_cropped, push_padded, width};
use crate::cli::{Process, Step};
use crate::pager::Pager;
use crate::receivers::Receivers;

/// Above the table.
const LEGEND: &str = "\
Desired=Unknown/Install/Remove/Purge/Hold
| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend
|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)
";

/// The widths of the four columns.
struct Columns {
    name: usize,
    version: usize,
    arch: usize,
    description: usize,
}

/// What a line shows of a package.
struct Row {
    flags: [u8; 3],
    name: Vec<u8>,
    version: Vec<u8>,
    arch: Vec<u8>,
}

impl Row {
    fn of(table: &PkgTable, pkg: PkgId, report: &Receivers) -> Row {
        let p = &table[pkg];
        Row {
            flags: abbreviations(p.want, p.status(), p.eflag),
            name: table.name(pkg, NameWhen::NonAmbig).into_bytes(),
            version: report.words(&p.installed.version.describe(Epoch::NonAmbig)),
            arch: report.words(&table.arches.describe(p.installed.arch)),
        }
    }

    fn print(&self, columns: &Columns, description: &[u8], length: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.flags);
        for (text, columns) in [
            (&self.name, columns.name),
            (&self.version, columns.version),
            (&self.arch, columns.arch),
        ] {
            out.push(b' ');
            push_padded(text, columns, out);
        }
        out.push(b' ');
        push_cropped(description, length, out);
        out.push(b'\n');
    }
}

/// The installed description's first line, else the available one's (`pkg_synopsis`).
fn description<'a>(table: &'a PkgTable, pkg: PkgId, report: &Receivers) -> Cow<'a, [u8]> {
    let p = &table[pkg];
    let installed = p.installed.description.as_deref();
    synopsis(installed.or(p.available.description.as_deref()), report)
}

impl Columns {
    /// Wide enough for all of them; descriptions are measured in bytes.
    fn for_packages(table: &PkgTable, pkgs: &[PkgId], report: &Receivers) -> Columns {
        let mut columns = Columns {
            name: 14,
            version: 12,
            arch: 12,
            description: 33,
        };
        let grow = |column: &mut usize, text: &[u8]| {
            *column = (*column).max(usize::try_from(width(text)).unwrap_or(0));
        };
        for pkg in pkgs {
            let row = Row::of(table, *pkg, report);
            grow(&mut columns.name, &row.name);
            grow(&mut columns.version, &row.version);
            grow(&mut columns.arch, &row.arch);
            columns.description = columns
                .description
                .max(description(table, *pkg, report).len());
        }
        columns
    }

    fn print_header(&self, process: &mut Process) {
        process.report.output(msg!(LEGEND));
        let word = |process: &Process, id| process.report.words(&msg!(id));
        let row = Row {
            flags: *b"||/",
            name: word(process, "Name"),
            version: word(process, "Version"),
            arch: word(process, "Architecture"),
        };
        let mut out = Vec::new();
        let last = word(process, "Description");
        row.print(self, &last, self.description, &mut out);
        out.extend_from_slice(b"+++");
        for columns in [self.name, self.version, self.arch, self.description] {
            out.push(b'-');
            out.extend(std::iter::repeat_n(b'=', columns));
        }
        out.push(b'\n');
        process.report.event(&Event::Data(&out));
    }
}

/// `--list`: the installed packages, or those that match.
pub fn list(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    let scope = Scope::Some(Part {
        descriptions: true,
        ..Part::default()
    });
    let mut db = super::open_for_list(process, args, scope)?;
    let pager = Pager::spawn(
        args.settings.pager,
        &process.env,
        &process.report,
        msg!("showing package list on pager"),
    )?;
    let found = if args.args.is_empty() {
        let mut pkgs = db.table.sorted();
        pkgs.retain(|p| db.table[*p].status() != Status::NotInstalled);
        Matches {
            pkgs,
            missed: Vec::new(),
        }
    } else {
        let patterns: Vec<&[u8]> = args.args.iter().map(|a| a.as_bytes()).collect();
        matching(&mut db.table, &patterns)
    };
    if !found.pkgs.is_empty() {
        let columns = Columns::for_packages(&db.table, &found.pkgs, &process.report);
        columns.print_header(process);
        let mut line = Vec::new();
        for pkg in &found.pkgs {
            line.clear();
            let text = description(&db.table, *pkg, &process.report);
            let length = text.len().min(columns.description);
            Row::of(&db.table, *pkg, &process.report).print(&columns, &text, length, &mut line);
            process.report.event(&Event::Data(&line));
        }
    }
    super::report_missed(process, args, &found.missed);
    process.flush_output()?;
    process.check_stderr()?;
    pager.reap(&process.report)?;
    super::close(process, db)?;
    Ok(i32::from(!found.missed.is_empty()))
}
