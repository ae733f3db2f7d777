//! What differs from the .deb: the files of a realization against the package's md5sums, the rewritten ones as they
//! were before.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::undo::Records;
use super::{Done, LinkError, Linker, read_error};
use crate::layout::{RealizationId, inside, merged};

/// A file that is not as the .deb has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Relative to the payload.
    pub path: PathBuf,
    /// What is wrong.
    pub what: What,
}

/// What is wrong with a file, as `dpkg -V` tells it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is not there: `missing`.
    Missing,
    /// It is there, and why it can't be read.
    Unreadable(String),
    /// It is no file: `?M5??????`
    NoFile,
    /// Its content is another: `??5??????`
    Changed,
}

impl Linker<'_> {
    /// What of a realization differs from its .deb, sorted by path; without md5sums only what is missing is known.
    pub fn verify(&self, id: &RealizationId) -> Done<Vec<Verified>> {
        let Some(record) = self.record(id)? else {
            return Err(LinkError::NotMade(Box::new(id.clone())));
        };
        let facts = self.facts(&record.installation)?;
        let payload = self.layout.installation(&record.installation);
        let sums = md5sums(&payload.join(inside::MD5SUMS))?;
        let undo = Records::read(self.layout, id)?;
        let home = self.layout.realization(id);
        // What is in md5sums and not in the payload was never there.
        let wrong = facts.paths.iter().filter_map(|path| {
            let what = differs(&home.join(path), sums.get(path), |file| {
                match undo.of(path) {
                    None => digest(file),
                    Some(undo) => match undo.restore(&fs::read(file)?) {
                        Ok(bytes) => Ok(Some(format!("{:x}", Md5::digest(&bytes)))),
                        Err(_) => Ok(None),
                    },
                }
            })?;
            let path = path.clone();
            Some(Verified { path, what })
        });
        Ok(wrong.collect())
    }
}

/// What is wrong with a file that is to have a sum; `sum_of` tells its own, none if nothing can have it.
fn differs(
    file: &Path,
    sum: Option<&String>,
    sum_of: impl FnOnce(&Path) -> io::Result<Option<String>>,
) -> Option<What> {
    let unreadable = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => What::Missing,
        _ => What::Unreadable(e.to_string()),
    };
    let is = match fs::symlink_metadata(file) {
        Ok(is) => is,
        Err(e) => return Some(unreadable(e)),
    };
    let sum = sum?;
    if !is.is_file() {
        return Some(What::NoFile);
    }
    match sum_of(file) {
        Err(e) => Some(unreadable(e)),
        Ok(own) => (own.as_ref() != Some(sum)).then_some(What::Changed),
    }
}

fn digest(file: &Path) -> io::Result<Option<String>> {
    let mut md5 = Md5::new();
    io::copy(&mut File::open(file)?, &mut md5)?;
    Ok(Some(format!("{:x}", md5.finalize())))
}

/// The sums of a package's files, by their place in the store.
fn md5sums(path: &Path) -> Done<BTreeMap<PathBuf, String>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => return Err(read_error(path, source)),
    };
    let lines = text.split(|b| *b == b'\n').filter_map(|line| {
        let (sum, rest) = line.split_at_checked(32)?;
        let sum = std::str::from_utf8(sum).ok()?.to_ascii_lowercase();
        let path = rest.strip_prefix(b"  ").or(rest.strip_prefix(b" *"))?;
        Some((merged(Path::new(OsStr::from_bytes(path)))?, sum))
    });
    Ok(lines.collect())
}
