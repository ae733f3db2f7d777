//! A plugin's hooks as the pipeline's [`Hook`].

use std::ffi::{OsStr, c_void};
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use abi::Str;
use dpkgng_plugin_abi as abi;

use super::host::{HostBox, View, read_sized, relation_of};
use crate::archive::deb::DebFile;
use crate::error::{Error, OrFail, Result};
use crate::hooks::{Hook, PackageStep, Payload, PayloadFile, Scope};
use crate::msg;
use crate::pkg::{DepType, PkgId, PkgTable, Possi, Which};

/// The hooks of one plugin.
pub(super) struct PluginHook {
    host: &'static HostBox,
    hooks: abi::Hooks,
    data: *mut c_void,
    /// A question was answered with an error. The answer counted as no, and the next thing to
    /// be done fails with this.
    failed: Option<Error>,
}

fn step_number(step: PackageStep) -> u32 {
    match step {
        PackageStep::Unpack => abi::STEP_UNPACK,
        PackageStep::Configure => abi::STEP_CONFIGURE,
        PackageStep::Remove => abi::STEP_REMOVE,
        PackageStep::Purge => abi::STEP_PURGE,
        PackageStep::Triggers => abi::STEP_TRIGGERS,
        PackageStep::Disappear => abi::STEP_DISAPPEAR,
    }
}

/// A scope as the border has it, for as long as `body` runs.
fn with_scope<T>(scope: &Scope<'_>, ok: bool, body: impl FnOnce(&abi::Scope) -> T) -> T {
    let mut told = abi::Scope {
        size: size_of::<abi::Scope>() as u32,
        kind: 0,
        step: 0,
        package: abi::NO_PACKAGE,
        name: Str::EMPTY,
        args: std::ptr::null(),
        arg_count: 0,
        status: -1,
        ok: ok.into(),
    };
    let mut list: Vec<Str> = Vec::new();
    match *scope {
        Scope::Run { action } => {
            told.kind = abi::SCOPE_RUN;
            told.name = Str::new(action.as_bytes());
        }
        Scope::Package { pkg, step } => {
            told.kind = abi::SCOPE_PACKAGE;
            told.step = step_number(step);
            told.package = pkg.0;
        }
        Scope::Script {
            pkg,
            script,
            args,
            status,
        } => {
            told.kind = abi::SCOPE_SCRIPT;
            told.package = pkg.0;
            told.name = Str::new(script.as_bytes());
            list.extend(args.iter().map(|a| Str::new(a)));
            told.args = list.as_ptr();
            told.arg_count = list.len();
            told.status = status.unwrap_or(-1);
        }
        Scope::File { pkg, path } => {
            told.kind = abi::SCOPE_FILE;
            told.package = pkg.0;
            told.name = Str::new(path);
        }
    }
    body(&told)
}

impl PluginHook {
    /// # Safety
    /// `hooks` starts with its size and `data` is what its functions expect; both stay good as
    /// long as this is used.
    pub(super) unsafe fn new(
        host: &'static HostBox,
        hooks: *const abi::Hooks,
        data: *mut c_void,
    ) -> PluginHook {
        PluginHook {
            host,
            // SAFETY: the caller's promise.
            hooks: unsafe { read_sized(hooks) },
            data,
            failed: None,
        }
    }

    /// What a yes-or-no function returned.
    fn is_yes(&mut self, returned: i32) -> bool {
        if returned < 0 {
            let error = self.host.failure(returned);
            self.failed.get_or_insert(error);
        }
        returned > 0
    }

    /// What an action returned.
    fn done(&mut self, returned: i32) -> Result<()> {
        match returned < 0 {
            true => Err(self.host.failure(returned)),
            false => Ok(()),
        }
    }
}

