//! What dpkg-trigger's command line says, as plain values.

use crate::cli::Dirs;

/// dpkg-trigger's commands (dpkg-trigger(1) "COMMANDS"); without one it activates a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    CheckSupported,
    Help,
    Version,
}

/// What the options have set.
#[derive(Debug)]
pub struct Settings {
    /// `--root`, `--admindir`
    pub dirs: Dirs,
    /// `--by-package`
    pub by_package: Option<Vec<u8>>,
    /// Not `--no-await`.
    pub wait: bool,
    /// Not `--no-act`.
    pub act: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            dirs: Dirs::default(),
            by_package: None,
            wait: true,
            act: true,
        }
    }
}
