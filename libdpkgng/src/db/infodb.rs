//! `info/`: the control files of installed packages (db-ctrl-*.c).
//!
//! A file is called `NAME.KIND`, in format 1 `NAME:ARCH.KIND` for packages that are
//! `Multi-Arch: same`. `info/format` says which format it is; no such file is format 0, and a
//! `format-new` beside it is an upgrade that did not finish.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::Database;
use crate::bail;
use crate::error::{Error, OrFail, Result};
use crate::msg;
use crate::pkg::{MultiArch, NameWhen, PkgId, Which};
use crate::report::{Reporter, debug};
use crate::state::Status;
use crate::sys::atomic::{AtomicFile, with_suffix};

/// A control file of an installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its type: the part after the last dot (`postinst`, `list`, …).
    pub kind: String,
}

/// The control files of a package, found in `info/` one after the other.
#[derive(Debug)]
pub struct InfoFiles {
    dir: PathBuf,
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
            let path = self.dir.join(OsStr::from_bytes(&name));
            return Some(InfoFile { path, kind });
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
    pub fn infodb_dir(&self) -> PathBuf {
        self.dirs.admin("info")
    }

    fn format(&self) -> Result<Format> {
        if let Some(known) = self.modstat.infodb_format.get() {
            return Ok(*known);
        }
        let path = self.infodb_dir().join("format");
        let mut version = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
            Err(e) => return Err(e).or_fail(|| msg!("error trying to open %.250s", &path)),
            Ok(file) => {
                let mut text = Vec::new();
                // What cannot be read is no number either.
                let _ = file.take(FORMAT_MAX).read_to_end(&mut text);
                match scan_unsigned(&text) {
                    Some(version) => version,
                    None => bail!("corrupt info database format file '%s'", &path),
                }
            }
        };
        // Upgrades go one format at a time; what the new file says cannot be relied on yet.
        let upgrading = fs::metadata(with_suffix(&path, "-new")).is_ok();
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
    pub fn infodb_file(&self, pkg: PkgId, which: Which, kind: &str) -> PathBuf {
        let name = format!("{}.{kind}", self.infodb_stem(pkg, which));
        self.infodb_dir().join(name)
    }

    /// Whether it exists (`pkg_infodb_has_file`).
    pub fn infodb_has_file(&self, pkg: PkgId, which: Which, kind: &str) -> Result<bool> {
        self.infodb_format()?;
        let path = self.infodb_file(pkg, which, kind);
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e).or_fail(|| msg!("unable to check existence of '%.250s'", &path)),
        }
    }

    /// All control files of a package, in directory order (`pkg_infodb_foreach`). They are given
    /// out one by one, as what is said on the way belongs between what is done with them.
    pub fn infodb_files(&self, pkg: PkgId, which: Which) -> Result<InfoFiles> {
        self.infodb_format()?;
        let dir = self.infodb_dir();
        let fail = || msg!("cannot read info directory");
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut open = Dir::open(&dir, flags, Mode::empty()).or_fail(fail)?;
        // All at once: the files may be renamed and deleted while they are gone through.
        let names: Vec<Vec<u8>> = open
            .iter()
            .flatten()
            .map(|e| e.file_name().to_bytes().to_vec())
            .collect();
        Ok(InfoFiles {
            dir,
            stem: self.infodb_stem(pkg, which),
            names: names.into_iter(),
        })
    }

    /// Paths and names of everything in `info/`, in directory order.
    fn infodb_entries(&self) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let entries =
            fs::read_dir(self.infodb_dir()).or_fail(|| msg!("cannot read info directory"))?;
        let named = |e: fs::DirEntry| (e.path(), e.file_name().as_bytes().to_vec());
        Ok(entries.flatten().map(named).collect())
    }

    /// Bring `info/` to the newest format, when the database is open for writing and that is
    /// needed (`pkg_infodb_upgrade`). Interrupted, it is finished by the next run.
    pub fn infodb_upgrade(&mut self, report: &mut dyn Reporter) -> Result<()> {
        let format = self.format()?;
        if !self.mode().writes() || (format.version >= MULTIARCH && !format.upgrading) {
            return Ok(());
        }
        let path = self.infodb_dir().join("format");
        let file = AtomicFile::create(&path, true)?;
        let mut renames = Vec::new();
        let done = self.upgrade(file, &mut renames, report);
        if let Err(error) = done {
            undo_upgrade(&renames, &with_suffix(&path, "-new"))?;
            return Err(error);
        }
        done
    }

    fn upgrade(
        &mut self,
        mut file: AtomicFile,
        renames: &mut Vec<(PathBuf, PathBuf)>,
        report: &mut dyn Reporter,
    ) -> Result<()> {
        let dir = self.infodb_dir();
        for (old, name) in self.infodb_entries()? {
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
            let new = dir.join(OsStr::from_bytes(&new));
            link(&old, &new)?;
            renames.push((old, new));
        }
        let new_format = file.name_new().to_owned();
        writeln!(file, "{MULTIARCH}").or_fail(|| msg!("error while writing '%s'", &new_format))?;
        file.sync()?;
        file.close()?;
        crate::sys::dir::sync_parent(file.name())?;
        self.modstat.infodb_format = std::cell::OnceCell::from(Format {
            version: MULTIARCH,
            upgrading: false,
        });
        while let Some((old, _)) = renames.last() {
            fs::remove_file(old).or_fail(|| msg!("cannot remove '%.250s'", old))?;
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

fn link(from: &Path, to: &Path) -> Result<()> {
    match fs::hard_link(from, to) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.or_fail(|| msg!("error creating hard link '%.255s'", to)),
    }
}

/// Put back the old names and drop the new ones (`cu_abort_db_upgrade`).
fn undo_upgrade(renames: &[(PathBuf, PathBuf)], format_new: &Path) -> Result<(), Error> {
    for (old, new) in renames.iter().rev() {
        link(new, old)?;
        fs::remove_file(new).or_fail(|| msg!("cannot remove '%.250s'", new))?;
    }
    match fs::remove_file(format_new) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.or_fail(|| msg!("cannot remove '%.250s'", format_new)),
    }
}
