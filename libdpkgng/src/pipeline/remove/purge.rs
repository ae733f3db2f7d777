//! The conffiles of a package with all their backups, and its last traces
//! (`removal_bulk_remove_configfiles`, the end of `removal_bulk`).

use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, OrFail, Result};
use crate::fsys::NodeFlags;
use crate::msg;
use crate::msg::Msg;
use crate::pipeline::Run;
use crate::pipeline::configure::decide::NEW_CONFFILE;
use crate::pkg::{Conffile, NameWhen, PkgId, Which};
use crate::report::debug;
use crate::state::{Status, Want};
use crate::sys::place::{Absence, Spot, names};
use crate::version::{Epoch, Version};

/// What follows the name of a conffile in those of its backups.
const BACKUPS: [&[u8]; 7] = [
    b"~",
    b".bak",
    b"%",
    b".dpkg-tmp",
    b".dpkg-new",
    b".dpkg-old",
    b".dpkg-dist",
];

/// How the name of a file beside a conffile relates to the conffile's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    /// It is a backup whose name starts with that name: one of [`BACKUPS`], or `NAME~12~`.
    Suffixed,
    /// It starts with that name and is none.
    OnlyPrefixed,
    /// It is `#NAME#`, also a backup.
    Hashed,
    /// It has nothing to do with it.
    Stranger,
}

impl Beside {
    fn of(entry: &[u8], base: &[u8]) -> Beside {
        if let Some(rest) = entry.strip_prefix(base) {
            let numbered = match rest {
                [b'~', number @ .., b'~'] => number.iter().all(u8::is_ascii_digit),
                _ => false,
            };
            if numbered || BACKUPS.contains(&rest) {
                return Beside::Suffixed;
            }
        }
        if entry.strip_prefix(b"#").and_then(|e| e.strip_suffix(b"#")) == Some(base) {
            return Beside::Hashed;
        }
        match entry.starts_with(base) {
            true => Beside::OnlyPrefixed,
            false => Beside::Stranger,
        }
    }

    fn is_backup(self) -> bool {
        matches!(self, Beside::Suffixed | Beside::Hashed)
    }
}

/// Unlink; that there is nothing is fine.
fn unlink(spot: &Spot) -> io::Result<()> {
    spot.unlink().if_reached().map(drop)
}

impl Run {
    /// Remove conffiles and backups, and have postrm do the rest.
    pub(super) fn purge_conffiles(&mut self, pkg: PkgId) -> Result<()> {
        let table = &self.db.table;
        let line = msg!(
            "Purging configuration files for %s (%s) ...\n",
            table.name(pkg, NameWhen::NonAmbig),
            table[pkg].installed.version.describe(Epoch::NonAmbig)
        );
        self.report.output(line);
        self.log_action("purge", pkg, Which::Installed)?;
        self.activate_package_processing(pkg)?;
        self.db.ensure_files(pkg, &mut *self.report)?;
        self.db.table[pkg].configversion = Version::default();
        self.db.note_later(pkg, &mut *self.report)?;

        self.drop_foreign_conffiles(pkg);
        self.db.note(pkg, &mut *self.report)?;
        for conff in self.db.table[pkg].installed.conffiles.clone() {
            self.purge_conffile(pkg, &conff)?;
        }
        let files = self.db.fsys.files(pkg).unwrap_or_default().to_vec();
        let conffiles = NodeFlags::OLD_CONFF;
        self.db.shorten_filelist(pkg, &files, conffiles)?;
        self.db.table[pkg].installed.conffiles.clear();
        self.db.note_unsettled(pkg, &mut *self.report)?;
        self.script_installed(pkg, "postrm", "post-removal", &["purge"])?;
        Ok(())
    }

    /// Take those off the record that are not the package's any more, or that take part in a
    /// diversion which is not its own.
    fn drop_foreign_conffiles(&mut self, pkg: PkgId) {
        let set = self.db.table[pkg].set;
        let mut kept = std::mem::take(&mut self.db.table[pkg].installed.conffiles);
        let fsys = &self.db.fsys;
        let files = fsys.files(pkg).unwrap_or_default();
        kept.retain_mut(|conff| {
            let node = fsys.lookup(&conff.name).filter(|n| files.contains(n));
            // Compared by bytes in stock: a name written oddly is nobody's.
            let node = node.filter(|n| *fsys.name(*n) == *conff.name);
            let Some(node) = node else {
                self.report.debug(debug::CONFF, || {
                    let id = "removal_bulk conffile not ours any more '%s'";
                    msg!(id, &conff.name)
                });
                return false;
            };
            let foreign = fsys.diversion(node).is_some_and(|d| {
                d.camefrom.is_some() || (d.useinstead.is_some() && d.pkgset != Some(set))
            });
            if foreign {
                self.report.debug(debug::CONFF, || {
                    let id = "removal_bulk conffile '%s' ignored due to diversion";
                    msg!(id, &conff.name)
                });
                return false;
            }
            self.report.debug(debug::CONFFDETAIL, || {
                let id = "removal_bulk set to new conffile '%s'";
                msg!(id, &conff.name)
            });
            conff.hash = NEW_CONFFILE.into();
            true
        });
        self.db.table[pkg].installed.conffiles = kept;
    }

