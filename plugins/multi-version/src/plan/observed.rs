//! What a plan is made of: the worlds as they stand, and what is known of their packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::decide::Versions;
use crate::decide::abi::Verdict;
use crate::facts::{Control, Facts};
use crate::layout::{Architecture, InstallationId, PackageName, SideName, Soname, Version};
use crate::manifest::{Hide, LibraryPin, Reason, State};

/// The worlds of a generation.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The main one, then the side worlds by name.
    pub worlds: Vec<ObservedWorld>,
}

/// A world: of each name and architecture one version.
#[derive(Debug, Clone, Default)]
pub struct ObservedWorld {
    /// `None`: the main one.
    pub name: Option<SideName>,
    /// The packages its dpkg database has; in any order.
    pub members: Vec<ObservedMember>,
    /// Links in its tree, where ld.so looks for everybody, that no package has itself, as update-alternatives makes them, and the file
    /// each leads to: [`crate::link::made_links`].
    pub made: BTreeMap<PathBuf, PathBuf>,
}

/// A package of a world.
#[derive(Debug, Clone)]
pub struct ObservedMember {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// Its architecture.
    pub architecture: Architecture,
    /// The name of the source package it is built from, which is its own where none is given.
    pub source: String,
    /// How far its installation came. What is in `config-files` has no files, and is nothing here.
    pub state: State,
    /// Whether somebody asked for it.
    pub reason: Reason,
    /// Where its files are.
    pub origin: Origin,
    /// What it needs and provides: [`Facts::control`] of an installation, else of its stanza in the status file.
    pub control: Control,
    /// Linked by DT_RPATH instead of DT_RUNPATH (`--link-mode=rpath`).
    pub rpath: bool,
}

/// Where a package's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In the store: it can be linked.
    Store(InstallationId),
    /// On the host, which lends it.
    Host,
    /// In the tree alone, and why: it stays as it is.
    Tree(String),
}

impl ObservedMember {
    /// Its installation, if it is in the store.
    pub fn installation(&self) -> Option<&InstallationId> {
        match &self.origin {
            Origin::Store(id) => Some(id),
            _ => None,
        }
    }
}

/// What persons ruled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Versions that are not to be seen.
    pub hides: Vec<Hide>,
    /// Libraries chosen by a person; of several for one soname and consumer the last holds.
    pub pins: Vec<LibraryPin>,
}

/// What is known besides.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Of every installation of the worlds, of the providers of pins, and of other versions of what is hidden that the store
    /// has: those may be given to whom it is hidden from.
    pub facts: &'a BTreeMap<InstallationId, Facts>,
    /// The host's architecture.
    pub native: &'a Architecture,
    /// By which rules ELF files are rewritten now: [`crate::link::POLICY`].
    pub policy: u32,
    /// dpkg's order of versions.
    pub versions: &'a dyn Versions,
    /// What the files say.
    pub files: &'a dyn Files,
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

    /// Whether a package can be given another library than its world's: whether all its objects can be rewritten.
    fn can_be_overridden(&self, package: &InstallationId) -> bool;

    /// Those of a set that have to be linked by DT_RPATH, as libraries find something by a DT_RPATH that is not theirs.
    fn keeps_rpath(&self, _set: &BTreeSet<InstallationId>) -> BTreeSet<InstallationId> {
        BTreeSet::new()
    }
}
