//! `--field` and `--show`: fields of the control file.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::control::{self, ParseFlags, write_arbitrary_field, write_field};
use libdpkgng::error::{Error, Result};
use libdpkgng::pkg::{PkgId, PkgTable, Which};
use libdpkgng::report::{Event, Reporter as _};
use libdpkgng::showformat::{Format, NoDbFsys};
use libdpkgng::{err, msg};

use super::args::DebArgs;
use super::info;
use crate::cli::{Process, Step};

/// The package paragraph of an archive. `path` is where stock would have extracted it to, for
/// the messages.
pub fn parse(process: &mut Process, path: &[u8], text: &[u8]) -> Result<(PkgTable, PkgId)> {
    let mut table = PkgTable::new(ArchTable::new(BUILD_ARCHITECTURE));
    let flags = ParseFlags::BINARY | ParseFlags::IGNORE_ARCHIVES;
    match control::parse_bytes(path, text, flags, &mut table, &mut process.report)? {
        (_, Some(pkg)) => Ok((table, pkg)),
        (_, None) => Err(Error::internal(msg!("no package in '%s'", path))),
    }
}

/// `--field` with fields.
pub fn fields(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let (table, pkg) = info::paragraph(process, args)?;
    let names = args.args.get(1..).unwrap_or_default();
    print(process, (&table, pkg), names)?;
    Ok(0)
}

/// `--show`: the control file through a format.
pub fn show(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let format = Format::parse(args.settings.showformat.as_bytes())
        .map_err(|why| err!("error in show format: %s", why))?;
    let (table, pkg) = info::paragraph(process, args)?;
    let mut text = Vec::new();
    format.render(
        &table,
        pkg,
        Which::Available,
        &NoDbFsys,
        &process.report,
        &mut text,
    )?;
    process.report.event(&Event::Data(&text));
    Ok(0)
}

/// Print the values of these fields, with their names if there are several (`info_field`).
fn print(
    process: &mut Process,
    (table, pkg): (&PkgTable, PkgId),
    names: &[OsString],
) -> Result<()> {
    let header = names.len() > 1;
    for name in names.iter().map(|n| n.as_bytes()) {
        let mut out = Vec::new();
        let which = Which::Available;
        if let Some(info) = control::field(name) {
            write_field(table, pkg, which, info, header, &mut out);
        } else {
            let arbs = &table[pkg].bin(which).arbs;
            let found = arbs.iter().find(|f| f.name.eq_ignore_ascii_case(name));
            if let Some(field) = found {
                write_arbitrary_field(field, header, &mut out);
            }
        }
        if !header {
            out.push(b'\n');
        }
        process.report.event(&Event::Data(&out));
    }
    process.flush_output()
}
