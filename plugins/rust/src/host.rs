//! What the host does on the thread that the plugin is called on.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::ptr::{null, null_mut};

use abi::Str;
use dpkgng_plugin_abi as abi;

use crate::call::{call, copy};
use crate::hooks::{Lent, table_of};
use crate::{Failed, Hooks, Services};

/// dpkg-ng, all of it. It stays on the thread that the plugin is called on; its [`Services`]
/// may go elsewhere.
#[derive(Clone, Copy)]
pub struct Host {
    services: Services,
    here: PhantomData<*const ()>,
}

impl Deref for Host {
    type Target = Services;
    fn deref(&self) -> &Services {
        &self.services
    }
}

impl Host {
    /// The host that has this table.
    ///
    /// # Safety
    /// It is the table a plugin is given, it stays, and this is the thread to call it on.
    pub unsafe fn of(table: *const abi::Host) -> Host {
        Host {
            services: Services { table },
            here: PhantomData,
        }
    }

    /// Its table.
    pub fn table(self) -> *const abi::Host {
        self.services.table
    }

    /// What can be done on any thread.
    pub fn services(self) -> Services {
        self.services
    }

    fn say(self, kind: u32, text: &[u8]) -> Result<(), Failed> {
        let said = call!(self.table(), say, kind, Str::new(text))?;
        self.check(said).map(drop)
    }

    /// Write to standard output, as it is.
    pub fn output(self, text: impl AsRef<[u8]>) -> Result<(), Failed> {
        self.say(abi::SAY_OUTPUT, text.as_ref())
    }

    /// Write a line to standard error, after the program's name.
    pub fn notice(self, line: impl AsRef<[u8]>) -> Result<(), Failed> {
        self.say(abi::SAY_NOTICE, line.as_ref())
    }

    /// Warn, in the same way.
    pub fn warning(self, line: impl AsRef<[u8]>) -> Result<(), Failed> {
        self.say(abi::SAY_WARNING, line.as_ref())
    }

    /// Write a line to dpkg's log.
    pub fn log(self, line: impl AsRef<[u8]>) -> Result<(), Failed> {
        self.say(abi::SAY_LOG, line.as_ref())
    }

    /// Write a line for `--status-fd`.
    pub fn status_fd(self, line: impl AsRef<[u8]>) -> Result<(), Failed> {
        self.say(abi::SAY_STATUS_FD, line.as_ref())
    }

    /// Write out all that was said: before the process becomes another program, say.
    pub fn flush(self) -> Result<(), Failed> {
        self.say(abi::SAY_FLUSH, b"")
    }

    /// How far long work is, drawn where someone watches: `done` of `total` (0: unknown) of
    /// `what`. `done` equal to `total` ends it.
    pub fn progress(self, done: u64, total: u64, what: impl AsRef<[u8]>) -> Result<(), Failed> {
        let what = Str::new(what.as_ref());
        let drawn = call!(self.table(), progress, done, total, what)?;
        self.check(drawn).map(drop)
    }

    /// Ask a question; `None`: there is nobody to answer.
    pub fn ask(self, question: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>, Failed> {
        let (question, mut answer) = (Str::new(question.as_ref()), Str::EMPTY);
        let asked = call!(self.table(), ask, question, &mut answer)?;
        // SAFETY: lent until the next question.
        Ok(self.check(asked)?.then(|| unsafe { copy(answer) }))
    }

    /// The version of dpkg that this is, as maintainer scripts see it.
    pub fn dpkg_version(self) -> Result<String, Failed> {
        let version = call!(self.table(), dpkg_version)?;
        // SAFETY: it stays.
        let version = unsafe { copy(version) };
        Ok(String::from_utf8_lossy(&version).into_owned())
    }

    /// Run dpkg with these arguments (no program's name) in this process, exactly as the command
    /// line would; gives its exit code. Calls may be nested.
    pub fn dpkg(
        self,
        args: &[impl AsRef<OsStr>],
        hooks: Option<&dyn Hooks>,
    ) -> Result<i32, Failed> {
        let text = |a| Str::new(OsStr::as_bytes(a));
        let args: Vec<Str> = args.iter().map(|a| text(a.as_ref())).collect();
        let lent = hooks.map(|hooks| Lent::new(self, hooks));
        let (table, data) = match &lent {
            Some(lent) => (table_of(), lent.data()),
            None => (null(), null_mut()),
        };
        let (list, count, mut code) = (args.as_ptr(), args.len(), 0);
        let ran = call!(self.table(), dpkg, list, count, table, data, &mut code)?;
        self.check(ran)?;
        Ok(code)
    }

    /// Run another of dpkg's tools with these arguments in this process; gives its exit code.
    pub fn tool(self, name: &str, args: &[impl AsRef<OsStr>]) -> Result<i32, Failed> {
        let args: Vec<Str> = args
            .iter()
            .map(|a| Str::new(a.as_ref().as_bytes()))
            .collect();
        let (list, count, mut code) = (args.as_ptr(), args.len(), 0);
        let name = Str::new(name.as_bytes());
        let ran = call!(self.table(), tool, name, list, count, &mut code)?;
        self.check(ran)?;
        Ok(code)
    }
}
