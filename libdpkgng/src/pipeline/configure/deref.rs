//! Where a conffile really is, and the digest of what is there (`conffderef`, `md5hash`).

use std::os::unix::ffi::OsStringExt;

use super::decide::NONEXISTENT;
use crate::error::{Error, OrFail, Result};
use crate::fsys::NodeId;
use crate::pipeline::Run;
use crate::pkg::{NameWhen, PkgId};
use crate::report::debug;
use crate::sys::place::{Absence, Place, Spot, is_absent};
use crate::{bail, msg};

/// How many symbolic links are followed (dpkg's limit).
const LINKS: u32 = 25;

impl Run {
    /// Where a conffile really is (symbolic links followed below the instdir); it need not
    /// exist. `None`, warned about, when it is no file (`conffderef`).
    ///
    /// # Errors
    /// It cannot be looked at: stock warns, and takes it for missing.
    pub fn conffderef(&mut self, pkg: PkgId, conffile: &[u8]) -> Result<Option<Spot>> {
        Ok(self.conffderef_or_last(pkg, conffile)?.ok())
    }

    /// The same; the inner error is where following ended.
    pub(crate) fn conffderef_or_last(
        &mut self,
        pkg: PkgId,
        conffile: &[u8],
    ) -> Result<Result<Spot, Spot>> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        let place = self.place_of(pkg);
        let mut path = conffile.to_vec();
        let mut followed = 0;
        loop {
            let spot = place.spot(&path);
            self.report.debug(debug::CONFFDETAIL, || {
                let id = "conffderef in='%s' current working='%s'";
                msg!(id, conffile, &spot)
            });
            let stat = match spot.lstat().if_there() {
                Ok(Some(stat)) => stat,
                missing => {
                    if let Err(e) = missing {
                        let lost = is_absent(&e);
                        let id = "%s: unable to stat config file '%s'\n (= '%s'): %s";
                        let text = msg!(id, &name, conffile, &spot, e);
                        match lost {
                            true => self.report.warning(text),
                            false => return Err(Error::new(text)),
                        }
                    }
                    let line = || msg!("conffderef nonexistent");
                    self.report.debug(debug::CONFFDETAIL, line);
                    return Ok(Ok(spot));
                }
            };
            if stat.is_file() {
                self.report.debug(debug::CONFF, || {
                    msg!("conffderef in='%s' result='%s'", conffile, &spot)
                });
                return Ok(Ok(spot));
            }
            if !stat.is_symlink() {
                let id = "%s: conffile '%.250s' is not a plain file or symlink (= '%s')";
                self.report.warning(msg!(id, &name, conffile, &spot));
                return Ok(Err(spot));
            }
            self.report.debug(debug::CONFFDETAIL, || {
                msg!("conffderef symlink loopprotect=%d", followed)
            });
            if followed >= LINKS {
                let id = "%s: config file '%s' is a circular link\n (= '%s')";
                self.report.warning(msg!(id, &name, conffile, &spot));
                return Ok(Err(spot));
            }
            followed += 1;
            let target = match spot.readlink() {
                Ok(target) => target,
                Err(e) => {
                    let id = "%s: unable to readlink conffile '%s'\n (= '%s'): %s";
                    return Err(Error::new(msg!(id, &name, conffile, &spot, e)));
                }
            };
            if target.len() as u64 != stat.size {
                let id = "symbolic link '%.250s' size has changed from %jd to %zd";
                let line = msg!(id, &spot, stat.size, target.len());
                self.report.warning(line);
                if target.len() as u64 > stat.size {
                    return Ok(Err(spot));
                }
            }
            self.report.debug(debug::CONFFDETAIL, || {
                msg!("conffderef readlink gave %zd, '%s'", target.len(), &target)
            });
            if target.first() == Some(&b'/') {
                path.clear();
                let line = || msg!("conffderef readlink absolute");
                self.report.debug(debug::CONFFDETAIL, line);
            } else {
                let slash = path.iter().rposition(|c| *c == b'/');
                path.truncate(slash.map_or(0, |i| i + 1));
                self.report.debug(debug::CONFFDETAIL, || {
                    msg!("conffderef readlink relative to '%s'", place.path(&path))
                });
            }
            path.extend_from_slice(&target);
        }
    }

    /// The MD5 of a file in hexadecimal, or `nonexistent` (`md5hash`).
    ///
    /// # Errors
    /// It cannot be read: stock warns when it cannot be opened, and notes that it has no hash.
    pub fn md5hash(&mut self, pkg: PkgId, path: &Spot) -> Result<Vec<u8>> {
        let mut file = match path.read().if_there() {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(NONEXISTENT.to_vec()),
            Err(e) => {
                let name = self.db.table.name(pkg, NameWhen::NonAmbig);
                let id = "%s: unable to open %s to compute its digest: %s";
                return Err(Error::new(msg!(id, name, path, e)));
            }
        };
        match crate::digest::md5_reader(&mut file).or_put(|| msg!("failed to read")) {
            Ok(hex) => Ok(hex.into_bytes()),
            Err(e) => bail!("cannot compute MD5 digest for file '%s': %s", path, e.msg),
        }
    }

    /// What comes before the paths of a package's files: the instdir, unless a hook has the
    /// package go elsewhere.
    pub(crate) fn root_of(&mut self, pkg: PkgId) -> Vec<u8> {
        let elsewhere = self.hooks.install_path(&self.db.table, pkg);
        let root = elsewhere.unwrap_or_else(|| self.db.dirs.instdir.clone());
        root.into_os_string().into_vec()
    }

    /// Where the files of a package are.
    pub(crate) fn place_of(&mut self, pkg: PkgId) -> Place {
        let elsewhere = self.hooks.install_path(&self.db.table, pkg);
        match elsewhere.filter(|path| *path != self.db.dirs.instdir) {
            Some(path) => Place::new(&path),
            None => self.db.dirs.place().clone(),
        }
    }

    /// The owners of a path that have it where `pkg` has it: all but those whose files a hook
    /// has go elsewhere.
    pub(crate) fn owners_there(&mut self, node: NodeId, pkg: PkgId) -> Vec<PkgId> {
        let mut owners: Vec<PkgId> = self.db.fsys.owners(node).collect();
        owners.retain(|owner| self.is_beside(*owner, pkg));
        owners
    }

    /// Whether the files of two packages go to the same place.
    pub(crate) fn is_beside(&mut self, one: PkgId, other: PkgId) -> bool {
        self.hooks.is_empty() || self.root_of(one) == self.root_of(other)
    }
}
