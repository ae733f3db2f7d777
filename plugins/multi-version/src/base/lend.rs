//! Lending.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use dpkgng_plugin::{Field, Host};

use super::host::{self, Known, Offers};
use super::pieces::{self, Listed};
use super::{ADMINDIR, BaseError, Done, Lent, PackageKey, alternatives, brought, names, replace};
use crate::generation::{Disk, DiskError, is_dir, is_there};
use crate::world::WorldDir;

/// Needed by everybody, whatever is said of them.
const ROOTS: [&str; 2] = ["dpkg", "apt"];
const PRIORITIES: [&str; 2] = ["required", "important"];

/// What every view is; of trixie.
pub(super) const USR_IS_MERGED: &str = "usr-is-merged";
const USRMERGE: &str = "usrmerge";
const MERGED_VERSION: &str = "39+nmu2";

/// Have a pending world hold the base of the host below `root` (`/`) as it is now. Nothing is done if the host's database is
/// as it was when it was lent last. No run of dpkg is going on in the world; an admindir that is not there is made.
pub fn lend(host: Host, disk: &Disk, root: &Path, world: &WorldDir) -> Done<Lent> {
    let (hosts, admindir) = (root.join(ADMINDIR), world.admindir());
    let before = Lent::read(world)?;
    let stamp = super::lent::stamp(&hosts)?;
    let is_there = |path: &Path| is_there(path).map_err(|e| BaseError::read(path, e));
    if before.stamp == stamp && is_there(&admindir.join("status"))? {
        return Ok(before);
    }
    make_admindir(disk, &admindir)?;
    let packages = host::read(host, &hosts, root)?;
    let offers = Offers::of(host.services(), packages, &hosts)?;
    let there = host::read(host, &admindir, &world.tree())?;
    let brought = brought(world)?;
    let mut lent = Lent {
        stamp,
        own: before.own.clone(),
        whiteouts: before.whiteouts.clone(),
        ..Lent::default()
    };
    let is_lent = |known: &Known| {
        let (name, architecture) = &known.key;
        known.has_files()
            && !brought.contains(&known.key)
            && before.has(name, architecture, &known.version)
    };
    let own: Vec<&Known> = there.iter().filter(|k| !is_lent(k)).collect();
    // A run that nobody settled.
    let still = |key: &PackageKey| there.iter().any(|k| k.key == *key && is_lent(k));
    lent.own
        .extend(before.packages.keys().filter(|k| !still(k)).cloned());

    let base = closure(&offers, host)?;
    let mut lend: BTreeMap<&PackageKey, &Known> = BTreeMap::new();
    for known in base.iter().filter_map(|place| offers.package(*place)) {
        let beside = |other: &&&Known| {
            other.key.0 == known.key.0
                && !(other.key.1 != known.key.1
                    && other.word("Multi-Arch") == "same"
                    && known.word("Multi-Arch") == "same")
        };
        if !lent.own.contains(&known.key) && !own.iter().any(|other| beside(&other)) {
            lend.insert(&known.key, known);
        }
    }
    let has = |name: &str| {
        let of = |known: &&Known| known.key.0 == name && known.has_files();
        own.iter().any(of) || lend.values().any(of)
    };
    let merged = merged_usr();
    let synthesized = !has(USR_IS_MERGED) && !has(USRMERGE) && !lent.own.contains(&merged.key);
    lent.packages = lend
        .values()
        .map(|k| (k.key.clone(), k.version.clone()))
        .collect();
    if synthesized {
        lent.packages
            .insert(merged.key.clone(), MERGED_VERSION.into());
    }

    // info/ before status: what dpkg knows of has its list.
    let info = hosts.join("info");
    let mut files = by_package(&info)?;
    let (mut listed, mut infos) = (Listed::new(), BTreeSet::new());
    forget_info(disk, &admindir, &there, is_lent)?;
    for known in lend.values() {
        let name = known.info_name();
        for file in files.remove(&name).unwrap_or_default() {
            link(disk, &info.join(&file), &admindir.join("info").join(&file))?;
        }
        pieces::list(&info.join(format!("{name}.list")), &mut listed)?;
        infos.insert(name);
    }
    if synthesized {
        for (member, text) in [("list", "/.\n"), ("md5sums", "")] {
            let file = format!("{USR_IS_MERGED}.{member}");
            replace(disk, &admindir.join("info").join(file), text.as_bytes())?;
        }
    }
    lent.pieces = pieces::about(&hosts, &infos, &listed)?;
    let own_names: BTreeSet<&str> = own.iter().map(|k| k.key.0.as_str()).collect();
    pieces::put(disk, &admindir, &before.pieces, &lent.pieces, |package| {
        let name = package.split(':').next().unwrap_or_default();
        own_names.contains(name)
    })?;
    let groups = alternatives::about(&hosts, &listed)?;
    lent.alternatives = alternatives::put(disk, &admindir, &before.alternatives, &groups)?;
    let mut all: BTreeMap<&PackageKey, Vec<u8>> = BTreeMap::new();
    for known in &own {
        all.insert(&known.key, known.stanza.clone());
    }
    for (key, known) in &lend {
        // On hold, say: that is the view's.
        let was = there.iter().find(|k| k.key == **key && is_lent(k));
        let want = was.and_then(|k| k.word("Status").split(' ').next());
        all.insert(key, settled(&known.stanza, want.unwrap_or("install")));
    }
    if synthesized {
        all.insert(&merged.key, merged.stanza.clone());
    }
    let stanzas: Vec<&[u8]> = all.values().map(|s| s.trim_ascii_end()).collect();
    let mut status = stanzas.join(&b"\n\n"[..]);
    if !status.is_empty() {
        status.extend_from_slice(b"\n\n");
    }
    replace(disk, &admindir.join("status"), &status)?;
    lent.write(disk, world)?;
    Ok(lent)
}

