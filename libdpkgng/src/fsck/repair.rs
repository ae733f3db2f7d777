//! Carrying repairs out.
//!
//! Whatever is replaced or moved away is first kept in `ADMINDIR/fsck-DATE-TIME/` (mode 0700): `admin/NAME` what was in the
//! directory of the database, `system/PATH` what was elsewhere, as another name of the same file, or as a copy where
//! that is on another file system. Then the new file is written under another name, made durable, and renamed. A process that is
//! killed anywhere leaves the old file or the new one, perhaps a name that the next check calls a leftover; nothing is lost, and
//! the next repair goes on.
//!
//! The caller holds dpkg's locks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::debs::each_member;
use super::{Action, Repair, Source, Where};
use crate::archive::tar::{Kind, Owners, TarEntry};
use crate::db::{Database, Dirs};
use crate::digest::{Hashing, Kind as Digest};
use crate::error::{Error, OrFail, Result};
use crate::report::Silent;
use crate::sys::clock::local_now;
use crate::sys::dir::{self, make_parents, make_path};
use crate::sys::place::{Absence, Spot, Stat};
use crate::sys::writeback::set_mode;
use crate::{bail, msg};

/// How many directories of the same second there may be.
const TRIES: u32 = 100;

/// What became of a repair.
#[derive(Debug)]
pub struct Done {
    /// What was to be done.
    pub repair: Repair,
    /// Where the file that was replaced is kept, if there was one; or why it was not done.
    pub outcome: Result<Option<Vec<u8>>>,
}

/// Where replaced files are kept; the directory is made with the first.
#[derive(Debug, Default)]
pub struct Keep {
    name: Option<String>,
}

impl Keep {
    /// The directory, if anything is kept.
    pub fn directory(&self, dirs: &Dirs) -> Option<Vec<u8>> {
        self.name
            .as_ref()
            .map(|name| dirs.admin(name).shown().to_vec())
    }

    /// Make the directory.
    fn make(&mut self, dirs: &Dirs) -> Result<String> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let now = local_now().or_fail(|| msg!("cannot get local time"))?;
        let (date, time) = (
            (now.year, now.month, now.day),
            (now.hour, now.minute, now.second),
        );
        let base = format!(
            "fsck-{:04}{:02}{:02}-{:02}{:02}{:02}",
            date.0, date.1, date.2, time.0, time.1, time.2
        );
        for number in 0..TRIES {
            let name = match number {
                0 => base.clone(),
                n => format!("{base}.{n}"),
            };
            let spot = dirs.admin(&name);
            match spot.mkdir_mode(0o700) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.or_fail(|| msg!("cannot create directory '%s'", &spot))?,
            }
            dir::sync_parent(&spot)?;
            self.name = Some(name.clone());
            return Ok(name);
        }
        bail!("cannot create directory '%s'", dirs.admin(&base).shown())
    }

    /// A name for a file in the directory, with the directories above it.
    fn place(&mut self, dirs: &Dirs, file: &Where) -> Result<Spot> {
        let name = self.make(dirs)?;
        let below = match file {
            Where::Admin(name) => [b"admin/", &name[..]].concat(),
            Where::System(path) => [b"system", &path[..]].concat(),
        };
        let path = [name.as_bytes(), b"/", &below].concat();
        let mut spot = dirs.admin(&path);
        make_parents(&spot, 0o755).or_fail(|| msg!("cannot create directory '%s'", &spot))?;
        spot = spot.again();
        let mut number = 0;
        while what_is_at(&spot)?.is_some() {
            number += 1;
            if number > TRIES {
                bail!("cannot create file '%s'", &spot);
            }
            spot = dirs.admin([&path[..], format!(".{number}").as_bytes()].concat());
        }
        Ok(spot)
    }

    /// Give a file another name in the directory; nothing if it is not there.
    fn keep(&mut self, dirs: &Dirs, file: &Where) -> Result<Option<Vec<u8>>> {
        let from = file.spot(dirs);
        let Some(stat) = what_is_at(&from)? else {
            return Ok(None);
        };
        let to = self.place(dirs, file)?;
        match from.link(&to) {
            // Of another file system, or one that has no such links.
            Err(e)
                if matches!(
                    e.raw_os_error(),
                    Some(libc::EXDEV | libc::EPERM | libc::EMLINK | libc::EOPNOTSUPP)
                ) =>
            {
                copy(&from, &to, &stat)?;
            }
            linked => linked.or_fail(|| msg!("cannot link '%s' to '%s'", &from, &to))?,
        }
        dir::sync_parent(&to)?;
        Ok(Some(to.shown().to_vec()))
    }
}

/// What is at a path, a link as itself; nothing, if nothing is.
fn what_is_at(spot: &Spot) -> Result<Option<Stat>> {
    let there = spot.lstat().if_there();
    there.or_fail(|| msg!("cannot stat '%s'", spot))
}

