//! Begin, join, run, commit.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use dpkgng_plugin::{Host, fork_in_our_place, run_in_our_place};

use super::EngineError;
use super::clone::clone_tree;
use super::commit::{marks, recover};
use super::hooks::{About, Run};
use super::inside::{Plan, TOP};
use super::set_id::own_set_ids;
use crate::apt::{Private, Session};
use crate::base::{self, Lent, Satisfies};
use crate::context;
use crate::generation::{Disk, Sys, is_dir, is_there, unless_absent};
use crate::layout::{
    GenerationNumber, InstallationId, Layout, PackageName, Place, SideName, ViewName,
};
use crate::manifest::{Hide, LibraryPin, Side};
use crate::rootless::is_mapped;
use crate::state::{Layers, Settings, StateKind, WorldState, mirror};
use crate::store::{self, Known};
use crate::world::{MAIN, WORLDS, WorldDir};

type Done<T = ()> = Result<T, EngineError>;

/// What has scratch and mount points, in a pending generation.
pub(super) const WORK: &str = "work";
/// Its mirror of the host.
pub(super) const HOST: &str = "host";
/// Says that something was merged into a tree: in the directory of its scratch.
pub(super) const MERGED: &str = "merged";
/// What is written to the state of a world, in its directory.
const SCRATCH: &str = "scratch";
/// The installations that a transaction has brought, a line each, in a pending generation.
pub(super) const NEWCOMERS: &str = "newcomers";
/// Locks of an admindir: a new one has its own.
const LOCKS: [&str; 3] = ["lock", "lock-frontend", "triggers/Lock"];

/// A transaction on a view. Dropped before [`Transaction::commit`] it leaves what the next command clears away.
#[must_use]
pub struct Transaction {
    pub(super) host: Host,
    pub(super) sys: Sys,
    pub(super) view: ViewName,
    pub(super) number: GenerationNumber,
    settings: Settings,
    /// The pending generation.
    pub(super) dir: PathBuf,
    /// Where the host's `etc` and `var` are.
    root: PathBuf,
    /// Whether another process began it, and ends it.
    joined: bool,
    /// The archives that were stored, by what dpkg is told.
    archives: RefCell<BTreeMap<PathBuf, Known>>,
    /// Whether standard output is for programs, and not for what dpkg and scripts say.
    quiet: Cell<bool>,
    /// Who is not to see whom while relations are judged, by name.
    pub(super) hidden: RefCell<BTreeSet<(String, String)>>,
}

/// What a command asks for besides what dpkg is told.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The command line, for a person.
    pub command: String,
    /// The installations that its archives are.
    pub newcomers: Vec<InstallationId>,
    /// Packages that came along, whatever else would be said of them.
    pub as_auto: Vec<PackageName>,
    /// Packages that are wanted, in the same way.
    pub as_wanted: Vec<PackageName>,
    /// Versions to hide besides.
    pub hide: Vec<Hide>,
    /// Hidden versions to be seen again.
    pub unhide: Vec<Hide>,
    /// All libraries chosen by a person, where they are other than before.
    pub pins: Option<Vec<LibraryPin>>,
    /// Whether newcomers are linked with the libraries that came with them, whatever others take.
    pub own_libraries: bool,
    /// Whether newcomers are linked by DT_RPATH.
    pub rpath: bool,
    /// Whether what can't be linked is an error.
    pub strict: bool,
    /// The side world that is made, and why.
    pub side: Option<(SideName, Side)>,
}

/// Over which worlds apt runs.
#[derive(Debug, Clone, Copy)]
pub enum Over<'w> {
    /// One.
    World(&'w WorldDir),
    /// The main one, if what is asked for replaces nothing there; else a side world made for it.
    Beside,
    /// Each in its turn.
    All,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Nothing was changed.
    Nothing,
    /// There is a new generation, which is current.
    Generation(GenerationNumber),
}

