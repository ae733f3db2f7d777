//! The conffiles of the package being unpacked: the list in its control member, their hashes
//! in the database, and those that go with the upgrade (`remove-on-upgrade`).

use super::super::Run;
use crate::error::{OrFail, Result};
use crate::fsys::{NodeFlags, NodeId};
use crate::pkg::{Bytes, Conffile, NameWhen, PkgId, Which};
use crate::report::debug;
use crate::state::Status;
use crate::sys::place::{Absence, Spot};
use crate::{bail, msg};

/// The hash of a conffile that no package had yet.
pub const NEW_CONFFILE: &[u8] = b"newconffile";
/// The hash of a file that is not there.
pub const NONEXISTENT: &[u8] = b"nonexistent";
/// The hash of something that has none.
pub const EMPTY_HASH: &[u8] = b"-";

/// Longest line, newline included; stock's buffer.
const LINE_MAX: usize = 997;

/// A line of the `conffiles` control file that names a path.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    path: &'a [u8],
    remove_on_upgrade: bool,
}

/// Read one line, without its newline. `None` for a blank one. The second is a warning that
/// goes before an error.
fn parse_line(line: &[u8]) -> (Option<crate::msg::Msg>, Result<Option<Line<'_>>>) {
    let end = line
        .iter()
        .rposition(|c| !is_space(*c))
        .map_or(0, |i| i + 1);
    let line = &line[..end];
    if line.is_empty() {
        return (None, Ok(None));
    }
    let plain = |path, remove_on_upgrade| {
        let line = Line {
            path,
            remove_on_upgrade,
        };
        (None, Ok(Some(line)))
    };
    if line[0] == b'/' {
        return plain(line, false);
    }
    let fail = |m| (None, Err(crate::error::Error::new(m)));
    let Some(blank) = memchr::memchr(b' ', line) else {
        return fail(msg!("conffile name '%s' is not an absolute pathname", line));
    };
    let (flag, path) = (&line[..blank], &line[blank + 1..]);
    match path.first() {
        Some(b'/') => {}
        Some(_) => return fail(msg!("conffile name '%s' is not an absolute pathname", path)),
        None => return fail(msg!("conffile name missing after flag '%s'", flag)),
    }
    if flag == b"remove-on-upgrade" {
        return plain(path, true);
    }
    let warning = flag.first().is_some_and(|c| is_space(*c)).then(|| {
        msg!(
            "line with conffile filename '%s' has leading white spaces",
            path
        )
    });
    let unknown = crate::err!("unknown flag '%s' for conffile '%s'", flag, path);
    (warning, Err(unknown))
}

/// `c_isspace()`
fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}

/// Cut a file into lines as `fgets` with stock's buffer does: the newline (missing when the
/// line is too long or the file ends) and what is before it. An embedded NUL ends a line's
/// text.
fn lines(content: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let window = &rest[..rest.len().min(LINE_MAX)];
        let length = memchr::memchr(b'\n', window).map_or(window.len(), |i| i + 1);
        let (line, after) = rest.split_at(length);
        rest = after;
        let text = &line[..memchr::memchr(0, line).unwrap_or(line.len())];
        Some(match text.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (text, false),
        })
    })
}

impl Run {
    /// `deb_parse_conffiles()`: the conffiles of the archive, with flags set and hashes taken
    /// over from packages that have them.
    pub(super) fn parse_conffiles(&mut self, pkg: PkgId, file: &Spot) -> Result<Vec<NodeId>> {
        let content = file.read_all().if_there();
        let content = content.or_fail(|| msg!("error trying to open %.250s", file))?;
        let content = content.unwrap_or_default();
        let mut nodes = Vec::new();
        for (text, whole) in lines(&content) {
            if !whole && text.is_empty() {
                bail!("conffile file contains an empty line");
            }
            if !whole {
                bail!(
                    "conffile name '%s' is too long, or missing final newline",
                    text
                );
            }
            let (warning, line) = parse_line(text);
            if let Some(warning) = warning {
                self.report.warning(warning);
            }
            let Some(line) = line? else {
                continue;
            };
            let node = self.db.fsys.find(line.path);
            self.db.fsys.set_oldhash(node, Some(NEW_CONFFILE.into()));
            nodes.push(node);
            if let Some(hash) = self.known_hash(pkg, node) {
                self.db.fsys.set_oldhash(node, Some(hash));
            }
            *self.db.fsys.flags_mut(node) |= match line.remove_on_upgrade {
                true => NodeFlags::RM_CONFF_ON_UPGRADE,
                false => NodeFlags::NEW_CONFF,
            };
        }
        Ok(nodes)
    }

