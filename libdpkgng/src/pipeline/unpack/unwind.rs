//! Undoing what an unpack that failed has done (cleanup.c; Policy §6.6).
//!
//! Every step pushes an [`Undo`] before it acts. When the archive fails they are run latest
//! first, up to (not beyond) a [`Undo::Checkpoint`]: behind one there is only forward. What is
//! left of the list, and all of it when the archive went well, is merely tidied up.
//!
//! An error while undoing is shown and the next entry is tried; what the failed entry is about
//! (the package, or what conflicts with it) is left as it is from there on.

use super::super::{Action, Run};
use crate::error::{OrFail, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::msg;
use crate::msg::Msg;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Event, debug};
use crate::state::{EFlag, Status};
use crate::sys::place::{Absence, Spot};

use crate::sys::remove;

/// One thing to undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// The archive put together out of its parts; goes in any case.
    Reassembled(Spot),
    /// The unpacked control member; goes in any case.
    ControlDir(Spot),
    /// The old prerm was called with `upgrade`: call the old postinst with `abort-upgrade`.
    PrermUpgrade(PkgId),
    /// A prerm was called with `deconfigure`: call the postinst with `abort-deconfigure`. When
    /// all went well, the package is queued to be configured again.
    PrermDeconfigure {
        /// The deconfigured package.
        deconf: PkgId,
        /// The package whose removal made it necessary.
        removing: Option<PkgId>,
        /// The package being unpacked.
        infavour: PkgId,
    },
    /// A prerm was called with `remove in-favour`: call the postinst with `abort-remove`.
    PrermInFavour {
        /// The package to be removed.
        conflictor: PkgId,
        /// The package being unpacked.
        infavour: PkgId,
    },
    /// The preinst of a package never seen was called: call the new postrm with `abort-install`
    /// and forget the package.
    PreinstVeryNew(PkgId, Spot),
    /// The preinst of a package with conffiles left was called with `install`: call the new
    /// postrm with `abort-install`.
    PreinstNew(PkgId, Spot),
    /// The preinst was called with `upgrade`: call the new postrm with `abort-upgrade`; the
    /// package is as it was then.
    PreinstUpgrade(PkgId, Spot, Status),
    /// The data member is being read: let go of it, which its child may have words for.
    Stream,
    /// A path of the archive is being placed: put back what was there.
    InstallNew(NodeId),
    /// The old postrm was called with `upgrade`: call the old preinst with `abort-upgrade`.
    PostrmUpgrade(PkgId),
    /// From here only forward.
    Checkpoint,
}

/// The list, and what has failed while undoing.
#[derive(Debug, Default)]
pub struct Unwind {
    list: Vec<Undo>,
    /// What stock's child says when the data member is let go of.
    pub(super) child_says: Vec<Msg>,
    /// Undoing the package itself has failed (`cleanup_pkg_failed`).
    pkg_failed: bool,
    /// Undoing a conflictor has failed (`cleanup_conflictor_failed`).
    conflictor_failed: bool,
}

impl Unwind {
    /// Begin with a new archive.
    pub fn begin(&mut self) {
        *self = Unwind::default();
    }

    /// Remember how to undo what is done next.
    pub fn push(&mut self, undo: Undo) {
        self.list.push(undo);
    }

    /// Take back the latest push: the step did not even begin.
    pub fn retract(&mut self) {
        self.list.pop();
    }

    /// What would be undone if the archive failed now, in that order; tidying up aside.
    pub fn pending(&self) -> impl Iterator<Item = &Undo> {
        let latest_first = self.list.iter().rev();
        latest_first.take_while(|u| **u != Undo::Checkpoint)
    }
}

impl Run {
    /// Run the list down: undo (when the archive `failed`) up to the latest checkpoint, tidy up
    /// behind it. Only errors that end the run are returned.
    pub(super) fn unwind(&mut self, failed: bool) -> Result<()> {
        let mut undoing = failed;
        while let Some(undo) = self.unpack.unwind.list.pop() {
            let result = match undo {
                Undo::Checkpoint => {
                    undoing = false;
                    continue;
                }
                undo if undoing => self.undo_step(undo),
                undo => self.tidy(undo),
            };
            if let Err(e) = result {
                self.cleanup_failed(e)?;
            }
        }
        Ok(())
    }