impl Transaction {
    /// Begin one: the view's current generation once more, aside. A view without a generation gets its first.
    ///
    /// # Errors
    /// Another command is at work, or what is there can't be read or cloned.
    pub fn begin(host: Host, layout: &Layout, view: &ViewName) -> Done<Transaction> {
        let transaction = Self::begin_in(host, Self::open(host, layout)?, view, None)?;
        if let Some(current) = transaction.sys.current(view)? {
            transaction.clone_generation(view, current)?;
        } else {
            transaction.first()?;
        }
        for world in transaction.worlds()? {
            let main = transaction.main();
            let main = world.side_name().map(|_| transaction.state(&main));
            transaction.begin_world(&world, main.as_ref())?;
        }
        Ok(transaction)
    }

    /// Begin the first one of a view that is not there.
    ///
    /// # Errors
    /// It is there.
    pub fn create(
        host: Host,
        layout: &Layout,
        view: &ViewName,
        settings: &Settings,
    ) -> Done<Transaction> {
        if settings.state == StateKind::Host && is_mapped() {
            return Err(EngineError::NotTheHosts(view.clone()));
        }
        let sys = Self::open_for_new(host, layout, view)?;
        let transaction = Self::begin_in(host, sys, view, Some(settings))?;
        transaction.first()?;
        transaction.begin_world(&transaction.main(), None)?;
        Ok(transaction)
    }

    /// Begin the first one of a view that is not there, as a generation of another: what that has as its own state is copied
    /// as it stands.
    ///
    /// # Errors
    /// The new one is there, or the other is not.
    pub fn clone_of(
        host: Host,
        layout: &Layout,
        from: &Place,
        view: &ViewName,
    ) -> Done<Transaction> {
        let sys = Self::open_for_new(host, layout, view)?;
        let current = || {
            sys.current(&from.view)?
                .ok_or_else(|| EngineError::NoView(from.view.clone()))
        };
        let number = from.number.map_or_else(current, Ok)?;
        // It is there.
        sys.manifest(&from.view, number)?;
        let of = Settings::read(layout, &from.view)?;
        let settings = Settings {
            state: Settings::usual(view).state,
            ..of.clone()
        };
        let transaction = Self::begin_in(host, sys, view, Some(&settings))?;
        Private::of(layout, view).like(&Private::of(layout, &from.view))?;
        transaction.clone_generation(&from.view, number)?;
        let generation = layout.generation(&from.view, number);
        for world in transaction.worlds()? {
            let then = world.of(&generation);
            let state = state_of(layout, &from.view, of.state, &then, Path::new("/"));
            transaction.begin_world(&world, Some(&state))?;
        }
        Ok(transaction)
    }

    fn open_for_new(host: Host, layout: &Layout, view: &ViewName) -> Done<Sys> {
        let sys = Self::open(host, layout)?;
        match sys.current(view)?.is_some() || !sys.list(view)?.is_empty() {
            true => Err(EngineError::Exists(view.clone())),
            false => Ok(sys),
        }
    }

    fn open(host: Host, layout: &Layout) -> Done<Sys> {
        if !rustix::process::geteuid().is_root() {
            return Err(EngineError::NeedsRoot(layout.root().into()));
        }
        if context::Host::look(layout)?.nested {
            return Err(EngineError::InContext);
        }
        let sys = Sys::open(layout.clone(), Disk::default(), false)?;
        recover(host, &sys)?;
        Ok(sys)
    }

    fn begin_in(
        host: Host,
        sys: Sys,
        view: &ViewName,
        settings: Option<&Settings>,
    ) -> Done<Transaction> {
        let (number, dir) = sys.begin_pending(view)?;
        log::info!(
            "view {view}: generation {number} begins in {}",
            dir.display()
        );
        if let Some(settings) = settings {
            settings.write(sys.disk(), sys.layout(), view)?;
        }
        let settings = Settings::read(sys.layout(), view)?;
        let root = root_of(&dir);
        if root != Path::new("/") {
            mirror(sys.disk(), &root)?;
        }
        Ok(Transaction {
            host,
            sys,
            view: view.clone(),
            number,
            settings,
            root,
            dir,
            joined: false,
            archives: RefCell::default(),
            quiet: Cell::default(),
            hidden: RefCell::default(),
        })
    }