    /// The hash by which some owner of a path lists it as a conffile: this package's when it
    /// does, else that of the last owner asked.
    fn known_hash(&mut self, pkg: PkgId, node: NodeId) -> Option<Bytes> {
        let owners = self.owners_there(node, pkg);
        let (fsys, table, report) = (&self.db.fsys, &self.db.table, &mut *self.report);
        let name = fsys.name(node);
        let mut found: Option<&Conffile> = None;
        for other in owners {
            let owner = || table.name(other, NameWhen::Always);
            report.debug(debug::CONFFDETAIL, || {
                msg!(
                    "process_archive conffile '%s' in package %s - conff ?",
                    name,
                    owner()
                )
            });
            found = None;
            for conffile in &table[other].installed.conffiles {
                if *conffile.name == *name {
                    found = Some(conffile);
                    break;
                }
                report.debug(debug::CONFFDETAIL, || {
                    msg!(
                        "process_archive conffile '%s' in package %s - conff ? not '%s'",
                        name,
                        owner(),
                        &conffile.name
                    )
                });
            }
            if let Some(conffile) = found {
                report.debug(debug::CONFF, || {
                    msg!(
                        "process_archive conffile '%s' package=%s %s hash=%s",
                        name,
                        owner(),
                        if other == pkg { "same" } else { "different!" },
                        &conffile.hash
                    )
                });
                if other == pkg {
                    break;
                }
            }
        }
        if found.is_none() {
            report.debug(debug::CONFF, || {
                msg!("process_archive conffile '%s' no package, no hash", name)
            });
        }
        found.map(|c| c.hash.clone())
    }

    /// `md5hash_prev_conffile()`: the hash of a conffile shared between instances of a package,
    /// from the database or, when no instance has it there, from the `.dpkg-new` on the disk.
    pub(super) fn previous_conffile_hash(
        &mut self,
        pkg: PkgId,
        new: &Spot,
        node: NodeId,
    ) -> Result<Vec<u8>> {
        let (fsys, table, report) = (&self.db.fsys, &self.db.table, &mut *self.report);
        let name = fsys.name(node);
        report.debug(debug::CONFFDETAIL, || {
            msg!("tarobject looking for shared conffile %s", name)
        });
        for other in &table[table[pkg].set].pkgs {
            let p = &table[*other];
            // One that was only ever unpacked has no hash yet.
            if *other == pkg
                || (p.status() <= Status::Unpacked && p.installed.version != p.configversion)
            {
                continue;
            }
            let mut conffiles = p.installed.conffiles.iter();
            let found = conffiles.find(|c| !c.obsolete && !c.remove_on_upgrade && *c.name == *name);
            if let Some(conffile) = found {
                report.debug(debug::CONFFDETAIL, || {
                    msg!(
                        "tarobject found shared conffile, from pkg %s (%s); digest=%s",
                        table.name(*other, NameWhen::Always),
                        p.status().as_str(),
                        &conffile.hash
                    )
                });
                return Ok(conffile.hash.to_vec());
            }
        }
        let hash = self.md5hash(pkg, new)?;
        self.report.debug(debug::CONFFDETAIL, || {
            msg!(
                "tarobject found shared conffile, from disk; digest=%s",
                &hash
            )
        });
        Ok(hash)
    }

