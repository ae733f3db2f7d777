//! What dpkg-ng and its plugins share: C types, no code of either side.
//!
//! A plugin is a shared object that exports one function, `dpkgng_plugin_entry` ([`Entry`]),
//! and links nothing of dpkg-ng. It hands over a table of functions ([`Plugin`]) and is given
//! one ([`Host`]). The C header `include/dpkgng-plugin.h` is made from these files.
//!
//! # Rules of the border
//!
//! - **Tables grow at their end.** Every structure starts with its size in bytes, the two
//!   tables also with the version they are of. Whoever reads a structure reads no further than
//!   its size; what is not there counts as null or zero. A function pointer may be null in any
//!   version: the one who calls looks first. A major version changes when something is taken
//!   away or gets another meaning, a minor version when something is added.
//! - **Nobody owns what the other one made.** Text is a pointer and a length ([`Str`]), any
//!   bytes, not terminated, and lent: an argument until the call returns; what a plugin
//!   returns until the next call into it; what a host function returns until the same thread
//!   calls the same function again. Handles have the lifetime their function states.
//! - **Nothing unwinds across.** A plugin in Rust wraps what may panic in [`guard`], one in
//!   C++ catches all. Host functions never unwind or jump.
//! - **Results** are an `i32`: negative for a failure ([`ERROR`]; its text is at
//!   [`Host::error`], or was set by [`Host::set_error`]), [`NO`] (0) for done, none, no, and
//!   [`YES`] (1) where there is something to tell apart.
//! - **Threads.** The host calls a plugin on one thread. Host functions are called on that
//!   thread and while the host is in a call to the plugin, except those marked *any thread*;
//!   a handle belongs to one thread at a time.
//! - **Units.** Sizes in bytes, times in seconds since the epoch, modes as in `chmod(2)`
//!   without the type, descriptors as of this process. Paths in a package start with `/`.
//! - A plugin is never unloaded. It must not change the environment, the working directory,
//!   the umask, signal dispositions or locale, must not end the process, and must leave no
//!   child behind when it returns. But a command ([`Plugin::command`]) may end by becoming
//!   another program; it flushes with [`SAY_FLUSH`] before.
#![allow(unsafe_code)]

mod host;
mod plugin;

pub use host::*;
pub use plugin::*;

/// Major version of this interface. Both sides must have the same.
pub const ABI_MAJOR: u16 = 1;
/// Minor version of this interface. A plugin that needs a later one than its host has is
/// refused.
pub const ABI_MINOR: u16 = 1;

/// Done; there is none; no.
pub const NO: i32 = 0;
/// There is one; yes.
pub const YES: i32 = 1;
/// It failed; the text says why.
pub const ERROR: i32 = -1;
/// The plugin's code panicked.
pub const PANICKED: i32 = -2;

/// Bytes lent: see the rules above. An empty one may have a null pointer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// Where they are.
    pub data: *const u8,
    /// How many.
    pub len: usize,
}

impl Str {
    /// No bytes.
    pub const EMPTY: Str = Str::new(b"");

    /// Lend bytes.
    pub const fn new(bytes: &[u8]) -> Str {
        Str {
            data: bytes.as_ptr(),
            len: bytes.len(),
        }
    }

    /// The bytes.
    ///
    /// # Safety
    /// They must be there, unchanged, for as long as the caller says.
    pub unsafe fn bytes<'a>(self) -> &'a [u8] {
        if self.data.is_null() || self.len == 0 {
            return b"";
        }
        // SAFETY: not null, and the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

/// What a table starts with.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Size of the table in bytes, this header included.
    pub size: u32,
    /// [`ABI_MAJOR`] of the one who made it.
    pub major: u16,
    /// For the host its [`ABI_MINOR`]; for a plugin the earliest one it can do with.
    pub minor: u16,
}

impl Header {
    /// The header of a table of type `T`.
    pub const fn of<T>(minor: u16) -> Header {
        Header {
            size: size_of::<T>() as u32,
            major: ABI_MAJOR,
            minor,
        }
    }
}

/// Run code of a plugin so that a panic does not leave it.
pub fn guard(body: impl FnOnce() -> i32) -> i32 {
    let body = std::panic::AssertUnwindSafe(body);
    std::panic::catch_unwind(body).unwrap_or(PANICKED)
}
