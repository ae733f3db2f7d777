//! What planning knows: facts, and questions that others answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::decide::Versions;
use crate::decide::abi::Verdict;
use crate::facts::{Facts, MultiArch, Provided, Relation};
use crate::layout::{Architecture, InstallationId, PackageName, RealizationId, Soname, Version};
use crate::manifest::Realization;

/// Everything a plan depends on, besides the current generation and the request.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// Of every package of the current generation and of the request, and of what else in the store may stand in
    /// for a support package that must give way.
    pub facts: &'a BTreeMap<InstallationId, Facts>,
    /// The realizations of the current generation.
    pub realizations: &'a BTreeMap<RealizationId, Realization>,
    /// The host's architecture.
    pub native: &'a Architecture,
    /// By which rules ELF files are rewritten now.
    pub policy: u32,
    /// dpkg's order of versions.
    pub versions: &'a dyn Versions,
    /// The host's own packages.
    pub host: &'a dyn Host,
    /// What the files say.
    pub files: &'a dyn Files,
}

/// The packages that are installed on the host.
pub trait Host {
    /// The package that satisfies a relation of a package of architecture `by`.
    fn satisfies(&self, relation: &Relation, by: &Architecture) -> Option<PackageName>;
}

/// What only the files of packages tell.
pub trait Files {
    /// What `candidate`'s library lacks of what `consumer` takes from `present`'s, which it came with; if it came
    /// with none, of what it takes from the soname at all.
    fn verdict(
        &self,
        consumer: &InstallationId,
        architecture: &Architecture,
        soname: &Soname,
        present: Option<&InstallationId>,
        candidate: &InstallationId,
    ) -> Verdict;

    /// Whether a package can be given another library than the view's: whether all its objects can be rewritten.
    fn can_be_overridden(&self, package: &InstallationId) -> bool;

    /// Whether two packages have the same at a path: content, mode, owner.
    fn same(&self, a: &InstallationId, b: &InstallationId, path: &Path) -> bool;

    /// Those of a set that have to be linked by DT_RPATH, as libraries find something by a DT_RPATH that is not theirs.
    fn keeps_rpath(&self, _set: &BTreeSet<InstallationId>) -> BTreeSet<InstallationId> {
        BTreeSet::new()
    }

    /// Whether removing a package leaves something to purge: conffiles, or a postrm.
    fn leaves_config(&self, package: &InstallationId) -> bool;
}

/// A package of the host's dpkg database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPackage {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// Its architecture.
    pub architecture: Architecture,
    /// `Multi-Arch`
    pub multi_arch: MultiArch,
    /// `Provides`
    pub provides: Vec<Provided>,
}
