//! update-alternatives(1): link groups, whose links lead through `ALTDIR/NAME` to the one of
//! several files that is chosen.
//!
//! ```text
//! ADMDIR/NAME ─adminfile→ Group ─plan (reads the Tree)→ Plan ─carry out→ links, ADMDIR/NAME
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`group`] | [`Group`](group::Group): the links, choices and mode of one link group, as plain data |
//! | [`adminfile`] | `ADMDIR/NAME`, the group on disk: its format and the verdicts on corrupt ones |
//! | [`tree`] | the links on disk: what is at a path, and the primitive changes, in stock's words |
//! | [`plan`] | [`Plan`](plan::Plan): what an update will say and do, decided before anything is done |
//! | [`carry_out`] | doing it |
//! | [`install`] | `--install`: the checks against all other groups; links that get new names |
//! | [`verbs`] | the other commands that change something |
//! | [`selections`] | `--get-selections`, `--set-selections` |
//!
//! What a change promises: new links are staged as `NAME.dpkg-tmp` first, then the admin file is
//! replaced (written, synced, renamed), then all links are put in place by renames. Whoever is
//! interrupted in between finds the group broken and has the next call repair it. Each of these
//! is durable before the next begins, and all is when the run ends.
//!
//! Paths of links and choices are those of the installed system; [`tree`] resolves them beneath
//! the instdir.

use crate::error::Result;
use crate::report::{Event, Reporter};

pub mod adminfile;
pub mod carry_out;
pub mod group;
pub mod install;
pub mod plan;
pub mod selections;
pub mod tree;
pub mod verbs;

pub use group::{Choice, Group, Mode, SlaveLink};
pub use install::{Install, check_link, check_name, check_path};
pub use tree::Tree;
pub use verbs::{Chooser, Pick};

/// The tool's name, which some texts cite.
pub const PROGNAME: &str = "update-alternatives";

/// What staged links and half-written admin files end in.
pub const TMP_EXT: &str = ".dpkg-tmp";

/// Where things are. Prefixes of names, not paths to be joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dirs {
    /// The root of the installed system; empty for the running one.
    pub instdir: Vec<u8>,
    /// The alternatives directory, below the instdir (`/etc/alternatives`).
    pub altdir: Vec<u8>,
    /// The administrative directory, as the running system sees it.
    pub admdir: Vec<u8>,
}

/// One run over the alternatives of a system.
pub struct Alternatives<'r> {
    /// The links, and whether `--force` is given.
    pub tree: Tree,
    /// The arguments, as alternatives.log has them.
    pub invocation: Vec<u8>,
    /// Who hears of it.
    pub report: &'r mut dyn Reporter,
}

impl Alternatives<'_> {
    /// Tell something. A log that cannot be written ends the run.
    fn say(&mut self, event: Event<'_>) -> Result<()> {
        self.report.event(&event);
        self.report.check()
    }

    /// Write down the call, as every command does that may change something.
    fn log_invocation(&mut self) -> Result<()> {
        let line = crate::msg!("run with %s", &self.invocation);
        self.say(Event::Log(line))
    }
}
