//! State: what packages and scripts bring to `/etc` and `/var`, and whose these are.
//!
//! ```text
//! views/VIEW/view                    Settings: State, …
//! views/VIEW/state/{etc,var}         State: own, of the main world; state/SIDE/{etc,var} of a side world
//! views/VIEW/brought                 State: host: what was placed on the host
//! gen/N/main/scratch/{etc,var,…}     what a transaction wrote, as overlayfs leaves it; gone when it is carried out
//! gen/N/main/before/                 the host's accounts as the transaction found them; gone with the scratch
//! gen/N/main/state/{etc,var}         state of a world that had none, until its transaction is carried out
//! gen/N/main/changes                 Changes: the redo log; while it is there, they are not carried out
//! gen/N/state/[SIDE/]etc             State: own: a copy of state/etc as the transaction left it
//! ```
//!
//! # The order of a transaction
//!
//! ```text
//! WorldState::begin       scratch, before/, the state of a new world
//! WorldState::layers      what lies under the scratch
//! …                       dpkg and scripts run
//! WorldState::sort        -> Changes; what speaks of /usr is moved into the world's etc/
//! Changes::write          into the pending generation: then syncfs, rename to gen/N, fsync
//! carry_out               each step may have been done before; durable before the log goes. Then the switch
//! ```
//!
//! A kill before the rename leaves nothing, as the pending generation is dropped. After it [`unfinished`] names the
//! generation; [`carry_out`] again and the switch finish it.
//!
//! # Layers
//!
//! | | `State: host` | `State: own` |
//! |---|---|---|
//! | /etc, in a transaction | scratch, the world's `etc/`, the host's | scratch, `state/etc`, the world's, the host's |
//! | /var, in a transaction | scratch, the host's | scratch, `state/var`; of the host's what [`SHOWN`] lists |
//! | /etc, in a context | directories of the host's that lack something of the world's, read-only; all else the host's | `state/etc` (written to by root), the world's, the host's |
//! | /var, in a context | the host's | `state/var` itself; of the host's what [`SHOWN`] lists; the world's admindir, read-only |
//!
//! `state/var` is whole in itself and is bound, not overlaid: locks and sockets of databases work between contexts.
//! `/var/sys` shows always.
//!
//! # Sorting
//!
//! What a transaction wrote goes, in this order of rules, to
//!
//! | what | where |
//! |---|---|
//! | what [`rules`] lists as the machine's or derived | nowhere |
//! | accounts | added to the host's (without root: to the state) |
//! | what speaks of `/usr` | the world's `etc/` |
//! | all else | `host`: the host, where nothing is, and `brought`; `own`: `state/` |
//!
//! [`Kept`] tells of everything that was not carried over, and why.
#![forbid(unsafe_code)]

mod accounts;
mod brought;
mod carrying;
mod changes;
mod copies;
mod error;
mod hosts;
mod layers;
mod merging;
mod mirror;
mod new;
mod place;
pub mod rules;
mod settings;
mod sorting;
#[cfg(test)]
mod tests;
mod upper;

use std::fmt;
use std::path::{Path, PathBuf};

pub use accounts::Additions;
pub use brought::{Brought, Item, What};
pub use carrying::{Unfinished, carry_out, unfinished};
pub use changes::{Changes, Step};
pub use copies::restore_etc;
pub use error::StateError;
pub use layers::{Layer, Layers};
pub use mirror::mirror;
pub(crate) use place::copy_tree;
pub use rules::SHOWN;
pub use settings::{Settings, StateKind};

use crate::layout::{Layout, ViewName};
use crate::world::WorldDir;

type Done<T = ()> = Result<T, StateError>;

/// The state of a world, and where everything about it is.
#[derive(Debug, Clone, Copy)]
pub struct WorldState<'a> {
    /// Where everything is.
    pub layout: &'a Layout,
    /// Of which view.
    pub view: &'a ViewName,
    /// The side world's name; none for the main one.
    pub side: Option<&'a str>,
    /// Whose `/etc` and `/var` it has. A side world has its own, whatever the view's settings say.
    pub kind: StateKind,
    /// The world: pending in a transaction, of a generation in a context.
    pub world: &'a WorldDir,
    /// Where the host's `etc` and `var` are now: `/`, or `/var/sys/host` in a context, or their [`mirror`].
    pub host: &'a Path,
}

/// Something that was not carried over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// What, from `/`.
    pub path: PathBuf,
    /// What was to be done with it.
    pub wanted: Wanted,
    /// Why it was not.
    pub why: Why,
}

/// What was to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// To place it.
    Place,
    /// To change what is there.
    Change,
    /// To remove it.
    Remove,
}

/// Why something was not carried over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is of a package of the host.
    OfHostPackage(String),
    /// Another view has brought it.
    OfView(ViewName),
    /// It is the administrator's: nobody is known to have brought it.
    OfAdministrator,
    /// It is ours, and somebody has changed it since.
    Changed,
    /// It is a directory that is not empty.
    NotEmpty,
    /// A link, or what is no directory, is on the way to it.
    Way(PathBuf),
    /// It was changed by somebody else while the transaction went on.
    ChangedMeanwhile,
    /// An entry of an accounts file was changed or removed, which only the administrator may do.
    Account(String),
}

impl Kept {
    /// Whether a person has to know: that accounts are never removed is so in every purge.
    pub fn is_worth_telling(&self) -> bool {
        !matches!(self.why, Why::Account(_))
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match self.wanted {
            Wanted::Place => "not placed",
            Wanted::Change => "not changed",
            Wanted::Remove => "not removed",
        };
        write!(f, "'/{}' is {done}: {}", self.path.display(), self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::OfHostPackage(package) => write!(f, "it is of the host's package {package}"),
            Why::OfView(view) => write!(f, "view {view} has brought it"),
            Why::OfAdministrator => f.write_str("it is the administrator's"),
            Why::Changed => f.write_str("somebody has changed it since it was brought"),
            Why::NotEmpty => f.write_str("the directory is not empty"),
            Why::Way(way) => write!(
                f,
                "'/{}' is on the way to it, and no directory",
                way.display()
            ),
            Why::ChangedMeanwhile => f.write_str("somebody has changed it meanwhile"),
            Why::Account(entry) => write!(
                f,
                "only the administrator may change or remove the entry of {entry}"
            ),
        }
    }
}

impl<'a> WorldState<'a> {
    /// Where its state is in the view, whether or not it is there yet. Of the kind `host` there never is any.
    pub fn dir(&self) -> PathBuf {
        let state = self.layout.view(self.view).join(STATE);
        match self.side {
            Some(side) => state.join(side),
            None => state,
        }
    }
}

/// The state of a view in its directory, of a new world in the world's, and the copies in a generation's.
const STATE: &str = "state";
