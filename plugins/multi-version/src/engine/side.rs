//! `--multi-version`: whether newcomers fit into the main world, or a side world is made for them.
//!
//! They fit if all that is there stays as it was: no package of the view's goes or is replaced that somebody asked for, and
//! each relation that held before holds afterwards. Relations are judged by libdpkgng, on the world's database with the newcomers
//! added.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{
    Database, Expect, Failed, Field, Hooks, Host, PackageInfo, PackageNumber, Packages, Relation,
    Verdict, Which,
};

use super::EngineError;
use super::clone::clone_tree;
use super::commit::marks;
use super::transaction::{Asked, Transaction, is_lock};
use crate::apt::Marks;
use crate::base::{Lent, Satisfies};
use crate::facts;
use crate::layout::{Architecture, InstallationId, SideName, inside};
use crate::manifest::{Reason, Relaxed, RelaxedField, Side};
use crate::world::{WORLDS, WorldDir};

type Done<T = ()> = Result<T, EngineError>;

/// A package about to be installed.
pub(super) struct Newcomer {
    /// Its control file.
    pub control: Vec<u8>,
    /// The packages of its `Replaces`; dpkg judges the versions when it comes to it.
    pub replaces: BTreeSet<String>,
    /// Its paths that are no directories, from the root.
    pub paths: Vec<PathBuf>,
}

/// Why newcomers do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clash {
    /// `Conflicts`
    Conflicts,
    /// `Breaks`
    Breaks,
    /// It is another version of what is there.
    Version,
    /// Both have a path, and neither replaces the other's.
    Path,
    /// What is there depends on what would go.
    Depends,
}

/// What becomes of a world when newcomers come.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// Why they do not fit: of whom, and with whom. None: they do.
    pub clashes: BTreeSet<(Clash, String, String)>,
    /// The packages (`name:arch`) that have to go first where they come all the same.
    pub leaves: BTreeSet<String>,
    /// What the host lends stays, whatever is said of it: who is not to see whom, by name.
    pub hidden: BTreeSet<(String, String)>,
}

/// What is asked of the world besides its database.
pub(super) struct About<'a> {
    /// Its admindir.
    pub admindir: &'a Path,
    /// Whether the host lends it.
    pub lent: &'a dyn Fn(&PackageInfo) -> bool,
    /// Whether a package was asked for, and not only came along.
    pub wanted: &'a dyn Fn(&PackageInfo) -> bool,
    /// The paths of a package that is there (`name:arch`), from the root.
    pub paths: &'a dyn Fn(&str) -> Vec<PathBuf>,
    /// What the host satisfies.
    pub hooks: &'a dyn Hooks,
}

/// The relations that hold of what is installed, and those that keep others away.
const RELATIONS: [Field; 4] = [
    Field::PreDepends,
    Field::Depends,
    Field::Conflicts,
    Field::Breaks,
];

/// Find out.
pub(super) fn effect(host: Host, about: &About<'_>, newcomers: &[Newcomer]) -> Done<Effect> {
    let mut database = host.packages_open(about.admindir, Path::new(""), Some(about.hooks))?;
    let mut there: BTreeMap<PackageNumber, PackageInfo> = BTreeMap::new();
    for package in database.all()? {
        let info = database.info(package, Which::Installed)?;
        if !matches!(info.status.as_str(), "not-installed" | "config-files") {
            there.insert(package, info);
        }
    }
    let mut broken = BTreeSet::new();
    for package in there.keys() {
        for (at, field) in RELATIONS.into_iter().enumerate() {
            if database.judge(*package, field)? != Verdict::Holds {
                broken.insert((*package, at));
            }
        }
    }
    let mut effect = Effect::default();
    let mut coming = BTreeMap::new();
    for newcomer in newcomers {
        let package = database.add(&newcomer.control)?;
        database.expect(package, Expect::ToBeInstalled)?;
        coming.insert(package, newcomer);
        let new = database.info(package, Which::Available)?;
        if let Some(old) = there.get(&package)
            && old.version != new.version
            && (about.wanted)(old)
        {
            effect.clash(Clash::Version, &new, &new);
        }
    }
    clashing_paths(&database, about, &there, &coming, &mut effect)?;
    // What is to leave may be what others need: again, until nobody else has to.
    let mut leaving = BTreeSet::new();
    loop {
        let mut more = BTreeSet::new();
        let rest = there
            .keys()
            .filter(|p| !leaving.contains(*p) && !coming.contains_key(*p));
        for package in rest.chain(coming.keys()).copied().collect::<Vec<_>>() {
            for (at, field) in RELATIONS.into_iter().enumerate() {
                if broken.contains(&(package, at)) {
                    continue;
                }
                let Verdict::Fails { culprit, .. } = database.judge(package, field)? else {
                    continue;
                };
                let left =
                    effect.judged(&database, about, &there, &coming, package, field, culprit)?;
                more.extend(left);
            }
        }
        more.retain(|p| leaving.insert(*p));
        if more.is_empty() {
            break;
        }
        for package in more {
            database.expect(package, Expect::ToBeRemoved)?;
        }
    }
    effect
        .leaves
        .extend(leaving.iter().filter_map(|p| there.get(p)).map(shown));
    Ok(effect)
}

