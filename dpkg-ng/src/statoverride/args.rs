//! What dpkg-statoverride's command line says, as plain values.

use libdpkgng::force::ForceSet;

use crate::cli::Dirs;

/// dpkg-statoverride's commands (dpkg-statoverride(1) "COMMANDS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Add,
    Remove,
    List,
    Help,
    Version,
}

/// What the options have set.
#[derive(Debug)]
pub struct Settings {
    /// `--root`, `--instdir`, `--admindir`
    pub dirs: Dirs,
    /// `--force-…`, `--refuse-…`
    pub force: ForceSet,
    /// `--update`
    pub update: bool,
    /// `--quiet`
    pub quiet: bool,
}

impl Settings {
    /// The defaults, with this force set.
    pub fn new(force: ForceSet) -> Settings {
        Settings {
            dirs: Dirs::default(),
            force,
            update: false,
            quiet: false,
        }
    }
}
