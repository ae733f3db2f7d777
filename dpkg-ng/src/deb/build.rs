//! `--build`

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use libdpkgng::archive::{self, build::BuildOptions};
use libdpkgng::error::{Error, Result};
use libdpkgng::{err, msg};

use super::args::DebArgs;
use crate::cli::{Process, Step, strtol};

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
        timestamp: timestamp(process.env.get_nonempty("SOURCE_DATE_EPOCH")),
        tmpdir: process.env.get("TMPDIR").unwrap_or("/tmp".as_ref()).into(),
        progname: process.program().to_owned(),
        info_prefix: process.report.info_prefix(),
        hint_prefix: process.report.hint_prefix(),
    };
    archive::build::build(Path::new(dir), dest, &options, &mut process.report)?;
    Ok(0)
}

/// `SOURCE_DATE_EPOCH`, or the time now.
fn timestamp(epoch: Option<&OsStr>) -> Result<i64> {
    let Some(epoch) = epoch else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        return Ok(now.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX)));
    };
    let text = epoch.as_bytes();
    strtol(text, 10).ok_or_else(|| {
        let digits = text.trim_ascii_start();
        let digits = digits
            .strip_prefix(b"-")
            .or_else(|| digits.strip_prefix(b"+"))
            .unwrap_or(digits);
        let problem = msg!("unable to parse timestamp '%.255s'", epoch);
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
            Error::os(problem, std::io::Error::from_raw_os_error(libc::ERANGE))
        } else {
            err!("%s", problem)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        let time = |t: &str| timestamp(Some(OsStr::new(t))).map_err(|e| e.to_string());
        assert_eq!(time("12"), Ok(12));
        assert_eq!(time("-1"), Ok(-1));
        assert_eq!(time("x"), Err("unable to parse timestamp 'x'".into()));
        assert_eq!(time("1x"), Err("unable to parse timestamp '1x'".into()));
        assert_eq!(
            time("99999999999999999999"),
            Err(
                "unable to parse timestamp '99999999999999999999': Numerical result out of range"
                    .into()
            )
        );
    }
}
