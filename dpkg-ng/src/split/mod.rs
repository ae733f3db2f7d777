//! The tool `dpkg-split`: its command line and the choice of action.

pub mod args;
mod cut;
mod help;
pub mod options;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use libdpkgng::archive::split::{self, Auto, Depot, PartInfo};
use libdpkgng::error::Error;
use libdpkgng::msg;

use crate::cli::{Env, Parser, Process, Step, need_action};
use crate::receivers::Buffering;
use args::{Action, Settings, SplitArgs};

/// Where parts wait, below the database directory.
const DEPOT: &str = "parts";

/// Run dpkg-split; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-split", env, Buffering::Line);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

fn parse(process: &mut Process, args: &[OsString]) -> Step<SplitArgs> {
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, Settings::default());
    let args = parser.parse(process, args)?;
    let settings = parser.settings;
    let dirs = settings.dirs.clone().settle(process)?;
    let (action, name) = need_action(parser.action)?;
    let depot = settings.depotdir.clone();
    Ok(SplitArgs {
        action,
        name,
        settings,
        args,
        depot: depot.unwrap_or_else(|| {
            let depot = dirs.admin(DEPOT);
            depot.follow().unwrap_or(depot).host_path()
        }),
    })
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    let args = parse(process, args)?;
    let code = match args.action {
        Action::Help => help::print_usage(process)?,
        Action::Version => help::print_version(process)?,
        Action::Split => cut::split(process, &args)?,
        Action::Join => join(process, &args)?,
        Action::Info => info(process, &args)?,
        Action::Auto => auto(process, &args)?,
        Action::Listq => listq(process, &args)?,
        Action::Discard => discard(process, &args)?,
    };
    process.check_stderr()?;
    Ok(code)
}

fn demand_parts(args: &SplitArgs) -> Step {
    if args.args.is_empty() {
        let text = msg!("--%s requires one or more part file arguments", args.verb());
        return Err(Error::usage(text).into());
    }
    Ok(())
}

/// `--join`
fn join(process: &mut Process, args: &SplitArgs) -> Step<i32> {
    demand_parts(args)?;
    let parts: Vec<PathBuf> = args.args.iter().map(PathBuf::from).collect();
    split::join(&parts, args.settings.output.as_deref(), &mut process.report)?;
    Ok(0)
}

/// `--info`
fn info(process: &mut Process, args: &SplitArgs) -> Step<i32> {
    demand_parts(args)?;
    for part in &args.args {
        let text = match PartInfo::read(Path::new(part))? {
            Some(info) => info.describe(),
            None => msg!("file '%s' is not an archive part\n", part),
        };
        process.report.output(text);
        process.flush_output()?;
    }
    Ok(0)
}

/// `--auto`
fn auto(process: &mut Process, args: &SplitArgs) -> Step<i32> {
    let Some(output) = &args.settings.output else {
        let text = msg!("--auto requires the use of the --output option");
        return Err(Error::usage(text).into());
    };
    let [part] = args.args.as_slice() else {
        let text = msg!("--auto requires exactly one part file argument");
        return Err(Error::usage(text).into());
    };
    let depot = Depot::new(&args.depot);
    match depot.auto(Path::new(part), output, &mut process.report)? {
        Auto::Done => Ok(0),
        Auto::NotAPart => {
            if !args.settings.npquiet {
                process.report.output(msg!(
                    "File '%.250s' is not part of a multipart archive.\n",
                    part
                ));
            }
            process.flush_output()?;
            Ok(1)
        }
    }
}

/// `--listq`
fn listq(process: &mut Process, args: &SplitArgs) -> Step<i32> {
    if !args.args.is_empty() {
        return Err(Error::usage(msg!("--%s takes no arguments", args.verb())).into());
    }
    Depot::new(&args.depot).list(&mut process.report)?;
    process.flush_output()?;
    Ok(0)
}

/// `--discard`
fn discard(process: &mut Process, args: &SplitArgs) -> Step<i32> {
    let packages: Vec<&[u8]> = args.args.iter().map(|a| a.as_bytes()).collect();
    Depot::new(&args.depot).discard(&packages, &mut process.report)?;
    Ok(0)
}
