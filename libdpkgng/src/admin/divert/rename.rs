//! Moving a diverted file aside and back (`--rename`).

use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use crate::error::{OrFail, Result};
use crate::sys::dir;
use crate::sys::place::{Absence, Place, Spot, Stat};
use crate::{bail, msg};

/// What is tried out and copied into, next to a file.
const TEMPORARY: &str = ".dpkg-divert.tmp";

/// A path of the installed system, and what is there.
pub(super) struct End {
    spot: Spot,
    /// `None` until looked at; then what is there, if anything.
    seen: Option<Option<Stat>>,
}

impl End {
    pub(super) fn new(place: &Place, name: &[u8]) -> End {
        End {
            spot: place.spot(name),
            seen: None,
        }
    }

    /// What is there (`file_stat`).
    ///
    /// # Errors
    /// Any but that nothing is there.
    pub(super) fn look(&mut self) -> Result<Option<Stat>> {
        if let Some(seen) = self.seen {
            return Ok(seen);
        }
        let there = self.spot.lstat().if_there();
        let there = there.or_fail(|| msg!("cannot stat file '%s'", &self.spot))?;
        self.seen = Some(there);
        Ok(there)
    }

    /// Permissions alone do not tell whether a file system can be written to, and it must be
    /// known before anything is moved (`check_writable_dir`).
    fn check_writable(&self) -> Result<()> {
        let spot = self.spot.with_suffix(TEMPORARY.as_bytes());
        let checking = || msg!("error checking '%s'", &self.spot);
        spot.create_or_empty(0o600).or_fail(checking)?;
        spot.unlink().or_fail(checking)
    }
}

/// How a file gets from one end to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// By renaming it, or else by copying.
    Rename,
    /// It is there already, as another name of the same file: the first name goes.
    DropLink,
}

impl Move {
    /// `check_rename()`: `None` when there is nothing to move.
    ///
    /// # Errors
    /// A directory cannot be written to, or another file would be overwritten.
    pub(super) fn decide(from: &mut End, to: &mut End) -> Result<Option<Move>> {
        let Some(source) = from.look()? else {
            return Ok(None);
        };
        let target = to.look()?;
        from.check_writable()?;
        to.check_writable()?;
        match target {
            None => Ok(Some(Move::Rename)),
            Some(target) if (target.dev, target.ino) == (source.dev, source.ino) => {
                Ok(Some(Move::DropLink))
            }
            Some(_) => bail!(
                "rename involves overwriting '%s' with\n  different file '%s', not allowed",
                &to.spot,
                &from.spot
            ),
        }
    }

    /// `file_rename()`
    ///
    /// # Errors
    /// The file can neither be renamed nor copied.
    pub(super) fn perform(self, from: &End, to: &End) -> Result<()> {
        match self {
            Move::DropLink => from
                .spot
                .unlink()
                .or_fail(|| msg!("rename: remove duplicate old link '%s'", &from.spot))?,
            Move::Rename => relocate(&from.spot, &to.spot)?,
        }
        // What is noted from now on may rely on it.
        dir::sync_parent(&to.spot)?;
        dir::sync_parent(&from.spot)
    }
}

/// Give a file another name, on another file system by copying it.
fn relocate(from: &Spot, to: &Spot) -> Result<()> {
    match from.rename(to) {
        // Nothing else is mended by copying, which stock does after every error.
        Err(e) if matches!(e.raw_os_error(), Some(libc::EXDEV | libc::EPERM)) => {}
        done => return done.or_fail(|| msg!("cannot rename '%s' to '%s'", from, to)),
    }
    copy(from, to)?;
    from.unlink()
        .or_fail(|| msg!("unable to remove copied source file '%s'", from))
}

/// Between file systems (`file_copy`): what is at `from`, a symbolic link followed, appears at
/// `to` as a whole or not at all.
fn copy(from: &Spot, to: &Spot) -> Result<()> {
    let source = from
        .read()
        .or_fail(|| msg!("unable to open file '%s'", from))?;
    let temporary = to.with_suffix(TEMPORARY.as_bytes());
    let target = temporary
        .create_or_empty(0o600)
        .or_fail(|| msg!("unable to create file '%s'", &temporary))?;
    let done = fill(source, from, target, &temporary).and_then(|()| {
        temporary
            .rename(to)
            .or_fail(|| msg!("cannot rename '%s' to '%s'", &temporary, to))
    });
    if done.is_err() {
        // What went wrong first is what is told.
        let _ = temporary.unlink();
    }
    done
}

/// Give `target` the content, owner and mode of `source`, durably.
fn fill(mut source: File, from: &Spot, mut target: File, to: &Spot) -> Result<()> {
    copy_data(&mut source, &mut target)
        .map_err(|why| crate::err!("cannot copy '%s' to '%s': %s", from, to, why.msg))?;
    let meta = source
        .metadata()
        .or_fail(|| msg!("unable to stat source file '%.250s'", from))?;
    fchown(&target, Some(meta.uid()), Some(meta.gid()))
        .or_fail(|| msg!("unable to change ownership of target file '%.250s'", to))?;
    target
        .set_permissions(Permissions::from_mode(meta.mode() & !libc::S_IFMT))
        .or_fail(|| msg!("unable to set mode of target file '%.250s'", to))?;
    target
        .sync_all()
        .or_fail(|| msg!("unable to sync file '%s'", to))
}

fn copy_data(source: &mut File, target: &mut File) -> Result<()> {
    let mut buffer = vec![0; 1 << 15];
    loop {
        let n = source.read(&mut buffer).or_put(|| msg!("failed to read"))?;
        let data = buffer.get(..n).unwrap_or_default();
        if data.is_empty() {
            return Ok(());
        }
        target.write_all(data).or_put(|| msg!("failed to write"))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_copy_has_content_and_mode() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "text").expect("write");
        fs::set_permissions(path("a"), Permissions::from_mode(0o4711)).expect("chmod");
        let place = Place::new(dir.path());
        let mut ends = ["/a", "/b"].map(|n| End::new(&place, n.as_bytes()));
        let [from, to] = &mut ends;
        assert_eq!(Move::decide(from, to).expect("decide"), Some(Move::Rename));
        copy(&from.spot, &to.spot).expect("copy");
        assert_eq!(fs::read(path("b")).expect("read"), b"text");
        let mode = fs::metadata(path("b")).expect("stat").mode() & 0o7777;
        assert_eq!(mode, 0o4711);
        assert!(!path("b.dpkg-divert.tmp").exists());
    }

    #[test]
    fn what_lies_in_wait_is_not_followed() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), "text").expect("write");
        fs::write(path("victim"), "precious").expect("write");
        symlink("victim", path("a.dpkg-divert.tmp")).expect("symlink");
        let place = Place::new(dir.path());
        let mut ends = ["/a", "/b"].map(|n| End::new(&place, n.as_bytes()));
        let [from, to] = &mut ends;
        let error = Move::decide(from, to).expect_err("refused").to_string();
        assert!(error.starts_with("error checking '"), "{error}");
        assert_eq!(fs::read(path("victim")).expect("read"), b"precious");
    }
}
