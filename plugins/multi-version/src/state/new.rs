//! The state of a world that had none.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::brought::Brought;
use super::place;
use super::rules::{SEEDS, SHOWN, SHOWN_IN_CONTEXTS};
use super::{Done, StateError, StateKind, WorldState, upper};
use crate::generation::Disk;

/// What every /var has, with modes: FHS 5.2, and mount points of ours.
const DIRS: &[(&str, u32)] = &[
    ("var/backups", 0o755),
    ("var/cache", 0o755),
    ("var/lib", 0o755),
    ("var/lib/dpkg", 0o755),
    ("var/lib/misc", 0o755),
    ("var/local", 0o2775),
    ("var/log", 0o755),
    ("var/mail", 0o2775),
    ("var/opt", 0o755),
    ("var/spool", 0o755),
    ("var/sys", 0o755),
    ("var/tmp", 0o1777),
];

/// And links.
const LINKS: &[(&str, &str)] = &[("var/lock", "/run/lock"), ("var/run", "/run")];

/// What of debconf's is worth having, by its files' names.
const DEBCONF: &str = "var/cache/debconf";

/// Make the first state of a world in the world's directory.
pub(super) fn make(state: &WorldState<'_>, disk: &Disk, main: Option<&WorldState<'_>>) -> Done {
    let to = state.new_state();
    disk.remove_tree(&to)?;
    disk.make_dir(&to)?;
    let making = Making { state, disk, to };
    match main.filter(|m| m.kind == StateKind::Own) {
        Some(main) => making.copy_of(main),
        None => {
            making.fresh()?;
            main.map_or(Ok(()), |main| making.brought_by(main))
        }
    }
}

struct Making<'m> {
    state: &'m WorldState<'m>,
    disk: &'m Disk,
    to: PathBuf,
}

impl Making<'_> {
    fn hosts(&self, path: &Path) -> PathBuf {
        self.state.host.join(path)
    }

    /// A side world begins as the main one is: its packages have their state there.
    fn copy_of(&self, main: &WorldState<'_>) -> Done {
        for top in super::layers::TOPS {
            let (from, to) = (main.own(top)?, self.to.join(top));
            self.disk.announce("copy", &to)?;
            place::copy_tree(&from, &to, top == "etc")?;
        }
        Ok(())
    }

    /// What the main world has placed in the host's /var.
    fn brought_by(&self, main: &WorldState<'_>) -> Done {
        let brought = Brought::read(main.layout, main.view)?;
        for path in brought.items.keys().filter(|p| p.starts_with("var")) {
            self.same(path)?;
        }
        Ok(())
    }

    /// What a fresh system has.
    fn fresh(&self) -> Done {
        for top in super::layers::TOPS {
            let (to, like) = (self.to.join(top), self.hosts(Path::new(top)));
            let like = fs::canonicalize(&like).map_err(|e| StateError::read(&like, e))?;
            self.disk
                .step("make directory", &to, || place::copy_dir(&like, &to))?;
        }
        for (path, mode) in DIRS {
            let (path, hosts) = (Path::new(path), self.hosts(Path::new(path)));
            match upper::stat(&hosts)?.is_some_and(|is| is.is_dir()) {
                true => self.same(path)?,
                false => {
                    let to = self.to.join(path);
                    self.disk.make_dir(&to)?;
                    let mode = rustix::fs::Mode::from_raw_mode(*mode);
                    self.disk
                        .step("set the mode of", &to, || Ok(rustix::fs::chmod(&to, mode)?))?;
                }
            }
        }
        for (path, target) in LINKS {
            self.disk.symlink(Path::new(target), &self.to.join(path))?;
        }
        // The base is lent as installed: so is what its packages list.
        for path in self.listed()? {
            self.same(&path)?;
        }
        for (path, _) in SHOWN.iter().chain(SHOWN_IN_CONTEXTS) {
            let is_dir = upper::stat(&self.hosts(Path::new(path)))?.is_some_and(|is| is.is_dir());
            if is_dir {
                self.same(Path::new(path))?;
            }
        }
        for (path, _) in SEEDS {
            self.seed(Path::new(path))?;
        }
        Ok(())
    }

    /// Paths below /var that the world's packages list, each behind the directory it is in.
    fn listed(&self) -> Done<BTreeSet<PathBuf>> {
        let info = self.state.world.admindir().join("info");
        let mut listed = BTreeSet::new();
        let entries = match fs::read_dir(&info) {
            Ok(entries) => entries,
            Err(e) if crate::generation::is_absent(&e) => return Ok(listed),
            Err(e) => return Err(StateError::read(&info, e)),
        };
        for entry in entries {
            let path = entry.map_err(|e| StateError::read(&info, e))?.path();
            if path.extension() != Some(OsStr::new("list")) {
                continue;
            }
            let text = fs::read(&path).map_err(|e| StateError::read(&path, e))?;
            let lines = text.split(|b| *b == b'\n');
            let paths = lines.filter(|l| l.starts_with(b"/var/"));
            let paths = paths.filter_map(|l| l.get(1..));
            listed.extend(paths.map(|p| PathBuf::from(OsStr::from_bytes(p))));
        }
        let strange = |p: &PathBuf| !crate::manifest::path::is_below(p);
        listed.retain(|p| !strange(p) && !p.starts_with("var/sys"));
        Ok(listed)
    }

    /// What the host has at a path, if nothing is there yet; of a directory only itself.
    fn same(&self, path: &Path) -> Done {
        let (from, to) = (self.hosts(path), self.to.join(path));
        let Some(is) = upper::stat(&from)? else {
            return Ok(());
        };
        let parent = to.parent().unwrap_or(&to);
        let there = upper::stat(parent)?.is_some_and(|is| is.is_dir());
        if !there || upper::stat(&to)?.is_some() {
            return Ok(());
        }
        self.disk.step("copy", &to, || match is.is_dir() {
            true => place::copy_dir(&from, &to),
            false => match place::copy(&from, &to) {
                Err(e) if place::is_left(&e) => Ok(()),
                done => done,
            },
        })?;
        Ok(())
    }

    /// State that goes with the host's /etc.
    fn seed(&self, path: &Path) -> Done {
        let (from, to) = (self.hosts(path), self.to.join(path));
        let Some(is) = upper::stat(&from)? else {
            return Ok(());
        };
        let ups: Vec<&Path> = path.ancestors().skip(1).collect();
        for up in ups.iter().rev().filter(|up| !up.as_os_str().is_empty()) {
            self.same(up)?;
        }
        if path == Path::new(DEBCONF) {
            self.same(path)?;
            return self.debconf(&from, &to);
        }
        match (is.is_dir(), upper::stat(&to)?) {
            (true, Some(_)) => {
                for name in upper::names(&from)? {
                    let (from, to) = (from.join(&name), to.join(&name));
                    if upper::stat(&to)?.is_none() {
                        self.disk.announce("copy", &to)?;
                        place::copy_tree(&from, &to, false)?;
                    }
                }
                Ok(())
            }
            (_, None) => {
                self.disk.announce("copy", &to)?;
                place::copy_tree(&from, &to, false)
            }
            _ => Ok(()),
        }
    }

    /// Of debconf's databases the entries that packages of this world alone own.
    fn debconf(&self, from: &Path, to: &Path) -> Done {
        let packages = self.packages()?;
        for name in ["config.dat", "templates.dat", "passwords.dat"] {
            let (from, to) = (from.join(name), to.join(name));
            let text = match fs::read(&from) {
                Ok(text) => text,
                Err(e) if e.kind() == io::ErrorKind::NotFound || place::is_left(&e) => continue,
                Err(e) => return Err(StateError::read(&from, e)),
            };
            // With the owner and mode of the host's: there are passwords in one.
            self.disk.step("copy", &to, || {
                place::copy(&from, &to)?;
                fs::write(&to, owned(&text, &packages))
            })?;
        }
        Ok(())
    }

    /// The names of the world's packages.
    fn packages(&self) -> Done<BTreeSet<Vec<u8>>> {
        let path = self.state.world.admindir().join("status");
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(StateError::read(&path, e)),
        };
        let lines = text.split(|b| *b == b'\n');
        let names = lines.filter_map(|l| l.strip_prefix(b"Package: "));
        Ok(names.map(<[u8]>::to_vec).collect())
    }
}

