//! Where things are below `/var/sys`, and what they may be called.
//!
//! ```text
//! store/NAME_VERSION_ARCH-H/    an installation: a payload, and DEBIAN/ with its metadata
//! inst/NAME_VERSION_ARCH-R/     a realization, $INSTALLPATH: lib/, relinked copies, hard links of the rest
//! views/NAME/gen/N/             a generation; views/NAME/current -> gen/N
//! current-system                -> views/system/current, from the beginning, whether or not there is such a view
//! host/                         empty; in a context, what that covers of the host
//! roots/PIN                     -> what a person wants kept
//! tmp/                          what is being made
//! lock
//! ```
//!
//! A name is checked once, when it becomes a type; a path made of such types stays below the root,
//! has no blank, colon or dollar sign in it, and can stand in a RUNPATH.
#![forbid(unsafe_code)]

mod id;
mod merged;
mod words;

use std::path::{Path, PathBuf};

pub use id::{InstallationId, ParseIdError, RealizationId, Sha256, StoreKey};
pub use merged::{merged, merged_target};
pub use words::{
    Architecture, GenerationNumber, PackageName, Pin, Place, SideName, Soname, Version, ViewName,
    WordError,
};

/// The directory of everything.
pub const VAR_SYS: &str = "/var/sys";

/// The paths below one root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below `root`, which is [`VAR_SYS`] on a real system.
    pub fn new(root: impl Into<PathBuf>) -> Layout {
        Layout { root: root.into() }
    }

    /// The root itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All installations.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// An installation.
    pub fn installation(&self, id: &InstallationId) -> PathBuf {
        self.store().join(id.to_string())
    }

    /// All realizations.
    pub fn realizations(&self) -> PathBuf {
        self.root.join("inst")
    }

    /// A realization: `$INSTALLPATH`.
    pub fn realization(&self, id: &RealizationId) -> PathBuf {
        self.realizations().join(id.to_string())
    }

    /// All views.
    pub fn views(&self) -> PathBuf {
        self.root.join("views")
    }

    /// A view.
    pub fn view(&self, view: &ViewName) -> PathBuf {
        self.views().join(view.as_str())
    }

    /// The generations of a view.
    pub fn generations(&self, view: &ViewName) -> PathBuf {
        self.view(view).join("gen")
    }

    /// A generation.
    pub fn generation(&self, view: &ViewName, number: GenerationNumber) -> PathBuf {
        self.generations(view).join(number.to_string())
    }

    /// The link to the current generation of a view.
    pub fn current(&self, view: &ViewName) -> PathBuf {
        self.view(view).join("current")
    }

    /// The note of a view's switch that is not over: a link with the numbers of the generations it is about.
    pub fn switching(&self, view: &ViewName) -> PathBuf {
        self.view(view).join("switching")
    }

    /// The link to the system view's current generation.
    pub fn current_system(&self) -> PathBuf {
        self.root.join("current-system")
    }

    /// The directory where a context has what it covers of the host.
    pub fn host(&self) -> PathBuf {
        self.root.join("host")
    }

    /// The pins.
    pub fn roots(&self) -> PathBuf {
        self.root.join("roots")
    }

    /// What is being made.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// The file every change is made under a lock of.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// What of the store, the realizations or the views a path is, or is in.
    pub fn key_of(&self, path: &Path) -> Option<StoreKey> {
        let mut parts = path.strip_prefix(&self.root).ok()?.components();
        let mut next = || parts.next()?.as_os_str().to_str();
        match next()? {
            "store" => Some(StoreKey::Installation(next()?.parse().ok()?)),
            "inst" => Some(StoreKey::Realization(next()?.parse().ok()?)),
            "views" => {
                let view = next()?.parse().ok()?;
                if next()? != "gen" {
                    return None;
                }
                Some(StoreKey::Generation(view, next()?.parse().ok()?))
            }
            _ => None,
        }
    }
}

