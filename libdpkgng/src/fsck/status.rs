//! `status`, `available` and the journal in `updates/`.
//!
//! What `status` is made again from: a copy in `/var/backups` of the same time, which is the file as it was. Else its own whole stanzas, which are the newest there are, and for the
//! packages that it lacks those of a copy (`status-old`, else the newest of `/var/backups`). Of the copy
//! only what nothing contradicts: the copy is whole, no damaged stanza and no line of `dpkg.log` tells of another version,
//! and the package still has a control file (one that was purged since has none) or a damaged stanza of its own.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::scan::{Content, Scan};
use super::stanzas::{Chunk, Head, Verdict, chunks, judge};
use super::{Action, Fault, Kind, Repair, Source, WayOut, Where, backups, text};
use crate::control::ParseFlags;
use crate::pkg::{PkgId, PkgTable};
use crate::state::Status;

/// A package by name and architecture.
type Key = (Vec<u8>, Vec<u8>);

/// The words of `dpkg.log` on a change of state stand in this file.
const LOG: &[u8] = b"/var/log/dpkg.log";

pub(super) fn check(scan: &mut Scan<'_>) {
    check_status(scan);
    check_journal(scan);
    check_available(scan);
}

fn admin(name: &[u8]) -> Where {
    Where::Admin(name.to_vec())
}

/// The stanzas of a file, and what is wrong with it.
struct Judged<'d> {
    /// The last whole stanza of each package, in the order of the file.
    good: Vec<(PkgId, Chunk<'d>)>,
    /// The heads of those that are not.
    bad: Vec<Head>,
    faults: Vec<Fault>,
}

fn judge_all<'d>(
    data: &'d [u8],
    file: &Where,
    flags: ParseFlags,
    table: &mut PkgTable,
) -> Judged<'d> {
    let mut judged = Judged {
        good: Vec::new(),
        bad: Vec::new(),
        faults: Vec::new(),
    };
    let mut seen: HashMap<PkgId, usize> = HashMap::new();
    for chunk in chunks(data) {
        match judge(&chunk, file, flags, table) {
            Verdict::Good(pkg) => {
                if let Some(before) = seen.insert(pkg, judged.good.len()) {
                    let name = table.name(pkg, crate::pkg::NameWhen::NonAmbig);
                    let first = judged.good[before].1.line;
                    let fault = Fault::new(Kind::Duplicate, file.clone())
                        .at(chunk.line)
                        .of(&name)
                        .detail(format!("the first is in line {first}"));
                    judged.faults.push(fault);
                }
                judged.good.push((pkg, chunk));
            }
            Verdict::Bad(fault) => {
                let fault = *fault;
                judged.bad.push(Head::of(chunk.text));
                judged.faults.push(fault);
            }
        }
    }
    // dpkg takes the last of two.
    let mut at = 0;
    judged.good.retain(|(pkg, _)| {
        at += 1;
        seen.get(pkg) == Some(&(at - 1))
    });
    judged
}

fn check_status(scan: &mut Scan<'_>) {
    let file = admin(b"status");
    let (data, absent) = match scan.read(&file) {
        Content::Unread => {
            scan.status_is_whole = false;
            return;
        }
        Content::Missing => (Vec::new(), Some(Kind::Missing)),
        Content::Data(data) if data.is_empty() => (data, Some(Kind::Empty)),
        Content::Data(data) => (data, None),
    };
    let mut judged = judge_all(&data, &file, ParseFlags::STATUS, &mut scan.db.table);
    if let Some(kind) = absent
        && (scan.exists(&admin(b"status-old"))
            || scan.info.keys().any(|s| scan.has_control_file(s, "list")))
    {
        judged.faults.push(Fault::new(kind, file.clone()));
    }
    let there: HashSet<Key> = judged
        .good
        .iter()
        .map(|(_, c)| Head::of(c.text).key())
        .collect();
    let copy = Copy::find(scan);
    // Of the packages that are gone without a trace in the file, the control files and the copy tell.
    let mut lost = Vec::new();
    if let Some(copy) = &copy {
        for (key, stanza) in &copy.stanzas {
            let head = Head::of(stanza);
            let known = judged.bad.iter().any(|b| b.package == head.package);
            if !there.contains(key) && !known && scan.info.contains_key(&head.stem()) {
                lost.push(String::from_utf8_lossy(&head.package).into_owned());
            }
        }
    }
    if judged.faults.is_empty() {
        for name in &lost {
            let fault = Fault::new(Kind::StanzaLost, file.clone()).of(name);
            judged.faults.push(fault);
        }
    }
    if judged.faults.is_empty() {
        return;
    }
    scan.status_is_whole = false;
    let only_doubled = judged.faults.iter().all(|f| f.kind == Kind::Duplicate);
    let repair = match only_doubled && lost.is_empty() {
        true => {
            let good = judged.good.iter().map(|(_, c)| c.text);
            Some(write(&file, put_together(good), Source::Itself))
        }
        false => from_same_time(scan, &file, &data).or_else(|| {
            let copy = copy.as_ref()?;
            let content = copy.complete(scan, &judged, &there)?;
            Some(write(&file, content, Source::Copy(vec![copy.file.clone()])))
        }),
    };
    let example = copy.map(|c| c.file);
    for fault in judged.faults {
        let way = WayOut::Edit(example.clone());
        scan.fault(fault.way_out(way).repair(repair.clone()));
    }
}