/// The stanzas of debconf's whose owners are all of these packages. An owner is a package, or a question of one:
/// `libc6`, `libc6:amd64`, `debconf/frontend`.
fn owned(text: &[u8], packages: &BTreeSet<Vec<u8>>) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\n\n").map_or(rest.len(), |at| at + 2);
        let (stanza, after) = rest.split_at(end);
        rest = after;
        let owners = stanza
            .split(|b| *b == b'\n')
            .find_map(|l| l.strip_prefix(b"Owners: "));
        let mut owners = owners.unwrap_or_default().split(|b| *b == b',');
        let known = |owner: &[u8]| {
            let name = owner.trim_ascii().split(|b| matches!(b, b':' | b'/'));
            name.take(1).any(|name| packages.contains(name))
        };
        if owners.all(known) {
            kept.extend_from_slice(stanza);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_other_packages_stay_with_the_host() {
        let text = b"Name: a/b\nOwners: libc6, libc6:amd64\nValue: x\n\nName: m/password\nOwners: mysql\n\nName: c\nOwners: libc6, mysql\n\nName: d\nOwners: debconf/frontend\n\nName: e\n\n";
        let packages = ["libc6", "debconf"].map(|p| p.as_bytes().to_vec());
        let kept = owned(text, &packages.into());
        let kept = String::from_utf8(kept).unwrap();
        assert_eq!(
            kept,
            "Name: a/b\nOwners: libc6, libc6:amd64\nValue: x\n\nName: d\nOwners: debconf/frontend\n\n"
        );
    }

    #[test]
    fn what_is_shown_has_a_place() {
        for (path, _) in SHOWN {
            assert!(DIRS.iter().any(|(dir, _)| dir == path), "{path}");
        }
        assert!(!super::super::rules::has(SHOWN, Path::new("var/tmpfiles")));
    }
}
