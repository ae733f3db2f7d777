//! Removing what only the old version had (`pkg_remove_old_files`).

use std::collections::HashMap;

use super::super::Run;
use super::Nodes;
use super::conffiles::NEW_CONFFILE;
use crate::error::{OrFail, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::pkg::{PkgId, Which};
use crate::report::debug;
use crate::sys::place::{Absence, Stat};
use crate::sys::remove::secure_unlink_statted;
use crate::{bail, msg};

/// The new files by what they are on the disk, so that an old name of one of them is found.
#[derive(Default)]
struct OnDisk {
    by_id: HashMap<(u64, u64), Vec<NodeId>>,
    /// How many of the new files were looked at.
    seen: usize,
}

impl Run {
    /// Conffiles that go with the upgrade, then, in reverse order of the old list, everything
    /// that the new version does not have. Old conffiles stay; they join both lists.
    pub(super) fn remove_old_files(
        &mut self,
        pkg: PkgId,
        newfiles: &mut Nodes,
        newconffiles: &mut Nodes,
    ) -> Result<()> {
        for node in newconffiles.clone() {
            let (fsys, table) = (&self.db.fsys, &self.db.table);
            self.report.debug(debug::CONFFDETAIL, || {
                msg!(
                    "%s: removing conffile '%s' for %s?",
                    "pkg_remove_old_files",
                    fsys.name(node),
                    table.name(pkg, crate::pkg::NameWhen::Always)
                )
            });
            if fsys.flags(node).contains(NodeFlags::RM_CONFF_ON_UPGRADE) {
                self.remove_conffile_on_upgrade(pkg, node)?;
            }
        }
        let old = self.db.fsys.files(pkg).unwrap_or_default().to_vec();
        let mut ondisk = OnDisk::default();
        let kept = NodeFlags::NEW_CONFF | NodeFlags::RM_CONFF_ON_UPGRADE | NodeFlags::NEW_INARCHIVE;
        for node in old.into_iter().rev() {
            if self.db.fsys.flags(node).intersects(kept) {
                continue;
            }
            let usenode = self.namenode_to_use(node, pkg, Which::Installed);
            let usename = self.db.fsys.name(usenode).to_vec();
            let place = self.unpack.place();
            let spot = place.spot(&usename);
            let shown = place.path(&usename);
            let stat = spot.lstat().if_reached();
            let is_dir = match &stat {
                Ok(Some(st)) if st.is_symlink() => {
                    let led_to = spot.stat().if_reached();
                    let led_to = led_to.or_fail(|| msg!("cannot stat file '%s'", &shown))?;
                    led_to.is_some_and(|st| st.is_dir())
                }
                Ok(Some(st)) => st.is_dir(),
                _ => false,
            };
            if is_dir {
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("process_archive: %s is a directory", &shown)
                });
                if self.dir_is_used_by_others(node, pkg) {
                    continue;
                }
            }
            let stat = match stat {
                Ok(Some(stat)) => stat,
                Ok(None) => continue,
                // Stock warns, and it stays, owned by nobody.
                Err(e) => bail!(
                    "could not stat old file '%.250s' so not deleting it: %s",
                    &shown,
                    e
                ),
            };
            let is_conffile = self.db.fsys.flags(node).contains(NodeFlags::OLD_CONFF);
            if stat.is_dir() {
                self.db.activate_path(usenode, pkg, &mut *self.report)?;
                if usename == b"/." {
                    continue;
                }
                let name = self.db.fsys.name(node);
                match spot.rmdir() {
                    Err(e) => {
                        let (errno, id) = (
                            e.raw_os_error(),
                            "unable to delete old directory '%.250s': %s",
                        );
                        let text = msg!(id, name, e);
                        self.complain(errno, text)?;
                    }
                    Ok(()) if is_conffile => self.report.warning(msg!(
                        "old conffile '%.250s' was an empty directory (and has now been deleted)",
                        name
                    )),
                    Ok(()) => {}
                }
                self.unpack.place().forget();
                continue;
            }
            let same = self.find_same(&mut ondisk, newfiles, &stat, &shown)?;
            if is_conffile {
                match same {
                    Some(same) => self.hand_over_hash(node, same),
                    None => {
                        self.report.debug(debug::EACHFILE, || {
                            msg!(
                                "process_archive: old conff %s is disappearing",
                                self.db.fsys.name(node)
                            )
                        });
                        *self.db.fsys.flags_mut(node) |= NodeFlags::OBS_CONFF;
                        newconffiles.push(node);
                        newfiles.push(node);
                    }
                }
                continue;
            }
            if same.is_some() {
                continue;
            }
            self.db.activate_path(usenode, pkg, &mut *self.report)?;
            if let Err(e) = secure_unlink_statted(&spot, &stat) {
                let (errno, id) = (
                    e.raw_os_error(),
                    "unable to securely remove old file '%.250s': %s",
                );
                let text = msg!(id, self.db.fsys.name(node), e);
                self.complain(errno, text)?;
            }
            if stat.is_symlink() {
                self.unpack.place().forget();
            }
        }
        Ok(())
    }

    /// A new file that is the old one under another name (by symbolic links on the way): the
    /// last of them.
    fn find_same(
        &mut self,
        ondisk: &mut OnDisk,
        newfiles: &Nodes,
        old: &Stat,
        shown: &[u8],
    ) -> Result<Option<NodeId>> {
        self.report.debug(debug::EACHFILE, || {
            msg!(
                "process_archive: checking %s for same files on upgrade/downgrade",
                shown
            )
        });
        for node in newfiles.iter().skip(ondisk.seen) {
            ondisk.seen += 1;
            if self.db.fsys.flags(*node).contains(NodeFlags::FILTERED) {
                continue;
            }
            let name = self.db.fsys.name(*node);
            let place = self
                .unpack
                .place
                .get_or_insert_with(|| self.db.dirs.place().clone());
            let there = place.spot(name).lstat().if_reached();
            let there = there.or_fail(|| msg!("unable to stat other new file '%.250s'", name))?;
            if let Some(st) = there {
                ondisk
                    .by_id
                    .entry((st.dev, st.ino))
                    .or_default()
                    .push(*node);
            }
        }
        let mut same: Option<NodeId> = None;
        for node in ondisk.by_id.get(&(old.dev, old.ino)).into_iter().flatten() {
            let fsys = &self.db.fsys;
            if let Some(first) = same {
                self.report.warning(msg!(
                    "old file '%.250s' is the same as several new files! (both '%.250s' and '%.250s')",
                    shown,
                    fsys.name(first),
                    fsys.name(*node)
                ));
            }
            same = Some(*node);
            self.report.debug(debug::EACHFILE, || {
                msg!(
                    "process_archive: not removing %s, since it matches %s",
                    shown,
                    fsys.name(*node)
                )
            });
        }
        Ok(same)
    }

    /// An old conffile that is a new one under another name: its hash goes along.
    fn hand_over_hash(&mut self, old: NodeId, new: NodeId) {
        let fsys = &mut self.db.fsys;
        if !fsys.flags(new).contains(NodeFlags::NEW_CONFF) {
            return;
        }
        let fresh = fsys.oldhash(new) == Some(NEW_CONFFILE);
        if fresh {
            let hash = fsys.oldhash(old).map(Box::from);
            fsys.set_oldhash(new, hash);
        }
        let fsys = &self.db.fsys;
        self.report.debug(debug::EACHFILE, || {
            let (old, new) = (fsys.name(old), fsys.name(new));
            match fresh {
                true => msg!(
                    "process_archive: old conff %s is same as new conff %s, copying hash",
                    old,
                    new
                ),
                false => msg!(
                    "process_archive: old conff %s is same as new conff %s but latter already has hash",
                    old,
                    new
                ),
            }
        });
    }
}
