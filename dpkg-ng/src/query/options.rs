//! dpkg-query's option table (dpkg-query(1)), in stock's order.

use super::args::{Action, Settings};
use crate::cli::{Effect, Opt};

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

#[cfg(test)]
mod tests {
    use super::super::help;
    use super::*;
    use crate::cli::{table, text};

    /// Help and table are two views of one thing: what the help promises, the table has.
    #[test]
    fn every_option_in_the_help_is_in_the_table() {
        for block in [help::COMMANDS, help::OPTIONS] {
            for word in text::options_in(block) {
                assert!(table::knows(OPTIONS, &word), "--{word}");
            }
        }
    }

    #[test]
    fn names_are_unique() {
        for (i, row) in OPTIONS.iter().enumerate() {
            for other in &OPTIONS[..i] {
                assert!(row.name.long.is_none() || row.name.long != other.name.long);
                assert!(row.name.short.is_none() || row.name.short != other.name.short);
            }
        }
    }

    /// The parity table has a row for every option and every force thing, and no other.
    #[test]
    fn parity_has_every_option() {
        crate::parity::expect_options("dpkg-query", OPTIONS);
    }
}
