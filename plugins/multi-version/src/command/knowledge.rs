//! What a change is decided by: the facts of the view's and the command line's packages, and the host's own.

use std::collections::{BTreeMap, BTreeSet};

use dpkgng_plugin::{Failed, Services};

use crate::admindir::{Contents, OfHost as Shown, Present, choose};
use crate::decide::HostOrder;
use crate::facts::{self, Facts, control};
use crate::generation::Reader;
use crate::layout::{Architecture, InstallationId, Layout, RealizationId};
use crate::link::{Abi, POLICY};
use crate::manifest::{Manifest, Realization};
use crate::plan::{self, HostPackage, HostTable, Plan, Request, Satisfied, World};
use crate::store;

/// dpkg's own database.
const STATUS: &str = "/var/lib/dpkg/status";

/// A package of the host.
pub struct OfHost {
    /// What decides about relations.
    package: HostPackage,
    /// `Provides` as it is written.
    provides: Option<String>,
}

/// The packages of a change, and what is known of them.
pub struct Knowledge {
    /// Of every package of the generation to come from, of the newcomers, and of what may stand in for one of them.
    pub facts: BTreeMap<InstallationId, Facts>,
    /// How the present ones are linked.
    pub realizations: BTreeMap<RealizationId, Realization>,
    /// The host's architecture.
    pub native: Architecture,
    /// What the host has installed.
    pub host: Vec<OfHost>,
    order: HostOrder,
}

impl Knowledge {
    /// Read it. `newcomers` are in the store.
    pub fn read(
        services: Services,
        reader: &Reader,
        present: Option<&Manifest>,
        newcomers: &BTreeSet<InstallationId>,
    ) -> Result<Knowledge, Failed> {
        let mut realizations = BTreeMap::new();
        let mut ids = newcomers.clone();
        for member in present.iter().flat_map(|m| &m.packages) {
            let realization = reader.realization(&member.realization)?;
            ids.insert(realization.installation.clone());
            realizations.insert(member.realization.clone(), realization);
        }
        for pin in present.iter().flat_map(|m| &m.pins) {
            ids.insert(pin.provider.clone());
        }
        // Other versions of what is there may stand in for it.
        let names: BTreeSet<_> = ids.iter().map(|id| id.package().clone()).collect();
        let stored = store::all(reader.layout())?;
        ids.extend(stored.into_iter().filter(|id| names.contains(id.package())));
        let mut facts = BTreeMap::new();
        for id in ids {
            let read = facts::read(services, reader.layout(), &id)?;
            facts.insert(id, read);
        }
        let native = services.architecture()?;
        Ok(Knowledge {
            facts,
            realizations,
            native: native.parse()?,
            host: host_packages(services)?,
            order: HostOrder(services),
        })
    }

    /// Plan a request.
    pub fn plan(
        &self,
        layout: &Layout,
        present: Option<&Manifest>,
        request: &Request,
    ) -> Result<Plan, Failed> {
        let host: Vec<HostPackage> = self.host.iter().map(|h| h.package.clone()).collect();
        let files = Abi::new(layout, &self.native, &self.facts);
        let world = World {
            facts: &self.facts,
            realizations: &self.realizations,
            native: &self.native,
            policy: POLICY,
            versions: &self.order,
            host: &HostTable::new(&host, &self.native, &self.order),
            files: &files,
        };
        let plan = plan::plan(&world, present, request)?;
        files.finish()?;
        Ok(plan)
    }

    /// What a plan's dpkg database is made of.
    pub fn contents<'k>(&'k self, plan: &'k Plan) -> Contents<'k> {
        let installations: BTreeMap<&RealizationId, &InstallationId> =
            plan.realized.iter().map(|(i, r)| (r, i)).collect();
        let present = |member| {
            let member: &crate::manifest::Member = member;
            let facts = self.facts.get(*installations.get(&member.realization)?)?;
            Some(Present { member, facts })
        };
        let all: Vec<Present<'k>> = plan.members.iter().filter_map(present).collect();
        let (shown, _) = choose(&all, &self.native, &self.order);
        let mut used = BTreeSet::new();
        for edge in &plan.edges {
            if let Satisfied::ByHost(name) = &edge.by {
                used.insert(name);
            }
        }
        let merged = Shown::usr_is_merged().map(|m| m.name);
        let of_host = self.host.iter().filter(|h| {
            let name = &h.package.name;
            let in_view = shown.iter().any(|p| p.facts.id.package() == name);
            used.contains(name) || Some(name) == merged.as_ref() && !in_view
        });
        let host = of_host.map(OfHost::shown).collect();
        Contents {
            shown,
            host,
            native: self.native.clone(),
            architectures: all
                .iter()
                .map(|p| p.facts.id.architecture().clone())
                .collect(),
        }
    }
}

impl OfHost {
    fn shown(&self) -> Shown {
        Shown {
            name: self.package.name.clone(),
            version: self.package.version.clone(),
            architecture: self.package.architecture.clone(),
            multi_arch: self.package.multi_arch,
            provides: self.provides.clone(),
        }
    }
}

/// What the host's dpkg database has installed.
fn host_packages(services: Services) -> Result<Vec<OfHost>, Failed> {
    let text = match std::fs::read(STATUS) {
        Ok(text) => text,
        // A host without dpkg has nothing to offer.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Failed::new(format!("cannot read '{STATUS}': {e}"))),
    };
    let mut packages = Vec::new();
    for stanza in services.stanzas(&text)? {
        let status = stanza.field("Status").unwrap_or_default();
        // What has no place in our names can't be depended on by a package that has.
        let Ok((name, version, architecture)) = control::identity(&stanza) else {
            continue;
        };
        if status.ends_with(b" installed") {
            let provides = stanza.field("Provides");
            packages.push(OfHost {
                provides: provides.map(|p| String::from_utf8_lossy(p).into_owned()),
                package: HostPackage {
                    name,
                    version,
                    architecture,
                    multi_arch: control::multi_arch(&stanza)?,
                    provides: control::provides(services, &stanza)?,
                },
            });
        }
    }
    if let Some(merged) = Shown::usr_is_merged()
        && !packages.iter().any(|p| p.package.name == merged.name)
    {
        packages.push(OfHost {
            provides: None,
            package: HostPackage {
                name: merged.name,
                version: merged.version,
                architecture: merged.architecture,
                multi_arch: merged.multi_arch,
                provides: Vec::new(),
            },
        });
    }
    Ok(packages)
}
