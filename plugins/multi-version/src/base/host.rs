//! A database, as dpkg reads it.

use std::collections::HashMap;
use std::path::Path;

use dpkgng_plugin::{Field, Host, Op, Relation, Services, Which};

use super::{BaseError, Done, PackageKey};

/// A package of a database.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub key: PackageKey,
    pub version: String,
    /// The third word of its `Status`.
    pub status: String,
    /// Its paragraph, as dpkg writes it.
    pub stanza: Vec<u8>,
}

impl Known {
    /// A field of one line, as dpkg writes it.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let mut lines = self.stanza.split(|b| *b == b'\n');
        lines.find_map(|line| {
            let value = line.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
            Some(value.trim_ascii())
        })
    }

    pub fn word(&self, name: &str) -> &str {
        let value = self.field(name).unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default()
    }

    /// Whether it can be depended on.
    pub fn is_installed(&self) -> bool {
        ["installed", "triggers-pending", "triggers-awaited"].contains(&&*self.status)
    }

    /// Whether its files are there.
    pub fn has_files(&self) -> bool {
        !["not-installed", "config-files", ""].contains(&&*self.status)
    }

    /// Its name in `info/`.
    pub fn info_name(&self) -> String {
        match self.word("Multi-Arch") {
            "same" => format!("{}:{}", self.key.0, self.key.1),
            _ => self.key.0.clone(),
        }
    }
}

/// All packages of a database, sorted by name and architecture.
pub(super) fn read(host: Host, admindir: &Path, instdir: &Path) -> Done<Vec<Known>> {
    let read = || {
        let database = host.packages_open(admindir, instdir, None)?;
        let mut all = Vec::new();
        for number in database.all()? {
            let info = database.info(number, Which::Installed)?;
            all.push(Known {
                key: (info.name, info.architecture),
                version: info.version,
                status: info.status,
                stanza: database.stanza(number, Which::Installed)?,
            });
        }
        Ok(all)
    };
    read().map_err(|why| BaseError::Database {
        path: admindir.into(),
        why,
    })
}

/// What a package offers under a name: itself, or something it provides.
#[derive(Debug, Clone)]
struct Offer {
    /// Its place.
    package: usize,
    /// Of a provided name, what is said of it.
    provided: Option<Relation>,
}

/// Installed packages of a database, by what they offer.
pub(super) struct Offers {
    packages: Vec<Known>,
    by_name: HashMap<String, Vec<Offer>>,
    services: Services,
    native: String,
}

impl Offers {
    pub fn of(services: Services, packages: Vec<Known>, admindir: &Path) -> Done<Offers> {
        let failed = |why| BaseError::Database {
            path: admindir.into(),
            why,
        };
        let native = services.architecture().map_err(failed)?;
        let mut by_name: HashMap<String, Vec<Offer>> = HashMap::new();
        for (package, known) in packages.iter().enumerate() {
            if !known.is_installed() {
                continue;
            }
            let own = Offer {
                package,
                provided: None,
            };
            by_name.entry(known.key.0.clone()).or_default().push(own);
            let Some(text) = known.field("Provides") else {
                continue;
            };
            // What was let in by force is offered as far as it can be read.
            let provides = services.relations(Field::Provides, text);
            for provided in provides.unwrap_or_default().into_iter().flatten() {
                let named = by_name.entry(provided.name.clone()).or_default();
                named.push(Offer {
                    package,
                    provided: Some(provided),
                });
            }
        }
        Ok(Offers {
            packages,
            by_name,
            services,
            native,
        })
    }

    pub fn package(&self, at: usize) -> Option<&Known> {
        self.packages.get(at)
    }

    pub fn packages(&self) -> &[Known] {
        &self.packages
    }

    /// Packages that satisfy an alternative of a dependency of one of this architecture: Policy 7.1, 7.5, and dpkg's rules of
    /// Multi-Arch; but a package for all architectures is there for any: nobody needs to add one for a view.
    pub fn satisfying<'o>(
        &'o self,
        relation: &'o Relation,
        by: &'o str,
    ) -> impl Iterator<Item = usize> + 'o {
        let offers = self
            .by_name
            .get(&relation.name)
            .map_or(&[][..], Vec::as_slice);
        let holds = move |offer: &&Offer| self.holds(offer, relation, by);
        offers.iter().filter(holds).map(|offer| offer.package)
    }

    fn holds(&self, offer: &Offer, relation: &Relation, by: &str) -> bool {
        let Some(package) = self.packages.get(offer.package) else {
            return false;
        };
        self.architecture_holds(offer, package, relation, by)
            && self.version_holds(offer, package, relation)
    }

    fn architecture_holds(
        &self,
        offer: &Offer,
        package: &Known,
        relation: &Relation,
        by: &str,
    ) -> bool {
        let provided = offer
            .provided
            .as_ref()
            .and_then(|p| p.architecture.as_deref());
        let offered = provided.unwrap_or(&package.key.1);
        let multi_arch = package.word("Multi-Arch");
        let is = |wanted: &str| offered == "all" || offered == wanted;
        match relation.architecture.as_deref() {
            None if multi_arch == "foreign" => true,
            None if by == "all" => is(&self.native),
            None => is(by),
            Some("any") => multi_arch == "allowed" || offered == "any",
            Some("native") => is(&self.native),
            Some(named) => is(named),
        }
    }

    fn version_holds(&self, offer: &Offer, package: &Known, relation: &Relation) -> bool {
        let Some((op, wanted)) = &relation.version else {
            return true;
        };
        let version = match &offer.provided {
            None => &package.version,
            Some(Relation {
                version: Some((Op::Eq, version)),
                ..
            }) => version,
            // A name without a version is none.
            Some(_) => return false,
        };
        self.services
            .version_holds(version, *op, wanted)
            .unwrap_or(false)
    }
}
