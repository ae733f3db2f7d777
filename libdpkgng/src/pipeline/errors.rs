//! What failed, what is held, and small questions every step asks (errors.c, help.c).
//!
//! An error that reaches a package or archive is reported first and undone after: the undo
//! actions that steps pushed ([`Undo`]) run, latest first, once the report is out. That is the
//! order stock's error contexts have, and `--status-fd` shows it.

use std::path::Path;

use super::Run;
use super::depcon::explain::concat;
use crate::error::{Error, Kind, Result};
use crate::force::Force;
use crate::fsys::NodeId;
use crate::msg::Msg;
use crate::pkg::{Conffile, NameWhen, PkgId, Which};
use crate::report::{Event, debug};
use crate::state::{EFlag, Status, Want};
use crate::version::Epoch;
use crate::{bail, msg, msgn};

/// What is to be done should the package being processed fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undo {
    /// A script failed: look at what it may have changed nevertheless.
    PostScript,
    /// The prerm may have run: tell the postinst that the package stays, and give it its
    /// former status.
    PrermRemove(PkgId, Status),
}

/// What failed so far.
#[derive(Debug, Default)]
pub struct Failures {
    /// Package names and archive paths, in order.
    what: Vec<Vec<u8>>,
    /// `abort_processing`: too much failed, start nothing more.
    halted: bool,
    /// Undo actions of the package being processed.
    pub(crate) undo: Vec<Undo>,
    /// Something could not be undone or tidied up.
    unclean: bool,
    /// An undo of a package is running; it is not begun again when it fails in its turn.
    undoing: bool,
}

impl Failures {
    /// Whether anything failed.
    pub(crate) fn any(&self) -> bool {
        !self.what.is_empty()
    }
}

