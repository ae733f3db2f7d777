//! The database in `ADMINDIR`, in dpkg's own format, file by file.
//!
//! | file | module |
//! |---|---|
//! | `status`, `available`, `updates/`, `lock`, `lock-frontend` | [`modstatdb`] |
//! | `info/` | [`infodb`], [`filelist`], [`filehash`] |
//! | `diversions` | [`diversions`] |
//! | `statoverride` | [`statoverrides`] (and, below the instdir, [`sysuser`]) |
//! | `triggers/File`, `triggers/Unincorp`, `triggers/NAME`, `triggers/Lock` | [`trigdb`] |
//! | `arch`, `arch-native` | [`arch`] |
//! | `/var/cache/dpkg-ng/paths`, our own | [`path_index`] |
//!
//! [`Database`] is the in-core state of all of them; each module adds its own methods to it.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::arch::ArchTable;
use crate::fsys::Fsys;
use crate::pkg::PkgTable;
use crate::sys::place::{Place, Spot};

pub mod arch;
mod dbfile;
pub mod diversions;
pub mod filehash;
pub mod filelist;
pub mod infodb;
pub mod modstatdb;
pub mod path_index;
pub mod statoverrides;
pub mod sysuser;
pub mod trigdb;

/// Where the database and the system it describes are.
#[derive(Clone, Debug)]
pub struct Dirs {
    /// `--admindir`, absolute or as given.
    pub admindir: PathBuf,
    /// `--instdir`; empty for the running system (`dpkg_fsys_get_dir`).
    pub instdir: PathBuf,
    place: Place,
}

impl Dirs {
    /// Nothing is opened before something in them is asked for.
    pub fn new(admindir: PathBuf, instdir: PathBuf) -> Dirs {
        Dirs {
            place: Place::new(&instdir),
            admindir,
            instdir,
        }
    }

    /// The installed system.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A file of the database (`dpkg_db_get_path`). An admindir below the instdir is resolved
    /// beneath that.
    pub fn admin(&self, part: impl AsRef<[u8]>) -> Spot {
        let admindir = self.admindir.as_os_str().as_bytes();
        let slash: &[u8] = match admindir.last() {
            None | Some(b'/') => b"",
            Some(_) => b"/",
        };
        let path = [admindir, slash, part.as_ref()].concat();
        self.place.spot_of_path(&path)
    }

    /// The directory of the database.
    pub fn admin_dir(&self) -> Spot {
        self.place
            .spot_of_path(self.admindir.as_os_str().as_bytes())
    }

    /// A path of the installed system (`dpkg_fsys_get_path`): `instdir`, a slash, and `path`
    /// without its leading slashes and dots.
    pub fn inst(&self, path: &[u8]) -> Spot {
        let path = crate::fsys::skip_slash_dotslash(path);
        self.place.spot(&[b"/", path].concat())
    }

    /// Whether the installed system is the running one.
    pub fn inst_is_root(&self) -> bool {
        self.instdir.as_os_str().is_empty()
    }
}

/// Everything known of one database in this run.
#[derive(Debug)]
pub struct Database {
    /// Where it is.
    pub dirs: Dirs,
    /// The packages.
    pub table: PkgTable,
    /// The paths.
    pub fsys: Fsys,
    /// Triggers: interests and the packages to hand to trigger processing.
    pub triggers: trigdb::TriggerDb,
    /// Users and groups of the installed system.
    pub sysusers: sysuser::SysUsers,
    pub(crate) modstat: modstatdb::Modstat,
    pub(crate) filelists: filelist::Progress,
    pub(crate) path_index: path_index::State,
    pub(crate) diversions: diversions::State,
    pub(crate) statoverrides: statoverrides::State,
}

impl Database {
    /// A database that has not been opened yet.
    pub fn new(dirs: Dirs, arches: ArchTable) -> Database {
        Database {
            dirs,
            table: PkgTable::new(arches),
            fsys: Fsys::new(),
            triggers: Default::default(),
            sysusers: Default::default(),
            modstat: Default::default(),
            filelists: Default::default(),
            path_index: Default::default(),
            diversions: Default::default(),
            statoverrides: Default::default(),
        }
    }
}
