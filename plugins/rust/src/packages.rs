//! Databases of packages.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

use abi::Str;
use dpkgng_plugin_abi as abi;

use crate::call::{Walk, call, copy, copy_word};
use crate::hooks::{Lent, table_of};
use crate::{Failed, Field, Hooks, Host};

/// A package's place in a database.
pub type PackageNumber = u32;

/// Which description of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of what is installed.
    Installed,
    /// Of what is available: in a run, of what is about to be installed.
    Available,
}

impl Which {
    fn number(self) -> u32 {
        match self {
            Which::Installed => abi::INSTALLED,
            Which::Available => abi::AVAILABLE,
        }
    }
}

/// What a package is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageInfo {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// Its version; empty when there is none.
    pub version: String,
    /// The words of its `Status`.
    pub want: String,
    /// The error flag.
    pub error_flag: String,
    /// How far it is installed.
    pub status: String,
}

/// What is going to happen to a package while relations are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Stays,
    /// It is to be removed.
    ToBeRemoved,
    /// What is available of it is to be installed.
    ToBeInstalled,
}

/// What became of a relation field of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it holds.
    Holds,
    /// A relation does not.
    Fails {
        /// Which of those that commas separate, from 0.
        group: u32,
        /// The package whose removal (or deconfiguration) would do.
        culprit: Option<PackageNumber>,
        /// dpkg's explanation, lines.
        why: Vec<u8>,
    },
}

/// A database of packages: lent to a hook, or opened.
pub struct Packages<'a> {
    host: Host,
    handle: *const abi::Packages,
    life: PhantomData<&'a ()>,
}

impl Packages<'_> {
    /// # Safety
    /// It is a handle, and good for as long as this.
    pub(crate) unsafe fn new(host: Host, handle: *const abi::Packages) -> Self {
        Packages {
            host,
            handle,
            life: PhantomData,
        }
    }

    /// Every package, sorted by name and architecture.
    pub fn all(&self) -> Result<Vec<PackageNumber>, Failed> {
        type Numbers = Vec<PackageNumber>;
        unsafe extern "C" fn one(user: *mut c_void, package: u32) -> i32 {
            // SAFETY: the walk below.
            unsafe {
                Walk::<Numbers>::step(user, |all| {
                    all.push(package);
                    Ok(())
                })
            }
        }
        let mut walk: Walk<Numbers> = Walk::new(Numbers::new());
        let user = walk.user();
        let walked = call!(
            self.host.table(),
            packages_each,
            self.handle,
            Some(one),
            user
        );
        walk.end(walked.and_then(|r| self.host.check(r)))
    }

    /// The package of a name (`name` or `name:arch`, which `dpkg --status` would take). The
    /// database knows it, though it need not be installed.
    pub fn find(&self, name: &str) -> Result<Option<PackageNumber>, Failed> {
        let (name, mut package) = (Str::new(name.as_bytes()), abi::NO_PACKAGE);
        let table = self.host.table();
        let found = call!(table, packages_find, self.handle, name, &mut package)?;
        Ok(self.host.check(found)?.then_some(package))
    }

    /// What a package is.
    pub fn info(&self, package: PackageNumber, which: Which) -> Result<PackageInfo, Failed> {
        let mut info = abi::PackageInfo {
            size: size_of::<abi::PackageInfo>() as u32,
            package,
            name: Str::EMPTY,
            architecture: Str::EMPTY,
            version: Str::EMPTY,
            want: Str::EMPTY,
            error_flag: Str::EMPTY,
            status: Str::EMPTY,
        };
        let (table, which) = (self.host.table(), which.number());
        let told = call!(table, package_info, self.handle, package, which, &mut info)?;
        self.host.check(told)?;
        // SAFETY: lent until this thread asks again.
        let word = |text| unsafe { copy_word(text) };
        Ok(PackageInfo {
            name: word(info.name),
            architecture: word(info.architecture),
            version: word(info.version),
            want: word(info.want),
            error_flag: word(info.error_flag),
            status: word(info.status),
        })
    }

    /// Its paragraph, as in the status (or available) file.
    pub fn stanza(&self, package: PackageNumber, which: Which) -> Result<Vec<u8>, Failed> {
        let (table, which, mut text) = (self.host.table(), which.number(), Str::EMPTY);
        let told = call!(
            table,
            package_stanza,
            self.handle,
            package,
            which,
            &mut text
        )?;
        self.host.check(told)?;
        // SAFETY: lent until this thread asks again.
        Ok(unsafe { copy(text) })
    }
}

