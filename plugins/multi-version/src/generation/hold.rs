//! Use of a generation: a shared flock(2) on its manifest. It needs no lock, no file of its own and no
//! privilege, and ends with the process, or when it executes a program.
//!
//! Who removes a generation claims it first, exclusively; who holds it knows from then on that it stays. A
//! claim is made before processes are looked at, so a context is seen either as a hold or in mountinfo.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::{Done, GenerationError, Reader};
use crate::layout::{GenerationNumber, Layout, ViewName, inside};
use crate::manifest::{Manifest, ManifestError};

/// A generation that stays for as long as this lives.
#[derive(Debug)]
#[must_use]
pub struct Hold {
    _file: File,
}

impl Hold {
    /// Hold the current generation of a view; none, if it has none.
    pub fn current(layout: &Layout, view: &ViewName) -> Done<Option<(Hold, Manifest)>> {
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

    /// Hold a generation, and read what it holds.
    pub fn take(
        layout: &Layout,
        view: &ViewName,
        number: GenerationNumber,
    ) -> Done<(Hold, Manifest)> {
        let path = layout.generation(view, number).join(inside::MANIFEST);
        let none = || GenerationError::NoGeneration(view.clone(), number);
        let read = |path: &Path| -> io::Result<Option<(File, String)>> {
            let mut file = File::open(path)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
                Err(Errno::WOULDBLOCK) => return Ok(None),
                done => done?,
            }
            if file.metadata()?.nlink() == 0 {
                return Ok(None);
            }
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(Some((file, text)))
        };
        let (file, text) = match read(&path) {
            Ok(held) => held.ok_or_else(none)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(none()),
            Err(source) => return Err(GenerationError::Read { path, source }),
        };
        let manifest = Manifest::from_text(&text);
        let manifest = manifest.and_then(|m| match m.view == *view && m.number == number {
            true => Ok(m),
            false => Err(ManifestError::Stranger(format!("{view} {number}"))),
        });
        match manifest {
            Ok(manifest) => Ok((Hold { _file: file }, manifest)),
            Err(why) => Err(GenerationError::Manifest { path, why }),
        }
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
