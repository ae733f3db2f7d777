//! Whether an entry may take its path: what is on the disk, and which other packages have it.

use super::super::{Istobe, Run};
use super::extract::{Item, Job};
use crate::archive::tar::Kind;
use crate::error::{OrFail, Result};
use crate::force::Force;
use crate::fsys::NodeFlags;
use crate::pkg::{MultiArch, NameWhen, PkgId, Which};
use crate::report::debug;
use crate::state::Status;
use crate::sys::place::{Absence, Stat, device};
use crate::{bail, msg};

/// The verdict on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// It may be taken.
    Free,
    /// Another instance of the package has it; both have to be the same.
    Shared,
    /// It belongs to an installed package that replaces this one's.
    KeepExisting,
}

impl Run {
    /// Whether nothing needs to be placed, as there is a directory: for a directory, and for a
    /// symbolic link too (a directory tree never gives way to a link).
    pub(super) fn is_existing_directory(&mut self, item: &Item) -> Result<bool> {
        match (item.entry.kind, item.there) {
            (Kind::Symlink, Some(there)) if there.is_dir() => {
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("tarobject symlink exists as directory")
                });
                Ok(true)
            }
            (Kind::Symlink, Some(there)) if there.is_symlink() => {
                self.links_to_same_directory(item)
            }
            (Kind::Directory, there) => {
                // Followed only where there is a link to follow.
                let found = match there {
                    Some(there) if !there.is_symlink() => Some(there),
                    Some(_) => {
                        let led_to = self.unpack.place().stat(&item.usename).if_reached();
                        led_to.or_fail(|| {
                            msg!(
                                "unable to stat '%.255s' (which was about to be installed)",
                                &item.usename
                            )
                        })?
                    }
                    None => None,
                };
                let existing = found.is_some_and(|st| st.is_dir());
                if existing {
                    self.report
                        .debug(debug::EACHFILEDETAIL, || msg!("tarobject directory exists"));
                }
                Ok(existing)
            }
            _ => Ok(false),
        }
    }

    /// `linktosameexistingdir()`: the link on the disk and the new one lead to one directory.
    fn links_to_same_directory(&mut self, item: &Item) -> Result<bool> {
        let shown = item.spots.shown_main();
        let old = self.unpack.place().stat(&item.usename).if_reached();
        let old = old.or_fail(|| {
            msg!(
                "failed to stat (dereference) existing symlink '%.250s'",
                &shown
            )
        })?;
        let Some(old) = old.filter(Stat::is_dir) else {
            return Ok(false);
        };
        let target = &item.entry.linkname;
        let path = match target.first() {
            Some(b'/') => target.clone(),
            _ => {
                let dir = item.usename.iter().rposition(|c| *c == b'/');
                let dir = &item.usename[..dir.map_or(0, |i| i + 1)];
                [dir, target].concat()
            }
        };
        let new = self.unpack.place().stat(&path).if_reached();
        let new = new.or_fail(|| {
            let path = self.unpack.place().path(&path);
            msg!(
                "failed to stat (dereference) proposed new symlink target '%.250s' for symlink '%.250s'",
                path,
                &shown
            )
        })?;
        Ok(new.is_some_and(|new| new.is_dir() && (new.dev, new.ino) == (old.dev, old.ino)))
    }

    /// Go through the other packages that have the path.
    pub(super) fn check_clashes(&mut self, job: &Job, item: &Item) -> Result<Clash> {
        let (pkg, node) = (job.pkg, item.node);
        let (mut shared, mut keep) = (false, false);
        for other in self.owners_there(node, pkg) {
            if other == pkg {
                continue;
            }
            let table = &self.db.table;
            self.report.debug(debug::EACHFILE, || {
                msg!(
                    "tarobject ... found in %s",
                    table.name(other, NameWhen::Always)
                )
            });
            // Instances share files: the same ones when they are of one version, else the last
            // one unpacked wins until they are.
            if table[other].set == table[pkg].set
                && table[other].installed.multiarch == MultiArch::Same
                && table[pkg].available.multiarch == MultiArch::Same
            {
                shared |= item.there.is_some() && job.in_sync;
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!(
                        "tarobject ... shared with %s %s (syncing=%d)",
                        table.name(other, NameWhen::Always),
                        table[other].installed.version.to_string(),
                        i32::from(job.in_sync)
                    )
                });
                continue;
            }
            if let Some(divert) = self.db.fsys.diversion(node)
                && divert.useinstead.is_some()
            {
                let set = divert.pkgset;
                self.report.debug(debug::EACHFILE, || {
                    let name = set.map_or("<none>", |s| &*table[s].name);
                    msg!("tarobject ... diverted, divpkgset=%s", name)
                });
                if set == Some(table[other].set) || set == Some(table[pkg].set) {
                    continue;
                }
            }
            // A directory that others have and that is not there: surely one of theirs too.
            if item.there.is_none() && item.entry.kind == Kind::Directory {
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("tarobject ... assuming shared directory")
                });
                continue;
            }
            keep |= self.check_clash(pkg, item, other)?;
        }
        Ok(match (keep, shared) {
            (true, _) => Clash::KeepExisting,
            (false, true) => Clash::Shared,
            (false, false) => Clash::Free,
        })
    }

    /// A path that another package has: forgiven, an error, or (true) left to the other.
    fn check_clash(&mut self, pkg: PkgId, item: &Item, other: PkgId) -> Result<bool> {
        match self.state(other).replacing_files_and_said {
            2 => return Ok(true),
            1 => return Ok(false),
            _ => {}
        }
        // Then it can only be a conffile of the other, to be taken over; or the other goes.
        if self.db.table[other].status() == Status::ConfigFiles
            || self.istobe(other) == Istobe::Remove
        {
            return Ok(false);
        }
        let table = &self.db.table;
        let name = self.db.fsys.name(item.node);
        let is_conffile = self.db.fsys.flags(item.node).contains(NodeFlags::NEW_CONFF);
        if is_conffile && item.there.is_some_and(|st| st.is_file()) {
            let mut conffiles = table[other].installed.conffiles.iter();
            if conffiles.any(|c| c.obsolete && *c.name == *name) {
                self.report.debug(debug::EACHFILEDETAIL, || {
                    msg!("tarobject other's obsolete conffile")
                });
                return Ok(false);
            }
        }
        let other_name = table.name(other, NameWhen::NonAmbig);
        let version = table[other].installed.version.to_string();
        let (new, old) = ((pkg, Which::Available), (other, Which::Installed));
        if self.does_replace(new, old) {
            self.report.output(msg!(
                "Replacing files in old package %s (%s) ...\n",
                other_name,
                version
            ));
            self.state(other).replacing_files_and_said = 1;
            return Ok(false);
        }
        if self.does_replace(old, new) {
            self.report.output(msg!(
                "Replaced by files in installed package %s (%s) ...\n",
                other_name,
                version
            ));
            self.state(other).replacing_files_and_said = 2;
            self.db
                .fsys
                .flags_mut(item.node)
                .remove(NodeFlags::NEW_INARCHIVE);
            return Ok(true);
        }
        let name = self.db.fsys.name(item.node);
        if item.there.is_some_and(|st| st.is_dir()) {
            let text = msg!(
                "trying to overwrite directory '%.250s' in package %.250s (%.250s) with nondirectory",
                name,
                other_name,
                version
            );
            self.forcible(Force::OverwriteDir, text)?;
        } else {
            let text = msg!(
                "trying to overwrite '%.250s', which is also in package %.250s (%.250s)",
                name,
                other_name,
                version
            );
            self.forcible(Force::Overwrite, text)?;
        }
        Ok(false)
    }

    /// `tarobject_matches()`: a shared path has to be what the archive has.
    pub(super) fn check_matches(&mut self, job: &Job, item: &Item, oldhash: &[u8]) -> Result<()> {
        let pkg = job.pkg;
        let Some(there) = item.there else {
            return Ok(());
        };
        self.report.debug(debug::EACHFILEDETAIL, || {
            msg!("tarobject matches on-disk object?")
        });
        let entry = &item.entry;
        let dev = device(entry.major, entry.minor);
        let same = match entry.kind {
            Kind::Directory => true,
            Kind::Symlink => {
                there.is_symlink() && {
                    let target = item.spots.main.readlink();
                    let shown = item.spots.shown_main();
                    let target = target.or_fail(|| msg!("unable to read link '%.255s'", &shown))?;
                    self.check_link_size(&there, &target, &shown)?;
                    target == entry.linkname
                }
            }
            Kind::CharDevice => there.kind() == libc::S_IFCHR && there.rdev == dev,
            Kind::BlockDevice => there.kind() == libc::S_IFBLK && there.rdev == dev,
            Kind::Fifo => there.kind() == libc::S_IFIFO,
            Kind::HardLink | Kind::File => {
                let flags = self.db.fsys.flags(item.node);
                let alike = flags.contains(NodeFlags::NEW_CONFF)
                    || job.rewritten.contains(&item.node)
                    || (there.is_file() && entry.size == there.size);
                alike && Some(oldhash) == self.db.fsys.newhash(item.node)
            }
        };
        if same {
            return Ok(());
        }
        let text = msg!(
            "trying to overwrite shared '%.250s', which is different from other instances of package %.250s",
            self.db.fsys.name(item.node),
            self.db.table.name(pkg, NameWhen::NonAmbig)
        );
        self.forcible(Force::Overwrite, text)
    }

    /// Between `lstat` and `readlink` a symbolic link may have changed.
    pub(super) fn check_link_size(
        &mut self,
        stat: &Stat,
        target: &[u8],
        shown: &[u8],
    ) -> Result<()> {
        let size = target.len() as u64;
        if size > stat.size {
            bail!(
                "symbolic link '%.250s' size has changed from %jd to %zd",
                shown,
                stat.size,
                size
            );
        }
        if size < stat.size {
            self.report.warning(msg!(
                "symbolic link '%.250s' size has changed from %jd to %zd",
                shown,
                stat.size,
                size
            ));
        }
        Ok(())
    }
}
