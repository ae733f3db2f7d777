//! The host's functions as Rust has them.

use std::ffi::c_void;
use std::fs::File;
use std::os::fd::AsRawFd;

use abi::{ERROR, NO, Packages, Str};
use dpkgng_plugin_abi as abi;

/// Why something failed; `None`: the host knows.
pub(crate) struct Failed(pub(crate) Option<String>);

impl Failed {
    pub(crate) fn new(text: &str) -> Failed {
        Failed(Some(text.to_owned()))
    }
}

impl From<std::io::Error> for Failed {
    fn from(e: std::io::Error) -> Failed {
        Failed(Some(e.to_string()))
    }
}

/// The host's table.
#[derive(Clone, Copy)]
pub(crate) struct Host(pub(crate) *const abi::Host);

/// Call a function of the table, if it has it.
macro_rules! call {
    ($host:expr, $name:ident $(, $arg:expr)*) => {{
        let host = $host.0;
        // SAFETY: the host's table, which stays; its functions take it and what the interface
        // says. All of this plugin's functions are in version 1.0.
        match unsafe { (*host).$name } {
            Some(function) => Ok(unsafe { function(host $(, $arg)*) }),
            None => Err(Failed::new(concat!("this dpkg-ng has no ", stringify!($name)))),
        }
    }};
}

/// A result number as a result.
fn check(number: i32) -> Result<i32, Failed> {
    match number < 0 {
        true => Err(Failed(None)),
        false => Ok(number),
    }
}

/// Call a closure that a walk's callback was given as its `user`.
unsafe fn closure<'a, F>(user: *mut c_void) -> &'a mut F {
    // SAFETY: the walk is in the function that owns the closure.
    unsafe { &mut *user.cast::<F>() }
}

impl Host {
    pub(crate) fn set_error(&self, text: &str) {
        let _ = call!(self, set_error, Str::new(text.as_bytes()));
    }

    pub(crate) fn error(&self) -> String {
        let text = call!(self, error).unwrap_or(Str::EMPTY);
        // SAFETY: lent until the next call.
        String::from_utf8_lossy(unsafe { text.bytes() }).into_owned()
    }

    pub(crate) fn say(&self, kind: u32, text: &str) -> i32 {
        call!(self, say, kind, Str::new(text.as_bytes())).unwrap_or(ERROR)
    }

    pub(crate) fn ask(&self, question: &str) -> Result<Option<Vec<u8>>, Failed> {
        let mut answer = Str::EMPTY;
        let asked = call!(self, ask, Str::new(question.as_bytes()), &mut answer)?;
        // SAFETY: lent until the next call.
        Ok((check(asked)? > 0).then(|| unsafe { answer.bytes() }.to_vec()))
    }

    pub(crate) fn dpkg(
        &self,
        args: &[&[u8]],
        hooks: &abi::Hooks,
        data: *mut c_void,
    ) -> Result<i32, Failed> {
        let args: Vec<Str> = args.iter().map(|a| Str::new(a)).collect();
        let mut code = 0;
        check(call!(
            self,
            dpkg,
            args.as_ptr(),
            args.len(),
            hooks,
            data,
            &mut code
        )?)?;
        Ok(code)
    }

    pub(crate) fn name(&self, packages: *const Packages, package: u32) -> Result<String, Failed> {
        let info = self.info(packages, package)?;
        // SAFETY: lent until the next call.
        Ok(String::from_utf8_lossy(unsafe { info.name.bytes() }).into_owned())
    }

    fn info(&self, packages: *const Packages, number: u32) -> Result<abi::PackageInfo, Failed> {
        let mut info = abi::PackageInfo {
            size: size_of::<abi::PackageInfo>() as u32,
            package: number,
            name: Str::EMPTY,
            architecture: Str::EMPTY,
            version: Str::EMPTY,
            want: Str::EMPTY,
            error_flag: Str::EMPTY,
            status: Str::EMPTY,
        };
        check(call!(
            self,
            package_info,
            packages,
            number,
            abi::INSTALLED,
            &mut info
        )?)?;
        Ok(info)
    }

