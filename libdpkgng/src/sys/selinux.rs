//! SELinux labels of the files that are placed, by the libselinux found at run time.
//!
//! Nothing is linked: where SELinux is off, or there is no `libselinux.so.1`, a [`Labels`]
//! stays empty and costs nothing. What libselinux has to say about its own troubles goes to
//! standard error by its default (stock turns that into warnings with a C variadic callback).

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::io;

use super::place::Spot;
use crate::error::{OrFail, Result};
use crate::{bail, msg};

/// The functions of libselinux that are needed; all or none.
#[derive(Clone, Copy)]
struct Library {
    is_selinux_enabled: unsafe extern "C" fn() -> c_int,
    selinux_status_open: unsafe extern "C" fn(c_int) -> c_int,
    selinux_status_updated: unsafe extern "C" fn() -> c_int,
    selinux_status_close: unsafe extern "C" fn(),
    security_getenforce: unsafe extern "C" fn() -> c_int,
    selabel_open: unsafe extern "C" fn(c_uint, *const c_void, c_uint) -> *mut c_void,
    selabel_close: unsafe extern "C" fn(*mut c_void),
    selabel_lookup_raw:
        unsafe extern "C" fn(*mut c_void, *mut *mut c_char, *const c_char, c_int) -> c_int,
    lsetfilecon_raw: unsafe extern "C" fn(*const c_char, *const c_char) -> c_int,
    freecon: unsafe extern "C" fn(*mut c_char),
}

/// A symbol of the library as a function pointer.
///
/// # Safety
/// `library` comes from `dlopen`, and `F` is the type of the function of that name.
pub(super) unsafe fn symbol<F: Copy>(library: *mut c_void, name: &CStr) -> Option<F> {
    const { assert!(size_of::<F>() == size_of::<*mut c_void>()) };
    // SAFETY: library is a handle of dlopen's, name is NUL-terminated.
    let address = unsafe { libc::dlsym(library, name.as_ptr()) };
    if address.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for the type; sizes are equal and the address not null.
    Some(unsafe { std::mem::transmute_copy(&address) })
}

impl Library {
    fn load() -> Option<Library> {
        // SAFETY: a NUL-terminated name; the library's constructors are trusted as those of
        // any library of the system. It is never closed.
        let library = unsafe { libc::dlopen(c"libselinux.so.1".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        // SAFETY: the types above are those of selinux/selinux.h and selinux/label.h.
        unsafe {
            Some(Library {
                is_selinux_enabled: symbol(library, c"is_selinux_enabled")?,
                selinux_status_open: symbol(library, c"selinux_status_open")?,
                selinux_status_updated: symbol(library, c"selinux_status_updated")?,
                selinux_status_close: symbol(library, c"selinux_status_close")?,
                security_getenforce: symbol(library, c"security_getenforce")?,
                selabel_open: symbol(library, c"selabel_open")?,
                selabel_close: symbol(library, c"selabel_close")?,
                selabel_lookup_raw: symbol(library, c"selabel_lookup_raw")?,
                lsetfilecon_raw: symbol(library, c"lsetfilecon_raw")?,
                freecon: symbol(library, c"freecon")?,
            })
        }
    }
}

/// The label database, if labels are to be set.
#[derive(Default)]
pub struct Labels {
    asked: bool,
    library: Option<Library>,
    handle: Option<Handle>,
}

struct Handle(*mut c_void);
// SAFETY: a selabel handle may be used by any one thread at a time; it has one owner.
unsafe impl Send for Handle {}

impl std::fmt::Debug for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Labels")
            .field("on", &self.handle.is_some())
            .finish()
    }
}

impl Labels {
    /// Whether files get labels at all.
    pub fn are_set(&self) -> bool {
        self.handle.is_some()
    }