fn copy(from: &Spot, to: &Spot, stat: &Stat) -> Result<()> {
    let fail = || msg!("cannot copy '%s' to '%s'", from, to);
    if stat.is_symlink() {
        let target = from.readlink().or_fail(fail)?;
        return to.symlink(&target).or_fail(fail);
    }
    if !stat.is_file() {
        return Err(Error::os(fail(), io::Error::from_raw_os_error(libc::EXDEV)));
    }
    let mut old = File::from(from.open(libc::O_RDONLY, false).or_fail(fail)?);
    let mut new = to.create().or_fail(fail)?;
    io::copy(&mut old, &mut new).or_fail(fail)?;
    to.chown(stat.uid, stat.gid).or_fail(fail)?;
    set_mode(&new, stat.mode & 0o7777).or_fail(fail)?;
    new.sync_all().or_fail(fail)
}

/// Carry repairs out, one after the other; what fails does not keep the others from being done.
pub fn carry_out(db: &mut Database, keep: &mut Keep, repairs: &[&Repair]) -> Vec<Done> {
    let dirs = db.dirs.clone();
    let mut done = Vec::new();
    let mut archives: BTreeMap<Vec<u8>, Vec<&Repair>> = BTreeMap::new();
    for repair in repairs {
        match (&repair.action, &repair.source) {
            (Action::Extract { .. }, Source::Archive(path)) => {
                archives.entry(path.clone()).or_default().push(repair);
            }
            _ => done.push(Done {
                repair: (*repair).clone(),
                outcome: one(&dirs, keep, repair),
            }),
        }
    }
    for (path, wanted) in archives {
        done.extend(extract(db, keep, &path, &wanted));
    }
    done
}

fn one(dirs: &Dirs, keep: &mut Keep, repair: &Repair) -> Result<Option<Vec<u8>>> {
    // What was resolved before may have been replaced since.
    dirs.place().forget();
    match &repair.action {
        Action::Write {
            file,
            content,
            mode,
        } => replace(dirs, keep, file, content, *mode),
        Action::SetAside(file) => set_aside(dirs, keep, file),
        Action::Rename(from, to) => {
            let (from, to) = (from.spot(dirs), to.spot(dirs));
            if what_is_at(&to)?.is_some() {
                bail!("cannot create file '%s'", &to);
            }
            from.rename(&to)
                .or_fail(|| msg!("cannot rename '%s' to '%s'", &from, &to))?;
            dir::sync_parent(&to)?;
            Ok(None)
        }
        Action::Link(file, target) => {
            let spot = file.spot(dirs);
            let new = spot.with_suffix(b".dpkg-tmp");
            let fail = || msg!("error creating symbolic link '%.255s'", &spot);
            gone(&new)?;
            new.symlink(target).or_fail(fail)?;
            let kept = keep.keep(dirs, file)?;
            new.rename(&spot).or_fail(fail)?;
            dir::sync_parent(&spot)?;
            Ok(kept)
        }
        Action::Mode(file, mode) => {
            let spot = file.spot(dirs);
            spot.chmod(*mode)
                .or_fail(|| msg!("error setting permissions of '%.255s'", &spot))?;
            Ok(None)
        }
        Action::Extract { file, .. } => bail!("cannot open %s file", file.spot(dirs).shown()),
    }
}

fn gone(spot: &Spot) -> Result<()> {
    let removed = spot.unlink().if_there().map(drop);
    removed.or_fail(|| msg!("cannot remove '%.250s'", spot))
}

fn set_aside(dirs: &Dirs, keep: &mut Keep, file: &Where) -> Result<Option<Vec<u8>>> {
    let from = file.spot(dirs);
    let Some(stat) = what_is_at(&from)? else {
        return Ok(None);
    };
    if !stat.is_dir() {
        let kept = keep.keep(dirs, file)?;
        from.unlink()
            .or_fail(|| msg!("cannot remove '%.250s'", &from))?;
        dir::sync_parent(&from)?;
        return Ok(kept);
    }
    let to = keep.place(dirs, file)?;
    from.rename(&to)
        .or_fail(|| msg!("cannot rename '%s' to '%s'", &from, &to))?;
    dir::sync_parent(&to)?;
    dir::sync_parent(&from)?;
    Ok(Some(to.shown().to_vec()))
}

/// What a new file is called before it has its name.
fn suffix(file: &Where) -> &'static [u8] {
    match file {
        // There every other name is a group.
        Where::Admin(name) if name.starts_with(b"alternatives/") => b".dpkg-tmp",
        Where::Admin(_) => b"-new",
        Where::System(_) => b".dpkg-new",
    }
}

/// Give a file this content; owner and mode are those of the one that was there.
fn replace(
    dirs: &Dirs,
    keep: &mut Keep,
    file: &Where,
    content: &[u8],
    mode: Option<u32>,
) -> Result<Option<Vec<u8>>> {
    let mut spot = file.spot(dirs);
    make_parents(&spot, 0o755).or_fail(|| msg!("cannot create base directory for %s", &spot))?;
    spot = spot.again();
    let old = what_is_at(&spot)?;
    let new = spot.with_suffix(suffix(file));
    let fail = || msg!("unable to write new file '%.250s'", &new);
    let mut open = new.create_anew(0o600).or_fail(fail)?;
    open.write_all(content).or_fail(fail)?;
    if let Some(old) = &old {
        new.chown(old.uid, old.gid).or_fail(fail)?;
    }
    let old_mode = old.filter(Stat::is_file).map(|stat| stat.mode & 0o7777);
    set_mode(&open, mode.or(old_mode).unwrap_or(0o644)).or_fail(fail)?;
    open.sync_all().or_fail(fail)?;
    let kept = keep.keep(dirs, file)?;
    new.rename(&spot)
        .or_fail(|| msg!("error installing new file '%s'", &spot))?;
    dir::sync_parent(&spot)?;
    Ok(kept)
}

