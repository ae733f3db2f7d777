//! `dpkg-ng --parity`: how far this is stock dpkg, as data.

use std::ffi::OsString;

use crate::cli::{Env, Process};

/// One row per command, option, force thing, field, status-fd line and environment variable:
/// kind, name, status (`same`, `deviation`, `missing`), note; tab-separated.
const TABLE: &str = include_str!("../../compat-tests/parity.tsv");

/// Print the table.
pub fn main(env: Env, _: &[OsString]) -> i32 {
    Process::print(env, TABLE.as_bytes())
}

/// Fail unless a tool's option table is consistent: no name twice (but `--word` beside
/// `--word-VALUE`), every option that the help promises is there, and the parity table has a row
/// for each option and no other.
#[cfg(test)]
pub fn expect_consistent<A, S>(tool: &str, rows: &[crate::cli::Opt<A, S>], help: &[&str]) {
    for (i, row) in rows.iter().enumerate() {
        for other in &rows[..i] {
            let forms = row.takes_suffix() == other.takes_suffix();
            assert!(row.name.long.is_none() || !forms || row.name.long != other.name.long);
            assert!(row.name.short.is_none() || row.name.short != other.name.short);
        }
    }
    for word in help.iter().flat_map(|b| crate::cli::text::options_in(b)) {
        assert!(crate::cli::table::knows(rows, &word), "--{word}");
    }
    expect_options(tool, rows.iter().map(|row| row.name));
}

/// Fail unless the parity table has a row for each of these options of a tool, and no other.
#[cfg(test)]
pub fn expect_options(tool: &str, names: impl Iterator<Item = crate::cli::Name>) {
    let expected = names
        .map(|name| match (name.long, name.short) {
            (Some(long), _) => format!("{tool} --{long}"),
            (None, short) => format!("{tool} -{}", char::from(short.unwrap_or(b' '))),
        })
        .collect();
    expect_rows(tool, expected);
}

/// The same for a tool whose options are whole words alone.
#[cfg(test)]
pub fn expect_names(tool: &str, names: &[&str], help: &[&str]) {
    for (i, name) in names.iter().enumerate() {
        assert!(!names[..i].contains(name), "{name}");
    }
    for word in help.iter().flat_map(|b| crate::cli::text::options_in(b)) {
        assert!(names.contains(&word.as_str()), "--{word}");
    }
    let expected = names.iter().map(|n| format!("{tool} --{n}")).collect();
    expect_rows(tool, expected);
}

/// Fail unless the parity table has these rows for a tool and no others.
#[cfg(test)]
fn expect_rows(tool: &str, mut expected: Vec<String>) {
    let mut listed: Vec<String> = column(&["command", "option"])
        .filter(|name| name.split(' ').next() == Some(tool))
        .map(str::to_owned)
        .collect();
    expected.sort();
    listed.sort();
    assert_eq!(listed, expected);
}

/// The names of these kinds.
#[cfg(test)]
fn column<'a>(kinds: &'a [&str]) -> impl Iterator<Item = &'static str> + 'a {
    TABLE.lines().skip(1).filter_map(|line| {
        let mut cells = line.split('\t');
        let kind = cells.next()?;
        let name = cells.next()?;
        kinds.contains(&kind).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use libdpkgng::control;

    #[test]
    fn each_row_is_whole_and_there_once() {
        let mut seen = BTreeSet::new();
        for line in TABLE.lines().skip(1) {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(cells.len(), 4, "{line}");
            assert!(
                ["same", "deviation", "missing"].contains(&cells[2]),
                "{line}"
            );
            assert!(cells[2] == "same" || !cells[3].is_empty(), "{line}");
            // An option may have a form with a value and one without.
            assert!(
                cells[0] == "option" || seen.insert((cells[0], cells[1])),
                "{line}"
            );
        }
    }

    #[test]
    fn every_force_thing_has_a_row() {
        let listed: Vec<&str> = column(&["force"]).collect();
        let expected: Vec<&str> = libdpkgng::force::THINGS.iter().map(|t| t.name).collect();
        assert_eq!(listed, expected);
    }

    #[test]
    fn every_field_has_a_row() {
        let listed: Vec<&str> = column(&["field"]).collect();
        assert!(
            listed
                .iter()
                .all(|n| control::field(n.as_bytes()).is_some())
        );
        assert_eq!(listed.len(), control::FIELD_COUNT);
    }
}
