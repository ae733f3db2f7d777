//! `info/*.list`: which paths a package has (db-fsys-files.c, db-fsys-progress of progress.c).
//!
//! A list is read once and again after it was rewritten; an index may stand for it ([`super::path_index`]) until somebody
//! asks for it. All of them are read in the order
//! in which they lie on the disk, where the file system tells, else in that of dpkg's package
//! table. As the owners of a path are kept latest first, `dpkg -S` shows that order.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::SystemTime;

use memchr::memmem::Finder;

use super::Database;
use super::dbfile::replace;
use crate::error::{Error, Result};
use crate::fsys::{Fsys, Lines, NodeFlags, NodeId};
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, Reporter};
use crate::state::Status;
use crate::sys::file::{self, Wanted};
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

impl Progress {
    /// Where a list lay on the disk, as `physical_offset` tells it.
    pub(super) fn offset(&self, pkg: PkgId) -> i64 {
        self.offsets.get(&pkg).copied().unwrap_or(0)
    }

    /// Where lists lie on the disk, from elsewhere.
    pub(super) fn know_offsets(&mut self, offsets: Vec<(PkgId, i64)>) {
        self.offsets.extend(offsets);
    }
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

/// The lines of a list that have one of the literals in them; `None`, if there is anything odd about
/// any line, so that it is met where lists are parsed.
fn lines_with(finders: &[Finder<'_>], list: &[u8]) -> Option<Vec<u8>> {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', list) {
        let line = list.get(start..end)?;
        if !matches!(line, b"/.") && !matches!(line, [b'/', c, ..] if !matches!(c, b'/' | b'.')) {
            return None;
        }
        start = end + 1;
    }
    if start != list.len() || memchr::memchr(0, list).is_some() {
        return None;
    }
    let mut lines: Vec<(usize, usize)> = Vec::new();
    for finder in finders {
        let mut at = 0;
        while let Some(found) = list.get(at..).and_then(|rest| finder.find(rest)) {
            let found = at + found;
            let start = memchr::memrchr(b'\n', &list[..found]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'\n', &list[found..]).map_or(list.len(), |n| found + n + 1);
            lines.push((start, end));
            at = end;
        }
    }
    if finders.len() > 1 {
        lines.sort_unstable();
        lines.dedup();
    }
    let lines: Vec<&[u8]> = lines
        .iter()
        .map(|(start, end)| &list[*start..*end])
        .collect();
    Some(lines.concat())
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

    /// Read all file lists, showing progress the first time (`ensure_allinstfiles_available`).
    ///
    /// # Errors
    /// As [`Database::ensure_files`].
    pub fn ensure_all_files(&mut self, report: &mut dyn Reporter) -> Result<()> {
        if self.filelists.all_read {
            return Ok(());
        }
        let mut meter = None;
        let first = !self.filelists.said;
        if first {
            meter = Some(Meter::start(self.table.count(), report));
            self.consult_path_index(report)?;
        }
        let since = SystemTime::now();
        let order = self.read_all_files(|list| Some(Cow::Borrowed(list)), &mut meter, report)?;
        self.filelists.all_read = true;
        if first {
            self.lists_are_read(&order, since);
        }
        if let Some(meter) = meter {
            meter.done(report);
            let count = self.fsys.count_paths();
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

    /// Read all file lists but make nothing of most lines that have none of `literals` in them: for a
    /// search, after which nobody asks for the files of a package. Says nothing of progress.
    ///
    /// # Errors
    /// As [`Database::ensure_files`].
    pub fn ensure_files_with(
        &mut self,
        literals: &[Vec<u8>],
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let finders: Vec<Finder<'_>> = literals.iter().map(Finder::new).collect();
        self.read_all_files(
            |list| lines_with(&finders, list).map(Cow::Owned),
            &mut None,
            report,
        )?;
        Ok(())
    }

    /// Read the lists that are not current, or what `sift` leaves of them; all of those for which it
    /// gives `None`. Returns the order in which all lists are read, or would be.
    fn read_all_files(
        &mut self,
        sift: impl Fn(&[u8]) -> Option<Cow<'_, [u8]>> + Sync,
        meter: &mut Option<Meter>,
        report: &mut dyn Reporter,
    ) -> Result<Vec<PkgId>> {
        // What is to be found out, and of whom.
        let (mut wanted, mut whose) = (Vec::new(), Vec::new());
        let order = self.table.in_hash_order();
        for pkg in &order {
            let content = !self.fsys.is_current(*pkg);
            if self.table[*pkg].status() == Status::NotInstalled {
                if content {
                    self.fsys.set_files(*pkg, Vec::new());
                }
                continue;
            }
            let known = self.filelists.offsets.get(pkg);
            let unread = !content && self.fsys.files(*pkg).is_none();
            let offset = !unread && known.is_none_or(|offset| *offset == 0);
            if content || offset {
                self.infodb_format()?;
                wanted.push(Wanted {
                    path: self.infodb_file(*pkg, Which::Installed, LISTFILE),
                    offset,
                    content,
                });
                whose.push(*pkg);
            }
        }
        let hasher = self.fsys.hasher();
        let (shelves, glances) = file::glance(&wanted, |list, lines: &mut Lines| {
            lines.push(&sift(list)?, &hasher)
        });
        self.fsys.reserve(shelves.iter().map(Lines::len).sum());
        let shelves: Vec<_> = shelves.into_iter().map(|s| self.fsys.adopt(s)).collect();
        // Of each list that is to be read its lines, or where it still is to be read.
        let mut lists = HashMap::new();
        for ((wanted, pkg), glance) in wanted.into_iter().zip(whose).zip(glances) {
            if wanted.offset {
                self.filelists.offsets.insert(pkg, glance.offset);
            }
            if wanted.content {
                let lines = glance.content.and_then(|(shelf, range)| {
                    let shelf = shelves.get(shelf)?.as_ref()?;
                    Some((shelf, range))
                });
                lists.insert(pkg, lines.ok_or(wanted.path));
            }
        }
        let mut order = order;
        order.sort_by_cached_key(|pkg| self.filelists.offset(*pkg));
        let (mut queue, mut unread) = (Vec::new(), Vec::new());
        for (at, pkg) in order.iter().enumerate() {
            match lists.remove(pkg) {
                Some(Ok(lines)) => queue.push((at, *pkg, Some(lines))),
                Some(Err(path)) => {
                    unread.push(path);
                    queue.push((at, *pkg, None));
                }
                None => {}
            }
        }
        // Up to a list that was just read, or to the end.
        let mut queue = queue.into_iter();
        let mut take_until = |db: &mut Database, mut read: Option<Result<Vec<u8>>>| {
            for (at, pkg, lines) in queue.by_ref() {
                if let Some(meter) = meter {
                    meter.step_to(at, report);
                }
                if let Some((shelf, range)) = lines {
                    let files = db.fsys.find_lines(shelf, range);
                    db.fsys.set_files(pkg, files);
                } else if let Some(list) = read.take() {
                    let sifted = list.map(|list| sift(&list).map(Cow::into_owned).unwrap_or(list));
                    return db.take_list(pkg, sifted, report);
                }
            }
            Ok(())
        };
        file::slurp_each(&unread, |_, list| take_until(self, Some(list)))?;
        take_until(self, None)?;
        if let Some(meter) = meter {
            meter.step_to(self.table.count(), report);
        }
        Ok(order)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_a_search_may_want() {
        let list = b"/.\n/usr\n/usr/bin\n/usr/bin/a\n/.hidden\n";
        let lines = |literals: &[&str], list: &[u8]| {
            let finders: Vec<Finder<'_>> = literals.iter().map(Finder::new).collect();
            let lines = lines_with(&finders, list);
            lines.map(|lines| String::from_utf8_lossy(&lines).into_owned())
        };
        // A dot behind the slash may be one that is not part of the name.
        assert_eq!(lines(&["bin"], list), None);
        let list = list.strip_suffix(b"/.hidden\n").expect("the last line");
        for (literals, found) in [
            (&["bin"][..], "/usr/bin\n/usr/bin/a\n"),
            (&["a", "/usr/b", "."], "/.\n/usr/bin\n/usr/bin/a\n"),
            (&["none"], ""),
            (&[], ""),
        ] {
            assert_eq!(
                lines(literals, list).as_deref(),
                Some(found),
                "{literals:?}"
            );
        }
        for odd in ["usr\n", "//usr\n", "/\n", "\n", "/usr", "/a\n\n", "/a\0b\n"] {
            assert_eq!(lines(&["u"], odd.as_bytes()), None, "{odd:?}");
        }
    }
}