/// The file as a copy has it that was made of it before it was damaged.
fn from_same_time(scan: &Scan<'_>, file: &Where, damaged: &[u8]) -> Option<Repair> {
    let copy = backups::of_same_time(scan, b"status", damaged)?;
    let mut table = PkgTable::new(scan.db.table.arches.clone());
    let judged = judge_all(&copy.data, &copy.file, ParseFlags::STATUS, &mut table);
    let whole = judged.faults.is_empty() && !judged.good.is_empty();
    whole.then(|| write(file, copy.data, Source::Copy(vec![copy.file])))
}

fn write(file: &Where, content: Vec<u8>, source: Source) -> Repair {
    let file = file.clone();
    Repair::new(
        Action::Write {
            file,
            content,
            mode: None,
        },
        source,
    )
}

/// Stanzas as a file.
fn put_together<'d>(stanzas: impl Iterator<Item = &'d [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for stanza in stanzas {
        out.extend_from_slice(stanza);
        out.push(b'\n');
    }
    out
}

/// An older version of `status` that is whole.
struct Copy {
    file: Where,
    stanzas: BTreeMap<Key, Vec<u8>>,
}

impl Copy {
    /// dpkg's own, or else the newest of the backups.
    fn find(scan: &mut Scan<'_>) -> Option<Copy> {
        let mut places = vec![(admin(b"status-old"), None)];
        let backups = backups::of(scan, b"dpkg.status").into_iter();
        places.extend(backups.map(|copy| (copy.file, Some(copy.data))));
        for (file, data) in places {
            let data = match data {
                Some(data) => data,
                None => match super::scan::read(&file.spot(scan.dirs)) {
                    Ok(Some(Some(data))) => data,
                    // What cannot be read is no help; the check is not of this file.
                    _ => continue,
                },
            };
            let mut table = PkgTable::new(scan.db.table.arches.clone());
            let judged = judge_all(&data, &file, ParseFlags::STATUS, &mut table);
            if !judged.faults.is_empty() || judged.good.is_empty() {
                continue;
            }
            let stanzas = judged
                .good
                .iter()
                .map(|(_, c)| (Head::of(c.text).key(), c.text.to_vec()));
            let stanzas = stanzas.collect();
            return Some(Copy { file, stanzas });
        }
        None
    }

    /// The whole file: what is good of it, and of this copy what it lacks. Nothing, if anything
    /// contradicts the copy.
    fn complete(
        &self,
        scan: &mut Scan<'_>,
        judged: &Judged<'_>,
        there: &HashSet<Key>,
    ) -> Option<Vec<u8>> {
        let logged = logged_versions(scan);
        let mut merged: BTreeMap<Key, &[u8]> = BTreeMap::new();
        for (_, chunk) in &judged.good {
            merged.insert(Head::of(chunk.text).key(), chunk.text);
        }
        for bad in judged.bad.iter().filter(|b| !b.package.is_empty()) {
            let mut same = self
                .stanzas
                .iter()
                .filter(|((name, _), _)| *name == bad.package);
            let fits = same.any(|(_, stanza)| {
                let head = Head::of(stanza);
                let agrees = |a: &Vec<u8>, b: &Vec<u8>| a.is_empty() || a == b;
                agrees(&bad.version, &head.version)
                    && agrees(&bad.arch, &head.arch)
                    && agrees(&bad.status, &head.status)
            });
            let whole = there.iter().any(|(name, _)| *name == bad.package);
            if !fits && !whole {
                return None;
            }
        }
        for (key, stanza) in &self.stanzas {
            if there.contains(key) {
                continue;
            }
            let head = Head::of(stanza);
            let installed = !head.status.ends_with(b" not-installed");
            let named = judged.bad.iter().any(|b| b.package == head.package);
            if installed && !named && !scan.info.contains_key(&head.stem()) {
                continue;
            }
            if logged
                .get(key)
                .is_some_and(|version| installed && *version != head.version)
            {
                return None;
            }
            merged.insert(key.clone(), stanza);
        }
        // All gone at once is nothing that a purge does.
        (!merged.is_empty()).then(|| put_together(merged.into_values()))
    }
}

