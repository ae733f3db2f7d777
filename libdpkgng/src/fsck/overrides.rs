//! `statoverride`: user, group, mode and path, a line each.

use std::collections::HashSet;

use super::scan::Scan;
use super::tables::{Read, Table, whole_lines};
use super::{Fault, Kind, Source, WayOut, Where, text};
use crate::db::statoverrides::{UNKNOWN_ID, parse_gid, parse_mode, parse_uid};

/// An override: its path, and its line.
#[derive(Clone)]
struct Override {
    path: Vec<u8>,
    line: Vec<u8>,
    ids: (u32, u32),
    mode: u32,
}

const TABLE: Table<Override> = Table {
    name: b"statoverride",
    read,
    holds,
    same: |a, b| a.path == b.path,
    lines: |entry| text::join([&entry.line[..]]),
};

fn read(scan: &mut Scan<'_>, file: &Where, data: &[u8]) -> Read<Override> {
    let mut read = Read::new(file, data);
    let mut seen: HashSet<&[u8]> = HashSet::new();
    for (number, line) in whole_lines(data) {
        let fault = |kind| Fault::new(kind, file.clone()).at(number);
        if line.is_empty() {
            read.faults.push(fault(Kind::EmptyLine));
            continue;
        }
        let mut words = line.splitn(4, |c| *c == b' ');
        let words = (words.next(), words.next(), words.next(), words.next());
        let (Some(user), Some(group), Some(mode), Some(path)) = words else {
            read.faults
                .push(fault(Kind::Syntax).detail("user, group, mode and path are needed"));
            continue;
        };
        let parsed = parse_uid(user, |name| scan.db.uid_of(name)).and_then(|uid| {
            let gid = parse_gid(group, |name| scan.db.gid_of(name))?;
            Ok((uid, gid, parse_mode(mode)?))
        });
        let (uid, gid, mode) = match parsed {
            Ok(parsed) => parsed,
            // The accounts cannot be read: nothing is wrong with this file.
            Err(e) if e.errno.is_some() => {
                scan.failed(
                    &Where::System(b"/etc/passwd".to_vec()),
                    e.errno.unwrap_or(libc::EIO),
                );
                continue;
            }
            Err(e) => {
                read.faults.push(fault(Kind::Syntax).detail(e.to_string()));
                continue;
            }
        };
        let remove = format!(
            "dpkg-statoverride --remove {}",
            String::from_utf8_lossy(path)
        );
        if uid == UNKNOWN_ID {
            let fault = fault(Kind::UnknownUser)
                .detail(user)
                .way_out(WayOut::Run(remove.clone()));
            read.faults.push(fault);
        }
        if gid == UNKNOWN_ID {
            let fault = fault(Kind::UnknownGroup)
                .detail(group)
                .way_out(WayOut::Run(remove));
            read.faults.push(fault);
        }
        if !text::is_good_path(path) {
            read.faults.push(fault(Kind::BadPath).detail(path));
        } else if !seen.insert(path) {
            read.faults.push(fault(Kind::Duplicate).detail(path));
            continue;
        }
        read.entries.push(Override {
            path: path.to_vec(),
            line: line.to_vec(),
            ids: (uid, gid),
            mode,
        });
    }
    read
}

/// Whether a path is as an override wants it.
fn holds(scan: &Scan<'_>, entry: &Override) -> bool {
    let found = Where::System(entry.path.clone()).spot(scan.dirs).lstat();
    found.is_ok_and(|s| (s.uid, s.gid, s.mode & 0o7777) == (entry.ids.0, entry.ids.1, entry.mode))
}

pub(super) fn check(scan: &mut Scan<'_>) {
    let Some((read, data)) = TABLE.load(scan) else {
        return;
    };
    // An account that is gone is not brought back by a copy that names it, too.
    let damaged = |f: &Fault| !matches!(f.kind, Kind::UnknownUser | Kind::UnknownGroup);
    let data = data.unwrap_or_default();
    let lines = whole_lines(&data);
    let known = |line: &[u8]| read.entries.iter().any(|e| e.line == line);
    let twice = read
        .faults
        .iter()
        .filter(|f| damaged(f))
        .all(|f| f.kind == Kind::Duplicate)
        && lines.iter().all(|(_, line)| known(line));
    let (repair, example) = match read.faults.iter().any(damaged) {
        false => (None, None),
        true if twice => (Some(TABLE.write(&read.entries, Source::Itself)), None),
        true => TABLE.restored(scan, &read.entries, &data),
    };
    for fault in read.faults {
        let fault = match damaged(&fault) {
            true => fault
                .way_out(WayOut::Edit(example.clone()))
                .repair(repair.clone()),
            false => fault,
        };
        scan.fault(fault);
    }
}
