//! What may know of and change what dpkg does.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString, c_void};
use std::fs::File;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use abi::{ERROR, NO, Str};
use dpkgng_plugin_abi as abi;

use crate::call::copy;
use crate::{Failed, Host, PackageNumber, Packages, Relation, Which};

/// What is done between a [`Hooks::pre`] and a [`Hooks::post`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What it is.
    pub kind: ScopeKind,
    /// Whose; none for a run.
    pub package: Option<PackageNumber>,
    /// The long name of dpkg's action, the kind of script (`postinst`), or the path.
    pub name: OsString,
    /// The script's arguments.
    pub args: Vec<OsString>,
    /// At the post of a script that ran: its raw wait status.
    pub status: Option<i32>,
    /// At a post: whether all of it was done.
    pub ok: bool,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeKind {
    /// The whole run; nothing was locked or read before pre, all is written at post.
    Run,
    /// A step of a package.
    Package(Step),
    /// A maintainer script that is there and is called.
    Script,
    /// A path of an archive that is placed.
    File,
    /// What this crate does not know, by its number and its step's.
    Unknown(u32, u32),
}

/// A step of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Unpacked.
    Unpack,
    /// Configured.
    Configure,
    /// Removed, conffiles kept; also in favour of another package.
    Remove,
    /// Conffiles removed, within a removal or later.
    Purge,
    /// Triggers processed.
    Triggers,
    /// Disappearing, as another package has taken over all its files; too late to undo that.
    Disappear,
}

impl Scope {
    /// # Safety
    /// It is lent until this returns.
    unsafe fn of(scope: *const abi::Scope) -> Scope {
        // SAFETY: the caller's promise, for the texts, too.
        let (scope, name, args) = unsafe {
            let scope = &*scope;
            let args = (0..scope.arg_count).map(|n| copy(scope.args.add(n).read()));
            let args = args.map(OsString::from_vec).collect();
            (scope, OsString::from_vec(copy(scope.name)), args)
        };
        Scope {
            kind: match (scope.kind, scope.step) {
                (abi::SCOPE_RUN, _) => ScopeKind::Run,
                (abi::SCOPE_SCRIPT, _) => ScopeKind::Script,
                (abi::SCOPE_FILE, _) => ScopeKind::File,
                (abi::SCOPE_PACKAGE, abi::STEP_UNPACK) => ScopeKind::Package(Step::Unpack),
                (abi::SCOPE_PACKAGE, abi::STEP_CONFIGURE) => ScopeKind::Package(Step::Configure),
                (abi::SCOPE_PACKAGE, abi::STEP_REMOVE) => ScopeKind::Package(Step::Remove),
                (abi::SCOPE_PACKAGE, abi::STEP_PURGE) => ScopeKind::Package(Step::Purge),
                (abi::SCOPE_PACKAGE, abi::STEP_TRIGGERS) => ScopeKind::Package(Step::Triggers),
                (abi::SCOPE_PACKAGE, abi::STEP_DISAPPEAR) => ScopeKind::Package(Step::Disappear),
                (kind, step) => ScopeKind::Unknown(kind, step),
            },
            package: Some(scope.package).filter(|p| *p != abi::NO_PACKAGE),
            name,
            args,
            status: Some(scope.status).filter(|s| *s != -1),
            ok: scope.ok != 0,
        }
    }
}

/// The content of an archive's regular files, on disk already.
#[derive(Debug)]
pub struct Payload {
    /// The data member without the content of its files, as
    /// [`Services::deb_entries_headers`](crate::Services::deb_entries_headers) writes it.
    pub headers: File,
    /// The directory below which [`Hooks::payload_file`] finds the files. All of them are there,
    /// durable, and written to by nobody; symbolic links on the way do not lead out of it.
    pub root: OwnedFd,
}

/// Where a [`Payload`] has one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadFile {
    /// Below the payload's root, from a slash.
    pub path: PathBuf,
    /// Whether what is placed may be the same inode, where it has the right owner, mode and time.
    pub link: bool,
}

/// Functions that dpkg asks. Each does by default what dpkg alone would. Calls nest where a hook
/// runs dpkg, so that nothing is borrowed mutably.
pub trait Hooks {
    /// Before something is done. An error vetoes: it fails as any other error would there, what
    /// was begun is unwound, and there is no post for it.
    fn pre(&self, packages: &Packages<'_>, scope: &Scope) -> Result<(), Failed> {
        let _ = (packages, scope);
        Ok(())
    }

    /// After it, whenever pre agreed, whatever happened between.
    fn post(&self, packages: &Packages<'_>, scope: &Scope) {
        let _ = (packages, scope);
    }

