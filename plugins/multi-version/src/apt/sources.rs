//! Where a view's packages come from, if it names suites of its own: the host's sources, with its suite exchanged.
//!
//! `Suites: trixie` on a host whose sources are of `bookworm`, `bookworm-updates` and `bookworm-security` gives the view
//! `trixie`, `trixie-updates` and `trixie-security` from the same places, with the same keys. Of several suites the first is what
//! is taken unless another is asked for (`-t`): the others are pinned at 100, so that what came from them is kept up to date
//! from there (apt_preferences(5)).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use super::session::{AptError, Private};
use crate::generation::{Disk, is_dir, unless_absent};

/// Suites that have neither updates nor security updates beside them (Debian's archive).
const ALONE: [&str; 4] = ["sid", "unstable", "experimental", "rc-buggy"];
const FORMAT: &str = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)";

/// Something that packages are fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    uri: String,
    suite: String,
    component: String,
    signed_by: String,
}

/// What `apt-get indextargets` prints in [`FORMAT`].
fn targets(text: &str) -> Vec<Target> {
    let target = |line: &str| {
        // What a source does not say stays as it stands in the format.
        let mut fields = line.split('|').map(|f| {
            if f.starts_with("$(") {
                String::new()
            } else {
                f.to_owned()
            }
        });
        Some(Target {
            uri: fields.next()?,
            suite: fields.next()?,
            component: fields.next()?,
            signed_by: fields.next()?,
        })
    };
    text.lines().filter_map(target).collect()
}

fn stem(suite: &str) -> &str {
    suite.split_once('-').map_or(suite, |(stem, _)| stem)
}

/// The release that most of them are about.
fn release(targets: &[Target]) -> Option<&str> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for target in targets {
        *count.entry(stem(&target.suite)).or_default() += 1;
    }
    let most = count.values().max().copied();
    let mut stems = targets.iter().map(|t| stem(&t.suite));
    stems.find(|s| count.get(s).copied() == most)
}

/// A sources file for these suites, in the place of the host's; `None`: the host has none.
fn sources(targets: &[Target], suites: &[String]) -> Option<String> {
    let release = release(targets)?;
    let mut text = String::new();
    for suite in suites {
        let mut stanzas: Vec<(String, &str, &str, Vec<&str>)> = Vec::new();
        for target in targets.iter().filter(|t| stem(&t.suite) == release) {
            let besides = &target.suite[release.len()..];
            if !besides.is_empty() && ALONE.contains(&suite.as_str()) {
                continue;
            }
            let name = format!("{suite}{besides}");
            let same = |s: &&mut (String, &str, &str, Vec<&str>)| s.0 == name && s.1 == target.uri;
            match stanzas.iter_mut().find(same) {
                Some((_, _, _, components)) if components.contains(&target.component.as_str()) => {}
                Some((_, _, _, components)) => components.push(&target.component),
                None => stanzas.push((
                    name,
                    &target.uri,
                    &target.signed_by,
                    vec![&target.component],
                )),
            }
        }
        for (suite, uri, signed_by, components) in stanzas {
            let components = components.join(" ");
            text.push_str(&format!(
                "\nTypes: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}\n"
            ));
            if !signed_by.is_empty() {
                text.push_str(&format!("Signed-By: {signed_by}\n"));
            }
        }
    }
    Some(text)
}

/// Pins by which the first suite is what is taken.
fn preferences(suites: &[String]) -> String {
    let others = suites.iter().skip(1);
    let pin = |suite: &String| {
        ["a", "n"]
            .map(|by| format!("\nPackage: *\nPin: release {by}={suite}*\nPin-Priority: 100\n"))
            .concat()
    };
    others.map(pin).collect()
}

impl Private {
    /// Have sources for these suites; for none, those that a person put there, or the host's.
    ///
    /// # Errors
    /// The host has no sources to go by, or a file can't be written.
    pub fn ask_for(&self, disk: &Disk, suites: &[String]) -> Result<(), AptError> {
        let (sources_file, pins_file) = (
            self.etc().join("sources.list.d/suites.sources"),
            self.etc().join("preferences.d/suites"),
        );
        let head = format!(
            "# Made for 'Suites: {}' of the view, which is where to change it.\n",
            suites.join(" ")
        );
        let before = unless_absent(fs::read_to_string(&sources_file));
        let before = before.map_err(read_error(&sources_file))?;
        let before = before.unwrap_or_default();
        if before.starts_with(&head) || suites.is_empty() && before.is_empty() {
            return Ok(());
        }
        if suites.is_empty() {
            // With no sources of its own left the host's are used again.
            for file in [&sources_file, &pins_file] {
                disk.remove_file(file)?;
                for dir in file.ancestors().skip(1).take(2) {
                    // What a person put there stays, and keeps it.
                    let _ = fs::remove_dir(dir);
                }
            }
            return Ok(disk.remove_tree(&self.lists())?);
        }
        let mut command = Command::new("apt-get");
        command.args(["indextargets", "--format", FORMAT, "Created-By: Packages"]);
        let output = command.output();
        let output = output.map_err(|source| AptError::Run {
            program: "apt-get",
            source,
        })?;
        let listed = targets(&String::from_utf8_lossy(&output.stdout));
        let text = sources(&listed, suites).ok_or_else(|| AptError::NoSources(suites.join(" ")))?;
        for (path, text) in [(&pins_file, preferences(suites)), (&sources_file, text)] {
            let dir = path.parent().unwrap_or(path);
            let prepared = fs::create_dir_all(dir);
            prepared.map_err(|source| AptError::Prepare {
                path: dir.into(),
                source,
            })?;
            let aside = path.with_extension("new");
            disk.remove_file(&aside)?;
            disk.write(&aside, format!("{head}{text}").as_bytes())?;
            disk.rename(&aside, path)?;
        }
        // The lists of other suites would be taken for current.
        Ok(disk.remove_tree(&self.lists())?)
    }

