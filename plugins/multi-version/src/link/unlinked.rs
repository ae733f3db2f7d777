//! `inst/ID/DEBIAN/unlinked`: the objects that could not be rewritten. They run in a context, or by themselves as the
//! .deb has them; what else is in the package is not affected.

use std::path::{Path, PathBuf};

use super::{Done, LinkError, read_text};
use crate::layout::{Layout, RealizationId, inside};
use crate::manifest::lines;

/// An object that was not rewritten.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unlinked {
    /// Relative to the payload.
    pub path: PathBuf,
    /// Why not.
    pub why: String,
}

/// As it is written.
pub(super) fn to_text(all: &[Unlinked]) -> String {
    lines::write(all.iter().map(|u| (u.path.as_path(), u.why.as_str())))
}

/// Those of a realization.
pub fn read(layout: &Layout, id: &RealizationId) -> Done<Vec<Unlinked>> {
    read_from(&layout.realization(id).join(inside::UNLINKED))
}

fn read_from(path: &Path) -> Done<Vec<Unlinked>> {
    let Some(text) = read_text(path)? else {
        return Ok(Vec::new());
    };
    let read = lines::read(&text).map_err(|why| LinkError::Manifest {
        path: path.into(),
        why,
    })?;
    let unlinked = read.into_iter().map(|(path, why)| Unlinked { path, why });
    Ok(unlinked.collect())
}