    /// Where the files of a package go instead of `--instdir`: an existing directory. To be
    /// answered in the same way until the package is removed.
    fn install_path(
        &self,
        packages: &Packages<'_>,
        package: PackageNumber,
    ) -> Result<Option<PathBuf>, Failed> {
        let _ = (packages, package);
        Ok(None)
    }

    /// Whether a package counts as not there while a relation of `by` is judged.
    fn hides(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        package: PackageNumber,
        which: Which,
    ) -> Result<bool, Failed> {
        let _ = (packages, by, package, which);
        Ok(false)
    }

    /// Whether an alternative of a Depends or Pre-Depends of `by` is satisfied by what dpkg does
    /// not know of.
    fn satisfies(
        &self,
        packages: &Packages<'_>,
        by: PackageNumber,
        relation: &Relation,
    ) -> Result<bool, Failed> {
        let _ = (packages, by, relation);
        Ok(false)
    }

    /// Whether the content of an archive is on disk already. Then its data member is not
    /// decompressed; its files are linked into place, or copied. Asked once for each archive that is
    /// going to be unpacked, maybe while one before it is at hand. `archive` is the open file, not
    /// to be moved in, `path` what it was named by.
    fn payload(
        &self,
        packages: &Packages<'_>,
        path: &Path,
        archive: &File,
    ) -> Result<Option<Payload>, Failed> {
        let _ = (packages, path, archive);
        Ok(None)
    }

    /// Where the payload given for the archive at hand has the regular file `path`, as the archive
    /// has it, from the root. None: at its own path, and it may be linked.
    fn payload_file(
        &self,
        packages: &Packages<'_>,
        package: PackageNumber,
        path: &Path,
    ) -> Result<Option<PayloadFile>, Failed> {
        let _ = (packages, package, path);
        Ok(None)
    }

    /// Which file is to be compared with the digest that the archive had for an installed package's
    /// `path`, where what stands there was made of it since.
    fn shipped(
        &self,
        packages: &Packages<'_>,
        package: PackageNumber,
        path: &Path,
    ) -> Result<Option<PathBuf>, Failed> {
        let _ = (packages, package, path);
        Ok(None)
    }

    /// Whether the content of a regular file is to be seen and maybe rewritten. Not asked for
    /// further hard links to a file.
    fn wants_content(
        &self,
        packages: &Packages<'_>,
        package: PackageNumber,
        path: &Path,
    ) -> Result<bool, Failed> {
        let _ = (packages, package, path);
        Ok(false)
    }

    /// Rewrite a file just extracted, in place: open for reading and writing, at its start. An
    /// error fails the archive.
    fn rewrite(
        &self,
        packages: &Packages<'_>,
        package: PackageNumber,
        path: &Path,
        file: &File,
    ) -> Result<(), Failed> {
        let _ = (packages, package, path, file);
        Ok(())
    }
}

/// What the host is given as the data of hooks.
pub(crate) struct Lent<'h> {
    host: Host,
    hooks: &'h dyn Hooks,
    /// The path lent last.
    path: RefCell<Vec<u8>>,
    /// The payload whose descriptors were lent last.
    payload: RefCell<Option<Payload>>,
}

impl<'h> Lent<'h> {
    pub(crate) fn new(host: Host, hooks: &'h dyn Hooks) -> Lent<'h> {
        Lent {
            host,
            hooks,
            path: RefCell::default(),
            payload: RefCell::default(),
        }
    }

    /// It, as the host takes it.
    pub(crate) fn data(&self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

/// Run the body of a hook.
///
/// # Safety
/// What a hook of [`table_of`] was called with.
unsafe fn enter(
    data: *mut c_void,
    packages: *const abi::Packages,
    body: impl FnOnce(&Lent<'_>, &Packages<'_>) -> Result<i32, Failed>,
) -> i32 {
    abi::guard(|| {
        // SAFETY: a `Lent` that stays until the host is done with the hooks, on the thread it
        // was made on, and a handle lent for this call.
        let (lent, packages) = unsafe {
            let lent = &*data.cast::<Lent<'_>>();
            (lent, Packages::new(lent.host, packages))
        };
        body(lent, &packages).unwrap_or_else(|failed| {
            lent.host.set_error(&failed);
            ERROR
        })
    })
}

unsafe extern "C" fn pre(
    data: *mut c_void,
    packages: *const abi::Packages,
    scope: *const abi::Scope,
) -> i32 {
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            lent.hooks.pre(packages, &Scope::of(scope)).map(|()| NO)
        })
    }
}

unsafe extern "C" fn post(
    data: *mut c_void,
    packages: *const abi::Packages,
    scope: *const abi::Scope,
) {
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            lent.hooks.post(packages, &Scope::of(scope));
            Ok(NO)
        });
    }
}

