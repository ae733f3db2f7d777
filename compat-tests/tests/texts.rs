//! Every text that ours says is one of dpkg's, or has a row in the parity table.

use std::collections::BTreeSet;
use std::fs;

use compat_tests::{catalogue, msgids, oracle};

#[test]
fn every_text_is_dpkgs_or_has_a_parity_row() {
    let Some(source) = oracle::source("trixie") else {
        return not_run::not_run("no source of dpkg, which comes with the stock systems");
    };
    let template = fs::read_to_string(source.join("po/dpkg.pot")).expect("dpkg.pot");
    let mut known = BTreeSet::new();
    for message in catalogue::read_template(&template) {
        let id = message.id.split_once('\x04').map(|(_, id)| id.to_owned());
        known.extend(id);
        known.extend(message.plural);
        known.insert(message.id);
    }
    known.extend(msgids::stock(&source).expect("dpkg's sources"));
    let rows: BTreeSet<&str> = include_str!("../parity.tsv")
        .lines()
        .filter_map(|line| line.strip_prefix("text\t"))
        .filter_map(|line| line.split('\t').next())
        .collect();
    let shipped = msgids::shipped().expect("sources");
    assert!(shipped.len() > 500, "{}", shipped.len());
    let own: BTreeSet<String> = shipped
        .iter()
        .filter(|(_, text)| !known.contains(text))
        .map(|(_, text)| text.escape_debug().to_string().replace("\\'", "'"))
        .collect();
    let own: BTreeSet<&str> = own.iter().map(String::as_str).collect();
    let unknown: Vec<_> = own.difference(&rows).collect();
    let stale: Vec<_> = rows.difference(&own).collect();
    assert!(
        unknown.is_empty() && stale.is_empty(),
        "neither dpkg's messages nor text rows of parity.tsv: {unknown:#?}\nrows of no text: {stale:#?}"
    );
}