    /// Take part in one that another process has begun: `dir` is its pending generation.
    ///
    /// # Errors
    /// It is none.
    pub fn join(host: Host, layout: &Layout, view: &ViewName, dir: &Path) -> Done<Transaction> {
        let sys = Sys::join(layout.clone(), Disk::default());
        let not_pending = || EngineError::NotPending {
            path: dir.into(),
            view: view.clone(),
        };
        let name = dir.strip_prefix(layout.tmp()).ok().and_then(Path::to_str);
        let number = name.and_then(|n| {
            n.strip_prefix(view.as_str())?
                .strip_prefix('-')?
                .parse()
                .ok()
        });
        let number = number.ok_or_else(not_pending)?;
        if !is_made(&WorldDir::main(dir))? || !sys.is_locked()? {
            return Err(not_pending());
        }
        Ok(Transaction {
            host,
            sys,
            view: view.clone(),
            number,
            settings: Settings::read(layout, view)?,
            root: root_of(dir),
            dir: dir.into(),
            joined: true,
            archives: RefCell::default(),
            quiet: Cell::default(),
            hidden: RefCell::default(),
        })
    }

    /// Its main world.
    pub fn main(&self) -> WorldDir {
        WorldDir::main(&self.dir)
    }

    /// The worlds of a generation once more.
    fn clone_generation(&self, view: &ViewName, number: GenerationNumber) -> Done {
        let disk = self.sys.disk();
        let from = self.sys.layout().generation(view, number);
        let set_ids = self.sys.set_ids(view, number)?;
        disk.announce("clone", &self.dir)?;
        for name in [MAIN, WORLDS, "apt"] {
            let tree = from.join(name);
            if is_dir(&tree).map_err(EngineError::path("look at", &tree))? {
                let skip = |path: &Path| {
                    let of_world: PathBuf = match name {
                        WORLDS => path.iter().skip(1).collect(),
                        _ => path.to_path_buf(),
                    };
                    is_lock(&of_world)
                };
                // It may have lost its bits since.
                let bits = |path: &Path| {
                    let path = Path::new(name).join(path);
                    set_ids.iter().find(|s| s.path == path).cloned()
                };
                let cloned = clone_tree(&tree, &self.dir.join(name), &skip, &bits);
                cloned.map_err(|(path, e)| EngineError::path("clone", &path)(e))?;
            }
        }
        Ok(())
    }

