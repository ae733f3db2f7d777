//! dpkg-query's option table (dpkg-query(1)), in stock's order.

use super::args::{Action, Settings};
use super::help;
use crate::cli::text::HELP_OPTIONS;
use crate::cli::{LONG, Opt};
use crate::completions::Outline;

type Row = Opt<Action, Settings>;

/// Every option of dpkg-query.
#[rustfmt::skip]
pub static OPTIONS: &[Row] = &[
    Row::action("listfiles", 'L', Action::Listfiles),
    Row::action("status", 's', Action::Status),
    Row::action("print-avail", 'p', Action::PrintAvail),
    Row::action("list", 'l', Action::List),
    Row::action("search", 'S', Action::Search),
    Row::action("show", 'W', Action::Show),
    Row::action("control-path", 'c', Action::ControlPath),
    Row::action("control-list", LONG, Action::ControlList),
    Row::action("control-show", LONG, Action::ControlShow),
    Row::action("help", '?', Action::Help),
    Row::action("version", LONG, Action::Version),
    Row::value("admindir", LONG, |s, _, _, v| Ok(s.dirs.set_admindir(v)?)),
    Row::value("root", LONG, |s, p, _, v| Ok(s.dirs.set_root(&p.env, v)?)),
    Row::flag("load-avail", LONG, |s, _| { s.load_avail = true; Ok(()) }),
    Row::value("showformat", 'f', |s, _, _, v| { s.showformat = v.to_owned(); Ok(()) }),
    Row::flag("no-pager", LONG, |s, _| { s.pager = false; Ok(()) }),
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
