//! `inst/ID/DEBIAN/unlinked`: the objects that were not rewritten, and why. They run in a context, or by themselves as the
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
    /// Of which kind the reason is.
    pub kind: Kind,
    /// Why not.
    pub why: String,
}

/// Why an object is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It can't be rewritten.
    Refused,
    /// No loader takes it.
    Damaged,
    /// Its interpreter is not glibc's, and not its package's.
    Interpreter,
    /// It is for a machine that the world has no packages of.
    Machine,
}

const KINDS: [(Kind, &str); 4] = [
    (Kind::Refused, "refused"),
    (Kind::Damaged, "damaged"),
    (Kind::Interpreter, "interpreter"),
    (Kind::Machine, "machine"),
];

impl Unlinked {
    /// Whether whoever installs the package should hear of it: not of what no program of the world could load.
    pub fn is_warning(&self) -> bool {
        self.kind != Kind::Machine
    }
}

/// As it is written: the path, a word for the kind, the reason.
pub(super) fn to_text(all: &[Unlinked]) -> String {
    let line = |u: &Unlinked| {
        let word = KINDS.iter().find(|(kind, _)| *kind == u.kind);
        format!("{}: {}", word.map_or("", |(_, word)| word), u.why)
    };
    let texts: Vec<String> = all.iter().map(line).collect();
    lines::write(
        all.iter()
            .map(|u| u.path.as_path())
            .zip(texts.iter().map(String::as_str)),
    )
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
    let unlinked = read.into_iter().map(|(path, text)| {
        let known = text.split_once(": ").and_then(|(word, why)| {
            let (kind, _) = KINDS.iter().find(|(_, known)| *known == word)?;
            Some((*kind, why.to_owned()))
        });
        // By rules before these there was one kind.
        let (kind, why) = known.unwrap_or((Kind::Refused, text));
        Unlinked { path, kind, why }
    });
    Ok(unlinked.collect())
}
