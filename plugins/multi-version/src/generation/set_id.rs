//! The set-user-id and set-group-id files of a generation, and those with capabilities: a list beside its manifest, of what its trees had when it was
//! made, whoever gave the bits. Only the current generation of a view has them, so that a hole which an update has closed
//! stays closed.
//!
//! ```text
//! views/VIEW/switching -> "N OLD"    before the bits of N are set: either may have them
//! views/VIEW/current -> gen/N
//! (switching goes)                   when the bits of the other one are taken back
//! ```

use std::fs;
use std::io;
use std::path::Path;

use super::files::is_there;
use super::{Done, GenerationError, Reader, Sys, read_error};
use crate::layout::{GenerationNumber, ViewName, inside};
use crate::manifest::SetId;
use crate::rootless::is_mapped;

impl Reader {
    /// The set-id files of a generation, relative to it.
    pub(crate) fn set_ids(&self, view: &ViewName, number: GenerationNumber) -> Done<Vec<SetId>> {
        let path = self.layout().generation(view, number).join(inside::SET_IDS);
        match fs::read_to_string(&path) {
            Ok(text) => {
                SetId::read_list(&text).map_err(|why| GenerationError::Manifest { path, why })
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(GenerationError::Read { path, source }),
        }
    }
}

impl Sys {
    /// Note down which set-id files a generation has, which is in `dir` yet.
    pub(crate) fn note_set_ids(&self, dir: &Path, set_ids: &[SetId]) -> Done {
        if set_ids.is_empty() {
            return Ok(());
        }
        let text = SetId::write_list(set_ids);
        Ok(self
            .disk
            .write(&dir.join(inside::SET_IDS), text.as_bytes())?)
    }

    /// Set the bits of a generation about to be current, if it has some. [`Sys::settle_set_ids`] is to follow.
    pub(super) fn grant_set_ids(&self, view: &ViewName, number: GenerationNumber) -> Done {
        let before = self.current(view)?.filter(|before| *before != number);
        let new = self.set_ids(view, number)?;
        let old = match before {
            // The current one can be damaged: then it is left.
            Some(before) => !self.set_ids(view, before).is_ok_and(|s| s.is_empty()),
            None => false,
        };
        if new.is_empty() && !old {
            return Ok(());
        }
        let numbers: Vec<String> = [Some(number), before]
            .into_iter()
            .flatten()
            .map(|n| n.to_string())
            .collect();
        let aside = self.layout().tmp().join("switching");
        self.replace_link(
            Path::new(&numbers.join(" ")),
            &aside,
            &self.layout().switching(view),
        )?;
        self.disk.sync_dir(&self.layout().view(view))?;
        let generation = self.layout().generation(view, number);
        for set_id in new.into_iter().filter(|_| !is_mapped()) {
            let owner = Some((set_id.uid, set_id.gid));
            self.disk.set_mode(
                &generation,
                &set_id.path,
                set_id.mode,
                owner,
                set_id.capability.as_deref(),
            )?;
        }
        Ok(())
    }

    /// After a switch, or one that was killed: no bits but in the current generation.
    pub(super) fn settle_set_ids(&self, view: &ViewName) -> Done {
        let note = self.layout().switching(view);
        let numbers = match fs::read_link(&note) {
            Ok(numbers) => numbers,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(GenerationError::Read { path: note, source }),
        };
        let current = self.current(view)?;
        let numbers = numbers.to_string_lossy();
        let numbers = numbers
            .split(' ')
            .filter_map(|n| n.parse::<GenerationNumber>().ok());
        for number in numbers.filter(|n| Some(*n) != current) {
            let generation = self.layout().generation(view, number);
            // What is half removed may have lost some, and nobody looks for the others.
            for set_id in self.set_ids(view, number)? {
                let path = generation.join(&set_id.path);
                if is_there(&path).map_err(read_error(&path))? {
                    let mode = set_id.mode & 0o1777;
                    self.disk
                        .set_mode(&generation, &set_id.path, mode, None, None)?;
                }
            }
        }
        Ok(self.disk.remove_file(&note)?)
    }
}