    pub(crate) fn relations<F: FnMut(&abi::Relation)>(
        &self,
        kind: u32,
        text: &[u8],
        mut each: F,
    ) -> Result<(), Failed> {
        unsafe extern "C" fn one<F: FnMut(&abi::Relation)>(
            user: *mut c_void,
            relation: *const abi::Relation,
        ) -> i32 {
            abi::guard(|| {
                // SAFETY: the closure below, and a relation lent for this call.
                unsafe { closure::<F>(user)(&*relation) };
                NO
            })
        }
        let user = (&raw mut each).cast();
        check(call!(
            self,
            relations,
            kind,
            Str::new(text),
            Some(one::<F>),
            user
        )?)
        .map(drop)
    }

    /// Place all of a package below a directory.
    pub(crate) fn place_without_setuid(&self, deb: &[u8], top: &File) -> Result<(), Failed> {
        unsafe extern "C" fn one(
            user: *mut c_void,
            deb: *mut abi::Deb,
            entry: *const abi::TarEntry,
        ) -> i32 {
            abi::guard(|| {
                // SAFETY: the pair below, and an entry lent for this call.
                let ((host, dir), mut entry) =
                    unsafe { (*user.cast::<(Host, i32)>(), entry.read()) };
                entry.mode &= 0o1777;
                call!(host, deb_place, deb, dir, &entry).unwrap_or(ERROR)
            })
        }
        let mut user = (*self, top.as_raw_fd());
        let user = (&raw mut user).cast();
        check(call!(self, deb_entries, Str::new(deb), Some(one), user)?).map(drop)
    }

    pub(crate) fn open(&self, admindir: &[u8]) -> Result<Opened, Failed> {
        let mut packages: *mut Packages = std::ptr::null_mut();
        check(call!(
            self,
            packages_open,
            Str::new(admindir),
            Str::EMPTY,
            std::ptr::null(),
            std::ptr::null_mut(),
            &mut packages
        )?)?;
        Ok(Opened(*self, packages))
    }
}

/// A database that is open.
pub(crate) struct Opened(Host, *mut Packages);

impl Drop for Opened {
    fn drop(&mut self) {
        let _ = call!(self.0, packages_close, self.1);
    }
}

impl Opened {
    pub(crate) fn all(&self) -> Result<Vec<u32>, Failed> {
        unsafe extern "C" fn one(user: *mut c_void, package: u32) -> i32 {
            abi::guard(|| {
                // SAFETY: the list below.
                unsafe { (*user.cast::<Vec<u32>>()).push(package) };
                NO
            })
        }
        let mut all: Vec<u32> = Vec::new();
        let user = (&raw mut all).cast();
        check(call!(self.0, packages_each, self.1, Some(one), user)?)?;
        Ok(all)
    }

    pub(crate) fn describe(&self, package: u32) -> Result<String, Failed> {
        let i = self.0.info(self.1, package)?;
        // SAFETY: lent until the next call.
        let words = [i.name, i.architecture, i.version, i.want, i.status]
            .map(|s| String::from_utf8_lossy(unsafe { s.bytes() }).into_owned());
        Ok(words.join(" ") + "\n")
    }

    pub(crate) fn add(&self, control: &[u8]) -> Result<u32, Failed> {
        let mut package = abi::NO_PACKAGE;
        check(call!(
            self.0,
            packages_add,
            self.1,
            Str::new(control),
            &mut package
        )?)?;
        Ok(package)
    }

    pub(crate) fn expect(&self, package: u32, what: u32) -> Result<(), Failed> {
        check(call!(self.0, packages_expect, self.1, package, what)?).map(drop)
    }

    pub(crate) fn judge(&self, package: u32, kind: u32) -> Result<String, Failed> {
        let mut verdict = abi::Verdict {
            size: size_of::<abi::Verdict>() as u32,
            group: 0,
            culprit: abi::NO_PACKAGE,
            why: Str::EMPTY,
        };
        let judged = call!(self.0, packages_judge, self.1, package, kind, &mut verdict)?;
        if check(judged)? > 0 {
            return Ok("holds".into());
        }
        // SAFETY: lent until the next call.
        let why = String::from_utf8_lossy(unsafe { verdict.why.bytes() }).into_owned();
        let culprit = match verdict.culprit {
            abi::NO_PACKAGE => String::new(),
            number => format!(" {}", self.0.name(self.1, number)?),
        };
        Ok(format!("fails at {}{culprit}\n{why}", verdict.group))
    }
}
