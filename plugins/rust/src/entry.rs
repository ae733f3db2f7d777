//! What dpkg-ng finds in a plugin.

use std::ffi::{OsString, c_void};
use std::os::unix::ffi::OsStringExt;
use std::panic::catch_unwind;
use std::ptr::null;
use std::sync::OnceLock;

use abi::{ERROR, NO, Str};
use dpkgng_plugin_abi as abi;

use crate::call::copy;
use crate::{Failed, Host};

/// A part of the command line that belongs to a plugin. No option of dpkg's can be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// `--NAME` or `--NAME=VALUE` anywhere before `--`.
    Option(&'static str),
    /// `NAME` as the first argument.
    Command(&'static str),
}

/// What a plugin states.
pub trait Plugin {
    /// Its name, for messages.
    const NAME: &str;
    /// Its version, for messages.
    const VERSION: &str;
    /// What of a command line is its own.
    const CLAIMS: &[Claim];

    /// Run a command line that has one of the claims in it: all of it, without the program's name
    /// and without `--plugin PATH`. Gives the exit code of dpkg-ng; an error is told as dpkg's
    /// are and gives 2.
    fn command(host: Host, args: &[OsString]) -> Result<i32, Failed>;
}

/// The tables of a plugin, made when they are first asked for; they stay.
pub struct Exported(OnceLock<&'static Tables>);

struct Tables {
    plugin: abi::Plugin,
    /// What `plugin` points to.
    _claims: Vec<abi::Claim>,
}

// SAFETY: never written after they were made; their pointers lead to what stays.
unsafe impl Sync for Tables {}
// SAFETY: as above.
unsafe impl Send for Tables {}

impl Exported {
    /// None yet.
    #[expect(
        clippy::new_without_default,
        reason = "for a static, which needs const"
    )]
    pub const fn new() -> Exported {
        Exported(OnceLock::new())
    }

    /// The table of `P`; null, if it can't be made.
    pub fn table<P: Plugin>(&'static self) -> *const abi::Plugin {
        let make = || {
            *self
                .0
                .get_or_init(|| Box::leak(Box::new(Tables::of::<P>())))
        };
        catch_unwind(make).map_or(null(), |tables| &raw const tables.plugin)
    }
}

impl Tables {
    fn of<P: Plugin>() -> Tables {
        let claims = P::CLAIMS.iter().map(|claim| {
            let (kind, name) = match claim {
                Claim::Option(name) => (abi::CLAIM_OPTION, name),
                Claim::Command(name) => (abi::CLAIM_COMMAND, name),
            };
            abi::Claim {
                size: size_of::<abi::Claim>() as u32,
                kind,
                name: Str::new(name.as_bytes()),
            }
        });
        let claims: Vec<abi::Claim> = claims.collect();
        Tables {
            plugin: abi::Plugin {
                header: abi::Header::of::<abi::Plugin>(abi::ABI_MINOR),
                name: Str::new(P::NAME.as_bytes()),
                version: Str::new(P::VERSION.as_bytes()),
                init: Some(init),
                claims: claims.as_ptr(),
                claim_count: claims.len(),
                command: Some(command::<P>),
                hooks: null(),
            },
            _claims: claims,
        }
    }
}

/// The data of each call is the host's table.
unsafe extern "C" fn init(table: *const abi::Host, data: *mut *mut c_void) -> i32 {
    // SAFETY: the host's room for it.
    unsafe { data.write(table.cast_mut().cast()) };
    NO
}

unsafe extern "C" fn command<P: Plugin>(
    data: *mut c_void,
    args: *const Str,
    arg_count: usize,
    exit_code: *mut i32,
) -> i32 {
    abi::guard(|| {
        // SAFETY: what `init` gave, on the thread to call it on; so many arguments, lent for this
        // call.
        let (host, args) = unsafe {
            let args = (0..arg_count).map(|n| copy(args.add(n).read()));
            let args: Vec<OsString> = args.map(OsString::from_vec).collect();
            (Host::of(data.cast::<abi::Host>()), args)
        };
        match P::command(host, &args) {
            Ok(code) => {
                // SAFETY: the host's room for it.
                unsafe { exit_code.write(code) };
                NO
            }
            Err(failed) => {
                host.set_error(&failed);
                ERROR
            }
        }
    })
}

/// Export the symbol that dpkg-ng looks for in a plugin: of a type that is a [`Plugin`].
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        /// What dpkg-ng looks for.
        #[allow(unsafe_code)]
        #[unsafe(no_mangle)]
        pub extern "C" fn dpkgng_plugin_entry(_: u32, _: u32) -> *const $crate::abi::Plugin {
            static EXPORTED: $crate::Exported = $crate::Exported::new();
            EXPORTED.table::<$plugin>()
        }
    };
}