impl Effect {
    fn clash(&mut self, why: Clash, by: &PackageInfo, with: &PackageInfo) {
        self.clashes
            .insert((why, by.name.clone(), with.name.clone()));
    }

    /// A relation that fails from now on: who has to leave for it, if anybody can.
    fn judged(
        &mut self,
        database: &Database<'_>,
        about: &About<'_>,
        there: &BTreeMap<PackageNumber, PackageInfo>,
        coming: &BTreeMap<PackageNumber, &Newcomer>,
        package: PackageNumber,
        field: Field,
        culprit: Option<PackageNumber>,
    ) -> Done<Option<PackageNumber>> {
        let is_new = coming.contains_key(&package);
        let which = if is_new {
            Which::Available
        } else {
            Which::Installed
        };
        let by = database.info(package, which)?;
        let why = match field {
            Field::Conflicts => Clash::Conflicts,
            Field::Breaks => Clash::Breaks,
            // What a newcomer lacks is for dpkg to complain of.
            _ if is_new => return Ok(None),
            _ => {
                self.clash(Clash::Depends, &by, &by);
                return Ok(Some(package).filter(|_| !(about.lent)(&by)));
            }
        };
        let leaves = match culprit.filter(|c| !coming.contains_key(c)) {
            Some(culprit) => culprit,
            // What is there does not want the newcomer.
            None if !is_new => package,
            // Two newcomers: for dpkg to complain of.
            None => return Ok(None),
        };
        let with = there.get(&leaves).unwrap_or(&by);
        self.clash(why, &by, with);
        if (about.lent)(with) {
            let other = if leaves == package {
                culprit.map_or_else(|| Ok(by.clone()), |c| database.info(c, Which::Available))?
            } else {
                by.clone()
            };
            self.hidden.insert((other.name.clone(), with.name.clone()));
            self.hidden.insert((with.name.clone(), other.name));
            return Ok(None);
        }
        Ok(Some(leaves))
    }
}

/// What is at the same path without leave.
fn clashing_paths(
    database: &Database<'_>,
    about: &About<'_>,
    there: &BTreeMap<PackageNumber, PackageInfo>,
    coming: &BTreeMap<PackageNumber, &Newcomer>,
    effect: &mut Effect,
) -> Done {
    let mut owners: BTreeMap<&Path, PackageNumber> = BTreeMap::new();
    for (package, newcomer) in coming {
        owners.extend(newcomer.paths.iter().map(|p| (p.as_path(), *package)));
    }
    for (_, info) in there.iter().filter(|(p, _)| !coming.contains_key(*p)) {
        let paths = (about.paths)(&shown(info));
        let clash = paths.iter().find_map(|p| owners.get(p.as_path()));
        if let Some(newcomer) = clash {
            let new = database.info(*newcomer, Which::Available)?;
            let replaces = coming
                .get(newcomer)
                .is_some_and(|n| n.replaces.contains(&info.name));
            if !replaces && new.name != info.name {
                effect.clash(Clash::Path, &new, info);
            }
        }
    }
    Ok(())
}

fn shown(info: &PackageInfo) -> String {
    format!("{}:{}", info.name, info.architecture)
}

/// What the host satisfies, for judging.
struct ByHost<'s>(&'s Satisfies);

impl Hooks for ByHost<'_> {
    fn satisfies(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        relation: &Relation,
    ) -> Result<bool, Failed> {
        Ok(self.0.by_host(packages, by, relation)?.is_some())
    }
}

