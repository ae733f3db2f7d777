//! One archive, from its bytes to an unpacked package, and back (unpack.c, archives.c,
//! cleanup.c; Policy §6.6 "Details of unpack phase").
//!
//! The stages are values; each is consumed by the next, so their order is fixed by types:
//!
//! | stage | value | module |
//! |---|---|---|
//! | read the control member, decide whether it may be unpacked | [`plan::Plan`] | [`plan`], [`conflicts`] |
//! | old prerm, deconfigured and removed packages' prerm, new preinst | [`prepare::Prepared`] | [`prepare`], [`conffiles`] |
//! | place the files: `.dpkg-new`, durable, renamed | [`extract::Extracted`] | [`extract`], [`place`], [`clash`], [`deferred`] |
//! | old postrm; from there only forward | | [`commit`] |
//! | old files, `info/`, the package's fields, packages that disappear | | [`commit`], [`oldfiles`], [`infodb`], [`disappear`] |
//!
//! [`archives`] runs this over the archives of a command line, [`source`] makes entries of an
//! archive, [`ahead`] has that done before their turn, [`unwind`] takes it all back when it fails.
//!
//! Written here: everything below the instdir that the archive ships, `ADMINDIR/tmp.ci` and
//! `ADMINDIR/reassemble.deb` for the time of the unpack, and the package's files in
//! `ADMINDIR/info`. A file that is replaced is complete and on the disk before it gets its
//! name (unless `--force-unsafe-io`).

use std::collections::{HashSet, VecDeque};
use std::path::Path;

use super::Run;
use crate::error::{Kind, Result};
use crate::fsys::{Fsys, NodeId};
use crate::hooks::{PackageStep, Scope};
use crate::pkg::PkgId;
use crate::sys::place::Place;
use crate::sys::selinux::Labels;

pub mod ahead;
pub mod archives;
pub mod clash;
pub mod commit;
pub mod conffiles;
pub mod conflicts;
pub mod deferred;
pub mod disappear;
mod entries;
pub mod extract;
pub mod infodb;
pub mod oldfiles;
pub mod place;
pub mod plan;
pub mod prepare;
pub mod source;
pub mod spots;
pub mod unwind;

/// How many bytes of content are made ready ahead unless somebody says otherwise.
pub const AHEAD: usize = 64 << 20;

/// The private state of this module.
#[derive(Debug, Default)]
pub struct State {
    /// What to undo for the archive at hand.
    unwind: unwind::Unwind,
    /// Where the archive at hand goes.
    place: Option<Place>,
    /// SELinux labels.
    labels: Labels,
    /// Archives opened before their turn.
    ahead: ahead::Ahead,
    /// When the run began, seconds since the epoch: the access time of what is placed.
    now: i64,
    /// Whose hooks still have to hear how it went, in order.
    entered: VecDeque<Entered>,
    /// Packages to be removed in favour of one that is unpacked. It is decided before the unpack and
    /// done at its end; what an archive that fails has left here stock does at the next.
    conflictors: Vec<PkgId>,
}

/// What begins in one step of an unpack and ends in another, or when it is unwound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entered {
    /// The placing of a file.
    File(PkgId, NodeId),
    /// The removal of a package in favour of the one being unpacked.
    Removal(PkgId),
}

impl State {
    /// Where the archive at hand goes.
    fn place(&mut self) -> &Place {
        self.place.get_or_insert_with(|| Place::new(Path::new("")))
    }

    /// Forget what was resolved there.
    pub(super) fn forget_place(&self) {
        if let Some(place) = &self.place {
            place.forget();
        }
    }
}

impl Run {
    /// `process_archive()`, with its error context: unpack one archive. When it fails, that is
    /// reported and undone; only errors that end the run are returned.
    pub fn process_archive(&mut self, archive: &Path) -> Result<()> {
        self.unpack.unwind.begin();
        self.unpack.place = Some(self.db.dirs.place().clone());
        let result = self.unpack_archive(archive);
        let ok = result.is_ok();
        let result = match result {
            Ok(()) => self.unwind(false),
            Err(e) if e.kind == Kind::Failure => self
                .archive_failed(archive, e)
                .and_then(|()| self.unwind(true)),
            Err(e) => Err(e),
        };
        while let Some(entered) = self.unpack.entered.back().copied() {
            self.leave(entered, ok);
        }
        result
    }

    fn unpack_archive(&mut self, archive: &Path) -> Result<()> {
        if let Some(candidate) = self.read_candidate(archive)?
            && let Some(plan) = self.plan(candidate)?
        {
            let pkg = plan.pkg;
            let step = PackageStep::Unpack;
            self.between_hooks(Scope::Package { pkg, step }, |run| run.carry_out(plan))?;
        }
        // What was said is out before the archive counts as done.
        self.report.event(&crate::report::Event::Flush);
        self.report.check().map_err(crate::error::Error::fatal)
    }

    fn carry_out(&mut self, plan: plan::Plan) -> Result<()> {
        self.unpack.place = Some(self.place_of(plan.pkg));
        let prepared = self.prepare(plan)?;
        let extracted = self.extract(prepared)?;
        let upgraded = self.run_old_postrm(extracted)?;
        self.commit(upgraded)
    }

    /// Tell the hooks that something begins which ends in another step.
    fn enter(&mut self, entered: Entered) -> Result<()> {
        if self.hooks.is_empty() {
            return Ok(());
        }
        let scope = entered.scope(&self.db.fsys);
        self.hooks.enter(&self.db.table, &scope)?;
        self.unpack.entered.push_back(entered);
        Ok(())
    }

    /// Tell them that it has ended, if they were told that it begins.
    fn leave(&mut self, entered: Entered, ok: bool) {
        let open = &mut self.unpack.entered;
        // What ends at once is the last of them; the rest end in their order.
        if open.back() == Some(&entered) {
            open.pop_back();
        } else if let Some(at) = open.iter().position(|e| *e == entered) {
            open.remove(at);
        } else {
            return;
        }
        let scope = entered.scope(&self.db.fsys);
        self.hooks.leave(&self.db.table, &scope, ok);
    }
}

impl Entered {
    fn scope(self, fsys: &Fsys) -> Scope<'_> {
        match self {
            Entered::File(pkg, node) => Scope::File {
                pkg,
                path: fsys.name(node),
            },
            Entered::Removal(pkg) => Scope::Package {
                pkg,
                step: PackageStep::Remove,
            },
        }
    }
}

/// Paths of the archive at hand, in the order of the archive.
type Nodes = Vec<NodeId>;
/// Some of them.
type NodeSet = HashSet<NodeId>;
