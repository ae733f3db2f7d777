//! dpkg-deb's option table (dpkg-deb(1)), in stock's order.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::cli::text::HELP_OPTIONS;
use crate::completions::Outline;
use libdpkgng::archive::compress::{Compressor, Strategy};
use libdpkgng::archive::deb::DebVersion;
use libdpkgng::error::Error;
use libdpkgng::msg;

use super::args::{Action, Settings};
use super::help;
use crate::cli::{Effect, Name, Opt, Process, Step, parse_int};

type Row = Opt<Action, Settings>;

const fn action(long: &'static str, short: char, action: Action) -> Row {
    Opt::new(long, short, Effect::Action(action))
}
const fn flag(
    long: &'static str,
    short: char,
    set: fn(&mut Settings, &mut Process) -> Step,
) -> Row {
    Opt::new(long, short, Effect::Flag(set))
}
const fn value(
    long: &'static str,
    short: char,
    set: fn(&mut Settings, &mut Process, Name, &OsStr) -> Step,
) -> Row {
    Opt::new(long, short, Effect::Value(set))
}

/// No short name.
const LONG: char = '\0';

/// Every option of dpkg-deb.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    action("build", 'b', Action::Build),
    action("contents", 'c', Action::Contents),
    action("control", 'e', Action::Control),
    action("info", 'I', Action::Info),
    action("field", 'f', Action::Field),
    action("extract", 'x', Action::Extract),
    action("vextract", 'X', Action::Vextract),
    action("raw-extract", 'R', Action::RawExtract),
    action("ctrl-tarfile", LONG, Action::CtrlTarfile),
    action("fsys-tarfile", LONG, Action::FsysTarfile),
    action("show", 'W', Action::Show),
    action("help", '?', Action::Help),
    action("version", LONG, Action::Version),
    value("deb-format", LONG, set_deb_format),
    // Accepted, as by stock, which has nothing to say to it.
    flag("debug", 'D', |_, _| Ok(())),
    flag("verbose", 'v', |s, _| { s.verbose = true; Ok(()) }),
    flag("nocheck", LONG, |s, _| { s.check = false; Ok(()) }),
    flag("no-check", LONG, |s, _| { s.check = false; Ok(()) }),
    flag("root-owner-group", LONG, |s, _| { s.root_owner_group = true; Ok(()) }),
    value("threads-max", LONG, |s, _, name, v| { s.params.threads_max = parse_int(name, v)?; Ok(()) }),
    flag("uniform-compression", LONG, |s, _| { s.uniform_compression = true; Ok(()) }),
    flag("no-uniform-compression", LONG, |s, _| { s.uniform_compression = false; Ok(()) }),
    value("compression", 'Z', |s, _, _, v| { s.params.compressor = compressor(v)?; Ok(()) }),
    value("compression-level", 'z', |s, _, name, v| { s.params.level = parse_int(name, v)?; Ok(()) }),
    value("compression-strategy", 'S', set_strategy),
    value("showformat", LONG, |s, _, _, v| { s.showformat = v.to_owned(); Ok(()) }),
];

fn set_deb_format(settings: &mut Settings, _: &mut Process, _: Name, value: &OsStr) -> Step {
    let version = DebVersion::parse(value.as_bytes())
        .map_err(|problem| Error::usage(msg!("invalid deb format version: %s", problem)))?;
    if version != DebVersion::CURRENT && version != DebVersion::OLD {
        return Err(Error::usage(msg!("unknown deb format version: %s", value)).into());
    }
    settings.format = version;
    Ok(())
}

fn set_strategy(settings: &mut Settings, _: &mut Process, _: Name, value: &OsStr) -> Step {
    settings.params.strategy = Strategy::from_name(value.as_bytes())
        .ok_or_else(|| Error::usage(msg!("unknown compression strategy '%s'!", value)))?;
    Ok(())
}

/// A compressor that archives may be built with.
///
/// # Errors
/// A usage error for an unknown or obsolete one.
pub fn compressor(value: &OsStr) -> Result<Compressor, Error> {
    match Compressor::from_name(value.as_bytes()) {
        None => Err(Error::usage(msg!("unknown compression type '%s'!", value))),
        Some(Compressor::Lzma) => Err(Error::usage(msg!(
            "obsolete compression type '%s'; use xz instead",
            value
        ))),
        Some(Compressor::Bzip2) => Err(Error::usage(msg!(
            "obsolete compression type '%s'; use xz or gzip instead",
            value
        ))),
        Some(compressor) => Ok(compressor),
    }
}

/// What completions are made from.
pub fn outline() -> Outline {
    Outline::of(OPTIONS, &[help::COMMANDS, help::OPTIONS, HELP_OPTIONS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        crate::parity::expect_consistent("dpkg-deb", OPTIONS, &[help::COMMANDS, help::OPTIONS]);
    }
}
