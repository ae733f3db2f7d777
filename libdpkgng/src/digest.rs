//! MD5 and SHA-256 of what passes by, in the hexadecimal form dpkg stores.
//!
//! dpkg's file database knows one digest, MD5 (`md5sums`, `Conffiles:`); SHA-256 serves our own
//! records. A [`Hashing`] adapter sits on a reader or a writer, so that no byte is read twice.

use std::io::{self, Read, Write};

use md5::Md5;
use sha2::{Digest as _, Sha256};

/// Which digest to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// MD5, 32 hexadecimal digits.
    Md5,
    /// SHA-256, 64 hexadecimal digits.
    Sha256,
}

/// A digest being computed.
#[derive(Clone)]
pub enum Hasher {
    /// MD5 in progress.
    Md5(Md5),
    /// SHA-256 in progress.
    Sha256(Sha256),
}

impl Hasher {
    /// An empty digest of this kind.
    pub fn new(kind: Kind) -> Hasher {
        match kind {
            Kind::Md5 => Hasher::Md5(Md5::new()),
            Kind::Sha256 => Hasher::Sha256(Sha256::new()),
        }
    }

    /// Add bytes.
    pub fn update(&mut self, data: &[u8]) {
        match self {
            Hasher::Md5(h) => h.update(data),
            Hasher::Sha256(h) => h.update(data),
        }
    }

    /// The digest in lower-case hexadecimal.
    pub fn finish(self) -> String {
        match self {
            Hasher::Md5(h) => hex(&h.finalize()),
            Hasher::Sha256(h) => hex(&h.finalize()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

/// The MD5 of `data` in lower-case hexadecimal.
pub fn md5(data: &[u8]) -> String {
    let mut h = Hasher::new(Kind::Md5);
    h.update(data);
    h.finish()
}

/// The MD5 of everything `src` still yields.
pub fn md5_reader(src: &mut dyn Read) -> io::Result<String> {
    let mut hashing = Hashing::new(src, Kind::Md5);
    io::copy(&mut hashing, &mut io::sink())?;
    Ok(hashing.finish().1)
}

/// A tee: passes bytes through to or from `T` and digests them on the way.
pub struct Hashing<T> {
    inner: T,
    hasher: Hasher,
}

impl<T> Hashing<T> {
    /// Digest what passes through `inner` from now on.
    pub fn new(inner: T, kind: Kind) -> Hashing<T> {
        Hashing {
            inner,
            hasher: Hasher::new(kind),
        }
    }

    /// The inner reader or writer, and the digest of what went through.
    pub fn finish(self) -> (T, String) {
        (self.inner, self.hasher.finish())
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or_default());
        Ok(n)
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.hasher.update(buf.get(..n).unwrap_or_default());
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        // RFC 1321 §A.5 and FIPS 180-2 §B.1.
        assert_eq!(md5(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(md5(b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        let mut h = Hasher::new(Kind::Sha256);
        h.update(b"a");
        h.update(b"bc");
        assert_eq!(
            h.finish(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn tee_passes_bytes_through() {
        let mut out = Hashing::new(Vec::new(), Kind::Md5);
        out.write_all(b"abc").unwrap();
        let (bytes, digest) = out.finish();
        assert_eq!(bytes, b"abc");
        assert_eq!(digest, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(md5_reader(&mut &b"abc"[..]).unwrap(), digest);
    }
}
