//! Paths that a program has in it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where what packages bring is.
const TOPS: &[&str] = &[
    "usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt",
];

/// Directories that no package has for itself: that a program names one tells nothing.
const SHARED: &[&str] = &[
    "etc",
    "opt",
    "usr",
    "usr/bin",
    "usr/games",
    "usr/include",
    "usr/lib",
    "usr/lib32",
    "usr/lib64",
    "usr/libexec",
    "usr/libx32",
    "usr/local",
    "usr/sbin",
    "usr/share",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/man",
    "usr/src",
];

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-' | b'+' | b'@' | b'~')
}

/// The absolute paths in it below the directories packages bring things to, each once. Where a path is put together at
/// run time (`/usr/share/%s/x`) it is the directory that is known.
pub(super) fn paths(bytes: &[u8]) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::new();
    let mut from = 0;
    while let Some(at) = bytes
        .get(from..)
        .and_then(|rest| memchr::memchr(b'/', rest))
    {
        let start = from + at;
        let rest = bytes.get(start..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|b| !is_path_byte(*b))
            .unwrap_or(rest.len());
        from = start + end.max(1);
        let begins = start.checked_sub(1).and_then(|before| bytes.get(before));
        if begins.is_some_and(|b| is_path_byte(*b)) {
            continue;
        }
        let mut word = rest.get(..end).unwrap_or_default();
        if rest.get(end) == Some(&b'%') {
            let slash = word.iter().rposition(|b| *b == b'/').unwrap_or_default();
            word = word.get(..slash).unwrap_or_default();
        }
        let word = word.trim_ascii_end();
        let path: PathBuf = Path::new(OsStr::from_bytes(word)).components().collect();
        let top = path.components().nth(1);
        if top.is_some_and(|t| TOPS.iter().any(|top| t.as_os_str() == OsStr::new(top)))
            && !path
                .components()
                .any(|c| c == std::path::Component::ParentDir)
        {
            paths.insert(path);
        }
    }
    paths
}

/// As a payload has it: relative, in a merged /usr.
pub(super) fn merged(path: &Path) -> PathBuf {
    let relative = path.strip_prefix("/").unwrap_or(path);
    let own = ["usr", "etc", "opt"]
        .iter()
        .any(|top| relative.starts_with(top));
    match own {
        true => relative.into(),
        false => Path::new("usr").join(relative),
    }
}

/// Whether it is an interpreter's: that of a program is rewritten, its old name may still be in it.
pub(super) fn is_loader(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::as_bytes);
    name.is_some_and(|n| n.starts_with(b"ld-linux") || n.starts_with(b"ld.so."))
}

/// Whether all packages share it.
pub(super) fn is_shared(merged: &Path) -> bool {
    let is_triplet = || {
        let name = merged.strip_prefix("usr/lib").ok();
        let name = name.filter(|n| n.components().count() == 1);
        name.and_then(Path::to_str)
            .is_some_and(|n| n.contains("-linux-gnu"))
    };
    SHARED.iter().any(|s| merged == Path::new(s)) || is_triplet()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_program() {
        let bytes = b"\0/usr/share/foo/x\0PATH=/usr/bin:/bin\0../usr/no\0/usr/lib/%s/y\0/usr/../etc\0a/etc/no\0/etc/foo.conf.\n/proc/x\0//usr//share/b/\0/lib64/ld-linux-x86-64.so.2";
        let found: Vec<String> = paths(bytes)
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        assert_eq!(
            found,
            [
                "/bin",
                "/etc/foo.conf.",
                "/lib64/ld-linux-x86-64.so.2",
                "/usr/bin",
                "/usr/lib",
                "/usr/share/b",
                "/usr/share/foo/x"
            ]
        );
        assert_eq!(merged(Path::new("/bin/sh")), Path::new("usr/bin/sh"));
        assert!(is_shared(Path::new("usr/lib/x86_64-linux-gnu")));
        assert!(!is_shared(Path::new("usr/lib/x86_64-linux-gnu/foo")));
        assert!(is_loader(Path::new("/lib64/ld-linux-x86-64.so.2")));
    }
}
