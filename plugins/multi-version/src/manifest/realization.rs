//! `inst/ID/DEBIAN/realization`: what an installation was linked with.

use std::collections::{BTreeMap, BTreeSet};

use super::stanza::{self, Stanza};
use super::{ManifestError, pair, the_one};
use crate::layout::{InstallationId, RealizationId, Sha256, Soname};

/// An installation with its linking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realization {
    /// What is linked.
    pub installation: InstallationId,
    /// All of the .deb's hash.
    pub sha256: Sha256,
    /// The sonames (and the interpreter) that its own lib/ provides, by whom: what is not here
    /// comes from the current system.
    pub overrides: BTreeMap<Soname, RealizationId>,
    /// Sonames of its own that its lib/ provides: it can't be named in `overrides`, as its name is made of them.
    pub own: BTreeSet<Soname>,
    /// Sonames its programs need besides, so that an override holds for the libraries they share
    /// with others, too.
    pub needed: BTreeSet<Soname>,
    /// `DT_RPATH` instead of `DT_RUNPATH` (`--link-mode=rpath`).
    pub rpath: bool,
    /// Which rules the ELF files were rewritten by.
    pub policy: u32,
}

impl Realization {
    /// Its name below inst/: of the .deb's hash, the overrides in order, and the patch policy.
    pub fn id(&self) -> RealizationId {
        let mut text = format!("realization {}\npolicy {}\n", self.sha256, self.policy);
        for (soname, provider) in &self.overrides {
            text.push_str(&format!("override {soname} {provider}\n"));
        }
        for soname in &self.own {
            text.push_str(&format!("own {soname}\n"));
        }
        for soname in &self.needed {
            text.push_str(&format!("needed {soname}\n"));
        }
        if self.rpath {
            text.push_str("rpath\n");
        }
        let of = &self.installation;
        let hash = Sha256::of(text.as_bytes());
        RealizationId::new(of.package(), of.version(), of.architecture(), &hash)
    }

    /// As it is written.
    pub fn to_text(&self) -> String {
        let mut stanza = Stanza::default();
        stanza.put("Installation", &self.installation);
        stanza.put("SHA256", self.sha256);
        stanza.put("Policy", self.policy);
        let lines = self.overrides.iter().map(|(s, p)| format!("{s} {p}"));
        stanza.put_lines("Overrides", lines);
        stanza.put_lines("Own", &self.own);
        stanza.put_lines("Needed", &self.needed);
        stanza.put("Link-Mode", if self.rpath { "rpath" } else { "runpath" });
        stanza::write(&[stanza])
    }

    /// As it was written. `id` is the name it was found under.
    pub fn from_text(text: &str, id: &RealizationId) -> Result<Realization, ManifestError> {
        let mut stanza = the_one(text)?;
        let realization = Realization {
            installation: stanza.take("Installation")?,
            sha256: stanza.take("SHA256")?,
            policy: stanza.take("Policy")?,
            overrides: stanza.take_each("Overrides", pair)?.into_iter().collect(),
            own: sonames(&mut stanza, "Own")?,
            needed: sonames(&mut stanza, "Needed")?,
            rpath: match stanza.take::<String>("Link-Mode")?.as_str() {
                "rpath" => true,
                "runpath" => false,
                other => {
                    return Err(ManifestError::Value {
                        field: "Link-Mode".into(),
                        why: format!("'{other}' is neither runpath nor rpath"),
                    });
                }
            },
        };
        stanza.end()?;
        let agrees = realization.installation.agrees_with(&realization.sha256);
        if !agrees || realization.id() != *id {
            return Err(ManifestError::Stranger(id.to_string()));
        }
        Ok(realization)
    }
}

fn sonames(stanza: &mut Stanza, field: &str) -> Result<BTreeSet<Soname>, ManifestError> {
    let read = stanza.take_each(field, |w| Soname::new(w).map_err(|e| e.to_string()))?;
    Ok(read.into_iter().collect())
}
