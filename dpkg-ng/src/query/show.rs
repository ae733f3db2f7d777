//! `--show`, `--status`, `--print-avail`: packages in a format, and as stanzas.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libdpkgng::control;
use libdpkgng::db::Database;
use libdpkgng::db::modstatdb::AvailMode;
use libdpkgng::error::Result;
use libdpkgng::msg;
use libdpkgng::pkg::{NameWhen, PkgId, Priority, Which};
use libdpkgng::query::matching;
use libdpkgng::report::{Event, Reporter};
use libdpkgng::showformat::Format;
use libdpkgng::state::{Status, Want};

use super::args::QueryArgs;
use crate::cli::{Process, Step};
use crate::receivers::Receivers;

/// Standard output, as the place where a file of the database is written to.
struct Output<'a>(&'a mut Receivers);

impl Write for Output<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.event(&Event::Data(buf));
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `--show`: the installed packages, or those that match, in a format.
pub fn show(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    let format = match Format::parse(args.settings.showformat.as_bytes()) {
        Ok(format) => format,
        Err(why) => {
            process.report.notice(msg!("error in show format: %s", why));
            return Ok(2);
        }
    };
    let mut db = super::open_for_list(process, args, format.scope())?;
    if format.needs_files() {
        if args.args.is_empty() {
            db.ensure_all_files_quiet(&mut process.report)?;
        } else {
            // All the same; but in this order, which shows when lists are missing.
            for pkg in db.table.sorted() {
                db.ensure_files(pkg, &mut process.report)?;
            }
        }
    }
    let mut missed = Vec::new();
    let pkgs = if args.args.is_empty() {
        let mut pkgs = db.table.sorted();
        pkgs.retain(|p| db.table[*p].status() != Status::NotInstalled);
        pkgs
    } else {
        let patterns: Vec<&[u8]> = args.args.iter().map(|a| a.as_bytes()).collect();
        let found = matching(&mut db.table, &patterns);
        missed = found.missed;
        found.pkgs
    };
    let mut text = Vec::new();
    for pkg in pkgs {
        text.clear();
        format.render(
            &db.table,
            pkg,
            Which::Installed,
            &db,
            &process.report,
            &mut text,
        )?;
        process.report.event(&Event::Data(&text));
    }
    super::report_missed(process, args, &missed);
    process.flush_output()?;
    process.check_stderr()?;
    super::close(process, db)?;
    Ok(i32::from(!missed.is_empty()))
}

/// Whether the database says anything about a package, be it only a section.
fn is_known(db: &Database, pkg: PkgId) -> bool {
    let p = &db.table[pkg];
    p.status() != Status::NotInstalled
        || p.priority != Priority::Unknown
        || p.section.is_some()
        || !p.archives.is_empty()
        || p.want != Want::Unknown
        || p.is_informative(Which::Installed)
}

/// The stanzas of the packages named, an empty line between two arguments; those for which
/// `missing` has something to say are counted instead.
fn stanzas(
    process: &mut Process,
    args: &QueryArgs,
    db: &mut Database,
    which: Which,
    missing: impl Fn(&Database, PkgId) -> Option<libdpkgng::msg::Msg>,
) -> Result<usize> {
    let mut misses = 0;
    for (i, name) in args.args.iter().enumerate() {
        let pkg = super::package(db, args, name)?;
        match missing(db, pkg) {
            Some(notice) => {
                process.report.notice(notice);
                misses += 1;
            }
            None => {
                let stanza = control::stanza(&db.table, pkg, which);
                process.report.event(&Event::Data(&stanza));
            }
        }
        if i + 1 < args.args.len() {
            process.report.event(&Event::Data(b"\n"));
        }
    }
    Ok(misses)
}

fn whole_file(process: &mut Process, db: &Database, which: Which) -> Result<()> {
    let mut output = Output(&mut process.report);
    control::write_stanzas(
        &mut output,
        Path::new("<standard output>"),
        &db.table,
        which,
    )
}

/// `--status`
pub fn status(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    let mut misses = 0;
    let mut db;
    if args.args.is_empty() {
        db = super::open(process, args, AvailMode::None)?;
        whole_file(process, &db, Which::Installed)?;
    } else {
        db = super::open_for_named(process, args)?;
        misses = stanzas(process, args, &mut db, Which::Installed, |db, pkg| {
            (!is_known(db, pkg)).then(|| {
                msg!(
                    "package '%s' is not installed and no information is available",
                    db.table.name(pkg, NameWhen::NonAmbig)
                )
            })
        })?;
    }
    process.flush_output()?;
    if misses > 0 {
        process.report.stderr(msg!(
            "Use dpkg --info (= dpkg-deb --info) to examine archive files.\n"
        ));
        process.check_stderr()?;
    }
    super::close(process, db)?;
    Ok(i32::from(misses > 0))
}

/// `--print-avail`
pub fn print_avail(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    let mut db = super::open(process, args, AvailMode::Read)?;
    let mut misses = 0;
    if args.args.is_empty() {
        whole_file(process, &db, Which::Available)?;
    } else {
        misses = stanzas(process, args, &mut db, Which::Available, |db, pkg| {
            (!db.table[pkg].is_informative(Which::Available)).then(|| {
                let name = db.table.bin_name(pkg, Which::Available, NameWhen::NonAmbig);
                msg!("package '%s' is not available", name)
            })
        })?;
    }
    process.flush_output()?;
    if misses > 0 {
        process.check_stderr()?;
    }
    super::close(process, db)?;
    Ok(i32::from(misses > 0))
}
