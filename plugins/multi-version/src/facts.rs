//! What is known of a package in the store: what planning and linking decide by.
//!
//! Read from `store/ID/DEBIAN/installation`, `…/control` and `…/objects`; the relations are parsed by the
//! host, so that they are what dpkg takes them for.
#![forbid(unsafe_code)]

use std::fmt;
use std::path::PathBuf;

use crate::elf::Target;
use crate::layout::{Architecture, InstallationId, PackageName, Soname, Version};
use crate::manifest::Installation;

/// A package in the store.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Its name in the store.
    pub id: InstallationId,
    /// Where it came from.
    pub installation: Installation,
    /// What its control file says.
    pub control: Control,
    /// Its ELF objects, sorted by path.
    pub objects: Vec<Object>,
    /// Every path of its payload that is no directory, relative to it, sorted.
    pub paths: Vec<PathBuf>,
}

/// What of a control file matters here.
#[derive(Debug, Clone, Default)]
pub struct Control {
    /// `Essential: yes`
    pub essential: bool,
    /// `Multi-Arch`
    pub multi_arch: MultiArch,
    /// `Pre-Depends`, then `Depends`: groups of alternatives.
    pub depends: Vec<Vec<Relation>>,
    /// `Conflicts`
    pub conflicts: Vec<Relation>,
    /// `Breaks`
    pub breaks: Vec<Relation>,
    /// `Replaces`
    pub replaces: Vec<Relation>,
    /// `Provides`
    pub provides: Vec<Provided>,
}

/// `Multi-Arch`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MultiArch {
    /// Absent, or `no`.
    #[default]
    No,
    /// `same`
    Same,
    /// `foreign`
    Foreign,
    /// `allowed`
    Allowed,
}

/// An alternative of a relation field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// The package it names.
    pub name: PackageName,
    /// The architecture written behind the name: a name or `any`.
    pub architecture: Option<String>,
    /// Which versions.
    pub version: Option<(Op, Version)>,
}

/// How versions are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<<`
    Lt,
    /// `<=`
    Le,
    /// `=`
    Eq,
    /// `>=`
    Ge,
    /// `>>`
    Gt,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Op::Lt => "<<",
            Op::Le => "<=",
            Op::Eq => "=",
            Op::Ge => ">=",
            Op::Gt => ">>",
        })
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(architecture) = &self.architecture {
            write!(f, ":{architecture}")?;
        }
        match &self.version {
            Some((op, version)) => write!(f, " ({op} {version})"),
            None => Ok(()),
        }
    }
}

/// An entry of `Provides`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provided {
    /// The name.
    pub name: PackageName,
    /// Its version, if one is given.
    pub version: Option<Version>,
    /// The architecture behind the name, if one is given.
    pub architecture: Option<Architecture>,
}

/// An ELF object with a dynamic table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Relative to the payload.
    pub path: PathBuf,
    /// For which machine.
    pub target: Target,
    /// PT_INTERP, as the archive has it.
    pub interpreter: Option<PathBuf>,
    /// DT_SONAME, when it is one that can stand in `lib/`.
    pub soname: Option<Soname>,
    /// Whether it is in a directory where ld.so looks for everybody: `usr/lib`, `usr/lib/TRIPLET`, and what
    /// the package's own `etc/ld.so.conf.d` names.
    pub public: bool,
    /// DT_NEEDED, in order.
    pub needed: Vec<Soname>,
    /// What it may dlopen: `.note.dlopen`, and soname-shaped strings.
    pub mentions: Vec<Soname>,
}
