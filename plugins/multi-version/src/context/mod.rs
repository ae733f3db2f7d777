//! Contexts: a process, and its children, for which a generation is on `/usr`.
//!
//! ```text
//! /usr                     overlay, read-only: slots' root/usr, root/usr, the host's (not with `--pure`)
//! /opt                     the same, if the generation has one
//! /etc                     the host's. A directory of it that lacks conffiles of the generation is an overlay,
//!                          read-only, of the host's over the generation's; /etc/alternatives the other way round
//! /var/sys/current-system  -> the generation
//! /var/sys/host            the host's usr/ and etc/, so that a context in a context is not laid over the first
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
//! A file the host puts into an overlaid directory of /etc is seen by new contexts.

mod enter;
mod error;
mod etc;
mod host;
mod overlay;
mod run;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub(crate) use enter::{Namespace, carry_out, detach, read_only};
pub use error::ContextError;
pub use host::Host;
pub use run::{Options, RunError, Selector, UsageError, run};

use crate::layout::{GenerationNumber, Layout, SlotName, ViewName, inside};

/// The context that is asked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Where everything is.
    pub layout: &'a Layout,
    /// Of which view.
    pub view: &'a ViewName,
    /// Which generation.
    pub number: GenerationNumber,
    /// With these slots, the first on top.
    pub slots: &'a [SlotName],
    /// Without the host's /usr.
    pub pure: bool,
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
    /// Directories of /etc that lack conffiles of the generation but can't be overlaid: other file systems are
    /// mounted below them, which a user namespace can't take apart.
    pub lacking: Vec<PathBuf>,
    /// Whether a user namespace is needed.
    pub user_namespace: bool,
}

impl Mounts {
    /// What the context needs, on this host.
    pub fn decide(wanted: &Wanted, host: &Host) -> Result<Mounts, ContextError> {
        let layout = wanted.layout;
        let generation = layout.generation(wanted.view, wanted.number);
        let mut trees: Vec<PathBuf> = wanted
            .slots
            .iter()
            .map(|s| generation.join(inside::tree(Some(s))))
            .collect();
        trees.push(generation.join(inside::tree(None)));
        let mut mounts = Mounts::begin(layout, &generation, host)?;
        for name in ["usr", "opt"] {
            let having = trees.iter().filter(|t| is_dir(t, Path::new(name)));
            let mut layers: Vec<PathBuf> = having.map(|t| t.join(name)).collect();
            let at = host.root.join(name);
            if layers.is_empty() && name == "usr" && wanted.pure {
                return Err(ContextError::NothingInIt(generation));
            }
            if layers.is_empty() || !at.is_dir() {
                continue;
            }
            let keep = host.below(&at);
            if let (false, Some(point)) = (host.privileged || wanted.pure, keep.first()) {
                return Err(ContextError::Locked(point.clone()));
            }
            match (name, wanted.pure) {
                ("usr", false) => layers.push(layout.host().join(name)),
                ("usr", true) => {}
                _ => layers.push(at.clone()),
            }
            mounts.mounts.push(laid(
                at,
                layers,
                if wanted.pure { Vec::new() } else { keep },
            ));
        }
        etc::decide(&trees, layout, host, &mut mounts)?;
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
            mounts: vec![host.ground(layout, generation)],
            lacking: Vec::new(),
            user_namespace: !host.privileged,
        })
    }

    /// Whether this process is in this very context.
    pub(crate) fn are_here(&self, host: &Host) -> bool {
        self.mounts.iter().all(|mount| match mount {
            Mount::Ground { link, to, .. } => std::fs::read_link(link).is_ok_and(|l| l == *to),
            Mount::Overlay { at, layers, .. } => host.layers(at) == *layers,
            // A bind is not told apart from another; nothing is lost by entering again.
            _ => false,
        })
    }
}

/// Whether `path` is a directory of the tree, which no symbolic link leads to: that could lead anywhere.
fn is_dir(tree: &Path, path: &Path) -> bool {
    let mut at = tree.to_path_buf();
    path.components().all(|part| {
        at.push(part);
        std::fs::symlink_metadata(&at).is_ok_and(|m| m.is_dir())
    })
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
