//! The functions a plugin is given ([`abi::Host`]).
//!
//! Each is a thin shell: what the plugin handed over becomes a value, the library does the
//! work, and the outcome becomes a number and a text that this thread keeps until it asks for
//! the next one. No panic leaves a function, and those that speak to the frontend, whose home
//! is the thread that loaded the plugin, fail on any other.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsString, c_void};
use std::os::unix::ffi::OsStringExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread::ThreadId;

use abi::Str;
use dpkgng_plugin_abi as abi;

use crate::error::{Error, Result};
use crate::hooks::Hook;
use crate::msg::Msg;
use crate::plugin::hook::PluginHook;
use crate::report::Event;
use crate::{bail, err, msg};

mod debs;
mod packages;
mod texts;

pub(super) use packages::{View, relation_of};

/// What only the program around the library can do.
pub trait Frontend {
    /// Somebody has to hear this.
    fn event(&self, event: &Event<'_>);
    /// How far long work is.
    fn progress(&self, done: u64, total: u64, what: &[u8]);
    /// Ask the user; `None` when there is nobody.
    ///
    /// # Errors
    /// The question could not be asked.
    fn ask(&self, question: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Run dpkg's command line with a hook more; gives the exit code.
    fn dpkg(&self, args: Vec<OsString>, hook: Option<Box<dyn Hook>>) -> i32;
    /// Run the command line of another of dpkg's tools; gives the exit code. None: there is no such tool.
    fn tool(&self, name: &[u8], args: Vec<OsString>) -> Option<i32>;
    /// The version of dpkg that this is.
    fn dpkg_version(&self) -> &'static str;
}

/// A plugin's own table of host functions, and what these need.
#[repr(C)]
pub(super) struct HostBox {
    /// First: functions are given a pointer to it and find the rest by that.
    table: abi::Host,
    pub(super) name: String,
    frontend: Rc<dyn Frontend>,
    home: ThreadId,
}

thread_local! {
    /// The text of the last failure of this thread, as errno is one's own.
    static ERROR: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// What each function has lent on this thread, until it is called again.
    static LENT: RefCell<BTreeMap<&'static str, Vec<Box<[u8]>>>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// Copy a structure that starts with its size (`u32`): what it lacks is zero, what it has more
/// is left.
///
/// # Safety
/// It is there, as long as its size says, and all-zero is a valid `T`, a C structure.
pub(super) unsafe fn read_sized<T: Copy>(from: *const T) -> T {
    // SAFETY: it starts with its size.
    let size = unsafe { from.cast::<u32>().read_unaligned() } as usize;
    // SAFETY: the caller says that this is valid.
    let mut copy: T = unsafe { std::mem::zeroed() };
    // SAFETY: both are at least so long, and do not overlap.
    unsafe {
        let to = (&raw mut copy).cast::<u8>();
        std::ptr::copy_nonoverlapping(from.cast::<u8>(), to, size.min(size_of::<T>()));
    }
    copy
}

/// Fill a structure whose first member tells how much of it is there; it stays as it is.
///
/// # Safety
/// `to` is null or writable for so many bytes.
unsafe fn write_sized<T: Copy>(to: *mut T, value: &T) {
    if to.is_null() {
        return;
    }
    let word = size_of::<u32>();
    // SAFETY: the caller's promise; the size itself is not overwritten.
    unsafe {
        let size = (to.cast::<u32>().read_unaligned() as usize).min(size_of::<T>());
        let from = std::ptr::from_ref(value).cast::<u8>();
        let rest = size.saturating_sub(word);
        std::ptr::copy_nonoverlapping(from.add(word), to.cast::<u8>().add(word), rest);
    }
}

/// What one call of a function lends. Making it ends what the call before has lent.
struct Loan(&'static str);

impl Loan {
    fn of(function: &'static str) -> Loan {
        LENT.with_borrow_mut(|lent| lent.entry(function).or_default().clear());
        Loan(function)
    }

    fn lend(&self, bytes: Vec<u8>) -> Str {
        LENT.with_borrow_mut(|lent| {
            let lent = lent.entry(self.0).or_default();
            lent.push(bytes.into_boxed_slice());
            lent.last().map_or(Str::EMPTY, |b| Str::new(b))
        })
    }
}

/// Set what a pointer of the plugin's points to.
///
/// # Safety
/// `to` is null or points to room for a `T`.
unsafe fn set<T>(to: *mut T, value: T) {
    if !to.is_null() {
        // SAFETY: the caller's promise.
        unsafe { to.write(value) };
    }
}

fn set_error(text: Vec<u8>) {
    ERROR.set(text);
}

/// The body of every function that may fail: no panic, the error kept.
fn answer(body: impl FnOnce() -> Result<i32>) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(number)) => number,
        Ok(Err(error)) => {
            set_error(error.msg.to_string().into_bytes());
            abi::ERROR
        }
        Err(_) => {
            set_error(b"internal error of dpkg-ng".to_vec());
            abi::ERROR
        }
    }
}

/// What a walk's callback returned: go on, or end with this.
struct Walk(i32);

impl Walk {
    fn new() -> Walk {
        Walk(abi::NO)
    }
    /// Take note of what a callback returned; whether to go on.
    fn goes_on(&mut self, returned: i32) -> bool {
        self.0 = returned;
        returned == abi::NO
    }
}

/// The bytes of an argument.
///
/// # Safety
/// As the border demands: there until the function returns.
unsafe fn arg<'a>(text: Str) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { text.bytes() }
}

