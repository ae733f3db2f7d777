//! `info/*.list`: which paths a package has (db-fsys-files.c, db-fsys-progress of progress.c).
//!
//! A list is read once and again after it was rewritten. All of them are read in the order
//! in which they lie on the disk, where the file system tells, else in that of dpkg's package
//! table. As the owners of a path are kept latest first, `dpkg -S` shows that order.

use std::collections::HashMap;

use super::Database;
use super::dbfile::replace;
use crate::error::{Error, Result};
use crate::fsys::{Fsys, NodeFlags, NodeId};
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, Reporter};
use crate::state::Status;
use crate::sys::extent::physical_offset;
use crate::sys::file;
use crate::{msg, msgn};

/// The type of the control file that holds the list.
pub const LISTFILE: &str = "list";

/// The private state of this module: what was read and said so far.
#[derive(Debug, Default)]
pub struct Progress {
    /// Every list is read and none was rewritten since.
    all_read: bool,
    /// "(Reading database ..." was said, or is not to be said.
    said: bool,
    /// Where lists lay on the disk when they were first read.
    offsets: HashMap<PkgId, i64>,
}

/// The percentage dpkg draws on a terminal (progress.c): every fifth, over the line itself.
struct Meter {
    max: usize,
    cur: usize,
    last_percent: usize,
    on_terminal: bool,
}

impl Meter {
    const TEXT: &str = "(Reading database ... ";

    fn start(max: usize, report: &mut dyn Reporter) -> Meter {
        let on_terminal = report.stdout_is_terminal();
        report.output(msg!(Meter::TEXT));
        if on_terminal {
            report.event(&Event::Data(b"\r"));
        }
        Meter {
            max: max.max(1),
            cur: 0,
            last_percent: 0,
            on_terminal,
        }
    }

    /// So many packages are done.
    fn step_to(&mut self, count: usize, report: &mut dyn Reporter) {
        while self.on_terminal && self.cur < count {
            self.step(report);
        }
    }

    fn step(&mut self, report: &mut dyn Reporter) {
        self.cur += 1;
        let percent = self.cur * 100 / self.max;
        if percent <= self.last_percent || !percent.is_multiple_of(5) {
            return;
        }
        self.last_percent = percent;
        report.output(msg!(Meter::TEXT));
        report.output(msg!("%d%%", percent));
        report.event(&Event::Data(b"\r"));
    }

    fn done(self, report: &mut dyn Reporter) {
        if self.on_terminal {
            report.output(msg!(Meter::TEXT));
        }
    }
}

/// The paths of a list file. `broken` names the package in an error.
fn parse_list(
    buf: &[u8],
    fsys: &mut Fsys,
    broken: impl Fn(&'static str) -> Error,
) -> Result<Vec<NodeId>> {
    let mut nodes = Vec::with_capacity(memchr::memchr_iter(b'\n', buf).count());
    // C sees a line up to its first NUL; look for them only if there is one at all.
    let has_nul = memchr::memchr(0, buf).is_some();
    let mut rest = buf;
    while !rest.is_empty() {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return Err(broken(
                "files list file for package '%.250s' is missing final newline",
            ));
        };
        let (line, next) = (&rest[..end], &rest[end + 1..]);
        let mut line = line.strip_suffix(b"/").unwrap_or(line);
        if line.is_empty() {
            return Err(broken(
                "files list file for package '%.250s' contains empty filename",
            ));
        }
        if has_nul {
            line = line.split(|c| *c == 0).next().unwrap_or_default();
        }
        nodes.push(fsys.find(line));
        rest = next;
    }
    Ok(nodes)
}

impl Database {
    /// Read the file list of a package unless it is current (`ensure_packagefiles_available`).
    ///
    /// # Errors
    /// A list that cannot be read or parsed ends the run.
    pub fn ensure_files(&mut self, pkg: PkgId, report: &mut dyn Reporter) -> Result<()> {
        if self.fsys.files(pkg).is_some() {
            return Ok(());
        }
        self.fsys.blank_files(pkg);
        if self.table[pkg].status() == Status::NotInstalled {
            self.fsys.set_files(pkg, Vec::new());
            return Ok(());
        }
        self.infodb_format()?;
        let list = file::slurp(&self.infodb_file(pkg, Which::Installed, LISTFILE));
        self.take_list(pkg, list, report)
    }

    /// Make what was read the file list of a package, or say why that cannot be.
    fn take_list(
        &mut self,
        pkg: PkgId,
        list: Result<Vec<u8>>,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let name = || self.table.name(pkg, NameWhen::NonAmbig);
        let files = match list {
            Ok(buf) => {
                let broken = |id| Error::new(msg!(id, name())).fatal();
                parse_list(&buf, &mut self.fsys, broken)?
            }
            Err(e) if e.errno == Some(libc::ENOENT) => {
                let pkg = &self.table[pkg];
                if pkg.status() != Status::ConfigFiles && pkg.configversion.is_informative() {
                    report.warning(msg!(
                        "files list file for package '%.250s' missing; assuming package has no files currently installed",
                        name()
                    ));
                }
                Vec::new()
            }
            Err(e) => {
                let what = msg!("loading files list file for package '%s'", name());
                return Err(Error::new(msg!("%s: %s", what, e.msg)).fatal());
            }
        };
        self.fsys.set_files(pkg, files);
        Ok(())
    }

