//! Every option that dpkg's manual pages tell of is one of ours: the parity table has a row for
//! each option of our tables (which tests of dpkg-ng see to) and for each of these.

use std::collections::BTreeSet;
use std::fs;

use compat_tests::oracle;

const PARITY: &str = include_str!("../parity.tsv");

/// The long options in the heads of a page's items, without what the page has disabled.
fn options(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut disabled = false;
    for line in page.lines() {
        if let Some(block) = line.strip_prefix("=begin ") {
            disabled = block == "disabled";
        }
        disabled &= !line.starts_with("=end ");
        let Some(item) = line.strip_prefix("=item ").filter(|_| !disabled) else {
            continue;
        };
        for option in item.split("B<--").skip(1) {
            let positive = option.strip_prefix("[no-]");
            let option = positive.unwrap_or(option);
            let end = option.find(|c: char| !c.is_ascii_lowercase() && c != '-');
            let (name, _) = option.split_at(end.unwrap_or(option.len()));
            // Alone, the dashes part arguments.
            found.extend(Some(name.to_owned()).filter(|n| !n.is_empty()));
            found.extend(positive.map(|_| format!("no-{name}")));
        }
    }
    found
}

#[test]
fn the_manual_pages_tell_of_nothing_else() {
    let Some(source) = oracle::source("trixie") else {
        return not_run::not_run("no source of dpkg, which comes with the stock systems");
    };
    let rows: BTreeSet<(&str, &str)> = PARITY
        .lines()
        .filter_map(|l| l.strip_prefix("command\t").or(l.strip_prefix("option\t")))
        .filter_map(|l| l.split('\t').next()?.split_once(" --"))
        .collect();
    let tools: BTreeSet<&str> = rows.iter().map(|(tool, _)| *tool).collect();
    let mut pages = 0;
    for tool in tools {
        let page = source.join(format!("man/{tool}.pod"));
        let Ok(page) = fs::read_to_string(&page) else {
            continue;
        };
        pages += 1;
        for option in options(&page) {
            // `--force-help` and `--force-things` are `--force`.
            let option = option.trim_end_matches('-');
            let head = option.rsplit_once('-').map_or(option, |(head, _)| head);
            let of_many = rows
                .iter()
                .any(|(t, row)| *t == tool && row.starts_with(&format!("{option}-")));
            let known = of_many || rows.contains(&(tool, option)) || rows.contains(&(tool, head));
            assert!(known, "{tool} --{option}");
        }
    }
    assert!(pages >= 10, "{pages}");
}
