//! Replacing a file as a whole: write `NAME-new`, make it durable, rename it into place, and
//! on request keep the old one as `NAME-old` (atomic-file.c).

use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::place::{Absence, Spot};
use crate::error::{OrFail, Result};
use crate::msg;

/// A new version of a file, not visible under its name until [`AtomicFile::commit`].
///
/// Dropping it half-way leaves `NAME-new` behind, as dpkg does: the next writer replaces it.
#[derive(Debug)]
pub struct AtomicFile {
    name: Spot,
    name_new: Spot,
    out: Option<BufWriter<File>>,
}

impl AtomicFile {
    /// Create `NAME-new`, mode 0644 whatever the umask; a link that lies there gives way. With
    /// `make_path` the directories above it are made when they are missing.
    pub fn create(name: &Spot, make_path: bool) -> Result<AtomicFile> {
        let mut name = name.clone();
        let mut name_new = name.with_suffix(b"-new");
        let mut opened = name_new.create_anew(0o666);
        if opened.is_err() && make_path {
            super::dir::make_parents(&name, 0o755)
                .or_fail(|| msg!("cannot create base directory for %s", &name))?;
            name = name.again();
            name_new = name.with_suffix(b"-new");
            opened = name_new.create_anew(0o666);
        }
        let file = opened.or_fail(|| msg!("unable to create new file '%.250s'", &name_new))?;
        // dpkg does not look at the result either: the file may be on a file system without modes.
        let _ = super::writeback::set_mode(&file, 0o644);
        Ok(AtomicFile {
            name,
            name_new,
            out: Some(BufWriter::new(file)),
        })
    }

    /// The file being replaced.
    pub fn name(&self) -> &Spot {
        &self.name
    }

    /// The file being written.
    pub fn name_new(&self) -> &Spot {
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
            let old = self.name.with_suffix(b"-old");
            old.unlink()
                .if_there()
                .or_fail(|| msg!("error removing old backup file '%s'", &old))?;
            self.name
                .link(&old)
                .if_there()
                .or_fail(|| msg!("error creating new backup file '%s'", &old))?;
        }
        self.name_new
            .rename(&self.name)
            .or_fail(|| msg!("error installing new file '%s'", &self.name))
    }

    /// Remove both the new file and the one it was to replace (`atomic_file_remove`).
    pub fn remove(mut self) -> Result<()> {
        self.close()?;
        self.name_new
            .unlink()
            .or_fail(|| msg!("cannot remove '%.250s'", &self.name_new))?;
        self.name
            .unlink()
            .if_there()
            .map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::place::Place;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn replaces_and_keeps_a_backup() {
        let dir = tempfile::tempdir().expect("tempdir");
        let spot = Place::new(dir.path()).spot(b"/sub/status");
        assert!(AtomicFile::create(&spot, false).is_err());
        for (text, backup) in [("one", true), ("two", true), ("three", false)] {
            let mut f = AtomicFile::create(&spot, true).expect("create");
            f.write_all(text.as_bytes()).expect("write");
            f.sync().expect("sync");
            f.commit(backup).expect("commit");
        }
        let path = |name: &str| dir.path().join("sub").join(name);
        let read = |name: &str| std::fs::read_to_string(path(name)).expect("read");
        assert_eq!(read("status"), "three");
        assert_eq!(read("status-old"), "one");
        assert!(!path("status-new").exists());
        let mode = std::fs::metadata(path("status")).expect("stat").mode();
        assert_eq!(mode & 0o7777, 0o644);
    }

    #[test]
    fn links_in_wait_lead_nowhere() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = |name: &str| dir.path().join(name);
        for hard in [false, true] {
            std::fs::write(path("victim"), "precious").expect("write");
            match hard {
                true => std::fs::hard_link(path("victim"), path("f-new")).expect("link"),
                false => symlink(path("victim"), path("f-new")).expect("symlink"),
            }
            let spot = Place::new(dir.path()).spot(b"/f");
            // A user's own link is followed, below the root.
            if !hard && !nix::unistd::geteuid().is_root() {
                assert!(AtomicFile::create(&spot, false).is_err());
                assert_eq!(std::fs::read(path("victim")).expect("read"), b"precious");
                std::fs::remove_file(path("f-new")).expect("remove");
                continue;
            }
            let mut f = AtomicFile::create(&spot, false).expect("create");
            f.write_all(b"new").expect("write");
            f.commit(true).expect("commit");
            assert_eq!(std::fs::read(path("f")).expect("read"), b"new");
            assert!(!path("f").is_symlink());
            assert_eq!(std::fs::read(path("victim")).expect("read"), b"precious");
        }
    }
}
