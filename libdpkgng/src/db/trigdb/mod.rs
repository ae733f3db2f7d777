//! `triggers/`: interests by path (`File`) and by name, and what was activated and not yet
//! looked at (`Unincorp`) (triglib.c, trignote.c; doc/triggers.txt).
//!
//! | file | module |
//! |---|---|
//! | `Unincorp`, `Lock` | [`deferred`] |
//! | `File`, `NAME` | `interests` |
//!
//! Activating a trigger makes every interested package *pending*, and whoever activated it
//! *await* them (unless either side said `noawait`). A pending package is noted first: a
//! status file in which a package awaits another that has nothing pending is repaired by
//! [`Database::fixup_awaiters`], the other way round would lose the trigger.

use std::collections::VecDeque;

use super::Database;
use super::modstatdb::OpenMode;
use crate::error::{Error, OrFail, Result};
use crate::fsys::NodeId;
use crate::msg;
use crate::name::check_package;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::pkgspec::parse_pkg;
use crate::report::{Reporter, debug};
use crate::state::Status;
use crate::sys::lines::Lines;
use crate::sys::place::{Absence, Spot};

pub mod deferred;
mod interests;

pub use interests::Await;
use interests::{CiFile, INTEREST_LINE};

/// The directory's name in the admindir.
pub const TRIGGERSDIR: &str = "triggers";

/// The type of the control file that states interests and activations.
pub const TRIGGERSCIFILE: &str = "triggers";

/// Who is told of packages that got something pending (dpkg's `trig_hooks`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hooks {
    /// Nobody: the tools beside dpkg, and dpkg's enquiries. A missing `Unincorp` is left alone.
    #[default]
    None,
    /// dpkg with `--no-triggers`: pending packages are left pending. A missing `Unincorp` means
    /// a database from before triggers: every interest counts as activated.
    Transitional,
    /// Also, the pipeline processes what is pending (`trigproc_install_hooks`).
    Process,
}

/// Triggers in core.
#[derive(Debug, Default)]
pub struct TriggerDb {
    /// To be set before the database is opened.
    pub hooks: Hooks,
    /// Packages to hand to trigger processing, in order; the pipeline takes from it. A hole is
    /// a package that was processed before its turn.
    pub deferred: VecDeque<Option<PkgId>>,
    files: interests::FileInterests,
    /// Packages that `status` says are awaited, the latest first.
    awaited_pend: Vec<PkgId>,
}

/// Whether interests stated by a control file are added or dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// The package is being installed.
    Add,
    /// The package is being removed or upgraded.
    Delete,
}

/// What a trigger's name says of it (`trig_classify_byname`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// An absolute path.
    File,
    /// A name.
    Explicit,
    /// Neither: activating it does nothing, being interested in it is an error.
    Unknown,
}

impl Kind {
    fn of(trigger: &[u8]) -> Kind {
        if let Some(path) = trigger.strip_prefix(b"/") {
            let whole = path.split(|c| *c == b'/').all(|part| !part.is_empty());
            return if whole { Kind::File } else { Kind::Unknown };
        }
        if check_package(trigger).is_none() && !trigger.contains(&b'_') {
            return Kind::Explicit;
        }
        Kind::Unknown
    }
}

/// A trigger being activated (`trig_activate_start`): one value per trigger, then one
/// [`Database::activate_for`] per awaiter.
struct Activation {
    kind: Kind,
    trigger: Vec<u8>,
    /// For an explicit trigger, the file of interests and its content.
    interests: Option<(Spot, Vec<u8>)>,
}

/// The interests in a named trigger, if there are any (`trk_explicit_start`).
fn read_explicit(path: &Spot) -> Result<Option<Vec<u8>>> {
    let open = path.read().if_there();
    let open = open.or_fail(|| msg!("failed to open trigger interest list file '%.250s'", path))?;
    let Some(mut file) = open else {
        return Ok(None);
    };
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut content)
        .or_fail(|| msg!("read error in '%.250s'", path))?;
    Ok(Some(content))
}

impl Database {
    fn triggers_dir(&self) -> Spot {
        self.dirs.admin(TRIGGERSDIR)
    }

    /// A file in it.
    fn triggers_file(&self, name: &[u8]) -> Spot {
        self.triggers_dir().child(name)
    }

