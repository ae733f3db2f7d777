//! The files of a package, and the directories they leave (`removal_bulk_remove_files`,
//! `removal_bulk_remove_leftover_dirs`).

use std::io;

use crate::db::trigdb::Interest;
use crate::error::{Error, OrFail, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::msg;
use crate::pipeline::Run;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::debug;
use crate::state::Status;
use crate::sys::place::{Absence, Place, Spot, Stat};
use crate::sys::remove::{TreeError, remove_tree, secure_unlink, secure_unlink_statted};

/// Paths that stay, the latest first.
type Leftover = std::collections::VecDeque<NodeId>;

/// What `rmdir` says about a path.
enum Rmdir {
    /// It is gone, or there was nothing to remove.
    Gone,
    /// There is still something in it.
    NotEmpty,
    /// It is in use, or may not be removed: a mount point, likely.
    Busy(io::Error),
    /// It is no directory.
    NotDirectory,
    /// Something else is wrong.
    Failed(io::Error),
}

fn rmdir(spot: &Spot) -> Rmdir {
    let Err(e) = spot.rmdir() else {
        return Rmdir::Gone;
    };
    match e.raw_os_error() {
        Some(libc::ENOENT | libc::ELOOP) => Rmdir::Gone,
        Some(libc::ENOTEMPTY | libc::EEXIST) => Rmdir::NotEmpty,
        Some(libc::EBUSY | libc::EPERM) => Rmdir::Busy(e),
        Some(libc::ENOTDIR) => Rmdir::NotDirectory,
        _ => Rmdir::Failed(e),
    }
}

/// A path of a package, and what is there.
struct Found {
    spot: Spot,
    there: Option<Stat>,
    /// A directory, or a link to one.
    is_dir: bool,
}

impl Found {
    /// # Errors
    /// It cannot be said: stock takes a directory for a file then, and forgets it.
    fn at(place: &Place, name: &[u8]) -> Result<Found> {
        let spot = place.spot(name);
        let cannot = || msg!("cannot remove '%.250s'", &spot);
        let there = spot.lstat().if_reached().or_fail(cannot)?;
        let led_to = match there {
            Some(st) if st.is_symlink() => spot.stat().if_reached().or_fail(cannot)?,
            there => there,
        };
        Ok(Found {
            spot,
            there,
            is_dir: led_to.is_some_and(|st| st.is_dir()),
        })
    }

    /// Remove what is no directory, without asking `rmdir` about it as stock does; false when
    /// that must be asked, since only its error tells what to do.
    fn unlink(&self) -> bool {
        match &self.there {
            Some(st) if !st.is_dir() => secure_unlink_statted(&self.spot, st).is_ok(),
            _ => false,
        }
    }
}

impl Run {
    /// The paths of a package, the last of its list first.
    fn files_reversed(&self, pkg: PkgId) -> Vec<NodeId> {
        let files = self.db.fsys.files(pkg).unwrap_or_default();
        files.iter().rev().copied().collect()
    }

    /// Remove all files but conffiles and what others also have; run postrm; forget the
    /// control files. The package has only its conffiles then.
    pub(super) fn remove_files(&mut self, pkg: PkgId) -> Result<()> {
        self.db.table.set_status(pkg, Status::HalfInstalled);
        self.db.note(pkg, &mut *self.report)?;
        // From here on only forward.
        self.failures.undo.clear();

        let place = self.place_of(pkg);
        let mut leftover = Leftover::new();
        for node in self.files_reversed(pkg) {
            self.debug_node(node);
            if self.remove_file(pkg, node, &place, &mut leftover)? {
                leftover.push_front(node);
            }
        }
        self.write_leftover(pkg, leftover)?;
        self.script_installed(pkg, "postrm", "post-removal", &["remove"])?;

        let ci = self.db.infodb_file(pkg, Which::Installed, "triggers");
        let which = Which::Installed;
        self.db
            .parse_ci_interests(&ci, Interest::Delete, pkg, which)?;
        self.db.save_file_interests()?;

        self.report.debug(debug::GENERAL, || {
            msg!("removal_bulk cleaning info directory")
        });
        self.remove_control_files(pkg)?;

        self.db.table.set_status(pkg, Status::ConfigFiles);
        self.db.table[pkg].installed.essential = false;
        self.db.table[pkg].installed.protected = false;
        match self.is_forgotten(pkg)? {
            true => self.db.note_later(pkg, &mut *self.report),
            false => self.db.note_unsettled(pkg, &mut *self.report),
        }
    }

    /// Whether nothing is left of the package that a purge would be about.
    pub(super) fn is_forgotten(&self, pkg: PkgId) -> Result<bool> {
        let postrm = self.db.infodb_has_file(pkg, Which::Installed, "postrm")?;
        Ok(!postrm && self.db.table[pkg].installed.conffiles.is_empty())
    }

    fn debug_node(&mut self, node: NodeId) {
        let fsys = &self.db.fsys;
        self.report.debug(debug::EACHFILE, || {
            let id = "removal_bulk '%s' flags=%o";
            msg!(id, fsys.name(node), fsys.flags(node).bits())
        });
    }

    fn debug_detail(&mut self, text: &'static str) {
        self.report.debug(debug::EACHFILEDETAIL, || msg!(text));
    }

    fn debug_path(&mut self, text: &'static str, path: &Spot) {
        self.report
            .debug(debug::EACHFILEDETAIL, || msg!(text, path));
    }

    /// What remains of the package's list.
    fn write_leftover(&mut self, pkg: PkgId, leftover: Leftover) -> Result<()> {
        let list: Vec<NodeId> = leftover.into();
        self.db.shorten_filelist(pkg, &list, NodeFlags::empty())
    }

    /// Remove one path; true when it stays in the package's list.
    fn remove_file(
        &mut self,
        pkg: PkgId,
        node: NodeId,
        place: &Place,
        leftover: &mut Leftover,
    ) -> Result<bool> {
        let use_node = self.namenode_to_use(node, pkg, Which::Installed);
        let found = Found::at(place, self.db.fsys.name(use_node))?;
        let Found { spot, is_dir, .. } = &found;
        let is_dir = *is_dir;

        // Other instances keep it; conffiles too.
        if !is_dir && self.is_shared(pkg, node) {
            return Ok(false);
        }
        if self.db.fsys.flags(node).contains(NodeFlags::OLD_CONFF) {
            return Ok(true);
        }
        if is_dir {
            self.debug_detail("removal_bulk is a directory");
            // A directory, or a link to one, goes with the last package that has it.
            if self.dir_has_conffiles(node, pkg)
                || self.dir_is_used_by_pkg(node, pkg, leftover.make_contiguous())
            {
                return Ok(true);
            }
            if self.dir_is_used_by_others(node, pkg) {
                return Ok(false);
            }
            if self.is_root_directory(use_node, spot) {
                return Ok(true);
            }
        }
        self.activate_path(use_node, pkg)?;

        let temp = spot.with_suffix(b".dpkg-tmp");
        self.debug_path("removal_bulk cleaning temp '%s'", &temp);
        self.path_remove_tree(&temp)?;
        let new = spot.with_suffix(b".dpkg-new");
        self.debug_path("removal_bulk cleaning new '%s'", &new);
        self.path_remove_tree(&new)?;

        self.debug_path("removal_bulk removing '%s'", spot);
        if is_dir {
            place.forget();
        }
        if found.unlink() {
            self.debug_path("removal_bulk unlinking '%s'", spot);
            return Ok(false);
        }
        match rmdir(spot) {
            Rmdir::Gone => Ok(false),
            Rmdir::NotEmpty => {
                let id = "removal_bulk '%s' was not empty, will try again later";
                self.debug_path(id, spot);
                Ok(true)
            }
            Rmdir::Busy(e) => {
                self.warn_busy(pkg, node, e);
                Ok(true)
            }
            Rmdir::Failed(e) => Err(Error::os(msg!("cannot remove '%.250s'", spot), e)),
            Rmdir::NotDirectory => {
                self.debug_path("removal_bulk unlinking '%s'", spot);
                secure_unlink(spot).or_fail(|| msg!("unable to securely remove '%.250s'", spot))?;
                Ok(false)
            }
        }
    }

    fn is_root_directory(&mut self, use_node: NodeId, path: &Spot) -> bool {
        if self.db.fsys.name(use_node) != b"/." {
            return false;
        }
        let id = "removal_bulk '%s' root directory, cannot remove";
        self.debug_path(id, path);
        true
    }

    fn warn_busy(&mut self, pkg: PkgId, node: NodeId, error: io::Error) {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        let dir = self.db.fsys.name(node);
        let id = "while removing %.250s, unable to remove directory '%.250s': %s - directory \
                  may be a mount point?";
        self.report.warning(msg!(id, name, dir, error));
    }

    /// Whether another instance of the same package also has the path.
    fn is_shared(&mut self, pkg: PkgId, node: NodeId) -> bool {
        let set = self.db.table[pkg].set;
        if self.db.table.installed_instances(set) <= 1 {
            return false;
        }
        let mut owners = self.owners_there(node, pkg).into_iter();
        let table = &self.db.table;
        let Some(other) = owners.find(|p| *p != pkg && table[*p].set == set) else {
            return false;
        };
        self.report.debug(debug::EACHFILEDETAIL, || {
            let name = table.name(other, NameWhen::Always);
            msg!("removal_bulk file shared with %s, skipping", name)
        });
        true
    }

    /// Remove something with all that is below it (`path_remove_tree`).
    fn path_remove_tree(&mut self, path: &Spot) -> Result<()> {
        self.report.debug(debug::EACHFILE, || {
            msg!("%s '%s'", "path_remove_tree", path)
        });
        let mut descended = false;
        let result = remove_tree(path, || descended = true);
        if descended {
            self.report.debug(debug::EACHFILE, || {
                msg!("%s running rm -rf '%s'", "path_remove_tree", path)
            });
        }
        result.map_err(|error| match error {
            TreeError::Top(e) => Error::os(msg!("unable to securely remove '%.255s'", path), e),
            TreeError::Below(below, e) => {
                let whole = [path.shown(), &below].concat();
                Error::os(msg!("unable to securely remove '%.255s'", whole), e)
            }
        })
    }

    /// Delete the control files, except those that a purge needs.
    fn remove_control_files(&mut self, pkg: PkgId) -> Result<()> {
        let mut files = self.db.infodb_files(pkg, Which::Installed)?;
        while let Some(file) = files.next(&mut *self.report) {
            if matches!(&*file.kind, "list" | "postrm") {
                continue;
            }
            self.report.debug(debug::STUPIDLYVERBOSE, || {
                msg!("removal_bulk info not postrm or list")
            });
            file.spot
                .unlink()
                .or_fail(|| msg!("unable to delete control info file '%.250s'", &file.spot))?;
            self.report.debug(debug::SCRIPTS, || {
                msg!("removal_bulk info unlinked %s", &file.spot)
            });
        }
        self.db.info_changed();
        Ok(())
    }

    /// Try the directories again that were not empty; warn about those that still are not.
    pub(super) fn remove_leftover_dirs(&mut self, pkg: PkgId) -> Result<()> {
        self.db.ensure_files(pkg, &mut *self.report)?;
        self.failures.undo.clear();

        let place = self.place_of(pkg);
        let mut leftover = Leftover::new();
        for node in self.files_reversed(pkg) {
            self.debug_node(node);
            if self.db.fsys.flags(node).contains(NodeFlags::OLD_CONFF) {
                // Only when removing the conffiles was interrupted.
                self.report.debug(debug::EACHFILEDETAIL, || {
                    let id = "removal_bulk expecting only left over dirs, ignoring conffile '%s'";
                    msg!(id, self.db.fsys.name(node))
                });
                continue;
            }
            if self.remove_leftover_dir(pkg, node, &place, &mut leftover)? {
                leftover.push_front(node);
            }
        }
        // The list on disk is removed next.
        self.db.must_reread_files(pkg);
        Ok(())
    }

    fn remove_leftover_dir(
        &mut self,
        pkg: PkgId,
        node: NodeId,
        place: &Place,
        leftover: &mut Leftover,
    ) -> Result<bool> {
        let use_node = self.namenode_to_use(node, pkg, Which::Installed);
        let found = Found::at(place, self.db.fsys.name(use_node))?;
        let spot = &found.spot;
        if found.is_dir {
            self.debug_detail("removal_bulk is a directory");
            if self.dir_is_used_by_pkg(node, pkg, leftover.make_contiguous()) {
                return Ok(true);
            }
            if self.dir_is_used_by_others(node, pkg) {
                return Ok(false);
            }
            if self.is_root_directory(use_node, spot) {
                return Ok(true);
            }
            place.forget();
        }
        self.activate_path(use_node, pkg)?;
        self.debug_path("removal_bulk removing '%s'", spot);
        match rmdir(spot) {
            Rmdir::Gone => Ok(false),
            Rmdir::NotEmpty => {
                let name = self.db.table.name(pkg, NameWhen::NonAmbig);
                let dir = self.db.fsys.name(node);
                let id = "while removing %.250s, directory '%.250s' not empty so not removed";
                self.report.warning(msg!(id, name, dir));
                Ok(true)
            }
            Rmdir::Busy(e) => {
                self.warn_busy(pkg, node, e);
                Ok(true)
            }
            Rmdir::Failed(e) => Err(Error::os(msg!("cannot remove '%.250s'", spot), e)),
            Rmdir::NotDirectory => {
                // What the path has been since then is not this package's.
                if !found.there.is_some_and(|st| st.is_symlink()) {
                    return Ok(true);
                }
                self.debug_detail("removal_bulk is a symlink to a directory");
                spot.unlink()
                    .or_fail(|| msg!("cannot remove '%.250s'", spot))?;
                Ok(false)
            }
        }
    }
}