/// A callback that must not be missing.
fn given<T>(callback: Option<T>) -> Result<T> {
    callback.ok_or_else(|| err!("no function to call back"))
}

impl HostBox {
    pub(super) fn new(name: String, frontend: Rc<dyn Frontend>) -> HostBox {
        HostBox {
            table: abi::Host {
                header: abi::Header::of::<abi::Host>(abi::ABI_MINOR),
                error: Some(error),
                set_error: Some(set_error_text),
                say: Some(say),
                progress: Some(progress),
                ask: Some(ask),
                dpkg: Some(dpkg),
                packages_open: Some(packages::open),
                packages_close: Some(packages::close),
                packages_each: Some(packages::each),
                packages_find: Some(packages::find),
                package_info: Some(packages::info),
                package_stanza: Some(packages::stanza),
                packages_add: Some(packages::add),
                packages_expect: Some(packages::expect),
                packages_judge: Some(packages::judge),
                deb_members: Some(debs::members),
                deb_entries: Some(debs::entries),
                deb_read: Some(debs::read),
                deb_place: Some(debs::place),
                stanzas: Some(texts::stanzas),
                stanza_field: Some(texts::field),
                stanza_fields: Some(texts::fields),
                relations: Some(texts::relations),
                version_holds: Some(texts::version_holds),
                digest_new: Some(texts::digest_new),
                digest_update: Some(texts::digest_update),
                digest_finish: Some(texts::digest_finish),
                architecture: Some(texts::architecture),
                deb_entries_headers: Some(debs::entries_headers),
                dpkg_version: Some(dpkg_version),
                tool: Some(tool),
            },
            name,
            frontend,
            home: std::thread::current().id(),
        }
    }

    /// The table, as the plugin gets it.
    pub(super) fn table(&'static self) -> *const abi::Host {
        std::ptr::from_ref(self).cast()
    }

    /// Why a call into the plugin failed.
    pub(super) fn failure_text(&self, result: i32) -> Vec<u8> {
        let text = ERROR.take();
        if result == abi::PANICKED {
            return b"it panicked".to_vec();
        }
        match text.is_empty() {
            true => b"no reason given".to_vec(),
            false => text,
        }
    }

    /// The same as an error that names the plugin.
    pub(super) fn failure(&self, result: i32) -> Error {
        let text = self.failure_text(result);
        Error::new(msg!("plugin %s: %s", &*self.name, text))
    }

    /// The host a function was called for.
    ///
    /// # Safety
    /// `host` is the table of a [`HostBox`].
    unsafe fn of(host: *const abi::Host) -> Result<&'static HostBox> {
        if host.is_null() {
            bail!("no host");
        }
        // SAFETY: the table is the first member of a leaked HostBox; the pointer we gave away
        // was made of one to the whole.
        Ok(unsafe { &*host.cast::<HostBox>() })
    }

    /// The frontend, for its own thread.
    fn frontend(&self) -> Result<&dyn Frontend> {
        if std::thread::current().id() != self.home {
            bail!("called on another thread than the plugin was loaded by");
        }
        Ok(&*self.frontend)
    }
}

/// The table of host functions for a plugin that is a part of this program instead of a shared
/// object: its tests, say. It stays, and this thread is the one to call it on.
pub fn table_for(name: &str, frontend: Rc<dyn Frontend>) -> *const abi::Host {
    let host: &'static HostBox = Box::leak(Box::new(HostBox::new(name.to_owned(), frontend)));
    host.table()
}

