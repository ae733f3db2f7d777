//! `triggers/`: who is interested in what, deb-triggers(5), as dpkg keeps it: `File` for paths, a file for each name.

use std::collections::BTreeMap;
use std::path::Path;

use super::{AdmindirError, Present};
use crate::generation::Disk;
use crate::layout::PackageName;

/// The interests of a database's packages.
#[derive(Default)]
pub(super) struct Interests {
    files: String,
    names: BTreeMap<String, String>,
}

impl Interests {
    /// Add those of a package: the text of its `triggers`.
    pub(super) fn add(&mut self, text: &[u8], present: &Present<'_>) {
        let package = present.info_name();
        for line in text.split(|b| *b == b'\n') {
            let line = line.split(|b| *b == b'#').next().unwrap_or_default();
            let Ok(line) = std::str::from_utf8(line) else {
                continue;
            };
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (name, noawait) = match words[..] {
                ["interest" | "interest-await", name] => (name, ""),
                ["interest-noawait", name] => (name, "/noawait"),
                _ => continue,
            };
            if name.starts_with('/') {
                self.files.push_str(&format!("{name} {package}{noawait}\n"));
            } else if PackageName::new(name).is_ok() {
                let of = self.names.entry(name.into()).or_default();
                of.push_str(&format!("{package}{noawait}\n"));
            }
        }
    }

    pub(super) fn write(&self, disk: &Disk, dir: &Path) -> Result<(), AdmindirError> {
        disk.write(&dir.join("File"), self.files.as_bytes())?;
        disk.write(&dir.join("Unincorp"), b"")?;
        disk.write(&dir.join("Lock"), b"")?;
        for (name, packages) in &self.names {
            disk.write(&dir.join(name), packages.as_bytes())?;
        }
        Ok(())
    }
}