impl Run {
    /// Report what went wrong with a package, remember it for the summary, and undo what was
    /// begun (`print_error_perpackage`). Errors that reach further are returned.
    pub fn package_failed(&mut self, pkg: PkgId, error: Error) -> Result<()> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        self.failed(
            "error processing package %s (--%s):\n %s",
            name.into_bytes(),
            error,
        )
    }

    /// The same for an archive (`print_error_perarchive`).
    pub fn archive_failed(&mut self, archive: &Path, error: Error) -> Result<()> {
        use std::os::unix::ffi::OsStrExt;
        let name = archive.as_os_str().as_bytes().to_vec();
        self.failed("error processing archive %s (--%s):\n %s", name, error)
    }

    fn failed(&mut self, id: &'static str, name: Vec<u8>, error: Error) -> Result<()> {
        if error.kind != Kind::Failure {
            return Err(error);
        }
        let action = self.opts.action.name();
        self.report.notice(msg!(id, &name, action, &error.msg));
        let status = "status: %s : %s : %s";
        let line = msg!(status, &name, "error", &error.msg);
        self.report.event(&Event::StatusFd(line));
        self.report.check()?;
        self.failures.what.push(name);
        let limit = usize::try_from(self.opts.abort_after).unwrap_or(0);
        if self.failures.what.len() >= limit {
            self.report.notice(msg!("too many errors, stopping"));
            self.failures.halted = true;
        }
        self.undo()
    }

    /// Run the undo actions pushed so far, latest first. One that fails is reported and the
    /// next one run; only what ends the run is returned.
    pub(crate) fn undo(&mut self) -> Result<()> {
        while let Some(undo) = self.failures.undo.pop() {
            // Actions that a failing undo itself leaves behind belong to it alone.
            let rest = std::mem::take(&mut self.failures.undo);
            let result = match undo {
                Undo::PostScript => self.post_script_tasks(),
                Undo::PrermRemove(pkg, status) => self.undo_prerm_remove(pkg, status),
            };
            let result = match result {
                Ok(()) => Ok(()),
                Err(e) => self.cleanup_failed(e),
            };
            self.failures.undo = rest;
            result?;
        }
        Ok(())
    }

    /// An undo action failed: say so, and finish what the failed script left to do. The run does
    /// not end well then, as with stock where nothing else has failed.
    /// Errors that reach further are returned.
    pub fn cleanup_failed(&mut self, error: Error) -> Result<()> {
        if error.kind != Kind::Failure {
            return Err(error);
        }
        self.failures.unclean = true;
        let what = msg!("error while cleaning up");
        let id = "%s%s%s: %s%s:%s\n %s\n";
        let line = msg!(id, "", "dpkg", "", "", what, "", &error.msg);
        self.report.event(&Event::Stderr(line));
        self.undo()
    }

    /// `cu_prermremove`
    fn undo_prerm_remove(&mut self, pkg: PkgId, status: Status) -> Result<()> {
        if std::mem::replace(&mut self.failures.undoing, true) {
            return Ok(());
        }
        let result = self.script_postinst(pkg, &["abort-remove"]).and_then(|_| {
            self.db.table[pkg].eflag = EFlag::Ok;
            self.post_postinst_tasks(pkg, status)
        });
        // Stock leaves its guard raised when the undo fails.
        if result.is_ok() {
            self.failures.undoing = false;
        }
        result
    }

    /// Whether so much failed that nothing more is to be started (`abort_processing`).
    pub fn is_halted(&self) -> bool {
        self.failures.halted
    }

    /// Say what could not be done to a file: a warning, as with stock, where that is how things
    /// stand (something else is there, or it may not be changed). All else is an error: it may go
    /// well next time, and what is passed over would be forgotten.
    pub(crate) fn complain(&mut self, errno: Option<i32>, text: Msg) -> Result<()> {
        const STANDS: [i32; 9] = [
            libc::EBUSY,
            libc::EEXIST,
            libc::EISDIR,
            libc::ENOTDIR,
            libc::ENOTEMPTY,
            libc::EOPNOTSUPP,
            libc::EPERM,
            libc::EROFS,
            libc::ETXTBSY,
        ];
        if errno.is_some_and(|e| STANDS.contains(&e)) {
            self.report.warning(text);
            return Ok(());
        }
        Err(Error::new(text))
    }

    /// The summary of what failed, and the exit code (`reportbroken_retexitstatus`).
    pub fn finish(&mut self) -> i32 {
        let what = std::mem::take(&mut self.failures.what);
        if !what.is_empty() {
            let line = msg!("Errors were encountered while processing:\n");
            self.report.event(&Event::Stderr(line));
            for name in &what {
                self.report.event(&Event::Stderr(msg!(" %s\n", name)));
            }
        }
        if self.failures.halted {
            let line = msg!("Processing was halted because there were too many errors.\n");
            self.report.event(&Event::Stderr(line));
        }
        i32::from(!what.is_empty() || self.failures.unclean)
    }

    /// Whether a package is on hold and that is not forgiven; says so (`skip_due_to_hold`).
    pub fn skip_due_to_hold(&mut self, pkg: PkgId) -> bool {
        if self.db.table[pkg].want != Want::Hold {
            return false;
        }
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        if self.opts.force.has(Force::Hold) {
            let id = "package %s was on hold, processing it anyway as you requested";
            self.report.notice(msg!(id, name));
            return false;
        }
        let id = "Package %s is on hold, not touching it.  Use --force-hold to override.\n";
        self.report.output(msg!(id, name));
        true
    }

    /// A warning when `force` is in force, else an error (`forcibleerr`).
    pub fn forcible(&mut self, force: Force, msg: Msg) -> Result<()> {
        self.report.forcible(self.opts.force, force, msg)
    }

    /// See that the programs which scripts and dpkg itself need are in `path` (the value of
    /// `PATH`, `None` when it is not set) (`checkpath`).
    pub fn check_path(&mut self, path: Option<&[u8]>) -> Result<()> {
        const PROGRAMS: [&str; 7] = [
            "sh",
            "rm",
            "tar",
            "diff",
            "dpkg-deb",
            "ldconfig",
            "start-stop-daemon",
        ];
        let Some(path) = path else {
            bail!("PATH is not set");
        };
        let mut missing = 0;
        for program in PROGRAMS {
            if !crate::sys::process::in_path(path, program) {
                let id = "'%s' not found in PATH or not executable";
                self.report.warning(msg!(id, program));
                missing += 1;
            }
        }
        if missing == 0 {
            return Ok(());
        }
        let note =
            msg!("Note: root's PATH should usually contain /usr/local/sbin, /usr/sbin and /sbin");
        let problem = msgn!(
            missing,
            "%d expected program not found in PATH or not executable\n%s",
            "%d expected programs not found in PATH or not executable\n%s",
            missing,
            note
        );
        self.forcible(Force::BadPath, problem)
    }

    /// Where a package's path really is, diversions considered (`namenodetouse`).
    pub fn namenode_to_use(&mut self, node: NodeId, pkg: PkgId, which: Which) -> NodeId {
        self.db.namenode_to_use(node, pkg, which, &mut *self.report)
    }

    /// Tell the log and the status descriptors what is begun (`log_action`).
    pub fn log_action(&mut self, action: &str, pkg: PkgId, which: Which) -> Result<()> {
        let table = &self.db.table;
        let line = msg!(
            "%s %s %s %s",
            action,
            table.bin_name(pkg, which, NameWhen::Always),
            table[pkg].installed.version.describe_c(Epoch::NonAmbig),
            table[pkg].available.version.describe_c(Epoch::NonAmbig)
        );
        self.report.event(&Event::Log(line));
        let name = table.bin_name(pkg, which, NameWhen::NonAmbig);
        self.report.event(&Event::Processing { action, pkg: &name });
        self.report.check()
    }

    /// Whether a directory has conffiles of the package below it (`dir_has_conffiles`).
    pub fn dir_has_conffiles(&mut self, node: NodeId, pkg: PkgId) -> bool {
        let (fsys, table) = (&self.db.fsys, &self.db.table);
        let dir = fsys.name(node);
        let name = table.name(pkg, NameWhen::Always);
        self.report.debug(debug::VERYDETAIL, || {
            msg!("dir_has_conffiles '%s' (from %s)", dir, &name)
        });
        let conffiles = &table[pkg].installed.conffiles;
        let mut live = conffiles.iter().filter(|c| !is_disappearing(c));
        let found = live.find(|c| is_below(dir, &c.name));
        self.report.debug(debug::VERYDETAIL, || match found {
            Some(c) => msg!("directory %s has conffile %s from %s", dir, &c.name, &name),
            None => msg!("dir_has_conffiles no"),
        });
        found.is_some()
    }

    /// Whether a path is in the list of another package (`dir_is_used_by_others`).
    pub fn dir_is_used_by_others(&mut self, node: NodeId, pkg: PkgId) -> bool {
        let (fsys, table) = (&self.db.fsys, &self.db.table);
        self.report.debug(debug::VERYDETAIL, || {
            let name = table.name(pkg, NameWhen::Always);
            msg!(
                "dir_is_used_by_others '%s' (except %s)",
                fsys.name(node),
                name
            )
        });
        let mut used = false;
        for other in self.owners_there(node, pkg) {
            let table = &self.db.table;
            self.report.debug(debug::VERYDETAIL, || {
                let name = table.name(other, NameWhen::Always);
                msg!("dir_is_used_by_others considering %s ...", name)
            });
            if other != pkg {
                used = true;
                break;
            }
        }
        self.report.debug(debug::VERYDETAIL, || match used {
            true => msg!("dir_is_used_by_others yes"),
            false => msg!("dir_is_used_by_others no"),
        });
        used
    }

    /// Whether any path of `list` (looked at in its order) lies below a path of the package
    /// (`dir_is_used_by_pkg`).
    pub fn dir_is_used_by_pkg(&mut self, node: NodeId, pkg: PkgId, list: &[NodeId]) -> bool {
        let (fsys, table) = (&self.db.fsys, &self.db.table);
        let dir = fsys.name(node);
        self.report.debug(debug::VERYDETAIL, || {
            let name = table.name(pkg, NameWhen::Always);
            msg!("dir_is_used_by_pkg '%s' (by %s)", dir, name)
        });
        let mut used = false;
        for other in list {
            let path = fsys.name(*other);
            self.report.debug(debug::VERYDETAIL, || {
                msg!("dir_is_used_by_pkg considering %s ...", path)
            });
            if is_below(dir, path) {
                used = true;
                break;
            }
        }
        self.report.debug(debug::VERYDETAIL, || match used {
            true => msg!("dir_is_used_by_pkg yes"),
            false => msg!("dir_is_used_by_pkg no"),
        });
        used
    }

    /// No package is about to be anything (`clear_istobes`).
    pub fn clear_istobes(&mut self) {
        for state in &mut self.per_package {
            state.istobe = Default::default();
            state.replacing_files_and_said = 0;
        }
    }

    /// A conffile is no longer shipped (`conffile_mark_obsolete`).
    pub fn conffile_mark_obsolete(&mut self, pkg: PkgId, node: NodeId) {
        let path = self.db.fsys.name(node);
        let name = self.db.table.name(pkg, NameWhen::Always);
        let conffiles = &mut self.db.table[pkg].installed.conffiles;
        let Some(conff) = conffiles.iter_mut().find(|c| *c.name == *path) else {
            return;
        };
        self.report.debug(debug::CONFF, || {
            msg!("marking %s conffile %s as obsolete", name, path)
        });
        conff.obsolete = true;
    }

    /// Mark the paths of all conffiles as such, with their hashes (`pkg_conffiles_mark_old`).
    pub fn conffiles_mark_old(&mut self, pkg: PkgId) {
        self.db.conffiles_mark_old(pkg, &mut *self.report);
    }

    /// What `PATH` the children of this run get: the search path of the command line.
    pub(crate) fn search_path(&self) -> Option<&[u8]> {
        let own = self.opts.script_env.iter().find(|(name, _)| name == "PATH");
        own.map(|(_, value)| &**value)
    }

    /// Several messages as lines of standard error, written as one.
    pub(crate) fn stderr(&mut self, parts: &[Msg]) {
        self.report.event(&Event::Stderr(concat(parts)));
    }
}

/// No longer (to be) shipped (`conffile_is_disappearing`).
pub fn is_disappearing(conff: &Conffile) -> bool {
    conff.obsolete || conff.remove_on_upgrade
}

/// Whether `path` lies below `dir`.
fn is_below(dir: &[u8], path: &[u8]) -> bool {
    path.strip_prefix(dir)
        .is_some_and(|rest| rest.first() == Some(&b'/'))
}
