//! What dpkg-deb's command line says, as one plain value.

use std::ffi::OsString;

use libdpkgng::archive::compress::{Compressor, Params};
use libdpkgng::archive::deb::DebVersion;

use crate::cli::Name;

/// dpkg-deb's commands (dpkg-deb(1) "COMMANDS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Build,
    Contents,
    Control,
    Info,
    Field,
    Extract,
    Vextract,
    RawExtract,
    CtrlTarfile,
    FsysTarfile,
    Show,
    Help,
    Version,
}

/// What the options have set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `--deb-format`
    pub format: DebVersion,
    /// `--verbose`
    pub verbose: bool,
    /// Not `--no-check`.
    pub check: bool,
    /// `--root-owner-group`
    pub root_owner_group: bool,
    /// Not `--no-uniform-compression`.
    pub uniform_compression: bool,
    /// `-Z`, `-z`, `-S`, `--threads-max`
    pub params: Params,
    /// `--showformat`
    pub showformat: OsString,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            format: DebVersion::CURRENT,
            verbose: false,
            check: true,
            root_owner_group: false,
            uniform_compression: true,
            params: Params::new(Compressor::Xz),
            showformat: "${Package}\t${Version}\n".into(),
        }
    }
}

/// dpkg-deb's whole command line.
#[derive(Debug)]
pub struct DebArgs {
    /// What to do.
    pub action: Action,
    /// The option that said so; error texts cite it.
    pub name: Name,
    /// How to do it.
    pub settings: Settings,
    /// What to do it to.
    pub args: Vec<OsString>,
}

impl DebArgs {
    /// The command's long name.
    pub fn verb(&self) -> &'static str {
        self.name.long()
    }
}