    fn is_writable(&self) -> bool {
        matches!(self.mode(), OpenMode::Write | OpenMode::NeedSuperuser)
    }

    /// `trig_record_activation()`: `pend` got `trigger`, activated by `aw`.
    fn record_activation(
        &mut self,
        pend: PkgId,
        aw: Option<PkgId>,
        trigger: &[u8],
        report: &mut dyn Reporter,
    ) -> Result<()> {
        if self.table[pend].status() < Status::TriggersAwaited {
            return Ok(());
        }
        if self.note_pend(pend, &String::from_utf8_lossy(trigger)) {
            self.note_ifwrite(pend, report)?;
        }
        if self.triggers.hooks == Hooks::Process {
            self.enqueue_deferred(pend, report);
        }
        let Some(aw) = aw else { return Ok(()) };
        if self.table[pend].status() > Status::ConfigFiles && self.note_aw(pend, aw) {
            if self.table[aw].status() > Status::TriggersAwaited {
                self.table.set_status(aw, Status::TriggersAwaited);
            }
            self.note_ifwrite(aw, report)?;
        }
        Ok(())
    }

    /// `trigproc_enqueue_deferred()`: the package waits for trigger processing, unless it does
    /// already or nothing is processed in this run.
    pub fn enqueue_deferred(&mut self, pend: PkgId, report: &mut dyn Reporter) {
        if self.triggers.hooks != Hooks::Process || self.triggers.is_deferred(pend) {
            return;
        }
        self.triggers.deferred.push_back(Some(pend));
        report.debug(debug::TRIGGERS, || {
            let name = self.table.name(pend, NameWhen::Always);
            msg!("trigproc_enqueue_deferred pend=%s", name)
        });
    }

    fn activation(&self, trigger: &[u8]) -> Result<Activation> {
        let kind = Kind::of(trigger);
        let mut interests = None;
        if kind == Kind::Explicit {
            let path = self.triggers_file(trigger);
            interests = read_explicit(&path)?.map(|content| (path, content));
        }
        Ok(Activation {
            kind,
            trigger: trigger.to_vec(),
            interests,
        })
    }

    /// `activate_awaiter()` of each kind of trigger.
    fn activate_for(
        &mut self,
        activation: &Activation,
        aw: Option<PkgId>,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let trigger = &activation.trigger[..];
        match activation.kind {
            Kind::Unknown => Ok(()),
            Kind::File => {
                if let Some(node) = self.fsys.lookup(trigger) {
                    self.activate_node(node, aw, report)?;
                }
                self.activate_parents(trigger, aw, report)
            }
            Kind::Explicit => {
                let Some((path, content)) = &activation.interests else {
                    return Ok(());
                };
                let mut lines = Lines::over(content, path.shown(), INTEREST_LINE);
                while let Some(line) = lines.next_line()? {
                    let (name, options) = Await::split(line);
                    let pend = self.interest_pkg(path, name)?;
                    let aw = aw.filter(|_| options == Await::Await);
                    self.record_activation(pend, aw, trigger, report)?;
                }
                Ok(())
            }
        }
    }

    fn activate_node(
        &mut self,
        node: NodeId,
        aw: Option<PkgId>,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let interests = self.triggers.files.of(node);
        if interests.is_empty() {
            return Ok(());
        }
        let trigger = self.fsys.name(node).to_vec();
        for interest in interests {
            let aw = aw.filter(|_| interest.options == Await::Await);
            self.record_activation(interest.pkg, aw, &trigger, report)?;
        }
        Ok(())
    }

    /// `trig_file_activate_parents()`
    fn activate_parents(
        &mut self,
        path: &[u8],
        aw: Option<PkgId>,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        if self.triggers.files.is_empty() {
            return Ok(());
        }
        let mut path = path;
        while let Some(slash) = memchr::memrchr(b'/', path) {
            path = &path[..slash];
            if let Some(node) = self.fsys.lookup(path) {
                self.activate_node(node, aw, report)?;
            }
        }
        Ok(())
    }

    /// A path was changed by `by`: activate who is interested in it (`trig_file_activate`).
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn activate_file(
        &mut self,
        node: NodeId,
        by: PkgId,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        self.activate_node(node, Some(by), report)
    }

