//! Architectures of this system: shown, added, removed.

use std::ffi::OsStr;

use libdpkgng::arch::{self, ArchId, ArchTable, ArchType, BUILD_ARCHITECTURE};
use libdpkgng::db::modstatdb::{AvailMode, OpenMode};
use libdpkgng::db::{Database, arch as archdb};
use libdpkgng::error::Error;
use libdpkgng::force::Force;
use libdpkgng::state::Status;
use libdpkgng::{err, msg};

use super::args::DpkgArgs;
use super::enquiry::no_arguments;
use crate::cli::{Process, Step, exactly};

/// `--print-architecture`
pub fn print_native(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    let mut arches = ArchTable::new(BUILD_ARCHITECTURE);
    archdb::load_native(&args.dirs, &mut arches);
    let native = arches.name(ArchId::NATIVE);
    process.report.output(msg!("%s\n", native));
    process.flush_output()?;
    Ok(0)
}

/// `--print-foreign-architectures`
pub fn print_foreign(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    let arches = archdb::load(&args.dirs)?;
    for (_, name, kind) in arches.iter() {
        if kind == ArchType::Foreign {
            process.report.output(msg!("%s\n", name));
        }
    }
    process.flush_output()?;
    Ok(0)
}

/// The name of an architecture; what is not UTF-8 is not legal either way.
fn one_name(args: &DpkgArgs) -> Result<(&OsStr, String), Error> {
    let [name] = exactly(&args.args)
        .ok_or_else(|| Error::usage(msg!("--%s takes exactly one argument", args.verb())))?;
    Ok((name, name.to_string_lossy().into_owned()))
}

/// `--add-architecture`
pub fn add(args: &DpkgArgs) -> Step<i32> {
    let (given, name) = one_name(args)?;
    let mut arches = archdb::load(&args.dirs)?;
    let id = arches.add(&name);
    match arches.kind(id) {
        ArchType::Native | ArchType::Foreign => {}
        ArchType::Illegal => {
            let why = arch::check_name(&name).unwrap_or(msg!(""));
            return Err(err!("architecture '%s' is illegal: %s", given, why).into());
        }
        _ => {
            return Err(err!("architecture '%s' is reserved and cannot be added", given).into());
        }
    }
    archdb::save(&args.dirs, &mut arches)?;
    Ok(0)
}

/// `--remove-architecture`
pub fn remove(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let (_, name) = one_name(args)?;
    let mut db = Database::new(args.dirs.clone(), ArchTable::new(BUILD_ARCHITECTURE));
    db.open(OpenMode::ReadOnly, AvailMode::None, &mut process.report)?;
    let id = db.table.arches.find(&name);
    if db.table.arches.kind(id) != ArchType::Foreign {
        let name = db.table.arches.name(id);
        process
            .report
            .warning(msg!("cannot remove non-foreign architecture '%s'", name));
        return Ok(0);
    }
    let mut packages = db.table.in_hash_order().into_iter();
    let used = packages.any(|pkg| {
        let pkg = &db.table[pkg];
        pkg.status() >= Status::HalfInstalled && pkg.installed.arch == id
    });
    if used {
        if args.settings.force.has(Force::Architecture) {
            process.report.warning(msg!(
                "removing architecture '%s' currently in use by database",
                &name
            ));
        } else {
            return Err(err!(
                "cannot remove architecture '%s' currently in use by the database",
                &name
            )
            .into());
        }
    }
    db.table.arches.unmark(id);
    archdb::save(&args.dirs, &mut db.table.arches)?;
    db.shutdown(&mut process.report)?;
    Ok(0)
}