    /// What is done with an entry when there is nothing to undo (any more).
    fn tidy(&mut self, undo: Undo) -> Result<()> {
        match undo {
            Undo::Reassembled(path) | Undo::ControlDir(path) => self.remove_tree_at(&path),
            Undo::PrermDeconfigure { deconf, .. } => {
                if self.opts.action == Action::Install {
                    self.enqueue_package(deconf);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn undo_step(&mut self, undo: Undo) -> Result<()> {
        match undo {
            Undo::Checkpoint => Ok(()),
            Undo::Stream => {
                for line in std::mem::take(&mut self.unpack.unwind.child_says) {
                    self.report.event(&Event::Stderr(line));
                }
                Ok(())
            }
            Undo::Reassembled(_) | Undo::ControlDir(_) => self.tidy(undo),
            Undo::PrermDeconfigure {
                deconf,
                removing,
                infavour,
            } => self.undo_deconfigure(deconf, removing, infavour),
            Undo::PrermInFavour {
                conflictor,
                infavour,
            } => {
                if std::mem::replace(&mut self.unpack.unwind.conflictor_failed, true) {
                    return Ok(());
                }
                let name = self
                    .db
                    .table
                    .bin_name(infavour, Which::Available, NameWhen::NonAmbig);
                let version = self.db.table[infavour].available.version.to_string();
                self.script_postinst(conflictor, &["abort-remove", "in-favour", &name, &version])?;
                self.db.table[conflictor].eflag = EFlag::Ok;
                self.post_postinst_tasks(conflictor, Status::Installed)?;
                self.unpack.unwind.conflictor_failed = false;
                Ok(())
            }
            Undo::InstallNew(node) => {
                let before = (
                    std::mem::replace(&mut self.unpack.unwind.pkg_failed, true),
                    std::mem::replace(&mut self.unpack.unwind.conflictor_failed, true),
                );
                self.undo_install(node)?;
                self.unpack.unwind.pkg_failed = before.0;
                self.unpack.unwind.conflictor_failed = before.1;
                Ok(())
            }
            Undo::PrermUpgrade(_)
            | Undo::PreinstVeryNew(..)
            | Undo::PreinstNew(..)
            | Undo::PreinstUpgrade(..)
            | Undo::PostrmUpgrade(_) => {
                if std::mem::replace(&mut self.unpack.unwind.pkg_failed, true) {
                    return Ok(());
                }
                self.undo_script(undo)?;
                self.unpack.unwind.pkg_failed = false;
                Ok(())
            }
        }
    }

    /// Those whose failing leaves the package as it is.
    fn undo_script(&mut self, undo: Undo) -> Result<()> {
        let versions = |run: &Run, pkg: PkgId| {
            let pkg = &run.db.table[pkg];
            let old = pkg.installed.version.to_string();
            (old, pkg.available.version.to_string())
        };
        let (pkg, status) = match undo {
            Undo::PrermUpgrade(pkg) => {
                let (_, new) = versions(self, pkg);
                self.script_postinst(pkg, &["abort-upgrade", &new])?;
                self.db.table[pkg].eflag = EFlag::Ok;
                return self.post_postinst_tasks(pkg, Status::Installed);
            }
            Undo::PostrmUpgrade(pkg) => {
                let (_, new) = versions(self, pkg);
                let args = ["abort-upgrade", new.as_str()];
                self.script_installed(pkg, "preinst", "pre-installation", &args)?;
                return Ok(());
            }
            Undo::PreinstVeryNew(pkg, cidir) => {
                self.script_new(pkg, "postrm", "post-removal", &cidir, &["abort-install"])?;
                self.db.table.blank_bin(pkg, Which::Installed);
                (pkg, Status::NotInstalled)
            }
            Undo::PreinstNew(pkg, cidir) => {
                let (old, new) = versions(self, pkg);
                let args = ["abort-install", old.as_str(), new.as_str()];
                self.script_new(pkg, "postrm", "post-removal", &cidir, &args)?;
                (pkg, Status::ConfigFiles)
            }
            Undo::PreinstUpgrade(pkg, cidir, status) => {
                let (old, new) = versions(self, pkg);
                let args = ["abort-upgrade", old.as_str(), new.as_str()];
                self.script_new(pkg, "postrm", "post-removal", &cidir, &args)?;
                (pkg, status)
            }
            _ => return Ok(()),
        };
        self.db.table.set_status(pkg, status);
        self.db.table[pkg].eflag = EFlag::Ok;
        self.db.note(pkg, &mut *self.report)
    }

    fn undo_deconfigure(
        &mut self,
        deconf: PkgId,
        removing: Option<PkgId>,
        infavour: PkgId,
    ) -> Result<()> {
        let table = &self.db.table;
        let name = table.bin_name(infavour, Which::Available, NameWhen::NonAmbig);
        let version = table[infavour].available.version.to_string();
        let mut args = vec![
            "abort-deconfigure".to_owned(),
            "in-favour".to_owned(),
            name,
            version,
        ];
        if let Some(removing) = removing {
            args.push("removing".to_owned());
            args.push(table.name(removing, NameWhen::NonAmbig));
            args.push(table[removing].installed.version.to_string());
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.script_postinst(deconf, &args)?;
        self.post_postinst_tasks(deconf, Status::Installed)
    }

    /// Put back what was at a path before, and remove what was extracted for it. As in stock,
    /// this looks at the path itself even when a diversion had led elsewhere.
    fn undo_install(&mut self, node: NodeId) -> Result<()> {
        let name = self.db.fsys.name(node).to_vec();
        let flags = self.db.fsys.flags(node);
        self.report.debug(debug::EACHFILE, || {
            msg!("cu_installnew '%s' flags=%o", &name, flags.bits())
        });
        self.unpack.place().forget();
        let spots = self.spots(&name);
        let kept = spots.tmp.lstat().if_there();
        let kept = kept.or_fail(|| msg!("unable to stat '%.250s'", &spots.tmp))?;
        if !flags.contains(NodeFlags::NEW_CONFF) && kept.is_some() {
            if flags.contains(NodeFlags::NO_ATOMIC_OVERWRITE) {
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("cu_installnew restoring nonatomic")
                });
                self.secure_remove(&spots.main, &spots.shown_main()).or_fail(|| {
                    msg!(
                        "unable to remove newly-installed version of '%.250s' to allow reinstallation of backup copy",
                        &name
                    )
                })?;
            } else {
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("cu_installnew restoring atomic")
                });
            }
            let restored = spots.tmp.rename(&spots.main);
            restored.or_fail(|| msg!("unable to restore backup version of '%.250s'", &name))?;
            // When both were links to one inode, rename did nothing.
            match spots.tmp.unlink() {
                Err(e) if e.raw_os_error() != Some(libc::ENOENT) => {
                    Err(e).or_fail(|| msg!("unable to remove backup copy of '%.250s'", &name))?;
                }
                _ => {}
            }
        } else if flags.contains(NodeFlags::PLACED_ON_DISK) {
            self.report.debug(debug::EACHFILEDETAIL, || {
                msg!("cu_installnew removing new file")
            });
            self.secure_remove(&spots.main, &spots.shown_main())
                .or_fail(|| {
                    msg!(
                        "unable to remove newly-installed version of '%.250s'",
                        &name
                    )
                })?;
        } else {
            self.report.debug(debug::EACHFILEDETAIL, || {
                msg!("cu_installnew not restoring")
            });
        }
        self.secure_remove(&spots.new, &spots.shown_new())
            .or_fail(|| {
                msg!(
                    "unable to remove newly-extracted version of '%.250s'",
                    &name
                )
            })
    }

    /// `secure_remove()`; that there is nothing to remove is fine.
    fn secure_remove(&mut self, spot: &Spot, shown: &[u8]) -> std::io::Result<()> {
        let removed = remove::remove(spot);
        self.report.debug(debug::EACHFILEDETAIL, || {
            let (call, result) = match &removed {
                remove::Removed::Rmdir(r) => ("rmdir", r),
                remove::Removed::Unlink(r) => ("unlink", r),
            };
            match result {
                Ok(()) => msg!("secure_remove '%s' %s %s", shown, call, "OK"),
                Err(e) => msg!("secure_remove '%s' %s %s", shown, call, e),
            }
        });
        match removed.result() {
            Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(()),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_after_the_checkpoint_is_pending_latest_first() {
        let pkg = PkgId(1);
        let mut unwind = Unwind::default();
        unwind.push(Undo::ControlDir(Spot::path(b"/a/tmp.ci")));
        unwind.push(Undo::PrermUpgrade(pkg));
        unwind.push(Undo::InstallNew(NodeId(7)));
        unwind.push(Undo::InstallNew(NodeId(8)));
        unwind.retract();
        let pending: Vec<_> = unwind.pending().cloned().collect();
        assert_eq!(
            pending,
            [
                Undo::InstallNew(NodeId(7)),
                Undo::PrermUpgrade(pkg),
                Undo::ControlDir(Spot::path(b"/a/tmp.ci")),
            ]
        );
        unwind.push(Undo::Checkpoint);
        unwind.push(Undo::PostrmUpgrade(pkg));
        assert_eq!(
            unwind.pending().cloned().collect::<Vec<_>>(),
            [Undo::PostrmUpgrade(pkg)]
        );
    }
}
