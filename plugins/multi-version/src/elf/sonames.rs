//! Soname-shaped strings in what a file maps: candidates for dlopen.

use std::collections::BTreeSet;

use super::image::Image;

/// No soname is longer than a file name.
const LONGEST: usize = 255;

/// Every `NAME.so` and `NAME.so.1.2` in the contents of the segments, without directories, but
/// what the dynamic table itself needs or provides.
pub fn mentioned(image: &Image) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for load in image.loads() {
        if let Some(raw) = image.contents(load) {
            scan(&raw, &mut found);
        }
    }
    if let Ok(info) = super::info::DynamicInfo::of(image) {
        for known in info.needed.iter().chain(&info.soname) {
            found.remove(known);
        }
    }
    found
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.')
}

fn scan(raw: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    for at in memchr::memmem::find_iter(raw, b".so") {
        let (before, after) = raw.split_at(at);
        let before = before.get(before.len().saturating_sub(LONGEST)..);
        let before = before.unwrap_or_default();
        let start = before
            .iter()
            .rposition(|b| !in_name(*b))
            .map_or(0, |n| n + 1);
        let stem = before.get(start..).unwrap_or_default();
        let Some(rest) = after.get(3..) else { continue };
        let version = version_len(rest);
        // A letter behind it makes it another word: `.socket`, `.sort`.
        let ended = rest.get(version).is_none_or(|b| !in_name(*b) || *b == b'.');
        if stem.iter().any(u8::is_ascii_alphanumeric) && ended {
            let tail = after.get(..3 + version).unwrap_or_default();
            found.insert([stem, tail].concat());
        }
    }
}

/// How much of `rest` is `.1.2.3`.
fn version_len(rest: &[u8]) -> usize {
    let mut len = 0;
    while let Some([b'.', digits @ ..]) = rest.get(len..) {
        match digits.iter().take_while(|b| b.is_ascii_digit()).count() {
            0 => break,
            n => len += n + 1,
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_among_other_words() {
        let mut found = BTreeSet::new();
        scan(
            b"\0/usr/lib/libssl.so.3\0x.socket\0.so\0libstdc++.so.6;mod_a.so\0lib%s.so.1\0liba.so.\0libb.so.1x",
            &mut found,
        );
        let texts: Vec<&str> = found
            .iter()
            .map(|f| std::str::from_utf8(f).unwrap())
            .collect();
        assert_eq!(
            texts,
            [
                "liba.so",
                "libssl.so.3",
                "libstdc++.so.6",
                "mod_a.so",
                "s.so.1"
            ]
        );
    }
}
