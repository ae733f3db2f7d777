//! Files of an admindir that are lines about packages: trigger interests, diversions, statoverrides.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::lent::Piece;
use super::{Done, content, names, replace};
use crate::generation::Disk;

/// Paths of packages' lists, as merged `/usr` has them, without the first slash.
pub(super) type Listed = BTreeSet<Vec<u8>>;

/// Directories that are links into `usr/`.
const MERGED: [&[u8]; 6] = [b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32"];

/// A path as merged `/usr` has it, without the first slash.
pub(super) fn merged(path: &[u8]) -> Vec<u8> {
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let first = path.split(|b| *b == b'/').next().unwrap_or_default();
    match MERGED.contains(&first) && first.len() < path.len() {
        true => [b"usr/", path].concat(),
        false => path.to_vec(),
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').filter(|l| !l.is_empty())
}

const DIVERSIONS: &str = "diversions";
const STATOVERRIDE: &str = "statoverride";
const TRIGGERS: &str = "triggers";
/// Path interests, `PATH PACKAGE[/noawait]`. All other files but these are called as a trigger is, and have `PACKAGE[/noawait]`.
const FILE: &str = "File";
const NOT_TRIGGERS: [&str; 3] = [FILE, "Unincorp", "Lock"];

/// How many lines make one part of a file: a diversion is from, to and by whom.
fn lines_of(file: &Path) -> usize {
    match file == Path::new(DIVERSIONS) {
        true => 3,
        false => 1,
    }
}

/// The package that a trigger interest is of: `NAME` or `NAME:ARCH`.
fn interested(word: &[u8]) -> &[u8] {
    word.split(|b| *b == b'/').next().unwrap_or_default()
}

/// What an admindir says of these packages, by their names in `info/`, and of paths that they list.
pub(super) fn about(
    admindir: &Path,
    packages: &BTreeSet<String>,
    listed: &Listed,
) -> Done<BTreeSet<Piece>> {
    let mut pieces = BTreeSet::new();
    // In these an architecture is told only where the name alone would not do.
    let known = |package: &[u8]| {
        let package = String::from_utf8_lossy(package);
        let name = package.split(':').next().unwrap_or_default();
        let of = |p: &String| p == &*package || p.split(':').next() == Some(name);
        packages.iter().any(of)
    };
    let mut add = |file: PathBuf, package: &[u8], text: Vec<u8>| {
        pieces.insert(Piece {
            file,
            package: String::from_utf8_lossy(package).into_owned(),
            text,
        });
    };
    let path = Path::new(TRIGGERS).join(FILE);
    let text = content(&admindir.join(&path))?.unwrap_or_default();
    for line in lines(&text) {
        let word = line.rsplit(|b| *b == b' ').next().unwrap_or_default();
        if known(interested(word)) {
            add(path.clone(), interested(word), line.to_vec());
        }
    }
    for name in names(&admindir.join(TRIGGERS))? {
        if NOT_TRIGGERS.iter().any(|n| name == *n) {
            continue;
        }
        let path = Path::new(TRIGGERS).join(&name);
        let text = content(&admindir.join(&path))?.unwrap_or_default();
        for line in lines(&text).filter(|l| known(interested(l))) {
            add(path.clone(), interested(line), line.to_vec());
        }
    }
    let text = content(&admindir.join(DIVERSIONS))?.unwrap_or_default();
    let all: Vec<&[u8]> = lines(&text).collect();
    for diversion in all.chunks_exact(3) {
        if let [from, _, by] = diversion
            && (known(by) || listed.contains(&merged(from)))
        {
            add(DIVERSIONS.into(), by, diversion.join(&b'\n'));
        }
    }
    let text = content(&admindir.join(STATOVERRIDE))?.unwrap_or_default();
    for line in lines(&text) {
        // USER GROUP MODE PATH
        let path = line.splitn(4, |b| *b == b' ').nth(3).unwrap_or_default();
        if listed.contains(&merged(path)) {
            add(STATOVERRIDE.into(), b"-", line.to_vec());
        }
    }
    Ok(pieces)
}

/// Have an admindir hold `now` instead of `before`, and its own besides. Of packages that are `own`, by their names, nothing is
/// taken away: they have said the same.
pub(super) fn put(
    disk: &Disk,
    admindir: &Path,
    before: &BTreeSet<Piece>,
    now: &BTreeSet<Piece>,
    own: impl Fn(&str) -> bool,
) -> Done {
    let gone = before.difference(now).filter(|p| !own(&p.package));
    let (gone, come) = (by_file(gone), by_file(now));
    let files: BTreeSet<&Path> = gone.keys().chain(come.keys()).copied().collect();
    for file in files {
        let [gone, come] =
            [&gone, &come].map(|parts| parts.get(file).map_or(&[][..], Vec::as_slice));
        let path = admindir.join(file);
        let old = content(&path)?.unwrap_or_default();
        let all: Vec<&[u8]> = lines(&old).collect();
        let parts = all.chunks(lines_of(file)).map(|part| part.join(&b'\n'));
        let mut parts: Vec<Vec<u8>> = parts.filter(|p| !gone.contains(&&p[..])).collect();
        let first = |text: &[u8]| lines(text).next().unwrap_or_default().to_vec();
        for part in come {
            // A path is diverted once, and a diversion of the view's own counts.
            let taken = lines_of(file) > 1 && parts.iter().any(|p| first(p) == first(part));
            if !taken && !parts.iter().any(|p| p == part) {
                parts.push(part.to_vec());
            }
        }
        let mut new = parts.join(&b'\n');
        if !new.is_empty() {
            new.push(b'\n');
        }
        if new == old {
            continue;
        }
        let of_trigger = file.parent() == Some(Path::new(TRIGGERS))
            && file.file_name() != Some(OsStr::new(FILE));
        match new.is_empty() && of_trigger {
            // As dpkg leaves none where nobody is interested.
            true => disk.remove_file(&path)?,
            false => replace(disk, &path, &new)?,
        }
    }
    Ok(())
}

/// The texts of parts, by their file.
fn by_file<'p>(pieces: impl IntoIterator<Item = &'p Piece>) -> BTreeMap<&'p Path, Vec<&'p [u8]>> {
    let mut files: BTreeMap<&Path, Vec<&[u8]>> = BTreeMap::new();
    for piece in pieces {
        files.entry(&piece.file).or_default().push(&piece.text);
    }
    files
}

/// Of a diverted path: where it is instead, and the package whose the path itself is.
pub(super) type Diverted = (Vec<u8>, String);

/// All that is diverted, by path; all paths as merged `/usr` has them.
pub(super) fn diverted(admindir: &Path) -> Done<BTreeMap<Vec<u8>, Diverted>> {
    let text = content(&admindir.join(DIVERSIONS))?.unwrap_or_default();
    let all: Vec<&[u8]> = lines(&text).collect();
    let diversions = all.chunks_exact(3).filter_map(|d| match d {
        [from, to, by] => {
            let by = String::from_utf8_lossy(by).into_owned();
            Some((merged(from), (merged(to), by)))
        }
        _ => None,
    });
    Ok(diversions.collect())
}

/// Add the paths of a package's list.
pub(super) fn list(path: &Path, listed: &mut Listed) -> Done {
    let text = content(path)?.unwrap_or_default();
    listed.extend(lines(&text).map(merged));
    Ok(())
}
