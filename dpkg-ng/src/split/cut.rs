//! `--split`

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::archive::deb::DebFile;
use libdpkgng::archive::extract::read_control_file;
use libdpkgng::archive::split::{Layout, Source};
use libdpkgng::control::{self, ParseFlags};
use libdpkgng::error::{Error, OrFail as _, Result};
use libdpkgng::msg;
use libdpkgng::pkg::{PkgId, PkgTable};
use libdpkgng::report::Silent;

use super::args::SplitArgs;
use crate::children;
use crate::cli::{Process, Step, source_date_epoch};

/// What stock leaves reading archives to.
const BACKEND: &str = "dpkg-deb";

/// Cut a package into parts.
pub fn split(process: &mut Process, args: &SplitArgs) -> Step<i32> {
    let (file, prefix) = match args.args.as_slice() {
        [] => return Err(usage("--split needs a source filename argument")),
        [file] => {
            let name = file.as_bytes();
            (file, name.strip_suffix(b".deb").unwrap_or(name))
        }
        [file, prefix] => (file, prefix.as_bytes()),
        _ => {
            return Err(usage(
                "--split takes at most a source filename and destination prefix",
            ));
        }
    };
    let source = Source::open(Path::new(file))?;
    let (table, pkg) = paragraph(process, file)?;
    let layout = Layout {
        prefix,
        part_size: args.settings.part_size,
        msdos: args.settings.msdos,
        mtime: source_date_epoch(&process.env)?,
    };
    source.cut((&table, pkg), &layout, &mut process.report)?;
    Ok(0)
}

fn usage(text: &'static str) -> crate::cli::Stop {
    Error::usage(msg!(text)).into()
}

/// The package paragraph of an archive (`deb_parse_control`). What cannot be read here, dpkg-deb
/// is asked for as by stock: it has its own words.
fn paragraph(process: &mut Process, file: &OsStr) -> Result<(PkgTable, PkgId)> {
    let read = DebFile::open(Path::new(file))
        .and_then(|deb| read_control_file(&deb, b"control", &mut Silent));
    if let Ok(Some(text)) = read {
        return parse(process, &text);
    }
    let what = msg!("package field value extraction");
    let mut command = Command::new(BACKEND);
    command.arg("--info").arg(file).arg("control");
    command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    process.env.apply(&mut command);
    let output = command
        .output()
        .or_fail(|| msg!("unable to execute %s (%s)", &what, BACKEND))?;
    let parsed = parse(process, &output.stdout)?;
    children::check_unless_pipe(output.status, &what)?;
    Ok(parsed)
}

fn parse(process: &mut Process, text: &[u8]) -> Result<(PkgTable, PkgId)> {
    let name = msg!("<dpkg-deb --info pipe>");
    let name = process.report.with_catalog(|catalog| name.render(catalog));
    let mut table = PkgTable::new(ArchTable::new(BUILD_ARCHITECTURE));
    let flags = ParseFlags::BINARY;
    match control::parse_bytes(&name, text, flags, &mut table, &mut process.report)? {
        (_, Some(pkg)) => Ok((table, pkg)),
        (_, None) => Err(Error::internal(msg!("no package in '%s'", name))),
    }
}