    fn purge_conffile(&mut self, pkg: PkgId, conff: &Conffile) -> Result<()> {
        let name = &conff.name;
        if conff.obsolete {
            self.report.debug(debug::CONFFDETAIL, || {
                msg!("removal_bulk conffile obsolete %s", name)
            });
        }
        let Some(path) = self.conffderef(pkg, name)? else {
            self.report.debug(debug::CONFFDETAIL, || {
                msg!("removal_bulk conffile '%s' (rc < %d)", name, -1)
            });
            return Ok(());
        };
        self.report.debug(debug::CONFFDETAIL, || {
            msg!("removal_bulk conffile '%s' (deref '%s')", name, &path)
        });
        let node = self.db.fsys.find(name);
        let use_node = self.namenode_to_use(node, pkg, Which::Installed);
        self.activate_path(use_node, pkg)?;
        unlink(&path).or_fail(|| {
            msg!(
                "cannot remove old config file '%.250s' (= '%.250s')",
                name,
                &path
            )
        })?;
        self.purge_backups(name, &path)
    }

    /// Remove what lies beside a conffile and is a backup of it.
    fn purge_backups(&mut self, conffile: &[u8], path: &Spot) -> Result<()> {
        let dir = path.shown_parent().unwrap_or_default();
        let base = path.name().as_bytes();
        let cannot = |e: io::Error| {
            let id = "cannot read config file directory '%.250s' (from '%.250s')";
            Error::os(msg!(id, dir, conffile), e)
        };
        let open = match path.open_parent() {
            Ok(open) => open,
            Err(e) => {
                self.debug_conff(|| msg!("removal_bulk conffile no dsd %s %s", dir, &e));
                return match e.raw_os_error() {
                    Some(libc::ENOENT | libc::ENOTDIR) => Ok(()),
                    _ => Err(cannot(e)),
                };
            }
        };
        self.debug_conff(|| msg!("removal_bulk conffile cleaning dsd %s", dir));
        for entry in names(open).map_err(cannot)? {
            let kind = Beside::of(&entry, base);
            self.debug_beside(&entry, dir, base, kind);
            if !kind.is_backup() {
                continue;
            }
            let path = path.sibling(&entry);
            self.debug_conff(|| msg!("removal_bulk conffile dsd entry removing '%s'", &path));
            unlink(&path).or_fail(|| {
                let id = "cannot remove old backup config file '%.250s' (of '%.250s')";
                msg!(id, &path, conffile)
            })?;
        }
        Ok(())
    }

    /// What stock says of each file it finds beside a conffile.
    fn debug_beside(&mut self, entry: &[u8], dir: &[u8], base: &[u8], kind: Beside) {
        if self.report.debug_flags() & debug::STUPIDLYVERBOSE == 0 {
            return;
        }
        let mut say = |text| self.report.debug(debug::STUPIDLYVERBOSE, || text);
        say(msg!(
            "removal_bulk conffile dsd entry='%s' conffbasename='%s' conffnameused=%d \
             conffbasenamelen=%d",
            entry,
            base,
            dir.len() + 1 + base.len(),
            base.len()
        ));
        if entry.starts_with(base) {
            say(msg!("removal_bulk conffile dsd entry starts right"));
        }
        if kind != Beside::Suffixed {
            say(msg!("removal_bulk conffile dsd entry starts wrong"));
        }
        if !kind.is_backup() {
            say(msg!("removal_bulk conffile dsd entry not it"));
        }
    }

    fn debug_conff(&mut self, text: impl FnOnce() -> Msg) {
        self.report.debug(debug::CONFFDETAIL, text);
    }

    /// Remove the last directories and control files; the package is not installed any more.
    pub(super) fn forget(&mut self, pkg: PkgId) -> Result<()> {
        self.remove_leftover_dirs(pkg)?;
        let list = self.db.infodb_file(pkg, Which::Installed, "list");
        self.report.debug(debug::GENERAL, || {
            msg!("removal_bulk purge done, removing list '%s'", &list)
        });
        list.unlink()
            .if_there()
            .or_fail(|| msg!("cannot remove old files list"))?;
        let postrm = self.db.infodb_file(pkg, Which::Installed, "postrm");
        self.report.debug(debug::GENERAL, || {
            msg!("removal_bulk purge done, removing postrm '%s'", &postrm)
        });
        postrm
            .unlink()
            .if_there()
            .or_fail(|| msg!("can't remove old postrm script"))?;
        self.db.table.set_status(pkg, Status::NotInstalled);
        self.db.table[pkg].want = Want::Unknown;
        self.db.table.blank_bin(pkg, Which::Installed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Beside;

    #[test]
    fn backups_of_a_conffile() {
        for yes in [
            "x~",
            "x.bak",
            "x%",
            "x.dpkg-tmp",
            "x.dpkg-new",
            "x.dpkg-old",
            "x.dpkg-dist",
            "x~~",
            "x~12~",
            "#x#",
        ] {
            assert!(Beside::of(yes.as_bytes(), b"x").is_backup(), "{yes}");
        }
        for no in [
            "x",
            "xy",
            "x.old",
            "x~1",
            "x~a~",
            "#x",
            "x#",
            "##",
            "x.ucf-old",
            "y~",
            "",
        ] {
            assert!(!Beside::of(no.as_bytes(), b"x").is_backup(), "{no}");
        }
    }
}
