//! A whole tree, written down as often as a step is done: a file that was read once is not read again.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::elf;
use super::record::Subjects;
use crate::snapshot::{escape, hex};
use crate::{During, Res};

/// Paths, with what is below them, that say nothing of a package.
const ASIDE: [(&str, &str); 17] = [
    ("/proc", "of the kernel"),
    ("/sys", "of the kernel"),
    ("/dev", "of the kernel"),
    ("/tmp", "the host's, and whoever uses it cleans it up"),
    ("/var/tmp", "the host's, and whoever uses it cleans it up"),
    ("/debs", "the harness's packages"),
    ("/var/sys", "where views are kept"),
    (
        "/var/lib/dpkg",
        "dpkg's database, which is compared by asking it",
    ),
    ("/var/log/dpkg.log", "times; the world's own"),
    ("/var/log/apt", "times; the world's own"),
    (
        "/var/lib/apt",
        "apt's own; its marks are compared by asking it",
    ),
    ("/var/cache/apt", "apt's own"),
    (
        "/etc/ld.so.cache",
        "of the loader, whose finds are shown by the programs",
    ),
    ("/var/cache/ldconfig", "of the loader"),
    (
        "/var/cache/debconf/config.dat-old",
        "a backup of answers, which are compared one by one",
    ),
    (
        "/var/cache/debconf/templates.dat-old",
        "a backup of templates",
    ),
    ("/etc/.pwd.lock", "a lock"),
];

/// Files whose entries are compared one by one, as other subjects.
pub const ENTRIES: [&str; 8] = [
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/var/cache/debconf/config.dat",
    "/var/cache/debconf/templates.dat",
];

fn aside(path: &str) -> bool {
    let backup = path.strip_suffix('-').unwrap_or_default();
    ASIDE.iter().any(|a| a.0 == path) || ENTRIES[..6].contains(&backup)
}

/// What makes a file the one that was read before: it can't be changed without its change time.
type Same = (u64, u64, i64, i64, i64, i64);

/// Writes trees down.
#[derive(Default)]
pub struct Trees(HashMap<Same, String>);

impl Trees {
    /// Adds everything below `root` but what is aside, each as `path /…`.
    pub fn walk(&mut self, root: &Path, out: &mut Subjects) -> Res<()> {
        self.walk_in(root, "", out)
    }

    fn walk_in(&mut self, root: &Path, below: &str, out: &mut Subjects) -> Res<()> {
        let dir = root.join(below.trim_start_matches('/'));
        for entry in fs::read_dir(&dir).during(dir.display())? {
            let entry = entry.during(dir.display())?;
            let path = format!("{below}/{}", entry.file_name().to_string_lossy());
            if aside(&path) {
                continue;
            }
            if let Some(what) = self.describe(&entry.path(), &path) {
                let dir = what.starts_with("dir ");
                let name = escape(path.as_bytes());
                out.insert(format!("path {name}"), what);
                if dir {
                    self.walk_in(root, &path, out)?;
                }
            }
        }
        Ok(())
    }

    /// Type, mode, owner, link target and content of what is at `at`, known as `path`; none if nothing is there.
    pub fn describe(&mut self, at: &Path, path: &str) -> Option<String> {
        let meta = fs::symlink_metadata(at).ok()?;
        let kind = meta.file_type();
        let owner = format!("{}:{}", meta.uid(), meta.gid());
        let head = format!("{:04o} {owner}", meta.mode() & 0o7777);
        Some(if kind.is_dir() {
            format!("dir {head}")
        } else if kind.is_symlink() {
            let target = fs::read_link(at).ok()?;
            format!("link {owner} -> {}", escape(target.as_os_str().as_bytes()))
        } else if kind.is_fifo() {
            format!("fifo {head}")
        } else if kind.is_socket() {
            format!("socket {head}")
        } else if kind.is_char_device() || kind.is_block_device() {
            let rdev = meta.rdev();
            let (major, minor) = (nix::sys::stat::major(rdev), nix::sys::stat::minor(rdev));
            format!("device {head} {major},{minor}")
        } else if ENTRIES.contains(&path) {
            format!("file {head} entries")
        } else {
            format!("file {head} {}", self.content(at, &meta))
        })
    }

    fn content(&mut self, at: &Path, meta: &fs::Metadata) -> String {
        let key = (
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
        );
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let content = match fs::read(at) {
            Ok(data) if data.is_empty() => "empty".to_owned(),
            Ok(data) => match elf::unlinked(&data) {
                Some(unlinked) => format!("{} elf:{unlinked}", hex(&data)),
                None => hex(&data),
            },
            Err(e) => format!("unreadable: {e}"),
        };
        self.0.insert(key, content.clone());
        content
    }
}

/// A description without what linking changes.
pub fn unlinked(description: &str) -> String {
    match description.rsplit_once(" elf:") {
        Some((head, elf)) => {
            let head = head.rsplit_once(' ').map_or(head, |h| h.0);
            format!("{head} elf:{elf}")
        }
        None => description.to_owned(),
    }
}

/// A description without a file's content.
pub fn shape(description: &str) -> &str {
    match description.strip_prefix("file ") {
        Some(rest) => {
            let end = rest.match_indices(' ').nth(1).map_or(rest.len(), |m| m.0);
            &description[.."file ".len() + end]
        }
        None => description,
    }
}

#[cfg(test)]
mod tests {
    use super::{aside, shape, unlinked};

    #[test]
    fn descriptions_without_a_part() {
        let file = "file 0644 0:0 abc elf:def";
        assert_eq!(shape(file), "file 0644 0:0");
        assert_eq!(shape("link 0:0 -> x y"), "link 0:0 -> x y");
        assert_eq!(unlinked(file), "file 0644 0:0 elf:def");
        assert_eq!(unlinked("file 0644 0:0 abc"), "file 0644 0:0 abc");
    }

    #[test]
    fn backups_of_accounts_are_aside() {
        assert!(aside("/etc/shadow-") && !aside("/etc/shadow") && !aside("/etc/x-"));
    }
}
