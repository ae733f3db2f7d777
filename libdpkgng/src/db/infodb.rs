//! `info/`: the control files of installed packages (db-ctrl-*.c).
//!
//! A file is called `NAME.KIND`, in format 1 `NAME:ARCH.KIND` for packages that are
//! `Multi-Arch: same`. `info/format` says which format it is; no such file is format 0, and a
//! `format-new` beside it is an upgrade that did not finish.

use std::io::{self, Read, Write};

use super::Database;
use crate::bail;
use crate::error::{Error, OrFail, Result};
use crate::msg;
use crate::pkg::{MultiArch, NameWhen, PkgId, Which};
use crate::report::{Reporter, debug};
use crate::state::Status;
use crate::sys::atomic::AtomicFile;
use crate::sys::place::{Absence, Spot, names};

/// A control file of an installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoFile {
    /// Where it is.
    pub spot: Spot,
    /// Its type: the part after the last dot (`postinst`, `list`, …).
    pub kind: String,
}

/// The control files of a package, found in `info/` one after the other.
#[derive(Debug)]
pub struct InfoFiles {
    dir: Spot,
    stem: String,
    names: std::vec::IntoIter<Vec<u8>>,
}

impl InfoFiles {
    /// The next one.
    pub fn next(&mut self, report: &mut dyn Reporter) -> Option<InfoFile> {
        for name in self.names.by_ref() {
            report.debug(debug::VERYDETAIL, || {
                msg!("infodb foreach info file '%s'", &name)
            });
            let Some((stem, kind)) = split_name(&name) else {
                continue;
            };
            if stem != self.stem.as_bytes() {
                continue;
            }
            report.debug(debug::STUPIDLYVERBOSE, || {
                msg!("infodb foreach file this pkg")
            });
            let kind = String::from_utf8_lossy(kind).into_owned();
            let spot = self.dir.child(&name);
            return Some(InfoFile { spot, kind });
        }
        None
    }
}

/// The newest format, the one that is written.
const MULTIARCH: i32 = 1;

/// As far as `info/format` is read.
const FORMAT_MAX: u64 = 4096;

/// What `info/format` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    version: i32,
    upgrading: bool,
}

