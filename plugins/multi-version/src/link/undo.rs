//! `inst/ID/DEBIAN/undo`: how the .deb's bytes of the rewritten files are had back.
//!
//! A record for each rewritten inode with the paths that name it: [`MAGIC`], then entries of counts and lengths
//! as four bytes each (little-endian), then the SHA-256 of all before it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::{Done, LinkError, read_error};
use crate::elf::{Undo, UndoError};
use crate::layout::{Layout, RealizationId, Sha256, inside};

const MAGIC: &[u8; 4] = b"MVu\x01";
/// Its digits.
const HASH: usize = 64;

/// The records of a realization.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    /// The paths of an inode, and the way back.
    entries: Vec<(Vec<PathBuf>, Undo)>,
}

impl Records {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Add a file by the first of its paths; returns its number.
    pub fn add(&mut self, path: PathBuf, undo: Undo) -> usize {
        self.entries.push((vec![path], undo));
        self.entries.len() - 1
    }

    /// Add another path of a file.
    pub fn also(&mut self, number: usize, path: PathBuf) {
        if let Some((paths, _)) = self.entries.get_mut(number) {
            paths.push(path);
        }
    }

    /// The way back of a file, if it was rewritten.
    pub fn of(&self, path: &Path) -> Option<&Undo> {
        let has = |paths: &[PathBuf]| paths.iter().any(|p| p == path);
        let found = self.entries.iter().find(|(paths, _)| has(paths));
        found.map(|(_, undo)| undo)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        // No path or record is near four GiB: the files themselves are in memory while they are rewritten.
        let number = |out: &mut Vec<u8>, n: usize| out.extend((n as u32).to_le_bytes());
        for (paths, undo) in &self.entries {
            number(&mut out, paths.len());
            for path in paths {
                let path = path.as_os_str().as_bytes();
                number(&mut out, path.len());
                out.extend_from_slice(path);
            }
            let undo = undo.encode();
            number(&mut out, undo.len());
            out.extend_from_slice(&undo);
        }
        let hash = Sha256::of(&out);
        out.extend(hash.to_string().into_bytes());
        out
    }

    pub fn decode(raw: &[u8]) -> Result<Records, UndoError> {
        let damaged = UndoError::Damaged;
        let split = raw.len().checked_sub(HASH).ok_or(damaged)?;
        let (body, hash) = raw.split_at_checked(split).ok_or(damaged)?;
        if Sha256::of(body).to_string().as_bytes() != hash {
            return Err(damaged);
        }
        let mut rest = body.strip_prefix(MAGIC).ok_or(damaged)?;
        let mut records = Records::default();
        while !rest.is_empty() {
            let mut paths = Vec::new();
            for _ in 0..number(&mut rest)? {
                paths.push(OsString::from_vec(piece(&mut rest)?.to_vec()).into());
            }
            let undo = Undo::decode(piece(&mut rest)?)?;
            records.entries.push((paths, undo));
        }
        Ok(records)
    }

    /// Those of a realization; none, if nothing of it was rewritten.
    pub fn read(layout: &Layout, id: &RealizationId) -> Done<Records> {
        let path = layout.realization(id).join(inside::UNDO);
        let raw = match std::fs::read(&path) {
            Ok(raw) => raw,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Records::default()),
            Err(source) => return Err(read_error(&path, source)),
        };
        Records::decode(&raw).map_err(|why| LinkError::Undo { path, why })
    }

    /// The .deb's bytes of a file of a realization.
    pub fn restore(&self, layout: &Layout, id: &RealizationId, path: &Path) -> Done<Vec<u8>> {
        let file = layout.realization(id).join(path);
        let raw = std::fs::read(&file).map_err(|e| read_error(&file, e))?;
        match self.of(path) {
            None => Ok(raw),
            Some(undo) => undo
                .restore(&raw)
                .map_err(|why| LinkError::Undo { path: file, why }),
        }
    }
}

fn number(rest: &mut &[u8]) -> Result<usize, UndoError> {
    let (head, tail) = rest.split_first_chunk::<4>().ok_or(UndoError::Damaged)?;
    *rest = tail;
    usize::try_from(u32::from_le_bytes(*head)).map_err(|_| UndoError::Damaged)
}

fn piece<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], UndoError> {
    let len = number(rest)?;
    let (head, tail) = rest.split_at_checked(len).ok_or(UndoError::Damaged)?;
    *rest = tail;
    Ok(head)
}

/// The .deb's bytes of a file of a realization, rewritten or not.
pub fn restore(layout: &Layout, id: &RealizationId, path: &Path) -> Done<Vec<u8>> {
    Records::read(layout, id)?.restore(layout, id, path)
}
