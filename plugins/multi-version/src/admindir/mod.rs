//! `views/VIEW/gen/N/dpkg/`: a dpkg database of a generation, as dpkg-query, `dpkg --audit` and apt read it.
//!
//! | file | what |
//! |---|---|
//! | `status` | the control file of each package, with `Status`, `Config-Version` and `Conffiles` |
//! | `info/` | `format` 1; of each package the members of its control archive, and `.list` |
//! | `triggers/` | `File` and a file for each name that somebody is interested in |
//! | `arch` | the architectures, when one of them is foreign |
//! | `extended_states` | apt's: who came along |
//! | `available`, `updates/`, `triggers/Unincorp`, `lock`s | empty |
//!
//! dpkg's database holds one version of a package, and apt refuses one with conflicts or unmet dependencies: what
//! [`choose`] leaves out is in the manifest alone. What the view uses of the host is shown as packages on hold, so that
//! apt counts on them and leaves them alone.
//!
//! A generation does not change, but for one word here: what is on hold ([`select`]).
//!
//! `.list` has the payload's paths, so merged `/usr`; so have the md5sums, which are made if a package has none, as
//! dpkg does.
#![forbid(unsafe_code)]

mod choice;
mod info;
mod selecting;
mod status;
#[cfg(test)]
mod tests;
mod triggers;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

pub use choice::{LeftOut, choose};
pub(crate) use info::{below, conffiles, on_the_way, payload_paths};
pub use selecting::select;
pub use status::{Control, ControlError};

use crate::facts::{self, Facts, MultiArch};
use crate::generation::{Disk, DiskError};
use crate::layout::{Architecture, InstallationId, Layout, PackageName, Version, inside};
use crate::manifest::{Member, Reason, State};

/// Why a database can't be written.
#[derive(Debug, thiserror::Error)]
pub enum AdmindirError {
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A control file can't stand in a status file.
    #[error("'{}': {why}", .path.display())]
    Control {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: ControlError,
    },
    /// A path can't stand in a list of paths.
    #[error("the path {0:?} of package {1} cannot stand in a list")]
    Newline(PathBuf, Box<InstallationId>),
}

/// A package of a generation.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// What is said of it.
    pub member: &'a Member,
    /// What is known of it.
    pub facts: &'a Facts,
}

impl<'a> Present<'a> {
    fn id(&self) -> &'a InstallationId {
        &self.facts.id
    }

    fn control(&self) -> &'a facts::Control {
        &self.facts.control
    }

    /// Its name in `info/`.
    fn info_name(&self) -> String {
        let id = self.id();
        match self.control().multi_arch {
            MultiArch::Same => format!("{}:{}", id.package(), id.architecture()),
            _ => id.package().to_string(),
        }
    }
}

/// A package of the host that something of the view uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfHost {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// Its architecture.
    pub architecture: Architecture,
    /// Its `Multi-Arch`.
    pub multi_arch: MultiArch,
    /// Its `Provides`, as the host's status has it.
    pub provides: Option<String>,
}

impl OfHost {
    /// What every view has: its `/usr` is merged, whatever the host's packages say of the host. Without it apt would
    /// have usrmerge convert the host.
    pub fn usr_is_merged() -> Option<OfHost> {
        Some(OfHost {
            name: PackageName::new("usr-is-merged").ok()?,
            // Trixie's.
            version: Version::new("39+nmu2").ok()?,
            architecture: Architecture::new("all").ok()?,
            multi_arch: MultiArch::Foreign,
            provides: None,
        })
    }
}

/// What a database is made of.
pub struct Contents<'a> {
    /// The packages to be shown: what [`choose`] took.
    pub shown: Vec<Present<'a>>,
    /// What is used of the host.
    pub host: Vec<OfHost>,
    /// The architecture of this dpkg-ng.
    pub native: Architecture,
    /// The architectures of all of the view.
    pub architectures: BTreeSet<Architecture>,
}

/// Write a database to `dir`, which is made.
pub fn write(
    disk: &Disk,
    layout: &Layout,
    dir: &Path,
    contents: &Contents<'_>,
) -> Result<(), AdmindirError> {
    for dir in [dir.into(), dir.join("info"), dir.join("triggers")] {
        disk.make_dir(&dir)?;
    }
    disk.make_dir(&dir.join("updates"))?;
    disk.write(&dir.join("info/format"), b"1\n")?;
    let (mut status, mut states) = (Vec::new(), String::new());
    let mut interests = triggers::Interests::default();
    let mut shown = contents.shown.clone();
    shown.sort_by_key(|p| (p.id().package(), p.id().architecture()));
    for present in &shown {
        let payload = layout.installation(present.id());
        let info = info::write(disk, &payload, &dir.join("info"), present)?;
        let path = payload.join(inside::CONTROL);
        let control = read(&path).and_then(|text| {
            Control::parse(&text).map_err(|why| AdmindirError::Control { path, why })
        })?;
        control.stanza(present.member.state, &info.conffiles, &mut status);
        if present.member.state == State::Installed || present.member.state == State::Unpacked {
            interests.add(&info.triggers, present);
        }
        if present.member.reason == Reason::Auto {
            states.push_str(&auto_mark(present.id(), &contents.native));
        }
    }
    for of_host in &contents.host {
        status::of_host(of_host, &mut status);
        let list = match of_host.multi_arch {
            MultiArch::Same => format!("{}:{}.list", of_host.name, of_host.architecture),
            _ => format!("{}.list", of_host.name),
        };
        disk.write(&dir.join("info").join(&list), b"/.\n")?;
        let md5sums = list.replace(".list", ".md5sums");
        disk.write(&dir.join("info").join(md5sums), b"")?;
    }
    disk.write(&dir.join("status"), &status)?;
    disk.write(&dir.join("available"), b"")?;
    disk.write(&dir.join("extended_states"), states.as_bytes())?;
    interests.write(disk, &dir.join("triggers"))?;
    let foreign: Vec<&Architecture> = contents
        .architectures
        .iter()
        .filter(|a| **a != contents.native && a.as_str() != "all")
        .collect();
    if !foreign.is_empty() {
        let all = std::iter::once(&contents.native).chain(foreign);
        let text: String = all.map(|a| format!("{a}\n")).collect();
        disk.write(&dir.join("arch"), text.as_bytes())?;
    }
    Ok(())
}

/// A stanza of extended_states; apt has a package for all architectures under its own.
fn auto_mark(id: &InstallationId, native: &Architecture) -> String {
    let architecture = match id.architecture() {
        all if all.as_str() == "all" => native,
        other => other,
    };
    format!(
        "Package: {}\nArchitecture: {architecture}\nAuto-Installed: 1\n\n",
        id.package()
    )
}

fn read(path: &Path) -> Result<Vec<u8>, AdmindirError> {
    std::fs::read(path).map_err(|source| AdmindirError::Read {
        path: path.into(),
        source,
    })
}
