//! Why there is no plan.

use std::fmt;
use std::path::PathBuf;

use crate::decide::NoLibrary;
use crate::facts::Relation;
use crate::layout::{InstallationId, RealizationId, Soname};
use crate::manifest::{Hide, LibraryPin};

/// Why a request can't be met. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Dependencies that nothing satisfies.
    #[error("unmet dependencies:{}", lines(.0))]
    Unmet(Vec<Unmet>),
    /// The request names a package that is not in the view.
    #[error("{} {} ({}) is not in the view", .0.package(), .0.version(), .0.architecture())]
    NotThere(InstallationId),
    /// The store has nothing about a package.
    #[error("nothing is known of {0}")]
    NoFacts(InstallationId),
    /// The current generation names a realization that is not there.
    #[error("realization {0} of the current generation is not there")]
    NoRealization(RealizationId),
    /// A pin that can't be followed.
    #[error("{} can't be pinned to {} {}: {why}", .pin.soname, .pin.provider.package(), .pin.provider.version())]
    Pin {
        /// The pin.
        pin: Box<LibraryPin>,
        /// Why not.
        why: String,
    },
    /// No version of a library can be the view's.
    #[error(transparent)]
    NoLibrary(#[from] NoLibrary),
    /// An override that no program would see.
    #[error("{} {} can't be given {} of {} {}: {why}", .package.package(), .package.version(), .soname,
        .provider.package(), .provider.version())]
    Ineffective {
        /// Whose.
        package: Box<InstallationId>,
        /// Of what.
        soname: Soname,
        /// By whom.
        provider: Box<InstallationId>,
        /// Why nothing would see it.
        why: String,
    },
    /// No version of a library suits everything that one process loads.
    #[error("{} {}, /{}: no version of {soname} suits all it loads: {}", .package.package(), .package.version(),
        .program.display(), .why.join("; "))]
    Process {
        /// The program's package.
        package: Box<InstallationId>,
        /// The program, relative to the payload.
        program: PathBuf,
        /// The library.
        soname: Soname,
        /// What is wrong with each version.
        why: Vec<String>,
    },
    /// Packages that would each have to be linked with the other's linked form.
    #[error("each of these is to be linked with the next, and the last with the first: {}",
        .0.iter().map(|id| format!("{} {}", id.package(), id.version())).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<InstallationId>),
}

/// A dependency that nothing satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Whose.
    pub from: InstallationId,
    /// The group of alternatives.
    pub group: Vec<Relation>,
    /// What is wrong with each alternative.
    pub why: Vec<Lack>,
}

/// Why an alternative of a dependency does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// There is no such package.
    NotThere,
    /// There are other versions of it, or provided ones.
    Version(Vec<InstallationId>),
    /// It is there for other architectures.
    Architecture(Vec<InstallationId>),
    /// It is not to be seen.
    Hidden(Hide),
    /// It is to be removed, or replaced.
    Leaves(InstallationId),
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let those = |ids: &[InstallationId], part: fn(&InstallationId) -> String| {
            ids.iter().map(part).collect::<Vec<_>>().join(", ")
        };
        let named = |id: &InstallationId| format!("{} {}", id.package(), id.version());
        match self {
            Lack::NotThere => f.write_str("not there"),
            Lack::Version(ids) => write!(f, "there is {}", those(ids, named)),
            Lack::Architecture(ids) => {
                let of = |id: &InstallationId| id.architecture().to_string();
                write!(f, "there for {}", those(ids, of))
            }
            Lack::Hidden(hide) => write!(f, "hidden by {hide}"),
            Lack::Leaves(id) => write!(f, "{} {} goes", id.package(), id.version()),
        }
    }
}

/// A group as it is written in a control file.
pub(super) fn group_text(group: &[Relation]) -> String {
    let texts: Vec<String> = group.iter().map(Relation::to_string).collect();
    texts.join(" | ")
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, version) = (self.from.package(), self.from.version());
        write!(f, "{name} {version} needs {}", group_text(&self.group))?;
        let why: Vec<String> = self.why.iter().map(Lack::to_string).collect();
        write!(f, " ({})", why.join("; "))
    }
}

fn lines(unmet: &[Unmet]) -> String {
    unmet.iter().map(|u| format!("\n {u}")).collect()
}
