//! What a check tells: needs that are not met as planned.

use std::fmt;
use std::path::PathBuf;

use super::{Done, LinkError};
use crate::layout::{InstallationId, RealizationId};

/// Who provides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A package of the view.
    Package(RealizationId),
    /// The host.
    Host,
    /// Nobody.
    Nobody,
    /// The plan does not speak of it.
    Unplanned,
}

/// A need that is not met as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whose object.
    pub package: InstallationId,
    /// The object that was resolved, relative to its payload.
    pub object: PathBuf,
    /// What is needed.
    pub soname: String,
    /// The library of the object's closure that needs it, if not the object itself: whose, and which.
    pub by: Option<(InstallationId, PathBuf)>,
    /// From whom it was to come.
    pub expected: Owner,
    /// From whom it comes.
    pub found: Owner,
}

/// What the check saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many objects were resolved.
    pub objects: usize,
    /// How many needs they and their closures have.
    pub needs: usize,
    /// What is wrong.
    pub differences: Vec<Difference>,
    /// What may be wrong: of libraries that may be dlopened, and what plugins lack.
    pub may: Vec<Difference>,
    /// Whether a difference is an error.
    pub(super) strict: bool,
}

impl Checked {
    /// An error, if anything is wrong and that is one ([`Linker::strict`](super::Linker::strict)); else what is wrong
    /// is for whoever asked to tell: as with dpkg, the package is installed.
    pub fn accept(self) -> Done<Checked> {
        match self.differences.is_empty() || !self.strict {
            true => Ok(self),
            false => Err(LinkError::Differs(self.differences)),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Package(id) => write!(f, "{} {} ({id})", id.package(), id.version()),
            Owner::Host => f.write_str("the host"),
            Owner::Nobody => f.write_str("nobody"),
            Owner::Unplanned => f.write_str("where the plan does not say"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference {
            package, soname, ..
        } = self;
        let (name, version) = (package.package(), package.version());
        write!(f, "{} of {name} {version}: {soname}", self.object.display())?;
        if let Some((owner, path)) = &self.by {
            write!(f, ", needed by {} of {}", path.display(), owner.package())?;
        }
        write!(
            f,
            ", is to come from {}, and comes from {}",
            self.expected, self.found
        )
    }
}