    /// The same for a path and all directories above it (`trig_path_activate`).
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn activate_path(
        &mut self,
        node: NodeId,
        by: PkgId,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        if self.triggers.files.is_empty() {
            return Ok(());
        }
        self.activate_node(node, Some(by), report)?;
        let path = self.fsys.name(node).to_vec();
        self.activate_parents(&path, Some(by), report)
    }

    /// Activate what a `triggers` control file says is activated by a change of the package's status
    /// (`trig_parse_ci` with `trig_cicb_statuschange_activate`).
    ///
    /// # Errors
    /// A file that cannot be read or parsed, or a database that cannot be written; what stands
    /// before the error took effect.
    pub fn parse_ci_activations(
        &mut self,
        file: &Spot,
        pkg: PkgId,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let Some(mut ci) = CiFile::open(file)? else {
            return Ok(());
        };
        while let Some(directive) = ci.next_directive()? {
            if !directive.is_interest {
                let activation = self.activation(&directive.trigger)?;
                let aw = (directive.options == Await::Await).then_some(pkg);
                self.activate_for(&activation, aw, report)?;
            }
        }
        Ok(())
    }

    /// Take over `Unincorp` (`trig_incorporate`), leaving it empty when the database is open
    /// for writing.
    ///
    /// # Errors
    /// A file that cannot be read, parsed or written.
    pub fn incorporate(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let triggers = self.triggers_dir();
        self.ensure_file_interests()?;
        let writable = self.is_writable();
        let transitional = self.triggers.hooks != Hooks::None;
        let flags = deferred::Flags {
            write: writable,
            write_if_empty: false,
            write_if_missing: writable && transitional,
        };
        let mut start = deferred::start(&triggers, flags)?;
        if matches!(start, deferred::Start::NoDir) && writable {
            match triggers.mkdir_mode(0o755) {
                Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {}
                other => other.or_fail(|| {
                    msg!(
                        "unable to create triggers state directory '%.250s'",
                        &triggers
                    )
                })?,
            }
            start = deferred::start(&triggers, flags)?;
        }
        match start {
            deferred::Start::Empty => Ok(()),
            deferred::Start::NoDir | deferred::Start::Missing => {
                if transitional {
                    self.transitional_activate(report)?;
                }
                Ok(())
            }
            deferred::Start::Fresh(update) => {
                self.transitional_activate(report)?;
                update.done()
            }
            deferred::Start::Ok(update) => {
                let mut incorporate = Incorporate {
                    db: self,
                    report,
                    activation: None,
                };
                deferred::parse(&update.old()?, &update.name(), &mut incorporate)?;
                update.done()
            }
        }
    }

    /// `trig_transitional_activate()`: the database is from before triggers (or lost its
    /// `Unincorp`): state every package's interests, and count each as activated.
    fn transitional_activate(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let writable = self.is_writable();
        for pkg in self.table.in_hash_order() {
            if self.table[pkg].status() <= Status::HalfInstalled {
                continue;
            }
            let name = self.table.name(pkg, NameWhen::Always);
            report.debug(debug::TRIGGERSDETAIL, || {
                let status = self.table[pkg].status().as_str();
                msg!("trig_transitional_activate %s %s", &name, status)
            });
            self.table[pkg].trigpend.clear();
            let path = self.infodb_file(pkg, Which::Installed, TRIGGERSCIFILE);
            let mut ci = CiFile::open(&path)?;
            while let Some(ci) = &mut ci {
                let Some(directive) = ci.next_directive()? else {
                    break;
                };
                if !directive.is_interest {
                    continue;
                }
                if writable {
                    self.change_interest(&directive, Interest::Add, pkg, Which::Installed)?;
                }
                report.debug(debug::TRIGGERSDETAIL, || {
                    msg!(
                        "trig_transitional_interest_callback trig=%s pend=%s",
                        &directive.trigger,
                        &name
                    )
                });
                if self.table[pkg].status() >= Status::TriggersAwaited {
                    self.note_pend(pkg, &String::from_utf8_lossy(&directive.trigger));
                }
            }
            // Not below, so that nothing is made up that cannot be written down: the status
            // file may be older than the control files.
            if self.table[pkg].status() < Status::TriggersAwaited {
                continue;
            }
            let status = match &self.table[pkg] {
                p if !p.trigaw.is_empty() => Status::TriggersAwaited,
                p if !p.trigpend.is_empty() => Status::TriggersPending,
                _ => Status::Installed,
            };
            self.table.set_status(pkg, status);
        }
        if writable {
            self.checkpoint(report)?;
            self.save_file_interests()?;
        }
        Ok(())
    }

