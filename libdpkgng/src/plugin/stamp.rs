//! `/run/dpkg-ng/probed/NAME`: that the child process survived a plugin's file, as that file is, so that the next run of
//! this dpkg-ng need not try again. A try costs about a millisecond, as much as all else of a short command.
//!
//! Only what belongs to root is noted, and only by root; a note is believed if nobody else could have written it. It
//! is gone after the next start of the system.

use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::trust;

/// Where notes are.
const DIR: &str = "/run/dpkg-ng/probed";

/// A plugin's file, and the program that tried it.
pub struct Stamp {
    path: PathBuf,
    text: String,
}

fn identity(path: &Path) -> Option<String> {
    let is = fs::metadata(path).ok()?;
    Some(format!(
        "{} {} {} {}.{} {}.{}",
        is.dev(),
        is.ino(),
        is.size(),
        is.mtime(),
        is.mtime_nsec(),
        is.ctime(),
        is.ctime_nsec()
    ))
}

impl Stamp {
    /// Of a plugin whose file can be trusted; none, if it is not root's.
    pub fn of(plugin: &Path) -> Option<Stamp> {
        Stamp::in_dir(Path::new(DIR), plugin)
    }

    fn in_dir(dir: &Path, plugin: &Path) -> Option<Stamp> {
        if fs::metadata(plugin).ok()?.uid() != 0 {
            return None;
        }
        let program = identity(Path::new("/proc/self/exe"))?;
        let file = identity(plugin)?;
        let name: String = plugin.file_name()?.to_str()?.into();
        let shown = String::from_utf8_lossy(plugin.as_os_str().as_bytes());
        Some(Stamp {
            path: dir.join(name),
            text: format!("{shown}\n{file}\n{program}\n"),
        })
    }

    /// Whether it is noted that this file was survived.
    pub fn is_noted(&self) -> bool {
        let noted = fs::read(&self.path).is_ok_and(|text| text == self.text.as_bytes());
        noted && trust::check(&self.path).is_ok_and(|real| real == self.path)
    }

    /// Note it. That this fails only costs the next run its try.
    pub fn note(&self) {
        if nix::unistd::geteuid().is_root() {
            let _ = self.write();
        }
    }

    fn write(&self) -> std::io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(dir)?;
        let aside = self.path.with_extension(format!("{}", std::process::id()));
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&aside)?;
        file.write_all(self.text.as_bytes())?;
        fs::rename(&aside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_is_another_matter() {
        let dir = tempfile::tempdir().unwrap();
        let plugin = dir.path().join("plugin.so");
        fs::write(&plugin, "one").unwrap();
        let notes = dir.path().join("notes");
        let Some(stamp) = Stamp::in_dir(&notes, &plugin) else {
            assert!(!nix::unistd::geteuid().is_root(), "root's file has a stamp");
            return;
        };
        assert!(!stamp.is_noted());
        stamp.note();
        assert!(stamp.is_noted());
        fs::remove_file(&plugin).unwrap();
        fs::write(&plugin, "two").unwrap();
        let other = Stamp::in_dir(&notes, &plugin).unwrap();
        assert!(!other.is_noted());
        other.note();
        assert!(other.is_noted() && !stamp.is_noted());
        let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        fs::set_permissions(notes.join("plugin.so"), everybody).unwrap();
        assert!(!other.is_noted(), "anybody could have written it");
    }
}
