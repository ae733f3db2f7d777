//! `statoverride`: owner, group and mode the administrator imposes (db-fsys-override.c).
//!
//! A line each: user, group, octal mode, path; a user or group is a name or `#NUMBER`.

use std::io::Read;

use super::Database;
use super::dbfile::{Reopen, Reopened, replace_with_backup};
use super::sysuser::Snapshot;
use crate::err;
use crate::error::{Error, OrFail, Result};
use crate::fsys::{Fsys, NodeId, StatOverride};
use crate::msg;
use crate::msg::until_nul;
use crate::number::scan;
use crate::pkg::Bytes;
use crate::report::Reporter;

/// The file's name in the admindir.
pub const STATOVERRIDEFILE: &str = "statoverride";

/// dpkg's number for a user or group that is not known.
pub const UNKNOWN_ID: u32 = u32::MAX;

/// The private state of this module.
#[derive(Debug, Default)]
pub struct State {
    file: Reopen,
}

/// The whole of `text` as a number that is not negative.
fn whole_number(text: &[u8], base: u32) -> Option<i64> {
    scan(text, base)?.whole().filter(|number| *number >= 0)
}

/// The number of a user as a statoverride names it: `#NUMBER`, or a name that `known` may
/// know; [`UNKNOWN_ID`] if it does not (`statdb_parse_uid`).
///
/// # Errors
/// `#` and no number, or those of `known`.
pub fn parse_uid(text: &[u8], known: impl FnOnce(&[u8]) -> Result<Option<u32>>) -> Result<u32> {
    parse_id(text, known, "invalid statoverride uid %s")
}

/// The same for a group (`statdb_parse_gid`).
///
/// # Errors
/// `#` and no number, or those of `known`.
pub fn parse_gid(text: &[u8], known: impl FnOnce(&[u8]) -> Result<Option<u32>>) -> Result<u32> {
    parse_id(text, known, "invalid statoverride gid %s")
}

fn parse_id(
    text: &[u8],
    known: impl FnOnce(&[u8]) -> Result<Option<u32>>,
    invalid: &'static str,
) -> Result<u32> {
    match text.strip_prefix(b"#") {
        // C converts to uid_t by cutting off.
        Some(number) => match whole_number(number, 10) {
            Some(id) => Ok(id as u32),
            None => Err(err!(invalid, text)),
        },
        None => Ok(known(text)?.unwrap_or(UNKNOWN_ID)),
    }
}

/// An octal mode (`statdb_parse_mode`).
///
/// # Errors
/// No number, or one above 07777.
pub fn parse_mode(text: &[u8]) -> Result<u32> {
    match whole_number(text, 8) {
        Some(mode @ 0..=0o7777) => Ok(mode as u32),
        _ => Err(err!("invalid statoverride mode %s", text)),
    }
}

impl Database {
    /// Read the file unless it is the one already read (`ensure_statoverrides`). `lax` forgives unknown users and
    /// groups (`STATDB_PARSE_LAX`).
    ///
    /// # Errors
    /// A file that cannot be read or parsed ends the run.
    pub fn ensure_statoverrides(&mut self, lax: bool, report: &mut dyn Reporter) -> Result<()> {
        let path = self.dirs.admin(STATOVERRIDEFILE);
        let mut content = Vec::new();
        match self.statoverrides.file.reopen(&path, report)? {
            Reopened::Same => return Ok(()),
            Reopened::Missing => {}
            Reopened::Load(file) => {
                file.read_to_end(&mut content)
                    .or_fail(|| msg!("reading statoverride file '%.250s'", &path))
                    .map_err(Error::fatal)?;
            }
        }
        self.fsys.clear_statoverrides();
        let (dirs, users) = (&self.dirs, &self.sysusers);
        let names = Names {
            lax,
            passwd: std::cell::LazyCell::new(|| users.read_passwd(dirs)),
            group: std::cell::LazyCell::new(|| users.read_group(dirs)),
        };
        load(&content, &names, &mut self.fsys).map_err(Error::fatal)
    }
}