    /// Lend a world the host's base, and have its state ready; a new one begins `like` another.
    pub(super) fn begin_world(&self, world: &WorldDir, like: Option<&WorldState<'_>>) -> Done {
        let disk = self.sys.disk();
        let root = Path::new("/");
        let lent = base::lend(self.host, disk, root, world)?;
        base::make_directories(disk, root, world, &lent)?;
        let scratch = self.scratch(world);
        disk.make_dir(&scratch)?;
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&scratch, private).map_err(EngineError::path("protect", &scratch))?;
        let layers = self.layers(world)?;
        Ok(self.state(world).begin(disk, &scratch, &layers, like)?)
    }

    /// A world with nothing in it.
    fn first(&self) -> Done {
        let (disk, main) = (self.sys.disk(), self.main());
        disk.make_dir(&self.dir.join("apt"))?;
        for dir in [main.path(), &main.tree(), &main.etc(), &main.lib()] {
            disk.make_dir(dir)?;
        }
        let admindir = main.admindir();
        for dir in ["", "info", "updates", "triggers", "alternatives", "parts"] {
            disk.make_dir(&admindir.join(dir))?;
        }
        for (file, content) in [("status", ""), ("available", ""), ("info/format", "1\n")] {
            disk.write(&admindir.join(file), content.as_bytes())?;
        }
        Ok(())
    }

    /// Put .debs into the store, from where they are linked. One that can't be stored is left to dpkg, which complains
    /// of it, or takes it as it is.
    ///
    /// # Errors
    /// The store can't be written.
    pub fn store(&self, debs: &[PathBuf]) -> Done<Vec<InstallationId>> {
        let stored = store::store(self.host, &self.sys, debs)?;
        let mut archives = self.archives.borrow_mut();
        archives.extend(stored.iter().map(|s| (s.deb.clone(), s.known.clone())));
        let stored: Vec<InstallationId> = stored.into_iter().map(|s| s.id).collect();
        let lines: String = stored.iter().map(|id| format!("{id}\n")).collect();
        let path = self.dir.join(NEWCOMERS);
        let mut file = fs::OpenOptions::new();
        let file = file.create(true).append(true).open(&path);
        let written = file.and_then(|mut f| f.write_all(lines.as_bytes()));
        written.map_err(EngineError::path("write", &path))?;
        Ok(stored)
    }

    /// Run dpkg on a world, with these arguments; gives its exit code.
    ///
    /// # Errors
    /// The namespaces can't be made, or what scripts did can't be kept.
    pub fn dpkg(&self, world: &WorldDir, args: &[OsString]) -> Done<i32> {
        // The last one counts: whoever names a log gets it. The host's own configuration names the host's.
        let mut log = OsString::from("--log=");
        log.push(self.sys.layout().view(&self.view).join("dpkg.log"));
        let args = &[&[log], args].concat();
        let (archives, hidden) = (self.archives.borrow(), self.hidden.borrow());
        log::info!("dpkg {args:?} in {}", world.path().display());
        self.within(world, |plan| run(self.host, plan, &archives, &hidden, args))
    }

    /// Run a command where scripts run, which may change what they may; gives its exit code.
    ///
    /// # Errors
    /// It can't be started, the namespaces can't be made, or what it did can't be kept.
    pub fn exec(&self, world: &WorldDir, command: &[OsString]) -> Done<i32> {
        log::info!("{command:?} in {}", world.path().display());
        self.within(world, |plan| {
            let inside = plan.enter()?;
            inside.enter_scripts()?;
            let (program, args) = command.split_first().unzip();
            let program = program.map_or(OsStr::new(""), OsString::as_os_str);
            let code = run_in_our_place(Command::new(program).args(args.unwrap_or_default()));
            inside.leave_scripts()?;
            inside.settle()?;
            code.map_err(EngineError::path("run", Path::new(program)))
        })
    }

    /// Do something in a process of its own, which goes where dpkg of this world works; gives the exit code, 2 for an
    /// error, which it has told.
    fn within(&self, world: &WorldDir, work: impl FnOnce(Plan<'_>) -> Done<i32>) -> Done<i32> {
        let plan = self.plan(world)?;
        plan.prepare()?;
        self.host.flush()?;
        let host = self.host;
        let code = fork_in_our_place(|| {
            let aside = match self.quiet.get() {
                true => rustix::stdio::dup2_stdout(rustix::stdio::stderr()),
                false => Ok(()),
            };
            let aside = aside.map_err(|e| EngineError::words(format!("standard output: {e}")));
            match aside.and_then(|()| work(plan)) {
                Ok(code) => code,
                Err(e) => {
                    // There is nobody else to tell.
                    drop(host.notice(format!("error: {e}")));
                    drop(host.flush());
                    2
                }
            }
        });
        code.map_err(EngineError::path("start a process for", world.path()))
    }

    /// What dpkg and scripts say is to go to standard error: the output is for programs.
    pub fn leave_output(&self) {
        self.quiet.set(true);
    }

    /// Whether another process began it, and ends it.
    pub fn is_joined(&self) -> bool {
        self.joined
    }

    /// A side world of the pending generation.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn side(&self, name: &SideName) -> Done<WorldDir> {
        let world = WorldDir::side(&self.dir, name.as_str());
        let place = Place {
            view: self.view.clone(),
            number: None,
        };
        match is_made(&world)? {
            true => Ok(world),
            false => Err(EngineError::NoWorld(place, name.clone())),
        }
    }

    /// End it: nothing has happened, but that what failed is kept for a look, if that is asked for; gives where.
    ///
    /// # Errors
    /// It can't be taken away.
    pub fn fail(self, keep: bool) -> Done<Option<String>> {
        log::info!("view {}: what was begun is dropped", self.view);
        let disk = self.sys.disk();
        if !keep {
            disk.remove_tree(&self.dir)?;
            return Ok(None);
        }
        // Only the current generation has such bits.
        for set_id in own_set_ids(disk, &self.dir, &self.worlds()?)? {
            disk.set_mode(&self.dir, &set_id.path, set_id.mode & 0o1777, None, None)?;
        }
        let failed = self.sys.layout().view(&self.view).join("failed");
        disk.remove_tree(&failed)?;
        disk.rename(&self.dir, &failed)?;
        Ok(Some(failed.display().to_string()))
    }

    /// Whether scripts or dpkg made anything of a world's tree that its database does not tell.
    pub(super) fn wrote(&self, world: &WorldDir) -> Done<bool> {
        let merged = self.dir.join(WORK).join(name_of(world)).join(MERGED);
        if is_there(&merged).map_err(EngineError::path("look at", &merged))? {
            return Ok(true);
        }
        let scratch = self.scratch(world);
        for layer in self.layers(world)?.layers {
            let dir = scratch.join(&layer.scratch);
            let mut entries = fs::read_dir(&dir).map_err(EngineError::path("read", &dir))?;
            if entries.next().is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The names in `/` itself that scripts of a world made or removed.
    pub(super) fn made_at_top(&self, world: &WorldDir) -> Done<BTreeSet<OsString>> {
        let top = self.dir.join(WORK).join(name_of(world)).join(TOP);
        let read = |e| EngineError::path("read", &top)(e);
        // Where it can't be a scratch over the host's, what the host has is in it from the beginning.
        let entries = match unless_absent(fs::read_dir(&top)).map_err(&read)? {
            Some(entries) => entries,
            // Nothing was run.
            None => return Ok(BTreeSet::new()),
        };
        let mut made = BTreeSet::new();
        for entry in entries {
            let name = entry.map_err(&read)?.file_name();
            let hosts = Path::new("/").join(&name);
            if !is_mapped() || !is_there(&hosts).map_err(EngineError::path("look at", &hosts))? {
                made.insert(name);
            }
        }
        Ok(made)
    }

    /// Run apt over a world, which calls dpkg in this transaction; or over a side world that is made for what would
    /// replace anything. `dpkg`: this dpkg-ng, and what it is told first.
    ///
    /// # Errors
    /// It can't be prepared or started.
    pub fn apt(
        &self,
        over: Over<'_>,
        dpkg: &(PathBuf, Vec<OsString>),
        args: &[OsString],
        asked: &mut Asked,
    ) -> Done<i32> {
        let private = Private::of(self.sys.layout(), &self.view);
        let suites = &self.settings.suites;
        private.ask_for(self.sys.disk(), suites)?;
        let run = |world: &WorldDir, asked: &mut Asked, beside: bool| -> Done<i32> {
            let marks = marks(&self.dir, world.side_name());
            let session = Session {
                private: &private,
                view: &self.view,
                world,
                pending: &self.dir,
                marks: &marks,
                dpkg: dpkg.clone(),
            };
            if private.is_without_lists()? && !args.iter().any(|arg| arg == "update") {
                self.host.flush()?;
                match session.run(&["update".into()], run_in_our_place)? {
                    0 => {}
                    code => return Ok(code),
                }
            }
            if beside {
                let side = self.world_beside(&session.simulate(args)?, args, asked)?;
                if side != *world {
                    return self.apt(Over::World(&side), dpkg, args, asked);
                }
            }
            let lent = Lent::read(world)?;
            let is_lent = |name: &str| {
                let name = name.split_once(':').map_or(name, |(name, _)| name);
                lent.packages.keys().any(|(n, _)| n == name)
            };
            let alone = session.left_alone(args, &is_lent)?;
            self.select(world, &alone, "hold")?;
            self.host.flush()?;
            let code = session.run(args, run_in_our_place)?;
            self.select(world, &alone, "install")?;
            Ok(code)
        };
        match over {
            Over::World(world) => run(world, asked, false),
            Over::Beside => run(&self.main(), asked, true),
            Over::All => {
                for world in self.worlds()? {
                    match run(&world, asked, false)? {
                        0 => {}
                        code => return Ok(code),
                    }
                }
                Ok(0)
            }
        }
    }

    /// Say that packages are to be kept as they are, or not any more.
    fn select(&self, world: &WorldDir, packages: &[String], what: &str) -> Done {
        if packages.is_empty() {
            return Ok(());
        }
        let lines: String = packages.iter().map(|p| format!("{p} {what}\n")).collect();
        let path = self.dir.join("selections");
        let disk = self.sys.disk();
        disk.remove_file(&path)?;
        disk.write(&path, lines.as_bytes())?;
        self.host.flush()?;
        let mut admindir = OsString::from("--admindir=");
        admindir.push(world.admindir());
        let code = fork_in_our_place(|| {
            let file = fs::File::open(&path);
            let done = file.and_then(|f| Ok(rustix::stdio::dup2_stdin(f)?));
            match done {
                Ok(()) => self
                    .host
                    .dpkg(&[admindir, "--set-selections".into()], None)
                    .unwrap_or(2),
                Err(_) => 2,
            }
        });
        let code = code.map_err(EngineError::path("start dpkg for", world.path()))?;
        disk.remove_file(&path)?;
        match code {
            0 => Ok(()),
            _ => Err(EngineError::Host(format!(
                "cannot set {} on {what}",
                packages.join(", ")
            ))),
        }
    }

    fn plan<'p>(&'p self, world: &'p WorldDir) -> Done<Plan<'p>> {
        let layers = self.layers(world)?;
        Ok(Plan {
            disk: self.sys.disk(),
            layout: self.sys.layout(),
            world,
            scratch: self.scratch(world),
            layers,
            work: self.dir.join(WORK).join(name_of(world)),
        })
    }

    pub(super) fn layers(&self, world: &WorldDir) -> Done<Layers> {
        Ok(self
            .state(world)
            .layers(&context::Host::look(self.sys.layout())?)?)
    }

    pub(super) fn scratch(&self, world: &WorldDir) -> PathBuf {
        world.path().join(SCRATCH)
    }

    /// The state of a world.
    pub(super) fn state<'s>(&'s self, world: &'s WorldDir) -> WorldState<'s> {
        let kind = self.settings.state;
        state_of(self.sys.layout(), &self.view, kind, world, &self.root)
    }
}

/// The state of a world of a view: a side world's is its own, whatever the view's settings say.
fn state_of<'s>(
    layout: &'s Layout,
    view: &'s ViewName,
    kind: StateKind,
    world: &'s WorldDir,
    host: &'s Path,
) -> WorldState<'s> {
    let side = world.side_name();
    WorldState {
        layout,
        view,
        kind: if side.is_some() { StateKind::Own } else { kind },
        side,
        world,
        host,
    }
}

