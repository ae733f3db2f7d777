//! `--build`

use std::path::Path;

use libdpkgng::archive::{self, build::BuildOptions};
use libdpkgng::error::Error;
use libdpkgng::msg;

use super::args::DebArgs;
use crate::cli::{Process, Step, source_date_epoch};

/// Build a package from a directory.
pub fn build(process: &mut Process, args: &DebArgs) -> Step<i32> {
    let long = args.verb();
    let (dir, dest) = match args.args.as_slice() {
        [] => return Err(Error::usage(msg!("--%s needs a <directory> argument", long)).into()),
        [dir] => (dir, None),
        [dir, dest] => (dir, Some(Path::new(dest))),
        _ => return Err(Error::usage(msg!("--%s takes at most two arguments", long)).into()),
    };
    let settings = &args.settings;
    let options = BuildOptions {
        check: settings.check,
        root_owner_group: settings.root_owner_group,
        uniform_compression: settings.uniform_compression,
        params: settings.params,
        format: settings.format,
        timestamp: source_date_epoch(&process.env),
        tmpdir: process.env.get("TMPDIR").unwrap_or("/tmp".as_ref()).into(),
        progname: process.program().to_owned(),
        info_prefix: process.report.info_prefix(),
        hint_prefix: process.report.hint_prefix(),
    };
    archive::build::build(Path::new(dir), dest, &options, &mut process.report)?;
    Ok(0)
}
