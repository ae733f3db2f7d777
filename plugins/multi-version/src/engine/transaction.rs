//! Begin, join, run, commit.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use dpkgng_plugin::{Host, Relation, fork_in_our_place};

use super::clone::clone_tree;
use super::hooks::Run;
use super::inside::Plan;
use super::EngineError;
use crate::generation::{Disk, Sys};
use crate::layout::{GenerationNumber, Layout, ViewName};
use crate::state::{Settings, StateKind, WorldState};
use crate::store;
use crate::context;
use crate::world::{MAIN, WORLDS, WorldDir};

type Done<T = ()> = Result<T, EngineError>;

/// What has scratch and mount points, in a pending generation.
const WORK: &str = "work";
/// What is written to the state of a world, in its directory.
const SCRATCH: &str = "scratch";
/// The installations that a transaction has brought, a line each, in a pending generation.
const NEWCOMERS: &str = "newcomers";
/// Locks of an admindir: a new one has its own.
const LOCKS: [&str; 3] = ["lock", "lock-frontend", "triggers/Lock"];

/// A transaction on a view. Dropped before [`Transaction::commit`] it leaves what the next command clears away.
#[must_use]
pub struct Transaction {
    host: Host,
    sys: Sys,
    view: ViewName,
    number: GenerationNumber,
    settings: Settings,
    /// The pending generation.
    dir: PathBuf,
    /// Whether another process began it, and ends it.
    joined: bool,
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
        if !rustix::process::geteuid().is_root() {
            return Err(EngineError::NeedsRoot(layout.root().into()));
        }
        let sys = Sys::open(layout.clone(), Disk::default(), false)?;
        let (number, dir) = sys.begin_pending(view)?;
        let transaction = Transaction {
            host,
            sys,
            view: view.clone(),
            number,
            settings: Settings::read(layout, view)?,
            dir,
            joined: false,
        };
        transaction.clone_current()?;
        Ok(transaction)
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
        let number = name.and_then(|n| n.strip_prefix(view.as_str())?.strip_prefix('-')?.parse().ok());
        let number = number.ok_or_else(not_pending)?;
        if !WorldDir::main(dir).admindir().is_dir() || !sys.is_locked()? {
            return Err(not_pending());
        }
        Ok(Transaction {
            host,
            sys,
            view: view.clone(),
            number,
            settings: Settings::read(layout, view)?,
            dir: dir.into(),
            joined: true,
        })
    }

    /// The pending generation.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its main world.
    pub fn main(&self) -> WorldDir {
        WorldDir::main(&self.dir)
    }

    fn clone_current(&self) -> Done {
        let disk = self.sys.disk();
        let current = self.sys.current(&self.view)?;
        let Some(current) = current else {
            return self.first();
        };
        let from = self.sys.layout().generation(&self.view, current);
        disk.announce("clone", &self.dir)?;
        for name in [MAIN, WORLDS] {
            let tree = from.join(name);
            if tree.is_dir() {
                let cloned = clone_tree(&tree, &self.dir.join(name), &is_lock);
                cloned.map_err(|(path, e)| EngineError::path("clone", &path)(e))?;
            }
        }
        Ok(())
    }

    /// A world with nothing in it.
    fn first(&self) -> Done {
        let (disk, main) = (self.sys.disk(), self.main());
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

    /// Put .debs into the store, from where they are linked. One that is broken is for dpkg to complain of.
    ///
    /// # Errors
    /// The store can't be written.
    pub fn store(&self, debs: &[PathBuf]) -> Done {
        let mut newcomers = Vec::new();
        for stored in store::store(self.host, &self.sys, debs)? {
            newcomers.extend(format!("{}\n", stored.id).into_bytes());
        }
        let path = self.dir.join(NEWCOMERS);
        let mut file = fs::OpenOptions::new();
        let file = file.create(true).append(true).open(&path);
        let written = file.and_then(|mut f| f.write_all(&newcomers));
        written.map_err(EngineError::path("write", &path))
    }

    /// Run dpkg on a world, with these arguments; gives its exit code.
    ///
    /// # Errors
    /// The namespaces can't be made, or what scripts did can't be kept.
    pub fn dpkg(&self, world: &WorldDir, args: &[OsString]) -> Done<i32> {
        let plan = self.plan(world)?;
        plan.prepare()?;
        self.host.flush()?;
        let host = self.host;
        // The last one counts: whoever names a log gets it. The host's own configuration names the host's.
        let mut log = OsString::from("--log=");
        log.push(self.sys.layout().view(&self.view).join("dpkg.log"));
        let args = &[&[log], args].concat();
        let code = fork_in_our_place(|| match run(host, plan, args) {
            Ok(code) => code,
            Err(e) => {
                // There is nobody else to tell.
                drop(host.notice(format!("error: {e}")));
                drop(host.flush());
                2
            }
        });
        code.map_err(EngineError::path("start dpkg for", world.path()))
    }

    /// For now.
    pub fn keep(&self) -> Done {
        let manifest = crate::manifest::Manifest {
            view: self.view.clone(),
            number: self.number,
            created: 0,
            parent: None,
            slots: Default::default(),
            hides: Vec::new(),
            pins: Vec::new(),
            packages: Vec::new(),
        };
        let disk = self.sys.disk();
        disk.write(&self.dir.join("manifest"), manifest.to_text().as_bytes())?;
        disk.rename(&self.dir, &self.sys.layout().generation(&self.view, self.number))?;
        self.sys.switch(&self.view, self.number)?;
        Ok(())
    }

    fn plan<'p>(&'p self, world: &'p WorldDir) -> Done<Plan<'p>> {
        let state = self.state(world);
        let layers = state.layers(&context::Host::look(self.sys.layout())?)?;
        Ok(Plan {
            disk: self.sys.disk(),
            layout: self.sys.layout(),
            world,
            scratch: self.scratch(world),
            layers,
            work: self.dir.join(WORK).join(name_of(world)),
        })
    }

    fn scratch(&self, world: &WorldDir) -> PathBuf {
        world.path().join(SCRATCH)
    }

    /// The state of a world.
    fn state<'s>(&'s self, world: &'s WorldDir) -> WorldState<'s> {
        let side = world.side_name();
        WorldState {
            layout: self.sys.layout(),
            view: &self.view,
            kind: match side {
                Some(_) => StateKind::Own,
                None => self.settings.state,
            },
            side,
            world,
            host: Path::new("/"),
        }
    }
}

/// A world's name in a generation.
fn name_of(world: &WorldDir) -> &OsStr {
    world.path().file_name().unwrap_or(OsStr::new(MAIN))
}

/// In the child: go in, run dpkg, and keep what its scripts did.
fn run(host: Host, plan: Plan<'_>, args: &[OsString]) -> Done<i32> {
    let inside = plan.enter()?;
    let satisfies = |_: &Relation, _: &str| true;
    let hooks = Run::new(&inside, &satisfies);
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

fn is_lock(path: &Path) -> bool {
    let below = path.strip_prefix("dpkg");
    below.is_ok_and(|below| LOCKS.iter().any(|lock| below == Path::new(lock)))
}