/// Where the host's `etc` and `var` are for a pending generation: in it, if what is the host's can't be changed even in a copy.
fn root_of(dir: &Path) -> PathBuf {
    match is_mapped() {
        true => dir.join(HOST),
        false => "/".into(),
    }
}

/// Whether a world is there: it has a database.
pub(super) fn is_made(world: &WorldDir) -> Done<bool> {
    let admindir = world.admindir();
    is_dir(&admindir).map_err(EngineError::path("look at", &admindir))
}

/// A world's name in a generation.
fn name_of(world: &WorldDir) -> &OsStr {
    world.path().file_name().unwrap_or(OsStr::new(MAIN))
}

/// In the child: go in, run dpkg, and keep what its scripts did.
fn run(
    host: Host,
    plan: Plan<'_>,
    archives: &BTreeMap<PathBuf, Known>,
    hidden: &BTreeSet<(String, String)>,
    args: &[OsString],
) -> Done<i32> {
    let lent = Lent::read(plan.world)?;
    let layout = plan.layout;
    // Inside, the world's database is in the place of the host's, which is read when somebody asks.
    let satisfies = Satisfies::read(host, &layout.host(), &lent)?;
    let inside = plan.enter()?;
    let hooks = Run::new(
        &inside,
        About {
            satisfies: &satisfies,
            lent: &lent,
            hidden,
            layout,
            archives,
        },
    );
    let code = host.dpkg(args, Some(&hooks))?;
    inside.settle()?;
    match inside.failed() {
        Some(why) => Err(EngineError::Host(why)),
        None => {
            host.flush()?;
            Ok(code)
        }
    }
}

/// Whether a path of a world is a lock of its admindir.
pub(super) fn is_lock(path: &Path) -> bool {
    let below = path.strip_prefix("dpkg");
    below.is_ok_and(|below| LOCKS.iter().any(|lock| below == Path::new(lock)))
}