/// Where things are in an installation or realization. dpkg-deb never packs a top-level DEBIAN,
/// and a package that has one anyway can't be stored.
pub mod inside {
    /// The metadata of an installation or realization, relative to it.
    pub const METADATA: &str = "DEBIAN";
    /// The control file of an installation, relative to it.
    pub const CONTROL: &str = "DEBIAN/control";
    /// The headers of an installation's data member, relative to it: what dpkg reads instead of the .deb.
    pub const HEADERS: &str = "DEBIAN/headers";
    /// What can be derived of an installation's payload, relative to it.
    pub const OBJECTS: &str = "DEBIAN/objects";
    /// The metadata of an installation, relative to it.
    pub const INSTALLATION: &str = "DEBIAN/installation";
    /// The metadata of a realization, relative to it.
    pub const REALIZATION: &str = "DEBIAN/realization";
    /// How the .deb's bytes of a realization's rewritten files are had back, relative to it.
    pub const UNDO: &str = "DEBIAN/undo";
    /// The files of a realization that could not be rewritten, relative to it.
    pub const UNLINKED: &str = "DEBIAN/unlinked";
    /// The md5sums of an installation's files, relative to it.
    pub const MD5SUMS: &str = "DEBIAN/md5sums";
    /// The interpreter and the overrides of a realization, relative to it.
    pub const LIB: &str = "lib";
    /// The manifest of a generation, relative to it.
    pub const MANIFEST: &str = "manifest";
    /// The set-id files of a generation, relative to it.
    pub const SET_IDS: &str = "set-id";
    /// The tree of a generation or a slot, relative to it.
    pub const TREE: &str = "root";
    /// The dpkg database of a generation, relative to it.
    pub const ADMINDIR: &str = "dpkg";
    /// What a context may cover of `/`, and so is in `host/` in one.
    pub const COVERED: [&str; 6] = ["boot", "etc", "opt", "srv", "usr", "var"];
    /// A link of a generation to itself, relative to it: what a context mounts on `current-system`.
    pub const HERE: &str = "here";
    /// The exported commands of a generation, relative to it.
    pub const BIN: &str = "bin";
    /// What became of the commands of a generation, relative to it.
    pub const COMMANDS: &str = "commands";

    /// The tree of a side world of a generation, or of its main one, relative to it.
    pub fn tree(side: Option<&super::SideName>) -> std::path::PathBuf {
        use crate::world::{MAIN, WORLDS};
        match side {
            Some(side) => [WORLDS, side.as_str(), TREE].iter().collect(),
            None => [MAIN, TREE].iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_back() {
        let layout = Layout::new(VAR_SYS);
        let sum = Sha256::of(b"a .deb");
        let name = "libssl3t64".parse().unwrap();
        let version = Version::new("1:3.5.1-1~deb13u1").unwrap();
        let id = InstallationId::new(&name, &version, &"amd64".parse().unwrap(), &sum);
        let path = layout.installation(&id);
        let text = path.to_str().unwrap();
        assert!(text.starts_with("/var/sys/store/libssl3t64_1%3a3.5.1-1~deb13u1_amd64-"));
        assert!(text.ends_with(&sum.to_string()[..32]) && !text.contains(':'));
        let key = layout.key_of(&path.join("usr/lib/libssl.so.3"));
        assert_eq!(key, Some(StoreKey::Installation(id)));
        let view: ViewName = "system".parse().unwrap();
        let seven: GenerationNumber = "7".parse().unwrap();
        assert_eq!(
            layout.key_of(&layout.generation(&view, seven).join("root/usr")),
            Some(StoreKey::Generation(view, seven))
        );
        for other in [
            "/var/sys",
            "/var/sys/views/system",
            "/var/sys/store/x",
            "/usr",
        ] {
            assert_eq!(layout.key_of(Path::new(other)), None, "{other}");
        }
    }
}
