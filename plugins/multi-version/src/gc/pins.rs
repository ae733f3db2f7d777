//! `roots/PIN`: a symbolic link to what a person wants kept, absolute or from the layout's root.

use std::path::Path;

use super::GcError;
use crate::generation::{GenerationError, Sys, is_dir};
use crate::layout::{Pin, StoreKey};

impl Sys {
    /// Keep something under this name, instead of what was kept under it.
    pub fn pin(&self, pin: &Pin, key: &StoreKey) -> Result<(), GcError> {
        let path = self.layout().root().join(key.to_string());
        if !is_dir(&path).map_err(|e| GcError::read(&path, e))? {
            return Err(GcError::Nameless(path));
        }
        let roots = self.layout().roots();
        let aside = self.layout().tmp().join("pin");
        self.replace_link(
            Path::new(&key.to_string()),
            &aside,
            &roots.join(pin.as_str()),
        )?;
        Ok(self
            .disk()
            .sync_dir(&roots)
            .map_err(GenerationError::from)?)
    }

    /// Keep it no longer on this account. No pin of this name is fine.
    pub fn unpin(&self, pin: &Pin) -> Result<(), GcError> {
        let roots = self.layout().roots();
        let removed = self.disk().remove_file(&roots.join(pin.as_str()));
        let durable = removed.and_then(|()| self.disk().sync_dir(&roots));
        Ok(durable.map_err(GenerationError::from)?)
    }
}
