//! What the next command does after one that was killed.

use std::path::Path;
use std::str::FromStr;

use super::files::{entries, is_dir, is_there};
use super::{Done, Sys, read_error};
use crate::layout::{GenerationNumber, InstallationId, RealizationId, inside};

impl Sys {
    /// Clear `tmp/`, finish removals, and take set-id bits back that a switch left behind. Of what is
    /// not named as we name things, nothing is touched.
    pub(super) fn recover(&self) -> Done {
        let tmp = self.layout().tmp();
        for name in entries(&tmp)? {
            self.disk.remove_tree(&tmp.join(name))?;
        }
        let layout = self.layout();
        self.finish_removals(
            &layout.store(),
            inside::INSTALLATION,
            None::<InstallationId>,
        )?;
        self.finish_removals(
            &layout.realizations(),
            inside::REALIZATION,
            None::<RealizationId>,
        )?;
        // Programs look below it, and a context needs something to put its own on.
        self.follow_system()?;
        for view in self.view_names()? {
            let generations = self.layout().generations(&view);
            if is_dir(&generations).map_err(read_error(&generations))? {
                let current: Option<GenerationNumber> = self.current(&view)?;
                self.finish_removals(&generations, inside::MANIFEST, current)?;
            }
            self.settle_set_ids(&view)?;
        }
        Ok(())
    }

    /// `current` is never removed: a removal does not begin with it.
    fn finish_removals<T: FromStr + PartialEq>(
        &self,
        dir: &Path,
        metadata: &str,
        current: Option<T>,
    ) -> Done {
        for name in entries(dir)? {
            let id: Option<T> = name.to_str().and_then(|n| n.parse().ok());
            let path = dir.join(&name);
            if id.is_none() || id == current {
                continue;
            }
            let metadata = path.join(metadata);
            if !is_there(&metadata).map_err(read_error(&metadata))? {
                self.disk.remove_tree(&path)?;
            }
        }
        Ok(())
    }
}