unsafe extern "C" fn error(_: *const abi::Host) -> Str {
    Loan::of("error").lend(ERROR.with_borrow(Vec::clone))
}

unsafe extern "C" fn set_error_text(_: *const abi::Host, text: Str) {
    // SAFETY: an argument.
    set_error(unsafe { arg(text) }.to_vec());
}

unsafe extern "C" fn say(host: *const abi::Host, kind: u32, text: Str) -> i32 {
    answer(|| {
        // SAFETY: our table, and an argument.
        let (host, text) = unsafe { (HostBox::of(host)?, arg(text)) };
        let frontend = host.frontend()?;
        let words = || Msg::verbatim(text.to_vec());
        match kind {
            abi::SAY_OUTPUT => frontend.event(&Event::Data(text)),
            abi::SAY_NOTICE => frontend.event(&Event::Notice(words())),
            abi::SAY_WARNING => frontend.event(&Event::Warning(words())),
            abi::SAY_LOG => frontend.event(&Event::Log(words())),
            abi::SAY_STATUS_FD => frontend.event(&Event::StatusFd(words())),
            abi::SAY_FLUSH => frontend.event(&Event::Flush),
            _ => bail!("there is no %d to say", kind),
        }
        Ok(abi::NO)
    })
}

unsafe extern "C" fn progress(host: *const abi::Host, done: u64, total: u64, what: Str) -> i32 {
    answer(|| {
        // SAFETY: our table, and an argument.
        let (host, what) = unsafe { (HostBox::of(host)?, arg(what)) };
        host.frontend()?.progress(done, total, what);
        Ok(abi::NO)
    })
}

unsafe extern "C" fn ask(host: *const abi::Host, question: Str, to: *mut Str) -> i32 {
    answer(|| {
        // SAFETY: our table, and an argument.
        let (host, question) = unsafe { (HostBox::of(host)?, arg(question)) };
        let Some(said) = host.frontend()?.ask(question)? else {
            return Ok(abi::NO);
        };
        // SAFETY: the plugin's room for an answer.
        unsafe { set(to, Loan::of("ask").lend(said)) };
        Ok(abi::YES)
    })
}

unsafe extern "C" fn dpkg(
    host: *const abi::Host,
    args: *const Str,
    arg_count: usize,
    hooks: *const abi::Hooks,
    data: *mut c_void,
    exit_code: *mut i32,
) -> i32 {
    answer(|| {
        // SAFETY: our table.
        let host = unsafe { HostBox::of(host) }?;
        // SAFETY: an array of so many arguments.
        let list = unsafe { words(args, arg_count) };
        // SAFETY: null, or hooks of the plugin that stay until this call returns.
        let hook = (!hooks.is_null()).then(|| unsafe { PluginHook::new(host, hooks, data) });
        let hook = hook.map(|hook| Box::new(hook) as Box<dyn Hook>);
        let code = host.frontend()?.dpkg(list, hook);
        // SAFETY: the plugin's room for it.
        unsafe { set(exit_code, code) };
        Ok(abi::NO)
    })
}

/// Arguments as a command line has them.
///
/// # Safety
/// An array of so many arguments.
unsafe fn words(args: *const Str, count: usize) -> Vec<OsString> {
    let word = |index| {
        // SAFETY: the caller's promise.
        let bytes = unsafe { arg(args.add(index).read()) };
        OsString::from_vec(bytes.to_vec())
    };
    (0..count).map(word).collect()
}

unsafe extern "C" fn dpkg_version(host: *const abi::Host) -> Str {
    // SAFETY: our table.
    let frontend = unsafe { HostBox::of(host) }.and_then(HostBox::frontend);
    frontend.map_or(Str::EMPTY, |f| Str::new(f.dpkg_version().as_bytes()))
}

unsafe extern "C" fn tool(
    host: *const abi::Host,
    name: Str,
    args: *const Str,
    arg_count: usize,
    exit_code: *mut i32,
) -> i32 {
    answer(|| {
        // SAFETY: our table and arguments.
        let (host, name, list) = unsafe { (HostBox::of(host)?, arg(name), words(args, arg_count)) };
        let code = host.frontend()?.tool(name, list);
        let code = code.ok_or_else(|| err!("there is no tool '%s'", name))?;
        // SAFETY: the plugin's room for it.
        unsafe { set(exit_code, code) };
        Ok(abi::NO)
    })
}
