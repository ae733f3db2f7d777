//! Contexts: a process, and its children, for which a generation is on `/usr`.
//!
//! ```text
//! /usr, /opt, …            overlay, read-only: the world's, the host's (not with `--pure`)
//! /etc, /var               as the view's `State` says: see [`crate::state`]
//! /var/lib/dpkg            the world's database, read-only
//! /var/sys/current-system  -> the world
//! /var/sys/host            what of the host is covered, so that a context in a context is not laid over the first
//! all else                 the host's
//! ```
//!
//! What is mounted where is decided as data ([`Mounts`]), then done in place: no process is added, so signals,
//! terminal, working directory and exit status are the program's own.
//!
//! Who has CAP_SYS_ADMIN gets a mount namespace; others a user namespace, too, in which they are who they are.
//! Such a context is nosuid by nature (sudo and su don't work), and supplementary groups show as nogroup, though they
//! count. Without it, set-id bits of the generation's tree count.
//!
//! `current-system` is a symbolic link, and what is mounted on it is one, from a tmpfs of the namespace: a
//! generation bound over the current one's directory would hide that one from commands in the context. The link
//! is made by the first command that locks `/var/sys`, and may dangle: a context needs no system view.
//!
//! A file the host puts into an overlaid directory of /etc is seen by new contexts. A second context over the same writable
//! `/etc` joins the namespace of the first.

mod enter;
mod error;
mod host;
mod join;
mod overlay;
mod own;
mod run;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use enter::Who;
pub(crate) use enter::{Namespace, carry_out, detach, seal_all_but};
pub use error::ContextError;
pub use host::Host;
pub use own::{OwnStore, try_out};
pub use run::{Options, RunError, Selector, run};

use self::host::is_there_a_dir;
use crate::layout::{GenerationNumber, Layout, SideName, ViewName};
use crate::state::{Settings, StateKind, WorldState};
use crate::world::WorldDir;

/// The context that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Where everything is.
    pub layout: &'a Layout,
    /// Of which view.
    pub view: &'a ViewName,
    /// Which generation.
    pub number: GenerationNumber,
    /// Which of its side worlds; none for the main one.
    pub side: Option<&'a SideName>,
    /// Without the host's /usr.
    pub pure: bool,
}

impl Wanted<'_> {
    /// The world.
    pub fn world(&self) -> WorldDir {
        let generation = self.layout.generation(self.view, self.number);
        match self.side {
            Some(side) => WorldDir::side(&generation, side.as_str()),
            None => WorldDir::main(&generation),
        }
    }
}

/// Something to be mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mount {
    /// What is covered of the host, and a link for `current-system`: in the directories that are there for it, or in
    /// a tmpfs.
    Ground {
        /// Where.
        at: PathBuf,
        /// What is bound below it, by name; nothing, where it is there from an outer context.
        holds: Vec<(&'static str, PathBuf)>,
        /// `current-system`
        link: PathBuf,
        /// Where it is to lead.
        to: PathBuf,
        /// A link that does, when nothing needs to be made.
        made: Option<PathBuf>,
    },
    /// Directories laid over each other, the first on top.
    Overlay {
        /// Where.
        at: PathBuf,
        /// What.
        layers: Vec<PathBuf>,
        /// Where changes go; read-only without.
        upper: Option<Upper>,
        /// Mounts below `at` that are to be seen again.
        keep: Vec<PathBuf>,
    },
    /// A directory or file over another.
    Bind {
        /// What.
        what: PathBuf,
        /// Where.
        at: PathBuf,
        /// Whether it can't be written through.
        read_only: bool,
    },
    /// A directory over another, without what is mounted below it.
    Alone {
        /// What.
        what: PathBuf,
        /// Where.
        at: PathBuf,
    },
    /// An empty directory over another.
    Hide {
        /// Where.
        at: PathBuf,
    },
}

/// Where changes of an overlay go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upper {
    /// The changes.
    pub dir: PathBuf,
    /// Empty, on the same file system.
    pub work: PathBuf,
}

/// All that makes a context, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounts {
    /// What is mounted.
    pub mounts: Vec<Mount>,
    /// Whether a user namespace is needed.
    pub user_namespace: bool,
}

