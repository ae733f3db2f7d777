//! dpkg-trigger's option table (dpkg-trigger(1)), in stock's order.

use std::os::unix::ffi::OsStrExt;

use super::args::{Action, Settings};
use super::help;
use crate::cli::text::HELP_OPTIONS;
use crate::cli::{LONG, Opt};
use crate::completions::Outline;

type Row = Opt<Action, Settings>;

/// Every option of dpkg-trigger.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::action("check-supported", LONG, Action::CheckSupported),
    Row::action("help", '?', Action::Help),
    Row::action("version", LONG, Action::Version),
    Row::value("admindir", LONG, |s, _, _, v| Ok(s.dirs.set_admindir(v)?)),
    Row::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?)),
    Row::value("by-package", 'f', |s, _, _, v| { s.by_package = Some(v.as_bytes().to_vec()); Ok(()) }),
    Row::flag("await", LONG, |s, _| { s.wait = true; Ok(()) }),
    Row::flag("no-await", LONG, |s, _| { s.wait = false; Ok(()) }),
    Row::flag("no-act", LONG, |s, _| { s.act = false; Ok(()) }),
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
