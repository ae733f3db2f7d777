//! `arch`: the native architecture and the foreign ones, a line each.

use std::collections::HashSet;

use super::scan::Scan;
use super::tables::{Read, Table, whole_lines};
use super::{Fault, Kind, Source, WayOut, Where, text};
use crate::arch::check_name;

const TABLE: Table<Vec<u8>> = Table {
    name: b"arch",
    read,
    // What packages are of is held to more than this file: each name is as good as another.
    holds: |_, _| true,
    same: |a, b| a == b,
    lines: |name| text::join([&name[..]]),
};

fn read(_: &mut Scan<'_>, file: &Where, data: &[u8]) -> Read<Vec<u8>> {
    let mut read: Read<Vec<u8>> = Read::new(file, data);
    for (line, name) in whole_lines(data) {
        let fault = |kind| Fault::new(kind, file.clone()).at(line).detail(name);
        if let Some(why) = check_name(&String::from_utf8_lossy(name)) {
            read.faults
                .push(fault(Kind::Syntax).detail(why.to_string()));
        } else if read.entries.iter().any(|n| n == name) {
            // dpkg takes it, and writes it once.
            read.faults.push(fault(Kind::Duplicate));
        } else {
            read.entries.push(name.to_vec());
        }
    }
    read
}

pub(super) fn check(scan: &mut Scan<'_>) {
    let Some((read, Some(data))) = TABLE.load(scan) else {
        // dpkg makes one when it needs it.
        return;
    };
    if read.faults.is_empty() {
        return;
    }
    let only = |kinds: &[Kind]| read.faults.iter().all(|f| kinds.contains(&f.kind));
    let last = data
        .split(|c| *c == b'\n')
        .next_back()
        .unwrap_or_default()
        .to_vec();
    let used: HashSet<Vec<u8>> = scan
        .packages()
        .iter()
        .map(|p| scan.wanted(*p).arch)
        .collect();
    let mut names = read.entries.clone();
    // A name that a package has is not cut off.
    let complete = used.contains(&last) || names.contains(&last);
    let (repair, example) = if only(&[Kind::Duplicate]) {
        (Some(TABLE.write(&names, Source::Itself)), None)
    } else if only(&[Kind::Duplicate, Kind::NoFinalNewline]) && complete {
        if !names.contains(&last) {
            names.push(last);
        }
        (Some(TABLE.write(&names, Source::Itself)), None)
    } else {
        TABLE.restored(scan, &names, &data)
    };
    for fault in read.faults {
        let way = WayOut::Edit(example.clone());
        scan.fault(fault.way_out(way).repair(repair.clone()));
    }
}