impl Hook for PluginHook {
    fn pre(&mut self, table: &PkgTable, scope: &Scope<'_>) -> Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Some(pre) = self.hooks.pre else {
            return Ok(());
        };
        let view = View::Lent(table);
        let returned = with_scope(scope, true, |scope| {
            // SAFETY: a function of the plugin with its data; the rest lives until it returns.
            unsafe { pre(self.data, view.handle(), scope) }
        });
        self.done(returned)
    }

    fn post(&mut self, table: &PkgTable, scope: &Scope<'_>, ok: bool) {
        let Some(post) = self.hooks.post else { return };
        let view = View::Lent(table);
        with_scope(scope, ok, |scope| {
            // SAFETY: as in `pre`.
            unsafe { post(self.data, view.handle(), scope) }
        });
    }

    fn install_path(&mut self, table: &PkgTable, pkg: PkgId) -> Option<PathBuf> {
        let install_path = self.hooks.install_path?;
        let view = View::Lent(table);
        let mut path = Str::EMPTY;
        // SAFETY: as in `pre`.
        let returned = unsafe { install_path(self.data, view.handle(), pkg.0, &mut path) };
        self.is_yes(returned).then(|| {
            // SAFETY: text of the plugin's, good until the next call into it.
            PathBuf::from(OsStr::from_bytes(unsafe { path.bytes() }))
        })
    }

    fn hides(&mut self, table: &PkgTable, by: PkgId, pkg: PkgId, which: Which) -> bool {
        let Some(hides) = self.hooks.hides else {
            return false;
        };
        let view = View::Lent(table);
        let which = match which {
            Which::Installed => abi::INSTALLED,
            Which::Available => abi::AVAILABLE,
        };
        // SAFETY: as in `pre`.
        let returned = unsafe { hides(self.data, view.handle(), by.0, pkg.0, which) };
        self.is_yes(returned)
    }

    fn satisfies(&mut self, table: &PkgTable, by: PkgId, kind: DepType, possi: &Possi) -> bool {
        let Some(satisfies) = self.hooks.satisfies else {
            return false;
        };
        let view = View::Lent(table);
        let returned = relation_of(table, kind, possi, (0, 0), |relation| {
            // SAFETY: as in `pre`.
            unsafe { satisfies(self.data, view.handle(), by.0, relation) }
        });
        self.is_yes(returned)
    }

    fn payload(&mut self, table: &PkgTable, archive: &DebFile) -> Result<Option<Payload>> {
        let Some(payload) = self.hooks.payload else {
            return Ok(None);
        };
        let view = View::Lent(table);
        let mut told = abi::Payload {
            size: size_of::<abi::Payload>() as u32,
            headers: -1,
            root: -1,
        };
        let (path, fd) = (Str::new(archive.name()), archive.file().as_raw_fd());
        // SAFETY: as in `pre`; the descriptor is open until it returns.
        let returned = unsafe { payload(self.data, view.handle(), path, fd, &mut told) };
        self.done(returned)?;
        if returned == abi::NO {
            return Ok(None);
        }
        let ours = |fd: i32| {
            let fail = || msg!("bad file descriptor %d of a plugin", fd);
            if fd < 0 {
                return Err(Error::new(fail()));
            }
            // SAFETY: open until the next call into the plugin, by its promise; one that is
            // closed is an error here.
            let lent = unsafe { BorrowedFd::borrow_raw(fd) };
            lent.try_clone_to_owned().or_fail(fail)
        };
        Ok(Some(Payload {
            headers: ours(told.headers)?.into(),
            root: ours(told.root)?,
        }))
    }

    fn payload_file(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> Result<PayloadFile> {
        let mut told = abi::PayloadFile {
            size: size_of::<abi::PayloadFile>() as u32,
            link: abi::YES,
            path: Str::EMPTY,
        };
        let mut found = abi::NO;
        if let Some(payload_file) = self.hooks.payload_file {
            let view = View::Lent(table);
            let asked = Str::new(path);
            // SAFETY: as in `pre`.
            found = unsafe { payload_file(self.data, view.handle(), pkg.0, asked, &mut told) };
            self.done(found)?;
        }
        Ok(PayloadFile {
            path: match found {
                abi::NO => path.to_vec(),
                // SAFETY: text of the plugin's, good until the next call into it.
                _ => unsafe { told.path.bytes() }.to_vec(),
            },
            link: told.link != abi::NO,
        })
    }

    fn shipped(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> Option<PathBuf> {
        let shipped = self.hooks.shipped?;
        let (view, mut told) = (View::Lent(table), Str::EMPTY);
        // SAFETY: as in `pre`.
        let found = unsafe { shipped(self.data, view.handle(), pkg.0, Str::new(path), &mut told) };
        // SAFETY: text of the plugin's, good until the next call into it.
        self.is_yes(found)
            .then(|| OsStr::from_bytes(unsafe { told.bytes() }).into())
    }

    fn wants_content(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8]) -> bool {
        let (Some(wants), Some(_)) = (self.hooks.wants_content, self.hooks.rewrite) else {
            return false;
        };
        let view = View::Lent(table);
        // SAFETY: as in `pre`.
        let returned = unsafe { wants(self.data, view.handle(), pkg.0, Str::new(path)) };
        self.is_yes(returned)
    }

    fn rewrite(&mut self, table: &PkgTable, pkg: PkgId, path: &[u8], file: &Path) -> Result<()> {
        let Some(rewrite) = self.hooks.rewrite else {
            return Ok(());
        };
        let file: File = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOFOLLOW)
            .open(file)
            .or_fail(|| msg!("unable to open '%.255s'", file))?;
        let view = View::Lent(table);
        let (path, fd) = (Str::new(path), file.as_raw_fd());
        // SAFETY: as in `pre`; the descriptor is open until it returns.
        let returned = unsafe { rewrite(self.data, view.handle(), pkg.0, path, fd) };
        self.done(returned)
    }
}
