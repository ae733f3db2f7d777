//! A /var/sys in a scratch directory with installations laid out by hand.

pub mod closure;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use dpkgng_multi_version::elf::{DynamicInfo, Image, Port, View};
use dpkgng_multi_version::facts::{Control, Facts, Payload};
use dpkgng_multi_version::generation::{Disk, Sys};
use dpkgng_multi_version::layout::{Architecture, InstallationId, Layout, Sha256, Version};
use dpkgng_multi_version::manifest::{Installation, Realization};

/// What stands at a path of a package.
pub enum Entry<'e> {
    /// A file's bytes and mode.
    File(&'e [u8], u32),
    /// Where a link leads.
    Link(&'e str),
    /// Another name of a file.
    Name(&'e str),
}

/// The directory.
pub struct Placed {
    pub dir: tempfile::TempDir,
    pub layout: Layout,
    pub facts: Vec<Facts>,
}

/// This machine's port.
pub fn host() -> &'static Port {
    let own = fs::read("/proc/self/exe").unwrap();
    let info = DynamicInfo::of(&Image::read(View::of(&own)).unwrap()).unwrap();
    Port::of(&info.target).expect("a port of Debian's")
}

pub fn host_architecture() -> Architecture {
    host().architecture.parse().unwrap()
}

/// The directory of public libraries.
pub fn public() -> String {
    format!("usr/lib/{}", host().triplet)
}

impl Placed {
    pub fn new() -> Placed {
        Placed::in_dir(tempfile::tempdir().unwrap())
    }

    /// Where syncing costs nothing, if there is such a place.
    pub fn in_memory() -> Placed {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        Placed::in_dir(dir.unwrap())
    }

    fn in_dir(dir: tempfile::TempDir) -> Placed {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let layout = Layout::new(dir.path().join("sys"));
        drop(Sys::open(layout.clone(), Disk::default(), false).unwrap());
        Placed {
            dir,
            layout,
            facts: Vec::new(),
        }
    }

    pub fn sys(&self) -> Sys {
        Sys::open(self.layout.clone(), Disk::default(), false).unwrap()
    }

    /// Store a package.
    pub fn package(
        &mut self,
        name: &str,
        version: &str,
        files: &[(&str, Entry)],
    ) -> InstallationId {
        let installation = Installation {
            package: name.parse().unwrap(),
            version: Version::new(version).unwrap(),
            architecture: host_architecture(),
            sha256: Sha256::of(format!("{name} {version}").as_bytes()),
            size: 0,
            setuid: Vec::new(),
        };
        let id = installation.id();
        let home = self.layout.installation(&id);
        let mut sums = Vec::new();
        for (path, entry) in files {
            let full = home.join(path);
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            match entry {
                Entry::File(bytes, mode) => {
                    fs::write(&full, bytes).unwrap();
                    fs::set_permissions(&full, fs::Permissions::from_mode(*mode)).unwrap();
                }
                Entry::Link(to) => symlink(to, &full).unwrap(),
                Entry::Name(of) => fs::hard_link(home.join(of), &full).unwrap(),
            }
            if !matches!(entry, Entry::Link(_)) {
                sums.push(full);
            }
        }
        fs::create_dir_all(home.join("DEBIAN")).unwrap();
        let sums = Command::new("md5sum").args(sums).output().unwrap();
        assert!(sums.status.success() || files.is_empty());
        // As many packages have it: of before /usr was merged.
        let prefix = format!("{}/", home.display());
        let sums = String::from_utf8(sums.stdout).unwrap().replace(&prefix, "");
        fs::write(
            home.join("DEBIAN/md5sums"),
            sums.replace("  usr/lib/", "  lib/"),
        )
        .unwrap();
        fs::write(
            home.join("DEBIAN/installation"),
            installation.to_text().unwrap(),
        )
        .unwrap();
        let Payload {
            objects,
            paths,
            damaged,
        } = Payload::derive(&home).unwrap();
        self.facts.push(Facts {
            id: id.clone(),
            installation,
            control: Control::default(),
            objects,
            paths,
            damaged,
        });
        id
    }

    /// A realization without overrides.
    pub fn plain(&self, of: &InstallationId) -> Realization {
        let facts = self.facts.iter().find(|f| f.id == *of).unwrap();
        Realization {
            installation: of.clone(),
            sha256: facts.installation.sha256,
            overrides: Default::default(),
            own: Default::default(),
            needed: Default::default(),
            rpath: false,
            policy: dpkgng_multi_version::link::POLICY,
        }
    }
}
