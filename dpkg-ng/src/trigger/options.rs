//! dpkg-trigger's option table (dpkg-trigger(1)), in stock's order.

use std::os::unix::ffi::OsStrExt;

use super::args::{Action, Settings};
use super::help;
use crate::cli::text::HELP_OPTIONS;
use crate::cli::{Effect, Opt};
use crate::completions::Outline;

type Row = Opt<Action, Settings>;

const fn action(long: &'static str, short: char, action: Action) -> Row {
    Opt::new(long, short, Effect::Action(action))
}

/// No short name.
const LONG: char = '\0';

/// Every option of dpkg-trigger.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    action("check-supported", LONG, Action::CheckSupported),
    action("help", '?', Action::Help),
    action("version", LONG, Action::Version),
    Opt::new("admindir", LONG, Effect::Value(|s, _, _, v| Ok(s.dirs.set_admindir(v)?))),
    Opt::new("root", LONG, Effect::Value(|s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?))),
    Opt::new("by-package", 'f', Effect::Value(|s, _, _, v| { s.by_package = Some(v.as_bytes().to_vec()); Ok(()) })),
    Opt::new("await", LONG, Effect::Flag(|s, _| { s.wait = true; Ok(()) })),
    Opt::new("no-await", LONG, Effect::Flag(|s, _| { s.wait = false; Ok(()) })),
    Opt::new("no-act", LONG, Effect::Flag(|s, _| { s.act = false; Ok(()) })),
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
        crate::parity::expect_consistent("dpkg-trigger", OPTIONS, &[help::COMMANDS, help::OPTIONS]);
    }
}
