//! What becomes of the commands of a generation.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{Commands, Export, ExportError, How, Left, Source, Why, WhyNot, read_error, strings};
use crate::elf::{Image, View, symbols};
use crate::facts::{Facts, Object};
use crate::generation::{is_there, what_is_at};
use crate::layout::{
    Architecture, InstallationId, Layout, RealizationId, SideName, Soname, ViewName, merged_target,
};
use crate::link::{Difference, Linker, architecture_of, provided, unlinked};
use crate::manifest::{Reason, State};
use crate::place::check_outside;
use crate::plan::{LinkPlan, Observed, ObservedMember, ObservedWorld, WorldPlan};
use crate::rootless;
use crate::world::WorldDir;

/// A generation whose trees have been linked, pending or not.
#[derive(Clone, Copy)]
pub struct Generation<'a> {
    /// Where it will be used.
    pub layout: &'a Layout,
    /// Where it is.
    pub dir: &'a Path,
    /// Whose it is.
    pub view: &'a ViewName,
    /// Its worlds.
    pub observed: &'a Observed,
    /// How they are linked.
    pub plan: &'a LinkPlan,
    /// Of all their installations.
    pub facts: &'a BTreeMap<InstallationId, Facts>,
    /// That made the realizations.
    pub linker: &'a Linker<'a>,
}

/// Where commands are, the first before the others.
const DIRS: [&str; 3] = ["usr/bin", "usr/sbin", "usr/games"];

/// The libraries that are themselves what opens libraries.
const LOADERS: [&str; 2] = ["libc.so.6", "libdl.so.2"];

/// The commands of a generation.
///
/// # Errors
/// The trees, or what was made, can't be read.
pub fn decide(of: &Generation<'_>) -> Result<Commands, ExportError> {
    let mut worlds: Vec<&ObservedWorld> = of.observed.worlds.iter().collect();
    worlds.sort_by_key(|w| &w.name);
    let mut names: BTreeMap<OsString, (Source, usize)> = BTreeMap::new();
    let mut commands = Commands::default();
    let mut from_main: BTreeSet<InstallationId> = BTreeSet::new();
    let mut all = Vec::new();
    for observed in worlds {
        let Some(world) = World::of(of, observed) else {
            continue;
        };
        let (sources, left) = world.sources(&from_main)?;
        commands.left.extend(left);
        let at = all.len();
        for source in sources {
            if source.world.is_none() {
                from_main.insert(source.package.clone());
            }
            let Some(own) = source.command.file_name() else {
                continue;
            };
            let beside = source.world.as_ref().map(|side| {
                let mut name = own.to_owned();
                name.push(format!("@{side}"));
                name
            });
            let free = [Some(own.to_owned()), beside].into_iter().flatten();
            match free.into_iter().find(|name| !names.contains_key(name)) {
                Some(name) => {
                    names.insert(name, (source, at));
                }
                None => commands.left.push(Left {
                    source,
                    why: WhyNot::Taken,
                }),
            }
        }
        all.push(world);
    }
    let mut exports: Vec<(Export, usize, Option<Program>)> = Vec::new();
    for (name, (source, at)) in names {
        if let Some(world) = all.get(at) {
            let (how, program) = world.how(&name, &source)?;
            exports.push((Export { name, source, how }, at, program));
        }
    }
    // What would run outside of contexts is resolved as ld.so will.
    for (at, world) in all.iter().enumerate() {
        let programs = exports.iter().filter(|(_, w, _)| *w == at);
        let programs = programs.filter_map(|(_, _, p)| p.as_ref());
        let programs: BTreeSet<(RealizationId, PathBuf)> = programs
            .map(|p| (p.realization.clone(), p.path.clone()))
            .collect();
        if programs.is_empty() {
            continue;
        }
        let checked = check_outside(of.linker, of.plan, world.plan, programs)?;
        for (export, _, program) in exports.iter_mut().filter(|(_, w, _)| *w == at) {
            let about = |d: &&Difference| {
                program
                    .as_ref()
                    .is_some_and(|p| (&d.package, &d.object) == (&p.package, &p.path))
            };
            if let Some(difference) = checked.differences.iter().find(about) {
                export.how = How::Launcher(Why::Libraries(difference.to_string()));
            }
        }
    }
    commands.exported = exports.into_iter().map(|(export, _, _)| export).collect();
    Ok(commands)
}

/// A linked program.
#[derive(Clone)]
struct Program {
    package: InstallationId,
    realization: RealizationId,
    /// Relative to it.
    path: PathBuf,
}

