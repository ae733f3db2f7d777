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
use super::transaction::{Asked, Transaction, is_lock, is_made};
use crate::apt::{Marks, Simulation};
use crate::base::{Lent, Satisfies};
use crate::facts;
use crate::generation::is_there;
use crate::layout::{Architecture, InstallationId, PackageName, SideName, Version, inside};
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
        // Who only came along gives way.
        self.mark(asked)?;
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
        if !is_made(&world)? {
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

    /// The world for what apt would install: the main one, where it comes beside all that is there; else a side world, which is
    /// made. Named after the first thing that is asked for.
    ///
    /// # Errors
    /// apt can't do it, there is a side world of that name, or it can't be made.
    pub fn world_beside(
        &self,
        would: &Simulation,
        args: &[OsString],
        asked: &mut Asked,
    ) -> Done<WorldDir> {
        if would.replaced.is_empty() && would.removed.is_empty() {
            return Ok(self.main());
        }
        let word = |arg: &OsString| {
            let word = arg.to_str()?;
            Some(word.split(['=', '/', ':', '+']).next()?.to_owned())
        };
        let named: Vec<String> = args.iter().filter_map(word).collect();
        let incoming = |name: &String| would.incoming().find(|(n, _)| n == name);
        let first = named
            .iter()
            .find_map(incoming)
            .or_else(|| would.incoming().next());
        let Some((package, version)) = first else {
            return Ok(self.main());
        };
        let package: PackageName = package.parse().map_err(EngineError::words)?;
        let version: Version = version.parse().map_err(EngineError::words)?;
        let name = SideName::of(&package, &version).map_err(EngineError::words)?;
        let world = WorldDir::side(&self.dir, name.as_str());
        if is_made(&world)? {
            return Err(EngineError::WorldExists(name));
        }
        self.begin_side(&world)?;
        let others = would.replaced.iter().map(|(n, _)| n).chain(&would.removed);
        let relaxed = others.filter_map(|with| {
            let with: PackageName = with.parse().ok()?;
            let field = if with == package {
                RelaxedField::Version
            } else {
                RelaxedField::Conflicts
            };
            Some(Relaxed {
                field,
                by: package.clone(),
                with,
            })
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
        let cloned = clone_tree(self.main().path(), world.path(), &state, &|_| None);
        cloned.map_err(|(path, e)| EngineError::path("clone", &path)(e))?;
        let from = marks(&self.dir, None);
        if is_there(&from).map_err(EngineError::path("look at", &from))? {
            disk.copy(&from, &marks(&self.dir, world.side_name()))?;
        }
        let main = self.main();
        self.begin_world(world, Some(&self.state(&main)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::host;

    /// A world whose `status` has these paragraphs, without those fields that all have.
    struct World {
        dir: tempfile::TempDir,
    }

    /// The fields of relations that follow a package's name and version.
    type Package<'p> = (&'p str, &'p str, &'p str);

    fn stanza((name, version, fields): Package<'_>) -> String {
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@e.x>\nDescription: x\n{fields}"
        )
    }

    impl World {
        fn new(packages: &[Package<'_>]) -> World {
            let dir = tempfile::tempdir().unwrap();
            for sub in ["info", "updates", "triggers"] {
                std::fs::create_dir(dir.path().join(sub)).unwrap();
            }
            let of = |p: &Package<'_>| format!("{}Status: install ok installed\n", stanza(*p));
            let all: Vec<String> = packages.iter().map(of).collect();
            std::fs::write(dir.path().join("status"), all.join("\n")).unwrap();
            World { dir }
        }

        /// `lent` is the host's, and `auto` came along; everything has its own path and what `at` says.
        fn effect(&self, new: &[Package<'_>], how: &How<'_>) -> Effect {
            let newcomers: Vec<Newcomer> = new
                .iter()
                .map(|package| Newcomer {
                    control: stanza(*package).into_bytes(),
                    replaces: how.replaces.iter().map(ToString::to_string).collect(),
                    paths: vec![
                        PathBuf::from("/usr/share").join(package.0),
                        "/usr/bin/x".into(),
                    ],
                })
                .collect();
            let about = About {
                admindir: self.dir.path(),
                lent: &|info| how.lent.contains(&info.name.as_str()),
                wanted: &|info| !how.auto.contains(&info.name.as_str()),
                paths: &|package| {
                    let name = package.strip_suffix(":all").unwrap();
                    let own = PathBuf::from("/usr/share").join(name);
                    match how.at.contains(&name) {
                        true => vec![own, "/usr/bin/x".into()],
                        false => vec![own],
                    }
                },
                hooks: &Nobody,
            };
            effect(host().0, &about, &newcomers).unwrap()
        }

        fn says(&self, new: &[Package<'_>], how: &How<'_>) -> (Vec<String>, Vec<String>) {
            let effect = self.effect(new, how);
            let clash = |(why, by, with): &(Clash, String, String)| format!("{why:?} {by} {with}");
            (
                effect.clashes.iter().map(clash).collect(),
                effect.leaves.into_iter().collect(),
            )
        }
    }

    #[derive(Default)]
    struct How<'h> {
        lent: &'h [&'h str],
        auto: &'h [&'h str],
        at: &'h [&'h str],
        replaces: &'h [&'h str],
    }

    struct Nobody;

    impl Hooks for Nobody {}

    const NONE: [&str; 0] = [];

    #[test]
    fn what_fits_stays_in_the_main_world() {
        let world = World::new(&[
            ("app", "1", "Depends: lib (>= 1)\n"),
            ("lib", "1", ""),
            // What did not hold before is no reason.
            ("broken", "1", "Depends: absent\n"),
        ]);
        let how = How {
            auto: &["lib"],
            ..How::default()
        };
        let fits = |new: &[Package<'_>]| {
            let (clashes, leaves) = world.says(new, &how);
            assert_eq!(clashes, NONE);
            assert_eq!(leaves, NONE);
        };
        fits(&[("new", "1", "Depends: lib\n")]);
        // A newer version of what came along, with which all else holds; the same once more; what lacks something itself.
        fits(&[("lib", "2", "")]);
        fits(&[("app", "1", "Depends: lib (>= 1)\n")]);
        fits(&[("new", "1", "Depends: nothing-here\n")]);
        fits(&[("new", "1", "Conflicts: nothing-here, lib (>> 2)\n")]);
    }

    #[test]
    fn who_conflicts_leaves_and_who_needs_it_with_it() {
        let world = World::new(&[
            ("mta", "1", ""),
            ("lists", "1", "Depends: mta\n"),
            ("archive", "1", "Depends: lists (= 1)\n"),
            ("hater", "1", "Breaks: exim (<< 5)\n"),
            ("other", "1", ""),
        ]);
        let (clashes, leaves) = world.says(
            &[("exim", "4", "Conflicts: mta\nProvides: mail\n")],
            &How::default(),
        );
        assert_eq!(leaves, ["archive:all", "hater:all", "lists:all", "mta:all"]);
        assert_eq!(
            clashes,
            [
                "Conflicts exim mta",
                "Breaks hater hater",
                "Depends archive archive",
                "Depends lists lists",
            ]
        );
    }

    #[test]
    fn another_version_of_what_was_asked_for() {
        let world = World::new(&[("db", "15", ""), ("tool", "1", "Depends: db (<< 16)\n")]);
        let (clashes, leaves) = world.says(&[("db", "17", "")], &How::default());
        assert_eq!(clashes, ["Version db db", "Depends tool tool"]);
        // dpkg replaces the old one by itself.
        assert_eq!(leaves, ["tool:all"]);
    }

    #[test]
    fn what_the_host_lends_stays_and_is_not_seen() {
        let world = World::new(&[("base", "1", "Conflicts: odd\n"), ("mail", "1", "")]);
        let how = How {
            lent: &["base", "mail"],
            ..How::default()
        };
        let effect = world.effect(&[("odd", "1", "Breaks: mail (<< 2)\n")], &how);
        assert_eq!(effect.leaves, BTreeSet::new());
        let hidden: Vec<(&str, &str)> = effect
            .hidden
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        assert_eq!(
            hidden,
            [
                ("base", "odd"),
                ("mail", "odd"),
                ("odd", "base"),
                ("odd", "mail"),
            ]
        );
    }

    #[test]
    fn one_path_for_two() {
        let world = World::new(&[("there", "1", "")]);
        let how = How {
            at: &["there"],
            ..How::default()
        };
        let (clashes, leaves) = world.says(&[("new", "1", "")], &how);
        assert_eq!(clashes, ["Path new there"]);
        assert_eq!(leaves, NONE);
        let allowed = How {
            replaces: &["there"],
            ..how
        };
        assert_eq!(world.says(&[("new", "1", "")], &allowed).0, NONE);
        // A package has its own paths.
        let how = How {
            at: &["there"],
            auto: &["there"],
            ..How::default()
        };
        assert_eq!(world.says(&[("there", "2", "")], &how).0, NONE);
    }
}
