//! What `dpkg-deb --build` checks before it builds.

use std::fs::Metadata;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{BuildOptions, ignoring, joined};
use crate::arch::{ArchTable, ArchType, BUILD_ARCHITECTURE};
use crate::control::{self, ParseFlags};
use crate::error::{Error, OrFail as _, Result};
use crate::msg::until_nul;
use crate::pkg::{PkgTable, Priority};
use crate::report::{Event, Reporter};
use crate::sys::place::Spot;
use crate::version::Epoch;
use crate::{bail, msg};

/// Longest line of a conffiles file, with its newline.
const CONFFILE_MAX: u64 = 1000;
const SCRIPTS: [&str; 5] = ["preinst", "postinst", "prerm", "postrm", "config"];
const ROOTLESS: &str = "https://wiki.debian.org/Teams/Dpkg/RootlessBuilds";

/// What the control file says about the package being built.
pub(super) struct Identity {
    pub name: Vec<u8>,
    /// Without its epoch, as file names have it.
    pub version: Vec<u8>,
    pub arch: Vec<u8>,
}

/// Counts the warnings that pass by.
struct Counting<'a> {
    inner: &'a mut dyn Reporter,
    warnings: u64,
}

impl Reporter for Counting<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.warnings += u64::from(matches!(event, Event::Warning(_)));
        self.inner.event(event);
    }
    fn debug_flags(&self) -> u32 {
        self.inner.debug_flags()
    }
    fn check(&mut self) -> Result<()> {
        self.inner.check()
    }
}

/// All checks, in dpkg's order.
pub(super) fn check_build_files(
    ctrl_dir: &Path,
    root: &Path,
    options: &BuildOptions,
    report: &mut dyn Reporter,
) -> Result<Identity> {
    let mut counting = Counting {
        inner: report,
        warnings: 0,
    };
    let counted: &mut dyn Reporter = &mut counting;
    let identity = control_file(&joined(ctrl_dir, b"control"), counted)?;
    control_perms(ctrl_dir)?;
    if !options.root_owner_group {
        root_perms(root, &options.hint_prefix, counted)?;
    }
    conffiles(ctrl_dir, root, counted)?;
    let warnings = counting.warnings;
    if warnings > 0 {
        report.warning(ignoring(warnings));
    }
    Ok(identity)
}

/// The control file, through the parser that will read it when the package is installed.
fn control_file(path: &Path, report: &mut dyn Reporter) -> Result<Identity> {
    let mut table = PkgTable::new(ArchTable::new(BUILD_ARCHITECTURE));
    let spot = Spot::path(path.as_os_str().as_bytes());
    let (_, pkg) = control::parse_file(&spot, ParseFlags::BINARY, &mut table, report)?;
    let Some(pkg) = pkg else {
        return Err(Error::internal(msg!("no package in '%s'", path)));
    };
    let name = table.set_name(pkg);
    let is_good = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+-.".contains(&c);
    if !name.bytes().all(is_good) {
        bail!("package name has characters that aren't lowercase alphanums or '-+.'");
    }
    let available = &table[pkg].available;
    if matches!(
        table.arches.kind(available.arch),
        ArchType::None | ArchType::Empty
    ) {
        bail!("package architecture is missing or empty");
    }
    if let Priority::Other(word) = &table[pkg].priority {
        report.warning(msg!(
            "'%s' contains user-defined Priority value '%s'",
            path,
            word
        ));
    }
    Ok(Identity {
        name: name.as_bytes().to_vec(),
        version: available.version.to_bytes(Epoch::Never),
        arch: table.arches.name(available.arch).as_bytes().to_vec(),
    })
}

fn control_perms(ctrl_dir: &Path) -> Result<()> {
    let stat = std::fs::symlink_metadata(joined(ctrl_dir, b""))
        .or_fail(|| msg!("unable to stat control directory"))?;
    if !stat.is_dir() {
        bail!("control directory is not a directory");
    }
    if stat.mode() & 0o7757 != 0o755 {
        bail!(
            "control directory has bad permissions %03lo (must be >=0755 and <=0775)",
            stat.mode() & 0o7777
        );
    }
    for script in SCRIPTS {
        let stat = match std::fs::symlink_metadata(joined(ctrl_dir, script.as_bytes())) {
            Ok(stat) => stat,
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => {
                return Err(Error::os(
                    msg!("maintainer script '%.50s' is not stattable", script),
                    e,
                ));
            }
        };
        if stat.is_symlink() {
            continue;
        }
        if !stat.is_file() {
            bail!(
                "maintainer script '%.50s' is not a plain file or symlink",
                script
            );
        }
        if stat.mode() & 0o7557 != 0o555 {
            bail!(
                "maintainer script '%.50s' has bad permissions %03lo (must be >=0555 and <=0775)",
                script,
                stat.mode() & 0o7777
            );
        }
    }
    Ok(())
}

