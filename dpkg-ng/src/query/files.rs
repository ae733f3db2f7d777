//! `--listfiles` and `--search`: from packages to paths and back.

use std::os::unix::ffi::OsStrExt;

use libdpkgng::control::{Part, Scope};
use libdpkgng::db::Database;
use libdpkgng::error::Error;
use libdpkgng::fsys::NodeId;
use libdpkgng::msg;
use libdpkgng::pkg::{NameWhen, PkgId};
use libdpkgng::query::{literal, path_pattern, paths};
use libdpkgng::report::{Event, Reporter};
use libdpkgng::state::Status;

use super::args::QueryArgs;
use crate::cli::{Process, Step};

/// `--listfiles`
pub fn list_files(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    if args.args.is_empty() {
        return Err(Error::usage(msg!(
            "--%s needs at least one package name argument",
            args.verb()
        ))
        .into());
    }
    let mut db = super::open_for_named(process, args)?;
    let mut misses = 0;
    for (i, name) in args.args.iter().enumerate() {
        let pkg = super::package(&mut db, args, name)?;
        if db.table[pkg].status() == Status::NotInstalled {
            process.report.notice(msg!(
                "package '%s' is not installed",
                db.table.name(pkg, NameWhen::NonAmbig)
            ));
            misses += 1;
        } else {
            db.ensure_files(pkg, &mut process.report)?;
            db.ensure_diversions(&mut process.report)?;
            print_files(process, &db, pkg);
        }
        if i + 1 < args.args.len() {
            process.report.event(&Event::Data(b"\n"));
        }
    }
    process.flush_output()?;
    if misses > 0 {
        process.report.stderr(msg!(
            "Use dpkg --contents (= dpkg-deb --contents) to list archive files contents.\n"
        ));
        process.check_stderr()?;
    }
    super::close(process, db)?;
    Ok(i32::from(misses > 0))
}

/// The paths of a package, and under each where its files are diverted to.
fn print_files(process: &mut Process, db: &Database, pkg: PkgId) {
    let files = db.fsys.files(pkg).unwrap_or_default();
    if files.is_empty() {
        process.report.output(msg!(
            "Package '%s' does not contain any files (!)\n",
            db.table.name(pkg, NameWhen::NonAmbig)
        ));
    }
    let mut line = Vec::new();
    for node in files {
        line.clear();
        line.extend_from_slice(db.fsys.name(*node));
        line.push(b'\n');
        process.report.event(&Event::Data(&line));
        let Some(divert) = db.fsys.diversion(*node) else {
            continue;
        };
        let (None, Some(to)) = (divert.camefrom, divert.useinstead) else {
            continue;
        };
        let to = db.fsys.name(to);
        process.report.output(match divert.pkgset {
            None => msg!("locally diverted to: %s\n", to),
            Some(set) if set == db.table[pkg].set => {
                msg!("package diverts others to: %s\n", to)
            }
            Some(set) => msg!("diverted by %s to: %s\n", &*db.table[set].name, to),
        });
    }
}

/// `--search`
pub fn search(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    if args.args.is_empty() {
        return Err(Error::usage(msg!(
            "--search needs at least one file name pattern argument"
        ))
        .into());
    }
    let scope = Scope::Some(Part {
        mentioned: true,
        ..Part::default()
    });
    let mut db = super::open_scope(process, args, scope)?;
    let patterns = args.args.iter().map(|a| path_pattern(a.as_bytes()));
    let patterns: Vec<Vec<u8>> = patterns.collect();
    match patterns
        .iter()
        .map(|p| literal(p))
        .collect::<Option<Vec<_>>>()
    {
        Some(literals) => db.ensure_files_with(&literals, &mut process.report)?,
        None => db.ensure_all_files_quiet(&mut process.report)?,
    }
    db.ensure_diversions(&mut process.report)?;
    let mut misses = 0;
    for pattern in patterns {
        let mut found = false;
        for node in paths(&mut db, &pattern) {
            found |= print_owners(process, &db, node);
        }
        if found {
            process.flush_output()?;
        } else {
            process
                .report
                .notice(msg!("no path found matching pattern %s", pattern));
            misses += 1;
            process.check_stderr()?;
        }
    }
    super::close(process, db)?;
    Ok(i32::from(misses > 0))
}

/// What is known of a path: its diversion and its owners. False when nothing is.
fn print_owners(process: &mut Process, db: &Database, node: NodeId) -> bool {
    let divert = db.fsys.diversion(node);
    if let Some(divert) = divert {
        let name = |other: Option<NodeId>| db.fsys.name(other.unwrap_or(node));
        let (from, to) = (name(divert.camefrom), name(divert.useinstead));
        let lines = match divert.pkgset {
            Some(set) => {
                let by = &*db.table[set].name;
                [
                    msg!("diversion by %s from: %s\n", by, from),
                    msg!("diversion by %s to: %s\n", by, to),
                ]
            }
            None => [
                msg!("local diversion from: %s\n", from),
                msg!("local diversion to: %s\n", to),
            ],
        };
        for line in lines {
            process.report.output(line);
        }
    }
    let mut line = Vec::new();
    for owner in db.fsys.owners(node) {
        if !line.is_empty() {
            line.extend_from_slice(b", ");
        }
        line.extend_from_slice(db.table.name(owner, NameWhen::NonAmbig).as_bytes());
    }
    if !line.is_empty() {
        line.extend_from_slice(b": ");
        line.extend_from_slice(db.fsys.name(node));
        line.push(b'\n');
        process.report.event(&Event::Data(&line));
    }
    divert.is_some() || !line.is_empty()
}
