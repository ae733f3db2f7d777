//! Replacing a file as a whole: write `NAME-new`, make it durable, rename it into place, and
//! on request keep the old one as `NAME-old` (atomic-file.c).

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{OrFail, Result};
use crate::msg;

/// A new version of a file, not visible under its name until [`AtomicFile::commit`].
///
/// Dropping it half-way leaves `NAME-new` behind, as dpkg does: the next writer truncates it.
#[derive(Debug)]
pub struct AtomicFile {
    name: PathBuf,
    name_new: PathBuf,
    out: Option<BufWriter<File>>,
}

/// `path` with `suffix` appended to its last component.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

impl AtomicFile {
    /// Create `NAME-new`, mode 0644 whatever the umask. With `make_path` the directories above
    /// it are made when they are missing.
    pub fn create(name: &Path, make_path: bool) -> Result<AtomicFile> {
        let name_new = with_suffix(name, "-new");
        let mut opened = File::create(&name_new);
        if opened.is_err() && make_path {
            super::dir::make_parents(name, 0o755)
                .or_fail(|| msg!("cannot create base directory for %s", name))?;
            opened = File::create(&name_new);
        }
        let file = opened.or_fail(|| msg!("unable to create new file '%.250s'", &name_new))?;
        // dpkg does not look at the result either: the file may be on a file system without modes.
        let _ = file.set_permissions(std::fs::Permissions::from_mode(0o644));
        Ok(AtomicFile {
            name: name.to_owned(),
            name_new,
            out: Some(BufWriter::new(file)),
        })
    }

    /// The file being replaced.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The file being written.
    pub fn name_new(&self) -> &Path {
        &self.name_new
    }

    /// The descriptor being written to, e.g. to give it an owner.
    pub fn file(&self) -> Option<&File> {
        self.out.as_ref().map(BufWriter::get_ref)
    }

    /// Write what is buffered and make it durable.
    pub fn sync(&mut self) -> Result<()> {
        let Some(out) = &mut self.out else {
            return Ok(());
        };
        out.flush()
            .or_fail(|| msg!("unable to flush new file '%.250s'", &self.name_new))?;
        out.get_ref()
            .sync_all()
            .or_fail(|| msg!("unable to sync new file '%.250s'", &self.name_new))
    }

    /// Write what is buffered and close.
    pub fn close(&mut self) -> Result<()> {
        let Some(mut out) = self.out.take() else {
            return Ok(());
        };
        out.flush()
            .or_fail(|| msg!("unable to close new file '%.250s'", &self.name_new))
    }

    /// Give the new file the old one's name. With `backup` the old one stays as `NAME-old`.
    pub fn commit(mut self, backup: bool) -> Result<()> {
        self.close()?;
        if backup {
            let old = with_suffix(&self.name, "-old");
            missing_is_fine(std::fs::remove_file(&old))
                .or_fail(|| msg!("error removing old backup file '%s'", &old))?;
            missing_is_fine(std::fs::hard_link(&self.name, &old))
                .or_fail(|| msg!("error creating new backup file '%s'", &old))?;
        }
        std::fs::rename(&self.name_new, &self.name)
            .or_fail(|| msg!("error installing new file '%s'", &self.name))
    }

    /// Remove both the new file and the one it was to replace (`atomic_file_remove`).
    pub fn remove(mut self) -> Result<()> {
        self.close()?;
        std::fs::remove_file(&self.name_new)
            .or_fail(|| msg!("cannot remove '%.250s'", &self.name_new))?;
        missing_is_fine(std::fs::remove_file(&self.name))
            .or_fail(|| msg!("cannot remove '%.250s'", &self.name))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.out {
            Some(out) => out.write(buf),
            None => Err(io::Error::from_raw_os_error(libc::EBADF)),
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_and_keeps_a_backup() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("sub/status");
        assert!(AtomicFile::create(&path, false).is_err());
        for (text, backup) in [("one", true), ("two", true), ("three", false)] {
            let mut f = AtomicFile::create(&path, true).expect("create");
            f.write_all(text.as_bytes()).expect("write");
            f.sync().expect("sync");
            f.commit(backup).expect("commit");
        }
        let read = |p: &Path| std::fs::read_to_string(p).expect("read");
        assert_eq!(read(&path), "three");
        assert_eq!(read(&with_suffix(&path, "-old")), "one");
        assert!(!with_suffix(&path, "-new").exists());
        let mode = std::fs::metadata(&path).expect("stat").permissions().mode();
        assert_eq!(mode & 0o7777, 0o644);
    }
}