fn root_perms(root: &Path, hint_prefix: &[u8], report: &mut dyn Reporter) -> Result<()> {
    let stat = std::fs::symlink_metadata(root)
        .or_fail(|| msg!("cannot get root directory %s metadata", root))?;
    if !stat.is_dir() {
        bail!("root pathname %s is not a directory", root);
    }
    if stat.uid() != 0 || stat.gid() != 0 {
        report.warning(msg!(
            "root directory %s has unusual owner or group %u:%u",
            root,
            stat.uid(),
            stat.gid()
        ));
        report.output(msg!(
            "%s %s\n",
            hint_prefix,
            msg!(
                "you might need to pass --root-owner-group, see <%s> for further details",
                ROOTLESS
            )
        ));
    }
    Ok(())
}

fn conffiles(ctrl_dir: &Path, root: &Path, report: &mut dyn Reporter) -> Result<()> {
    let file = match std::fs::File::open(joined(ctrl_dir, b"conffiles")) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::os(msg!("error opening conffiles file"), e)),
    };
    let mut file = BufReader::new(file);
    let mut seen = std::collections::HashSet::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        (&mut file)
            .take(CONFFILE_MAX)
            .read_until(b'\n', &mut line)
            .or_fail(|| msg!("error reading conffiles file"))?;
        if line.is_empty() {
            return Ok(());
        }
        line.truncate(until_nul(&line).len());
        if line.is_empty() {
            // The errno is that of some file which stock looked for before.
            let why = std::io::Error::from_raw_os_error(libc::ENOENT);
            let what = msg!("empty string from fgets reading conffiles");
            return Err(Error::os(what, why));
        }
        let (name, remove_on_upgrade) = conffile_line(&line)?;
        let stat = std::fs::symlink_metadata(std::ffi::OsStr::from_bytes(
            &[root.as_os_str().as_bytes(), name].concat(),
        ));
        conffile(name, remove_on_upgrade, stat, report)?;
        if !seen.insert(name.to_vec()) {
            report.warning(msg!("conffile name '%s' is duplicated", name));
        }
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// The path of a line, and whether it has the flag `remove-on-upgrade`.
fn conffile_line(line: &[u8]) -> Result<(&[u8], bool)> {
    let Some(line) = line.strip_suffix(b"\n") else {
        bail!(
            "conffile name '%s' is too long, or missing final newline",
            line
        );
    };
    let indent = line.iter().take_while(|&&c| is_space(c)).count();
    if indent > 0 {
        match line.get(indent..).unwrap_or_default() {
            b"" => bail!("empty and whitespace-only lines are not allowed in conffiles"),
            name => bail!(
                "line with conffile filename '%s' has leading white spaces",
                name
            ),
        }
    }
    if line.starts_with(b"/") {
        return Ok((line, false));
    }
    let Some(space) = memchr::memchr(b' ', line) else {
        bail!("conffile name '%s' is not an absolute pathname", line);
    };
    let (flag, rest) = line.split_at(space);
    let name = rest.get(1..).unwrap_or_default();
    match name.first() {
        Some(b'/') => {}
        Some(_) => bail!("conffile name '%s' is not an absolute pathname", name),
        None => bail!("conffile name missing after flag '%s'", flag),
    }
    if flag != b"remove-on-upgrade" {
        bail!("unknown flag '%s' for conffile '%s'", flag, name);
    }
    Ok((name, true))
}

fn conffile(
    name: &[u8],
    remove_on_upgrade: bool,
    stat: std::io::Result<Metadata>,
    report: &mut dyn Reporter,
) -> Result<()> {
    match stat {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            if name.len() > 1 && name.last().is_some_and(|&c| is_space(c)) {
                report.warning(msg!(
                    "conffile filename '%s' contains trailing white spaces",
                    name
                ));
            }
            if !remove_on_upgrade {
                bail!("conffile '%.250s' does not appear in package", name);
            }
        }
        Err(e) => {
            return Err(Error::os(
                msg!("conffile '%.250s' is not stattable", name),
                e,
            ));
        }
        Ok(_) if remove_on_upgrade => {
            bail!(
                "conffile '%s' is present but is requested to be removed",
                name
            );
        }
        Ok(stat) if !stat.is_file() => {
            report.warning(msg!("conffile '%s' is not a plain file", name));
        }
        Ok(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conffile_lines() {
        let line = |text: &str| {
            conffile_line(text.as_bytes())
                .map(|(name, flag)| (String::from_utf8_lossy(name).into_owned(), flag))
                .map_err(|e| e.to_string())
        };
        // src/at/deb-content.at of dpkg and its build.c.
        assert_eq!(line("/a b\n"), Ok(("/a b".into(), false)));
        assert_eq!(line("remove-on-upgrade /a\n"), Ok(("/a".into(), true)));
        for (text, want) in [
            (
                "/a",
                "conffile name '/a' is too long, or missing final newline",
            ),
            ("\n", "conffile name '' is not an absolute pathname"),
            (
                "  \n",
                "empty and whitespace-only lines are not allowed in conffiles",
            ),
            (
                " /a\n",
                "line with conffile filename '/a' has leading white spaces",
            ),
            ("a\n", "conffile name 'a' is not an absolute pathname"),
            (
                "remove-on-upgrade \n",
                "conffile name missing after flag 'remove-on-upgrade'",
            ),
            ("x /a\n", "unknown flag 'x' for conffile '/a'"),
            ("x a\n", "conffile name 'a' is not an absolute pathname"),
        ] {
            assert_eq!(line(text), Err(want.into()), "{text:?}");
        }
    }
}