    /// Before each archive: open the database the first time (when `wanted` and SELinux is
    /// on), reopen it when the policy changed (`dpkg_selabel_load`).
    pub fn load(&mut self, wanted: bool) -> Result<()> {
        if !self.asked {
            self.asked = true;
            if !wanted || !kernel_has_selinux() {
                return Ok(());
            }
            let Some(library) = Library::load() else {
                return Ok(());
            };
            // SAFETY: called as documented in is_selinux_enabled(3).
            if unsafe { (library.is_selinux_enabled)() } <= 0 {
                return Ok(());
            }
            // SAFETY: called as documented in selinux_status_open(3).
            if unsafe { (library.selinux_status_open)(1) } < 0 {
                bail!("cannot open security status notification channel");
            }
            self.library = Some(library);
        } else {
            let Some(library) = &self.library else {
                return Ok(());
            };
            // SAFETY: the status channel was opened when the library was kept.
            if unsafe { (library.selinux_status_updated)() } == 0 {
                return Ok(());
            }
            if let Some(handle) = self.handle.take() {
                // SAFETY: the handle was opened by selabel_open and is gone now.
                unsafe { (library.selabel_close)(handle.0) };
            }
        }
        let Some(library) = &self.library else {
            return Ok(());
        };
        // SAFETY: SELABEL_CTX_FILE without options, selabel_open(3).
        let handle = unsafe { (library.selabel_open)(0, std::ptr::null(), 0) };
        let error = io::Error::last_os_error();
        if !handle.is_null() {
            self.handle = Some(Handle(handle));
        // SAFETY: called as documented in security_getenforce(3).
        } else if unsafe { (library.security_getenforce)() } == 1 {
            return Err(error).or_fail(|| msg!("cannot get security labeling handle"));
        }
        Ok(())
    }

    /// Give `spot` (`full` is its path on this system) the label that the object of type and
    /// permissions `mode` at `matched` is to have (`dpkg_selabel_set_context`).
    pub fn set(&self, matched: &[u8], spot: &Spot, full: &[u8], mode: u32) -> Result<()> {
        let (Some(library), Some(handle)) = (&self.library, &self.handle) else {
            return Ok(());
        };
        let Ok(key) = CString::new(matched) else {
            return Ok(());
        };
        let mut label: *mut c_char = std::ptr::null_mut();
        let kind = (mode & libc::S_IFMT) as c_int;
        // SAFETY: the handle is open, key is NUL-terminated, label is writable.
        let rc = unsafe { (library.selabel_lookup_raw)(handle.0, &mut label, key.as_ptr(), kind) };
        if rc < 0 || label.is_null() {
            return Ok(());
        }
        let path = spot.proc_path(full);
        // SAFETY: both strings are NUL-terminated.
        let rc = unsafe { (library.lsetfilecon_raw)(path.as_ptr(), label) };
        let error = io::Error::last_os_error();
        // SAFETY: label was allocated by selabel_lookup_raw and is not used any more.
        unsafe { (library.freecon)(label) };
        if rc < 0 && error.raw_os_error() != Some(libc::ENOTSUP) {
            return Err(error)
                .or_fail(|| msg!("cannot set security context for file object '%s'", full));
        }
        Ok(())
    }

    /// After the last archive (`dpkg_selabel_close`).
    pub fn close(&mut self) {
        if let (Some(library), Some(handle)) = (&self.library, self.handle.take()) {
            // SAFETY: both were opened by load; the handle is gone now.
            unsafe {
                (library.selinux_status_close)();
                (library.selabel_close)(handle.0);
            }
        }
    }
}

/// Whether the kernel knows the file system that SELinux needs. Without it the library would
/// say *off* too; this saves loading it.
#[allow(clippy::disallowed_methods, reason = "/proc is the running system's")]
pub(super) fn kernel_has_selinux() -> bool {
    let known = std::fs::read("/proc/filesystems");
    known.map_or(true, |list| {
        list.split(|c| *c == b'\n')
            .any(|l| l.ends_with(b"\tselinuxfs"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_are_not_wanted_touch_nothing() {
        let mut labels = Labels::default();
        labels.load(false).unwrap();
        labels.load(true).unwrap();
        assert!(labels.library.is_none());
        let spot = Spot::path(b"/nonexistent/x");
        labels.set(b"/x", &spot, b"/nonexistent/x", 0o644).unwrap();
        labels.close();
    }
}
