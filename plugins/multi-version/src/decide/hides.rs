//! Hidden upgrades.

use super::Versions;
use crate::layout::{InstallationId, PackageName};
use crate::manifest::Hide;

/// The rule by which `dependent` (nobody in particular, if none) does not see a package's version.
pub fn hidden_by<'h>(
    hides: &'h [Hide],
    package: &InstallationId,
    dependent: Option<&PackageName>,
) -> Option<&'h Hide> {
    hides.iter().find(|hide| {
        let theirs = hide.dependent.is_none() || hide.dependent.as_ref() == dependent;
        theirs && hide.package == *package.package() && hide.version == *package.version()
    })
}

/// The newest installation of a package that `dependent` sees, and what was hidden of newer ones.
pub fn newest_visible<'h, 'p>(
    hides: &'h [Hide],
    installations: &'p [InstallationId],
    dependent: Option<&PackageName>,
    versions: &dyn Versions,
) -> (Option<&'p InstallationId>, Vec<&'h Hide>) {
    let mut newest_first: Vec<&InstallationId> = installations.iter().collect();
    newest_first.sort_by(|a, b| versions.compare(b.version(), a.version()));
    let mut hidden = Vec::new();
    for installation in newest_first {
        match hidden_by(hides, installation, dependent) {
            Some(hide) => hidden.push(hide),
            None => return (Some(installation), hidden),
        }
    }
    (None, hidden)
}
