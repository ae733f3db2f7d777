//! The pipeline: unpack, configure, remove, triggers. Policy chapter 6.
//!
//! [`Run`] is one invocation: the database, the options, the receivers, and the state dpkg
//! keeps in globals. Each module adds the steps it owns as methods of `Run`:
//!
//! | module | owns | dpkg's file |
//! |---|---|---|
//! | [`depcon`] | is a dependency satisfied, and what would fix it; dependency cycles | depcon.c |
//! | [`queue`] | what is to be processed, in which order, `dependtry` | packages.c |
//! | [`maintscript`] | calls, environment, fallbacks | script.c |
//! | [`configure`] | conffiles and postinst | configure.c |
//! | [`remove`] | prerm, files, postrm, purge | remove.c |
//! | [`trigproc`] | the deferred list, trigger cycles, `postinst triggered` | trigproc.c |
//! | [`unpack`] | one archive from bytes to unpacked, and back | unpack.c, archives.c |
//! | [`errors`] | what failed, holds, the final summary | errors.c, help.c |

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::db::Database;
use crate::error::Result;
use crate::hooks::{HookSet, Scope};
use crate::pkg::PkgId;
use crate::report::{Prompter, Reporter};
use crate::state::Want;

pub mod configure;
pub mod depcon;
pub mod errors;
#[cfg(test)]
mod hooks_tests;
pub mod maintscript;
pub mod queue;
pub mod remove;
#[cfg(test)]
pub(crate) mod rig;
pub mod trigproc;
pub mod unpack;

/// What dpkg was asked to do (`cipaction`); the pipeline's own actions only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `--install`
    Install,
    /// `--unpack`
    Unpack,
    /// `--record-avail`
    RecordAvail,
    /// `--configure`
    Configure,
    /// `--triggers-only`
    TriggersOnly,
    /// `--remove`
    Remove,
    /// `--purge`
    Purge,
}

impl Action {
    /// The long option's name, as error texts show it (`cipaction->olong`).
    pub fn name(self) -> &'static str {
        match self {
            Action::Install => "install",
            Action::Unpack => "unpack",
            Action::RecordAvail => "record-avail",
            Action::Configure => "configure",
            Action::TriggersOnly => "triggers-only",
            Action::Remove => "remove",
            Action::Purge => "purge",
        }
    }
}

/// The options of a run (dpkg's `f_*` globals).
#[derive(Clone, Debug)]
pub struct Options {
    /// What to do.
    pub action: Action,
    /// False with `--no-act` (`f_act`).
    pub act: bool,
    /// False with `--selected-only` (`f_alsoselect`).
    pub alsoselect: bool,
    /// `--auto-deconfigure`
    pub autodeconf: bool,
    /// `--debsig`
    pub debsig: bool,
    /// `--pending`
    pub pending: bool,
    /// `--recursive`
    pub recursive: bool,
    /// `--skip-same-version`
    pub skipsame: bool,
    /// Whether triggers are processed at the end of the run (`f_triggers`).
    pub triggers: bool,
    /// Bytes of memory for content of archives that is made ready ahead of its use; 0: none is,
    /// and no other thread works on an archive.
    pub ahead: usize,
    /// `--abort-after`: how many failures end the run; 0 and less at the first.
    pub abort_after: i32,
    /// `--force-…`
    pub force: crate::force::ForceSet,
    /// `--ignore-depends`
    pub ignore_depends: Vec<PkgId>,
    /// `--path-exclude`, `--path-include`
    pub filters: crate::filter::Filters,
    /// `$TMPDIR` or `/tmp`, for control directories of archives that are not being installed.
    pub tmpdir: PathBuf,
    /// The whole environment that children get, `PATH` and `DPKG_FORCE` included;
    /// [`maintscript`] overrides in it what scripts are told about themselves.
    pub script_env: Vec<(String, Vec<u8>)>,
    /// The version scripts see as `DPKG_RUNNING_VERSION`.
    pub running_version: String,
}

/// What a package is about to be (`pkg_istobe`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Istobe {
    /// Left as it is.
    #[default]
    Normal,
    /// Removed.
    Remove,
    /// Installed, configured or triggered.
    InstallNew,
    /// Deconfigured.
    Deconfigure,
    /// Looked at for Pre-Depends.
    Preinstall,
}

/// Colours of the depth-first search for dependency cycles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CycleColor {
    #[default]
    White,
    Gray,
    Black,
}