    /// `pkg_remove_conffile_on_upgrade()`: remove the conffile, or keep it as `.dpkg-old` when
    /// it was changed.
    pub(super) fn remove_conffile_on_upgrade(&mut self, pkg: PkgId, node: NodeId) -> Result<()> {
        const FUNCTION: &str = "pkg_remove_conffile_on_upgrade";
        let name = self.db.fsys.name(node).to_vec();
        let usenode = self.namenode_to_use(node, pkg, Which::Installed);
        let usename = self.db.fsys.name(usenode).to_vec();
        let Some(path) = self.conffderef(pkg, &usename)? else {
            self.report.debug(debug::CONFFDETAIL, || {
                let why = "Success";
                msg!(
                    "%s: '%s' conffile dereference error: %s",
                    FUNCTION,
                    &name,
                    why
                )
            });
            self.db.fsys.set_oldhash(node, Some(EMPTY_HASH.into()));
            return Ok(());
        };
        for other in self.owners_there(node, pkg) {
            let table = &self.db.table;
            let owner = || table.name(other, NameWhen::Always);
            self.report.debug(debug::CONFFDETAIL, || {
                msg!(
                    "%s: namenode '%s' owned by other %s?",
                    FUNCTION,
                    &name,
                    owner()
                )
            });
            if other != pkg {
                self.report.debug(debug::CONFF, || {
                    msg!(
                        "%s: namenode '%s' owned by other %s, remove-on-upgrade ignored",
                        FUNCTION,
                        &name,
                        owner()
                    )
                });
                return Ok(());
            }
        }
        let pkgname = self.db.table.name(pkg, NameWhen::NonAmbig);
        let mut unlink = |spot: &Spot| {
            if let Err(e) = spot.unlink().if_there() {
                let id = "%s: failed to remove '%.250s': %s";
                self.report.warning(msg!(id, &pkgname, spot, e));
            }
        };
        unlink(&path.with_suffix(b".dpkg-dist"));
        let hash = self.md5hash(pkg, &path)?;
        if hash == NONEXISTENT {
            return Ok(());
        }
        if Some(&hash[..]) == self.db.fsys.oldhash(node) {
            self.report
                .output(msg!("Removing obsolete conffile %s ...\n", &path));
            if let Err(e) = path.unlink().if_there() {
                let id = "%s: failed to remove '%.250s': %s";
                self.report.warning(msg!(id, &pkgname, &path, e));
            }
            return Ok(());
        }
        let kept = path.with_suffix(b".dpkg-old");
        self.report.output(msg!(
            "Obsolete conffile '%s' has been modified by you.\n",
            &path
        ));
        self.report.output(msg!("Saving as %s ...\n", &kept));
        if let Err(e) = path.rename(&kept) {
            self.report.warning(msg!(
                "%s: cannot rename obsolete conffile '%s' to '%s': %s",
                &pkgname,
                &path,
                &kept,
                e
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> std::result::Result<Option<(String, bool)>, String> {
        match parse_line(line.as_bytes()).1 {
            Ok(line) => Ok(line.map(|l| {
                (
                    String::from_utf8_lossy(l.path).into_owned(),
                    l.remove_on_upgrade,
                )
            })),
            Err(e) => Err(e.to_string()),
        }
    }

    #[test]
    fn lines_name_a_path_with_or_without_a_flag() {
        let some = |p: &str, f| Ok(Some((p.to_owned(), f)));
        assert_eq!(parsed("/etc/a b \t"), some("/etc/a b", false));
        assert_eq!(parsed("  "), Ok(None));
        assert_eq!(parsed("remove-on-upgrade /etc/a"), some("/etc/a", true));
        for (line, error) in [
            ("etc/a", "conffile name 'etc/a' is not an absolute pathname"),
            (
                "remove-on-upgrade etc/a",
                "conffile name 'etc/a' is not an absolute pathname",
            ),
            (
                "remove-on-upgrade  /etc/a",
                "conffile name ' /etc/a' is not an absolute pathname",
            ),
            ("keep /etc/a", "unknown flag 'keep' for conffile '/etc/a'"),
            (" /etc/a", "unknown flag '' for conffile '/etc/a'"),
        ] {
            assert_eq!(parsed(line), Err(error.to_owned()), "{line:?}");
        }
        assert!(parse_line(b"\t /etc/a").0.is_some());
        assert!(parse_line(b" /etc/a").0.is_none());
    }

    #[test]
    fn files_are_cut_as_stock_cuts_them() {
        let long = [b"/".repeat(LINE_MAX), b"x\n".to_vec()].concat();
        let cut: Vec<_> = lines(&long).collect();
        assert_eq!((cut[0].0.len(), cut[0].1), (LINE_MAX, false));
        assert_eq!(
            lines(b"/a\n\n/b").collect::<Vec<_>>(),
            [(&b"/a"[..], true), (b"", true), (b"/b", false)]
        );
    }
}
