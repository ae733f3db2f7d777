//! Use of a generation: a shared flock(2) on its manifest. It needs no lock, no file of its own and no
//! privilege, and ends with the process, or when it executes a program.
//!
//! Who removes a generation claims it first, exclusively; who holds it knows from then on that it stays. A
//! claim is made before processes are looked at, so a context is seen either as a hold or in mountinfo.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::reading::read_manifest;
use super::{Done, GenerationError, Reader};
use crate::layout::{GenerationNumber, Layout, ViewName, inside};
use crate::manifest::Manifest;

/// A generation that stays for as long as this lives.
#[derive(Debug)]
#[must_use]
pub struct Hold {
    /// Its manifest.
    file: File,
    path: PathBuf,
    view: ViewName,
    number: GenerationNumber,
}

impl Hold {
    /// Hold the current generation of a view; none, if it has none.
    pub fn current(layout: &Layout, view: &ViewName) -> Done<Option<Hold>> {
        let reader = Reader::new(layout.clone());
        loop {
            let Some(number) = reader.current(view)? else {
                return Ok(None);
            };
            match Hold::take(layout, view, number) {
                // It was switched and collected in between.
                Err(GenerationError::NoGeneration(..)) if reader.current(view)? != Some(number) => {
                }
                held => return held.map(Some),
            }
        }
    }

    /// Hold a generation.
    pub fn take(layout: &Layout, view: &ViewName, number: GenerationNumber) -> Done<Hold> {
        let path = layout.generation(view, number).join(inside::MANIFEST);
        let none = || GenerationError::NoGeneration(view.clone(), number);
        let hold = |path: &Path| -> io::Result<Option<File>> {
            let file = File::open(path)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
                Err(Errno::WOULDBLOCK) => return Ok(None),
                done => done?,
            }
            let there = file.metadata()?.nlink() > 0;
            Ok(Some(file).filter(|_| there))
        };
        let file = match hold(&path) {
            Ok(held) => held.ok_or_else(none)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(none()),
            Err(source) => return Err(GenerationError::Read { path, source }),
        };
        Ok(Hold {
            file,
            path,
            view: view.clone(),
            number,
        })
    }

    /// Which.
    pub fn number(&self) -> GenerationNumber {
        self.number
    }

    /// What it holds: who only enters it need not read that.
    pub fn manifest(&self) -> Done<Manifest> {
        let mut text = String::new();
        let read = (&self.file).read_to_string(&mut text);
        read.map_err(|source| GenerationError::Read {
            path: self.path.clone(),
            source,
        })?;
        read_manifest(self.path.clone(), &text, &self.view, self.number)
    }
}

/// A generation nobody holds, nor can, for as long as this lives.
#[derive(Debug)]
#[must_use]
pub(crate) struct Claim {
    _file: File,
}

impl Claim {
    /// Claim the generation in a directory; none, if somebody holds it.
    pub(crate) fn of(generation: &Path) -> io::Result<Option<Claim>> {
        let file = File::open(generation.join(inside::MANIFEST))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            done => Ok(Some({
                done?;
                Claim { _file: file }
            })),
        }
    }
}
