//! What installations and realizations are called: `NAME_VERSION_ARCH-HASH`.
//!
//! The hash is the first 32 digits of a SHA-256; all of it is in the metadata. In the name the
//! version's colon is `%3a`, as apt writes it, since a colon separates the directories of a RUNPATH, and an underscore of the
//! package's name, which dpkg takes though Policy does not, is `%5f`.

use std::fmt;
use std::str::FromStr;

use sha2::Digest;

use super::words::{Architecture, GenerationNumber, PackageName, Version, ViewName, WordError};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Sha256 {
        Sha256(sha2::Sha256::digest(bytes).into())
    }

    /// One that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Sha256 {
        Sha256(bytes)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn is_lower_hex(word: &str) -> bool {
    word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl FromStr for Sha256 {
    type Err = WordError;
    fn from_str(word: &str) -> Result<Sha256, WordError> {
        let wrong = || WordError {
            word: word.into(),
            what: "a SHA-256",
            why: "it is not 64 lower-case hexadecimal digits",
        };
        if word.len() != 64 || !is_lower_hex(word) {
            return Err(wrong());
        }
        let mut sum = [0; 32];
        for (byte, digits) in sum.iter_mut().zip(word.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Sha256(sum))
    }
}

/// Digits of a hash in a name.
const DIGITS: usize = 32;

/// Why a name is not `NAME_VERSION_ARCH-HASH`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// Its parts are not there.
    #[error("'{0}' is not NAME_VERSION_ARCH-HASH")]
    Shape(String),
    /// A part is wrong.
    #[error(transparent)]
    Word(#[from] WordError),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    name: PackageName,
    version: Version,
    arch: Architecture,
    digits: String,
}

impl FromStr for Parts {
    type Err = ParseIdError;
    fn from_str(id: &str) -> Result<Parts, ParseIdError> {
        let shape = || ParseIdError::Shape(id.into());
        let (rest, digits) = id.rsplit_once('-').ok_or_else(shape)?;
        let mut parts = rest.split('_');
        let (Some(name), Some(version), Some(arch), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(shape());
        };
        if digits.len() != DIGITS || !is_lower_hex(digits) || version.contains(':') {
            return Err(shape());
        }
        Ok(Parts {
            name: name.replace("%5f", "_").parse()?,
            version: version.replace("%3a", ":").parse()?,
            arch: arch.parse()?,
            digits: digits.into(),
        })
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.as_str().replace(':', "%3a");
        let name = self.name.as_str().replace('_', "%5f");
        let (arch, digits) = (&self.arch, &self.digits);
        write!(f, "{name}_{version}_{arch}-{digits}")
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Parts);

        impl $name {
            /// The name for these parts and this hash.
            pub fn new(
                name: &PackageName,
                version: &Version,
                arch: &Architecture,
                hash: &Sha256,
            ) -> $name {
                let mut digits = hash.to_string();
                digits.truncate(DIGITS);
                let (name, version, arch) = (name.clone(), version.clone(), arch.clone());
                $name(Parts { name, version, arch, digits })
            }

            /// The package.
            pub fn package(&self) -> &PackageName {
                &self.0.name
            }

            /// Its version.
            pub fn version(&self) -> &Version {
                &self.0.version
            }

            /// Its architecture.
            pub fn architecture(&self) -> &Architecture {
                &self.0.arch
            }

            /// Whether its hash is the beginning of this one.
            pub fn agrees_with(&self, hash: &Sha256) -> bool {
                hash.to_string().starts_with(&self.0.digits)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(id: &str) -> Result<$name, ParseIdError> {
                id.parse().map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// An installation; its hash is that of the .deb.
    InstallationId;
    /// A realization; its hash is that of what it is made of, see
    /// [`Realization::id`](crate::manifest::Realization::id).
    RealizationId;
}

/// Something that is kept or collected as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreKey {
    /// A payload.
    Installation(InstallationId),
    /// A linked installation.
    Realization(RealizationId),
    /// A generation of a view.
    Generation(ViewName, GenerationNumber),
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreKey::Installation(id) => write!(f, "store/{id}"),
            StoreKey::Realization(id) => write!(f, "inst/{id}"),
            StoreKey::Generation(view, number) => write!(f, "views/{view}/gen/{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let sum = Sha256::of(b"");
        let whole = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sum.to_string(), whole);
        assert_eq!(whole.parse(), Ok(sum));
        let id = format!("libc6_2%3a2.41-12_kfreebsd-amd64-{}", &whole[..32]);
        let read: InstallationId = id.parse().unwrap();
        assert_eq!(read.to_string(), id);
        assert_eq!(read.version().as_str(), "2:2.41-12");
        assert!(read.agrees_with(&sum) && !read.agrees_with(&Sha256::of(b"x")));
        let odd = format!("a%5fb_1_all-{}", &whole[..32]);
        let read: InstallationId = odd.parse().unwrap();
        assert_eq!((read.package().as_str(), read.to_string()), ("a_b", odd));
        for wrong in [
            "libc6_2.41_amd64".to_string(),
            format!("libc6_2:2.41_amd64-{}", &whole[..32]),
            format!("libc6_2.41_amd64-{}", &whole[..31]),
            format!("libc6_2.41_amd64-{}", whole[..32].to_uppercase()),
            format!("libc6_2.41_amd64_x-{}", &whole[..32]),
            format!("../x_2.41_amd64-{}", &whole[..32]),
        ] {
            assert!(wrong.parse::<InstallationId>().is_err(), "{wrong}");
        }
    }
}