impl Transaction {
    /// The world that newcomers go to: the main one, if they fit there; else a side world, which is made if it is not
    /// there. What they conflict with has left it by then.
    ///
    /// # Errors
    /// Something can't be read, or made.
    pub fn world_for(&self, asked: &mut Asked) -> Done<WorldDir> {
        let main = self.main();
        let effect = self.effect(&main, asked)?;
        if effect.clashes.is_empty() {
            return Ok(main);
        }
        // What the others came for: nobody of them depends on it.
        let needed = self.needed_among(&asked.newcomers)?;
        let first = asked
            .newcomers
            .iter()
            .find(|id| !needed.contains(id.package().as_str()));
        let first = first.or(asked.newcomers.first());
        let Some(first) = first else {
            return Ok(main);
        };
        let name = SideName::of(first.package(), first.version());
        let name = name.map_err(|e| EngineError::Host(e.to_string()))?;
        let world = WorldDir::side(&self.dir, name.as_str());
        if !world.admindir().is_dir() {
            self.begin_side(&world)?;
            let effect = self.effect(&world, asked)?;
            self.hidden
                .borrow_mut()
                .extend(effect.hidden.iter().cloned());
            if !effect.leaves.is_empty() {
                let mut args: Vec<OsString> = vec!["--force-depends".into(), "--remove".into()];
                args.extend(effect.leaves.iter().map(OsString::from));
                match self.dpkg(&world, &args)? {
                    0 => {}
                    code => return Err(EngineError::CannotLeave(name, code)),
                }
            }
        }
        let relaxed = effect.clashes.iter().filter_map(|(why, by, with)| {
            let field = match why {
                Clash::Conflicts => RelaxedField::Conflicts,
                Clash::Breaks => RelaxedField::Breaks,
                Clash::Version => RelaxedField::Version,
                Clash::Path => RelaxedField::Path,
                Clash::Depends => return None,
            };
            let (by, with) = (by.parse().ok()?, with.parse().ok()?);
            Some(Relaxed { field, by, with })
        });
        let side = Side {
            relaxed: relaxed.collect(),
        };
        asked.side = Some((name, side));
        Ok(world)
    }

    /// The names that some installations depend on.
    fn needed_among(&self, newcomers: &[InstallationId]) -> Done<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for id in newcomers {
            let read = facts::read(self.host.services(), self.sys.layout(), id);
            let facts = read.map_err(EngineError::words)?;
            let depends = facts.control.depends.iter().flatten();
            names.extend(depends.map(|relation| relation.name.to_string()));
        }
        Ok(names)
    }

    /// A side world that is like the main one.
    pub(super) fn begin_side(&self, world: &WorldDir) -> Done {
        let disk = self.sys.disk();
        disk.make_dir(&self.dir.join(WORLDS))?;
        disk.announce("clone", world.path())?;
        let state = |path: &Path| {
            let own = ["scratch", "before", "state", "here", "changes"];
            is_lock(path) || own.iter().any(|name| path == Path::new(name))
        };
        let cloned = clone_tree(self.main().path(), world.path(), &state);
        cloned.map_err(|(path, e)| EngineError::path("clone", &path)(e))?;
        let from = marks(&self.dir, None);
        if from.exists() {
            disk.copy(&from, &marks(&self.dir, world.side_name()))?;
        }
        self.begin_world(world)
    }

    /// What becomes of a world when the newcomers come.
    fn effect(&self, world: &WorldDir, asked: &Asked) -> Done<Effect> {
        let (host, layout) = (self.host, self.sys.layout());
        let mut newcomers = Vec::new();
        for id in &asked.newcomers {
            let read = facts::read(host.services(), layout, id);
            let facts = read.map_err(|e| EngineError::Host(e.to_string()))?;
            let control = layout.installation(id).join(inside::CONTROL);
            newcomers.push(Newcomer {
                control: fs::read(&control).map_err(EngineError::path("read", &control))?,
                replaces: facts
                    .control
                    .replaces
                    .iter()
                    .map(|r| r.name.to_string())
                    .collect(),
                paths: facts.paths.iter().map(|p| Path::new("/").join(p)).collect(),
            });
        }
        let lent = Lent::read(world)?;
        let satisfies = Satisfies::read(host, Path::new("/"), &lent)?;
        let path = marks(&self.dir, world.side_name());
        let marks = Marks::read(&path).map_err(EngineError::path("read", &path))?;
        let native: Architecture = super::commit::native(host)?;
        let info = world.admindir().join("info");
        let about = About {
            admindir: &world.admindir(),
            lent: &|info| lent.has(&info.name, &info.architecture, &info.version),
            wanted: &|info| {
                let of_host = lent.has(&info.name, &info.architecture, &info.version);
                let architecture = info.architecture.parse::<Architecture>();
                let reason = architecture.map(|a| marks.reason(&info.name, &a, &native));
                !of_host && reason != Ok(Reason::Auto)
            },
            paths: &|package| {
                let name = package.split_once(':').map_or(package, |(name, _)| name);
                let list = [package, name].map(|n| info.join(format!("{n}.list")));
                let text = list
                    .iter()
                    .find_map(|l| fs::read(l).ok())
                    .unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                text.lines().map(PathBuf::from).collect()
            },
            hooks: &ByHost(&satisfies),
        };
        effect(host, &about, &newcomers)
    }
}
