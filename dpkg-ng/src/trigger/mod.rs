//! The tool `dpkg-trigger`: its command line and the choice of action.

mod args;
mod help;
pub mod options;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::admin::trigger::{self, Awaiter};
use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::error::Error;
use libdpkgng::msg;

use crate::cli::{Env, Parser, Process, Step, exactly};
use crate::receivers::Buffering;
use args::{Action, Settings};

/// Run dpkg-trigger; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-trigger", env, Buffering::Line);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, Settings::default());
    let args = parser.parse(process, args)?;
    let settings = parser.settings;
    let dirs = settings.dirs.clone().settle(process)?;
    match parser.action.map(|(action, _)| action) {
        Some(Action::Help) => Ok(help::print_usage(process)?),
        Some(Action::Version) => Ok(help::print_version(process)?),
        Some(Action::CheckSupported) => {
            if !args.is_empty() {
                let text = msg!("--%s takes no arguments", "check-supported");
                return Err(Error::usage(text).into());
            }
            Ok(trigger::check_supported(&dirs, &mut process.report)?)
        }
        None => {
            let Some([trigger]) = exactly(&args) else {
                let text = msg!("takes one argument, the trigger name");
                return Err(Error::usage(text).into());
            };
            let awaiter = awaiter(process, &settings)?;
            let arches = ArchTable::new(BUILD_ARCHITECTURE);
            trigger::activate(&dirs, arches, trigger.as_bytes(), &awaiter, settings.act)?;
            Ok(0)
        }
    }
}

/// Who awaits the processing: as the options say, or else the environment of a maintainer
/// script.
fn awaiter(process: &Process, settings: &Settings) -> Result<Awaiter, Error> {
    if !settings.wait {
        return Ok(Awaiter::Nobody);
    }
    match settings.by_package.as_deref() {
        Some(b"-") => return Ok(Awaiter::Nobody),
        Some(name) => return Ok(Awaiter::Package(name.to_vec())),
        None => {}
    }
    let variable = |name| process.env.get(name).map(|v| v.as_bytes().to_vec());
    let package = variable("DPKG_MAINTSCRIPT_PACKAGE");
    match (package, variable("DPKG_MAINTSCRIPT_ARCH")) {
        (Some(package), Some(arch)) => Ok(Awaiter::Script(package, arch)),
        _ => Err(Error::usage(msg!(
            "must be called from a maintainer script (or with a --by-package option)"
        ))),
    }
}
