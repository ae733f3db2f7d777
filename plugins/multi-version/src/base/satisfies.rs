//! What else the host has installed.

use std::path::Path;

use dpkgng_plugin::{Failed, Host, PackageNumber, Packages, Relation};

use super::Done;

/// The host's packages, by what they offer.
pub struct Satisfies {}

impl Satisfies {
    /// Of the host below `root`.
    pub fn read(host: Host, root: &Path) -> Done<Satisfies> {
        let _ = (host, root);
        unimplemented!()
    }

    /// The package of the host that satisfies an alternative of a dependency of `by`, a package of a world's database:
    /// what [`Hooks::satisfies`](dpkgng_plugin::Hooks::satisfies) answers. One that the world has itself, in whatever version,
    /// or that is of the base, does not count: the world's database tells of it.
    pub fn by_host(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        relation: &Relation,
    ) -> Result<Option<&str>, Failed> {
        let _ = (packages, by, relation);
        unimplemented!()
    }
}
