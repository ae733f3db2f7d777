//! What is known of a package in the store: what planning and linking decide by.
//!
//! Read from `store/ID/DEBIAN/installation`, `…/control` and `…/objects`; the relations are parsed by the
//! host, so that they are what dpkg takes them for. Needs no lock: what is in the store does not change.
//!
//! | | |
//! |---|---|
//! | [`read`] | all of it, of one package |
//! | `control` | what of a control file matters |
//! | [`Payload`] | what its files are: derived from them once, and kept in `DEBIAN/objects` |
//!
//! What a package says of itself may be anything; what is read of it is bounded.
#![forbid(unsafe_code)]

mod cache;
pub(crate) mod control;
mod error;
mod scan;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use dpkgng_plugin::Services;

use crate::elf::Target;
use crate::layout::{Architecture, InstallationId, Layout, PackageName, Soname, Version, inside};
use crate::manifest::{Installation, ManifestError};

pub use error::{ControlError, FactsError};
pub use scan::Payload;
pub(crate) use scan::is_default_library_dir;

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
    /// ELF files that can't be read as any, and what is wrong with each: nobody can load them, or say what they need.
    pub damaged: Vec<(PathBuf, String)>,
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
    /// DT_SONAME, when it is one that can stand in `lib/`. Of a public library without one it is the file's
    /// name, as for ldconfig.
    pub soname: Option<Soname>,
    /// By which other names ld.so finds it for everybody: its file's, and those of the package's links to it. Sorted.
    pub names: Vec<Soname>,
    /// Whether it, or a link to it, is in a directory where ld.so looks for everybody: `usr/lib`, `usr/lib/TRIPLET`,
    /// `usr/lib64` and its like, and what the package's own `etc/ld.so.conf.d` names.
    pub public: bool,
    /// Whether its search path is a DT_RPATH, which holds for what it loads, too.
    pub rpath: bool,
    /// DT_NEEDED, in order, but for paths, which ld.so opens as they stand.
    pub needed: Vec<Soname>,
    /// What it may dlopen: `.note.dlopen`, and soname-shaped strings.
    pub mentions: Vec<Soname>,
}

/// No metadata and no control file is longer.
const LONGEST: u64 = 16 << 20;

/// What is known of a package in the store.
///
/// # Errors
/// It is not there, or not as it was stored.
pub fn read(host: Services, layout: &Layout, id: &InstallationId) -> Result<Facts, FactsError> {
    let top = layout.installation(id);
    let installation = installation(layout, id)?;
    let path = top.join(inside::CONTROL);
    let control = control::read(host, &bounded(&path)?, id);
    let control = control.map_err(|why| FactsError::Control { path, why })?;
    let Payload {
        objects,
        paths,
        damaged,
    } = Payload::of(&top)?;
    Ok(Facts {
        id: id.clone(),
        installation,
        control,
        objects,
        paths,
        damaged,
    })
}

/// Where a package in the store came from.
///
/// # Errors
/// It is not there, or not as it was stored.
pub fn installation(layout: &Layout, id: &InstallationId) -> Result<Installation, FactsError> {
    let path = layout.installation(id).join(inside::INSTALLATION);
    let text = String::from_utf8(bounded(&path)?).map_err(|_| ManifestError::Cut);
    let read = text.and_then(|text| Installation::from_text(&text, id));
    read.map_err(|why| FactsError::Metadata { path, why })
}

/// A file, unless it is too large to be what it should.
fn bounded(path: &Path) -> Result<Vec<u8>, FactsError> {
    let mut content = Vec::new();
    let read = File::open(path).and_then(|f| f.take(LONGEST + 1).read_to_end(&mut content));
    let len = read.map_err(|source| FactsError::Read {
        path: path.into(),
        source,
    })?;
    match len as u64 > LONGEST {
        true => Err(FactsError::TooLarge(path.into())),
        false => Ok(content),
    }
}
