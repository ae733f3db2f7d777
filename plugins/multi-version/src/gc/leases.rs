//! `leases/NAME`: what a running command uses, a name per line. It is held by a flock(2), which
//! ends with the command (and its children, if they inherit it), however that comes about.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::GcError;
use crate::generation::Sys;
use crate::layout::{Layout, StoreKey};

/// A lease. Dropped, it goes on for as long as a child has its file open.
#[derive(Debug)]
pub struct Lease {
    file: File,
}

impl Lease {
    /// Lease these to this process. Under the lock, so that none of them is being collected.
    pub fn take(sys: &Sys, keys: &BTreeSet<StoreKey>) -> Result<Lease, GcError> {
        let leases = sys.layout().leases();
        let pid = std::process::id();
        let mut path = PathBuf::new();
        let mut found = None;
        for number in 0..=u16::MAX {
            path = leases.join(format!("{pid}-{number}"));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                opened => {
                    found = Some(opened);
                    break;
                }
            }
        }
        let exhausted = || Err(io::Error::from(io::ErrorKind::AlreadyExists));
        let written = found.unwrap_or_else(exhausted).and_then(|mut file| {
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
            let lines: Vec<String> = keys.iter().map(|k| format!("{k}\n")).collect();
            file.write_all(lines.concat().as_bytes())?;
            Ok(file)
        });
        match written {
            Ok(file) => Ok(Lease { file }),
            Err(e) => Err(GcError::read(path, e)),
        }
    }

    /// The open file that holds it, to be inherited by what the lease is for.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// End it, whoever has its file open.
    pub fn end(self) {
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

/// What a lease file's holder uses; none, if it has none.
pub(super) fn held(layout: &Layout, path: &Path) -> Result<Option<BTreeSet<StoreKey>>, GcError> {
    let read = || -> io::Result<Option<String>> {
        let file = File::open(path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Some(fs::read_to_string(path)?)),
            Err(e) => Err(e.into()),
        }
    };
    let Some(text) = read().map_err(|e| GcError::read(path, e))? else {
        return Ok(None);
    };
    let key = |line: &str| layout.key_of(&layout.root().join(line));
    let keys = text.lines().map(|line| key(line).ok_or(()));
    let keys: Result<BTreeSet<StoreKey>, ()> = keys.collect();
    keys.map(Some).map_err(|()| GcError::Nameless(path.into()))
}
