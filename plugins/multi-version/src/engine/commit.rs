//! From a pending generation in which dpkg has done its work to the view's next one.
//!
//! ```text
//! settle      what became of the host's base; side worlds that have become equal to the main one go
//! observe     the worlds' databases
//! plan, link  realizations; linked files into the trees; lib/; what programs will find; exports
//! sort        what was written to /etc and /var, as a redo log
//! name        manifest, syncfs, rename to gen/N
//! carry out   the redo log
//! switch      current -> gen/N
//! ```
//!
//! Until it has its name, nothing has happened; from then on whatever is killed is finished by the next command.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use dpkgng_plugin::{Host, PackageInfo};

use super::EngineError;
use super::observe::{About, Installations, observe, packages};
use super::same::{Times, is_backup, same_content, same_tree};
use super::set_id::own_set_ids;
use super::transaction::{Asked, Committed, HOST, NEWCOMERS, Transaction, WORK, is_lock};
use crate::apt::Marks;
use crate::base::{self, Lent};
use crate::decide::HostOrder;
use crate::export;
use crate::facts::{self, Facts};
use crate::generation::{GenerationError, Reader, Sys, is_absent};
use crate::layout::{
    Architecture, GenerationNumber, InstallationId, Layout, Place, SideName, Soname, ViewName,
};
use crate::link::{Abi, Linker, POLICY, Progress};
use crate::manifest::{Hide, LibraryPin, Manifest, Reason, Side};
use crate::place::{self, Former};
use crate::plan::{self, Known, LinkPlan, Observed, Rules};
use crate::rootless::is_mapped;
use crate::state::{self, StateError, Unfinished};
use crate::store;
use crate::world::{WORLDS, WorldDir};

type Done<T = ()> = Result<T, EngineError>;

/// The side worlds, and why they are.
pub type Sides = BTreeMap<SideName, Side>;

/// What a plan is made of, read from the disk.
pub struct Worlds {
    /// The worlds.
    pub observed: Observed,
    /// Of all installations of them, and of what the rules speak of.
    pub facts: BTreeMap<InstallationId, Facts>,
    /// What persons ruled.
    pub rules: Rules,
}

