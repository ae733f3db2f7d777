//! The tool `dpkg-divert`: its command line and the choice of action.

mod args;
mod help;
pub mod options;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::admin::divert::{self, Request, Whose};
use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::db::Database;
use libdpkgng::error::Error;
use libdpkgng::msg;

use crate::cli::{Env, Name, Parser, Process, Step, exactly};
use crate::receivers::Buffering;
use args::{Action, Settings};

/// Run dpkg-divert; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-divert", env, Buffering::Line);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

/// What is done without a command.
const DEFAULT: (Action, Name) = (
    Action::Add,
    Name {
        long: Some("add"),
        short: None,
    },
);

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, Settings::default());
    let args = parser.parse(process, args)?;
    let mut settings = parser.settings;
    let dirs = settings.dirs.clone().settle(process)?;
    if settings.whose == Whose::Any
        && let Some(package) = process.env.get("DPKG_MAINTSCRIPT_PACKAGE")
    {
        settings.whose = options::package(package)?;
    }
    let (action, name) = parser.action.unwrap_or(DEFAULT);

    let mut db = Database::new(dirs, ArchTable::new(BUILD_ARCHITECTURE));
    let code = match action {
        Action::Help => help::print_usage(process)?,
        Action::Version => help::print_version(process)?,
        Action::Add => {
            let request = request(process, &args, name, settings)?;
            divert::add(&mut db, request, &mut process.report)?
        }
        Action::Remove => {
            let request = request(process, &args, name, settings)?;
            divert::remove(&mut db, &request, &mut process.report)?
        }
        Action::List => {
            let patterns: Vec<&[u8]> = args.iter().map(|a| a.as_bytes()).collect();
            divert::list(&mut db, &patterns, &mut process.report)?
        }
        Action::Listpackage => {
            let file = file(&args, name)?;
            divert::listpackage(&mut db, file, &mut process.report)?
        }
        Action::Truename => {
            let file = file(&args, name)?;
            divert::truename(&mut db, file, &mut process.report)?
        }
    };
    // The process is about to end: giving back the memory piece by piece is of no use.
    std::mem::forget(db);
    Ok(code)
}

/// The one argument, a path.
fn file(args: &[OsString], name: Name) -> Result<&[u8], Error> {
    let [file] = exactly(args)
        .ok_or_else(|| Error::usage(msg!("--%s needs a single argument", name.long())))?;
    let file = file.as_bytes();
    if file.first() != Some(&b'/') {
        return Err(Error::usage(msg!("filename \"%s\" is not absolute", file)));
    }
    if file.contains(&b'\n') {
        return Err(Error::usage(msg!("file may not contain newlines")));
    }
    Ok(file)
}

/// What `--add` or `--remove` is asked for.
fn request(
    process: &mut Process,
    args: &[OsString],
    name: Name,
    settings: Settings,
) -> Result<Request, Error> {
    let rename = settings.rename.unwrap_or_else(|| {
        process.report.warning(msg!(
            "please specify --no-rename explicitly, the default will change to --rename in 1.20.x"
        ));
        false
    });
    let script_arch = process.env.get("DPKG_MAINTSCRIPT_ARCH");
    Ok(Request {
        file: file(args, name)?.to_vec(),
        divert_to: settings.divert_to,
        whose: settings.whose,
        rename,
        act: settings.act,
        quiet: settings.quiet,
        script_arch: script_arch.map(|arch| arch.as_bytes().to_vec()),
    })
}
