//! `diversions`: three lines an entry, the path, where its files go, and whose files stay.

use std::collections::HashSet;

use super::scan::{Diversion, Scan};
use super::tables::{Read, Table, whole_lines};
use super::{Fault, Kind, Source, WayOut, Where, text};
use crate::name::check_package;

/// The longest line that dpkg reads.
const LINE_MAX: usize = 1022;

const TABLE: Table<(usize, Diversion)> = Table {
    name: b"diversions",
    read,
    holds: |scan, (_, d)| scan.exists(&Where::System(d.to.clone())),
    same: |(_, a), (_, b)| a == b,
    lines: |(_, d)| text::join([&d.from[..], &d.to, &d.by]),
};

fn read(_: &mut Scan<'_>, file: &Where, data: &[u8]) -> Read<(usize, Diversion)> {
    let mut read = Read::new(file, data);
    let lines = whole_lines(data);
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for triple in lines.chunks(3) {
        let [(line, from), (_, to), (by_line, by)] = *triple else {
            if read.faults.is_empty() {
                let line = triple.first().map_or(1, |(line, _)| *line);
                let fault = Fault::new(Kind::Syntax, file.clone()).at(line);
                read.faults.push(fault.detail("an entry has three lines"));
            }
            break;
        };
        let fault =
            |kind, line, detail: &[u8]| Fault::new(kind, file.clone()).at(line).detail(detail);
        if let Some(i) = [from, to]
            .iter()
            .position(|p| !text::is_good_path(p) || p.len() > LINE_MAX)
        {
            read.faults
                .push(fault(Kind::BadPath, line + i, [from, to][i]));
            continue;
        }
        if by != b":" && check_package(by).is_some() {
            read.faults.push(fault(Kind::Syntax, by_line, by));
            continue;
        }
        if seen.contains(from) || seen.contains(to) || from == to {
            read.faults.push(fault(Kind::Duplicate, line, from));
            continue;
        }
        seen.extend([from, to]);
        let (from, to, by) = (from.to_vec(), to.to_vec(), by.to_vec());
        read.entries.push((line, Diversion { from, to, by }));
    }
    read
}

pub(super) fn check(scan: &mut Scan<'_>) {
    let Some((read, data)) = TABLE.load(scan) else {
        return;
    };
    let data = data.unwrap_or_default();
    let file = TABLE.file();
    if !read.faults.is_empty() {
        let (repair, example) = match is_doubled(&read, &data) {
            true => (Some(TABLE.write(&read.entries, Source::Itself)), None),
            false => TABLE.restored(scan, &read.entries, &data),
        };
        for fault in read.faults {
            let way = WayOut::Edit(example.clone());
            scan.fault(fault.way_out(way).repair(repair.clone()));
        }
    }
    for (line, entry) in &read.entries {
        let known = entry.by == b":" || super::status::is_installed(scan, &entry.by);
        if !known && scan.status_is_whole {
            let name = String::from_utf8_lossy(&entry.by).into_owned();
            let fault = Fault::new(Kind::UnknownDiverter, file.clone()).at(*line + 2);
            scan.fault(fault.of(&name).detail(entry.from.clone()));
        }
    }
    scan.diversions = read.entries.into_iter().map(|(_, entry)| entry).collect();
}

/// Whether nothing is wrong but that entries are there twice, each exactly so.
fn is_doubled(read: &Read<(usize, Diversion)>, data: &[u8]) -> bool {
    let lines: Vec<&[u8]> = whole_lines(data)
        .into_iter()
        .map(|(_, line)| line)
        .collect();
    let known = |triple: &[&[u8]]| match *triple {
        [from, to, by] => read
            .entries
            .iter()
            .any(|(_, d)| (&d.from[..], &d.to[..], &d.by[..]) == (from, to, by)),
        _ => false,
    };
    read.faults.iter().all(|f| f.kind == Kind::Duplicate) && lines.chunks(3).all(known)
}
