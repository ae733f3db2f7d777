//! What dpkg-split's command line says, as one plain value.

use std::ffi::OsString;
use std::path::PathBuf;

use libdpkgng::archive::split::PartSize;

use crate::cli::{Dirs, Name};

/// dpkg-split's commands (dpkg-split(1) "COMMANDS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Split,
    Join,
    Info,
    Auto,
    Listq,
    Discard,
    Help,
    Version,
}

/// What the options have set.
#[derive(Debug, Default)]
pub struct Settings {
    /// `--root`, `--admindir`
    pub dirs: Dirs,
    /// `--depotdir`
    pub depotdir: Option<PathBuf>,
    /// `--partsize`
    pub part_size: PartSize,
    /// `--output`
    pub output: Option<PathBuf>,
    /// `--npquiet`
    pub npquiet: bool,
    /// `--msdos`
    pub msdos: bool,
}

/// dpkg-split's whole command line.
#[derive(Debug)]
pub struct SplitArgs {
    /// What to do.
    pub action: Action,
    /// The option that said so; error texts cite it.
    pub name: Name,
    /// How to do it.
    pub settings: Settings,
    /// What to do it to.
    pub args: Vec<OsString>,
    /// Where parts wait.
    pub depot: PathBuf,
}

impl SplitArgs {
    /// The command's long name.
    pub fn verb(&self) -> &'static str {
        self.name.long()
    }
}
