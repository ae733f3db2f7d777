//! Directories: making them with their parents, and making them durable (dir.c).

use std::fs::File;
use std::io;

use super::place::{Absence, Spot, names};
use crate::error::{OrFail, Result};
use crate::msg;

/// Make a directory and all directories above it (`dir_make_path`).
pub fn make_path(spot: &Spot, mode: u32) -> io::Result<()> {
    let path = spot.shown();
    // The first slash is that of the root, of `.`, or of the first component's parent; dpkg
    // never makes what stands before it.
    let Some(first) = memchr::memchr(b'/', path) else {
        return Ok(());
    };
    let slashes = memchr::memchr_iter(b'/', &path[first + 1..]).map(|i| first + 1 + i);
    for end in slashes.chain([path.len()]) {
        match spot.above(end).mkdir_mode(mode) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
    }
    Ok(())
}

/// Make the directories above a path (`dir_make_path_parent`).
pub fn make_parents(spot: &Spot, mode: u32) -> io::Result<()> {
    match spot.shown_parent() {
        Some(parent) => make_path(&spot.above(parent.len()), mode),
        None => Err(io::Error::from_raw_os_error(libc::ENOENT)),
    }
}

/// Make the entries of a directory durable (`dir_sync_path`).
pub fn sync(dir: &Spot) -> Result<()> {
    let open = dir
        .read()
        .or_fail(|| msg!("unable to open directory '%s'", dir))?;
    open.sync_all()
        .or_fail(|| msg!("unable to sync directory '%s'", dir))
}

/// Make the entry of a path in its directory durable (`dir_sync_path_parent`).
pub fn sync_parent(spot: &Spot) -> Result<()> {
    let Some(parent) = spot.shown_parent() else {
        return Ok(());
    };
    let open = spot
        .open_parent()
        .or_fail(|| msg!("unable to open directory '%s'", parent))?;
    sync_open(File::from(open), parent)
}

/// The same where the directory may be missing, as may be what was in it.
pub fn sync_parent_if_there(spot: &Spot) -> Result<()> {
    let Some(parent) = spot.shown_parent() else {
        return Ok(());
    };
    let open = spot.open_parent().if_there();
    match open.or_fail(|| msg!("unable to open directory '%s'", parent))? {
        Some(open) => sync_open(File::from(open), parent),
        None => Ok(()),
    }
}

fn sync_open(dir: File, shown: &[u8]) -> Result<()> {
    dir.sync_all()
        .or_fail(|| msg!("unable to sync directory '%s'", shown))
}

/// How many files of a directory are held open at most; how many there are is up to an archive.
const OPEN_MAX: usize = 32;

/// All files of a directory, and then itself, opened to be made durable, each by the name that
/// messages have for it (`dir_sync_contents`); those beyond [`OPEN_MAX`] are made durable here. A
/// named pipe among them is an error, not something to wait for; so is a symbolic link that leads out of the directory. They are open for reading,
/// as a program that is open for writing cannot be run.
pub fn open_contents(dir: &Spot) -> Result<Vec<(Vec<u8>, File)>> {
    // As stock spells it, whose callers give the directory with a slash.
    let dir_shown = [dir.shown(), b"/"].concat();
    let cannot = || msg!("unable to open directory '%s'", &dir_shown);
    let open = dir.open(libc::O_RDONLY | libc::O_DIRECTORY, true);
    let mut names = names(open.or_fail(cannot)?).or_fail(cannot)?;
    names.retain(|name| !matches!(&name[..], b"." | b".."));
    let mut files = Vec::new();
    for name in names {
        let file = dir.child(&name);
        let shown = [&dir_shown[..], b"/", &name].concat();
        let cannot = || msg!("unable to open file '%s'", &shown);
        let stat = file.lstat().or_fail(cannot)?;
        // What it leads to is made durable under its own name.
        if stat.is_symlink() && !file.readlink().or_fail(cannot)?.contains(&b'/') {
            continue;
        }
        let open = match stat.kind() {
            // As if it were opened for writing.
            libc::S_IFDIR => Err(io::Error::from_raw_os_error(libc::EISDIR)),
            libc::S_IFIFO => Err(io::Error::from_raw_os_error(libc::ENXIO)),
            _ => file.open(libc::O_RDONLY | libc::O_NONBLOCK, false),
        };
        let open = File::from(open.or_fail(cannot)?);
        if files.len() < OPEN_MAX {
            files.push((shown, open));
            continue;
        }
        open.sync_all()
            .or_fail(|| msg!("unable to sync file '%s'", &shown))?;
    }
    let open = dir.read().or_fail(cannot)?;
    files.push((dir_shown, open));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::place::Place;
    use std::os::unix::fs::symlink;

    #[test]
    fn paths_are_made_and_synced() {
        let dir = tempfile::tempdir().expect("tempdir");
        let place = Place::new(&dir.path().join("root"));
        let deep = place.spot(b"/a/b/c");
        make_path(&deep, 0o755).expect("make, the root too");
        make_path(&deep, 0o755).expect("make again");
        let real = dir.path().join("root/a/b/c");
        assert!(real.is_dir());
        make_parents(&place.spot(b"/x/y/file"), 0o755).expect("parents");
        assert!(dir.path().join("root/x/y").is_dir());
        std::fs::write(real.join("f"), "x").expect("write");
        symlink("f", real.join("l")).expect("symlink");
        let opened = open_contents(&place.spot(b"/a/b/c")).expect("open");
        let shown = |(name, _): &(Vec<u8>, File)| String::from_utf8_lossy(name).into_owned();
        let shown: Vec<_> = opened.iter().map(shown).collect();
        let real_shown = real.to_string_lossy();
        assert_eq!(
            shown,
            [format!("{real_shown}//f"), format!("{real_shown}/")]
        );
        for n in 0..2 * OPEN_MAX {
            std::fs::write(real.join(n.to_string()), "x").expect("write");
        }
        let many = open_contents(&place.spot(b"/a/b/c")).expect("open");
        assert_eq!(many.len(), OPEN_MAX + 1);
        std::fs::write(dir.path().join("outside"), "x").expect("write");
        symlink(dir.path().join("outside"), real.join("out")).expect("symlink");
        let out = open_contents(&place.spot(b"/a/b/c")).expect_err("a link out");
        assert_eq!(out.errno, Some(libc::ELOOP));
        let gone = sync(&place.spot(b"/none")).expect_err("missing");
        assert!(gone.to_string().ends_with("': No such file or directory"));
    }
}
