//! The tool `dpkg-query`: its command line and the choice of action.

pub mod args;
mod columns;
mod control;
mod files;
pub mod help;
mod list;
pub mod options;
mod show;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::control::{Part, Scope};
use libdpkgng::db::Database;
use libdpkgng::db::modstatdb::{AvailMode, OpenMode};
use libdpkgng::error::Error;
use libdpkgng::msg;
use libdpkgng::pkg::PkgId;
use libdpkgng::pkgspec;

use crate::cli::{Env, Parser, Process, Step, need_action};
use crate::receivers::Buffering;
use args::{Action, QueryArgs, Settings};

/// Run dpkg-query; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-query", env, Buffering::Full);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

/// What a run of dpkg-query with kept output did.
pub struct Answer {
    /// Its standard output.
    pub output: Vec<u8>,
    /// Whether it had nothing to say on standard error.
    pub quiet: bool,
    /// Its exit code.
    pub code: i32,
}

/// Run dpkg-query as `$(dpkg-query ARGS)` does.
pub fn answer(mut env: Env, args: &[OsString]) -> Answer {
    // What is kept goes to no terminal.
    if env.get("DPKG_COLORS").is_none_or(|mode| mode == "auto") {
        env.set("DPKG_COLORS", b"never");
    }
    let mut process = Process::start("dpkg-query", env, Buffering::Kept);
    let report = process.report.clone();
    let outcome = run(&mut process, args);
    let code = process.finish(outcome);
    Answer {
        code,
        output: report.take_output(),
        quiet: !report.spoke_to_stderr(),
    }
}

fn parse(process: &mut Process, args: &[OsString]) -> Step<QueryArgs> {
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, Settings::default());
    let args = parser.parse(process, args)?;
    let settings = parser.settings;
    let dirs = settings.dirs.clone().settle(process)?;
    let (action, name) = need_action(parser.action)?;
    Ok(QueryArgs {
        action,
        name,
        settings,
        args,
        dirs,
    })
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    let args = parse(process, args)?;
    match args.action {
        Action::Help => Ok(help::print_usage(process)?),
        Action::Version => Ok(help::print_version(process)?),
        Action::List => list::list(process, &args),
        Action::Show => show::show(process, &args),
        Action::Status => show::status(process, &args),
        Action::PrintAvail => show::print_avail(process, &args),
        Action::Listfiles => files::list_files(process, &args),
        Action::Search => files::search(process, &args),
        Action::ControlPath => control::path(process, &args),
        Action::ControlList => control::list(process, &args),
        Action::ControlShow => control::show(process, &args),
    }
}

/// Open the database to read it.
fn open(process: &mut Process, args: &QueryArgs, available: AvailMode) -> Result<Database, Error> {
    let mut db = Database::new(args.dirs.clone(), ArchTable::new(BUILD_ARCHITECTURE));
    db.open(OpenMode::ReadOnly, available, &mut process.report)?;
    Ok(db)
}

/// Open it to read a part of it, and not `available`.
fn open_scope(process: &mut Process, args: &QueryArgs, scope: Scope) -> Result<Database, Error> {
    let mut db = Database::new(args.dirs.clone(), ArchTable::new(BUILD_ARCHITECTURE));
    db.set_scope(scope);
    db.open(OpenMode::ReadOnly, AvailMode::None, &mut process.report)?;
    Ok(db)
}

/// Open it for a list of packages of which not more than `scope` is shown.
fn open_for_list(process: &mut Process, args: &QueryArgs, scope: Scope) -> Result<Database, Error> {
    if args.settings.load_avail {
        return open(process, args, AvailMode::Read);
    }
    // A pattern may mean a package that only others mention.
    let scope = match scope {
        Scope::Some(part) => Scope::Some(Part {
            mentioned: !args.args.is_empty(),
            ..part
        }),
        Scope::All => Scope::All,
    };
    open_scope(process, args, scope)
}

/// Open it for all of the packages that the arguments name.
fn open_for_named(process: &mut Process, args: &QueryArgs) -> Result<Database, Error> {
    let names = args.args.iter().map(|name| name.as_bytes());
    open_scope(process, args, Scope::Some(Part::of_arguments(names)))
}

/// Close it again.
fn close(process: &mut Process, mut db: Database) -> Result<(), Error> {
    db.shutdown(&mut process.report)?;
    // The process is about to end: giving back the memory piece by piece is of no use.
    std::mem::forget(db);
    Ok(())
}

/// The one package an argument means (`dpkg_options_parse_pkgname`).
fn package(db: &mut Database, args: &QueryArgs, name: &OsStr) -> Result<PkgId, Error> {
    pkgspec::package_arg(&mut db.table, args.verb(), name.as_bytes())
}

/// Say about each pattern that matched nothing that it did not.
fn report_missed(process: &mut Process, args: &QueryArgs, missed: &[usize]) {
    for pattern in missed.iter().filter_map(|i| args.args.get(*i)) {
        process
            .report
            .notice(msg!("no packages found matching %s", pattern));
    }
}
