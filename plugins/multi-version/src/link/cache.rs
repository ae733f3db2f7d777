//! `/etc/ld.so.cache`: where the host's libraries are that are in none of ld.so's own directories.
//!
//! glibc's `sysdeps/generic/dl-cache.h`, the format since 2.2: a header of 48 bytes with the number of entries, entries
//! of 24 bytes with the offsets of soname and path, then the strings. Numbers are in the machine's byte order.

/// What the format begins with; an older one may stand before it.
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;

/// The entries, in their order: soname and path. What is damaged has none.
pub(super) fn entries(raw: &[u8]) -> Vec<(&[u8], &[u8])> {
    let start = memchr::memmem::find(raw, MAGIC);
    let Some(raw) = start.and_then(|at| raw.get(at..)) else {
        return Vec::new();
    };
    let number = |at: usize| {
        let bytes = raw.get(at..)?.first_chunk::<4>()?;
        usize::try_from(u32::from_ne_bytes(*bytes)).ok()
    };
    let string = |at: usize| {
        let rest = raw.get(number(at)?..)?;
        rest.get(..memchr::memchr(0, rest)?)
    };
    let count = number(MAGIC.len()).unwrap_or(0).min(raw.len() / ENTRY);
    let entry = |n: usize| {
        let at = HEADER + n * ENTRY;
        Some((string(at + 4)?, string(at + 8)?))
    };
    (0..count).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_ldconfig_prints_them() {
        let Ok(raw) = std::fs::read("/etc/ld.so.cache") else {
            return not_run::not_run("no /etc/ld.so.cache");
        };
        let printed = std::process::Command::new("/sbin/ldconfig")
            .arg("-p")
            .output()
            .unwrap();
        let printed = String::from_utf8(printed.stdout).unwrap();
        let printed = printed.lines().filter_map(|line| {
            let (left, path) = line.split_once(" => ")?;
            Some((left.split_whitespace().next()?, path))
        });
        let text = |b| std::str::from_utf8(b).unwrap();
        let all = entries(&raw);
        let mut read: Vec<_> = all.iter().map(|(s, p)| (text(s), text(p))).collect();
        let mut printed: Vec<_> = printed.collect();
        read.sort_unstable();
        printed.sort_unstable();
        assert!(!read.is_empty());
        assert_eq!(read, printed);
        for cut in (0..raw.len()).step_by(raw.len() / 50 + 1) {
            entries(&raw[..cut]);
        }
    }
}
