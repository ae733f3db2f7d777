//! What dpkg's queries say of a view: `-l`, `-L`, `-S`, `-s` and `-V`, with dpkg's words and exit codes, and with all
//! versions of a package. Nothing here needs the lock.
//!
//! A package is named `NAME[:ARCH][=VERSION]`; where several are meant and one is needed, the error lists them.
#![forbid(unsafe_code)]

mod files;
mod glob;
mod list;
mod status;
#[cfg(test)]
mod tests;
mod verify;

use std::io;
use std::path::PathBuf;

pub use files::{list_files, search};
pub use list::list;
pub use status::status;
pub use verify::verify;

use crate::admindir::{AdmindirError, Control, ControlError};
use crate::context::Selector;
use crate::generation::{GenerationError, Reader};
use crate::layout::{Architecture, InstallationId, Place, WordError, inside};
use crate::link::LinkError;
use crate::manifest::{Manifest, Member};
use crate::view::ViewError;

/// Why a query can't be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No such view or generation.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Metadata can't be read.
    #[error(transparent)]
    Generation(#[from] GenerationError),
    /// A package's files can't be read.
    #[error(transparent)]
    Files(#[from] AdmindirError),
    /// What was written down of them can't be read either.
    #[error(transparent)]
    Facts(#[from] crate::facts::FactsError),
    /// Verifying fails.
    #[error(transparent)]
    Link(#[from] Box<LinkError>),
    /// A control file is none.
    #[error("'{}': {why}", .path.display())]
    Control {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ControlError,
    },
    /// It can't be printed.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// A name that is none. As dpkg says it.
    #[error("--{verb} needs a valid package name but '{name}' is not: {why}")]
    Name {
        /// The action.
        verb: &'static str,
        /// What was given.
        name: String,
        /// What is wrong.
        why: WordError,
    },
    /// Several packages are meant. As dpkg says it, and which.
    #[error(
        "--{verb} needs a valid package name but '{name}' is not: ambiguous package name '{name}' \
         with more than one installed instance: {}", .choices.join(", ")
    )]
    Ambiguous {
        /// The action.
        verb: &'static str,
        /// What was given.
        name: String,
        /// What it could be.
        choices: Vec<String>,
    },
    /// Nothing was named.
    #[error("--{0} needs at least one {1} argument")]
    NoArgument(&'static str, &'static str),
}

/// How a query ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The exit code.
    pub code: i32,
    /// What is to be said on standard error, a line each.
    pub notices: Vec<String>,
}

impl Answer {
    fn missed(&mut self, notice: String) {
        self.code = 1;
        self.notices.push(notice);
    }
}

type Done<T = Answer> = Result<T, QueryError>;

/// A generation to ask about.
pub struct Asked<'a> {
    reader: &'a Reader,
    manifest: Manifest,
    native: Architecture,
}

impl<'a> Asked<'a> {
    /// A generation; `native` is the architecture of this dpkg-ng.
    pub fn of(reader: &'a Reader, place: &Place, native: &Architecture) -> Done<Asked<'a>> {
        let number = place.number(reader)?;
        Ok(Asked {
            reader,
            manifest: reader.manifest(&place.view, number)?,
            native: native.clone(),
        })
    }

    /// Its packages, by name, architecture and then as the manifest has them.
    fn members(&self) -> Vec<&Member> {
        let mut members: Vec<&Member> = self.manifest.packages.iter().collect();
        members.sort_by_key(|m| (m.realization.package(), m.realization.architecture()));
        members
    }

    fn installation(&self, member: &Member) -> Done<InstallationId> {
        Ok(self.reader.realization(&member.realization)?.installation)
    }

    fn control(&self, member: &Member) -> Done<Control> {
        let payload = self.payload(member)?;
        let path = payload.join(inside::CONTROL);
        let text = std::fs::read(&path).map_err(|source| GenerationError::Read {
            path: path.clone(),
            source,
        })?;
        Control::parse(&text).map_err(|why| QueryError::Control { path, why })
    }

    /// Where a package is in the store.
    fn payload(&self, member: &Member) -> Done<PathBuf> {
        let id = self.installation(member)?;
        Ok(self.reader.layout().installation(&id))
    }

    /// Its name, as dpkg writes it: with the architecture where that tells something.
    fn name(&self, member: &Member, control: &Control) -> String {
        let id = &member.realization;
        let same = control.field("Multi-Arch") == Some(b"same");
        let all = id.architecture().as_str() == "all";
        match same || !all && *id.architecture() != self.native {
            true => format!("{}:{}", id.package(), id.architecture()),
            false => id.package().to_string(),
        }
    }

    /// The same, with the version where the view has several of it.
    fn unique_name(&self, member: &Member, control: &Control) -> String {
        let (name, id) = (self.name(member, control), &member.realization);
        let twins = self.manifest.packages.iter().filter(|m| {
            let other = &m.realization;
            (other.package(), other.architecture()) == (id.package(), id.architecture())
        });
        match twins.count() {
            0 | 1 => name,
            _ => format!("{name}={}", id.version()),
        }
    }

    /// The packages that a word means; none, if it means nothing here.
    fn named(&self, verb: &'static str, word: &str) -> Done<Vec<&Member>> {
        let selector: Selector = word.parse().map_err(|why| QueryError::Name {
            verb,
            name: word.into(),
            why,
        })?;
        let mut found = self.members();
        found.retain(|m| selector.is(m));
        Ok(found)
    }

    /// The one package that a word means.
    fn one(&self, verb: &'static str, word: &str) -> Done<Option<&Member>> {
        let found = self.named(verb, word)?;
        match found[..] {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => {
                let choice = |m: &&Member| {
                    let id = &m.realization;
                    format!("{}:{}={}", id.package(), id.architecture(), id.version())
                };
                Err(QueryError::Ambiguous {
                    verb,
                    name: word.into(),
                    choices: found.iter().map(choice).collect(),
                })
            }
        }
    }
}

/// The first line of a description.
fn synopsis(control: &Control) -> String {
    let text = control.field("Description").unwrap_or_default();
    let first = text.split(|b| *b == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(first).into_owned()
}