/// A world and what is looked up in it.
struct World<'a> {
    of: &'a Generation<'a>,
    observed: &'a ObservedWorld,
    plan: &'a WorldPlan,
    dir: WorldDir,
    /// Whose a path of the tree is: of its members that are in the store.
    owners: HashMap<&'a Path, &'a InstallationId>,
    links: HashMap<(&'a InstallationId, &'a str, &'a str), Option<&'a InstallationId>>,
    /// What was found in an object: by installation and path.
    scanned: std::cell::RefCell<HashMap<(InstallationId, PathBuf), Option<Why>>>,
}

impl<'a> World<'a> {
    fn of(of: &'a Generation<'a>, observed: &'a ObservedWorld) -> Option<World<'a>> {
        let plan = of.plan.world(observed.name.as_ref())?;
        let dir = match &observed.name {
            None => WorldDir::main(of.dir),
            Some(side) => WorldDir::side(of.dir, side.as_str()),
        };
        let mut owners = HashMap::new();
        for id in plan.members.keys() {
            let paths = of.facts.get(id).into_iter().flat_map(|f| &f.paths);
            owners.extend(paths.map(|path| (path.as_path(), id)));
        }
        let links = plan.links.iter().map(|l| {
            (
                (&l.consumer, l.architecture.as_str(), l.soname.as_str()),
                l.provider.as_ref(),
            )
        });
        Some(World {
            links: links.collect(),
            of,
            observed,
            plan,
            dir,
            owners,
            scanned: std::cell::RefCell::default(),
        })
    }

    fn name(&self) -> Option<&SideName> {
        self.observed.name.as_ref()
    }

    /// The commands that may be exported, the first before the others; and those that are not, and why.
    fn sources(
        &self,
        from_main: &BTreeSet<InstallationId>,
    ) -> Result<(Vec<Source>, Vec<Left>), ExportError> {
        let stored =
            |m: &&ObservedMember| m.installation().is_some() && m.state != State::ConfigFiles;
        let members: Vec<&ObservedMember> = self.observed.members.iter().filter(stored).collect();
        let wanted: BTreeSet<&str> = members
            .iter()
            .filter(|m| m.reason == Reason::Want)
            .map(|m| m.source.as_str())
            .collect();
        let is_meant = |m: &ObservedMember| wanted.contains(m.source.as_str());
        let (mut meant, mut left) = (BTreeSet::new(), Vec::new());
        let mut own: BTreeMap<PathBuf, &InstallationId> = BTreeMap::new();
        for member in &members {
            let Some(id) = member.installation() else {
                continue;
            };
            let commands = self.of.facts.get(id).into_iter().flat_map(|f| &f.paths);
            let mut commands = commands.filter(|p| is_command(p)).peekable();
            let source = |command: &Path| self.source(command, id, false);
            if !is_meant(member) {
                if let Some(first) = commands.next() {
                    let why = WhyNot::CameAlong(1 + commands.count());
                    left.push(Left {
                        source: source(first),
                        why,
                    });
                }
            } else if self.name().is_some() && from_main.contains(id) {
                let same = commands.map(|c| Left {
                    source: source(c),
                    why: WhyNot::SameAsMain,
                });
                left.extend(same);
            } else {
                meant.insert(id);
                own.extend(commands.map(|c| (c.clone(), id)));
            }
        }
        // Its own before those by update-alternatives, and by directory.
        let mut found: BTreeMap<(bool, usize, OsString), Source> = BTreeMap::new();
        for (rank, dir) in DIRS.iter().enumerate() {
            for name in self.there(Path::new(dir))? {
                let path = Path::new(dir).join(&name);
                match own.get(&path) {
                    Some(id) => {
                        found.insert((false, rank, name), self.source(&path, id, false));
                    }
                    None if self.owners.contains_key(path.as_path()) => {}
                    None => {
                        let way = way(&self.dir, &path)?.unwrap_or_default();
                        let mut owners = way.iter().filter_map(|p| self.owners.get(p.as_path()));
                        if let Some(id) = owners.find(|id| meant.contains(**id)) {
                            found.insert((true, rank, name), self.source(&path, id, true));
                        }
                    }
                }
            }
        }
        let mut by_name: BTreeMap<OsString, PathBuf> = BTreeMap::new();
        let mut sources = Vec::new();
        for ((_, _, name), source) in found {
            match by_name.get(&name) {
                None => {
                    by_name.insert(name, source.command.clone());
                    sources.push(source);
                }
                Some(first) => left.push(Left {
                    why: WhyNot::Behind(first.clone()),
                    source,
                }),
            }
        }
        Ok((sources, left))
    }

    fn source(&self, path: &Path, package: &InstallationId, alternative: bool) -> Source {
        Source {
            world: self.name().cloned(),
            command: Path::new("/").join(path),
            package: package.clone(),
            alternative,
        }
    }

    /// The names in a directory of the tree that can be started: links, and files that may be executed.
    fn there(&self, dir: &Path) -> Result<Vec<OsString>, ExportError> {
        let from = self.dir.tree().join(dir);
        let entries = match fs::read_dir(&from) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|e| read_error(&from, e))?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| read_error(&from, e))?;
            let is = entry.metadata().map_err(|e| read_error(&entry.path(), e))?;
            if is.is_symlink() || is.is_file() && is.permissions().mode() & 0o111 != 0 {
                found.push(entry.file_name());
            }
        }
        found.sort();
        Ok(found)
    }

    /// How a command is started; of a program that runs outside of contexts, if it finds its libraries, which it is.
    fn how(&self, name: &OsStr, source: &Source) -> Result<(How, Option<Program>), ExportError> {
        let launcher = |why| Ok((How::Launcher(why), None));
        if rootless::store().is_some() || rootless::is_mapped() {
            return launcher(Why::OwnStore);
        }
        if self.of.view.as_str() != ViewName::system().as_str() {
            return launcher(Why::OtherView);
        }
        let command = source.command.strip_prefix("/").unwrap_or(&source.command);
        if command.file_name() != Some(name) {
            return launcher(Why::Renamed);
        }
        let Some(file) = way(&self.dir, command)?.and_then(|w| w.last().cloned()) else {
            return launcher(Why::Leaves(source.command.clone()));
        };
        let tree = match self.name() {
            None => WorldDir::main(Path::new("..")),
            Some(side) => WorldDir::side(Path::new(".."), side.as_str()),
        };
        let link = How::Link(tree.tree().join(&file));
        let owner = self.owners.get(file.as_path());
        let owner =
            owner.and_then(|id| Some((*id, self.of.facts.get(*id)?, self.plan.members.get(*id)?)));
        let Some((id, facts, linked)) = owner else {
            return launcher(Why::Leaves(source.command.clone()));
        };
        if facts.installation.setuid.iter().any(|s| s.path == file) {
            return Ok((link, None));
        }
        let path = self.dir.tree().join(&file);
        let bytes = fs::read(&path).map_err(|e| read_error(&path, e))?;
        if Image::read(View::of(&bytes)).is_err() {
            return launcher(Why::NoProgram);
        }
        let object = facts.objects.iter().find(|o| o.path == file);
        let Some(object) = object else {
            // Static: it loads nothing.
            return Ok((
                self.scan(&bytes, &file, None).map_or(link, How::Launcher),
                None,
            ));
        };
        let refused = unlinked(self.of.layout, &linked.realization)?;
        if let Some(unlinked) = refused.iter().find(|u| u.path == file) {
            return launcher(Why::Unlinked(unlinked.why.clone()));
        }
        let made = self.of.layout.realization(&linked.realization).join(&file);
        let same = |a: &Path, b: &Path| -> io::Result<bool> {
            let (a, b) = (fs::metadata(a)?, fs::metadata(b)?);
            Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
        };
        if !same(&path, &made).map_err(|e| read_error(&made, e))? {
            return launcher(Why::Unlinked("another file stands at its path".into()));
        }
        if let Some(why) = self.closure(id, facts, object)? {
            return launcher(why);
        }
        let realization = linked.realization.clone();
        Ok((
            link,
            Some(Program {
                package: id.clone(),
                realization,
                path: file,
            }),
        ))
    }

    /// Why a program, or something it loads, may need more than its libraries.
    fn closure(
        &self,
        id: &'a InstallationId,
        facts: &'a Facts,
        program: &'a Object,
    ) -> Result<Option<Why>, ExportError> {
        let architecture = architecture_of(program, facts);
        let mut seen: BTreeSet<(&InstallationId, &Path)> = BTreeSet::new();
        let mut left: Vec<(&InstallationId, &Object)> = vec![(id, program)];
        while let Some((id, object)) = left.pop() {
            if !seen.insert((id, &object.path)) {
                continue;
            }
            if let Some(why) = self.scanned(id, object)? {
                return Ok(Some(why));
            }
            let needed = object.needed.iter();
            left.extend(needed.filter_map(|soname| self.loaded(id, &architecture, soname)));
        }
        Ok(None)
    }

    /// What a package's objects get by a soname; none: the host's, which finds its own things there.
    fn loaded(
        &self,
        by: &InstallationId,
        architecture: &Architecture,
        soname: &Soname,
    ) -> Option<(&'a InstallationId, &'a Object)> {
        let key = (by, architecture.as_str(), soname.as_str());
        let provider = (*self.links.get(&key)?)?;
        let facts = self.of.facts.get(provider)?;
        Some((provider, provided(facts, soname, architecture)?))
    }

    fn scanned(&self, id: &InstallationId, object: &Object) -> Result<Option<Why>, ExportError> {
        let key = (id.clone(), object.path.clone());
        if let Some(known) = self.scanned.borrow().get(&key) {
            return Ok(known.clone());
        }
        let path = self.of.layout.installation(id).join(&object.path);
        let bytes = fs::read(&path).map_err(|e| read_error(&path, e))?;
        let why = self.scan(&bytes, &object.path, Some(object));
        self.scanned.borrow_mut().insert(key, why.clone());
        Ok(why)
    }

    fn scan(&self, bytes: &[u8], file: &Path, object: Option<&Object>) -> Option<Why> {
        let shown = Path::new("/").join(file);
        let soname = object.and_then(|o| o.soname.as_ref());
        let loads =
            !soname.is_some_and(|s| LOADERS.contains(&s.as_str())) && !strings::is_loader(file);
        if loads && object.is_some() && imports_dlopen(bytes) {
            return Some(Why::Dlopens(shown));
        }
        let interpreter = object.and_then(|o| o.interpreter.as_deref());
        let named = strings::paths(bytes).into_iter().find(|path| {
            let merged = strings::merged(path);
            // What can't be looked at may be there: then the program is started in a context, where it finds it.
            let there = |top: PathBuf| is_there(&top).unwrap_or(true);
            let etc = merged.strip_prefix("etc").ok();
            interpreter != Some(path.as_path())
                && !strings::is_loader(path)
                && !strings::is_shared(&merged)
                && (there(self.dir.tree().join(&merged))
                    || etc.is_some_and(|e| there(self.dir.etc().join(e))))
        });
        named.map(|path| Why::Names(shown, path))
    }
}

