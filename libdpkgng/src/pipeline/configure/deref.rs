//! Where a conffile really is, and the digest of what is there (`conffderef`, `md5hash`).

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::decide::{EMPTY, NONEXISTENT};
use crate::error::{OrFail, Result};
use crate::fsys::NodeId;
use crate::pipeline::Run;
use crate::pkg::{NameWhen, PkgId};
use crate::report::debug;
use crate::{bail, msg};

/// How many symbolic links are followed (dpkg's limit).
const LINKS: u32 = 25;

impl Run {
    /// The real path (below the instdir, symbolic links followed there) of a conffile; it need
    /// not exist. `None`, warned about, when it cannot be told (`conffderef`).
    pub fn conffderef(&mut self, pkg: PkgId, conffile: &[u8]) -> Option<Vec<u8>> {
        self.conffderef_or_last(pkg, conffile).ok()
    }

    /// The same; the error is the path at which following ended.
    pub(crate) fn conffderef_or_last(
        &mut self,
        pkg: PkgId,
        conffile: &[u8],
    ) -> Result<Vec<u8>, Vec<u8>> {
        let name = self.db.table.name(pkg, NameWhen::NonAmbig);
        let root = self.root_of(pkg);
        let mut path = root.clone();
        path.extend_from_slice(conffile);
        let mut followed = 0;
        loop {
            self.report.debug(debug::CONFFDETAIL, || {
                let id = "conffderef in='%s' current working='%s'";
                msg!(id, conffile, &path)
            });
            let file = Path::new(OsStr::from_bytes(&path));
            let meta = match file.symlink_metadata() {
                Ok(meta) => meta,
                Err(e) => {
                    if e.raw_os_error() != Some(libc::ENOENT) {
                        let id = "%s: unable to stat config file '%s'\n (= '%s'): %s";
                        self.report.warning(msg!(id, &name, conffile, &path, e));
                    }
                    let line = || msg!("conffderef nonexistent");
                    self.report.debug(debug::CONFFDETAIL, line);
                    return Ok(path);
                }
            };
            if meta.is_file() {
                self.report.debug(debug::CONFF, || {
                    msg!("conffderef in='%s' result='%s'", conffile, &path)
                });
                return Ok(path);
            }
            if !meta.is_symlink() {
                let id = "%s: conffile '%.250s' is not a plain file or symlink (= '%s')";
                self.report.warning(msg!(id, &name, conffile, &path));
                return Err(path);
            }
            self.report.debug(debug::CONFFDETAIL, || {
                msg!("conffderef symlink loopprotect=%d", followed)
            });
            if followed >= LINKS {
                let id = "%s: config file '%s' is a circular link\n (= '%s')";
                self.report.warning(msg!(id, &name, conffile, &path));
                return Err(path);
            }
            followed += 1;
            let target = match fs::read_link(file) {
                Ok(target) => target.into_os_string().into_vec(),
                Err(e) => {
                    let id = "%s: unable to readlink conffile '%s'\n (= '%s'): %s";
                    self.report.warning(msg!(id, &name, conffile, &path, e));
                    return Err(path);
                }
            };
            if target.len() as u64 != meta.len() {
                let id = "symbolic link '%.250s' size has changed from %jd to %zd";
                let line = msg!(id, &path, meta.len(), target.len());
                self.report.warning(line);
                if target.len() as u64 > meta.len() {
                    return Err(path);
                }
            }
            self.report.debug(debug::CONFFDETAIL, || {
                msg!("conffderef readlink gave %zd, '%s'", target.len(), &target)
            });
            if target.first() == Some(&b'/') {
                path.clone_from(&root);
                let line = || msg!("conffderef readlink absolute");
                self.report.debug(debug::CONFFDETAIL, line);
            } else {
                let slash = path.iter().rposition(|c| *c == b'/');
                path.truncate(slash.map_or(0, |i| i + 1));
                self.report.debug(debug::CONFFDETAIL, || {
                    msg!("conffderef readlink relative to '%s'", &path)
                });
            }
            path.extend_from_slice(&target);
        }
    }

    /// The MD5 of a file in hexadecimal; `nonexistent`; or `-`, warned about, when it cannot
    /// be opened (`md5hash`).
    pub fn md5hash(&mut self, pkg: PkgId, path: &Path) -> Result<Vec<u8>> {
        let mut file = match fs::File::open(path) {
            Ok(file) => file,
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => return Ok(NONEXISTENT.to_vec()),
            Err(e) => {
                let name = self.db.table.name(pkg, NameWhen::NonAmbig);
                let id = "%s: unable to open %s to compute its digest: %s";
                self.report.warning(msg!(id, name, path, e));
                return Ok(EMPTY.to_vec());
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
