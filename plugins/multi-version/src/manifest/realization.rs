//! `inst/ID/DEBIAN/realization`: what an installation was linked with.

use std::collections::BTreeMap;

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
        };
        stanza.end()?;
        let agrees = realization.installation.agrees_with(&realization.sha256);
        if !agrees || realization.id() != *id {
            return Err(ManifestError::Stranger(id.to_string()));
        }
        Ok(realization)
    }
}
