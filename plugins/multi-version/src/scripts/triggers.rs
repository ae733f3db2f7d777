//! Triggers between packages of a generation: dpkg's doc/spec/triggers.txt, without states. Whoever is interested is told
//! once, at the end, in its `postinst triggered`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::calls::{Call, Script, call};
use super::{Etc, Outcome, ScriptError, Work};
use crate::layout::{InstallationId, Layout, SlotName, inside};

/// What a control file `triggers` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Triggers {
    /// `interest`, `interest-await`, `interest-noawait`: names, or paths.
    pub interests: BTreeSet<String>,
    /// `activate` and its kin.
    pub activates: BTreeSet<String>,
}

/// What `lib/` makes needless.
const NEEDLESS: &str = "ldconfig";
/// Where dpkg-trigger writes.
pub(super) const UNINCORP: &str = "triggers/Unincorp";

impl Triggers {
    /// From the file's text. What is no trigger is left out: dpkg has refused such a package.
    pub fn parse(text: &str) -> Triggers {
        let mut triggers = Triggers::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let (Some(what), Some(name)) = (words.next(), words.next()) else {
                continue;
            };
            match what.split('-').next() {
                Some("interest") => triggers.interests.insert(merged(name)),
                Some("activate") => triggers.activates.insert(merged(name)),
                _ => false,
            };
        }
        triggers
    }

    /// Of an installation.
    pub fn read(layout: &Layout, id: &InstallationId) -> Result<Triggers, ScriptError> {
        let path = layout.installation(id).join("DEBIAN/triggers");
        match fs::read(&path) {
            Ok(bytes) => Ok(Triggers::parse(&String::from_utf8_lossy(&bytes))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Triggers::default()),
            Err(e) => Err(ScriptError::read(&path, e)),
        }
    }
}

/// A path as a payload has it.
fn merged(name: &str) -> String {
    let top = name.strip_prefix('/').and_then(|n| n.split('/').next());
    match top {
        Some("bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32") => format!("/usr{name}"),
        _ => name.into(),
    }
}

/// A package that triggers concern.
#[derive(Debug, Clone)]
pub struct Party {
    /// Which.
    pub package: InstallationId,
    /// Where.
    pub slot: Option<SlotName>,
    /// Its control file.
    pub triggers: Triggers,
    /// What is done with it.
    pub role: Role,
}

/// What a package has to do with triggers now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It was there before, and is configured.
    Stays,
    /// It comes with these paths, relative to the root. It is configured anyway, after all paths are there.
    Comes(Vec<PathBuf>),
    /// It goes, and these paths with it.
    Goes(Vec<PathBuf>),
}

/// The calls that tell of what came and went, and of what was activated by name.
fn fire(parties: &[Party], named: &BTreeSet<String>) -> Vec<(Call, BTreeSet<String>)> {
    let mut activated: BTreeSet<&str> = BTreeSet::new();
    let mut paths: BTreeSet<&Path> = BTreeSet::new();
    for party in parties {
        if let Role::Comes(own) | Role::Goes(own) = &party.role {
            activated.extend(party.triggers.activates.iter().map(String::as_str));
            paths.extend(own.iter().map(PathBuf::as_path));
        }
    }
    let by_path = |name: &str| {
        let Some(relative) = name.strip_prefix('/').map(Path::new) else {
            return false;
        };
        // Sorted by components, what is below a directory comes right behind it.
        let next = paths.range(relative..).next();
        next.is_some_and(|p| p.starts_with(relative))
    };
    let mut told = Vec::new();
    for party in parties {
        let names: BTreeSet<String> = party
            .triggers
            .interests
            .iter()
            .filter(|name| *name != NEEDLESS)
            .filter(|name| match party.role {
                Role::Goes(_) => false,
                Role::Comes(_) => named.contains(*name),
                Role::Stays => {
                    named.contains(*name) || activated.contains(name.as_str()) || by_path(name)
                }
            })
            .cloned()
            .collect();
        if !names.is_empty() {
            let list = names
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" ");
            let words = ["triggered", &list];
            let call = call(&party.package, &party.slot, Script::Postinst, &words);
            told.push((call, names));
        }
    }
    told
}

