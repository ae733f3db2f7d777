//! What tools need that stock has as shell scripts: to end as `set -e` ends them, to run programs
//! as a shell does, and to speak as dpkg-error.sh does.

mod words;

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus, Output, Stdio};

use libdpkgng::sys::process::executed_path;

use crate::cli::Env;

pub use words::{Words, print};

/// The exit code that a step ends the tool with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub i32);

/// What the steps of the tool return.
pub type Step<T = ()> = Result<T, Exit>;

/// Bytes as the system takes them.
pub fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// The path that the tool called `name` was executed by, as the script finds it in `$0`.
pub fn own_path(name: &str) -> Vec<u8> {
    // As `dpkg-ng NAME` it is not a path of that tool.
    let is_it = |path: &Vec<u8>| path.rsplit(|c| *c == b'/').next() == Some(name.as_bytes());
    executed_path()
        .filter(is_it)
        .unwrap_or_else(|| name.as_bytes().to_vec())
}

/// What `$(…)` keeps of an output.
pub fn substituted(mut output: &[u8]) -> Vec<u8> {
    while let [head @ .., b'\n'] = output {
        output = head;
    }
    output.to_vec()
}

/// What a shell makes of how a program ended.
pub fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// A program with these arguments in this environment.
pub fn command(env: &Env, program: &str, args: &[&[u8]]) -> Command {
    let mut command = Command::new(program);
    command.args(args.iter().map(|a| os(a)));
    env.apply(&mut command);
    command
}

fn not_found(program: &str, e: &io::Error) -> Exit {
    eprintln!("{program}: {e}");
    Exit(127)
}

/// Run a program; unless it exits with 0, so does the tool with its code (`set -e`).
pub fn run(env: &Env, program: &str, args: &[&[u8]]) -> Step {
    let status = command(env, program, args).status();
    match code(status.map_err(|e| not_found(program, &e))?) {
        0 => Ok(()),
        code => Err(Exit(code)),
    }
}

/// Run a program for its output; standard error goes there too where `both`.
pub fn output(env: &Env, program: &str, args: &[&[u8]], both: bool) -> Step<(i32, Vec<u8>)> {
    let mut command = command(env, program, args);
    command.stdin(Stdio::inherit());
    if !both {
        command.stderr(Stdio::inherit());
    }
    let Output {
        status,
        mut stdout,
        stderr,
    } = command.output().map_err(|e| not_found(program, &e))?;
    stdout.extend_from_slice(&stderr);
    Ok((code(status), stdout))
}

/// `$(… | PROGRAM)`: what a program makes of this input.
pub fn filter(env: &Env, program: &str, args: &[&[u8]], input: &[u8]) -> Step<Vec<u8>> {
    let mut command = command(env, program, args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|e| not_found(program, &e))?;
    let mut pipe = child.stdin.take();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // One that has read enough closes the pipe.
            let _ = pipe.take().map(|mut pipe| pipe.write_all(input));
        });
        let output = child.wait_with_output();
        let output = output.map_err(|e| not_found(program, &e))?;
        match code(output.status) {
            0 => Ok(substituted(&output.stdout)),
            code => Err(Exit(code)),
        }
    })
}
