//! What is decided before anything is done: pure functions from facts to decisions, each with its reason.
//!
//! | | |
//! |---|---|
//! | [`abi`] | whether a library can stand in for another under a consumer |
//! | [`system_library`] | which of several versions of a library the system view offers |
//! | [`resolve_conflicts`] | replacing support packages, or else relaxing |
//! | [`hidden_by`], [`newest_visible`] | versions that are not to be seen |
//! | [`needed`] | what is wanted, what that needs, and what is an orphan |
//!
//! What only dpkg's own rules can tell comes from the host, through [`Judge`].
#![forbid(unsafe_code)]

pub mod abi;
mod conflicts;
mod hides;
mod library;
mod order;
mod orphans;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::BTreeSet;

pub use conflicts::{Peace, Resolution, resolve_conflicts};
pub use hides::{hidden_by, newest_visible};
pub use library::{
    Candidate, Consumer, Criterion, Decision, Fit, NoLibrary, Override, Row, system_library,
};
pub use order::HostOrder;
pub use orphans::{Needed, WhyNeeded, needed};

use crate::layout::{InstallationId, Version};
use crate::manifest::RelaxedField;

/// A conflict between two packages of a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// Whose field it is.
    pub by: InstallationId,
    /// Which field.
    pub field: RelaxedField,
    /// With whom.
    pub with: InstallationId,
}

/// dpkg's order of versions.
pub trait Versions {
    /// Which of two is newer.
    fn compare(&self, a: &Version, b: &Version) -> Ordering;
}

/// dpkg's verdicts on sets of packages.
pub trait Judge {
    /// All conflicts within a set.
    fn conflicts(&self, set: &BTreeSet<InstallationId>) -> BTreeSet<Conflict>;
    /// The Pre-Depends and Depends of a set that do not hold within it: whose, and which, from 0.
    fn broken(&self, set: &BTreeSet<InstallationId>) -> BTreeSet<(InstallationId, usize)>;
    /// What could stand in for a package, best first.
    fn replacements(&self, package: &InstallationId) -> Vec<InstallationId>;
}
