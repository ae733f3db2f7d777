//! Which package satisfies which relation: Policy 7, and dpkg's rules of Multi-Arch. Only to tell what uses what: that all
//! relations of a world hold is dpkg's matter.
//!
//! As dpkg has it, but that a package of architecture `all` is there for every architecture: the closure of a
//! foreign architecture lives in a view, where nobody added that architecture to dpkg's.

use std::cmp::Ordering;

use super::observed::Known;
use crate::facts::{Control, MultiArch, Op, Provided, Relation};
use crate::layout::{Architecture, PackageName, Version};

/// A package, as relations see it.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub name: &'a PackageName,
    pub version: &'a Version,
    pub architecture: &'a Architecture,
    pub control: &'a Control,
}

fn is_all(architecture: &Architecture) -> bool {
    architecture.as_str() == "all"
}

impl<'a> Named<'a> {
    /// Whether it satisfies a dependency of a package of architecture `by`, by its name or one it provides.
    pub fn satisfies(&self, relation: &Relation, by: &Architecture, known: &Known<'_>) -> bool {
        let itself = (*self.name == relation.name).then_some(None);
        let provides = self.control.provides.iter();
        let provides = provides.filter(|p| p.name == relation.name).map(Some);
        let mut offers = itself.into_iter().chain(provides);
        offers.any(|provided| self.holds(relation, provided, by, known))
    }

    fn holds(
        &self,
        relation: &Relation,
        provided: Option<&Provided>,
        by: &Architecture,
        known: &Known<'_>,
    ) -> bool {
        // A provided name may have no version.
        let version = provided.map_or(Some(self.version), |p| p.version.as_ref());
        let version_holds = relation.version.as_ref().is_none_or(|(op, wanted)| {
            let order = version.map(|v| known.versions.compare(v, wanted));
            match op {
                Op::Lt => order == Some(Ordering::Less),
                Op::Le => order.is_some_and(Ordering::is_le),
                Op::Eq => order == Some(Ordering::Equal),
                Op::Ge => order.is_some_and(Ordering::is_ge),
                Op::Gt => order == Some(Ordering::Greater),
            }
        });
        let offered = provided.and_then(|p| p.architecture.as_ref());
        let offered = offered.unwrap_or(self.architecture);
        let is = |wanted: &str| is_all(offered) || offered.as_str() == wanted;
        let multi_arch = self.control.multi_arch;
        version_holds
            && match relation.architecture.as_deref() {
                None if multi_arch == MultiArch::Foreign => true,
                None if is_all(by) => is(known.native.as_str()),
                None => is(by.as_str()),
                Some("any") => multi_arch == MultiArch::Allowed || offered.as_str() == "any",
                Some("native") => is(known.native.as_str()),
                Some(named) => is(named),
            }
    }
}

/// A group of alternatives as it is written in a control file.
pub(super) fn group_text(group: &[Relation]) -> String {
    let texts: Vec<String> = group.iter().map(Relation::to_string).collect();
    texts.join(" | ")
}
