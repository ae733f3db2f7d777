//! What packages own: whether it is there, has the content that md5sums has, and has nothing half done
//! beside it.

use std::collections::{HashMap, HashSet};

use super::scan::Scan;
use super::{Action, Fault, Kind, Repair, Source, WayOut, Where};
use crate::admin::verify::{Wanted as Looked, check_all};
use crate::archive::tar;
use crate::filter::Entry;
use crate::pkg::{NameWhen, PkgId};
use crate::report::Silent;
use crate::state::{EFlag, Status};

/// What is new in these directories with every start of the system.
const VOLATILE: [&[u8]; 6] = [
    b"/run/",
    b"/var/run/",
    b"/var/lock/",
    b"/tmp/",
    b"/dev/",
    b"/proc/",
];

/// What dpkg and update-alternatives call a file that is not in place yet.
const UNFINISHED: [&[u8]; 2] = [b".dpkg-new", b".dpkg-tmp"];

/// A path of a package, where diversions lead it.
struct Owned {
    pkg: PkgId,
    /// As the package has it.
    path: Vec<u8>,
    /// Where it is.
    place: Vec<u8>,
    digest: Option<Vec<u8>>,
}

pub(super) fn check(scan: &mut Scan<'_>) {
    let diverted = diverted(scan);
    let mut conffiles: HashSet<Vec<u8>> = HashSet::new();
    let mut owners: HashMap<Vec<u8>, PkgId> = HashMap::new();
    let mut owned = Vec::new();
    let chosen = chosen(scan);
    for pkg in scan.packages() {
        if !scan.is_unpacked(pkg) {
            continue;
        }
        let listed = scan.lists.get(&pkg).cloned().unwrap_or_default();
        conffiles.extend(
            scan.db.table[pkg]
                .installed
                .conffiles
                .iter()
                .map(|c| c.name.to_vec()),
        );
        for path in listed {
            let place = match diverted.get(&path) {
                Some((to, by)) if by != scan.db.table.set_name(pkg).as_bytes() => to.clone(),
                _ => path.clone(),
            };
            let digest = scan.digests.get(&pkg).and_then(|d| d.get(&path)).cloned();
            owners.insert(place.clone(), pkg);
            if chosen.as_ref().is_none_or(|chosen| chosen.contains(&pkg)) {
                owned.push(Owned {
                    pkg,
                    path,
                    place,
                    digest,
                });
            }
        }
    }
    owned.retain(|o| !conffiles.contains(&o.path));
    scan.paths = owned.len();
    look(scan, owned);
    unfinished(scan, &owners, &conffiles);
}

/// The packages that names given choose; nothing, if none are given.
fn chosen(scan: &mut Scan<'_>) -> Option<HashSet<PkgId>> {
    if scan.options.packages.is_empty() {
        return None;
    }
    let mut chosen = HashSet::new();
    for name in &scan.options.packages {
        let is_it = |pkg: &PkgId| {
            let of = |when| scan.db.table.name(*pkg, when).into_bytes() == *name;
            of(NameWhen::Never) || of(NameWhen::Always)
        };
        let before = chosen.len();
        chosen.extend(scan.packages().into_iter().filter(is_it));
        if chosen.len() == before {
            scan.unknown.push(name.clone());
        }
    }
    Some(chosen)
}

fn diverted(scan: &Scan<'_>) -> HashMap<Vec<u8>, (Vec<u8>, Vec<u8>)> {
    let entry = |d: &super::scan::Diversion| (d.from.clone(), (d.to.clone(), d.by.clone()));
    scan.diversions.iter().map(entry).collect()
}

