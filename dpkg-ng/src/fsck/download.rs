//! `--download`: archives that repairs need and nobody has, by apt, which also checks what it gets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libdpkgng::db::Dirs;
use libdpkgng::error::{OrFail, Result};
use libdpkgng::fsck::Wanted;
use libdpkgng::msg;

/// A directory of our own, which goes with this.
pub struct Downloads {
    dir: PathBuf,
}

impl Downloads {
    /// Make it.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new() -> Result<Downloads> {
        let template = std::env::temp_dir().join("dpkg-ng-fsck.XXXXXX");
        let dir = nix::unistd::mkdtemp(&template)
            .or_fail(|| msg!("unable to create temporary directory"))?;
        Ok(Downloads { dir })
    }

    /// Where the archives are.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Fetch the archive of a package; whether apt could. What it says goes to standard error.
    ///
    /// # Errors
    /// There is no apt.
    pub fn fetch(&self, wanted: &Wanted, dirs: &Dirs) -> Result<bool> {
        let mut command = Command::new("apt-get");
        let mut option = |name: &str, value: &[u8]| {
            let option = [name.as_bytes(), b"=", value].concat();
            command.arg("-o").arg(OsStr::from_bytes(&option));
        };
        if !dirs.inst_is_root() {
            // The sources and lists of that system, by the apt of this one: `RootDir` would have it run
            // that system's programs, too.
            for (name, path) in [
                ("Dir::Etc", &b"/etc/apt/"[..]),
                ("Dir::State", b"/var/lib/apt/"),
            ] {
                option(name, dirs.inst(path).shown());
            }
            option("Dir::State::status", dirs.admin("status").shown());
            option("Dir::Cache", self.dir.as_os_str().as_bytes());
            option("Dir::Cache::pkgcache", b"");
            option("Dir::Cache::srcpkgcache", b"");
        }
        let mut name = wanted.package.clone();
        if wanted.arch != b"all" {
            option("APT::Architectures::", &wanted.arch);
            name = [&name[..], b":", &wanted.arch].concat();
        }
        // As root it would have another user write here, who may not.
        option("APT::Sandbox::User", b"root");
        let name = [&name[..], b"=", &wanted.version].concat();
        command
            .args(["-q", "download"])
            .arg(OsStr::from_bytes(&name))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(std::io::stderr());
        let status = command
            .status()
            .or_fail(|| msg!("unable to execute %s (%s)", "apt-get", "apt-get"))?;
        Ok(status.success())
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        // What is left of it is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
