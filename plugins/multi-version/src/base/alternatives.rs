//! Groups of alternatives: update-alternatives(1), FILES.
//!
//! A group is lent when a package of the base has one of its alternatives, and lent whole: `/etc/alternatives` shows from the
//! host, and so do the files that its links lead to.

use std::collections::BTreeMap;
use std::path::Path;

use super::pieces::{Listed, merged};
use super::{BaseError, Done, content, names, replace};
use crate::generation::{Disk, is_dir};
use crate::layout::Sha256;

const DIR: &str = "alternatives";

/// The alternatives of a group's file: mode, link, names and links of slaves up to an empty line; then of each its path,
/// its priority and the paths of its slaves.
fn alternatives(text: &[u8]) -> Vec<&[u8]> {
    let mut lines = text.split(|b| *b == b'\n').skip(2);
    let slaves = lines.by_ref().take_while(|l| !l.is_empty()).count() / 2;
    let rest: Vec<&[u8]> = lines.take_while(|l| !l.is_empty()).collect();
    rest.chunks(slaves + 2)
        .filter_map(|choice| choice.first().copied())
        .collect()
}

/// The groups that are about paths of these packages.
pub(super) fn about(admindir: &Path, listed: &Listed) -> Done<BTreeMap<String, Vec<u8>>> {
    let mut groups = BTreeMap::new();
    for name in names(&admindir.join(DIR))? {
        let Some(text) = content(&admindir.join(DIR).join(&name))? else {
            continue;
        };
        let of_base = |path: &&[u8]| listed.contains(&merged(path));
        let Ok(name) = name.into_string() else {
            continue;
        };
        if alternatives(&text).iter().any(of_base) {
            groups.insert(name, text);
        }
    }
    Ok(groups)
}

/// Have an admindir hold `now`; what it has of `before` otherwise, is its own, and stays. Gives what it has of the host's now.
pub(super) fn put(
    disk: &Disk,
    admindir: &Path,
    before: &BTreeMap<String, Sha256>,
    now: &BTreeMap<String, Vec<u8>>,
) -> Done<BTreeMap<String, Sha256>> {
    let dir = admindir.join(DIR);
    if !is_dir(&dir).map_err(|e| BaseError::read(&dir, e))? {
        disk.make_dir(&dir)?;
    }
    let mut lent = BTreeMap::new();
    for (name, text) in now {
        let path = dir.join(name);
        let is = content(&path)?;
        let theirs = is
            .as_ref()
            .is_none_or(|is| before.get(name) == Some(&Sha256::of(is)));
        // What was lent and is not there any more, the view has removed.
        if !theirs || is.is_none() && before.contains_key(name) {
            continue;
        }
        if is.as_ref() != Some(text) {
            replace(disk, &path, text)?;
        }
        lent.insert(name.clone(), Sha256::of(text));
    }
    for (name, hash) in before.iter().filter(|(name, _)| !now.contains_key(*name)) {
        let path = dir.join(name);
        if content(&path)?.is_some_and(|is| Sha256::of(&is) == *hash) {
            disk.remove_file(&path)?;
        }
    }
    // What the view has changed or removed stays noted: it is not lent again.
    for (name, hash) in before {
        if now.contains_key(name) {
            lent.entry(name.clone()).or_insert(*hash);
        }
    }
    Ok(lent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_of_a_group() {
        let text = b"auto\n/usr/bin/editor\neditor.1.gz\n/usr/share/man/man1/editor.1.gz\n\n/bin/nano\n40\n/usr/share/man/man1/nano.1.gz\n/usr/bin/vim.basic\n30\n\n\n";
        let paths = alternatives(text);
        assert_eq!(paths, [b"/bin/nano".as_slice(), b"/usr/bin/vim.basic"]);
        let plain =
            alternatives(b"manual\n/usr/bin/awk\n\n/usr/bin/mawk\n5\n/usr/bin/gawk\n10\n\n");
        assert_eq!(plain.len(), 2);
        assert!(alternatives(b"").is_empty() && alternatives(b"auto\n/x\n").is_empty());
    }
}
