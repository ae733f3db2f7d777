//! Users and groups of the installed system: `INSTDIR/etc/passwd`, `INSTDIR/etc/group`
//! (sysuser.c).
//!
//! They are read for every question, as maintainer scripts change them while dpkg runs; only
//! `root` is remembered. Where the installed system has no such file (it is being
//! bootstrapped), the running system's is asked.

use std::cell::OnceCell;
use std::path::Path;

use super::{Database, Dirs};
use crate::error::{OrFail, Result};
use crate::msg;
use crate::msg::until_nul;
use crate::number::{is_space, scan};
use crate::pkg::Bytes;
use crate::sys::place::{Absence, Place};

/// Which files to ask, and what is remembered of them.
#[derive(Debug, Default)]
pub struct SysUsers {
    /// `$DPKG_PATH_PASSWD`, below the instdir; `/etc/passwd` when unset or empty.
    pub passwd: Option<Bytes>,
    /// `$DPKG_PATH_GROUP`, below the instdir; `/etc/group` when unset or empty.
    pub group: Option<Bytes>,
    root_uid: OnceCell<u32>,
    root_gid: OnceCell<u32>,
}

/// The content of one of the two files, as it is now.
pub(super) struct Snapshot {
    content: Vec<u8>,
    /// How many numbers an entry has after name and password.
    numbers: usize,
}

/// One line: its name and number.
struct Entry<'a> {
    name: &'a [u8],
    id: u32,
}

/// A whole field as an id.
fn id(field: &[u8]) -> Option<u32> {
    u32::try_from(scan(field, 10)?.whole()?).ok()
}

impl Snapshot {
    fn read(dirs: &Dirs, path: &Option<Bytes>, default: &str, numbers: usize) -> Result<Snapshot> {
        let path = path.as_deref().filter(|p| !p.is_empty());
        let below = dirs.inst(path.unwrap_or(default.as_bytes()));
        let running = Place::new(Path::new("")).spot(default.as_bytes());
        let mut content = Some(Vec::new());
        for file in [below, running] {
            let read = file.read_all().if_there();
            content = read.or_fail(|| msg!("cannot read %s", &file))?;
            if content.is_some() {
                break;
            }
        }
        // Where there is no such file at all, nobody is known.
        let content = content.unwrap_or_default();
        Ok(Snapshot { content, numbers })
    }

    /// `name:password:number…`; other lines count for nothing, as in `fgetpwent(3)`.
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let lines = self.content.split(|c| *c == b'\n');
        lines.filter_map(|line| {
            let line = until_nul(line);
            let start = line.iter().position(|c| !is_space(c))?;
            let line = line.get(start..).filter(|l| !l.starts_with(b"#"))?;
            let mut fields = line.split(|c| *c == b':');
            let name = fields.next()?;
            let mut numbers = fields.skip(1).map(id);
            let id = numbers.next()??;
            (1..self.numbers).try_for_each(|_| numbers.next()?.map(|_| ()))?;
            Some(Entry { name, id })
        })
    }

    /// The number of a name.
    pub(super) fn id(&self, name: &[u8]) -> Option<u32> {
        self.entries().find(|e| e.name == name).map(|e| e.id)
    }

    fn name(&self, id: u32) -> Option<Bytes> {
        self.entries().find(|e| e.id == id).map(|e| e.name.into())
    }
}

impl SysUsers {
    pub(super) fn read_passwd(&self, dirs: &Dirs) -> Result<Snapshot> {
        Snapshot::read(dirs, &self.passwd, "/etc/passwd", 2)
    }

    pub(super) fn read_group(&self, dirs: &Dirs) -> Result<Snapshot> {
        Snapshot::read(dirs, &self.group, "/etc/group", 1)
    }
}

fn remembered(
    name: &[u8],
    root: &OnceCell<u32>,
    ask: impl FnOnce() -> Result<Option<u32>>,
) -> Result<Option<u32>> {
    if name != b"root" {
        return ask();
    }
    if let Some(known) = root.get() {
        return Ok(Some(*known));
    }
    let found = ask()?;
    if let Some(id) = found {
        let _ = root.set(id);
    }
    Ok(found)
}

impl Database {
    /// The number of a user of the installed system (`dpkg_sysuser_from_name`).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn uid_of(&self, name: &[u8]) -> Result<Option<u32>> {
        let users = &self.sysusers;
        let ask = || Ok(users.read_passwd(&self.dirs)?.id(name));
        remembered(name, &users.root_uid, ask)
    }

    /// The number of a group of the installed system (`dpkg_sysgroup_from_name`).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn gid_of(&self, name: &[u8]) -> Result<Option<u32>> {
        let users = &self.sysusers;
        let ask = || Ok(users.read_group(&self.dirs)?.id(name));
        remembered(name, &users.root_gid, ask)
    }

    /// The name of a user of the installed system (`dpkg_sysuser_from_uid`).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn user_of(&self, uid: u32) -> Result<Option<Bytes>> {
        Ok(self.sysusers.read_passwd(&self.dirs)?.name(uid))
    }

    /// The name of a group of the installed system (`dpkg_sysgroup_from_gid`).
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn group_of(&self, gid: u32) -> Result<Option<Bytes>> {
        Ok(self.sysusers.read_group(&self.dirs)?.name(gid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ArchTable;

    #[test]
    fn what_cannot_be_read_is_not_nobody() {
        let dir = tempfile::tempdir().expect("tempdir");
        let dirs = Dirs::new(dir.path().to_owned(), dir.path().to_owned());
        std::fs::create_dir_all(dir.path().join("etc/passwd")).expect("mkdir");
        std::fs::write(dir.path().join("etc/group"), "staff:x:50:\n").expect("write");
        std::os::unix::fs::symlink("/etc/group", dir.path().join("linked")).expect("symlink");
        let mut db = Database::new(dirs, ArchTable::new("amd64"));
        let error = db.uid_of(b"root").expect_err("a directory");
        assert_eq!(error.errno, Some(libc::EISDIR));
        assert!(error.to_string().contains("/etc/passwd"), "{error}");
        assert_eq!(db.gid_of(b"staff").expect("readable"), Some(50));
        db.sysusers.group = Some(b"/linked"[..].into());
        assert_eq!(db.gid_of(b"staff").expect("within the root"), Some(50));
        assert_eq!(db.gid_of(b"nobody-there").expect("readable"), None);
    }
}
