//! The words that names below `/var/sys` are made of.

use std::fmt;
use std::str::FromStr;

/// A word that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is not {what}: {why}")]
pub struct WordError {
    /// The word.
    pub word: String,
    /// What it should have been.
    pub what: &'static str,
    /// Why it is not.
    pub why: &'static str,
}

/// Longer than any in use; all of a name must fit into the 255 bytes of a file name.
const LONGEST: usize = 120;

fn check(word: &str, first: fn(u8) -> bool, rest: fn(u8) -> bool) -> Check {
    match word.as_bytes() {
        [] => Err("it is empty"),
        bytes if bytes.len() > LONGEST => Err("it is too long"),
        [head, ..] if !first(*head) => Err("its first character may not stand there"),
        [_, tail @ ..] if !tail.iter().all(|b| rest(*b)) => Err("a character may not stand in it"),
        _ => Ok(()),
    }
}

type Check = Result<(), &'static str>;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $what:literal, $check:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The checked word.
            pub fn new(word: &str) -> Result<$name, WordError> {
                let check: fn(&str) -> Check = $check;
                check(word).map_err(|why| WordError { word: word.into(), what: $what, why })?;
                Ok($name(word.into()))
            }

            /// The word.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = WordError;
            fn from_str(word: &str) -> Result<$name, WordError> {
                $name::new(word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

fn lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn simple(b: u8) -> bool {
    lower(b) || matches!(b, b'-' | b'.' | b'+')
}

fn alphanumeric(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}

fn package(b: u8) -> bool {
    simple(b) || b == b'_'
}

words! {
    /// A package's name, as dpkg has it in its database: more than Policy 5.6.1 allows.
    PackageName: "a package name", |w| check(w, lower, package);
    /// A version: Policy 5.6.12. It has no order here: that is the host's.
    Version: "a version", |w| check(
        w,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'~' | b':'),
    );
    /// An architecture, `all` included.
    Architecture: "an architecture", |w| check(w, alphanumeric, |b| alphanumeric(b) || b == b'-');
    /// A view's name.
    ViewName: "a view's name", |w| check(w, lower, simple);
    /// A side world's name: `PACKAGE@VERSION` of the package it was made for. Its commands are `cmd@SIDE`; a colon of the
    /// version, which separates directories, is `%3a`.
    SideName: "a side world's name", |w| match w.split_once('@') {
        Some((package, version)) => check(package, lower, self::package).and(check(
            version,
            |b| b.is_ascii_alphanumeric(),
            |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'~' | b'%'),
        )),
        None => Err("there is no @ in it"),
    };
    /// A pin's name.
    Pin: "a pin's name", |w| check(
        w,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'+' | b'_' | b'@'),
    );
    /// The soname of a library, or the file name of an interpreter: a name in `$INSTALLPATH/lib`.
    Soname: "a soname", |w| check(
        w,
        |b| b.is_ascii_graphic() && !matches!(b, b'/' | b'.' | b'-' | b':' | b'$'),
        |b| b.is_ascii_graphic() && !matches!(b, b'/' | b':' | b'$'),
    );
}

impl SideName {
    /// The name of the side world that is made for a package.
    ///
    /// # Errors
    /// It would be too long.
    pub fn of(package: &PackageName, version: &Version) -> Result<SideName, WordError> {
        let version = version.as_str().replace(':', "%3a");
        SideName::new(&format!("{package}@{version}"))
    }
}

impl ViewName {
    /// The view whose current generation programs resolve against.
    pub fn system() -> ViewName {
        ViewName("system".into())
    }
}

/// The number of a generation, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GenerationNumber(u32);

impl GenerationNumber {
    /// The first of a view.
    pub const FIRST: GenerationNumber = GenerationNumber(1);

    /// The one after this; none after the last.
    pub fn next(self) -> Option<GenerationNumber> {
        self.0.checked_add(1).map(GenerationNumber)
    }
}

impl FromStr for GenerationNumber {
    type Err = WordError;
    fn from_str(word: &str) -> Result<GenerationNumber, WordError> {
        let wrong = |why| WordError {
            word: word.into(),
            what: "a generation",
            why,
        };
        if !word.bytes().all(|b| b.is_ascii_digit()) || word.starts_with('0') {
            return Err(wrong("it is not a number as we write them"));
        }
        let number = word.parse().map_err(|_| wrong("it is no number"))?;
        Ok(GenerationNumber(number))
    }
}

impl fmt::Display for GenerationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `V[@GEN]`: a generation, the current one if none is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The view.
    pub view: ViewName,
    /// Its generation.
    pub number: Option<GenerationNumber>,
}

impl FromStr for Place {
    type Err = WordError;
    fn from_str(word: &str) -> Result<Place, WordError> {
        let (view, number) = match word.split_once('@') {
            Some((view, number)) => (view, Some(number.parse()?)),
            None => (word, None),
        };
        let view = view.parse()?;
        Ok(Place { view, number })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view.fmt(f)?;
        match self.number {
            Some(number) => write!(f, "@{number}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_directory() {
        let hostile = [
            "", ".", "..", "../x", "a/b", "-x", "a b", "a\nb", "a$b", "a\0", "ä",
        ];
        for word in hostile.iter().copied().chain(["a".repeat(121).as_str()]) {
            assert!(PackageName::new(word).is_err(), "{word}");
            assert!(Version::new(word).is_err(), "{word}");
            assert!(Architecture::new(word).is_err(), "{word}");
            assert!(ViewName::new(word).is_err(), "{word}");
            assert!(Pin::new(word).is_err(), "{word}");
            assert!(Soname::new(word).is_err(), "{word}");
            assert!(GenerationNumber::from_str(word).is_err(), "{word}");
        }
        for name in ["f", "a_b", "0ad"] {
            assert!(PackageName::new(name).is_ok(), "{name}");
        }
        assert!(
            PackageName::new("Foo").is_err()
                && ViewName::new("Foo").is_err()
                && ViewName::new("a_b").is_err()
        );
        assert!(PackageName::new("libstdc++6").is_ok() && Version::new("1:2~rc1+b1-0.1").is_ok());
        assert!(Soname::new("ld-linux-x86-64.so.2").is_ok() && Soname::new("libX11.so.6").is_ok());
        let side = SideName::of(&"redis".parse().unwrap(), &"5:7.0~rc1+b1".parse().unwrap());
        assert_eq!(side.unwrap().as_str(), "redis@5%3a7.0~rc1+b1");
        assert!(SideName::new("main").is_err() && SideName::new("a@b/c").is_err());
        assert!(Version::new("1_2").is_err() && Architecture::new("amd_64").is_err());
        assert!(Architecture::new("AMD64").is_ok() && SideName::new("a_b@1").is_ok());
        for number in ["0", "007", "+1", "4294967296"] {
            assert!(number.parse::<GenerationNumber>().is_err(), "{number}");
        }
    }
}
