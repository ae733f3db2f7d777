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
use crate::cli::{LONG, Name, Opt, Process, Step, parse_int};

type Row = Opt<Action, Settings>;

/// Every option of dpkg-deb.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::action("build", 'b', Action::Build),
    Row::action("contents", 'c', Action::Contents),
    Row::action("control", 'e', Action::Control),
    Row::action("info", 'I', Action::Info),
    Row::action("field", 'f', Action::Field),
    Row::action("extract", 'x', Action::Extract),
    Row::action("vextract", 'X', Action::Vextract),
    Row::action("raw-extract", 'R', Action::RawExtract),
    Row::action("ctrl-tarfile", LONG, Action::CtrlTarfile),
    Row::action("fsys-tarfile", LONG, Action::FsysTarfile),
    Row::action("show", 'W', Action::Show),
    Row::action("help", '?', Action::Help),
    Row::action("version", LONG, Action::Version),
    Row::value("deb-format", LONG, set_deb_format),
    // Accepted, as by stock, which has nothing to say to it.
    Row::flag("debug", 'D', |_, _| Ok(())),
    Row::flag("verbose", 'v', |s, _| { s.verbose = true; Ok(()) }),
    Row::flag("nocheck", LONG, |s, _| { s.check = false; Ok(()) }),
    Row::flag("no-check", LONG, |s, _| { s.check = false; Ok(()) }),
    Row::flag("root-owner-group", LONG, |s, _| { s.root_owner_group = true; Ok(()) }),
    Row::value("threads-max", LONG, |s, _, name, v| { s.params.threads_max = parse_int(name, v)?; Ok(()) }),
    Row::flag("uniform-compression", LONG, |s, _| { s.uniform_compression = true; Ok(()) }),
    Row::flag("no-uniform-compression", LONG, |s, _| { s.uniform_compression = false; Ok(()) }),
    Row::value("compression", 'Z', |s, _, _, v| { s.params.compressor = compressor(v)?; Ok(()) }),
    Row::value("compression-level", 'z', |s, _, name, v| { s.params.level = parse_int(name, v)?; Ok(()) }),
    Row::value("compression-strategy", 'S', set_strategy),
    Row::value("showformat", LONG, |s, _, _, v| { s.showformat = v.to_owned(); Ok(()) }),
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