/// The version of each package in the last line of `dpkg.log` on its state.
fn logged_versions(scan: &mut Scan<'_>) -> HashMap<Key, Vec<u8>> {
    let mut found = HashMap::new();
    // No log contradicts nothing.
    let Ok(Some(Some(log))) = super::scan::read(&Where::System(LOG.to_vec()).spot(scan.dirs))
    else {
        return found;
    };
    for (_, line) in text::lines(&log) {
        let words: Vec<&[u8]> = line.split(|c| *c == b' ').collect();
        let [_, _, b"status", state, package, version] = words[..] else {
            continue;
        };
        let Some(colon) = memchr::memchr(b':', package) else {
            continue;
        };
        let key = (package[..colon].to_vec(), package[colon + 1..].to_vec());
        match state {
            b"not-installed" => found.remove(&key),
            _ => found.insert(key, version.to_vec()),
        };
    }
    found
}

/// What the journal notes, in order; a file that cannot be read is set aside where it is known to say
/// nothing new.
fn check_journal(scan: &mut Scan<'_>) {
    let names = scan.names(&admin(b"updates"));
    for name in names {
        let file = admin(&[b"updates/", &name[..]].concat());
        if !name.iter().all(u8::is_ascii_digit) {
            let aside = Repair::new(Action::SetAside(file.clone()), Source::Itself);
            let fault = Fault::new(Kind::Leftover, file).way_out(WayOut::MoveAway);
            scan.fault(fault.repair(Some(aside)));
            continue;
        }
        let data = match scan.read(&file) {
            Content::Data(data) => data,
            Content::Missing => continue,
            Content::Unread => {
                scan.status_is_whole = false;
                continue;
            }
        };
        // Padding, as it is before a note is written into it.
        let text = data.strip_suffix(b"#padding\n").unwrap_or(&data);
        let mut fault = match &chunks(text)[..] {
            [chunk] => match judge(chunk, &file, ParseFlags::UPDATE, &mut scan.db.table) {
                Verdict::Good(_) => continue,
                Verdict::Bad(fault) => *fault,
            },
            _ => Fault::new(Kind::JournalDamaged, file.clone()).at(1),
        };
        scan.status_is_whole = false;
        let head = Head::of(&data);
        let said = scan.packages().into_iter().any(|pkg| {
            let wanted = scan.wanted(pkg);
            let pkg = &scan.db.table[pkg];
            let state = format!("{} {} {}", pkg.want, pkg.eflag, pkg.status());
            !head.status.is_empty()
                && (wanted.package, wanted.arch) == head.key()
                && wanted.version == head.version
                && state.as_bytes() == head.status
        });
        if said {
            fault.repair = Some(Repair::new(
                Action::SetAside(file.clone()),
                Source::Database,
            ));
        }
        fault.way_out = WayOut::MoveAway;
        scan.fault(fault);
    }
}

fn check_available(scan: &mut Scan<'_>) {
    let file = admin(b"available");
    let Content::Data(data) = scan.read(&file) else {
        return;
    };
    let mut table = PkgTable::new(scan.db.table.arches.clone());
    let judged = judge_all(&data, &file, ParseFlags::AVAILABLE, &mut table);
    // Two versions of a package are no fault there.
    let faults = judged
        .faults
        .into_iter()
        .filter(|f| f.kind != Kind::Duplicate);
    let faults: Vec<Fault> = faults.collect();
    if faults.is_empty() {
        return;
    }
    // It is what dselect and "dpkg --update-avail" took from elsewhere, and take again.
    let old = admin(b"available-old");
    let copy = match super::scan::read(&old.spot(scan.dirs)) {
        Ok(Some(Some(data))) => {
            let mut table = PkgTable::new(scan.db.table.arches.clone());
            let judged = judge_all(&data, &old, ParseFlags::AVAILABLE, &mut table);
            judged
                .faults
                .iter()
                .all(|f| f.kind == Kind::Duplicate)
                .then_some(data)
        }
        _ => None,
    };
    let repair = copy.map(|data| write(&file, data, Source::Copy(vec![old])));
    for fault in faults {
        let way = WayOut::Run("dpkg --clear-avail".into());
        scan.fault(fault.way_out(way).repair(repair.clone()));
    }
}

/// The state of the packages that have one, for who asks whether a name is installed.
pub(super) fn is_installed(scan: &Scan<'_>, name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    let (name, arch) = name.split_once(':').unwrap_or((name, ""));
    let table = &scan.db.table;
    let Some(set) = table.lookup_set(name) else {
        return false;
    };
    table[set].pkgs.iter().any(|p| {
        let of_arch = arch.is_empty() || table.arches.name(table[*p].installed.arch) == arch;
        of_arch && table[*p].status() != Status::NotInstalled
    })
}
