//! Hooks: where something other than stock behaviour may step in.
//!
//! They come in pairs at four levels (run, package, script, file); `post` runs whenever `pre`
//! ran, and `pre` may veto by returning an error. Three more let a hook change what dpkg
//! takes as given: the install path, whether a package counts as installed or available
//! while a relation is judged, and the content of a file as it is placed. Every default is
//! stock's behaviour, so the plugin path is the path every test takes.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::pkg::{PkgId, PkgTable, Which};

/// What is about to happen to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageStep {
    /// Its archive is being unpacked.
    Unpack,
    /// It is being configured.
    Configure,
    /// It is being removed (conffiles kept).
    Remove,
    /// Its conffiles are being removed.
    Purge,
    /// Its triggers are being processed.
    Triggers,
}

/// One who wants to know or to change.
#[allow(unused_variables)]
pub trait Hook: Send {
    /// Before anything is done; `action` is the long name of dpkg's action.
    fn run_pre(&mut self, action: &str) -> Result<()> {
        Ok(())
    }
    /// After everything was done.
    fn run_post(&mut self, action: &str, ok: bool) {}
    /// Before a step of a package.
    fn package_pre(&mut self, table: &PkgTable, pkg: PkgId, step: PackageStep) -> Result<()> {
        Ok(())
    }
    /// After it.
    fn package_post(&mut self, table: &PkgTable, pkg: PkgId, step: PackageStep, ok: bool) {}
    /// Before a maintainer script is run: `script` is its kind (`postinst`).
    fn script_pre(
        &mut self,
        table: &PkgTable,
        pkg: PkgId,
        script: &str,
        args: &[&[u8]],
    ) -> Result<()> {
        Ok(())
    }
    /// After it, with its raw wait status.
    fn script_post(&mut self, table: &PkgTable, pkg: PkgId, script: &str, status: i32) {}
    /// Before a file is placed at `path` (as the archive has it).
    fn file_pre(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> Result<()> {
        Ok(())
    }
    /// After it was placed.
    fn file_post(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) {}
    /// Where the files of a package go instead of the instdir.
    fn install_path(&mut self, table: &PkgTable, pkg: PkgId) -> Option<PathBuf> {
        None
    }
    /// Whether a package is to be left out while a relation of `by` is judged.
    fn hides(&mut self, table: &PkgTable, by: PkgId, pkg: PkgId, which: Which) -> bool {
        false
    }
    /// Whether this hook wants to see (and may rewrite) the content of `path`.
    fn wants_content(&mut self, path: &[u8]) -> bool {
        false
    }
    /// Rewrite the file just extracted at `file` on disk, before it is given its owner and mode.
    fn rewrite(&mut self, path: &[u8], file: &Path) -> Result<()> {
        Ok(())
    }
}

/// The hooks of a run, asked in order. Empty is stock dpkg.
#[derive(Default)]
pub struct HookSet {
    hooks: Vec<Box<dyn Hook>>,
    /// How many of the hooks ran their latest `run_pre`.
    run_entered: usize,
}

impl HookSet {
    /// Add one, asked after those added before.
    pub fn push(&mut self, hook: Box<dyn Hook>) {
        self.hooks.push(hook);
    }

    /// Every hook's `run_pre`, in order; stops at the first veto.
    pub fn run_pre(&mut self, action: &str) -> Result<()> {
        self.run_entered = 0;
        for hook in &mut self.hooks {
            hook.run_pre(action)?;
            self.run_entered += 1;
        }
        Ok(())
    }

    /// `run_post` of every hook whose `run_pre` ran, in reverse order.
    pub fn run_post(&mut self, action: &str, ok: bool) {
        let entered = self.run_entered;
        for hook in self.hooks[..entered].iter_mut().rev() {
            hook.run_post(action, ok);
        }
    }

    /// Run `body` between `pre` and `post` of every hook. When a `pre` vetoes, the hooks that
    /// were entered before it still get their `post`, with `ok` false.
    pub fn around<C, T>(
        cx: &mut C,
        set: impl Fn(&mut C) -> &mut HookSet,
        pre: impl Fn(&mut C, usize) -> Result<()>,
        post: impl Fn(&mut C, usize, bool),
        body: impl FnOnce(&mut C) -> Result<T>,
    ) -> Result<T> {
        let count = set(cx).hooks.len();
        let mut entered = 0;
        let mut result = Ok(());
        while entered < count && result.is_ok() {
            result = pre(cx, entered);
            if result.is_ok() {
                entered += 1;
            }
        }
        let result = match result {
            Ok(()) => body(cx),
            Err(e) => Err(e),
        };
        for i in (0..entered).rev() {
            post(cx, i, result.is_ok());
        }
        result
    }

    /// All hooks, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Box<dyn Hook>> {
        self.hooks.iter_mut()
    }

    /// One hook by its place in the order.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Box<dyn Hook>> {
        self.hooks.get_mut(index)
    }

    /// Whether any hook hides `pkg` from a relation of `by`.
    pub fn hides(&mut self, table: &PkgTable, by: PkgId, pkg: PkgId, which: Which) -> bool {
        let mut hooks = self.hooks.iter_mut();
        hooks.any(|h| h.hides(table, by, pkg, which))
    }

    /// The first hook's wish where a package goes.
    pub fn install_path(&mut self, table: &PkgTable, pkg: PkgId) -> Option<PathBuf> {
        let mut hooks = self.hooks.iter_mut();
        hooks.find_map(|h| h.install_path(table, pkg))
    }
}
