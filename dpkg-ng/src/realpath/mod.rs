//! The tool `dpkg-realpath`: a path as the system below the root resolves it.

mod help;
pub mod options;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use libdpkgng::error::{Error, OrFail};
use libdpkgng::msg;
use libdpkgng::report::{Event, Reporter};
use libdpkgng::sys::realpath;

use crate::cli::{Env, Parser, Process, Step};
use crate::receivers::Buffering;
use options::Settings;

/// Run dpkg-realpath; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-realpath", env, Buffering::Line);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, Settings::default());
    let args = parser.parse(process, args)?;
    let Settings { dirs, end } = parser.settings;
    let dirs = dirs.settle(process)?;

    let path = args.first().map(|path| path.as_bytes()).unwrap_or_default();
    if path.is_empty() {
        return Err(Error::usage(msg!("need a pathname argument")).into());
    }
    let root = dirs.instdir.as_os_str().as_bytes();
    if !root.is_empty() && path.starts_with(root) {
        let text = msg!("link '%s' includes root prefix '%s'", path, root);
        return Err(Error::usage(text).into());
    }
    let cwd = match path.first() {
        Some(b'/') => Vec::new(),
        _ => std::env::current_dir()
            .or_fail(|| msg!("cannot get the current directory"))?
            .into_os_string()
            .into_vec(),
    };
    let mut real = realpath::below(root, path, &cwd)?;
    real.push(end);
    process.report.event(&Event::Data(&real));
    Ok(0)
}