    /// Where the list of a package lies on the disk (`pkg_files_optimize_load`).
    fn list_offset(&mut self, pkg: PkgId) -> Result<i64> {
        let known = self.filelists.offsets.get(&pkg).copied();
        if let Some(offset) = known.filter(|offset| *offset != 0) {
            return Ok(offset);
        }
        if self.table[pkg].status() == Status::NotInstalled {
            return Ok(0);
        }
        self.infodb_format()?;
        let offset = physical_offset(&self.infodb_file(pkg, Which::Installed, LISTFILE));
        self.filelists.offsets.insert(pkg, offset);
        Ok(offset)
    }

    /// Read all file lists, showing progress the first time (`ensure_allinstfiles_available`).
    ///
    /// # Errors
    /// As [`Database::ensure_files`].
    pub fn ensure_all_files(&mut self, report: &mut dyn Reporter) -> Result<()> {
        if self.filelists.all_read {
            return Ok(());
        }
        let mut meter = None;
        if !self.filelists.said {
            meter = Some(Meter::start(self.table.count(), report));
        }
        let mut order: Vec<(i64, PkgId)> = Vec::with_capacity(self.table.count());
        for pkg in self.table.in_hash_order() {
            order.push((self.list_offset(pkg)?, pkg));
        }
        order.sort_by_key(|(offset, _)| *offset);
        // Those to be read, and how many come before each.
        let (mut wanted, mut paths) = (Vec::new(), Vec::new());
        for (at, (_, pkg)) in order.into_iter().enumerate() {
            if self.fsys.files(pkg).is_some() {
                continue;
            }
            if self.table[pkg].status() == Status::NotInstalled {
                self.fsys.set_files(pkg, Vec::new());
            } else {
                self.infodb_format()?;
                wanted.push((at, pkg));
                paths.push(self.infodb_file(pkg, Which::Installed, LISTFILE));
            }
        }
        file::slurp_each(&paths, |i, list| {
            let Some((at, pkg)) = wanted.get(i) else {
                return Ok(());
            };
            if let Some(meter) = &mut meter {
                meter.step_to(*at, report);
            }
            self.take_list(*pkg, list, report)
        })?;
        if let Some(meter) = &mut meter {
            meter.step_to(self.table.count(), report);
        }
        self.filelists.all_read = true;
        if let Some(meter) = meter {
            meter.done(report);
            let count = self.fsys.len();
            report.output(msgn!(
                count,
                "%d file or directory currently installed.)\n",
                "%d files and directories currently installed.)\n",
                count
            ));
            self.filelists.said = true;
        }
        Ok(())
    }

    /// The same without progress, now and later (`ensure_allinstfiles_available_quiet`).
    ///
    /// # Errors
    /// As [`Database::ensure_files`].
    pub fn ensure_all_files_quiet(&mut self, report: &mut dyn Reporter) -> Result<()> {
        self.filelists.said = true;
        self.ensure_all_files(report)
    }

    /// The list on disk is not the one in core any more (`note_must_reread_files_inpackage`).
    pub fn must_reread_files(&mut self, pkg: PkgId) {
        self.filelists.all_read = false;
        self.fsys.mark_stale(pkg);
    }

    /// Write the file list of a package, without the paths that have any flag of `except`, and
    /// mark the list in core stale (`write_filelist_except`). Its content is durable on return, its name
    /// with the next note.
    ///
    /// # Errors
    /// Any failure to write; the old list is then in place.
    pub fn write_filelist_except(
        &mut self,
        pkg: PkgId,
        which: Which,
        list: &[NodeId],
        except: NodeFlags,
    ) -> Result<()> {
        self.write_list(pkg, which, list, except)?;
        self.must_reread_files(pkg);
        Ok(())
    }

    /// The same for the list of an installed package, whose list in core becomes what was
    /// written and need not be read again.
    ///
    /// # Errors
    /// Any failure to write; the old list is then in place.
    pub fn shorten_filelist(
        &mut self,
        pkg: PkgId,
        list: &[NodeId],
        except: NodeFlags,
    ) -> Result<()> {
        self.write_list(pkg, Which::Installed, list, except)?;
        let kept = |node: &NodeId| !self.fsys.flags(*node).intersects(except);
        let list = list.iter().copied().filter(kept).collect();
        self.fsys.blank_files(pkg);
        self.fsys.set_files(pkg, list);
        Ok(())
    }

    fn write_list(
        &mut self,
        pkg: PkgId,
        which: Which,
        list: &[NodeId],
        except: NodeFlags,
    ) -> Result<()> {
        let mut content = Vec::new();
        for node in list {
            if !self.fsys.flags(*node).intersects(except) {
                content.extend_from_slice(self.fsys.name(*node));
                content.push(b'\n');
            }
        }
        replace(&self.infodb_file(pkg, which, LISTFILE), &content)?;
        self.info_changed();
        Ok(())
    }
}
