//! dpkg-ng's own functions for tests: what a plugin that is loaded by it is given.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::OsString;
use std::rc::Rc;

use dpkgng_plugin::Host;
use libdpkgng::error::Result;
use libdpkgng::hooks::Hook;
use libdpkgng::plugin::host::{Frontend, table_for};
use libdpkgng::report::Event;

/// What was said and drawn.
#[derive(Default)]
pub(crate) struct Heard {
    /// Standard output.
    pub(crate) output: RefCell<Vec<u8>>,
    /// How far work was: done, of how much, of what.
    pub(crate) progress: RefCell<Vec<(u64, u64, Vec<u8>)>>,
}

impl Frontend for Heard {
    fn dpkg_version(&self) -> &'static str {
        "1.22.0"
    }

    fn event(&self, event: &Event<'_>) {
        if let Event::Data(text) = event {
            self.output.borrow_mut().extend_from_slice(text);
        }
    }
    fn progress(&self, done: u64, total: u64, what: &[u8]) {
        let mut progress = self.progress.borrow_mut();
        progress.push((done, total, what.to_vec()));
    }
    fn ask(&self, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
    fn dpkg(&self, _: Vec<OsString>, _: Option<Box<dyn Hook>>) -> i32 {
        2
    }
    fn tool(&self, _: &[u8], _: Vec<OsString>) -> Option<i32> {
        None
    }
}

/// A host for this thread, and what it hears. Nobody answers it, and it runs no dpkg.
pub(crate) fn host() -> (Host, Rc<Heard>) {
    let heard = Rc::new(Heard::default());
    let table = table_for("multi-version", heard.clone());
    // SAFETY: a table made for this thread, which stays.
    (unsafe { Host::of(table) }, heard)
}
