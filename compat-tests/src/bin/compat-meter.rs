//! Two programs that [`compat_tests::bench`] puts into the systems it measures in.
//!
//! * `compat-meter REPORT PROGRAM ARGUMENT…` runs a program and writes to REPORT what it took: seconds,
//!   seconds of CPU, KiB of the largest process, exit code.
//! * Under the name of an interpreter (`dash`, `bash`, `perl`; the real one is in [`REAL`]) it is that
//!   interpreter, and takes the time of maintainer scripts: the outermost one of a package runs as a child, and its
//!   seconds are added to [`SCRIPTS`]. The child is never reaped here, so that what it used is not counted
//!   as used by the dpkg that called the script. All else is executed in place.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, fs, io};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// Where the real interpreters are.
const REAL: &str = "/usr/lib/compat-meter";
/// Where a line for each maintainer script goes: seconds, name.
const SCRIPTS: &str = "/t/scripts";
/// Set in a maintainer script: what it calls is part of it.
const INSIDE: &str = "COMPAT_METER_INSIDE";

fn main() -> ExitCode {
    let mut args = env::args_os();
    let own = args.next().unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    let name = Path::new(&own).file_name().unwrap_or_default();
    let done = match name.as_bytes() {
        b"compat-meter" => measure(&args),
        _ => interpret(&own, name.as_bytes(), &args),
    };
    done.unwrap_or_else(|e| {
        eprintln!("compat-meter: {}: {e}", own.display());
        ExitCode::from(99)
    })
}

fn measure(args: &[OsString]) -> io::Result<ExitCode> {
    let [report, program, args @ ..] = args else {
        return Err(io::Error::other("REPORT PROGRAM ARGUMENT…"));
    };
    let start = Instant::now();
    let status = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .status()?;
    let wall = start.elapsed().as_secs_f64();
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = used.user_time().num_microseconds() + used.system_time().num_microseconds();
    let code = status.code().unwrap_or(-1);
    let peak = used.max_rss();
    fs::write(report, format!("{wall} {} {peak} {code}", cpu as f64 / 1e6))?;
    Ok(ExitCode::SUCCESS)
}

fn interpret(own: &OsString, name: &[u8], args: &[OsString]) -> io::Result<ExitCode> {
    // Links of the system lead here; a login shell has a dash before its name.
    let real = Path::new(REAL).join(OsString::from_vec(match name {
        b"sh" => b"dash".to_vec(),
        b"rbash" => b"bash".to_vec(),
        _ => name.strip_prefix(b"-").unwrap_or(name).to_vec(),
    }));
    let mut command = Command::new(real);
    command.arg0(own).args(args);
    let script = env::var_os("DPKG_MAINTSCRIPT_NAME").filter(|_| env::var_os(INSIDE).is_none());
    // `dash [-OPTION] FILE …`, where the file is named for the script: PACKAGE.postinst or preinst.
    let script = script.filter(|script| {
        args.iter()
            .take(2)
            .any(|a| a.as_bytes().ends_with(script.as_bytes()))
    });
    let Some(script) = script else {
        return Err(command.exec());
    };
    let start = Instant::now();
    let child = command.env(INSIDE, "1").spawn()?;
    let pid = Pid::from_raw(child.id() as i32);
    let code = match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)? {
        WaitStatus::Exited(_, code) => code as u8,
        WaitStatus::Signaled(_, signal, _) => 128 + signal as u8,
        other => return Err(io::Error::other(format!("{other:?}"))),
    };
    let line = format!(
        "{} {}\n",
        start.elapsed().as_secs_f64(),
        script.to_string_lossy()
    );
    fs::OpenOptions::new()
        .append(true)
        .open(SCRIPTS)?
        .write_all(line.as_bytes())?;
    Ok(ExitCode::from(code))
}
