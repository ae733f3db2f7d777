//! `info/`: which control files belong there.

use std::collections::HashMap;

use super::scan::{Content, Scan};
use super::{Action, Fault, Kind, Repair, Source, WayOut, Where, control, text};
use crate::pkg::{MultiArch, NameWhen, PkgId};
use crate::state::Status;

/// The name of the file that says how the others are called.
const FORMAT: &[u8] = b"format";

/// Read which files there are.
pub(super) fn index(scan: &mut Scan<'_>) {
    for name in scan.names(&Where::Admin(b"info".to_vec())) {
        if let Some((stem, kind)) = split(&name) {
            scan.info
                .entry(stem.to_vec())
                .or_default()
                .push(kind.to_vec());
        }
    }
}

/// What stands before and behind the last dot; dpkg passes over what begins with one.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = memchr::memrchr(b'.', name).filter(|_| name.first() != Some(&b'.'))?;
    Some((&name[..dot], &name[dot + 1..]))
}

pub(super) fn check(scan: &mut Scan<'_>) {
    format(scan);
    let mut expected: HashMap<Vec<u8>, PkgId> = HashMap::new();
    let mut otherwise: HashMap<Vec<u8>, PkgId> = HashMap::new();
    for pkg in scan.packages() {
        let stem = scan.stem(pkg);
        let table = &scan.db.table;
        let (bare, full) = (NameWhen::Never, NameWhen::Always);
        for when in [bare, full] {
            let other = table.name(pkg, when).into_bytes();
            if other != stem {
                otherwise.insert(other, pkg);
            }
        }
        expected.insert(stem, pkg);
    }
    let found: Vec<(Vec<u8>, Vec<Vec<u8>>)> = scan
        .info
        .iter()
        .map(|(stem, kinds)| (stem.clone(), kinds.clone()))
        .collect();
    for (stem, kinds) in found {
        let owner = expected.get(&stem).copied();
        for kind in kinds {
            let name = [&stem[..], b".", &kind].concat();
            let file = Where::Admin([b"info/", &name[..]].concat());
            if kind.ends_with(b"-new") || kind.ends_with(b"-old") || kind == b"dpkg-new" {
                set_aside(scan, Kind::Leftover, file, owner);
            } else if owner.is_none() {
                stray(scan, &stem, &kind, file, &otherwise);
            }
        }
    }
    for pkg in scan.packages() {
        control::check(scan, pkg);
    }
}

fn set_aside(scan: &mut Scan<'_>, kind: Kind, file: Where, owner: Option<PkgId>) {
    let repair = Repair::new(Action::SetAside(file.clone()), Source::Itself);
    let mut fault = Fault::new(kind, file)
        .way_out(WayOut::MoveAway)
        .repair(Some(repair));
    fault.package = owner.map(|pkg| scan.name(pkg));
    scan.fault(fault);
}

/// A file of a package that is not there by that name.
fn stray(
    scan: &mut Scan<'_>,
    stem: &[u8],
    kind: &[u8],
    file: Where,
    otherwise: &HashMap<Vec<u8>, PkgId>,
) {
    if let Some(pkg) = otherwise.get(stem) {
        let right = scan.control_file(*pkg, &String::from_utf8_lossy(kind));
        let rename = Action::Rename(file.clone(), right.clone());
        let repair = (!scan.exists(&right)).then(|| Repair::new(rename, Source::Itself));
        let shown = match &right {
            Where::Admin(name) => name.clone(),
            Where::System(path) => path.clone(),
        };
        let fault = Fault::new(Kind::WrongQualifier, file)
            .of(&scan.name(*pkg))
            .detail(shown);
        scan.fault(fault.way_out(WayOut::MoveAway).repair(repair));
        return;
    }
    let package = String::from_utf8_lossy(stem).into_owned();
    let fault = Fault::new(Kind::NotInstalled, file.clone()).of(&package);
    // While the status is damaged the package may be one whose stanza is lost.
    let repair = Repair::new(Action::SetAside(file), Source::Itself);
    let repair = scan.status_is_whole.then_some(repair);
    let way = match scan.status_is_whole {
        true => WayOut::MoveAway,
        false => WayOut::Nothing,
    };
    scan.fault(fault.way_out(way).repair(repair));
}

fn format(scan: &mut Scan<'_>) {
    let file = Where::Admin([b"info/", FORMAT].concat());
    // An upgrade of the format that was interrupted is dpkg's to finish.
    if scan.exists(&Where::Admin(b"info/format-new".to_vec())) {
        return;
    }
    let qualified = scan.info.keys().any(|stem| stem.contains(&b':'));
    let kind = match scan.read(&file) {
        Content::Unread => return,
        Content::Missing if !qualified => return,
        Content::Missing => Kind::Missing,
        Content::Data(data) if data.is_empty() => Kind::Empty,
        Content::Data(data) if text::nul_line(&data).is_some() => Kind::ZeroFilled,
        Content::Data(_) => match scan.db.infodb_format() {
            Ok(_) => return,
            Err(e) => {
                let fault = Fault::new(Kind::Syntax, file).at(1).detail(e.to_string());
                let fault = fault.repair(write_format(scan));
                scan.fault(fault.way_out(WayOut::Edit(None)));
                return;
            }
        },
    };
    let repair = write_format(scan);
    scan.fault(
        Fault::new(kind, file)
            .way_out(WayOut::Edit(None))
            .repair(repair),
    );
}

/// The format follows from how the files are called.
fn write_format(scan: &Scan<'_>) -> Option<Repair> {
    let table = &scan.db.table;
    let mut same = scan.packages();
    same.retain(|p| {
        table[*p].installed.multiarch == MultiArch::Same
            && table[*p].status() > Status::HalfInstalled
    });
    let full = |p: &PkgId| {
        scan.info
            .contains_key(table.name(*p, NameWhen::Always).as_bytes())
    };
    let all = !same.is_empty() && same.iter().all(full);
    let file = Where::Admin([b"info/", FORMAT].concat());
    let action = Action::Write {
        file,
        content: b"1\n".to_vec(),
        mode: None,
    };
    all.then(|| Repair::new(action, Source::Database))
}
