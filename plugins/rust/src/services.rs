//! What the host does on any thread.

use std::cmp::Ordering;
use std::ptr::null_mut;

use dpkgng_plugin_abi as abi;

use abi::Str;

use crate::call::{call, copy, copy_word};
use crate::{Failed, Op};

/// dpkg-ng, as far as it is there for any thread. See also [`Host`](crate::Host), which is all
/// of it.
#[derive(Clone, Copy)]
pub struct Services {
    pub(crate) table: *const abi::Host,
}

// SAFETY: the table stays and is not changed; the methods call what the border marks *any thread*.
unsafe impl Send for Services {}
// SAFETY: as above.
unsafe impl Sync for Services {}

/// What a digest is computed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestKind {
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
}

impl Services {
    /// A result number as a result; the words of a failure are the host's.
    pub(crate) fn check(self, number: i32) -> Result<bool, Failed> {
        if number >= 0 {
            return Ok(number > 0);
        }
        let text = call!(self.table, error).unwrap_or(Str::EMPTY);
        // SAFETY: lent until this thread asks again.
        match unsafe { copy(text) } {
            text if text.is_empty() => Err(Failed::new("no reason given")),
            text => Err(Failed::new(text)),
        }
    }

    pub(crate) fn set_error(self, failed: &Failed) {
        // Without the function the host says that no reason was given.
        let _ = call!(self.table, set_error, Str::new(failed.text()));
    }

    /// The architecture this dpkg-ng is made for, in Debian's words.
    pub fn architecture(self) -> Result<String, Failed> {
        let name = call!(self.table, architecture)?;
        // SAFETY: lent until this thread asks again.
        Ok(unsafe { copy_word(name) })
    }

    /// Whether `a OP b` holds of two versions.
    ///
    /// # Errors
    /// One is no version.
    pub fn version_holds(
        self,
        a: impl AsRef<[u8]>,
        op: Op,
        b: impl AsRef<[u8]>,
    ) -> Result<bool, Failed> {
        let (a, b) = (Str::new(a.as_ref()), Str::new(b.as_ref()));
        self.check(call!(self.table, version_holds, a, op.number(), b)?)
    }

    /// dpkg's order of versions.
    ///
    /// # Errors
    /// One is no version.
    pub fn version_compare(
        self,
        a: impl AsRef<[u8]>,
        b: impl AsRef<[u8]>,
    ) -> Result<Ordering, Failed> {
        let (a, b) = (a.as_ref(), b.as_ref());
        if self.version_holds(a, Op::Lt, b)? {
            return Ok(Ordering::Less);
        }
        Ok(match self.version_holds(a, Op::Eq, b)? {
            true => Ordering::Equal,
            false => Ordering::Greater,
        })
    }

    /// Begin a digest.
    pub fn digest(self, kind: DigestKind) -> Result<Digest, Failed> {
        let kind = match kind {
            DigestKind::Md5 => abi::MD5,
            DigestKind::Sha256 => abi::SHA256,
        };
        let mut digest = null_mut();
        self.check(call!(self.table, digest_new, kind, &mut digest)?)?;
        Ok(Digest { host: self, digest })
    }
}

/// A digest being computed.
pub struct Digest {
    host: Services,
    digest: *mut abi::Digest,
}

impl Digest {
    /// Add bytes.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let added = call!(self.host.table, digest_update, self.digest, Str::new(bytes))?;
        self.host.check(added).map(drop)
    }

    /// The digest, in lower-case hexadecimal.
    pub fn finish(mut self) -> Result<String, Failed> {
        let (digest, mut hex) = (std::mem::replace(&mut self.digest, null_mut()), Str::EMPTY);
        let ended = call!(self.host.table, digest_finish, digest, &mut hex)?;
        self.host.check(ended)?;
        // SAFETY: lent until this thread asks again.
        Ok(unsafe { copy_word(hex) })
    }
}

impl Drop for Digest {
    fn drop(&mut self) {
        if !self.digest.is_null() {
            // Ends it; that there is nowhere to put its result is foreseen.
            let _ = call!(self.host.table, digest_finish, self.digest, null_mut());
        }
    }
}
