//! A path and a word about it, line by line.

use std::path::{Path, PathBuf};

use super::ManifestError;
use super::path::{escape, unescape};
use super::stanza::{seal, unseal};

/// As it is written.
pub(crate) fn write<'l>(all: impl Iterator<Item = (&'l Path, &'l str)>) -> String {
    let lines = all.map(|(path, word)| format!("{} {word}\n", escape(path)));
    seal(lines.collect())
}

/// As it was written.
pub(crate) fn read(text: &str) -> Result<Vec<(PathBuf, String)>, ManifestError> {
    let mut all = Vec::new();
    for (number, line) in unseal(text)?.lines().enumerate() {
        let split = line.split_once(' ');
        let (path, word) = split.ok_or(ManifestError::Line(number + 1))?;
        let path = unescape(path).map_err(|_| ManifestError::Line(number + 1))?;
        all.push((path, word.into()));
    }
    Ok(all)
}
