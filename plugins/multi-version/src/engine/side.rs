//! `--multi-version`: whether newcomers fit into the main world, or a side world is made for them.
//!
//! They fit if all that is there stays as it was: no package of the view's goes or is replaced that somebody asked for, and
//! each relation that held before holds afterwards. Relations are judged by libdpkgng, on the world's database with the newcomers
//! added.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Database, Expect, Field, Hooks, Host, PackageInfo, PackageNumber, Verdict, Which};

use super::EngineError;

type Done<T = ()> = Result<T, EngineError>;

/// A package about to be installed.
pub(super) struct Newcomer {
    pub name: String,
    /// Its control file.
    pub control: Vec<u8>,
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
}

/// What is asked of the world besides its database.
pub(super) struct About<'a> {
    /// Its admindir.
    pub admindir: &'a Path,
    /// Whether a package was asked for, and not only came along.
    pub wanted: &'a dyn Fn(&PackageInfo) -> bool,
    /// The paths of a package that is there (`name:arch`), from the root.
    pub paths: &'a dyn Fn(&str) -> Vec<PathBuf>,
    /// What the host satisfies.
    pub hooks: &'a dyn Hooks,
}

/// The relations that hold of what is installed, and those that keep others away.
const RELATIONS: [Field; 4] = [Field::PreDepends, Field::Depends, Field::Conflicts, Field::Breaks];

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
        for field in RELATIONS {
            if database.judge(*package, field)? != Verdict::Holds {
                broken.insert((*package, field));
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
        let rest = there.keys().filter(|p| !leaving.contains(*p) && !coming.contains_key(*p));
        for package in rest.chain(coming.keys()).copied().collect::<Vec<_>>() {
            for field in RELATIONS {
                if broken.contains(&(package, field)) {
                    continue;
                }
                let Verdict::Fails { culprit, .. } = database.judge(package, field)? else {
                    continue;
                };
                more.extend(effect.judged(&database, &there, &coming, package, field, culprit)?);
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
    effect.leaves.extend(leaving.iter().filter_map(|p| there.get(p)).map(shown));
    Ok(effect)
}

impl Effect {
    fn clash(&mut self, why: Clash, by: &PackageInfo, with: &PackageInfo) {
        self.clashes.insert((why, by.name.clone(), with.name.clone()));
    }

    /// A relation that fails from now on: who has to leave for it, if anybody can.
    fn judged(
        &mut self,
        database: &Database<'_>,
        there: &BTreeMap<PackageNumber, PackageInfo>,
        coming: &BTreeMap<PackageNumber, &Newcomer>,
        package: PackageNumber,
        field: Field,
        culprit: Option<PackageNumber>,
    ) -> Done<Option<PackageNumber>> {
        let is_new = coming.contains_key(&package);
        let which = if is_new { Which::Available } else { Which::Installed };
        let by = database.info(package, which)?;
        let why = match field {
            Field::Conflicts => Clash::Conflicts,
            Field::Breaks => Clash::Breaks,
            // What a newcomer lacks is for dpkg to complain of.
            _ if is_new => return Ok(None),
            _ => {
                self.clash(Clash::Depends, &by, &by);
                return Ok(Some(package));
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
    for (package, info) in there.iter().filter(|(p, _)| !coming.contains_key(*p)) {
        let paths = (about.paths)(&shown(info));
        let clash = paths.iter().find_map(|p| owners.get(p.as_path()));
        if let Some(newcomer) = clash {
            let new = database.info(*newcomer, Which::Available)?;
            let replaces = coming.get(newcomer).is_some_and(|n| names(&n.control, &info.name));
            if !replaces && new.name != info.name {
                effect.clash(Clash::Path, &new, info);
                let _ = package;
            }
        }
    }
    Ok(())
}

/// Whether `Replaces` of a control file names a package; dpkg judges the version when it comes to it.
fn names(control: &[u8], package: &str) -> bool {
    let text = String::from_utf8_lossy(control);
    let field = text.lines().find_map(|l| l.strip_prefix("Replaces:"));
    let mut words = field.into_iter().flat_map(|f| f.split([',', '|']));
    words.any(|w| w.trim().split([' ', '(', ':']).next() == Some(package))
}

fn shown(info: &PackageInfo) -> String {
    format!("{}:{}", info.name, info.architecture)
}
