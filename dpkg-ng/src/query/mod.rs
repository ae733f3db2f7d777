//! The tool `dpkg-query`: its command line and the choice of action.

pub mod args;
mod help;
mod options;

use std::ffi::OsString;

use libdpkgng::error::Error;
use libdpkgng::report::debug;
use libdpkgng::{err, msg};

use crate::cli::{Env, Parser, Process, Step};
use crate::receivers::Buffering;
use args::{Action, QueryArgs, Settings};

/// Run dpkg-query; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-query", env, Buffering::Full);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

fn parse(process: &mut Process, args: &[OsString]) -> Step<QueryArgs> {
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, Settings::default());
    let args = parser.parse(process, args)?;
    let settings = parser.settings;
    let dirs = settings.dirs.clone().settle(&process.env)?;
    process.report.debug(debug::GENERAL, || {
        msg!("root=%s admindir=%s", &dirs.instdir, &dirs.admindir)
    });
    let Some((action, name)) = parser.action else {
        return Err(Error::usage(msg!("need an action option")).into());
    };
    Ok(QueryArgs {
        action,
        name,
        settings,
        args,
        dirs,
    })
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    let args = parse(process, args)?;
    match args.action {
        Action::Help => Ok(help::print_usage(process)?),
        Action::Version => Ok(help::print_version(process)?),
        _ => Err(missing(args.verb()).into()),
    }
}

/// An action whose library function is not there yet says so instead of pretending.
fn missing(verb: &str) -> Error {
    err!("--%s is not part of this build of dpkg-ng", verb)
}
