//! `info/*.md5sums`: what the files of a package should contain (db-fsys-digest.c).

use super::Database;
use super::dbfile::replace;
use crate::error::{Error, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::msg;
use crate::msg::until_nul;
use crate::pkg::{NameWhen, PkgId, Which};
use crate::report::{Reporter, debug};
use crate::sys::file;

/// The type of the control file that holds the digests.
pub const HASHFILE: &str = "md5sums";

/// Hexadecimal digits of an MD5 digest.
const MD5HASHLEN: usize = 32;

impl Database {
    /// Read the md5sums file into the nodes' `newhash` (`parse_filehash`). A missing file
    /// states nothing.
    ///
    /// # Errors
    /// A file that cannot be read or parsed.
    pub fn parse_filehash(
        &mut self,
        pkg: PkgId,
        which: Which,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let path = self.infodb_file(pkg, which, HASHFILE);
        let name = self.table.name(pkg, NameWhen::NonAmbig);
        let buf = match file::slurp(&path) {
            Ok(buf) => buf,
            Err(e) if e.errno == Some(libc::ENOENT) => return Ok(()),
            Err(e) => {
                let what = msg!("loading control file '%s' for package '%s'", HASHFILE, name);
                return Err(Error::new(msg!("%s: %s", what, e.msg)));
            }
        };
        let mut rest = &buf[..];
        while !rest.is_empty() {
            let broken = |id| Error::new(msg!(id, HASHFILE, &name));
            let Some(end) = memchr::memchr(b'\n', rest) else {
                return Err(broken(
                    "control file '%s' for package '%s' is missing final newline",
                ));
            };
            let (line, next) = (&rest[..end], &rest[end + 1..]);
            if line.len() < MD5HASHLEN + 3 {
                return Err(broken(
                    "control file '%s' for package '%s' is missing value",
                ));
            }
            let (hash, file) = line.split_at(MD5HASHLEN);
            let Some(file) = file.strip_prefix(b"  ") else {
                return Err(broken(
                    "control file '%s' for package '%s' is missing value separator",
                ));
            };
            let file = until_nul(file.strip_suffix(b"/").unwrap_or(file));
            report.debug(debug::EACHFILEDETAIL, || {
                msg!("load digest '%s' for filename '%s'", hash, file)
            });
            let node = self.fsys.find(file);
            self.fsys.set_newhash(node, Some(until_nul(hash).into()));
            rest = next;
        }
        Ok(())
    }

    /// Mark the paths of a package's conffiles as such, with their hashes as the nodes'
    /// `oldhash` (`pkg_conffiles_mark_old`).
    pub fn conffiles_mark_old(&mut self, pkg: PkgId, report: &mut dyn Reporter) {
        for conff in &self.table[pkg].installed.conffiles {
            let fsys = &mut self.fsys;
            let node = fsys.find(&conff.name);
            fsys.flags_mut(node).insert(NodeFlags::OLD_CONFF);
            if fsys.oldhash(node).is_none() {
                fsys.set_oldhash(node, Some(conff.hash.clone()));
            }
            let (path, flags) = (fsys.name(node), fsys.flags(node).bits());
            report.debug(debug::CONFFDETAIL, || {
                let id = "%s '%s' namenode '%s' flags %o";
                msg!(id, "pkg_conffiles_mark_old", &conff.name, path, flags)
            });
        }
    }

    /// Write one from the nodes' `newhash`, unless the archive brought one along
    /// (`write_filehash_except`). Its content is durable on return,
    /// its name with the next note.
    ///
    /// # Errors
    /// Any failure to write.
    pub fn write_filehash_except(
        &mut self,
        pkg: PkgId,
        which: Which,
        list: &[NodeId],
        except: NodeFlags,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        report.debug(debug::GENERAL, || msg!("generating infodb hashfile"));
        if self.infodb_has_file(pkg, Which::Available, HASHFILE)? {
            return Ok(());
        }
        let mut content = Vec::new();
        for node in list {
            if self.fsys.flags(*node).intersects(except) {
                continue;
            }
            if let Some(hash) = self.fsys.newhash(*node) {
                content.extend_from_slice(hash);
                content.extend_from_slice(b"  ");
                content.extend_from_slice(&self.fsys.name(*node)[1..]);
                content.push(b'\n');
            }
        }
        replace(&self.infodb_file(pkg, which, HASHFILE), &content)?;
        self.info_changed();
        Ok(())
    }
}

impl Database {
    /// Give the paths that `changed` picks out the digest of their node's `newhash` in an
    /// md5sums file that the archive brought along. The rest keeps its bytes; when nothing
    /// changes, so does the file, which otherwise is durable on return.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn amend_filehash(
        &mut self,
        pkg: PkgId,
        which: Which,
        changed: impl Fn(NodeId) -> bool,
    ) -> Result<()> {
        let path = self.infodb_file(pkg, which, HASHFILE);
        let mut content = match file::slurp(&path) {
            Ok(content) => content.to_vec(),
            Err(e) if e.errno == Some(libc::ENOENT) => return Ok(()),
            Err(e) => return Err(e),
        };
        let mut amended = false;
        for line in content.split_mut(|c| *c == b'\n') {
            let Some((hash, name)) = line.split_at_mut_checked(MD5HASHLEN) else {
                continue;
            };
            let Some(name) = name.strip_prefix(b"  ") else {
                continue;
            };
            let node = self.fsys.lookup(name).filter(|node| changed(*node));
            let new = node.and_then(|node| self.fsys.newhash(node));
            if let Some(new) = new.filter(|new| new.len() == MD5HASHLEN) {
                amended |= *hash != *new;
                hash.copy_from_slice(new);
            }
        }
        if !amended {
            return Ok(());
        }
        replace(&path, &content)?;
        self.info_changed();
        Ok(())
    }
}
