//! What dpkg-divert's command line says, as plain values.

use libdpkgng::admin::divert::Whose;

use crate::cli::Dirs;

/// dpkg-divert's commands (dpkg-divert(1) "COMMANDS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Add,
    Remove,
    List,
    Listpackage,
    Truename,
    Help,
    Version,
}

/// What the options have set.
#[derive(Debug)]
pub struct Settings {
    /// `--root`, `--instdir`, `--admindir`
    pub dirs: Dirs,
    /// `--divert`
    pub divert_to: Option<Vec<u8>>,
    /// `--package`, `--local`
    pub whose: Whose,
    /// `--rename`, `--no-rename`; `None` is not to move, and to say that this will change.
    pub rename: Option<bool>,
    /// Not `--test`.
    pub act: bool,
    /// `--quiet`
    pub quiet: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dirs: Dirs::default(),
            divert_to: None,
            whose: Whose::Any,
            rename: None,
            act: true,
            quiet: false,
        }
    }
}