impl Work<'_> {
    /// Tell everybody of their triggers, and then of those that this activates. Nobody is told of one twice.
    pub fn trigger(
        &self,
        parties: &[Party],
        etc: &mut Etc,
        outcome: &mut Outcome,
        about: &mut dyn FnMut(&Call),
    ) -> Result<(), ScriptError> {
        let mut parties = parties.to_vec();
        let mut told: BTreeMap<InstallationId, BTreeSet<String>> = BTreeMap::new();
        loop {
            let mut calls = Vec::new();
            for (call, names) in fire(&parties, &self.activated()?) {
                let known = told.entry(call.installation.clone()).or_default();
                let before = known.len();
                known.extend(names);
                if known.len() > before {
                    calls.push(call);
                }
            }
            if calls.is_empty() {
                return Ok(());
            }
            self.run(calls, etc, outcome, about)?;
            for party in &mut parties {
                if let Role::Comes(_) = party.role {
                    party.role = Role::Stays;
                }
            }
            parties.retain(|p| p.role == Role::Stays);
        }
    }

    /// What scripts activated with dpkg-trigger; it is taken out of the database.
    fn activated(&self) -> Result<BTreeSet<String>, ScriptError> {
        let path = self.building.join(inside::ADMINDIR).join(UNINCORP);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(e) => return Err(ScriptError::read(&path, e)),
        };
        self.disk.remove_file(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let names = text.lines().filter_map(|l| l.split_whitespace().next());
        Ok(names.map(merged).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::{Sha256, Version};

    fn party(name: &str, text: &str, role: Role) -> Party {
        let version = Version::new("1").unwrap();
        let hash = Sha256::of(name.as_bytes());
        let arch = "all".parse().unwrap();
        Party {
            package: InstallationId::new(&name.parse().unwrap(), &version, &arch, &hash),
            slot: None,
            triggers: Triggers::parse(text),
            role,
        }
    }

    fn told(parties: &[Party], named: &[&str]) -> Vec<String> {
        let named = named.iter().map(|n| n.to_string()).collect();
        let told = fire(parties, &named);
        let line = |c: &Call| format!("{} {}", c.installation.package(), c.arguments.join(" "));
        told.iter().map(|(call, _)| line(call)).collect()
    }

    #[test]
    fn who_is_told_of_what() {
        let menu = "# comment\ninterest-noawait /usr/share/menu\ninterest update-menus # x\n";
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let all = |comes: &[&str]| {
            [
                party("menu", menu, Role::Stays),
                party("udev", "interest /lib/udev/rules.d", Role::Stays),
                party("libc-bin", "interest-noawait ldconfig", Role::Stays),
                party("fresh", menu, Role::Comes(paths(comes))),
                party(
                    "lib",
                    "activate-noawait ldconfig\nactivate update-menus",
                    Role::Comes(Vec::new()),
                ),
                party(
                    "gone",
                    menu,
                    Role::Goes(paths(&["usr/lib/udev/rules.d/1.rules"])),
                ),
            ]
        };
        assert_eq!(
            told(
                &all(&["usr/share/menu/x", "usr/share/menus"]),
                &["ldconfig"]
            ),
            [
                "menu triggered /usr/share/menu update-menus",
                "udev triggered /usr/lib/udev/rules.d"
            ]
        );
        let quiet = [
            party("menu", menu, Role::Stays),
            party(
                "fresh",
                menu,
                Role::Comes(paths(&["usr/share/menus", "usr/share/man/x"])),
            ),
        ];
        assert!(told(&quiet, &["other"]).is_empty());
        assert_eq!(
            told(&quiet, &["update-menus"]),
            [
                "menu triggered update-menus",
                "fresh triggered update-menus"
            ]
        );
    }
}