impl Database {
    /// The line of a path (`statdb_node_print`): names where the numbers have one, else the name
    /// that was read, else `#NUMBER`, as C's `%d`. Empty for a path without override.
    ///
    /// # Errors
    /// The users or groups cannot be read.
    pub fn statoverride_line(&self, node: NodeId) -> Result<Vec<u8>> {
        let Some(value) = self.fsys.statoverride(node) else {
            return Ok(Vec::new());
        };
        let id = |known: Option<Bytes>, read: &Option<Bytes>, id: u32| {
            let name = known.or_else(|| read.clone());
            name.map_or_else(|| format!("#{}", id as i32).into_bytes(), |n| n.to_vec())
        };
        let user = id(self.user_of(value.uid)?, &value.uname, value.uid);
        let group = id(self.group_of(value.gid)?, &value.gname, value.gid);
        let mode = format!("{:o}", value.mode).into_bytes();
        let mut line = [&user, &group, &mode, self.fsys.name(node)].join(&b' ');
        line.push(b'\n');
        Ok(line)
    }

    /// Write the file as it is in core, keeping the former one as `statoverride-old`
    /// (`statdb_write`).
    ///
    /// # Errors
    /// Any failure to write; the file is then as it was.
    pub fn write_statoverrides(&self) -> Result<()> {
        let nodes = self.fsys.overridden();
        let lines = nodes.iter().map(|n| self.statoverride_line(*n));
        let lines = lines.collect::<Result<Vec<_>>>()?;
        replace_with_backup(&self.dirs.admin(STATOVERRIDEFILE), &lines.concat())
    }
}

/// What the names in one file mean; the user and group files are read when first needed.
struct Names<P: FnOnce() -> Result<Snapshot>, G: FnOnce() -> Result<Snapshot>> {
    lax: bool,
    passwd: std::cell::LazyCell<Result<Snapshot>, P>,
    group: std::cell::LazyCell<Result<Snapshot>, G>,
}

/// The number of a name.
fn known(file: &Result<Snapshot>, name: &[u8]) -> Result<Option<u32>> {
    file.as_ref().map_err(Clone::clone).map(|f| f.id(name))
}