/// `scanf("%u")`, and what becomes of it in an `int`.
fn scan_unsigned(text: &[u8]) -> Option<i32> {
    let start = text.iter().position(|c| !c.is_ascii_whitespace())?;
    let (negative, digits) = match &text[start..] {
        [b'-', d @ ..] => (true, d),
        [b'+', d @ ..] => (false, d),
        d => (false, d),
    };
    let count = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let value = digits[..count].iter().fold(0u64, |n, d| {
        n.saturating_mul(10).saturating_add(u64::from(d - b'0'))
    });
    let value = value as u32 as i32;
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

impl Database {
    /// `info/` itself (`pkg_infodb_get_dir`).
    pub fn infodb_dir(&self) -> Spot {
        self.dirs.admin("info")
    }

    fn format(&self) -> Result<Format> {
        if let Some(known) = self.modstat.infodb_format.get() {
            return Ok(*known);
        }
        let path = self.dirs.admin("info/format");
        let open = path.read().if_there();
        let mut version = match open.or_fail(|| msg!("error trying to open %.250s", &path))? {
            None => 0,
            Some(file) => {
                let mut text = Vec::new();
                let read = file.take(FORMAT_MAX).read_to_end(&mut text);
                match read {
                    // A directory is no number either.
                    Err(e) if e.kind() == io::ErrorKind::IsADirectory => {}
                    done => {
                        done.or_fail(|| msg!("cannot read %s", &path))?;
                    }
                }
                match scan_unsigned(&text) {
                    Some(version) => version,
                    None => bail!("corrupt info database format file '%s'", &path),
                }
            }
        };
        // Upgrades go one format at a time; what the new file says cannot be relied on yet.
        let new = path.with_suffix(b"-new");
        let upgrading = new.stat().if_there();
        let upgrading = upgrading
            .or_fail(|| msg!("unable to check existence of '%.250s'", &new))?
            .is_some();
        if upgrading {
            version = version.wrapping_add(1);
        }
        if !(0..=MULTIARCH).contains(&version) {
            bail!(
                "info database format (%d) is bogus or too new; try getting a newer dpkg",
                version
            );
        }
        let format = Format { version, upgrading };
        Ok(*self.modstat.infodb_format.get_or_init(|| format))
    }

    /// Read and check `info/format`, unless that was done (`pkg_infodb_get_format`).
    ///
    /// Whoever is the first to use one of the methods below without a `Result` in a run calls
    /// this before, so that a format from the future is an error and not a guess.
    pub fn infodb_format(&self) -> Result<u32> {
        Ok(self.format()?.version.unsigned_abs())
    }

    /// The part of a control file's name before the dot.
    fn infodb_stem(&self, pkg: PkgId, which: Which) -> String {
        let format = self.infodb_format().unwrap_or(MULTIARCH as u32);
        let same = self.table[pkg].bin(which).multiarch == MultiArch::Same;
        let when = if same && format == MULTIARCH as u32 {
            NameWhen::Always
        } else {
            NameWhen::Never
        };
        self.table.bin_name(pkg, which, when)
    }

    /// The path of one control file, whether or not it exists (`pkg_infodb_get_file`).
    pub fn infodb_file(&self, pkg: PkgId, which: Which, kind: &str) -> Spot {
        let stem = self.infodb_stem(pkg, which);
        self.dirs.admin(format!("info/{stem}.{kind}"))
    }

    /// Whether it exists (`pkg_infodb_has_file`).
    pub fn infodb_has_file(&self, pkg: PkgId, which: Which, kind: &str) -> Result<bool> {
        self.infodb_format()?;
        let path = self.infodb_file(pkg, which, kind);
        let found = path.lstat().if_there();
        let found = found.or_fail(|| msg!("unable to check existence of '%.250s'", &path))?;
        Ok(found.is_some())
    }

    /// All control files of a package, in directory order (`pkg_infodb_foreach`). They are given
    /// out one by one, as what is said on the way belongs between what is done with them.
    pub fn infodb_files(&self, pkg: PkgId, which: Which) -> Result<InfoFiles> {
        self.infodb_format()?;
        // All at once: the files may be renamed and deleted while they are gone through.
        Ok(InfoFiles {
            dir: self.infodb_dir(),
            stem: self.infodb_stem(pkg, which),
            names: self.infodb_names()?.into_iter(),
        })
    }

    /// What is left in `info/` of a package that is no longer installed, whose description does not
    /// tell any more which of two names its files had.
    pub(super) fn infodb_files_of_gone(&self, pkg: PkgId) -> Result<Vec<Spot>> {
        let table = &self.table;
        let stem = |when| table.bin_name(pkg, Which::Installed, when).into_bytes();
        let mut stems = vec![stem(NameWhen::Always)];
        // The plain name may be that of another instance.
        if table.installed_instances(table[pkg].set) == 0 {
            stems.push(stem(NameWhen::Never));
        }
        let is_its = |name: &Vec<u8>| {
            split_name(name).is_some_and(|(stem, _)| stems.iter().any(|own| own == stem))
        };
        let dir = self.infodb_dir();
        let there = dir.exists().if_there();
        let there = there.or_fail(|| msg!("unable to check existence of '%.250s'", &dir))?;
        let names = match there {
            Some(()) => self.infodb_names()?,
            None => Vec::new(),
        };
        let names = names.into_iter().filter(is_its);
        Ok(names.map(|name| dir.child(&name)).collect())
    }

    /// The names of everything in `info/`, in directory order.
    fn infodb_names(&self) -> Result<Vec<Vec<u8>>> {
        let fail = || msg!("cannot read info directory");
        let dir = self.infodb_dir();
        let open = dir.open(libc::O_RDONLY | libc::O_DIRECTORY, true);
        names(open.or_fail(fail)?).or_fail(fail)
    }

    /// Bring `info/` to the newest format, when the database is open for writing and that is
    /// needed (`pkg_infodb_upgrade`). Interrupted, it is finished by the next run.
    pub fn infodb_upgrade(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let format = self.format()?;
        if !self.mode().writes() || (format.version >= MULTIARCH && !format.upgrading) {
            return Ok(());
        }
        let path = self.dirs.admin("info/format");
        let file = AtomicFile::create(&path, true)?;
        let mut renames = Vec::new();
        let done = self.upgrade(file, &mut renames, report);
        if let Err(error) = done {
            undo_upgrade(&renames, &path.with_suffix(b"-new"))?;
            return Err(error);
        }
        done
    }

    fn upgrade(
        &mut self,
        mut file: AtomicFile,
        renames: &mut Vec<(Spot, Spot)>,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let dir = self.infodb_dir();
        for name in self.infodb_names()? {
            let Some((stem, kind)) = split_name(&name) else {
                continue;
            };
            if stem.contains(&b':') {
                continue;
            }
            let set = std::str::from_utf8(stem).ok();
            let set = set.and_then(|s| self.table.lookup_set(s));
            let installed = |p: &&PkgId| self.table[**p].status() != Status::NotInstalled;
            let pkg = set.and_then(|s| self.table[s].pkgs.iter().find(installed));
            let Some(&pkg) = pkg else {
                report.warning(msg!(
                    "info file %s/%s not associated to any package",
                    &dir,
                    &name
                ));
                continue;
            };
            if self.table[pkg].installed.multiarch != MultiArch::Same {
                continue;
            }
            let qualified = self.table.name(pkg, NameWhen::Always);
            let new = [qualified.as_bytes(), b".", kind].concat();
            let (old, new) = (dir.child(&name), dir.child(&new));
            link(&old, &new)?;
            renames.push((old, new));
        }
        let new_format = file.name_new().clone();
        writeln!(file, "{MULTIARCH}").or_fail(|| msg!("error while writing '%s'", &new_format))?;
        file.sync()?;
        file.close()?;
        crate::sys::dir::sync_parent(file.name())?;
        self.modstat.infodb_format = std::cell::OnceCell::from(Format {
            version: MULTIARCH,
            upgrading: false,
        });
        while let Some((old, _)) = renames.last() {
            old.unlink()
                .or_fail(|| msg!("cannot remove '%.250s'", old))?;
            renames.pop();
        }
        file.commit(false)?;
        crate::sys::dir::sync(&dir)
    }
}

/// `NAME.KIND` of a control file; nothing for dot files and files without a dot.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.first() == Some(&b'.') {
        return None;
    }
    let dot = memchr::memrchr(b'.', name)?;
    Some((&name[..dot], &name[dot + 1..]))
}

fn link(from: &Spot, to: &Spot) -> Result<()> {
    match from.link(to) {
        Err(e) if e.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        other => other.or_fail(|| msg!("error creating hard link '%.255s'", to)),
    }
}

/// Put back the old names and drop the new ones (`cu_abort_db_upgrade`).
fn undo_upgrade(renames: &[(Spot, Spot)], format_new: &Spot) -> Result<(), Error> {
    for (old, new) in renames.iter().rev() {
        link(new, old)?;
        new.unlink()
            .or_fail(|| msg!("cannot remove '%.250s'", new))?;
    }
    format_new
        .unlink()
        .if_there()
        .map(drop)
        .or_fail(|| msg!("cannot remove '%.250s'", format_new))
}
