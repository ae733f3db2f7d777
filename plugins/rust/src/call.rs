//! Calling the host, and being called back.

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use dpkgng_plugin_abi::{ERROR, NO, Str};

use crate::Failed;

/// Call a function of the table (a `*const abi::Host`), if it has it.
macro_rules! call {
    ($table:expr, $name:ident $(, $arg:expr)*) => {{
        let table: *const $crate::abi::Host = $table;
        // SAFETY: the host's table, which stays and has all members of this interface's version:
        // an older host refuses a plugin that states it. Functions are given what they ask for.
        match unsafe { (*table).$name } {
            Some(function) => Ok(unsafe { function(table $(, $arg)*) }),
            None => Err($crate::Failed::new(concat!("this dpkg-ng has no ", stringify!($name)))),
        }
    }};
}

pub(crate) use call;

/// What a lent text says.
///
/// # Safety
/// It is lent until this returns.
pub(crate) unsafe fn copy(text: Str) -> Vec<u8> {
    // SAFETY: the caller's promise.
    unsafe { text.bytes() }.to_vec()
}

/// The same, of what the border defines as words of ASCII.
///
/// # Safety
/// It is lent until this returns.
pub(crate) unsafe fn copy_word(text: Str) -> String {
    // SAFETY: the caller's promise.
    String::from_utf8_lossy(unsafe { text.bytes() }).into_owned()
}

/// A walk: what its callback works on, and why it ended the walk.
pub(crate) struct Walk<S, E = Failed> {
    state: S,
    ended: Option<Ended<E>>,
}

enum Ended<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
}

impl<S, E: From<Failed>> Walk<S, E> {
    pub(crate) fn new(state: S) -> Walk<S, E> {
        Walk { state, ended: None }
    }

    /// What the host hands to the callback.
    pub(crate) fn user(&mut self) -> *mut c_void {
        std::ptr::from_mut(self).cast()
    }

    /// The body of a callback: go on, or end the walk and keep why.
    ///
    /// # Safety
    /// `user` is of a `Walk` of this type whose walk is going on.
    pub(crate) unsafe fn step(
        user: *mut c_void,
        body: impl FnOnce(&mut S) -> Result<(), E>,
    ) -> i32 {
        // SAFETY: its owner waits for the host to return, which calls back one at a time.
        let walk = unsafe { &mut *user.cast::<Walk<S, E>>() };
        let state = &mut walk.state;
        walk.ended = match catch_unwind(AssertUnwindSafe(|| body(state))) {
            Ok(Ok(())) => return NO,
            Ok(Err(error)) => Some(Ended::Error(error)),
            Err(panic) => Some(Ended::Panic(panic)),
        };
        ERROR
    }

    /// What came of it, when the host returned this.
    pub(crate) fn end(self, returned: Result<bool, Failed>) -> Result<S, E> {
        match self.ended {
            Some(Ended::Error(error)) => Err(error),
            Some(Ended::Panic(panic)) => resume_unwind(panic),
            None => returned.map(|_| self.state).map_err(E::from),
        }
    }
}
