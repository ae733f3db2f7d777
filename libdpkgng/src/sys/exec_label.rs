//! The SELinux label under which the next child's program runs (`setexecfilecon`).

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;

use super::selinux::{kernel_has_selinux, symbol};

/// While this lives, programs executed by this thread's children run under the label; then no
/// label is asked for any more.
#[derive(Debug, Default)]
pub struct ExecLabel {
    setexeccon: Option<unsafe extern "C" fn(*const c_char) -> c_int>,
}

impl ExecLabel {
    /// Ask for the label that the policy has for executing `program` from here, or, when that
    /// is our own, for one of the type `fallback`. Nothing happens where SELinux is off or
    /// there is no `libselinux.so.1`.
    ///
    /// # Errors
    /// What libselinux leaves in errno.
    pub fn for_program(program: &[u8], fallback: &CStr) -> io::Result<ExecLabel> {
        if !kernel_has_selinux() {
            return Ok(ExecLabel::default());
        }
        let program = CString::new(program)?;
        // SAFETY: a NUL-terminated name; the library stays loaded for good.
        let library = unsafe { libc::dlopen(c"libselinux.so.1".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return Ok(ExecLabel::default());
        }
        type SetFile = unsafe extern "C" fn(*const c_char, *const c_char) -> c_int;
        // SAFETY: the types are those of selinux/selinux.h.
        let (set, setexeccon) = unsafe {
            let set: Option<SetFile> = symbol(library, c"setexecfilecon");
            (set, symbol(library, c"setexeccon"))
        };
        let Some(set) = set else {
            return Ok(ExecLabel::default());
        };
        // SAFETY: both strings are NUL-terminated; see setexecfilecon(3).
        if unsafe { set(program.as_ptr(), fallback.as_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(ExecLabel { setexeccon })
    }
}

impl Drop for ExecLabel {
    fn drop(&mut self) {
        if let Some(setexeccon) = self.setexeccon {
            // SAFETY: a null label takes back what was asked for; see setexeccon(3).
            unsafe { setexeccon(std::ptr::null()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_selinux_nothing_is_asked_for() {
        if !kernel_has_selinux() {
            let label = ExecLabel::for_program(b"/bin/sh", c"dpkg_script_t").unwrap();
            assert!(label.setexeccon.is_none());
        }
        assert_eq!(
            ExecLabel::for_program(b"a\0b", c"t").is_err(),
            kernel_has_selinux()
        );
    }
}