/// The accounts of the installed system.
struct Accounts<'d>(&'d Database);

impl Owners for Accounts<'_> {
    fn uid(&mut self, name: &[u8]) -> Result<Option<u32>> {
        self.0.uid_of(name)
    }
    fn gid(&mut self, name: &[u8]) -> Result<Option<u32>> {
        self.0.gid_of(name)
    }
}

/// Put members of one archive in their places.
fn extract(db: &mut Database, keep: &mut Keep, path: &[u8], repairs: &[&Repair]) -> Vec<Done> {
    let mut outcomes: Vec<Option<Result<Option<Vec<u8>>>>> = repairs.iter().map(|_| None).collect();
    // Without knowing them nothing can be given its owner and mode.
    let known = db.ensure_statoverrides(true, &mut Silent);
    let read = known.and_then(|()| {
        each_member(
            Path::new(std::ffi::OsStr::from_bytes(path)),
            |member, entry, tar| {
                let mut content = None;
                for (repair, outcome) in repairs.iter().zip(&mut outcomes) {
                    let Action::Extract {
                        file,
                        member: wanted,
                        digest,
                    } = &repair.action
                    else {
                        continue;
                    };
                    if wanted != member || outcome.is_some() {
                        continue;
                    }
                    if content.is_some() {
                        *outcome = Some(Err(crate::err!("cannot read '%s' twice", member)));
                        continue;
                    }
                    *outcome = Some(place(db, keep, file, entry, digest.as_deref(), tar));
                    content = Some(());
                }
                Ok(())
            },
        )
    });
    let fallback = match read {
        Err(e) => e,
        Ok(()) => crate::err!("cannot open %s file", path),
    };
    let ended = |outcome: Option<_>| outcome.unwrap_or_else(|| Err(fallback.clone()));
    repairs
        .iter()
        .zip(outcomes)
        .map(|(repair, outcome)| Done {
            repair: (*repair).clone(),
            outcome: ended(outcome),
        })
        .collect()
}

fn place(
    db: &mut Database,
    keep: &mut Keep,
    file: &Where,
    entry: &TarEntry,
    digest: Option<&[u8]>,
    data: &mut dyn Read,
) -> Result<Option<Vec<u8>>> {
    let mut entry = entry.clone();
    entry.resolve(&mut Accounts(db))?;
    if let Where::System(path) = file {
        let node = db.fsys.find(path);
        if let Some(value) = db.fsys.statoverride(node) {
            (entry.uid, entry.gid, entry.mode) = (value.uid, value.gid, value.mode);
        }
    }
    let dirs = db.dirs.clone();
    dirs.place().forget();
    let mut spot = file.spot(&dirs);
    make_parents(&spot, 0o755).or_fail(|| msg!("cannot create base directory for %s", &spot))?;
    spot = spot.again();
    let shown = spot.clone();
    let fail = || msg!("unable to create '%.255s'", &shown);
    if entry.kind == Kind::Directory {
        make_path(&spot, 0o700).or_fail(fail)?;
        spot = spot.again();
        spot.chown(entry.uid, entry.gid).or_fail(fail)?;
        spot.chmod(entry.mode).or_fail(fail)?;
        dir::sync_parent(&spot)?;
        return Ok(None);
    }
    let new = spot.with_suffix(b".dpkg-new");
    if entry.kind == Kind::Symlink {
        gone(&new)?;
        new.symlink(&entry.linkname).or_fail(fail)?;
        new.chown(entry.uid, entry.gid).or_fail(fail)?;
    } else {
        let mut open = new.create_anew(0).or_fail(fail)?;
        let mut hashing = Hashing::new(&mut *data, Digest::Md5);
        io::copy(&mut hashing, &mut open).or_fail(fail)?;
        let (_, found) = hashing.finish();
        if digest.is_some_and(|wanted| wanted != found.as_bytes()) {
            bail!(
                "cannot compute MD5 digest for file '%s': %s",
                &spot,
                msg!("other content")
            );
        }
        new.chown(entry.uid, entry.gid).or_fail(fail)?;
        set_mode(&open, entry.mode).or_fail(fail)?;
        open.sync_all().or_fail(fail)?;
    }
    new.set_times(entry.mtime, entry.mtime).or_fail(fail)?;
    if what_is_at(&spot)?.is_some_and(|stat| stat.is_dir()) {
        bail!("unable to create '%.255s'", &spot);
    }
    let kept = keep.keep(&dirs, file)?;
    new.rename(&spot)
        .or_fail(|| msg!("error installing new file '%s'", &spot))?;
    dir::sync_parent(&spot)?;
    Ok(kept)
}
