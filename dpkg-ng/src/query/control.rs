//! `--control-path`, `--control-list`, `--control-show`: the control files of a package.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;

use libdpkgng::bail;
use libdpkgng::db::Database;
use libdpkgng::db::modstatdb::AvailMode;
use libdpkgng::error::{Error, OrFail, Result};
use libdpkgng::msg;
use libdpkgng::pkg::{NameWhen, PkgId, Which};
use libdpkgng::report::{Event, Reporter};
use libdpkgng::state::Status;

use super::args::QueryArgs;
use crate::cli::{Process, Step};
use crate::pager::Pager;

/// Longer names are not of control files (`MAXCONTROLFILENAME`).
const NAME_MAX: usize = 100;

/// Files of the database's own, which are not shown.
fn is_internal(kind: &str) -> bool {
    kind == "list" || kind == "conffiles" || kind.len() > NAME_MAX
}

/// A control file's name must not lead elsewhere.
fn check_kind(kind: &OsStr) -> Result<()> {
    match b"/.".iter().find(|c| kind.as_bytes().contains(c)) {
        Some(c) => Err(Error::usage(msg!("control file contains %c", *c))),
        None => Ok(()),
    }
}

/// Open the database and look up a package, which must be installed.
fn installed(process: &mut Process, args: &QueryArgs, name: &OsStr) -> Result<(Database, PkgId)> {
    let mut db = super::open(process, args, AvailMode::None)?;
    let pkg = super::package(&mut db, args, name)?;
    if db.table[pkg].status() == Status::NotInstalled {
        bail!(
            "package '%s' is not installed",
            db.table.name(pkg, NameWhen::NonAmbig)
        );
    }
    Ok((db, pkg))
}

fn print_line(process: &mut Process, text: &OsStr) {
    let line = [text.as_bytes(), b"\n"].concat();
    process.report.event(&Event::Data(&line));
}

/// `--control-path`
pub fn path(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    let (name, kind) = match args.args.as_slice() {
        [] => {
            return Err(Error::usage(msg!(
                "--%s needs at least one package name argument",
                args.verb()
            ))
            .into());
        }
        [name] => (name, None),
        [name, kind] => (name, Some(kind)),
        _ => {
            return Err(Error::usage(msg!("--%s takes at most two arguments", args.verb())).into());
        }
    };
    if let Some(kind) = kind {
        check_kind(kind)?;
    }
    let (db, pkg) = installed(process, args, name)?;
    if let Some(kind) = kind {
        let kind = kind.to_string_lossy();
        db.infodb_format()?;
        let path = db.infodb_file(pkg, Which::Installed, &kind);
        if path.stat().is_ok_and(|st| st.is_file()) && !is_internal(&kind) {
            print_line(process, path.shown_path().as_os_str());
        }
    } else {
        let mut files = db.infodb_files(pkg, Which::Installed)?;
        while let Some(file) = files.next(&mut process.report) {
            if !is_internal(&file.kind) {
                print_line(process, file.spot.shown_path().as_os_str());
            }
        }
    }
    super::close(process, db)?;
    Ok(0)
}

/// `--control-list`
pub fn list(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    let [name] = args.args.as_slice() else {
        let msg = msg!("--%s takes one package name argument", args.verb());
        return Err(Error::usage(msg).into());
    };
    let (db, pkg) = installed(process, args, name)?;
    let mut files = db.infodb_files(pkg, Which::Installed)?;
    while let Some(file) = files.next(&mut process.report) {
        if !is_internal(&file.kind) {
            print_line(process, OsStr::new(&file.kind));
        }
    }
    super::close(process, db)?;
    Ok(0)
}

/// `--control-show`
pub fn show(process: &mut Process, args: &QueryArgs) -> Step<i32> {
    let [name, kind]: &[OsString] = args.args.as_slice() else {
        let msg = msg!("--%s takes exactly two arguments", args.verb());
        return Err(Error::usage(msg).into());
    };
    check_kind(kind)?;
    let (db, pkg) = installed(process, args, name)?;
    let kind_text = kind.to_string_lossy();
    if !db.infodb_has_file(pkg, Which::Installed, &kind_text)? {
        return Err(libdpkgng::err!("control file '%s' does not exist", kind).into());
    }
    let path = db.infodb_file(pkg, Which::Installed, &kind_text);
    super::close(process, db)?;

    // file_show()
    let mut file = path.read().or_fail(|| msg!("cannot open file %s", &path))?;
    let pager = Pager::spawn(
        args.settings.pager,
        &process.env,
        &process.report,
        msg!("pager to show file"),
    )?;
    let mut content = Vec::new();
    let read = file.read_to_end(&mut content);
    let written = process.report.write_through(&content);
    pager.reap(&process.report)?;
    match read.and(written) {
        // Whoever has seen enough closes the pager.
        Err(e) if e.kind() == ErrorKind::BrokenPipe => {}
        done => done.or_fail(|| msg!("cannot write file %s into the pager", &path))?,
    }
    Ok(0)
}
