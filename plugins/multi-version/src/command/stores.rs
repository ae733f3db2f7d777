//! Which store a command is about.
//!
//! | who | command | store |
//! |---|---|---|
//! | root | any | `/var/sys` |
//! | a user | changes a view, or is about one that the user has | the user's own |
//! | a user | looks at another view, or runs something of it | `/var/sys` |
//! | anybody | any, with `--store DIR` | that one |
//!
//! In a context it is the one that the context is of; what apt calls is where apt is.

use std::path::{Path, PathBuf};

use dpkgng_plugin::{Failed, Host};

use super::cli::{Cli, View};
use super::line::{Action, Line};
use crate::context::{self, OwnStore, Who};
use crate::generation;
use crate::layout::{Layout, VAR_SYS, ViewName};
use crate::rootless::is_mapped;

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About<'a> {
    /// The view; none, if it is about all.
    pub view: Option<&'a ViewName>,
    /// What it does there.
    pub does: Does,
}

/// What a command does with a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// Changes it.
    Change,
    /// Looks at it.
    Look,
    /// Becomes a command with one of its views.
    Run,
    /// Removes things of it, or would, when it has seen who uses them: which is to be seen from outside.
    Collect,
}

impl Cli {
    pub(super) fn about(&self) -> About<'_> {
        use Does::{Change, Collect, Look, Run};
        let (view, does) = match self {
            Cli::Run(run) => (Some(&run.view.view), Run),
            Cli::Gc(_) => (None, Collect),
            Cli::Relink(relink) if relink.all => (None, if relink.check { Look } else { Change }),
            Cli::Relink(relink) if relink.check => (Some(&relink.view), Look),
            Cli::Relink(relink) => (Some(&relink.view), Change),
            Cli::Upgrade(_) => (None, Change),
            Cli::Complete(_) | Cli::Doctor(_) => (None, Look),
            Cli::View(view) => match view {
                View::Create(create) => (Some(&create.view), Change),
                View::Clone { from, .. } => (Some(&from.view), Change),
                View::List { view, .. } => (view.as_ref().map(|p| &p.view), Look),
                View::Diff { old, .. } => (Some(&old.view), Look),
                View::Switch { to, .. } => (Some(&to.view), Change),
                View::Rollback { view, .. } => (Some(view), Change),
                View::Rm { what, .. } => (Some(&what.view), Collect),
                View::Pin { what, .. } => (Some(&what.view), Change),
                View::Unpin { .. } => (None, Change),
                View::Apt(apt) => (Some(&apt.view), Change),
                View::Exec(exec) => (Some(&exec.view), Change),
            },
        };
        About { view, does }
    }
}

impl Line {
    pub(super) fn about(&self) -> About<'_> {
        let looks = match self.action {
            Some(Action::Read | Action::Verify | Action::Show) => true,
            Some(Action::Archives | Action::Change) => false,
            None => self.hide.is_empty() && self.unhide.is_empty(),
        };
        About {
            view: Some(&self.view),
            does: if looks { Does::Look } else { Does::Change },
        }
    }
}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Store {
    /// What is on `/var/sys` here.
    Machine,
    /// A user's.
    Own(OwnStore),
}

impl Store {
    /// The one that a command is about.
    ///
    /// # Errors
    /// It can't be a store of this user's.
    pub fn of(asked: Option<&Path>, about: About<'_>) -> Result<Store, Failed> {
        let is_root = rustix::process::geteuid().is_root();
        let is_machine = asked.is_some_and(|dir| dir == Path::new(VAR_SYS));
        if is_mapped() || is_machine || is_root && asked.is_none() {
            return Ok(Store::Machine);
        }
        if context::Host::look(&Layout::new(VAR_SYS))?.nested {
            return Ok(Store::Machine);
        }
        let dir = match asked {
            Some(dir) => {
                std::path::absolute(dir).map_err(|e| Failed::new(format!("--store: {e}")))?
            }
            None => match (OwnStore::usual(), about.does) {
                (Err(_), Does::Look | Does::Run) => return Ok(Store::Machine),
                (usual, _) => usual?,
            },
        };
        let Some(own) = OwnStore::open(&dir, about.does == Does::Change)? else {
            return match asked {
                Some(dir) => Err(Failed::new(format!(
                    "there is no store '{}'",
                    dir.display()
                ))),
                None => Ok(Store::Machine),
            };
        };
        let inner = Layout::new(own.dir());
        let is_there = match about.view {
            Some(view) => {
                let current = inner.current(view);
                let read = |e| Failed::new(format!("cannot read '{}': {e}", current.display()));
                generation::is_there(&current).map_err(read)?
            }
            None => true,
        };
        let looks = matches!(about.does, Does::Look | Does::Run);
        Ok(match looks && asked.is_none() && !is_there {
            true => Store::Machine,
            false => Store::Own(own),
        })
    }

    /// Be where it is, as who does such a command: gives where everything is there.
    ///
    /// # Errors
    /// It can't be entered.
    pub fn enter(&self, host: Host, does: Does) -> Result<Layout, Failed> {
        if let Store::Own(own) = self {
            log::info!("store {}", own.dir().display());
            if does == Does::Collect {
                return Ok(Layout::new(own.dir()));
            }
            own.enter(Who::Root)?;
            // What was said outside is said before what is said here.
            host.flush()?;
        }
        Ok(Layout::new(VAR_SYS))
    }
}

/// Views of the stores that a user can name one of.
pub(super) fn layouts() -> Vec<Layout> {
    let own = OwnStore::usual().ok();
    let own = own.filter(|_| !rustix::process::geteuid().is_root());
    let machine = PathBuf::from(VAR_SYS);
    own.into_iter().chain([machine]).map(Layout::new).collect()
}
