//! `store/ID/DEBIAN/installation`: where a payload came from, and what its files can't say themselves.

use std::path::PathBuf;

use super::path::{escape, is_below, unescape};
use super::stanza::{self, Stanza, seal, unseal};
use super::{ManifestError, the_one};
use crate::layout::{Architecture, InstallationId, PackageName, Sha256, Version};

/// What an installation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The package.
    pub package: PackageName,
    /// Its version.
    pub version: Version,
    /// Its architecture.
    pub architecture: Architecture,
    /// Of the .deb.
    pub sha256: Sha256,
    /// Bytes of the payload's files.
    pub size: u64,
    /// The files whose set-user-id or set-group-id bit is only set in the system view's current
    /// generation, sorted by path.
    pub setuid: Vec<SetId>,
}

/// A file that is to be set-user-id or set-group-id, or to have capabilities.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetId {
    /// Relative to the payload.
    pub path: PathBuf,
    /// All of its permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Its `security.capability`, as capabilities(7) has it. No archive has any: a script gives it.
    pub capability: Option<Vec<u8>>,
}

impl SetId {
    fn line(&self) -> String {
        let SetId { mode, uid, gid, .. } = self;
        let mut line = format!("{mode:04o} {uid} {gid} {}", escape(&self.path));
        if let Some(capability) = &self.capability {
            line.push(' ');
            line.extend(capability.iter().map(|b| format!("{b:02x}")));
        }
        line
    }

    fn read(line: &str) -> Result<SetId, String> {
        let wrong = || format!("'{line}' is not MODE UID GID PATH [CAPABILITY]");
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or_else(wrong);
        let mode = u32::from_str_radix(next()?, 8).map_err(|_| wrong())?;
        let set_id = SetId {
            mode,
            uid: next()?.parse().map_err(|_| wrong())?,
            gid: next()?.parse().map_err(|_| wrong())?,
            path: unescape(next()?)?,
            capability: words
                .next()
                .map(|word| bytes(word).ok_or_else(wrong))
                .transpose()?,
        };
        let gives = mode & 0o6000 != 0 || set_id.capability.is_some();
        if words.next().is_some() || mode > 0o7777 || !gives {
            return Err(wrong());
        }
        Ok(set_id)
    }
}

/// What is written in hexadecimal digits.
fn bytes(word: &str) -> Option<Vec<u8>> {
    let digits = word.as_bytes().chunks(2);
    digits
        .map(|pair| match pair {
            [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
            _ => None,
        })
        .collect()
}

impl SetId {
    /// Several, as they are written.
    pub(crate) fn write_list(all: &[SetId]) -> String {
        seal(all.iter().map(|s| s.line() + "\n").collect())
    }

    /// As they were written.
    pub(crate) fn read_list(text: &str) -> Result<Vec<SetId>, ManifestError> {
        let lines = unseal(text)?.lines().enumerate();
        lines
            .map(|(n, line)| SetId::read(line).map_err(|_| ManifestError::Line(n + 1)))
            .collect()
    }
}

impl Installation {
    /// Its name in the store.
    pub fn id(&self) -> InstallationId {
        InstallationId::new(
            &self.package,
            &self.version,
            &self.architecture,
            &self.sha256,
        )
    }

    /// As it is written.
    pub fn to_text(&self) -> Result<String, ManifestError> {
        if let Some(set_id) = self.setuid.iter().find(|s| !is_below(&s.path)) {
            return Err(ManifestError::Outside(set_id.path.clone()));
        }
        let mut stanza = Stanza::default();
        stanza.put("Package", &self.package);
        stanza.put("Version", &self.version);
        stanza.put("Architecture", &self.architecture);
        stanza.put("SHA256", self.sha256);
        stanza.put("Size", self.size);
        stanza.put_lines("Setuid", self.setuid.iter().map(SetId::line));
        Ok(stanza::write(&[stanza]))
    }

    /// As it was written. `id` is the name it was found under.
    pub fn from_text(text: &str, id: &InstallationId) -> Result<Installation, ManifestError> {
        let mut stanza = the_one(text)?;
        let installation = Installation {
            package: stanza.take("Package")?,
            version: stanza.take("Version")?,
            architecture: stanza.take("Architecture")?,
            sha256: stanza.take("SHA256")?,
            size: stanza.take("Size")?,
            setuid: stanza.take_each("Setuid", SetId::read)?,
        };
        stanza.end()?;
        if installation.id() != *id {
            return Err(ManifestError::Stranger(id.to_string()));
        }
        Ok(installation)
    }
}
