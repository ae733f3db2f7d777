//! What dpkg's command line says, as one plain value.

use std::ffi::OsString;

use libdpkgng::db;
use libdpkgng::filter::Filters;
use libdpkgng::force::ForceSet;
use libdpkgng::hooks::HookSet;

use crate::cli::{Dirs, Name};

/// A tool that some commands are handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// dpkg-deb
    Deb,
    /// dpkg-query
    Query,
}

/// dpkg's commands (dpkg(1) "ACTIONS").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    Install,
    Unpack,
    RecordAvail,
    Configure,
    Remove,
    Purge,
    TriggersOnly,
    Verify,
    GetSelections,
    SetSelections,
    ClearSelections,
    UpdateAvail,
    MergeAvail,
    ClearAvail,
    ForgetOldUnavail,
    Audit,
    YetToUnpack,
    AssertFeature,
    AddArchitecture,
    RemoveArchitecture,
    PrintArchitecture,
    PrintForeignArchitectures,
    PredepPackage,
    ValidatePkgname,
    ValidateTrigname,
    ValidateArchname,
    ValidateVersion,
    CompareVersions,
    Help,
    Version,
    /// Handed to another tool under its own name.
    Backend(Backend),
}

impl Action {
    /// Whether hooks and status loggers run around it.
    pub fn changes_system(self) -> bool {
        matches!(
            self,
            Action::Unpack
                | Action::Configure
                | Action::Install
                | Action::TriggersOnly
                | Action::Remove
                | Action::Purge
                | Action::AddArchitecture
                | Action::RemoveArchitecture
        )
    }
}

/// How `--verify` shows what it found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VerifyFormat {
    /// rpm's nine columns; the only format.
    #[default]
    Rpm,
}

/// What the options have set. `--log`, `--status-fd` and `--debug` go to the receivers
/// directly.
pub struct Settings {
    /// `--root`, `--instdir`, `--admindir`
    pub dirs: Dirs,
    /// `--force-…`, `--refuse-…`
    pub force: ForceSet,
    /// `--path-exclude`, `--path-include`
    pub filters: Filters,
    /// Not `--no-act`.
    pub act: bool,
    /// Not `--selected-only`.
    pub also_select: bool,
    /// `--auto-deconfigure`
    pub auto_deconfigure: bool,
    /// Not `--no-debsig`.
    pub debsig: bool,
    /// `--pending`
    pub pending: bool,
    /// `--recursive`
    pub recursive: bool,
    /// `--robot`
    pub robot: bool,
    /// `--skip-same-version`
    pub skip_same_version: bool,
    /// `--triggers`, `--no-triggers`; `None` leaves it to the action.
    pub triggers: Option<bool>,
    /// Not `--no-pager`.
    pub pager: bool,
    /// `--abort-after`
    pub abort_after: i32,
    /// `--read-ahead`: MiB of memory; 0 with `--no-read-ahead`.
    pub read_ahead: i32,
    /// `--path-index`: from so many paths on; `None` with `--no-path-index`.
    pub path_index: Option<i32>,
    /// `--ignore-depends`, the last one first.
    pub ignore_depends: Vec<OsString>,
    /// `--verify-format`
    pub verify_format: VerifyFormat,
    /// `--pre-invoke`, in order.
    pub pre_invoke: Vec<OsString>,
    /// `--post-invoke`, in order.
    pub post_invoke: Vec<OsString>,
    /// `--status-logger`, in order.
    pub status_loggers: Vec<OsString>,
    /// The feature of `--assert-FEATURE`.
    pub assert_feature: OsString,
}

impl Settings {
    /// The defaults, with this force set.
    pub fn new(force: ForceSet) -> Settings {
        Settings {
            dirs: Dirs::default(),
            force,
            filters: Filters::new(),
            act: true,
            also_select: true,
            auto_deconfigure: false,
            debsig: true,
            pending: false,
            recursive: false,
            robot: false,
            skip_same_version: false,
            triggers: None,
            pager: true,
            abort_after: 50,
            read_ahead: (libdpkgng::pipeline::unpack::AHEAD >> 20) as i32,
            path_index: Some(libdpkgng::db::path_index::FROM as i32),
            ignore_depends: Vec::new(),
            verify_format: VerifyFormat::Rpm,
            pre_invoke: Vec::new(),
            post_invoke: Vec::new(),
            status_loggers: Vec::new(),
            assert_feature: OsString::new(),
        }
    }
}

/// dpkg's whole command line.
pub struct DpkgArgs {
    /// What to do.
    pub action: Action,
    /// The option that said so; error texts cite it.
    pub name: Name,
    /// How to do it.
    pub settings: Settings,
    /// What `--root`, `--instdir` and `--admindir` came to.
    pub dirs: db::Dirs,
    /// What to do it to.
    pub args: Vec<OsString>,
    /// Who is asked about it.
    pub hooks: HookSet,
}

impl DpkgArgs {
    /// The command's long name.
    pub fn verb(&self) -> &'static str {
        self.name.long()
    }

    /// Whether triggers are processed: as said, or by default, which is no for
    /// `--triggers-only` with packages.
    pub fn process_triggers(&self) -> bool {
        self.settings
            .triggers
            .unwrap_or(self.action != Action::TriggersOnly || self.args.is_empty())
    }
}
