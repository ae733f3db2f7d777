//! What a world holds, as its database tells.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dpkgng_plugin::{Host, PackageInfo, Which};

use super::EngineError;
use crate::apt::Marks;
use crate::base::Lent;
use crate::facts::{Facts, control};
use crate::generation::Disk;
use crate::layout::{Architecture, InstallationId, PackageName, SideName, Version};
use crate::manifest::{Reason, State};
use crate::plan::{ObservedMember, ObservedWorld, Origin};
use crate::world::WorldDir;

type Done<T = ()> = Result<T, EngineError>;

/// Which installation each package of a world is: by name and architecture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Installations(BTreeMap<(String, String), InstallationId>);

impl Installations {
    /// A world's.
    pub fn read(world: &WorldDir) -> Done<Installations> {
        let path = world.installations();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(EngineError::path("read", &path)(e)),
        };
        let line = |line: &str| {
            let (key, id) = line.split_once(' ')?;
            let (name, architecture) = key.split_once(':')?;
            Some(((name.to_owned(), architecture.to_owned()), id.parse().ok()?))
        };
        let lines: Option<BTreeMap<_, _>> = text.lines().map(line).collect();
        let damaged = || EngineError::Damaged(path.clone());
        Ok(Installations(lines.ok_or_else(damaged)?))
    }

    /// Write it anew.
    pub fn write(&self, disk: &Disk, world: &WorldDir) -> Done {
        let line = |((name, architecture), id): (&(String, String), &InstallationId)| {
            format!("{name}:{architecture} {id}\n")
        };
        let text: String = self.0.iter().map(line).collect();
        let path = world.installations();
        disk.remove_file(&path)?;
        Ok(disk.write(&path, text.as_bytes())?)
    }

    /// The installation that a package is, in this version.
    pub fn get(&self, info: &PackageInfo) -> Option<&InstallationId> {
        let id = self
            .0
            .get(&(info.name.clone(), info.architecture.clone()))?;
        (id.version().as_str() == info.version).then_some(id)
    }

    /// The installation of this name and architecture.
    pub fn of(&self, key: &(String, String)) -> Option<&InstallationId> {
        self.0.get(key)
    }

    /// What a package is from now on.
    pub fn set(&mut self, id: InstallationId) {
        let key = (id.package().to_string(), id.architecture().to_string());
        self.0.insert(key, id);
    }

    /// Forget what is not there any more.
    pub fn retain(&mut self, there: impl Fn(&str, &str) -> bool) {
        self.0
            .retain(|(name, architecture), _| there(name, architecture));
    }
}

/// The packages of a world's database that are there at all.
pub(super) fn packages(host: Host, world: &WorldDir) -> Done<Vec<(PackageInfo, Vec<u8>)>> {
    let database = host.packages_open(&world.admindir(), Path::new(""), None)?;
    let mut found = Vec::new();
    for package in database.all()? {
        let info = database.info(package, Which::Installed)?;
        if info.status != "not-installed" {
            found.push((info, database.stanza(package, Which::Installed)?));
        }
    }
    Ok(found)
}

/// What is known besides of a world.
pub(super) struct About<'a> {
    /// Its name; none of the main one.
    pub name: Option<SideName>,
    /// What the host has lent it.
    pub lent: &'a Lent,
    /// Which installation each package is.
    pub installations: &'a Installations,
    /// Who came along.
    pub marks: &'a Marks,
    /// The host's architecture.
    pub native: &'a Architecture,
    /// Of every installation.
    pub facts: &'a BTreeMap<InstallationId, Facts>,
    /// Names of libraries that no package has itself.
    pub made: BTreeMap<std::path::PathBuf, std::path::PathBuf>,
    /// Whether an installation is linked by DT_RPATH.
    pub rpath: &'a dyn Fn(&InstallationId) -> bool,
}

