//! From a generation and a request to the next generation: a pure function whose result is carried out as it
//! stands, shown by `--explain` and `--graph`, or dropped by `--no-act`.
//!
//! Order of decisions:
//!
//! 1. The set: what is there, less what is removed and (as dpkg) what a newcomer of its name replaces, and the
//!    newcomers. What was installed for others and is needed by nobody stays, never upgraded: an orphan.
//! 2. Dependencies, each edge with who satisfies it: a hidden version ([`crate::decide::hidden_by`]) is not seen;
//!    of several versions a newcomer prefers those of its own command line, then the newest it sees.
//! 3. Conflicts: [`crate::decide::resolve_conflicts`].
//! 4. Libraries: for each architecture and soname, [`crate::decide::system_library`], with pins; then overrides.
//!    An override that only a shared library's need would see becomes a DT_NEEDED of the program (`needed`), or, if
//!    the planner cannot make it effective, an error.
//!    What a package has itself, all its objects take from it (`own`).
//! 5. Slots: of packages that own the same path with different content one moves: not the one that provides a
//!    system library, then not the wanted, then the newcomer. The movers of one command line share a slot, if they
//!    do not clash themselves; it is called by its first wanted package, with the version if that name is in root/.
#![forbid(unsafe_code)]

mod compose;
mod conflicts;
mod depends;
mod error;
mod linking;
mod needs;
mod process;
mod realize;
mod relations;
mod rules;
mod set;
mod slots;
#[cfg(test)]
pub(crate) mod tests;
mod vote;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::decide::{Decision, Needed, Resolution};
use crate::elf::PathTag;
use crate::facts::Relation;
use crate::layout::{Architecture, InstallationId, PackageName, RealizationId, SlotName, Soname};
use crate::manifest::{Hide, LibraryPin, Member, Realization, Reason};

pub use compose::plan;
pub use error::{Lack, PlanError, Unmet};
pub use relations::HostTable;
pub use world::{Files, Host, HostPackage, World};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What is to be there, in the order of the command line.
    pub install: Vec<(InstallationId, Option<Reason>)>,
    /// What is to go.
    pub remove: BTreeSet<InstallationId>,
    /// What is to go with its conffiles' memory.
    pub purge: BTreeSet<InstallationId>,
    /// Whether a new version leaves the present one in place (`--multi-version`).
    pub side_by_side: bool,
    /// Whether the newcomers are linked with what they came with (`--own-libraries`).
    pub own_libraries: bool,
    /// The newcomers' postinst is left for later (`--unpack`).
    pub unpack_only: bool,
    /// Unpacked packages to become installed (`--configure`).
    pub configure: BTreeSet<InstallationId>,
    /// Versions to hide besides.
    pub hide: Vec<Hide>,
    /// Hidden versions to be seen again.
    pub unhide: Vec<Hide>,
    /// Libraries chosen by a person, besides; one of the same soname and consumer gives way.
    pub pin: Vec<LibraryPin>,
    /// Pins to be taken back: the soname, and for whom.
    pub unpin: Vec<(Soname, Option<PackageName>)>,
    /// The tag of the search path of what is newly linked.
    pub link_mode: PathTag,
    /// Go on with unmet dependencies (`--force-depends`), which are then listed.
    pub force_depends: bool,
}

/// Who satisfies a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Satisfied {
    /// A package of the view.
    By(InstallationId),
    /// A package of the host: its name.
    ByHost(PackageName),
    /// Nobody (`--force-depends`).
    Unmet,
}

/// One dependency of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// Whose.
    pub from: InstallationId,
    /// The group of alternatives.
    pub group: Vec<Relation>,
    /// Who satisfies it.
    pub by: Satisfied,
    /// Newer versions that were not seen for a rule.
    pub hidden: Vec<Hide>,
}

/// A package in a slot, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InSlot {
    /// Which.
    pub package: InstallationId,
    /// Why it is there.
    pub why: WhySlot,
}

/// Why a package is in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhySlot {
    /// A package of the view's own tree has something else at one of its paths.
    Shares {
        /// Whose.
        with: InstallationId,
        /// The path, of either.
        path: PathBuf,
    },
    /// It depends on this one, which is in the slot, and of the view's own tree nothing will do.
    Follows(InstallationId),
}

/// An old version that stays beside the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub package: InstallationId,
    /// Who needs it.
    pub by: InstallationId,
    /// What that one needs, as its control file has it, or a pin.
    pub needs: String,
}

/// Where a library of a consumer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Who needs it.
    pub consumer: InstallationId,
    /// The architecture of the objects.
    pub architecture: Architecture,
    /// What.
    pub soname: Soname,
    /// From whom; `None`: from the host.
    pub provider: Option<InstallationId>,
    /// By its own `lib/`, and why; `None`: by the view's choice.
    pub overriding: Option<String>,
}

/// The next generation.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its packages, sorted by realization.
    pub members: Vec<Member>,
    /// How each is linked: what link makes if it is not there yet, providers before consumers.
    pub realizations: Vec<Realization>,
    /// The realization of each installation.
    pub realized: BTreeMap<InstallationId, RealizationId>,
    /// What `lib/` holds, by architecture: the provider, with the table.
    pub libraries: BTreeMap<Architecture, Vec<Decision>>,
    /// Every need of every object, once per consumer and soname.
    pub links: Vec<Link>,
    /// The slots.
    pub slots: BTreeMap<SlotName, Vec<InSlot>>,
    /// What became of conflicts.
    pub conflicts: Resolution,
    /// Who needs whom.
    pub edges: Vec<Edge>,
    /// What is needed and why, and the orphans.
    pub needed: Needed,
    /// The hides and pins that hold from now on.
    pub hides: Vec<Hide>,
    /// See `hides`.
    pub pins: Vec<LibraryPin>,
    /// What a new version replaced, old and new.
    pub replaced: Vec<(InstallationId, InstallationId)>,
    /// What a new version would have replaced.
    pub kept: Vec<Kept>,
    /// Dependencies that nothing satisfies (`--force-depends`, or they were so before).
    pub unmet: Vec<Unmet>,
}
