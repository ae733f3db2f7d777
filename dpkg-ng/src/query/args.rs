//! What dpkg-query's command line says, as one plain value.

use std::ffi::OsString;

use libdpkgng::db;

use crate::cli::{Dirs, Name};

/// dpkg-query's commands (dpkg-query(1) "COMMANDS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Listfiles,
    Status,
    PrintAvail,
    List,
    Search,
    Show,
    ControlPath,
    ControlList,
    ControlShow,
    Help,
    Version,
}

/// What the options have set.
#[derive(Debug)]
pub struct Settings {
    /// `--root`, `--admindir`
    pub dirs: Dirs,
    /// `--load-avail`
    pub load_avail: bool,
    /// `--showformat`
    pub showformat: OsString,
    /// Not `--no-pager`.
    pub pager: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dirs: Dirs::default(),
            load_avail: false,
            showformat: "${binary:Package}\t${Version}\n".into(),
            pager: true,
        }
    }
}

/// dpkg-query's whole command line.
#[derive(Debug)]
pub struct QueryArgs {
    /// What to do.
    pub action: Action,
    /// The option that said so; error texts cite it.
    pub name: Name,
    /// How to do it.
    pub settings: Settings,
    /// What to do it to.
    pub args: Vec<OsString>,
    /// What `--root` and `--admindir` came to.
    pub dirs: db::Dirs,
}

impl QueryArgs {
    /// The command's long name.
    pub fn verb(&self) -> &'static str {
        self.name.long()
    }
}
