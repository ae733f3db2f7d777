//! Pid files: a number in a file, by convention below `/run`.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::failed;
use super::process::Pid;
use crate::error::{Error, Result};
use crate::msg;
use crate::number;

/// No number is longer; what follows is of no interest.
const LENGTH: u64 = 4096;
/// The name that means "no pid file"; it is anyone's to write.
const NONE: &str = "/dev/null";

/// What a pid file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// There is none.
    Absent,
    /// No number.
    Nonsense,
    /// A number that no process has: for the kernel it would mean a group, or everybody.
    Nobody,
    /// This.
    Pid(Pid),
}

/// Read a pid file. One that everybody can write is refused. `alone` is whether nothing else is
/// known of the process: then whoever owns the file chooses what gets signalled, and it must
/// be root or we.
///
/// # Errors
/// The file cannot be read, or cannot be trusted.
pub fn read(path: &Path, alone: bool) -> Result<Content> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Content::Absent),
        Err(e) => return Err(failed(msg!("unable to open pidfile %s", path), e)),
    };
    if path.as_os_str() != NONE {
        check(path, &file, alone)?;
    }
    let mut text = Vec::new();
    // What cannot be read says nothing.
    let _ = file.take(LENGTH).read_to_end(&mut text);
    // As fscanf(3) has it, larger numbers lose their upper bits.
    Ok(match number::scan(&text, 10) {
        Some(number) => Pid::new(number.value as i32).map_or(Content::Nobody, Content::Pid),
        None => Content::Nonsense,
    })
}

fn check(path: &Path, file: &File, alone: bool) -> Result<()> {
    let meta = file
        .metadata()
        .map_err(|e| failed(msg!("cannot stat pidfile %s", path), e))?;
    let ours = |id: u32, own: u32| id == own || id == 0;
    let trusted = ours(meta.uid(), nix::unistd::getuid().as_raw())
        && ours(meta.gid(), nix::unistd::getgid().as_raw());
    if alone && !trusted {
        let what = "matching only on non-root pidfile %s is insecure";
        return Err(Error::new(msg!(what, path)));
    }
    if meta.mode() & 0o002 != 0 {
        let what = "matching on world-writable pidfile %s is insecure";
        return Err(Error::new(msg!(what, path)));
    }
    Ok(())
}

/// Write the number of a process to a pid file; a link in its place is not followed.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, pid: Pid) -> Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .map_err(|e| failed(msg!("unable to open pidfile '%s' for writing", path), e))?;
    file.write_all(format!("{pid}\n").as_bytes())
        .map_err(|e| failed(msg!("unable to close pidfile '%s'", path), e))
}

/// Remove a pid file, if it is there.
///
/// # Errors
/// It cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(failed(msg!("cannot remove pidfile '%s'", path), e))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn numbers_are_read_as_fscanf_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let pid = |n| Content::Pid(Pid::new(n).unwrap());
        for (text, content) in [
            ("12\n", pid(12)),
            (" \n\t+7 8", pid(7)),
            ("5abc", pid(5)),
            ("", Content::Nonsense),
            ("abc", Content::Nonsense),
            ("0", Content::Nobody),
            ("-1", Content::Nobody),
            ("99999999999", pid(1_215_752_191)),
            ("99999999999999999999", Content::Nobody),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            assert_eq!(read(&path, true).unwrap(), content, "{text:?}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o646)).unwrap();
        assert!(read(&path, false).is_err());
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(read(&path, true).unwrap(), Content::Absent);
    }
}