/// A database that was opened, to be closed when it is dropped.
pub struct Database<'h> {
    packages: Packages<'h>,
    handle: *mut abi::Packages,
    /// What its hooks are given as data, made by `Box`; null without hooks.
    lent: *mut Lent<'h>,
}

impl<'h> Deref for Database<'h> {
    type Target = Packages<'h>;
    fn deref(&self) -> &Packages<'h> {
        &self.packages
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let _ = call!(self.packages.host.table(), packages_close, self.handle);
        if !self.lent.is_null() {
            // SAFETY: made by `Box` in `open`; nobody calls the hooks any more.
            drop(unsafe { Box::from_raw(self.lent) });
        }
    }
}

impl Host {
    /// Read the database of `admindir` (of the system below `instdir`, empty for this one),
    /// without locking or changing it. Of the hooks, [`Hooks::hides`] and [`Hooks::satisfies`]
    /// count.
    pub fn packages_open<'h>(
        self,
        admindir: &Path,
        instdir: &Path,
        hooks: Option<&'h dyn Hooks>,
    ) -> Result<Database<'h>, Failed> {
        let lent = hooks.map(|hooks| Box::into_raw(Box::new(Lent::new(self, hooks))));
        let (hooks, data) = match lent {
            Some(lent) => (table_of(), lent.cast::<c_void>()),
            None => (null(), null_mut()),
        };
        let [admindir, instdir] =
            [admindir, instdir].map(|dir| Str::new(dir.as_os_str().as_bytes()));
        let (table, mut handle) = (self.table(), null_mut());
        let opened = call!(
            table,
            packages_open,
            admindir,
            instdir,
            hooks,
            data,
            &mut handle
        );
        if let Err(failed) = opened.and_then(|r| self.check(r)) {
            // SAFETY: made by `Box` above, and given to nobody.
            drop(lent.map(|lent| unsafe { Box::from_raw(lent) }));
            return Err(failed);
        }
        Ok(Database {
            // SAFETY: what was opened, until it is closed.
            packages: unsafe { Packages::new(self, handle) },
            handle,
            lent: lent.unwrap_or(null_mut()),
        })
    }
}

impl Database<'_> {
    /// Read a paragraph (of a package's `control`) as what is available. Nothing is written.
    pub fn add(&mut self, control: &[u8]) -> Result<PackageNumber, Failed> {
        let (host, control, mut package) = (self.host, Str::new(control), abi::NO_PACKAGE);
        let added = call!(
            host.table(),
            packages_add,
            self.handle,
            control,
            &mut package
        )?;
        host.check(added)?;
        Ok(package)
    }

    /// Say what is going to happen to a package while relations are judged.
    pub fn expect(&mut self, package: PackageNumber, what: Expect) -> Result<(), Failed> {
        let what = match what {
            Expect::Stays => abi::STAYS,
            Expect::ToBeRemoved => abi::TO_BE_REMOVED,
            Expect::ToBeInstalled => abi::TO_BE_INSTALLED,
        };
        let table = self.host.table();
        let set = call!(table, packages_expect, self.handle, package, what)?;
        self.host.check(set).map(drop)
    }

    /// Judge a relation field of a package as dpkg does: of what is to be installed, or else of
    /// what is installed. Recommends and Suggests are judged like Depends.
    pub fn judge(&mut self, package: PackageNumber, field: Field) -> Result<Verdict, Failed> {
        let mut verdict = abi::Verdict {
            size: size_of::<abi::Verdict>() as u32,
            group: 0,
            culprit: abi::NO_PACKAGE,
            why: Str::EMPTY,
        };
        let (table, kind) = (self.host.table(), field.number());
        let judged = call!(
            table,
            packages_judge,
            self.handle,
            package,
            kind,
            &mut verdict
        )?;
        if self.host.check(judged)? {
            return Ok(Verdict::Holds);
        }
        Ok(Verdict::Fails {
            group: verdict.group,
            culprit: Some(verdict.culprit).filter(|c| *c != abi::NO_PACKAGE),
            // SAFETY: lent until this thread asks again.
            why: unsafe { copy(verdict.why) },
        })
    }
}