fn load<P: FnOnce() -> Result<Snapshot>, G: FnOnce() -> Result<Snapshot>>(
    content: &[u8],
    names: &Names<P, G>,
    fsys: &mut Fsys,
) -> Result<()> {
    const TOOL: &str = "dpkg-statoverride";
    let mut rest = content;
    while !rest.is_empty() {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return Err(err!("statoverride file is missing final newline"));
        };
        let (line, next) = (&rest[..end], &rest[end + 1..]);
        if line.is_empty() {
            return Err(err!("statoverride file contains empty line"));
        }
        let mut left = line;
        let mut field = || -> Result<&[u8]> {
            let Some(space) = memchr::memchr(b' ', left) else {
                return Err(err!("syntax error in statoverride file"));
            };
            let (field, after) = (&left[..space], &left[space + 1..]);
            left = after;
            Ok(until_nul(field))
        };
        let user = field()?;
        let uid = parse_uid(user, |name| known(&names.passwd, name))?;
        if uid == UNKNOWN_ID && !names.lax {
            return Err(err!(
                "unknown system user '%s' in statoverride file; the system user got removed\nbefore the override, which is most probably a packaging bug, to recover you\ncan remove the override manually with %s",
                user,
                TOOL
            ));
        }
        let group = field()?;
        let gid = parse_gid(group, |name| known(&names.group, name))?;
        if gid == UNKNOWN_ID && !names.lax {
            return Err(err!(
                "unknown system group '%s' in statoverride file; the system group got removed\nbefore the override, which is most probably a packaging bug, to recover you\ncan remove the override manually with %s",
                group,
                TOOL
            ));
        }
        let mode = parse_mode(field()?)?;
        let path = until_nul(left);
        let node = fsys.find(path);
        if fsys.statoverride(node).is_some() {
            return Err(err!(
                "multiple statoverrides present for file '%.250s'",
                path
            ));
        }
        let value = StatOverride {
            uid,
            gid,
            mode,
            uname: (uid == UNKNOWN_ID).then(|| user.into()),
            gname: (gid == UNKNOWN_ID).then(|| group.into()),
        };
        fsys.set_statoverride(node, Some(value));
        rest = next;
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
    fn numbers_are_strtol_s() {
        let none = |_: &[u8]| Ok(None);
        assert_eq!(parse_uid(b"#33", none).ok(), Some(33));
        assert_eq!(parse_uid(b"#\x0b+7", none).ok(), Some(7));
        assert_eq!(parse_uid(b"#-0", none).ok(), Some(0));
        assert_eq!(parse_gid(b"#4294967297", none).ok(), Some(1));
        assert_eq!(parse_gid(b"nogroup", none).ok(), Some(UNKNOWN_ID));
        for bad in [&b"#"[..], b"#-1", b"#1x", b"#99999999999999999999", b"#+-1"] {
            assert!(parse_uid(bad, none).is_err(), "{bad:?}");
        }
        assert_eq!(parse_mode(b"04755").ok(), Some(0o4755));
        assert_eq!(parse_mode(b"644").ok(), Some(0o644));
        for bad in [&b"10000"[..], b"", b"8", b"-1", b"0644 "] {
            assert!(parse_mode(bad).is_err(), "{bad:?}");
        }
    }

    fn load_text(text: &str, lax: bool) -> (Database, Result<()>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        let passwd = "# none\nroot:x:0:0:root:/root:/bin/sh\nbroken\nmail:x:8:8::/:\n";
        std::fs::write(dir.path().join("etc/passwd"), passwd).unwrap();
        std::fs::write(dir.path().join("etc/group"), "root:x:0:\nmail:x:8\n").unwrap();
        std::fs::write(dir.path().join("statoverride"), text).unwrap();
        let dirs = Dirs::new(dir.path().to_owned(), dir.path().to_owned());
        let mut db = Database::new(dirs, ArchTable::new("amd64"));
        let result = db.ensure_statoverrides(lax, &mut Silent);
        (db, result)
    }

    #[test]
    fn names_are_those_of_the_instdir() {
        let (mut db, result) = load_text("root mail 2755 /usr/bin/x y\n#5 nobody 600 /z\n", true);
        result.unwrap();
        let node = db.fsys.find(b"/usr/bin/x y");
        let over = db.fsys.statoverride(node).unwrap();
        assert_eq!((over.uid, over.gid, over.mode), (0, 8, 0o2755));
        let node = db.fsys.find(b"/z");
        let over = db.fsys.statoverride(node).unwrap();
        assert_eq!((over.uid, over.gid), (5, UNKNOWN_ID));
        assert_eq!(over.gname.as_deref(), Some(&b"nobody"[..]));
        assert_eq!(&*db.user_of(8).unwrap().unwrap(), b"mail");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let says = |text: &str| {
            let e = load_text(text, false).1.unwrap_err();
            assert_eq!(e.kind, crate::error::Kind::Run);
            e.to_string()
        };
        assert_eq!(says("root"), "statoverride file is missing final newline");
        assert_eq!(says("\n"), "statoverride file contains empty line");
        assert_eq!(says("root root\n"), "syntax error in statoverride file");
        assert_eq!(says("root root 0x1 /a\n"), "invalid statoverride mode 0x1");
        assert!(says("who root 644 /a\n").starts_with("unknown system user 'who' in"));
        assert!(says("root who 644 /a\n").starts_with("unknown system group 'who' in"));
        assert_eq!(
            says("root root 644 /a\nroot root 644 /a\n"),
            "multiple statoverrides present for file '/a'"
        );
    }
}