impl Mounts {
    /// What the context needs, on this host.
    pub fn decide(wanted: &Wanted, host: &Host) -> Result<Mounts, ContextError> {
        let (layout, world) = (wanted.layout, wanted.world());
        let mut mounts = Mounts::begin(layout, world.path(), host)?;
        let tree = world.tree();
        for name in inhabited(&tree)? {
            let at = host.root.join(&name);
            if !is_there_a_dir(&at)? {
                continue;
            }
            let keep = host.below(&at);
            let may_cover = host.privileged && !host.mapped;
            if let (false, Some(point)) = (may_cover || wanted.pure, keep.first()) {
                return Err(ContextError::Locked(point.clone()));
            }
            let is_usr = name == "usr";
            let mut layers = vec![tree.join(&name)];
            if !(wanted.pure && is_usr) {
                layers.push(layout.host().join(&name));
            }
            mounts.mounts.push(laid(
                at,
                layers,
                if wanted.pure { Vec::new() } else { keep },
            ));
        }
        if wanted.pure && !is_there_a_dir(&tree.join("usr"))? {
            return Err(ContextError::NothingInIt(world.path().into()));
        }
        let settings = Settings::read(layout, wanted.view).map_err(Box::new)?;
        let own = host.own(layout);
        let state = WorldState {
            layout,
            view: wanted.view,
            side: wanted.side.map(SideName::as_str),
            kind: match wanted.side {
                Some(_) => StateKind::Own,
                None => settings.state,
            },
            world: &world,
            host: &own,
        };
        mounts
            .mounts
            .extend(state.context(host, host.privileged).map_err(Box::new)?);
        Ok(mounts)
    }

    /// What any context of a generation's directory begins with.
    pub(crate) fn begin(
        layout: &Layout,
        generation: &Path,
        host: &Host,
    ) -> Result<Mounts, ContextError> {
        if let Some(path) = &host.unmerged {
            return Err(ContextError::NotMerged(path.clone()));
        }
        if !host.can_link {
            return Err(ContextError::NoCurrentSystem(layout.current_system()));
        }
        Ok(Mounts {
            mounts: vec![host.ground(layout, generation)?],
            user_namespace: !host.privileged,
        })
    }

    /// Whether this process is in this very context.
    pub(crate) fn are_here(&self, host: &Host) -> bool {
        // It goes with the world.
        let of_state = |at: &Path| {
            let mut tops = ["etc", "var"].iter();
            tops.any(|top| at.starts_with(host.root.join(top)))
        };
        self.mounts.iter().all(|mount| match mount {
            Mount::Ground { link, to, .. } => std::fs::read_link(link).is_ok_and(|l| l == *to),
            Mount::Overlay { at, .. } | Mount::Bind { at, .. } if of_state(at) => true,
            Mount::Overlay { at, layers, .. } => host.layers(at) == *layers,
            // A bind is not told apart from another; nothing is lost by entering again.
            _ => false,
        })
    }
}

/// The directories of `/` that a tree has something for, but those of the state and the machine's, which it has empty.
fn inhabited(tree: &Path) -> Result<Vec<std::ffi::OsString>, ContextError> {
    let read = |path: &Path| std::fs::read_dir(path).map_err(|e| ContextError::read(path, e));
    let mut names = Vec::new();
    for entry in read(tree)? {
        let entry = entry.map_err(|e| ContextError::read(tree, e))?;
        let kind = entry.file_type();
        let kind = kind.map_err(|e| ContextError::read(&entry.path(), e))?;
        if kind.is_dir() && read(&entry.path())?.next().is_some() {
            names.push(entry.file_name());
        }
    }
    names.sort();
    Ok(names)
}

/// An overlay wants two layers.
fn laid(at: PathBuf, mut layers: Vec<PathBuf>, keep: Vec<PathBuf>) -> Mount {
    match (layers.pop(), layers.is_empty()) {
        (Some(what), true) => Mount::Bind {
            what,
            at,
            read_only: true,
        },
        (last, _) => {
            layers.extend(last);
            Mount::Overlay {
                at,
                layers,
                upper: None,
                keep,
            }
        }
    }
}
