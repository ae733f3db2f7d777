//! Directories: making them with their parents, and making them durable (dir.c).

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{OrFail, Result};
use crate::msg;

/// Make `path` and all directories above it (`dir_make_path`).
pub fn make_path(path: &Path, mode: u32) -> io::Result<()> {
    let bytes = path.as_os_str().as_bytes();
    // The first slash is that of the root, of `.`, or of the first component's parent; dpkg
    // never makes what stands before it.
    let Some(mut slash) = memchr::memchr(b'/', bytes) else {
        return Ok(());
    };
    loop {
        let next = memchr::memchr(b'/', &bytes[slash + 1..]).map(|i| slash + 1 + i);
        let part = &bytes[..next.unwrap_or(bytes.len())];
        let dir = Path::new(std::ffi::OsStr::from_bytes(part));
        match std::fs::DirBuilder::new().mode(mode).create(dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        match next {
            Some(n) => slash = n,
            None => return Ok(()),
        }
    }
}

/// Make the directories above `path` (`dir_make_path_parent`).
pub fn make_parents(path: &Path, mode: u32) -> io::Result<()> {
    let bytes = path.as_os_str().as_bytes();
    match memchr::memrchr(b'/', bytes) {
        Some(slash) => make_path(
            Path::new(std::ffi::OsStr::from_bytes(&bytes[..slash])),
            mode,
        ),
        None => Err(io::Error::from_raw_os_error(libc::ENOENT)),
    }
}

/// Make the entries of a directory durable (`dir_sync_path`).
pub fn sync(path: &Path) -> Result<()> {
    let dir = File::open(path).or_fail(|| msg!("unable to open directory '%s'", path))?;
    dir.sync_all()
        .or_fail(|| msg!("unable to sync directory '%s'", path))
}

/// Make the entry of `path` in its directory durable (`dir_sync_path_parent`).
pub fn sync_parent(path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    match memchr::memrchr(b'/', bytes) {
        Some(slash) => sync(Path::new(std::ffi::OsStr::from_bytes(&bytes[..slash]))),
        None => Ok(()),
    }
}

/// For reading, as one that is open for writing cannot be run; what cannot be opened for writing is
/// the same error.
fn open_to_sync(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK);
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    let errno = match () {
        () if kind.is_dir() => libc::EISDIR,
        () if kind.is_fifo() => libc::ENXIO,
        () => return Ok(file),
    };
    Err(io::Error::from_raw_os_error(errno))
}

/// How many files of a directory are held open at most; how many there are is up to an archive.
const OPEN_MAX: usize = 32;

/// All files of a directory, and then itself, opened to be made durable, each by the name that
/// messages have for it (`dir_sync_contents`); those beyond [`OPEN_MAX`] are made durable here. A
/// named pipe among them is an error, not something to wait for.
pub fn open_contents(path: &Path) -> Result<Vec<(OsString, File)>> {
    let entries =
        std::fs::read_dir(path).or_fail(|| msg!("unable to open directory '%s'", path))?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        // As stock spells it, whose callers give the directory with a slash.
        let name = [path.as_os_str(), OsStr::new("/"), &entry.file_name()];
        let name: OsString = name.into_iter().collect();
        let file = open_to_sync(Path::new(&name));
        let file = file.or_fail(|| msg!("unable to open file '%s'", &name))?;
        if files.len() < OPEN_MAX {
            files.push((name, file));
            continue;
        }
        file.sync_all()
            .or_fail(|| msg!("unable to sync file '%s'", &name))?;
    }
    let dir = File::open(path).or_fail(|| msg!("unable to open directory '%s'", path))?;
    files.push((path.as_os_str().to_owned(), dir));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_and_synced() {
        let dir = tempfile::tempdir().expect("tempdir");
        let deep = dir.path().join("a/b/c");
        make_path(&deep, 0o755).expect("make");
        make_path(&deep, 0o755).expect("make again");
        assert!(deep.is_dir());
        make_parents(&dir.path().join("x/y/file"), 0o755).expect("parents");
        assert!(dir.path().join("x/y").is_dir());
        std::fs::write(deep.join("f"), "x").expect("write");
        let opened = open_contents(&deep).expect("open");
        let names: Vec<_> = opened.iter().map(|(name, _)| Path::new(name)).collect();
        assert_eq!(names, [deep.join("f"), deep.clone()]);
        for n in 0..2 * OPEN_MAX {
            std::fs::write(deep.join(n.to_string()), "x").expect("write");
        }
        assert_eq!(open_contents(&deep).expect("open").len(), OPEN_MAX + 1);
        let gone = sync(&dir.path().join("none")).expect_err("missing");
        assert!(gone.to_string().ends_with("': No such file or directory"));
    }
}