/// A world, from its packages.
pub(super) fn observe(
    host: Host,
    packages: &[(PackageInfo, Vec<u8>)],
    about: About<'_>,
) -> Done<ObservedWorld> {
    let mut members = Vec::new();
    for (info, stanza) in packages {
        let wrong = |e: crate::layout::WordError| {
            EngineError::Host(format!("package {} can't be in a view: {e}", info.name))
        };
        let name: PackageName = info.name.parse().map_err(wrong)?;
        let version: Version = info.version.parse().map_err(wrong)?;
        let architecture: Architecture = info.architecture.parse().map_err(wrong)?;
        let Ok(state) = info.status.parse::<State>() else {
            continue;
        };
        let installation = about.installations.get(info);
        let origin = match installation {
            Some(id) if about.facts.contains_key(id) => Origin::Store(id.clone()),
            _ if about
                .lent
                .has(&info.name, &info.architecture, &info.version) =>
            {
                Origin::Host
            }
            _ => Origin::Tree("it is not in the store".into()),
        };
        let facts = installation.and_then(|id| about.facts.get(id));
        let control = match facts {
            Some(facts) => facts.control.clone(),
            None => control::of_stanza(host.services(), stanza).unwrap_or_default(),
        };
        let source = control::source(host.services(), stanza).unwrap_or_else(|| info.name.clone());
        // What has taken the place of the host's came for something else: nobody has to ask for what every system has.
        let key = (info.name.clone(), info.architecture.clone());
        let reason = match about.lent.own.contains(&key) {
            true => Reason::Auto,
            false => about.marks.reason(&info.name, &architecture, about.native),
        };
        members.push(ObservedMember {
            reason,
            rpath: installation.is_some_and(about.rpath),
            name,
            version,
            architecture,
            source,
            state,
            origin,
            control,
        });
    }
    Ok(ObservedWorld {
        name: about.name,
        members,
        made: about.made,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Sha256;

    fn id(name: &str, version: &str, architecture: &str) -> InstallationId {
        let (name, version) = (name.parse().unwrap(), Version::new(version).unwrap());
        InstallationId::new(
            &name,
            &version,
            &architecture.parse().unwrap(),
            &Sha256::of(b""),
        )
    }

    fn info(name: &str, version: &str, architecture: &str) -> PackageInfo {
        PackageInfo {
            name: name.into(),
            version: version.into(),
            architecture: architecture.into(),
            want: "install".into(),
            error_flag: "ok".into(),
            status: "installed".into(),
        }
    }

    #[test]
    fn installations_are_read_as_they_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let world = WorldDir::main(dir.path());
        fs::create_dir(world.path()).unwrap();
        let none = Installations::read(&world).unwrap();
        assert_eq!(none, Installations::default());
        let mut all = none;
        all.set(id("libc6", "2:2.36-9", "amd64"));
        all.set(id("libc6", "2.36-9", "i386"));
        all.set(id("k", "1", "all"));
        all.set(id("k", "2", "all"));
        let disk = Disk::default();
        // Also where there is one already, which another generation may have.
        all.write(&disk, &world).unwrap();
        let shared = dir.path().join("shared");
        fs::hard_link(world.installations(), &shared).unwrap();
        let before = fs::read(&shared).unwrap();
        let read = Installations::read(&world).unwrap();
        assert_eq!(read, all);
        all.retain(|name, architecture| (name, architecture) != ("libc6", "i386"));
        all.write(&disk, &world).unwrap();
        assert_eq!(fs::read(&shared).unwrap(), before);
        let read = Installations::read(&world).unwrap();
        assert_eq!(read, all);

        let found = |info| read.get(&info).map(ToString::to_string);
        assert_eq!(
            found(info("k", "2", "all")),
            Some(id("k", "2", "all").to_string())
        );
        // Another version is in the database: it is not this one.
        assert_eq!(found(info("k", "1", "all")), None);
        assert_eq!(found(info("libc6", "2.36-9", "i386")), None);
        assert!(found(info("libc6", "2:2.36-9", "amd64")).is_some());
    }

    #[test]
    fn what_is_no_list_of_installations_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let world = WorldDir::main(dir.path());
        fs::create_dir(world.path()).unwrap();
        let id = id("k", "1", "all");
        for text in [
            "k\n".to_owned(),
            "k:all \n".into(),
            format!("k {id}\n"),
            format!("k:all {id}x\n"),
            "k:all ../../etc\n".into(),
        ] {
            fs::write(world.installations(), &text).unwrap();
            let read = Installations::read(&world);
            assert!(matches!(read, Err(EngineError::Damaged(_))), "{text}");
        }
    }
}
