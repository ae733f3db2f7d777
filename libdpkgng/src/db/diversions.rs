//! `diversions`: paths whose files go elsewhere (db-fsys-divert.c).
//!
//! Three lines each: the path, where its files go, and the package whose files stay (`:` for
//! none).

use super::Database;
use super::dbfile::{Reopen, Reopened, replace_with_backup};
use crate::err;
use crate::error::{Error, Result};
use crate::fsys::{Diversion, Fsys, NodeId};
use crate::msg;
use crate::pkg::{NameWhen, PkgId, PkgTable, Which};
use crate::report::{Reporter, debug};
use crate::sys::lines::Lines;

/// The file's name in the admindir.
pub const DIVERSIONSFILE: &str = "diversions";

/// What the file has in place of a package for a local diversion.
pub const LOCAL: &[u8] = b":";

/// The longest line, with newline and terminator.
const MAXDIVERTFILENAME: usize = 1024;

/// The private state of this module.
#[derive(Debug, Default)]
pub struct State {
    file: Reopen,
}

impl Database {
    /// Read the file unless it is the one already read (`ensure_diversions`).
    ///
    /// # Errors
    /// A file that cannot be read or parsed ends the run.
    pub fn ensure_diversions(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let path = self.dirs.admin(DIVERSIONSFILE);
        match self.diversions.file.reopen(&path, report)? {
            Reopened::Same => Ok(()),
            Reopened::Missing => {
                self.fsys.clear_diversions();
                Ok(())
            }
            Reopened::Load(file) => {
                self.fsys.clear_diversions();
                let lines = Lines::read(file, path.shown(), MAXDIVERTFILENAME);
                let lines = lines.map_err(Error::fatal)?;
                load(lines, &mut self.fsys, &mut self.table).map_err(Error::fatal)
            }
        }
    }
}

impl Database {
    /// Write the file as it is in core, keeping the former one as `diversions-old`
    /// (`divertdb_write`).
    ///
    /// # Errors
    /// Any failure to write; the file is then as it was.
    pub fn write_diversions(&self) -> Result<()> {
        let mut content = Vec::new();
        for from in self.fsys.diverted() {
            let Some(divert) = self.fsys.diversion(from) else {
                continue;
            };
            let to = divert.useinstead.map(|to| self.fsys.name(to));
            let owner = divert.pkgset.map(|set| self.table[set].name.as_bytes());
            for line in [
                self.fsys.name(from),
                to.unwrap_or_default(),
                owner.unwrap_or(LOCAL),
            ] {
                content.extend_from_slice(line);
                content.push(b'\n');
            }
        }
        replace_with_backup(&self.dirs.admin(DIVERSIONSFILE), &content)
    }
}

impl Database {
    /// Where a package's path really is, diversions considered (`namenodetouse`).
    pub fn namenode_to_use(
        &self,
        node: NodeId,
        pkg: PkgId,
        which: Which,
        report: &mut dyn Reporter,
    ) -> NodeId {
        let (fsys, table) = (&self.fsys, &self.table);
        let Some(divert) = fsys.diversion(node) else {
            return node;
        };
        let name = table.bin_name(pkg, which, NameWhen::Always);
        report.debug(debug::EACHFILE, || {
            msg!("namenodetouse namenode='%s' pkg=%s", fsys.name(node), &name)
        });
        let to_use = match divert.useinstead {
            Some(other) if divert.pkgset != Some(table[pkg].set) => other,
            _ => node,
        };
        report.debug(debug::EACHFILE, || {
            let path = |n: Option<NodeId>| n.map_or(&b"<none>"[..], |n| fsys.name(n));
            let by = divert.pkgset.map_or("<none>", |set| &table[set].name);
            msg!(
                "namenodetouse ... useinstead=%s camefrom=%s pkg=%s return %s",
                path(divert.useinstead),
                path(divert.camefrom),
                by,
                fsys.name(to_use)
            )
        });
        to_use
    }
}

fn load(mut lines: Lines<'_>, fsys: &mut Fsys, table: &mut PkgTable) -> Result<()> {
    while let Some(from) = lines.next_line()? {
        let from = fsys.find(from);
        let to = fsys.find(lines.must()?);
        let owner = match lines.must()? {
            LOCAL => None,
            name => Some(table.find_set(&String::from_utf8_lossy(name))),
        };
        if fsys.diversion(from).is_some() || fsys.diversion(to).is_some() {
            return Err(err!(
                "conflicting diversions involving '%.250s' or '%.250s'",
                fsys.name(from),
                fsys.name(to)
            ));
        }
        let contested = Diversion {
            useinstead: Some(to),
            camefrom: None,
            pkgset: owner,
        };
        let altname = Diversion {
            useinstead: None,
            camefrom: Some(from),
            pkgset: owner,
        };
        fsys.set_diversion(from, Some(contested));
        fsys.set_diversion(to, Some(altname));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ArchTable;
    use crate::db::Dirs;
    use crate::report::Silent;

    #[test]
    fn read_again_when_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(DIVERSIONSFILE);
        let dirs = Dirs::new(dir.path().to_owned(), Default::default());
        let mut db = Database::new(dirs, ArchTable::new("amd64"));
        db.ensure_diversions(&mut Silent).unwrap();
        std::fs::write(&path, "/a\n/a.real\n:\n/b\n/b.real\ndash\n").unwrap();
        db.ensure_diversions(&mut Silent).unwrap();
        let (a, a_real) = (db.fsys.find(b"/a"), db.fsys.find(b"/a.real"));
        assert_eq!(db.fsys.diversion(a).unwrap().useinstead, Some(a_real));
        assert_eq!(db.fsys.diversion(a_real).unwrap().camefrom, Some(a));
        let b = db.fsys.find(b"/b");
        let dash = db.table.lookup_set("dash");
        assert!(dash.is_some());
        assert_eq!(db.fsys.diversion(b).unwrap().pkgset, dash);

        let b_real = db.fsys.find(b"/b.real");
        db.fsys.set_diversion(b, None);
        db.fsys.set_diversion(b_real, None);
        db.write_diversions().unwrap();
        let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(text("diversions"), "/a\n/a.real\n:\n");
        assert!(text("diversions-old").ends_with("/b\n/b.real\ndash\n"));

        std::fs::write(dir.path().join("new"), "/a\n/c\n:\n/c\n/d\n:\n").unwrap();
        std::fs::rename(dir.path().join("new"), &path).unwrap();
        let error = db.ensure_diversions(&mut Silent).unwrap_err();
        assert_eq!(
            error.to_string(),
            "conflicting diversions involving '/c' or '/d'"
        );
        std::fs::remove_file(&path).unwrap();
        db.ensure_diversions(&mut Silent).unwrap();
        assert_eq!(db.fsys.diversion(a), None);
    }
}
