//! The tool `dpkg-deb`: its command line and the choice of action.

pub mod args;
mod build;
mod extract;
mod fields;
pub mod help;
mod info;
pub mod options;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use libdpkgng::archive::compress::{Compressor, Params};
use libdpkgng::error::Error;
use libdpkgng::msg;

use crate::cli::{Env, Parser, Process, Step, need_action, strtol};
use crate::receivers::Buffering;
use args::{Action, DebArgs, Settings};

/// Run dpkg-deb; `args` are without the program's name.
pub fn main(env: Env, args: &[OsString]) -> i32 {
    let mut process = Process::start("dpkg-deb", env, Buffering::Line);
    let outcome = run(&mut process, args);
    process.finish(outcome)
}

/// The environment's compressor and threads come before the command line's.
fn settings_from_environment(env: &Env) -> Result<Settings, Error> {
    let mut settings = Settings::default();
    // Unlike options, what is no number here counts as 0.
    let number = |text: &OsStr| strtol(text.as_bytes(), 10).unwrap_or(0) as i32;
    if let Some(threads) = env.get_nonempty("DPKG_DEB_THREADS_MAX") {
        settings.params.threads_max = number(threads);
    }
    if let Some(name) = env.get_nonempty("DPKG_DEB_COMPRESSOR_TYPE") {
        settings.params.compressor = options::compressor(name)?;
    }
    if let Some(level) = env.get_nonempty("DPKG_DEB_COMPRESSOR_LEVEL") {
        settings.params.level = number(level);
    }
    Ok(settings)
}

fn parse(process: &mut Process, args: &[OsString]) -> Step<DebArgs> {
    let settings = settings_from_environment(&process.env)?;
    process.set_help_hint(help::HINT);
    let mut parser = Parser::new(options::OPTIONS, settings);
    let args = parser.parse(process, args)?;
    let mut settings = parser.settings;
    let (action, name) = need_action(parser.action)?;
    if settings.format.major == 0 {
        if !settings.uniform_compression {
            return Err(Error::usage(msg!(
                "unsupported deb format '%d.%d' with non-uniform compression",
                settings.format.major,
                settings.format.minor
            ))
            .into());
        }
        settings.params = Params::new(Compressor::Gzip);
    }
    settings
        .params
        .check()
        .map_err(|e| Error::usage(msg!("invalid compressor parameters: %s", e.msg)))?;
    Ok(DebArgs {
        action,
        name,
        settings,
        args,
    })
}

fn run(process: &mut Process, args: &[OsString]) -> Step<i32> {
    let args = parse(process, args)?;
    match args.action {
        Action::Help => Ok(help::print_usage(process)?),
        Action::Version => Ok(help::print_version(process)?),
        Action::Contents => extract::contents(process, &args),
        Action::Control => extract::control(process, &args),
        Action::Extract => extract::extract(process, &args, args.settings.verbose),
        Action::Vextract => extract::extract(process, &args, true),
        Action::RawExtract => extract::raw_extract(process, &args),
        Action::CtrlTarfile | Action::FsysTarfile => extract::tarfile(process, &args),
        Action::Info => info::info(process, &args),
        Action::Field if args.args.len() == 1 => info::control_file(process, &args),
        Action::Build => build::build(process, &args),
        Action::Field => fields::fields(process, &args),
        Action::Show => fields::show(process, &args),
    }
}