fn is_command(path: &Path) -> bool {
    path.parent()
        .is_some_and(|dir| DIRS.iter().any(|d| dir == Path::new(d)))
}

/// Whether an object takes dlopen from another.
fn imports_dlopen(bytes: &[u8]) -> bool {
    const NAMES: [&[u8]; 2] = [b"dlopen", b"dlmopen"];
    // Few do, and the table of symbols is long.
    if memchr::memmem::find(bytes, b"\0dlopen\0").is_none()
        && memchr::memmem::find(bytes, b"\0dlmopen\0").is_none()
    {
        return false;
    }
    let image = Image::read(View::of(bytes));
    let Ok(imports) = image.and_then(|image| symbols::imports(&image)) else {
        return true;
    };
    let versioned = imports.by_soname.values().flatten().map(|s| &s.name);
    versioned
        .chain(imports.unversioned.keys())
        .any(|name| NAMES.contains(&name.as_slice()))
}

/// Links that are followed before one is taken for a loop.
const LINKS: usize = 40;

/// All names on the way from a path of a world's tree to the file it leads to, relative to the tree, with `/etc/alternatives` as
/// the world has them; none, if that is no file of the tree.
fn way(dir: &WorldDir, path: &Path) -> Result<Option<Vec<PathBuf>>, ExportError> {
    let mut here = path.to_path_buf();
    let mut way = Vec::new();
    for _ in 0..LINKS {
        let at = match here.strip_prefix("etc") {
            Ok(below) => dir.etc().join(below),
            Err(_) => dir.tree().join(&here),
        };
        way.push(here.clone());
        let failed = |e| read_error(&at, e);
        let Some(is) = what_is_at(&at).map_err(failed)? else {
            return Ok(None);
        };
        if is.is_file() {
            return Ok(Some(way));
        }
        if !is.is_symlink() {
            return Ok(None);
        }
        let target = fs::read_link(&at).map_err(failed)?;
        let Some(next) = merged_target(&here, &target) else {
            return Ok(None);
        };
        here = next;
    }
    Ok(None)
}
