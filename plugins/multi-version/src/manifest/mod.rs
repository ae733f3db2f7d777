//! What is written down: a stanza for an installation, one for a realization, and the manifest of
//! a generation. There is no database: everything else can be derived from these and the payloads.
//!
//! What was read is what was written: a file that is cut, has a field we don't know or names another
//! thing than the directory it is in is an error, never half a value.
#![forbid(unsafe_code)]

mod generation;
mod installation;
pub(crate) mod lines;
pub(crate) mod path;
mod realization;
pub(crate) mod stanza;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::str::FromStr;

pub use generation::{
    Hide, LibraryPin, Manifest, Member, Reason, Relaxed, RelaxedField, Side, Standing, State,
    command_line,
};
pub use installation::{Installation, SetId};
pub use realization::Realization;

/// Why metadata can't be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It ends early, or is not what was written.
    #[error("it is cut or was changed")]
    Cut,
    /// It is of a time before worlds.
    #[error("it was made by an older dpkg-ng-multi-version: recreate the view")]
    Older,
    /// It is of another format.
    #[error("it is of format {0}, which this dpkg-ng-multi-version does not know")]
    Format(u32),
    /// A line is neither field nor continuation.
    #[error("line {0} is no field")]
    Line(usize),
    /// A field is not there.
    #[error("there is no field {0}")]
    Missing(String),
    /// A field of another version of this plugin.
    #[error("field {0} is unknown")]
    Unknown(String),
    /// A field's value.
    #[error("field {field}: {why}")]
    Value {
        /// The field.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// It speaks of another thing.
    #[error("it does not speak of {0}")]
    Stranger(String),
    /// A path leaves the payload.
    #[error("{} is not below the payload", .0.display())]
    Outside(PathBuf),
}

/// The only stanza of a text.
pub(crate) fn the_one(text: &str) -> Result<stanza::Stanza, ManifestError> {
    let mut stanzas = stanza::read(text)?.into_iter();
    let first = stanzas.next().ok_or(ManifestError::Cut)?;
    match stanzas.next() {
        Some(_) => Err(ManifestError::Unknown("a second stanza".into())),
        None => Ok(first),
    }
}

/// Two words separated by a blank.
fn pair<A: FromStr, B: FromStr>(line: &str) -> Result<(A, B), String>
where
    A::Err: ToString,
    B::Err: ToString,
{
    let words = line.split_once(' ');
    let (first, second) = words.ok_or_else(|| format!("'{line}' is not two words"))?;
    let first = first.parse().map_err(|e: A::Err| e.to_string())?;
    let second = second.parse().map_err(|e: B::Err| e.to_string())?;
    Ok((first, second))
}
