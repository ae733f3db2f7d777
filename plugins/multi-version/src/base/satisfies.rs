//! What else the host has installed.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Host, PackageNumber, Packages, Relation, Which};

use super::host::{self, Offers};
use super::{Done, Lent, PackageKey};

/// The host's packages, by what they offer; read when the first question is asked, which in most runs nobody asks.
pub struct Satisfies {
    host: Host,
    root: PathBuf,
    base: BTreeSet<PackageKey>,
    offers: OnceCell<Offers>,
}

impl Satisfies {
    /// Of the host below `root`, but for what is of the base in a world.
    pub fn read(host: Host, root: &Path, lent: &Lent) -> Done<Satisfies> {
        Ok(Satisfies {
            host,
            root: root.into(),
            base: lent.packages.keys().chain(&lent.own).cloned().collect(),
            offers: OnceCell::new(),
        })
    }

    fn offers(&self) -> Done<&Offers> {
        if let Some(offers) = self.offers.get() {
            return Ok(offers);
        }
        let admindir = self.root.join(super::ADMINDIR);
        let mut packages = host::read(self.host, &admindir, &self.root)?;
        packages.retain(|p| !self.base.contains(&p.key));
        let offers = Offers::of(self.host.services(), packages, &admindir)?;
        Ok(self.offers.get_or_init(|| offers))
    }

    /// The package of the host, `NAME:ARCH`, that satisfies an alternative of a dependency of a package of architecture
    /// `by`. `counts` says whether one does count at all.
    pub fn find(
        &self,
        relation: &Relation,
        by: &str,
        counts: impl Fn(&str, &str) -> Result<bool, Failed>,
    ) -> Result<Option<String>, Failed> {
        let offers = self.offers().map_err(|e| Failed::new(e.to_string()))?;
        for place in offers.satisfying(relation, by) {
            let Some(package) = offers.package(place) else {
                continue;
            };
            let (name, architecture) = &package.key;
            if counts(name, architecture)? {
                return Ok(Some(format!("{name}:{architecture}")));
            }
        }
        Ok(None)
    }

    /// The same for `by`, a package of a world's database: what
    /// [`Hooks::satisfies`](dpkgng_plugin::Hooks::satisfies) answers. One that the world has itself, or is about to have, in
    /// whatever version, does not count: its files hide the host's.
    pub fn by_host(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        relation: &Relation,
    ) -> Result<Option<String>, Failed> {
        // What is about to be installed may be of another architecture than what is.
        let mut architecture = packages.info(by, Which::Available)?.architecture;
        if architecture.is_empty() {
            architecture = packages.info(by, Which::Installed)?.architecture;
        }
        self.find(relation, &architecture, |name, of| {
            for called in [format!("{name}:{of}"), name.to_owned()] {
                // A name that several packages have is none's; then those of other architectures don't hide it.
                let Ok(Some(known)) = packages.find(&called) else {
                    continue;
                };
                let installed = packages.info(known, Which::Installed)?;
                let available = packages.info(known, Which::Available)?;
                let has_files =
                    !["not-installed", "config-files", ""].contains(&&*installed.status);
                let same = installed.architecture == of
                    || available.architecture == of
                    || of == "all"
                    || installed.architecture == "all"
                    || available.architecture == "all";
                if same && (has_files || !available.version.is_empty()) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}
