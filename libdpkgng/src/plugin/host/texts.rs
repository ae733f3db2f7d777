//! Host functions that need nothing but what they are given: control files, relation fields,
//! versions, digests.

use std::ffi::c_void;

use abi::Str;
use dpkgng_plugin_abi as abi;

use super::packages::{kind_of, op_of, relation_of};
use super::{Loan, Walk, answer, arg, given, set};
use crate::arch::ArchTable;
use crate::deb822::{Field, Scanner};
use crate::digest::{Hasher, Kind};
use crate::error::{Error, Result};
use crate::msg::Msg;
use crate::pkg::PkgTable;
use crate::relations::Judge;
use crate::version::Version;
use crate::{bail, err};

/// A stanza as a handle.
type Fields<'a> = Vec<Field<'a>>;

pub(super) unsafe extern "C" fn stanzas(
    _: *const abi::Host,
    text: Str,
    each: abi::StanzaFn,
    user: *mut c_void,
) -> i32 {
    answer(|| {
        let each = given(each)?;
        // SAFETY: an argument.
        let mut scanner = Scanner::new(unsafe { arg(text) });
        let mut walk = Walk::new();
        while scanner.begin() {
            let mut fields: Fields<'_> = Vec::new();
            while let Some(field) = scanner.field().map_err(Error::new)? {
                fields.push(field);
            }
            scanner.finish();
            let handle = std::ptr::from_ref(&fields).cast();
            // SAFETY: the plugin's function; the handle is good until it returns.
            if !walk.goes_on(unsafe { each(user, handle) }) {
                break;
            }
        }
        Ok(walk.0)
    })
}

/// # Safety
/// The handle that a callback of `stanzas` was given, while that runs.
unsafe fn fields_of<'a>(stanza: *const abi::Stanza) -> Result<&'a Fields<'a>> {
    // SAFETY: the caller's promise.
    unsafe { stanza.cast::<Fields<'a>>().as_ref() }.ok_or_else(|| err!("no stanza"))
}

pub(super) unsafe extern "C" fn field(
    _: *const abi::Host,
    stanza: *const abi::Stanza,
    name: Str,
    value: *mut Str,
) -> i32 {
    answer(|| {
        // SAFETY: a handle and an argument.
        let (fields, name) = unsafe { (fields_of(stanza)?, arg(name)) };
        let Some(field) = fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)) else {
            return Ok(abi::NO);
        };
        // SAFETY: the plugin's room for it.
        unsafe { set(value, Str::new(field.value)) };
        Ok(abi::YES)
    })
}

pub(super) unsafe extern "C" fn fields(
    _: *const abi::Host,
    stanza: *const abi::Stanza,
    each: abi::FieldFn,
    user: *mut c_void,
) -> i32 {
    answer(|| {
        let each = given(each)?;
        let mut walk = Walk::new();
        // SAFETY: a handle.
        for field in unsafe { fields_of(stanza)? } {
            let (name, value) = (Str::new(field.name), Str::new(field.value));
            // SAFETY: the plugin's function.
            if !walk.goes_on(unsafe { each(user, name, value) }) {
                break;
            }
        }
        Ok(walk.0)
    })
}

/// A judge for text that stands nowhere: as strict as with a new package.
struct Strict;

impl Judge for Strict {
    fn warning(&mut self, _: &PkgTable, _: Msg) {}
    fn error(&self, _: &PkgTable, msg: Msg) -> Error {
        Error::new(msg)
    }
    fn lax_problem(&mut self, _: &PkgTable, msg: Msg) -> Result<()> {
        Err(Error::new(msg))
    }
    fn version(&mut self, _: &PkgTable, text: &[u8], what: &dyn Fn() -> Msg) -> Result<Version> {
        match Version::parse(text) {
            (version, None) => Ok(version),
            (_, Some(problem)) => bail!("%s: %s", what(), problem.msg),
        }
    }
}

pub(super) unsafe extern "C" fn relations(
    _: *const abi::Host,
    kind: u32,
    text: Str,
    each: abi::RelationFn,
    user: *mut c_void,
) -> i32 {
    answer(|| {
        let each = given(each)?;
        let (kind, field) = kind_of(kind)?;
        let mut table = PkgTable::new(ArchTable::new(crate::arch::BUILD_ARCHITECTURE));
        let mut found = Vec::new();
        // SAFETY: an argument.
        let text = unsafe { arg(text) };
        crate::relations::parse(text, field, kind, &mut table, &mut Strict, &mut found)?;
        let mut walk = Walk::new();
        for (group, dep) in found.iter().enumerate() {
            for (alternative, possi) in dep.possi.iter().enumerate() {
                let at = (group as u32, alternative as u32);
                let go = relation_of(&table, kind, possi, at, |relation| {
                    // SAFETY: the plugin's function; the relation is good until it returns.
                    walk.goes_on(unsafe { each(user, relation) })
                });
                if !go {
                    return Ok(walk.0);
                }
            }
        }
        Ok(walk.0)
    })
}

pub(super) unsafe extern "C" fn version_holds(_: *const abi::Host, a: Str, op: u32, b: Str) -> i32 {
    answer(|| {
        // SAFETY: arguments.
        let texts = unsafe { [arg(a), arg(b)] };
        let mut versions = Vec::with_capacity(2);
        for text in texts {
            match Version::parse(text) {
                (version, None) => versions.push(version),
                (_, Some(problem)) => return Err(Error::new(problem.msg)),
            }
        }
        let op = op_of(op)?;
        Ok(match &versions[..] {
            [a, b] if op.holds(a, b) => abi::YES,
            _ => abi::NO,
        })
    })
}

pub(super) unsafe extern "C" fn digest_new(
    _: *const abi::Host,
    kind: u32,
    digest: *mut *mut abi::Digest,
) -> i32 {
    answer(|| {
        let kind = match kind {
            abi::MD5 => Kind::Md5,
            abi::SHA256 => Kind::Sha256,
            _ => bail!("there is no digest %d", kind),
        };
        if digest.is_null() {
            bail!("no room for a digest");
        }
        let made = Box::into_raw(Box::new(Hasher::new(kind))).cast();
        // SAFETY: the plugin's room for it.
        unsafe { set(digest, made) };
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn digest_update(
    _: *const abi::Host,
    digest: *mut abi::Digest,
    bytes: Str,
) -> i32 {
    answer(|| {
        // SAFETY: what digest_new gave and digest_finish did not take.
        let hasher = unsafe { digest.cast::<Hasher>().as_mut() };
        // SAFETY: an argument.
        let bytes = unsafe { arg(bytes) };
        hasher.ok_or_else(|| err!("no digest"))?.update(bytes);
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn digest_finish(
    _: *const abi::Host,
    digest: *mut abi::Digest,
    hex: *mut Str,
) -> i32 {
    answer(|| {
        if digest.is_null() {
            bail!("no digest");
        }
        // SAFETY: what digest_new made, ended once.
        let hasher = unsafe { Box::from_raw(digest.cast::<Hasher>()) };
        // SAFETY: the plugin's room for it.
        unsafe {
            set(
                hex,
                Loan::of("digest_finish").lend(hasher.finish().into_bytes()),
            )
        };
        Ok(abi::NO)
    })
}

pub(super) unsafe extern "C" fn architecture(_: *const abi::Host) -> Str {
    Str::new(crate::arch::BUILD_ARCHITECTURE.as_bytes())
}
