//! What is needed, and what is an orphan: never upgraded, waiting for collection.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::layout::InstallationId;

/// Why a package is not an orphan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNeeded {
    /// Somebody asked for it.
    Wanted,
    /// This one needs it, which is needed itself.
    By(InstallationId),
}

/// The packages of a view, parted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needed {
    /// Those that are needed; `By` names a step on a shortest way to a wanted one.
    pub needed: BTreeMap<InstallationId, WhyNeeded>,
    /// The others.
    pub orphans: BTreeSet<InstallationId>,
}

/// Part the packages: `needs` tells of each what it needs, `wanted` what was asked for.
pub fn needed(
    needs: &BTreeMap<InstallationId, BTreeSet<InstallationId>>,
    wanted: &BTreeSet<InstallationId>,
) -> Needed {
    let mut parted = Needed::default();
    let mut left: VecDeque<&InstallationId> = wanted.iter().collect();
    for id in wanted {
        parted.needed.insert(id.clone(), WhyNeeded::Wanted);
    }
    while let Some(id) = left.pop_front() {
        for part in needs.get(id).into_iter().flatten() {
            if !parted.needed.contains_key(part) {
                parted
                    .needed
                    .insert(part.clone(), WhyNeeded::By(id.clone()));
                left.push_back(part);
            }
        }
    }
    let orphan = |id: &&InstallationId| !parted.needed.contains_key(*id);
    parted.orphans = needs.keys().filter(orphan).cloned().collect();
    parted
}
