//! The tool `dpkg-statoverride`: its command line and the choice of action.

mod args;
mod help;
pub mod options;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use libdpkgng::admin::statoverride::{self, Options};
use libdpkgng::arch::{ArchTable, BUILD_ARCHITECTURE};
use libdpkgng::db::Database;
use libdpkgng::error::Error;
use libdpkgng::force::{Force, Known};
use libdpkgng::msg;
use libdpkgng::pkg::Bytes;

use crate::cli::{Env, Parser, Process, Step, exactly, force, need_action};
use crate::receivers::Buffering;
use args::{Action, Settings};

/// The things this tool can be forced to.
const KNOWN: Known = Known::only(&[
    Force::NonRoot,
    Force::SecurityMac,
    Force::StatoverrideAdd,
    Force::StatoverrideDel,
]);

/// Run dpkg-statoverride; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-statoverride", env, Buffering::Line);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    let settings = Settings::new(force::initial(process, KNOWN)?);
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, settings);
    let args = parser.parse(process, args)?;
    let Settings {
        dirs,
        force,
        update,
        quiet,
    } = parser.settings;
    let dirs = dirs.settle(process)?;
    let (action, name) = need_action(parser.action)?;

    let mut db = Database::new(dirs, ArchTable::new(BUILD_ARCHITECTURE));
    let variable = |name| process.env.get(name).map(|v| Bytes::from(v.as_bytes()));
    db.sysusers.passwd = variable("DPKG_PATH_PASSWD");
    db.sysusers.group = variable("DPKG_PATH_GROUP");
    let options = Options {
        update,
        quiet,
        force,
    };
    let words: Vec<&[u8]> = args.iter().map(|a| a.as_bytes()).collect();
    Ok(match action {
        Action::Help => help::print_usage(process)?,
        Action::Version => help::print_version(process)?,
        Action::Add => {
            let Ok(words) = <[&[u8]; 4]>::try_from(words) else {
                return Err(Error::usage(msg!("--%s needs four arguments", name.long())).into());
            };
            if words[3].contains(&b'\n') {
                return Err(Error::usage(msg!("path may not contain newlines")).into());
            }
            statoverride::add(&mut db, words, &options, &mut process.report)?
        }
        Action::Remove => {
            let Some([path]) = exactly(&args) else {
                return Err(Error::usage(msg!("--%s needs a single argument", "remove")).into());
            };
            statoverride::remove(&mut db, path.as_bytes(), &options, &mut process.report)?
        }
        Action::List => statoverride::list(&mut db, &words, &options, &mut process.report)?,
    })
}
