//! Where things of one world are: the main one of a generation, `gen/N/main`, or a side world, `gen/N/worlds/SIDE`; in `tmp/`
//! while it is pending.
//!
//! ```text
//! dpkg/           the admindir; written by libdpkgng alone
//! installations   of each package the view brought, the installation it is: NAME:ARCH ID, a line each
//! root/           the tree: usr/, opt/, …; etc/, var/, … are empty, for mounts
//! etc/            what of /etc speaks of /usr, and so is the world's
//! lib/SONAME      what `current-system/lib` leads to in a context of this world
//! here            -> itself, once it has its name: what a context mounts on current-system
//! ```
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

/// The directory of a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldDir(PathBuf);

/// The name of the main world's directory in a generation.
pub const MAIN: &str = "main";
/// The directory of the side worlds in a generation.
pub const WORLDS: &str = "worlds";

impl WorldDir {
    /// The main world of a generation.
    pub fn main(generation: &Path) -> WorldDir {
        WorldDir(generation.join(MAIN))
    }

    /// A side world of a generation.
    pub fn side(generation: &Path, name: &str) -> WorldDir {
        WorldDir(generation.join(WORLDS).join(name))
    }

    /// The name of a side world; none of the main one.
    pub fn side_name(&self) -> Option<&str> {
        let name = self.0.file_name()?.to_str()?;
        let is_side = self.0.parent().is_some_and(|p| p.ends_with(WORLDS));
        is_side.then_some(name)
    }

    /// The same world in another generation.
    pub fn of(&self, generation: &Path) -> WorldDir {
        match self.side_name() {
            Some(side) => WorldDir::side(generation, side),
            None => WorldDir::main(generation),
        }
    }

    /// It.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its dpkg database.
    pub fn admindir(&self) -> PathBuf {
        self.0.join("dpkg")
    }

    /// Which installation each package is.
    pub fn installations(&self) -> PathBuf {
        self.0.join("installations")
    }

    /// Its tree.
    pub fn tree(&self) -> PathBuf {
        self.0.join("root")
    }

    /// What of /etc is the world's.
    pub fn etc(&self) -> PathBuf {
        self.0.join("etc")
    }

    /// Its libraries.
    pub fn lib(&self) -> PathBuf {
        self.0.join("lib")
    }

    /// The link to itself.
    pub fn here(&self) -> PathBuf {
        self.0.join("here")
    }
}
