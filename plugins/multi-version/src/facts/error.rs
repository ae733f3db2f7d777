//! Why nothing is known of a package.

use std::io;
use std::path::PathBuf;

use dpkgng_plugin::Failed;

use crate::layout::{InstallationId, WordError};
use crate::manifest::ManifestError;

/// Why nothing is known of a package.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is larger than any of its kind.
    #[error("'{}' is too large", .0.display())]
    TooLarge(PathBuf),
    /// Metadata is not what we write.
    #[error("'{}': {why}", .path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ManifestError,
    },
    /// A control file is not what dpkg takes.
    #[error("'{}': {why}", .path.display())]
    Control {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ControlError,
    },
}

/// What is wrong with a control file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// dpkg's own words.
    #[error("{0}")]
    Dpkg(#[from] Failed),
    /// There is not one paragraph in it.
    #[error("it has {0} paragraphs")]
    Paragraphs(usize),
    /// A field is not there.
    #[error("it has no field {0}")]
    Missing(&'static str),
    /// A field's value.
    #[error("field {field}: {why}")]
    Word {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: WordError,
    },
    /// `Multi-Arch` of another kind.
    #[error("field Multi-Arch: '{0}' is not known")]
    MultiArch(String),
    /// It speaks of another package.
    #[error("it does not speak of {0}")]
    Stranger(InstallationId),
}
