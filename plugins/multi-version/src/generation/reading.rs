//! What can be read without the lock, without write permission and without recovery, so by any user while
//! another command is at work.
//!
//! A generation that is being built is in `tmp/`, one that is being removed has lost its manifest: neither
//! is listed. What was listed may be gone when it is looked at: that is [`GenerationError::NoGeneration`].

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::files::{entries, is_there};
use super::{Done, GenerationError, read_error};
use crate::layout::{
    GenerationNumber, InstallationId, Layout, RealizationId, ViewName, WordError, inside,
};
use crate::manifest::{Installation, Manifest, ManifestError, Realization};

/// `/var/sys`, to be read.
#[derive(Debug, Clone)]
pub struct Reader {
    layout: Layout,
}

/// A generation of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub number: GenerationNumber,
    /// Whether the view's `current` names it.
    pub current: bool,
}

impl Reader {
    /// Of this layout, which need not be there: then there are no views.
    pub fn new(layout: Layout) -> Reader {
        Reader { layout }
    }

    /// Where everything is.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The views that have a generation, sorted.
    pub fn views(&self) -> Done<Vec<ViewName>> {
        let mut views = self.view_names()?;
        let mut error = None;
        views.retain(|view| match self.list(view) {
            Ok(listed) => !listed.is_empty(),
            Err(e) => {
                error = Some(e);
                true
            }
        });
        error.map_or(Ok(views), Err)
    }

    /// The views, also those whose first generation was never finished.
    pub(super) fn view_names(&self) -> Done<Vec<ViewName>> {
        names(&self.layout.views())
    }

    /// The generations of a view, oldest first; none, if there is no such view.
    pub fn list(&self, view: &ViewName) -> Done<Vec<Listed>> {
        let dir = self.layout.generations(view);
        let current = self.current(view)?;
        let named: Vec<GenerationNumber> = names(&dir)?;
        // The current one is never being removed: without manifest it is damaged, which is to be seen.
        let mut numbers = Vec::new();
        for number in named {
            let manifest = self.layout.generation(view, number).join(inside::MANIFEST);
            if current == Some(number) || is_there(&manifest).map_err(read_error(&manifest))? {
                numbers.push(number);
            }
        }
        numbers.sort();
        let listed = numbers.into_iter().map(|number| Listed {
            number,
            current: current == Some(number),
        });
        Ok(listed.collect())
    }

    /// The current generation of a view, if it ever had one.
    pub fn current(&self, view: &ViewName) -> Done<Option<GenerationNumber>> {
        let link = self.layout.current(view);
        let target = match fs::read_link(&link) {
            Ok(target) => target,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(GenerationError::Read { path: link, source }),
        };
        let number = target.strip_prefix("gen").ok().and_then(Path::to_str);
        match number.and_then(|n| n.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(GenerationError::NotALink(link)),
        }
    }

    /// What a generation holds.
    pub fn manifest(&self, view: &ViewName, number: GenerationNumber) -> Done<Manifest> {
        let path = self.layout.generation(view, number).join(inside::MANIFEST);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(GenerationError::NoGeneration(view.clone(), number));
            }
            Err(source) => return Err(GenerationError::Read { path, source }),
        };
        read_manifest(path, &text, view, number)
    }

    /// The metadata of an installation.
    pub fn installation(&self, id: &InstallationId) -> Done<Installation> {
        let path = self.layout.installation(id).join(inside::INSTALLATION);
        metadata(&path, |text| Installation::from_text(text, id))
    }

    /// The metadata of a realization.
    pub fn realization(&self, id: &RealizationId) -> Done<Realization> {
        let path = self.layout.realization(id).join(inside::REALIZATION);
        metadata(&path, |text| Realization::from_text(text, id))
    }
}

/// A manifest's text, which is to be that of this generation.
pub(super) fn read_manifest(
    path: PathBuf,
    text: &str,
    view: &ViewName,
    number: GenerationNumber,
) -> Done<Manifest> {
    let manifest = Manifest::from_text(text);
    let manifest = manifest.and_then(|m| match m.view == *view && m.number == number {
        true => Ok(m),
        false => Err(ManifestError::Stranger(format!("{view} {number}"))),
    });
    manifest.map_err(|why| GenerationError::Manifest { path, why })
}

fn metadata<T>(path: &Path, read: impl Fn(&str) -> Result<T, ManifestError>) -> Done<T> {
    let text = fs::read_to_string(path).map_err(read_error(path))?;
    read(&text).map_err(|why| GenerationError::Manifest {
        path: path.into(),
        why,
    })
}

/// The names in a directory that are of a kind, sorted; others are not ours.
fn names<T: FromStr<Err = WordError>>(dir: &Path) -> Done<Vec<T>> {
    let names = match entries(dir) {
        Err(GenerationError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(Vec::new());
        }
        names => names?,
    };
    let parsed = |n: &std::ffi::OsString| OsStr::to_str(n)?.parse().ok();
    Ok(names.iter().filter_map(parsed).collect())
}
