//! `--set-selections` on a database that is there: of what is installed, `hold` or `install`.

use std::path::Path;

use super::{AdmindirError, read};
use crate::generation::Disk;

/// Have `wanted` tell, by name and architecture, what is wanted of packages; a new status file takes the old one's
/// place, which other generations may share.
pub fn select<'w>(
    disk: &Disk,
    dir: &Path,
    wanted: impl Fn(&str, &str) -> Option<&'w str>,
) -> Result<(), AdmindirError> {
    let path = dir.join("status");
    let old = read(&path)?;
    let new = selected(&old, wanted);
    if new == old {
        return Ok(());
    }
    let aside = dir.join("status-new");
    disk.remove_file(&aside)?;
    disk.write(&aside, &new)?;
    disk.rename(&aside, &path)?;
    Ok(disk.sync_dir(dir)?)
}

fn selected<'w>(status: &[u8], wanted: impl Fn(&str, &str) -> Option<&'w str>) -> Vec<u8> {
    let mut new = Vec::with_capacity(status.len());
    let mut rest = status;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\n\n").map_or(rest.len(), |at| at + 2);
        let (stanza, after) = rest.split_at(end);
        rest = after;
        let field = |name: &str| {
            let of = |line: &[u8]| {
                let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b": ")?;
                Some(String::from_utf8_lossy(value).into_owned())
            };
            stanza.split(|b| *b == b'\n').find_map(of)
        };
        let names = field("Package").zip(field("Architecture"));
        let word = names.and_then(|(name, arch)| wanted(&name, &arch));
        for line in stanza.split_inclusive(|b| *b == b'\n') {
            let ours = line.strip_prefix(b"Status: ").and_then(|status| {
                let rest = status
                    .strip_prefix(b"install ")
                    .or(status.strip_prefix(b"hold "))?;
                Some([b"Status: ", word?.as_bytes(), b" ", rest].concat())
            });
            new.extend_from_slice(ours.as_deref().unwrap_or(line));
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_and_let_go() {
        let status = "Package: a\nStatus: install ok installed\nArchitecture: amd64\nX: \u{e9}\n\n\
             Package: b\nStatus: deinstall ok config-files\nArchitecture: amd64\n\n\
             Package: c\nStatus: hold ok installed\nArchitecture: all\n\n";
        let word = |name: &str, arch: &str| match (name, arch) {
            ("a" | "b", "amd64") => Some("hold"),
            ("c", "all") => Some("install"),
            _ => None,
        };
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("status"), dir.path().join("other"));
        std::fs::write(&path, status).unwrap();
        std::fs::hard_link(&path, &other).unwrap();
        select(&Disk::default(), dir.path(), word).unwrap();
        let expected = status
            .replace("a\nStatus: install", "a\nStatus: hold")
            .replace("c\nStatus: hold", "c\nStatus: install");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), status);
    }
}
