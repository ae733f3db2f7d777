//! dpkg-split's option table (dpkg-split(1)), in stock's order.

use std::os::unix::ffi::OsStrExt as _;

use crate::cli::text::HELP_OPTIONS;
use crate::completions::Outline;
use libdpkgng::archive::split::PartSize;

use super::args::{Action, Settings};
use super::help;
use crate::cli::{LONG, Opt};

type Row = Opt<Action, Settings>;

/// Every option of dpkg-split.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::action("split", 's', Action::Split),
    Row::action("join", 'j', Action::Join),
    Row::action("info", 'I', Action::Info),
    Row::action("auto", 'a', Action::Auto),
    Row::action("listq", 'l', Action::Listq),
    Row::action("discard", 'd', Action::Discard),
    Row::action("help", '?', Action::Help),
    Row::action("version", LONG, Action::Version),
    Row::value("admindir", LONG, |s, _, _, v| Ok(s.dirs.set_admindir(v)?)),
    Row::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?)),
    Row::value("depotdir", LONG, |s, _, _, v| { s.depotdir = Some(v.into()); Ok(()) }),
    Row::value("partsize", 'S', |s, _, name, v| { s.part_size = PartSize::parse(name.long(), v.as_bytes())?; Ok(()) }),
    Row::value("output", 'o', |s, _, _, v| { s.output = Some(v.into()); Ok(()) }),
    Row::flag("npquiet", 'Q', |s, _| { s.npquiet = true; Ok(()) }),
    Row::flag("msdos", LONG, |s, _| { s.msdos = true; Ok(()) }),
];

/// What completions are made from.
pub fn outline() -> Outline {
    Outline::of(OPTIONS, &[help::COMMANDS, help::OPTIONS, HELP_OPTIONS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_help_and_parity_agree() {
        crate::parity::expect_consistent("dpkg-split", OPTIONS, &[help::COMMANDS, help::OPTIONS]);
    }
}
