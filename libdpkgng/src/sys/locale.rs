//! The user's locale, and with it everything the C library says in it: translations
//! (gettext(3)), `strerror`, `strsignal`, character types and collation.
//!
//! The C library's own gettext reads the catalogues, because only it does everything that stock
//! gets from it: the list in `LANGUAGE`, fallbacks from `de_AT` to `de`, aliases, plural forms,
//! and the conversion to the locale's character set. What it returns is bytes in that set.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::{CStr, CString};

use crate::msg::{Catalog, DOMAIN, English};

unsafe extern "C" {
    fn dcgettext(
        domain: *const libc::c_char,
        id: *const libc::c_char,
        category: libc::c_int,
    ) -> *const libc::c_char;
    fn dcngettext(
        domain: *const libc::c_char,
        one: *const libc::c_char,
        many: *const libc::c_char,
        n: libc::c_ulong,
        category: libc::c_int,
    ) -> *const libc::c_char;
    fn bindtextdomain(domain: *const libc::c_char, dir: *const libc::c_char)
    -> *const libc::c_char;
}

/// Take the locale from the environment (`setlocale(LC_ALL, "")`); before, it is C. To be
/// called at most once, by a program's first thread, before it starts others.
///
/// `uniform` says that the environment asks for one locale in all categories: then those that
/// nothing here depends on (times, numbers, money, …) are left alone, which saves opening
/// their files. Otherwise all are asked for, since one that is not there refuses them all.
pub fn follow_environment(uniform: bool) {
    let used = [libc::LC_CTYPE, libc::LC_COLLATE, libc::LC_MESSAGES];
    let categories = if uniform { &used[..] } else { &[libc::LC_ALL] };
    for category in categories {
        // SAFETY: a valid category and an empty NUL-terminated name; the caller has one thread.
        unsafe { libc::setlocale(*category, c"".as_ptr()) };
    }
}

/// The name of the locale that messages are in.
fn messages_locale() -> Vec<u8> {
    // SAFETY: a valid category; no name asks for the current one, and nothing changes locales
    // any more, so that what is pointed to stays while it is copied.
    unsafe {
        let name = libc::setlocale(libc::LC_MESSAGES, std::ptr::null());
        match name.is_null() {
            true => Vec::new(),
            false => CStr::from_ptr(name).to_bytes().to_vec(),
        }
    }
}

/// The message catalogues of the user's language (or languages).
#[derive(Debug)]
pub struct Catalogues {
    /// Whether there is one of dpkg's, once that was asked.
    has_own: OnceCell<bool>,
}

impl Catalogues {
    /// The catalogues below `dir`, unless the current locale's messages are C's.
    pub fn open(dir: &str) -> Option<Catalogues> {
        if matches!(&messages_locale()[..], b"" | b"C" | b"POSIX") {
            return None;
        }
        let (own, dir) = (CString::new(DOMAIN).ok()?, CString::new(dir).ok()?);
        // SAFETY: both are NUL-terminated strings, which are copied.
        unsafe { bindtextdomain(own.as_ptr(), dir.as_ptr()) };
        Some(Catalogues {
            has_own: OnceCell::new(),
        })
    }

    /// Whether messages of this domain may have translations.
    fn has(&self, domain: &str, c_domain: &CStr) -> bool {
        // The translation of nothing is the head of the catalogue, if there is a catalogue.
        let has_head = || !translate(c_domain, c"").is_empty();
        domain != DOMAIN || *self.has_own.get_or_init(has_head)
    }
}

fn translate(domain: &CStr, id: &CStr) -> Vec<u8> {
    // SAFETY: domain and id are NUL-terminated; the answer is the id or a translation,
    // NUL-terminated too and never freed by the C library.
    unsafe { CStr::from_ptr(dcgettext(domain.as_ptr(), id.as_ptr(), libc::LC_MESSAGES)) }
        .to_bytes()
        .to_vec()
}

impl Catalog for Catalogues {
    fn lookup<'a>(&'a self, domain: &str, id: &'a str) -> Cow<'a, [u8]> {
        match (CString::new(domain), CString::new(id)) {
            (Ok(c_domain), Ok(c_id)) if !id.is_empty() && self.has(domain, &c_domain) => {
                Cow::Owned(translate(&c_domain, &c_id))
            }
            _ => English.lookup(domain, id),
        }
    }

    fn lookup_plural<'a>(
        &'a self,
        domain: &str,
        one: &'a str,
        many: &'a str,
        n: u64,
    ) -> Cow<'a, [u8]> {
        let strings = (CString::new(domain), CString::new(one), CString::new(many));
        let (Ok(c_domain), Ok(c_one), Ok(c_many)) = strings else {
            return English.lookup_plural(domain, one, many, n);
        };
        // SAFETY: as in `translate`; the answer may also be `many`.
        let text = unsafe {
            CStr::from_ptr(dcngettext(
                c_domain.as_ptr(),
                c_one.as_ptr(),
                c_many.as_ptr(),
                n as libc::c_ulong,
                libc::LC_MESSAGES,
            ))
        };
        Cow::Owned(text.to_bytes().to_vec())
    }
}

/// The text of an `errno` value, as `strerror(3)` puts it.
pub fn strerror(errno: i32) -> Vec<u8> {
    let mut buf = [0 as libc::c_char; 1024];
    // SAFETY: buf is writable for its whole length and strerror_r (the XSI one, which libc
    // binds) terminates it within that length.
    let rc = unsafe { libc::strerror_r(errno, buf.as_mut_ptr(), buf.len()) };
    // An unknown number has its text too, and EINVAL.
    if rc != 0 && rc != libc::EINVAL {
        return format!("Unknown error {errno}").into_bytes();
    }
    // SAFETY: strerror_r filled buf with a NUL-terminated string.
    unsafe { CStr::from_ptr(buf.as_ptr()) }.to_bytes().to_vec()
}

/// The text of a signal, as `strsignal(3)` puts it.
pub fn strsignal(signal: libc::c_int) -> Vec<u8> {
    // SAFETY: strsignal takes any number; its answer is a NUL-terminated string that stays
    // valid until the next call in this thread (glibc keeps it per thread).
    let text = unsafe { libc::strsignal(signal) };
    if text.is_null() {
        return format!("Unknown signal {signal}").into_bytes();
    }
    // SAFETY: not null, NUL-terminated, see above.
    unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_c_library() {
        assert_eq!(strerror(libc::ENOENT), b"No such file or directory");
        assert_eq!(strerror(99_999), b"Unknown error 99999");
        assert_eq!(strsignal(libc::SIGTERM), b"Terminated");
    }

    #[test]
    fn without_a_locale_there_is_no_catalogue() {
        assert!(Catalogues::open("/usr/share/locale").is_none());
    }
}