fn look(scan: &mut Scan<'_>, owned: Vec<Owned>) {
    let looked: Vec<Looked> = owned
        .iter()
        .map(|o| Looked {
            path: (&o.place[..]).into(),
            is_conffile: false,
            hash: o
                .digest
                .as_deref()
                .filter(|_| scan.options.hash)
                .map(Into::into),
            shipped: None,
        })
        .collect();
    let place = scan.dirs.place().clone();
    // Two packages may have the same file.
    let mut told = HashSet::new();
    for (owned, checks) in owned.iter().zip(check_all(&place, &looked)) {
        let file = Where::System(owned.place.clone());
        let checks = match checks {
            Ok(checks) => checks,
            Err(e) => {
                scan.failed(&file, e.errno.unwrap_or(libc::EIO));
                continue;
            }
        };
        let kind = match checks.missing {
            Some(errno) if !matches!(errno, libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => {
                scan.failed(&file, errno);
                continue;
            }
            Some(_) if may_be_missing(scan, &owned.place) => continue,
            Some(_) => Kind::FileMissing,
            None if checks.not_regular => Kind::FileType,
            None => match checks.md5sum {
                Some(Some(false)) => Kind::FileChanged,
                Some(None) => {
                    let spot = file.spot(scan.dirs);
                    let errno = spot.read().err().and_then(|e| e.raw_os_error());
                    scan.failed(&file, errno.unwrap_or(libc::EIO));
                    continue;
                }
                _ => continue,
            },
        };
        if told.insert(owned.place.clone()) {
            wrong(scan, owned, kind, file);
        }
    }
}

/// Whether nobody misses a path: it was excluded, or is made anew with every start.
fn may_be_missing(scan: &Scan<'_>, path: &[u8]) -> bool {
    if VOLATILE.iter().any(|dir| path.starts_with(dir)) {
        return true;
    }
    let name = [b".", path].concat();
    let filters = &scan.options.filters;
    // A directory on the way may be excluded where what it leads to is not there either.
    filters.skips(&name, Entry::Leaf, &mut Silent)
}

fn wrong(scan: &mut Scan<'_>, owned: &Owned, kind: Kind, file: Where) {
    let wanted = scan.wanted(owned.pkg);
    let name = scan.name(owned.pkg);
    let fault = Fault::new(kind, file.clone()).of(&name);
    let fault = fault.way_out(WayOut::Reinstall(name));
    let repair = scan.debs.find(&wanted).and_then(|archive| {
        let member = archive.member(&owned.path)?;
        let same = match (&owned.digest, &member.digest) {
            (Some(wanted), Some(has)) => wanted == has,
            _ => true,
        };
        let action = Action::Extract {
            file,
            member: member.path.clone(),
            digest: member.digest.clone(),
        };
        let placeable = matches!(
            member.entry.kind,
            tar::Kind::File | tar::Kind::Symlink | tar::Kind::Directory
        );
        let source = Source::Archive(archive.path.as_os_str().as_encoded_bytes().to_vec());
        (same && placeable && !member.entry.slash).then(|| Repair::new(action, source))
    });
    let fault = match repair {
        Some(_) => fault.repair(repair),
        None => fault.wants(&wanted),
    };
    scan.fault(fault);
}

/// `.dpkg-new` and `.dpkg-tmp` beside what packages own, in the directories that they own.
fn unfinished(scan: &mut Scan<'_>, owners: &HashMap<Vec<u8>, PkgId>, conffiles: &HashSet<Vec<u8>>) {
    let mut seen = HashSet::new();
    let mut dirs: Vec<Vec<u8>> = owners
        .keys()
        .filter_map(|path| Some(path.get(..memchr::memrchr(b'/', path)?)?.to_vec()))
        .collect();
    dirs.sort();
    dirs.dedup();
    for dir in dirs {
        let shown = if dir.is_empty() {
            b"/".to_vec()
        } else {
            dir.clone()
        };
        let spot = Where::System(shown.clone()).spot(scan.dirs);
        let Ok(stat) = spot.stat() else {
            continue;
        };
        // By two names of one directory the same files are seen.
        if !stat.is_dir() || !seen.insert((stat.dev, stat.ino)) {
            continue;
        }
        for name in scan.names(&Where::System(shown)) {
            let Some(stem) = UNFINISHED
                .iter()
                .find_map(|suffix| name.strip_suffix(*suffix))
            else {
                continue;
            };
            let path = [&dir[..], b"/", stem].concat();
            let Some(pkg) = owners.get(&path).copied() else {
                continue;
            };
            let file = Where::System([&dir[..], b"/", &name].concat());
            // The package in the middle of something is dpkg's to go on with; a conffile's new version waits there
            // until it is configured.
            let state = &scan.db.table[pkg];
            let done = state.status() == Status::Installed && state.eflag == EFlag::Ok;
            if !done && (conffiles.contains(&path) || state.status() < Status::Installed) {
                continue;
            }
            let aside = Repair::new(Action::SetAside(file.clone()), Source::Itself);
            let package = scan.name(pkg);
            let fault = Fault::new(Kind::Leftover, file)
                .of(&package)
                .way_out(WayOut::MoveAway);
            scan.fault(fault.repair(done.then_some(aside)));
        }
    }
}
