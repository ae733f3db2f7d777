//! dpkg-query's option table (dpkg-query(1)), in stock's order.

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

/// Every option of dpkg-query.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    action("listfiles", 'L', Action::Listfiles),
    action("status", 's', Action::Status),
    action("print-avail", 'p', Action::PrintAvail),
    action("list", 'l', Action::List),
    action("search", 'S', Action::Search),
    action("show", 'W', Action::Show),
    action("control-path", 'c', Action::ControlPath),
    action("control-list", LONG, Action::ControlList),
    action("control-show", LONG, Action::ControlShow),
    action("help", '?', Action::Help),
    action("version", LONG, Action::Version),
    Opt::new("admindir", LONG, Effect::Value(|s, _, _, v| Ok(s.dirs.set_admindir(v)?))),
    Opt::new("root", LONG, Effect::Value(|s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?))),
    Opt::new("load-avail", LONG, Effect::Flag(|s, _| { s.load_avail = true; Ok(()) })),
    Opt::new("showformat", 'f', Effect::Value(|s, _, _, v| { s.showformat = v.to_owned(); Ok(()) })),
    Opt::new("no-pager", LONG, Effect::Flag(|s, _| { s.pager = false; Ok(()) })),
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
        crate::parity::expect_consistent("dpkg-query", OPTIONS, &[help::COMMANDS, help::OPTIONS]);
    }
}
