//! A tree or a database, written down so that two of them compare as text.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

/// Everything below some directories: label of the path to its description.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The descriptions.
    pub entries: BTreeMap<String, String>,
    hashed: bool,
    links_within: bool,
}

/// Files up to this size are written out, larger ones as a hash.
const WRITTEN_OUT: usize = 65536;

/// Seconds since the epoch from which on a time means "during this run". The last few seconds
/// belong to it, since that is when the sandbox was made.
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs() as i64 - 10)
}

impl Snapshot {
    /// One that notes the contents of all files as hashes, for large trees.
    pub fn hashed() -> Snapshot {
        Snapshot {
            hashed: true,
            ..Snapshot::default()
        }
    }

    /// One that counts only the links that it has seen: files may have others where nobody looks.
    pub fn with_links_within() -> Snapshot {
        Snapshot {
            links_within: true,
            ..Snapshot::default()
        }
    }

    /// One made of what was noted before.
    pub fn of(entries: BTreeMap<String, String>) -> Snapshot {
        Snapshot {
            entries,
            ..Snapshot::default()
        }
    }

    /// Adds everything below `dir`, each path named `label` + its path below `dir`. Times from
    /// `since` on read `now`; `skip` says which names (below `dir`, no leading slash) to leave out.
    pub fn walk(&mut self, label: &str, dir: &Path, since: i64, skip: &dyn Fn(&str) -> bool) {
        let mut found = Vec::new();
        self.walk_in(label, dir, "", since, skip, &mut found);
        let mut links: HashMap<u64, (String, u64)> = HashMap::new();
        for (one, inode, _) in found.iter().filter_map(|f| f.linked.as_ref()) {
            let first = || (one.clone(), 0);
            links.entry(*inode).or_insert_with(first).1 += 1;
        }
        for found in found {
            let of = found.linked.and_then(|(_, inode, all)| {
                let (first, here) = links.get(&inode)?;
                let count = if self.links_within { *here } else { all };
                (count > 1).then(|| format!(" links={count} of {first}"))
            });
            let text = found.head + &of.unwrap_or_default() + &found.tail;
            self.entries.insert(found.key, text);
        }
        self.read_journal();
    }

    /// Puts the last note of each package in the place of the files of a journal: that is what whoever
    /// reads it gets, however many notes there were.
    fn read_journal(&mut self) {
        let is_note = |key: &str| {
            let (dir, name) = key.rsplit_once('/')?;
            let numbered = name.len() == 4 && name.bytes().all(|b| b.is_ascii_digit());
            (numbered && dir.ends_with("/var/lib/dpkg/updates")).then_some(dir.to_owned())
        };
        let keys: Vec<String> = self.entries.keys().cloned().collect();
        for key in keys {
            let Some(dir) = is_note(&key) else { continue };
            let Some(text) = self.entries.get(&key) else {
                continue;
            };
            let field = |name: &str| {
                let mut lines = text.lines();
                lines.find_map(|l| Some(l.strip_prefix("    | ")?.strip_prefix(name)?.to_owned()))
            };
            // What is no note stays as it is.
            let (Some(package), Some(arch)) = (field("Package: "), field("Architecture: ")) else {
                continue;
            };
            if let Some(text) = self.entries.remove(&key) {
                let note = format!("{dir}/note of {package}:{arch}");
                self.entries.insert(note, text);
            }
        }
    }

    fn walk_in(
        &self,
        label: &str,
        dir: &Path,
        below: &str,
        since: i64,
        skip: &dyn Fn(&str) -> bool,
        found: &mut Vec<Found>,
    ) {
        let Ok(entries) = fs::read_dir(dir) else {
            return;
        };
        let mut entries: Vec<_> = entries.flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let below = format!("{below}/{}", escape(name.as_bytes()));
            if skip(&below[1..]) {
                continue;
            }
            let path = entry.path();
            let Ok(meta) = fs::symlink_metadata(&path) else {
                continue;
            };
            let limit = if self.hashed { 0 } else { WRITTEN_OUT };
            let (head, tail) = describe(&path, &meta, since, limit);
            let linked = !meta.is_dir() && meta.nlink() > 1 && head != "removed";
            found.push(Found {
                key: normalise(&format!("{label}{below}")),
                head,
                tail,
                linked: linked.then(|| (below.clone(), meta.ino(), meta.nlink())),
            });
            if meta.is_dir() {
                self.walk_in(label, &path, &below, since, skip, found);
            }
        }
    }

    /// What changed from `before` to `self`, as lines.
    pub fn changes(&self, before: &Snapshot) -> String {
        let mut out = String::new();
        let keys: BTreeSet<_> = before.entries.keys().chain(self.entries.keys()).collect();
        for key in keys {
            match (before.entries.get(key), self.entries.get(key)) {
                (Some(_), None) => out.push_str(&format!("  gone {key}\n")),
                (old, Some(new)) if old != Some(new) => {
                    out.push_str(&format!("  {key} {new}\n"));
                }
                _ => {}
            }
        }
        out
    }
}

/// A path that a walk came by.
struct Found {
    key: String,
    /// What comes before its links, and behind.
    head: String,
    tail: String,
    /// Of what has several names: where it is, its inode and how many these are.
    linked: Option<(String, u64, u64)>,
}