    /// Add a sources file of a person's.
    ///
    /// # Errors
    /// It can't be read or copied.
    pub fn add_source(&self, disk: &Disk, file: &Path) -> Result<(), AptError> {
        let wrong = |path: &Path| {
            let path = path.to_path_buf();
            move |source: io::Error| AptError::Prepare { path, source }
        };
        let text = fs::read(file).map_err(|source| AptError::Read {
            path: file.into(),
            source,
        })?;
        let dir = self.etc().join("sources.list.d");
        fs::create_dir_all(&dir).map_err(wrong(&dir))?;
        let is_deb822 = file.extension().is_some_and(|e| e == "sources");
        let name = file.file_stem().unwrap_or(file.as_os_str());
        let to = dir
            .join(name)
            .with_extension(if is_deb822 { "sources" } else { "list" });
        disk.remove_file(&to)?;
        Ok(disk.write(&to, &text)?)
    }

    /// Have the sources, pins and keys of another view.
    ///
    /// # Errors
    /// They can't be copied.
    pub fn like(&self, other: &Private) -> Result<(), AptError> {
        let (from, to) = (other.etc(), self.etc());
        if !other.has_sources()? {
            return Ok(());
        }
        let made = fs::create_dir_all(&self.0);
        made.map_err(|source| AptError::Prepare {
            path: self.0.clone(),
            source,
        })?;
        let copied = crate::state::copy_tree(&from, &to, false);
        copied.map_err(|e| AptError::Prepare {
            path: to,
            source: io::Error::other(e.to_string()),
        })
    }

    /// Whether it has sources of its own.
    ///
    /// # Errors
    /// They can't be looked at.
    pub fn has_sources(&self) -> Result<bool, AptError> {
        let etc = self.etc();
        is_dir(&etc).map_err(read_error(&etc))
    }

    /// Whether lists were fetched for it: others are links to the host's.
    pub(super) fn has_lists(&self) -> Result<bool, AptError> {
        let lists = self.lists();
        let Some(entries) = unless_absent(fs::read_dir(&lists)).map_err(read_error(&lists))? else {
            return Ok(false);
        };
        for entry in entries {
            let entry = entry.map_err(read_error(&lists))?;
            let kind = entry.file_type().map_err(read_error(&entry.path()))?;
            if !kind.is_symlink() && entry.file_name().as_bytes().ends_with(b"Release") {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether it has sources of its own that nothing was fetched from yet.
    ///
    /// # Errors
    /// They can't be looked at.
    pub fn is_without_lists(&self) -> Result<bool, AptError> {
        Ok(self.has_sources()? && !self.has_lists()?)
    }
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> AptError {
    |source| AptError::Read {
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "\
http://deb.debian.org/debian/|bookworm|main|/k.gpg
http://deb.debian.org/debian/|bookworm|contrib|/k.gpg
http://deb.debian.org/debian/|bookworm-updates|main|/k.gpg
http://security.debian.org/|bookworm-security|main|$(SIGNED_BY)
https://example.org/|nodistro|main|/e.gpg
";

    fn made(suites: &[&str]) -> String {
        let suites: Vec<String> = suites.iter().map(|s| (*s).to_owned()).collect();
        sources(&targets(HOST), &suites).unwrap()
    }

    #[test]
    fn another_suite_of_the_same_places() {
        assert_eq!(
            made(&["trixie"]),
            "\nTypes: deb\nURIs: http://deb.debian.org/debian/\nSuites: trixie\nComponents: main contrib\nSigned-By: /k.gpg\n\
             \nTypes: deb\nURIs: http://deb.debian.org/debian/\nSuites: trixie-updates\nComponents: main\nSigned-By: /k.gpg\n\
             \nTypes: deb\nURIs: http://security.debian.org/\nSuites: trixie-security\nComponents: main\n"
        );
        assert_eq!(made(&["sid"]).matches("Types").count(), 1);
        assert_eq!(sources(&[], &["sid".into()]), None);
    }

    #[test]
    fn the_first_suite_is_taken() {
        let pins = preferences(&["bookworm".into(), "trixie".into()]);
        assert_eq!(pins.matches("Pin-Priority: 100").count(), 2);
        assert!(pins.contains("n=trixie*") && !pins.contains("bookworm"));
    }

    #[test]
    fn without_suites_the_hosts_sources_are_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let private = Private(dir.path().join("apt"));
        for file in [
            "etc/sources.list.d/suites.sources",
            "etc/preferences.d/suites",
            "lists/a_Release",
        ] {
            let file = private.0.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "# Made for 'Suites: trixie' of the view\n").unwrap();
        }
        let own = private.etc().join("sources.list.d/own.list");
        fs::write(&own, "").unwrap();
        private.ask_for(&Disk::default(), &[]).unwrap();
        assert!(own.exists() && !private.lists().exists());
        fs::remove_file(own).unwrap();
        fs::write(private.etc().join("sources.list.d/suites.sources"), "x").unwrap();
        private.ask_for(&Disk::default(), &[]).unwrap();
        assert!(!private.etc().exists());
    }
}
