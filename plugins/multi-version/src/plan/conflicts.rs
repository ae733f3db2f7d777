//! Conflicts: the verdicts that [`crate::decide::resolve_conflicts`] asks for.

use std::collections::{BTreeMap, BTreeSet};

use super::depends::Depends;
use super::relations::Place;
use crate::decide::{Conflict, Judge};
use crate::layout::InstallationId;
use crate::manifest::RelaxedField;

/// dpkg's verdicts on the packages of a world.
pub(super) struct Verdicts<'d, 'i, 'w> {
    depends: &'d Depends<'i, 'w>,
    /// All there can be, by package: the field, and with whom.
    conflicts: Vec<Vec<(RelaxedField, Place)>>,
    /// Of packages with their own libraries, by whom their dependencies must be satisfied.
    sticky: BTreeMap<Place, BTreeMap<usize, Place>>,
}

impl<'d, 'i, 'w> Verdicts<'d, 'i, 'w> {
    pub fn new(
        depends: &'d Depends<'i, 'w>,
        sticky: BTreeMap<Place, BTreeMap<usize, Place>>,
    ) -> Verdicts<'d, 'i, 'w> {
        let index = depends.index;
        let of = |by: Place| {
            let control = &index.facts(by).control;
            let mut found = Vec::new();
            for (field, relations) in [
                (RelaxedField::Conflicts, &control.conflicts),
                (RelaxedField::Breaks, &control.breaks),
            ] {
                let with = relations.iter().flat_map(|r| index.adversaries(r, by));
                found.extend(with.map(|with| (field, with)));
            }
            found
        };
        Verdicts {
            conflicts: (0..index.len()).map(of).collect(),
            depends,
            sticky,
        }
    }

    fn places(&self, set: &BTreeSet<InstallationId>) -> BTreeSet<Place> {
        set.iter()
            .filter_map(|id| self.depends.index.place(id))
            .collect()
    }

    fn names(&self, place: Place) -> BTreeSet<&'w crate::layout::PackageName> {
        let facts = self.depends.index.facts(place);
        let provided = facts.control.provides.iter().map(|p| &p.name);
        provided.chain([facts.id.package()]).collect()
    }
}

impl Judge for Verdicts<'_, '_, '_> {
    fn conflicts(&self, set: &BTreeSet<InstallationId>) -> BTreeSet<Conflict> {
        let index = self.depends.index;
        let places = self.places(set);
        let mut found = BTreeSet::new();
        for by in &places {
            for (field, with) in self.conflicts.get(*by).into_iter().flatten() {
                if places.contains(with) {
                    found.insert(Conflict {
                        by: index.id(*by).clone(),
                        field: *field,
                        with: index.id(*with).clone(),
                    });
                }
            }
        }
        found
    }

    fn broken(&self, set: &BTreeSet<InstallationId>) -> BTreeSet<(InstallationId, usize)> {
        let places = self.places(set);
        let mut broken = BTreeSet::new();
        for place in &places {
            let id = self.depends.index.id(*place);
            let groups = self.depends.broken(*place, &places);
            broken.extend(groups.map(|group| (id.clone(), group)));
            let sticky = self.sticky.get(place).into_iter().flatten();
            let gone = sticky.filter(|(_, used)| !places.contains(used));
            broken.extend(gone.map(|(group, _)| (id.clone(), *group)));
        }
        broken
    }

    /// Packages of its architecture that are called as it is, or share a name that both provide: the newest first.
    fn replacements(&self, package: &InstallationId) -> Vec<InstallationId> {
        let index = self.depends.index;
        let Some(place) = index.place(package) else {
            return Vec::new();
        };
        let names = self.names(place);
        let alike = |other: &Place| {
            let architecture = index.id(*other).architecture();
            *other != place
                && (architecture == package.architecture() || architecture.as_str() == "all")
                && !names.is_disjoint(&self.names(*other))
        };
        let mut found: Vec<Place> = (0..index.len()).filter(alike).collect();
        let other_name = |p: &Place| index.id(*p).package() != package.package();
        found.sort_by(|a, b| {
            let name = other_name(a).cmp(&other_name(b));
            name.then_with(|| index.compare(*b, *a)).then(a.cmp(b))
        });
        found.into_iter().map(|p| index.id(p).clone()).collect()
    }
}
