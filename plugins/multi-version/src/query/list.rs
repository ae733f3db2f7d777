//! `--list [PATTERN…]`: dpkg's table, with who asked for a package and the slot it is in.

use std::fmt::Write;

use super::{Answer, Asked, Done, glob, synopsis};
use crate::manifest::{Member, State};
use crate::output::{Json, Out};

/// Above the table: dpkg's.
const LEGEND: &str = "\
Desired=Unknown/Install/Remove/Purge/Hold
| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend
|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)
";

const TITLES: [&str; 6] = [
    "Name",
    "Version",
    "Architecture",
    "Reason",
    "Slot",
    "Description",
];

/// dpkg's widths, as far as it has the columns.
const WIDTHS: [usize; 6] = [14, 12, 12, 6, 4, 33];

struct Row {
    flags: &'static str,
    cells: [String; 6],
    json: Json,
}

/// Print the packages that match a pattern (a name with an architecture and a version, if it has them, or a shell
/// pattern for names); all, if there is none.
pub fn list(asked: &Asked<'_>, patterns: &[String], out: &mut Out<'_>) -> Done {
    let mut answer = Answer::default();
    let mut missed: Vec<&String> = patterns.iter().collect();
    let mut rows = Vec::new();
    for member in asked.members() {
        let fits = patterns.iter().filter(|p| matches(p, member));
        let fits: Vec<&String> = fits.collect();
        if !patterns.is_empty() && fits.is_empty() {
            continue;
        }
        missed.retain(|p| !fits.contains(p));
        rows.push(row(asked, member)?);
    }
    if out.json {
        out.value(&Json::list(rows.into_iter().map(|r| r.json)))?;
    } else if !rows.is_empty() {
        print(&rows, out)?;
    }
    for pattern in missed {
        answer.missed(format!("no packages found matching {pattern}"));
    }
    Ok(answer)
}

fn matches(pattern: &str, member: &Member) -> bool {
    if !glob::is_pattern(pattern.as_bytes()) {
        let selector = pattern.parse::<crate::context::Selector>();
        return selector.is_ok_and(|s| s.is(member));
    }
    let id = &member.realization;
    let name = match pattern.contains(':') {
        true => format!("{}:{}", id.package(), id.architecture()),
        false => id.package().to_string(),
    };
    glob::matches(pattern.as_bytes(), name.as_bytes())
}

fn row(asked: &Asked<'_>, member: &Member) -> Done<Row> {
    let (id, control) = (&member.realization, asked.control(member)?);
    let flags = match member.state {
        State::Installed => "ii ",
        State::Unpacked => "iU ",
        State::ConfigFiles => "rc ",
    };
    let description = synopsis(&control);
    let slot = member.slot.as_ref().map(ToString::to_string);
    let relaxed = member.relaxed.iter().map(|r| {
        Json::Map(vec![
            ("field", Json::text(r.field)),
            ("with", Json::text(&r.with)),
        ])
    });
    let size = asked
        .reader
        .installation(&asked.installation(member)?)?
        .size;
    let json = Json::Map(vec![
        ("package", Json::text(id.package())),
        ("version", Json::text(id.version())),
        ("architecture", Json::text(id.architecture())),
        ("state", Json::text(member.state)),
        ("reason", Json::text(member.reason)),
        ("slot", Json::maybe(slot.as_ref())),
        ("own_libraries", Json::Bool(member.own_libraries)),
        ("relaxed", Json::list(relaxed)),
        ("size", Json::Number(size)),
        ("realization", Json::text(id)),
        ("description", Json::text(&description)),
    ]);
    let cells = [
        asked.name(member, &control),
        id.version().to_string(),
        id.architecture().to_string(),
        member.reason.to_string(),
        slot.unwrap_or_else(|| "-".into()),
        description,
    ];
    Ok(Row { flags, cells, json })
}

fn print(rows: &[Row], out: &mut Out<'_>) -> Done<()> {
    let mut widths = WIDTHS;
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // On a terminal the description gets what is left, as it did before dpkg had a pager.
    let [others @ .., description] = &mut widths;
    let before: usize = 3 + others.iter().map(|w| w + 1).sum::<usize>() + 1;
    if let Some(terminal) = out.width {
        *description = (*description).min(terminal.saturating_sub(before).max(TITLES[5].len()));
    }
    let mut text = String::from(LEGEND);
    line("||/", &TITLES.map(String::from), &widths, &mut text);
    text.push_str("+++");
    for width in widths {
        text.push('-');
        text.push_str(&"=".repeat(width));
    }
    text.push('\n');
    for row in rows {
        line(row.flags, &row.cells, &widths, &mut text);
    }
    Ok(out.bytes(text.as_bytes())?)
}

fn line(flags: &str, cells: &[String; 6], widths: &[usize; 6], text: &mut String) {
    let [others @ .., description] = cells;
    text.push_str(flags);
    for (cell, width) in others.iter().zip(widths) {
        // Writing to a string does not fail.
        let _ = write!(text, " {cell:width$}");
    }
    let cut: String = description.chars().take(widths[5]).collect();
    let _ = writeln!(text, " {cut}");
}