fn make_admindir(disk: &Disk, admindir: &Path) -> Done {
    for dir in ["", "info", "updates", "triggers", "alternatives"] {
        let dir = admindir.join(dir);
        if !is_dir(&dir).map_err(|e| BaseError::read(&dir, e))? {
            disk.make_dir(&dir)?;
        }
    }
    for (file, text) in [
        ("info/format", "1\n"),
        ("available", ""),
        ("status", ""),
        ("triggers/File", ""),
        ("triggers/Unincorp", ""),
    ] {
        let path = admindir.join(file);
        if !is_there(&path).map_err(|e| BaseError::read(&path, e))? {
            disk.write(&path, text.as_bytes())?;
        }
    }
    Ok(())
}

/// The packages of the base, by their places.
fn closure(offers: &Offers, host: Host) -> Done<BTreeSet<usize>> {
    let mut base = BTreeSet::new();
    let mut queue: Vec<usize> = Vec::new();
    let native = host.services().architecture();
    let native = native.map_err(|why| BaseError::Database {
        path: ADMINDIR.into(),
        why,
    })?;
    for (place, known) in offers.packages().iter().enumerate() {
        let is = |field| known.word(field).eq_ignore_ascii_case("yes");
        let root = is("Essential")
            || is("Protected")
            || PRIORITIES.contains(&known.word("Priority"))
            || ROOTS.contains(&&*known.key.0);
        let ours = known.key.1 == native || known.key.1 == "all";
        if root && ours && known.is_installed() {
            queue.push(place);
        }
    }
    while let Some(place) = queue.pop() {
        let (true, Some(known)) = (base.insert(place), offers.package(place)) else {
            continue;
        };
        for (field, name) in [
            (Field::PreDepends, "Pre-Depends"),
            (Field::Depends, "Depends"),
        ] {
            let Some(text) = known.field(name) else {
                continue;
            };
            // As the host has it installed, by force maybe, it is lent.
            let groups = host.services().relations(field, text).unwrap_or_default();
            for group in groups {
                let found = group.iter().find_map(|relation| {
                    let mut places = offers.satisfying(relation, &known.key.1);
                    places.next()
                });
                queue.extend(found);
            }
        }
    }
    Ok(base)
}

/// What the host's package is in a world: installed, whatever triggers the host has still to process.
fn settled(stanza: &[u8], want: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(stanza.len());
    for line in stanza.split_inclusive(|b| *b == b'\n') {
        if line.starts_with(b"Status:") {
            out.extend_from_slice(format!("Status: {want} ok installed\n").as_bytes());
        } else if !line.starts_with(b"Triggers-Pending:") && !line.starts_with(b"Triggers-Awaited:")
        {
            out.extend_from_slice(line);
        }
    }
    out
}

fn merged_usr() -> Known {
    let stanza = format!(
        "Package: {USR_IS_MERGED}\nStatus: install ok installed\nPriority: optional\nSection: oldlibs\n\
         Maintainer: the host's system <root@localhost>\nArchitecture: all\nMulti-Arch: foreign\n\
         Version: {MERGED_VERSION}\nDescription: says that /usr is merged, as that of every view is\n"
    );
    Known {
        key: (USR_IS_MERGED.into(), "all".into()),
        version: MERGED_VERSION.into(),
        status: "installed".into(),
        stanza: stanza.into_bytes(),
    }
}

/// The files of an info directory, by the name that is before the last dot.
fn by_package(info: &Path) -> Done<BTreeMap<String, Vec<OsString>>> {
    let mut files: BTreeMap<String, Vec<OsString>> = BTreeMap::new();
    for file in names(info)? {
        let package = file.to_str().and_then(|f| f.rsplit_once('.'));
        if let Some((package, _)) = package {
            files.entry(package.into()).or_default().push(file.clone());
        }
    }
    Ok(files)
}

/// Take away the info files of what was lent.
fn forget_info(
    disk: &Disk,
    admindir: &Path,
    there: &[Known],
    is_lent: impl Fn(&Known) -> bool,
) -> Done {
    let info = admindir.join("info");
    let files = by_package(&info)?;
    for known in there.iter().filter(|k| is_lent(k)) {
        for file in files.get(&known.info_name()).into_iter().flatten() {
            disk.remove_file(&info.join(file))?;
        }
    }
    Ok(())
}

/// A second name for the host's file, which dpkg replaces and never writes into; or a copy, on another file system, or where only
/// its owner may link it (proc_sys_fs(5), protected_hardlinks).
fn link(disk: &Disk, from: &Path, to: &Path) -> Done {
    use std::io::ErrorKind::{CrossesDevices, PermissionDenied};
    let copied = |e: &DiskError| matches!(e.source.kind(), CrossesDevices | PermissionDenied);
    match disk.link(from, to) {
        Err(e) if copied(&e) => Ok(disk.copy(from, to)?),
        done => Ok(done?),
    }
}