unsafe extern "C" fn install_path(
    data: *mut c_void,
    packages: *const abi::Packages,
    package: u32,
    to: *mut Str,
) -> i32 {
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            let Some(path) = lent.hooks.install_path(packages, package)? else {
                return Ok(NO);
            };
            let mut kept = lent.path.borrow_mut();
            *kept = path.into_os_string().into_vec();
            to.write(Str::new(&kept));
            Ok(abi::YES)
        })
    }
}

unsafe extern "C" fn hides(
    data: *mut c_void,
    packages: *const abi::Packages,
    by: u32,
    package: u32,
    which: u32,
) -> i32 {
    let which = match which {
        abi::INSTALLED => Which::Installed,
        _ => Which::Available,
    };
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            let hides = lent.hooks.hides(packages, by, package, which);
            hides.map(i32::from)
        })
    }
}

unsafe extern "C" fn satisfies(
    data: *mut c_void,
    packages: *const abi::Packages,
    by: u32,
    relation: *const abi::Relation,
) -> i32 {
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            let relation = Relation::of(relation);
            let satisfies = lent.hooks.satisfies(packages, by, &relation);
            satisfies.map(i32::from)
        })
    }
}

unsafe extern "C" fn wants_content(
    data: *mut c_void,
    packages: *const abi::Packages,
    package: u32,
    path: Str,
) -> i32 {
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            let path = Path::new(OsStr::from_bytes(path.bytes()));
            let wants = lent.hooks.wants_content(packages, package, path);
            wants.map(i32::from)
        })
    }
}

unsafe extern "C" fn rewrite(
    data: *mut c_void,
    packages: *const abi::Packages,
    package: u32,
    path: Str,
    fd: i32,
) -> i32 {
    // SAFETY: as the border has it; the descriptor is open until this returns and the host's
    // to close.
    unsafe {
        enter(data, packages, |lent, packages| {
            let path = Path::new(OsStr::from_bytes(path.bytes()));
            let file = ManuallyDrop::new(File::from_raw_fd(fd));
            let done = lent.hooks.rewrite(packages, package, path, &file);
            done.map(|()| NO)
        })
    }
}

unsafe extern "C" fn payload(
    data: *mut c_void,
    packages: *const abi::Packages,
    path: Str,
    archive: i32,
    to: *mut abi::Payload,
) -> i32 {
    // SAFETY: as the border has it; the descriptor is open until this returns and the host's to
    // close.
    unsafe {
        enter(data, packages, |lent, packages| {
            let path = Path::new(OsStr::from_bytes(path.bytes()));
            let archive = ManuallyDrop::new(File::from_raw_fd(archive));
            let found = lent.hooks.payload(packages, path, &archive)?;
            let mut kept = lent.payload.borrow_mut();
            *kept = found;
            Ok(match &*kept {
                None => NO,
                Some(payload) => {
                    (*to).headers = payload.headers.as_raw_fd();
                    (*to).root = payload.root.as_raw_fd();
                    abi::YES
                }
            })
        })
    }
}

unsafe extern "C" fn payload_file(
    data: *mut c_void,
    packages: *const abi::Packages,
    package: u32,
    path: Str,
    to: *mut abi::PayloadFile,
) -> i32 {
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            let path = Path::new(OsStr::from_bytes(path.bytes()));
            let Some(found) = lent.hooks.payload_file(packages, package, path)? else {
                return Ok(NO);
            };
            let mut kept = lent.path.borrow_mut();
            *kept = found.path.into_os_string().into_vec();
            (*to).path = Str::new(&kept);
            (*to).link = found.link.into();
            Ok(abi::YES)
        })
    }
}

unsafe extern "C" fn shipped(
    data: *mut c_void,
    packages: *const abi::Packages,
    package: u32,
    path: Str,
    to: *mut Str,
) -> i32 {
    // SAFETY: as the border has it.
    unsafe {
        enter(data, packages, |lent, packages| {
            let path = Path::new(OsStr::from_bytes(path.bytes()));
            let Some(found) = lent.hooks.shipped(packages, package, path)? else {
                return Ok(NO);
            };
            let mut kept = lent.path.borrow_mut();
            *kept = found.into_os_string().into_vec();
            *to = Str::new(&kept);
            Ok(abi::YES)
        })
    }
}

static TABLE: abi::Hooks = abi::Hooks {
    size: size_of::<abi::Hooks>() as u32,
    pre: Some(pre),
    post: Some(post),
    install_path: Some(install_path),
    hides: Some(hides),
    satisfies: Some(satisfies),
    wants_content: Some(wants_content),
    rewrite: Some(rewrite),
    payload: Some(payload),
    payload_file: Some(payload_file),
    shipped: Some(shipped),
};

/// The hooks whose data is a [`Lent`].
pub(crate) fn table_of() -> *const abi::Hooks {
    &raw const TABLE
}