/// The side worlds of a generation, by name.
pub(super) fn sides(generation: &Path) -> Done<Vec<(SideName, WorldDir)>> {
    let dir = generation.join(WORLDS);
    let entries = match fs::read_dir(&dir) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(EngineError::path("read", &dir))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(EngineError::path("read", &dir))?.file_name();
        if let Some(side) = name.to_str().and_then(|n| n.parse::<SideName>().ok()) {
            let world = WorldDir::side(generation, side.as_str());
            found.push((side, world));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// Where apt's marks of a world are, in its generation.
pub(super) fn marks(generation: &Path, side: Option<&str>) -> PathBuf {
    generation.join("apt").join(side.unwrap_or("main"))
}

/// Read what a generation's worlds hold.
pub(super) fn worlds(
    host: Host,
    reader: &Reader,
    generation: &Path,
    former: Option<&Manifest>,
    asked: &Asked,
) -> Done<Worlds> {
    let layout = reader.layout();
    let native: Architecture = native(host)?;
    let mut found = vec![(None, WorldDir::main(generation))];
    found.extend(sides(generation)?.into_iter().map(|(n, w)| (Some(n), w)));
    let mut rules = rules(former, asked);
    let mut facts = BTreeMap::new();
    let mut read = Vec::new();
    for (name, world) in found {
        let installations = Installations::read(&world)?;
        let packages = packages(host, &world)?;
        for id in packages
            .iter()
            .filter_map(|(info, _)| installations.get(info))
        {
            know(host, layout, id, &mut facts)?;
        }
        read.push((name, world, installations, packages));
    }
    let spoken: BTreeSet<_> = rules.hides.iter().map(|h| h.package.clone()).collect();
    for id in store::all(layout)? {
        let pinned = rules.pins.iter().any(|p| p.provider == id);
        if pinned || spoken.contains(id.package()) {
            know(host, layout, &id, &mut facts)?;
        }
    }
    if asked.own_libraries {
        for pin in among_themselves(&asked.newcomers, &facts) {
            rules
                .pins
                .retain(|p| (&p.soname, &p.only) != (&pin.soname, &pin.only));
            rules.pins.push(pin);
        }
    }
    let rpath = rpaths(reader, former)?;
    let new: BTreeSet<&InstallationId> = asked.newcomers.iter().collect();
    let mut observed = Observed::default();
    for (name, world, installations, packages) in &read {
        let side = world.side_name();
        let path = marks(generation, side);
        let marks = Marks::read(&path).map_err(EngineError::path("read", &path))?;
        observed.worlds.push(observe(
            host,
            packages,
            About {
                name: name.clone(),
                lent: &Lent::read(world)?,
                installations,
                marks: &marks,
                native: &native,
                facts: &facts,
                made: crate::link::made_links(&world.tree(), &world.etc())
                    .map_err(EngineError::path("read", &world.tree()))?,
                rpath: &|id| match new.contains(id) {
                    true => asked.rpath,
                    false => rpath.contains(id),
                },
            },
        )?);
    }
    Ok(Worlds {
        observed,
        facts,
        rules,
    })
}

pub(super) fn native(host: Host) -> Done<Architecture> {
    let name = host.services().architecture()?;
    name.parse()
        .map_err(|e| EngineError::Host(format!("{name}: {e}")))
}

fn know(
    host: Host,
    layout: &Layout,
    id: &InstallationId,
    facts: &mut BTreeMap<InstallationId, Facts>,
) -> Done {
    if !facts.contains_key(id) {
        let read = facts::read(host.services(), layout, id);
        let read = read.map_err(|e| EngineError::Host(e.to_string()))?;
        facts.insert(id.clone(), read);
    }
    Ok(())
}

/// The installations that are linked by DT_RPATH. Of what is not there any more nothing is known: it is linked anew.
fn rpaths(reader: &Reader, former: Option<&Manifest>) -> Done<BTreeSet<InstallationId>> {
    let mut found = BTreeSet::new();
    for member in former.iter().flat_map(|m| &m.packages) {
        match reader.realization(&member.realization) {
            Ok(record) if record.rpath => {
                found.insert(record.installation);
            }
            Ok(_) => {}
            Err(GenerationError::Read { source, .. }) if is_absent(&source) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(found)
}

/// The choices by which newcomers have the libraries that came with them.
fn among_themselves(
    newcomers: &[InstallationId],
    facts: &BTreeMap<InstallationId, Facts>,
) -> Vec<LibraryPin> {
    let known = || newcomers.iter().filter_map(|id| facts.get(id));
    let provides = |facts: &Facts, soname: &Soname| {
        facts
            .objects
            .iter()
            .any(|o| o.public && o.soname.as_ref() == Some(soname))
    };
    let mut pins = Vec::new();
    for consumer in known() {
        let needed: BTreeSet<&Soname> = consumer.objects.iter().flat_map(|o| &o.needed).collect();
        for soname in needed {
            let fits = |of: &&Facts| {
                of.id != consumer.id
                    && of.id.architecture() == consumer.id.architecture()
                    && provides(of, soname)
            };
            pins.extend(known().find(fits).map(|of| LibraryPin {
                soname: soname.clone(),
                provider: of.id.clone(),
                only: Some(consumer.id.package().clone()),
            }));
        }
    }
    pins
}

/// What persons ruled so far, with what is asked.
fn rules(former: Option<&Manifest>, asked: &Asked) -> Rules {
    let mut rules = Rules::default();
    if let Some(former) = former {
        let stays = |hide: &&Hide| !asked.unhide.contains(hide);
        rules
            .hides
            .extend(former.hides.iter().filter(stays).cloned());
        rules.pins.extend(former.pins.iter().cloned());
    }
    for hide in &asked.hide {
        if !rules.hides.contains(hide) {
            rules.hides.push(hide.clone());
        }
    }
    if let Some(pins) = &asked.pins {
        rules.pins.clone_from(pins);
    }
    rules
}

impl Worlds {
    /// How they are linked.
    pub fn plan(&self, host: Host, layout: &Layout) -> Done<LinkPlan> {
        let native = native(host)?;
        let files = Abi::new(layout, &native, &self.facts);
        let order = HostOrder(host.services());
        let known = Known {
            facts: &self.facts,
            native: &native,
            policy: POLICY,
            versions: &order,
            files: &files,
        };
        let plan = plan::plan(&known, &self.observed, &self.rules);
        let plan = plan.map_err(|e| EngineError::Host(e.to_string()))?;
        files
            .finish()
            .map_err(|e| EngineError::Host(e.to_string()))?;
        Ok(plan)
    }
}

impl Transaction {
    /// What the worlds hold, what was brought and what leaves taken into account.
    fn settle(&self) -> Done {
        let newcomers = self.newcomers()?;
        for world in self.worlds()? {
            let mut installations = Installations::read(&world)?;
            let there = packages(self.host, &world)?;
            let key = |info: &PackageInfo| (info.name.clone(), info.architecture.clone());
            let keys: BTreeSet<_> = there.iter().map(|(info, _)| key(info)).collect();
            for id in &newcomers {
                let is = |info: &PackageInfo| {
                    info.name == id.package().as_str()
                        && info.architecture == id.architecture().as_str()
                        && info.version == id.version().as_str()
                };
                if there.iter().any(|(info, _)| is(info)) {
                    installations.set(id.clone());
                }
            }
            installations.retain(|name, architecture| {
                keys.contains(&(name.to_owned(), architecture.to_owned()))
            });
            installations.write(self.sys.disk(), &world)?;
            base::settle(self.host, self.sys.disk(), Path::new("/"), &world)?;
        }
        Ok(())
    }

    /// Every world of the pending generation, the main one first.
    pub(super) fn worlds(&self) -> Done<Vec<WorldDir>> {
        let mut worlds = vec![self.main()];
        worlds.extend(sides(&self.dir)?.into_iter().map(|(_, world)| world));
        Ok(worlds)
    }

    /// A side world that has become equal to the main one goes.
    fn drop_equals(&self) -> Done {
        let main = versions(self.host, &self.main())?;
        for (_, world) in sides(&self.dir)? {
            if versions(self.host, &world)? == main {
                self.sys.disk().remove_tree(world.path())?;
                let marks = marks(&self.dir, world.side_name());
                self.sys.disk().remove_file(&marks)?;
            }
        }
        Ok(())
    }

    /// The installations that were brought in this transaction, by any process that takes part in it.
    fn newcomers(&self) -> Done<Vec<InstallationId>> {
        let path = self.dir.join(NEWCOMERS);
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text.map_err(EngineError::path("read", &path))?,
        };
        let ids: Option<Vec<InstallationId>> = text.lines().map(|l| l.parse().ok()).collect();
        ids.ok_or(EngineError::Damaged(path))
    }

    /// Say in apt's words what of the worlds is there by itself, and what came along.
    pub(super) fn mark(&self, asked: &Asked) -> Done {
        let auto = asked.as_auto.iter().map(|name| (name, Reason::Auto));
        let said: Vec<_> = auto
            .chain(asked.as_wanted.iter().map(|name| (name, Reason::Want)))
            .collect();
        if said.is_empty() {
            return Ok(());
        }
        let native: Architecture = native(self.host)?;
        for world in self.worlds()? {
            let path = marks(&self.dir, world.side_name());
            let mut marks = Marks::read(&path).map_err(EngineError::path("read", &path))?;
            let before = marks.clone();
            for (info, _) in packages(self.host, &world)? {
                for (_, reason) in said.iter().filter(|(name, _)| name.as_str() == info.name) {
                    marks.set(&info.name, &info.architecture, native.as_str(), *reason);
                }
            }
            if marks != before {
                // Another generation has the same file.
                self.sys.disk().remove_file(&path)?;
                self.sys.disk().write(&path, marks.to_text().as_bytes())?;
            }
        }
        Ok(())
    }

    /// What a commit would make of it.
    ///
    /// # Errors
    /// Something can't be read.
    pub fn planned(&self, asked: &Asked) -> Done<(LinkPlan, Sides)> {
        self.settle()?;
        self.mark(asked)?;
        let former = self.former()?;
        let worlds = worlds(self.host, &self.sys, &self.dir, former.as_ref(), asked)?;
        let plan = worlds.plan(self.host, self.sys.layout())?;
        let sides = self.manifest(&plan, former.as_ref(), asked).sides;
        Ok((plan, sides))
    }

    fn former(&self) -> Done<Option<Manifest>> {
        match self.sys.current(&self.view)? {
            Some(current) => Ok(Some(self.sys.manifest(&self.view, current)?)),
            None => Ok(None),
        }
    }

    /// End it: what was done becomes the view's current generation, if anything was.
    ///
    /// # Errors
    /// Something can't be read or made: the view is as it was.
    pub fn commit(self, asked: &Asked) -> Done<(Committed, LinkPlan, Sides)> {
        let (disk, layout) = (self.sys.disk(), self.sys.layout());
        self.settle()?;
        self.drop_equals()?;
        self.mark(asked)?;
        let former = self.former()?;
        let worlds = worlds(self.host, &self.sys, &self.dir, former.as_ref(), asked)?;
        let plan = worlds.plan(self.host, layout)?;
        let same = self.is_unchanged(former.as_ref(), &plan)?;
        // What came once more is not linked yet, and so is other than what is there.
        let came = !self.newcomers()?.is_empty();
        if came || !same {
            self.link(&worlds, &plan, former.as_ref(), asked)?;
        }
        for world in self.worlds()? {
            base::drop_directories(disk, Path::new("/"), &world, &Lent::read(&world)?)?;
        }
        if same && self.are_files_unchanged(former.as_ref())? {
            log::info!("view {}: nothing has changed", self.view);
            disk.remove_tree(&self.dir)?;
            let sides = former.map(|m| m.sides).unwrap_or_default();
            return Ok((Committed::Nothing, plan, sides));
        }
        if same && !came {
            self.link(&worlds, &plan, former.as_ref(), asked)?;
        }
        let number = self.number;
        let home = layout.generation(&self.view, number);
        for world in self.worlds()? {
            self.end_world(&world, &home)?;
        }
        for rest in [WORK, NEWCOMERS, HOST, "apt.work"] {
            disk.remove_tree(&self.dir.join(rest))?;
        }
        let manifest = self.manifest(&plan, former.as_ref(), asked);
        let set_ids = own_set_ids(disk, &self.dir, &self.worlds()?)?;
        self.sys.note_set_ids(&self.dir, &set_ids)?;
        if is_mapped() {
            // Nobody but their owner could use them, and so nobody is to.
            for set_id in &set_ids {
                disk.set_mode(&self.dir, &set_id.path, set_id.mode & 0o1777, None, None)?;
            }
        }
        self.sys.name(&self.dir, &manifest)?;
        log::info!("view {}: generation {number} is whole", self.view);
        finish(self.host, &self.sys, &self.view, number)?;
        Ok((Committed::Generation(number), plan, manifest.sides))
    }

    /// Make the realizations, and put them into the trees; `lib/`, and the commands that are exported.
    fn link(
        &self,
        worlds: &Worlds,
        plan: &LinkPlan,
        former: Option<&Manifest>,
        asked: &Asked,
    ) -> Done {
        let (disk, layout) = (self.sys.disk(), self.sys.layout());
        let linker = Linker::new(layout, native(self.host)?, worlds.facts.values());
        let mut progress = |p: Progress<'_>| {
            // It is no reason to fail that nobody sees it.
            drop(self.host.progress(p.done as u64, p.of as u64, "linking"));
        };
        let made = linker.make(&self.sys, &plan.realizations, &mut progress);
        made.map_err(EngineError::words)?;
        let former = former.map(Former::of).unwrap_or_default();
        let mut as_it_stands = Vec::new();
        for world in &plan.worlds {
            let dir = match &world.name {
                Some(side) => WorldDir::side(&self.dir, side.as_str()),
                None => self.main(),
            };
            let placed = place::place(layout, &dir, world, &worlds.facts, &former);
            as_it_stands.extend(placed.map_err(EngineError::words)?.as_it_stands);
        }
        let new = as_it_stands
            .iter()
            .filter(|a| asked.newcomers.contains(&a.package));
        let mut new: Vec<String> = new
            .map(|a| {
                let (name, path) = (a.package.package(), a.path.display());
                format!(
                    "{name}: /{path} stays as it is, and runs in a context: {}",
                    a.why
                )
            })
            .collect();
        new.sort();
        new.dedup();
        if asked.strict && !new.is_empty() {
            return Err(EngineError::Host(new.join("\n")));
        }
        for line in new.iter().chain(
            &plan
                .warnings
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        ) {
            self.host.warning(line)?;
        }
        place::write_libs(disk, &linker, &self.dir, plan).map_err(EngineError::words)?;
        let report = place::check(&linker, plan).map_err(EngineError::words)?;
        for line in report.lines() {
            self.host.warning(line)?;
        }
        let commands = export::decide(&export::Generation {
            layout,
            dir: &self.dir,
            view: &self.view,
            observed: &worlds.observed,
            plan,
            facts: &worlds.facts,
            linker: &linker,
        });
        let commands = commands.map_err(EngineError::words)?;
        let written = export::write(disk, &self.dir, &self.view, self.number, &commands);
        written.map_err(EngineError::words)
    }

    /// Sort what was written to a world's state, and let it know its home.
    fn end_world(&self, world: &WorldDir, home: &Path) -> Done {
        let disk = self.sys.disk();
        let layers = self.layers(world)?;
        let changes =
            self.state(world)
                .sort(disk, &self.dir, &self.scratch(world), &layers, !is_mapped())?;
        for kept in changes.kept.iter().filter(|kept| kept.is_worth_telling()) {
            self.host.notice(kept.to_string())?;
        }
        for name in self.made_at_top(world)? {
            self.host.notice(format!(
                "/{}: / itself is the machine's; what scripts make or remove there is not kept",
                name.display()
            ))?;
        }
        changes.write(disk, world)?;
        let here = world.of(home);
        disk.remove_file(&world.here())?;
        disk.symlink(here.path(), &world.here())?;
        Ok(())
    }

    /// Whether the worlds hold what they do in the current generation, and no script wrote anything.
    fn is_unchanged(&self, former: Option<&Manifest>, plan: &LinkPlan) -> Done<bool> {
        let Some(former) = former else {
            return Ok(false);
        };
        let generation = self.sys.layout().generation(&self.view, former.number);
        let names = |of: &Path| -> Done<Vec<String>> {
            let sides = sides(of)?;
            Ok(sides.iter().map(|(name, _)| name.to_string()).collect())
        };
        if names(&generation)? != names(&self.dir)?
            || former.packages != plan.members()
            || former.hides != plan.hides
            || former.pins != plan.pins
        {
            return Ok(false);
        }
        for world in self.worlds()? {
            let side = world.side_name();
            let marks = (marks(&self.dir, side), marks(&generation, side));
            let same = same_content(&marks.0, &marks.1);
            let same = same.map_err(|(path, e)| EngineError::path("read", &path)(e))?;
            if !same || self.wrote(&world)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether databases and trees are as in the current generation, file by file: a package that came once more may have
    /// brought back what was changed.
    fn are_files_unchanged(&self, former: Option<&Manifest>) -> Done<bool> {
        let Some(former) = former else {
            return Ok(false);
        };
        let generation = self.sys.layout().generation(&self.view, former.number);
        for world in self.worlds()? {
            let was = world.of(&generation);
            let database = |path: &Path| is_lock(&Path::new("dpkg").join(path)) || is_backup(path);
            let trees = [
                (world.admindir(), was.admindir(), Times::Aside),
                (world.tree(), was.tree(), Times::OfFiles),
            ];
            for (now, then, times) in trees {
                let same = same_tree(&now, &then, times, &database);
                if !same.map_err(|(path, e)| EngineError::path("read", &path)(e))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn manifest(&self, plan: &LinkPlan, former: Option<&Manifest>, asked: &Asked) -> Manifest {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let names = plan.worlds.iter().filter_map(|w| w.name.clone());
        let side = |name: SideName| {
            let before = former.and_then(|m| m.sides.get(&name)).cloned();
            let new = asked
                .side
                .as_ref()
                .filter(|(n, _)| *n == name)
                .map(|(_, s)| s.clone());
            let side: Side = new.or(before).unwrap_or_default();
            (name, side)
        };
        Manifest {
            view: self.view.clone(),
            number: self.number,
            created: now.map_or(0, |d| d.as_secs()),
            parent: former.map(|m| m.number),
            command: asked.command.clone(),
            sides: names.map(side).collect(),
            hides: plan.hides.clone(),
            pins: plan.pins.clone(),
            packages: plan.members(),
        }
    }
}

/// What is left to do when a generation has its name: the state, then the switch. Also after a kill.
fn finish(host: Host, sys: &Sys, view: &ViewName, number: GenerationNumber) -> Done {
    let carried = state::carry_out(sys.disk(), sys.layout(), view, number, Path::new("/"));
    if let Err(StateError::Clash { .. }) = &carried {
        // It comes before anything is changed, and would come again each time: the generation is none.
        sys.forget(view, number)?;
    }
    for kept in carried?.iter().filter(|kept| kept.is_worth_telling()) {
        host.notice(kept.to_string())?;
    }
    Ok(sys.switch(view, number)?)
}

/// Finish what a killed command has left half-done.
///
/// # Errors
/// It can't be finished.
pub fn recover(host: Host, sys: &Sys) -> Done {
    for view in sys.views()? {
        for unfinished in state::unfinished(sys.layout(), &view)? {
            match unfinished {
                Unfinished::Changes(number) => finish(host, sys, &view, number)?,
                Unfinished::Restoring(number) => {
                    state::restore_etc(sys.disk(), sys.layout(), &view, number)?;
                }
            }
        }
    }
    Ok(())
}

/// Name, architecture, version and state of all packages of a world.
fn versions(host: Host, world: &WorldDir) -> Done<BTreeSet<[String; 4]>> {
    let packages = packages(host, world)?.into_iter();
    Ok(packages
        .map(|(info, _)| [info.name, info.architecture, info.version, info.status])
        .collect())
}

/// A generation as it stands, were these rules added; with its manifest.
///
/// # Errors
/// There is no such generation, or it can't be read.
pub fn as_it_stands(
    host: Host,
    layout: &Layout,
    place: &Place,
    asked: &Asked,
) -> Done<(Worlds, Manifest)> {
    let reader = Reader::new(layout.clone());
    let number = match place.number {
        Some(number) => number,
        None => reader
            .current(&place.view)?
            .ok_or_else(|| EngineError::NoView(place.view.clone()))?,
    };
    let manifest = reader.manifest(&place.view, number)?;
    let generation = layout.generation(&place.view, number);
    let worlds = worlds(host, &reader, &generation, Some(&manifest), asked)?;
    Ok((worlds, manifest))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::layout::{Sha256, inside};
    use crate::manifest::{Installation, Realization};
    use crate::testing::{manifest, member};

    #[test]
    fn how_one_is_linked_is_read_or_an_error() {
        let dir = tempfile::tempdir_in("/var/tmp").unwrap();
        let reader = Reader::new(Layout::new(dir.path()));
        let realization = |package: &str, rpath| {
            let installation = Installation {
                package: package.parse().unwrap(),
                version: "1".parse().unwrap(),
                architecture: "amd64".parse().unwrap(),
                sha256: Sha256::of(package.as_bytes()),
                size: 0,
                setuid: Vec::new(),
            };
            Realization {
                installation: installation.id(),
                sha256: installation.sha256,
                overrides: BTreeMap::new(),
                own: BTreeSet::new(),
                needed: BTreeSet::new(),
                rpath,
                policy: POLICY,
            }
        };
        let all = [
            realization("by-rpath", true),
            realization("usual", false),
            realization("gone", true),
        ];
        for one in &all[..2] {
            let record = reader.layout().realization(&one.id());
            let record = record.join(inside::REALIZATION);
            fs::create_dir_all(record.parent().unwrap()).unwrap();
            fs::write(record, one.to_text()).unwrap();
        }
        let members = all.each_ref().map(|one| member(&one.id(), &["main"]));
        let manifest = manifest(&"system".parse().unwrap(), "1".parse().unwrap(), &members);
        assert_eq!(rpaths(&reader, None).unwrap(), BTreeSet::new());
        let found = rpaths(&reader, Some(&manifest)).unwrap();
        assert_eq!(found, [all[0].installation.clone()].into());
        // ELOOP, to root, too.
        let home = reader.layout().realization(&all[2].id());
        symlink(&home, &home).unwrap();
        let failed = rpaths(&reader, Some(&manifest)).unwrap_err().to_string();
        assert!(failed.starts_with("cannot read "), "{failed}");
        assert!(failed.contains("gone"), "{failed}");
    }
}