/// What a run knows of a package (`perpackagestate`).
#[derive(Clone, Debug, Default)]
pub struct PerPackage {
    /// See [`Istobe`].
    pub istobe: Istobe,
    /// Used during cycle detection.
    pub color: CycleColor,
    /// In the queue.
    pub enqueued: bool,
    /// "Replacing files in old package" was said this many times.
    pub replacing_files_and_said: u32,
    /// Named on the command line this many times.
    pub cmdline_seen: u32,
}

/// `dependtry`: how hard to try; see [`queue`] for what each level allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum DependTry {
    #[default]
    Normal = 1,
    Cycles,
    Triggers,
    TriggersCycles,
    ForceDependsVersion,
    ForceDepends,
    Last,
}

/// A package to be deconfigured for another (`pkg_deconf_list`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deconf {
    /// The one to deconfigure.
    pub pkg: PkgId,
    /// The one whose removal makes it necessary, if any.
    pub pkg_removal: Option<PkgId>,
    /// Why.
    pub reason: Want,
}

/// One invocation of dpkg.
pub struct Run {
    /// The database.
    pub db: Database,
    /// The options.
    pub opts: Options,
    /// Who hears what happens.
    pub report: Box<dyn Reporter>,
    /// Who is asked about conffiles.
    pub prompt: Box<dyn Prompter>,
    /// Who may change what happens.
    pub hooks: HookSet,
    /// By [`PkgId`]; see [`Run::state`].
    pub(crate) per_package: Vec<PerPackage>,
    /// What remains to be processed.
    pub(crate) queue: VecDeque<PkgId>,
    /// See [`DependTry`].
    pub(crate) dependtry: DependTry,
    /// Packages looked at since the queue last moved.
    pub(crate) sincenothing: usize,
    /// A package whose triggers hold others up; see [`queue`].
    pub(crate) progress_bytrigproc: Option<PkgId>,
    /// Dependency cycles already broken (`cyclebreak`): package, dependency, alternative.
    pub(crate) cycle_breaks: std::collections::HashSet<crate::pkg::PossiRef>,
    /// See [`errors`].
    pub(crate) failures: errors::Failures,
    /// See [`trigproc`].
    pub(crate) trigproc: trigproc::State,
    /// See [`unpack`].
    pub(crate) unpack: unpack::State,
}

impl Run {
    /// A run over an opened database.
    pub fn new(
        db: Database,
        opts: Options,
        report: Box<dyn Reporter>,
        prompt: Box<dyn Prompter>,
        hooks: HookSet,
    ) -> Run {
        Run {
            db,
            opts,
            report,
            prompt,
            hooks,
            per_package: Vec::new(),
            queue: VecDeque::new(),
            dependtry: DependTry::Normal,
            sincenothing: 0,
            progress_bytrigproc: None,
            cycle_breaks: Default::default(),
            failures: Default::default(),
            trigproc: Default::default(),
            unpack: Default::default(),
        }
    }

    /// Do something between the hooks that want to know.
    pub(crate) fn between_hooks<T>(
        &mut self,
        scope: Scope<'_>,
        body: impl FnOnce(&mut Run) -> Result<T>,
    ) -> Result<T> {
        self.hooks.enter(&self.db.table, &scope)?;
        self.forget_places();
        let result = body(self);
        self.hooks.leave(&self.db.table, &scope, result.is_ok());
        self.forget_places();
        result
    }

    /// Do what the command line asked for between the hooks of the run, if anything is to be
    /// done for real.
    pub(crate) fn whole(&mut self, body: impl FnOnce(&mut Run) -> Result<i32>) -> Result<i32> {
        if !self.opts.act {
            return body(self);
        }
        let action = self.opts.action.name();
        let scope = Scope::Run { action };
        self.hooks.enter(&self.db.table, &scope)?;
        let result = body(self);
        let ok = result.is_ok() && !self.failures.any();
        self.hooks.leave(&self.db.table, &scope, ok);
        result
    }

    /// What this run knows of a package (`clientdata`, made when first asked for).
    pub fn state(&mut self, pkg: PkgId) -> &mut PerPackage {
        let index = pkg.0 as usize;
        if index >= self.per_package.len() {
            let len = self.db.table.count().max(index + 1);
            self.per_package.resize(len, PerPackage::default());
        }
        &mut self.per_package[index]
    }

    /// [`Istobe`] of a package.
    pub fn istobe(&self, pkg: PkgId) -> Istobe {
        let state = self.per_package.get(pkg.0 as usize);
        state.map_or(Istobe::Normal, |s| s.istobe)
    }
}
