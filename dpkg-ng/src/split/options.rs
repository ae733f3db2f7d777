//! dpkg-split's option table (dpkg-split(1)), in stock's order.

use std::os::unix::ffi::OsStrExt as _;

use crate::cli::text::HELP_OPTIONS;
use crate::completions::Outline;
use libdpkgng::archive::split::PartSize;

use super::args::{Action, Settings};
use super::help;
use crate::cli::{Effect, Opt};

type Row = Opt<Action, Settings>;

const fn action(long: &'static str, short: char, action: Action) -> Row {
    Opt::new(long, short, Effect::Action(action))
}

/// No short name.
const LONG: char = '\0';

/// Every option of dpkg-split.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    action("split", 's', Action::Split),
    action("join", 'j', Action::Join),
    action("info", 'I', Action::Info),
    action("auto", 'a', Action::Auto),
    action("listq", 'l', Action::Listq),
    action("discard", 'd', Action::Discard),
    action("help", '?', Action::Help),
    action("version", LONG, Action::Version),
    Opt::new("admindir", LONG, Effect::Value(|s, _, _, v| Ok(s.dirs.set_admindir(v)?))),
    Opt::new("root", LONG, Effect::Value(|s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?))),
    Opt::new("depotdir", LONG, Effect::Value(|s, _, _, v| { s.depotdir = Some(v.into()); Ok(()) })),
    Opt::new("partsize", 'S', Effect::Value(|s, _, name, v| { s.part_size = PartSize::parse(name.long(), v.as_bytes())?; Ok(()) })),
    Opt::new("output", 'o', Effect::Value(|s, _, _, v| { s.output = Some(v.into()); Ok(()) })),
    Opt::new("npquiet", 'Q', Effect::Flag(|s, _| { s.npquiet = true; Ok(()) })),
    Opt::new("msdos", LONG, Effect::Flag(|s, _| { s.msdos = true; Ok(()) })),
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
