//! From a plan to a generation that has a number, but is not current yet.
//!
//! Everything in a generation is made of what is in `inst/` by links, so that building one costs no copies; what
//! must differ (a set-id bit, what a script wrote) is the generation's own.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::generation::{Building, Disk, DiskError, GenerationError};
use crate::layout::{Layout, inside};
use crate::manifest::State;
use crate::plan::Plan;

/// Lay the trees of a plan's generation: its packages, each as its realization is, in the view's own tree or its
/// slot's.
pub fn lay_trees(
    building: &mut Building<'_>,
    layout: &Layout,
    plan: &Plan,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), GenerationError> {
    let members = plan.members.iter();
    let laid: Vec<_> = members.filter(|m| m.state != State::ConfigFiles).collect();
    for (done, member) in laid.iter().enumerate() {
        let payload = layout.realization(&member.realization);
        let except = [inside::METADATA, inside::LIB];
        building.place(member.slot.as_ref(), &payload, &except, &member.setuid)?;
        progress(done + 1, laid.len());
    }
    Ok(())
}

/// Write its `lib/`: by name, where it leads.
pub fn link_libraries(
    disk: &Disk,
    generation: &Path,
    libraries: &BTreeMap<PathBuf, PathBuf>,
) -> Result<(), DiskError> {
    let lib = generation.join(inside::LIB);
    disk.make_dir(&lib)?;
    for (name, target) in libraries {
        let link = lib.join(name);
        if let Some(parent) = link.parent().filter(|p| *p != lib) {
            disk.make_dir(parent)?;
        }
        disk.symlink(target, &link)?;
    }
    Ok(())
}
