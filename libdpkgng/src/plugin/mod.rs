//! Plugins: shared objects that become [`Hook`]s and bring commands of their own.
//!
//! The border is `dpkgng-plugin-abi`'s, whose rules hold here. What this module adds:
//!
//! | module | owns |
//! |---|---|
//! | [`trust`] | whose file may become code of this process |
//! | [`probe`] | a child process that loads the plugin first: one that crashes there is refused |
//! | `stamp` | which files it survived already |
//! | [`host`] | the table of functions a plugin is given |
//! | [`hook`] | a plugin's hooks as a [`Hook`] |
//!
//! A plugin is refused ([`Refused`]) before anything was done: it is loaded before a database
//! is opened. One that was loaded is never unloaded. Its functions are looked up once
//! (`RTLD_NOW | RTLD_LOCAL`: all that it needs is there, nothing of it is seen by others).
//! Nothing here looks for plugins; the command line decides which file it wants.
//!
//! One of the two modules with `unsafe` code (the other is `sys`).
#![allow(
    clippy::disallowed_methods,
    reason = "plugins, and what is noted about them, are the running system's"
)]
#![allow(unsafe_code)]

use std::ffi::{OsString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use dpkgng_plugin_abi as abi;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use crate::error::{Error, Result};
use crate::hooks::Hook;
use crate::msg;
use crate::msg::Msg;

pub mod hook;
pub mod host;
pub mod probe;
mod stamp;
pub mod trust;

use hook::PluginHook;
use host::{Frontend, HostBox};
use stamp::Stamp;

/// The symbol every plugin exports.
pub const ENTRY: &str = "dpkgng_plugin_entry";

/// Why a file does not become a plugin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.to_msg())]
pub enum Refused {
    /// There is no such file.
    Missing(PathBuf),
    /// Somebody else could have changed it: the file or a directory on its path, and how.
    Untrusted(PathBuf, trust::Flaw),
    /// The loader does not take it; its words.
    NotLoadable(PathBuf, String),
    /// It does not export [`ENTRY`].
    NoEntry(PathBuf),
    /// Loading it ended the probing process.
    Crashed(PathBuf, probe::Death),
    /// It is for an older interface: its version, ours.
    TooOld(PathBuf, (u16, u16)),
    /// It needs a newer interface: its version.
    TooNew(PathBuf, (u16, u16)),
    /// It says that it can't work with this dpkg-ng.
    Declined(PathBuf),
    /// Its table makes no sense: which part.
    Malformed(PathBuf, &'static str),
    /// It failed to start: its words.
    Failed(PathBuf, Vec<u8>),
}

impl Refused {
    fn to_msg(&self) -> Msg {
        let version = |(major, minor): (u16, u16)| format!("{major}.{minor}");
        let ours = || version((abi::ABI_MAJOR, abi::ABI_MINOR));
        match self {
            Refused::Missing(path) => msg!("there is no plugin '%s'", path),
            Refused::Untrusted(path, flaw) => {
                msg!("plugin not loaded, as '%s' %s", path, flaw.to_string())
            }
            Refused::NotLoadable(path, why) => msg!("cannot load plugin '%s': %s", path, &**why),
            Refused::NoEntry(path) => {
                msg!("'%s' is no plugin of dpkg-ng: it lacks %s", path, ENTRY)
            }
            Refused::Crashed(path, death) => {
                msg!("plugin '%s' %s when it was tried", path, death.to_string())
            }
            Refused::TooOld(path, theirs) => msg!(
                "plugin '%s' is too old: it is made for interface %s, this is %s",
                path,
                version(*theirs),
                ours()
            ),
            Refused::TooNew(path, theirs) => msg!(
                "plugin '%s' is too new: it needs interface %s, this is %s",
                path,
                version(*theirs),
                ours()
            ),
            Refused::Declined(path) => {
                msg!("plugin '%s' does not work with this dpkg-ng", path)
            }
            Refused::Malformed(path, what) => msg!("plugin '%s' has a wrong %s", path, *what),
            Refused::Failed(path, why) => msg!("plugin '%s' failed to start: %s", path, &why[..]),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        Error::new(refused.to_msg())
    }
}

/// A part of the command line that a plugin claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// `--NAME` or `--NAME=VALUE`.
    Option(Vec<u8>),
    /// `NAME` as first argument.
    Command(Vec<u8>),
}

/// A loaded plugin.
pub struct Plugin {
    table: abi::Plugin,
    host: &'static HostBox,
    data: *mut c_void,
}

/// What was found out before the plugin's own code got to do more than to hand over a table.
struct Opened {
    table: abi::Plugin,
    path: PathBuf,
}

impl Plugin {
    /// Load a plugin. To be called while the process has one thread.
    ///
    /// # Errors
    /// It is not one, or not one for us, or not one to trust.
    pub fn load(path: &Path, frontend: Rc<dyn Frontend>) -> Result<Plugin, Refused> {
        let path = trust::check(path)?;
        let start = || start(open(&path)?, frontend.clone());
        let stamp = Stamp::of(&path);
        if !stamp.as_ref().is_some_and(Stamp::is_noted) {
            probe::survives(&path, || drop(start()))?;
            if let Some(stamp) = &stamp {
                stamp.note();
            }
        }
        start()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.host.name
    }

    /// What of the command line is its own.
    pub fn claims(&self) -> Vec<Claim> {
        let mut claims = Vec::new();
        let mut at = self.table.claims.cast::<u8>();
        for _ in 0..self.table.claim_count {
            // SAFETY: the table says that so many claims stand there, each of the size it
            // states; the plugin and so its table is never unloaded.
            let claim: abi::Claim = unsafe { host::read_sized(at.cast()) };
            // SAFETY: as above; text of the table stays.
            let name = unsafe { claim.name.bytes() }.to_vec();
            match claim.kind {
                abi::CLAIM_OPTION => claims.push(Claim::Option(name)),
                abi::CLAIM_COMMAND => claims.push(Claim::Command(name)),
                _ => {}
            }
            // SAFETY: still within the array or at its end.
            at = unsafe { at.add(claim.size.max(8) as usize) };
        }
        claims
    }

    /// Run a command line of the plugin's own.
    ///
    /// # Errors
    /// The plugin failed, in its words.
    pub fn command(&self, args: &[OsString]) -> Result<i32> {
        let Some(command) = self.table.command else {
            let text = msg!("plugin %s brings no commands", self.name());
            return Err(Error::new(text));
        };
        let args: Vec<abi::Str> = args.iter().map(|a| abi::Str::new(a.as_bytes())).collect();
        let mut code = 0;
        // SAFETY: a function of the table with its data; the arguments live until it returns.
        let result = unsafe { command(self.data, args.as_ptr(), args.len(), &mut code) };
        match result {
            abi::NO | abi::YES => Ok(code),
            failed => Err(self.host.failure(failed)),
        }
    }

    /// The hooks it has for command lines of dpkg's own.
    pub fn hook(&self) -> Option<Box<dyn Hook>> {
        let hooks = self.table.hooks;
        // SAFETY: the table's hooks are null or there for good.
        let hook =
            (!hooks.is_null()).then(|| unsafe { PluginHook::new(self.host, hooks, self.data) });
        Some(Box::new(hook?))
    }
}

/// Have the loader map it, and read its table.
fn open(path: &Path) -> Result<Opened, Refused> {
    // SAFETY: constructors of a file that root or we ourselves put there run now; that they
    // may be run is what was asked for.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) };
    let library =
        library.map_err(|e| Refused::NotLoadable(path.to_owned(), loader_words(&e, path)))?;
    // Never unloaded: what it handed over stays.
    let library = std::mem::ManuallyDrop::new(library);
    // SAFETY: by the rules of the border a symbol of this name is a function of this type.
    let entry = unsafe { library.get::<abi::Entry>(ENTRY.as_bytes()) };
    let entry = *entry.map_err(|_| Refused::NoEntry(path.to_owned()))?;
    let (major, minor) = (abi::ABI_MAJOR.into(), abi::ABI_MINOR.into());
    // SAFETY: as above.
    let table = unsafe { entry(major, minor) };
    if table.is_null() {
        return Err(Refused::Declined(path.to_owned()));
    }
    // SAFETY: every table of every version starts with a header.
    let header = unsafe { table.cast::<abi::Header>().read_unaligned() };
    let theirs = (header.major, header.minor);
    if header.major < abi::ABI_MAJOR {
        return Err(Refused::TooOld(path.to_owned(), theirs));
    }
    if theirs > (abi::ABI_MAJOR, abi::ABI_MINOR) {
        return Err(Refused::TooNew(path.to_owned(), theirs));
    }
    let least = std::mem::offset_of!(abi::Plugin, init);
    if (header.size as usize) < least {
        return Err(Refused::Malformed(path.to_owned(), "size of its table"));
    }
    // SAFETY: the table starts with its size.
    let table: abi::Plugin = unsafe { host::read_sized(table) };
    if table.claims.is_null() && table.claim_count > 0 || table.claim_count > 1000 {
        return Err(Refused::Malformed(path.to_owned(), "list of claims"));
    }
    if !table.claims.is_null() && table.command.is_none() {
        let what = "table: it claims commands and runs none";
        return Err(Refused::Malformed(path.to_owned(), what));
    }
    Ok(Opened {
        table,
        path: path.to_owned(),
    })
}

/// The loader's words behind the path, which we name ourselves.
fn loader_words(error: &libloading::Error, path: &Path) -> String {
    let text =
        std::error::Error::source(error).map_or_else(|| error.to_string(), |e| e.to_string());
    let text = text.trim_matches('"');
    let prefix = format!("{}: ", path.display());
    text.strip_prefix(&prefix).unwrap_or(text).to_owned()
}

/// Give it our table and let it start.
fn start(opened: Opened, frontend: Rc<dyn Frontend>) -> Result<Plugin, Refused> {
    let Opened { table, path } = opened;
    // SAFETY: text of the table stays.
    let name = unsafe { table.name.bytes() };
    if name.is_empty() {
        return Err(Refused::Malformed(path, "name"));
    }
    let name = String::from_utf8_lossy(name).into_owned();
    let host: &'static HostBox = Box::leak(Box::new(HostBox::new(name, frontend)));
    let mut data = std::ptr::null_mut();
    if let Some(init) = table.init {
        // SAFETY: a function of the table; our table stays for good.
        let result = unsafe { init(host.table(), &mut data) };
        if result < 0 {
            let why = host.failure_text(result);
            return Err(Refused::Failed(path, why));
        }
    }
    Ok(Plugin { table, host, data })
}