    /// `trig_note_pend()`: returns whether it is new.
    pub fn note_pend(&mut self, pkg: PkgId, trigger: &str) -> bool {
        let pending = &mut self.table[pkg].trigpend;
        if pending.iter().any(|t| **t == *trigger) {
            return false;
        }
        pending.insert(0, trigger.into());
        let status = match self.table[pkg].trigaw.is_empty() {
            true => Status::TriggersPending,
            false => Status::TriggersAwaited,
        };
        self.table.set_status(pkg, status);
        true
    }

    /// `trig_note_aw()`: `aw` awaits `pend`; returns whether it is new.
    pub fn note_aw(&mut self, pend: PkgId, aw: PkgId) -> bool {
        if self.table[aw].trigaw.contains(&pend) {
            return false;
        }
        self.table[aw].trigaw.push(pend);
        self.table[pend].othertrigaw.insert(0, aw);
        true
    }

    /// `trig_clear_awaiters()`: nobody awaits `notpend` any more; awaiters that await nothing else become installed.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn clear_awaiters(&mut self, notpend: PkgId, report: &mut dyn Reporter) -> Result<()> {
        if !self.table[notpend].trigpend.is_empty() {
            return Err(Error::internal(msg!(
                "package %s has pending triggers",
                self.table.name(notpend, NameWhen::Always)
            )));
        }
        let awaiters = std::mem::take(&mut self.table[notpend].othertrigaw);
        for aw in awaiters {
            self.table[aw].trigaw.retain(|p| *p != notpend);
            let pkg = &self.table[aw];
            if !pkg.trigaw.is_empty() || pkg.status() != Status::TriggersAwaited {
                continue;
            }
            let status = match pkg.trigpend.is_empty() {
                false => Status::TriggersPending,
                true => Status::Installed,
            };
            self.table.set_status(aw, status);
            self.note(aw, report)?;
        }
        Ok(())
    }

    /// `trig_awaited_pend_enqueue()`: `status` says that someone awaits `pend`.
    pub fn enqueue_awaited_pend(&mut self, pend: PkgId) {
        if !self.triggers.awaited_pend.contains(&pend) {
            self.triggers.awaited_pend.insert(0, pend);
        }
    }

    /// `trig_fixup_awaiters()`, at the end of reading status: nobody awaits a package that has
    /// nothing pending (dpkg was interrupted between the two notes).
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn fixup_awaiters(&mut self, report: &mut dyn Reporter) -> Result<()> {
        if !self.is_writable() {
            return Ok(());
        }
        for pend in std::mem::take(&mut self.triggers.awaited_pend) {
            if self.table[pend].trigpend.is_empty() {
                self.clear_awaiters(pend, report)?;
            }
        }
        Ok(())
    }
}

impl TriggerDb {
    /// Whether the package waits for trigger processing (`trigprocdeferred`).
    pub fn is_deferred(&self, pkg: PkgId) -> bool {
        self.deferred.contains(&Some(pkg))
    }

    /// It waits no longer; its place stays as a hole.
    pub fn forget_deferred(&mut self, pkg: PkgId) {
        if let Some(place) = self.deferred.iter_mut().find(|p| **p == Some(pkg)) {
            *place = None;
        }
    }
}

/// What `Unincorp` says, taken over.
struct Incorporate<'a> {
    db: &'a mut Database,
    report: &'a mut dyn Reporter,
    activation: Option<Activation>,
}

impl deferred::Receiver for Incorporate<'_> {
    fn begin(&mut self, trigger: &[u8]) -> Result<()> {
        self.activation = Some(self.db.activation(trigger)?);
        Ok(())
    }

    fn package(&mut self, name: &[u8]) -> Result<()> {
        let mut aw = None;
        if name != b"-" {
            // An awaiter that is no package is like none.
            aw = parse_pkg(&mut self.db.table, name)?.ok();
        }
        match &self.activation {
            Some(activation) => self.db.activate_for(activation, aw, self.report),
            None => Ok(()),
        }
    }

    fn end(&mut self) -> Result<()> {
        self.activation = None;
        Ok(())
    }
}
