//! Actions on the database alone: the command line's side of `libdpkgng::admin`.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libdpkgng::admin::{architectures, audit, avail, pending, predep, selections, verify};
use libdpkgng::db::arch as archdb;
use libdpkgng::error::Error;
use libdpkgng::msg;
use libdpkgng::pipeline::{self, Options};
use libdpkgng::sys::stdio::Stdin;

use super::args::{DpkgArgs, VerifyFormat};
use super::enquiry::no_arguments;
use super::packages;
use crate::cli::{Process, Step, exactly};

fn names(args: &DpkgArgs) -> Vec<Vec<u8>> {
    args.args.iter().map(|a| a.as_bytes().to_vec()).collect()
}

/// `--print-architecture`
pub fn print_architecture(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    let mut db = packages::database(process, args);
    archdb::load_native(&db.dirs, &mut db.table.arches);
    let arches = &db.table.arches;
    let native = arches.name(libdpkgng::arch::ArchId::NATIVE);
    process.report.output(msg!("%s\n", native));
    process.flush_output()?;
    Ok(0)
}

/// `--print-foreign-architectures`
pub fn print_foreign_architectures(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    let mut db = packages::database(process, args);
    Ok(architectures::print_foreign(&mut db, &mut process.report)?)
}

fn one_architecture(args: &DpkgArgs) -> Result<&[u8], Error> {
    let [name] = exactly(&args.args)
        .ok_or_else(|| Error::usage(msg!("--%s takes exactly one argument", args.verb())))?;
    Ok(name.as_bytes())
}

/// `--add-architecture`
pub fn add_architecture(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let name = one_architecture(args)?;
    let mut db = packages::database(process, args);
    Ok(architectures::add(&mut db, name)?)
}

/// `--remove-architecture`
pub fn remove_architecture(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let name = one_architecture(args)?;
    let mut db = packages::database(process, args);
    let force = args.settings.force;
    Ok(architectures::remove(
        &mut db,
        name,
        force,
        &mut process.report,
    )?)
}

/// `--audit`
pub fn audit(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let mut db = packages::database(process, args);
    let report = &mut process.report;
    Ok(audit::audit(&mut db, args.verb(), &names(args), report)?)
}

/// `--verify`
pub fn verify(process: &mut Process, args: &mut DpkgArgs) -> Step<i32> {
    let mut db = packages::database(process, args);
    let mut hooks = std::mem::take(&mut args.hooks);
    let format = match args.settings.verify_format {
        VerifyFormat::Rpm => verify::Format::Rpm,
    };
    let report = &mut process.report;
    Ok(verify::verify(
        &mut db,
        args.verb(),
        &names(args),
        format,
        &mut hooks,
        report,
    )?)
}

/// `--yet-to-unpack`
pub fn yet_to_unpack(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    let mut db = packages::database(process, args);
    Ok(pending::yet_to_unpack(&mut db, &mut process.report)?)
}

/// `--predep-package`
pub fn predep_package(process: &mut Process, args: &mut DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    // The action of these options is never shown: nothing is installed, so nothing fails.
    let action = pipeline::Action::Install;
    let opts: Options = packages::options(process, args, action, Vec::new());
    let db = packages::database(process, args);
    let mut run = packages::start(process, args, db, opts);
    Ok(predep::predep_package(&mut run)?)
}

/// `--get-selections`
pub fn get_selections(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    let mut db = packages::database(process, args);
    let report = &mut process.report;
    Ok(selections::get_selections(&mut db, &names(args), report)?)
}

/// `--set-selections`
pub fn set_selections(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    let mut db = packages::database(process, args);
    let act = args.settings.act;
    let mut input = Stdin::new();
    let report = &mut process.report;
    Ok(selections::set_selections(
        &mut db, act, &mut input, report,
    )?)
}

/// `--clear-selections`
pub fn clear_selections(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    let mut db = packages::database(process, args);
    let act = args.settings.act;
    Ok(selections::clear_selections(
        &mut db,
        act,
        &mut process.report,
    )?)
}

/// `--update-avail`, `--merge-avail`
pub fn update_available(process: &mut Process, args: &DpkgArgs, merge: bool) -> Step<i32> {
    let source = match args.args.as_slice() {
        [] => Path::new("-"),
        [file] => Path::new(file),
        _ => {
            let id = "--%s takes at most one Packages-file argument";
            return Err(Error::usage(msg!(id, args.verb())).into());
        }
    };
    let update = match merge {
        true => avail::Update::Merge(source),
        false => avail::Update::Replace(source),
    };
    change_available(process, args, update)
}

/// `--clear-avail`
pub fn clear_available(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    change_available(process, args, avail::Update::Clear)
}

fn change_available(
    process: &mut Process,
    args: &DpkgArgs,
    update: avail::Update<'_>,
) -> Step<i32> {
    let mut db = packages::database(process, args);
    let act = args.settings.act;
    Ok(avail::update_available(
        &mut db,
        update,
        act,
        &mut process.report,
    )?)
}

/// `--forget-old-unavail`, which has nothing to do any more.
pub fn forget_old_unavailable(process: &mut Process, args: &DpkgArgs) -> Step<i32> {
    no_arguments(args)?;
    process.report.warning(msg!(
        "obsolete '--%s' option; unavailable packages are automatically cleaned up",
        args.verb()
    ));
    Ok(0)
}
