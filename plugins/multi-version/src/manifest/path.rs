//! A path in a line: bytes that are not graphic ASCII, and `%`, are `%xx`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

pub(crate) fn escape(path: &Path) -> String {
    let mut word = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' => word.push_str("%25"),
            b if b.is_ascii_graphic() => word.push(char::from(*b)),
            b => word.push_str(&format!("%{b:02x}")),
        }
    }
    word
}

/// A path relative to a payload, without `..`.
pub(crate) fn unescape(word: &str) -> Result<PathBuf, String> {
    let path = unescape_any(word)?;
    match is_below(&path) {
        true => Ok(path),
        false => Err(format!("'{word}' is not a path below the payload")),
    }
}

/// Any path.
pub(crate) fn unescape_any(word: &str) -> Result<PathBuf, String> {
    let mut bytes = Vec::new();
    let mut rest = word.as_bytes();
    while let [head, tail @ ..] = rest {
        rest = tail;
        if *head != b'%' {
            bytes.push(*head);
            continue;
        }
        let digits = rest.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        let byte = digits.and_then(|d| u8::from_str_radix(d, 16).ok());
        bytes.push(byte.ok_or_else(|| format!("'{word}' is cut after a %"))?);
        rest = rest.get(2..).unwrap_or_default();
    }
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

/// Whether a path stays below where it starts.
pub(crate) fn is_below(path: &Path) -> bool {
    let normal = |c: Component| matches!(c, Component::Normal(_));
    path.components().next().is_some() && path.components().all(normal)
}