fn describe(path: &Path, meta: &fs::Metadata, since: i64, limit: usize) -> (String, String) {
    let kind = meta.file_type();
    let mut out = format!("{:04o} {}:{}", meta.mode() & 0o7777, meta.uid(), meta.gid());
    if kind.is_char_device() && meta.rdev() == 0 {
        // What overlayfs keeps in place of a removed file of the stock system.
        return ("removed".into(), String::new());
    }
    let time = if meta.mtime() >= since {
        "now".to_owned()
    } else {
        meta.mtime().to_string()
    };
    out.push_str(&format!(" @{time}"));
    let (name, tail) = if kind.is_dir() {
        ("dir", String::new())
    } else if kind.is_symlink() {
        let target = fs::read_link(path).unwrap_or_default();
        // The mode of a symlink means nothing.
        (
            "link",
            format!(" -> {}", escape(target.as_os_str().as_bytes())),
        )
    } else if kind.is_fifo() {
        ("fifo", String::new())
    } else if kind.is_socket() {
        ("socket", String::new())
    } else if kind.is_char_device() || kind.is_block_device() {
        let dev = meta.rdev();
        let (major, minor) = (nix::sys::stat::major(dev), nix::sys::stat::minor(dev));
        let name = if kind.is_char_device() { "chr" } else { "blk" };
        (name, format!(" {major},{minor}"))
    } else {
        ("file", format!(" {}", content(path, limit)))
    };
    (format!("{name} {out}"), tail)
}

fn content(path: &Path, limit: usize) -> String {
    let data = match fs::read(path) {
        Ok(data) => data,
        Err(e) => return format!("unreadable: {e}"),
    };
    if data.is_empty() {
        return "empty".into();
    }
    match std::str::from_utf8(&data) {
        Ok(text) if data.len() <= limit && !text.contains('\0') => {
            let mut out = String::new();
            for line in text.lines() {
                out.push_str("\n    | ");
                out.push_str(&normalise(line));
            }
            if !text.ends_with('\n') {
                out.push_str("\n    \\ no newline at end");
            }
            out
        }
        _ => format!("{} bytes sha256:{}", data.len(), hex(&data)),
    }
}

/// The first bytes of the SHA-256 of `data`, in hexadecimal.
pub fn hex(data: &[u8]) -> String {
    Sha256::digest(data)
        .iter()
        .take(12)
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Bytes of a name as printable text.
pub fn escape(bytes: &[u8]) -> String {
    bytes
        .escape_ascii()
        .to_string()
        .replace("\\'", "'")
        .replace("\\\"", "\"")
}

/// Takes out of a line what differs between any two runs: dates, process numbers, random names.
pub fn normalise(line: &str) -> String {
    let mut out = shape(line, b"dddd-dd-dd dd:dd:dd", "DATE TIME");
    out = shape(&out, b" dd:dd ", " HH:MM ");
    for (lead, tail) in [
        ("pid ", "PID"),
        ("process ", "PID"),
        ("pipe:[", "N"),
        ("/proc/", "PID"),
    ] {
        out = digits_after(&out, lead, tail);
    }
    for lead in ["/dpkg-deb.", "/dpkg.", "/dpkg-divert."] {
        out = random_after(&out, lead);
    }
    out
}

/// Puts `with` where the line has the shape, in which `d` is any digit.
fn shape(line: &str, shape: &[u8], with: &str) -> String {
    let fits = |s: &[u8]| {
        s.iter().zip(shape).all(|(b, d)| {
            if *d == b'd' {
                b.is_ascii_digit()
            } else {
                b == d
            }
        })
    };
    match line.as_bytes().windows(shape.len()).position(fits) {
        Some(at) => {
            let rest = self::shape(&line[at + shape.len()..], shape, with);
            format!("{}{with}{rest}", &line[..at])
        }
        None => line.to_owned(),
    }
}

fn digits_after(text: &str, lead: &str, with: &str) -> String {
    let Some(at) = text.find(lead) else {
        return text.to_owned();
    };
    let rest = &text[at + lead.len()..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let with = if end == 0 { "" } else { with };
    format!(
        "{}{with}{}",
        &text[..at + lead.len()],
        digits_after(&rest[end..], lead, with)
    )
}

fn random_after(text: &str, lead: &str) -> String {
    let Some(at) = text.find(lead) else {
        return text.to_owned();
    };
    let (head, rest) = text.split_at(at + lead.len());
    match rest.get(..6) {
        Some(r) if r.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            format!("{head}RANDOM{}", random_after(&rest[6..], lead))
        }
        _ => format!("{head}{}", random_after(rest, lead)),
    }
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn what_differs_between_runs_goes() {
        assert_eq!(
            normalise("2026-11-21 03:10:00 status installed x"),
            "DATE TIME status installed x"
        );
        assert_eq!(normalise("by pid 4711"), "by pid PID");
        assert_eq!(normalise("the pid file"), "the pid file");
        assert_eq!(
            normalise("/tmp/dpkg-deb.aB3dE9/control"),
            "/tmp/dpkg-deb.RANDOM/control"
        );
        assert_eq!(normalise("/var/lib/dpkg.x"), "/var/lib/dpkg.x");
    }
}
