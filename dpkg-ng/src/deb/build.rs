//! `--build`: the command line's side of it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use libdpkgng::arch::{ArchId, ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::archive::build::{BuildOptions, Identity, build as build_archive};
use libdpkgng::control::{ParseFlags, parse_file};
use libdpkgng::error::{Error, Result};
use libdpkgng::pkg::{PkgTable, Priority};
use libdpkgng::report::Reporter;
use libdpkgng::version::Epoch;
use libdpkgng::{bail, err, msg};

use super::args::DebArgs;
use crate::cli::{Env, Process, Step, strtol};
use std::os::unix::ffi::OsStrExt;

/// `--build`
pub fn build(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let (dir, dest) = match args.args.as_slice() {
        [] => {
            return Err(
                Error::usage(msg!("--%s needs a <directory> argument", args.verb())).into(),
            );
        }
        [dir] => (dir, None),
        [dir, dest] => (dir, Some(Path::new(dest))),
        _ => {
            return Err(Error::usage(msg!("--%s takes at most two arguments", args.verb())).into());
        }
    };
    let settings = &args.settings;
    let options = BuildOptions {
        check: settings.check,
        root_owner_group: settings.root_owner_group,
        uniform_compression: settings.uniform_compression,
        params: settings.params,
        format: settings.format,
        timestamp: timestamp(&process.env),
        tmpdir: tmpdir(&process.env),
        progname: process.program().to_owned(),
        info_prefix: process.report.info_prefix(),
        hint_prefix: process.report.hint_prefix(),
    };
    build_archive(
        Path::new(dir),
        dest,
        &options,
        &mut read_identity,
        &mut process.report,
    )?;
    Ok(0)
}

/// Where temporary files go: `TMPDIR`, even an empty one, or `/tmp`.
pub fn tmpdir(env: &Env) -> PathBuf {
    env.get("TMPDIR").map_or("/tmp".into(), PathBuf::from)
}

/// `SOURCE_DATE_EPOCH`, or now.
fn timestamp(env: &Env) -> Result<i64> {
    let Some(text) = env.get_nonempty("SOURCE_DATE_EPOCH") else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        return Ok(now.map_or(0, |d| d.as_secs() as i64));
    };
    strtol(text.as_bytes(), 10).ok_or_else(|| err!("unable to parse timestamp '%.255s'", text))
}

/// Read and check the control file (`check_ctrl_control`).
fn read_identity(path: &Path, report: &mut dyn Reporter) -> Result<Identity> {
    let mut table = PkgTable::new(ArchTable::new(BUILD_ARCHITECTURE));
    let (_, pkg) = parse_file(path, ParseFlags::BINARY, &mut table, report)?;
    let Some(pkg) = pkg else {
        return Err(Error::internal(msg!("a control file without a package")));
    };
    let name = table.set_name(pkg).to_owned();
    let lower = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+-.".contains(&c);
    if !name.bytes().all(lower) {
        bail!("package name has characters that aren't lowercase alphanums or '-+.'");
    }
    let bin = &table[pkg].available;
    if bin.arch == ArchId::NONE || bin.arch == ArchId::EMPTY {
        bail!("package architecture is missing or empty");
    }
    if let Priority::Other(word) = &table[pkg].priority {
        report.warning(msg!(
            "'%s' contains user-defined Priority value '%s'",
            path,
            word
        ));
    }
    Ok(Identity {
        version: bin.version.to_bytes(Epoch::Never),
        arch: table.arches.name(bin.arch).as_bytes().to_vec(),
        name: name.into_bytes(),
    })
}
