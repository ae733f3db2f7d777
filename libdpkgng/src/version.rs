//! Version numbers: `epoch:upstream-revision`, deb-version(7), and their order.

use std::cmp::Ordering;
use std::fmt;

use crate::msg::Msg;
use crate::{msg, msgc};

/// A parsed version. Bytes, because the lax parser lets odd characters through with a warning.
///
/// A database holds tens of thousands of them: both parts lie in one allocation.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// The epoch; 0 when absent.
    pub epoch: u32,
    /// How much of `parts` is the upstream part.
    upstream: u32,
    /// The upstream part and the revision, without the hyphen between them.
    parts: Box<[u8]>,
}

/// When the epoch is shown (`versiondisplayepochwhen`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epoch {
    /// Never.
    Never,
    /// When it is not 0, or when the version would be misread without it.
    NonAmbig,
    /// Always.
    Always,
}

/// Why a string is not a (good) version.
#[derive(Clone, Debug)]
pub struct VersionProblem {
    /// Fatal for every parser; otherwise the version is usable and lax parsers only warn.
    pub fatal: bool,
    /// dpkg's words.
    pub msg: Msg,
}

impl Version {
    /// Put a version together.
    pub fn from_parts(epoch: u32, version: &[u8], revision: &[u8]) -> Version {
        let mut parts = Vec::with_capacity(version.len() + revision.len());
        parts.extend_from_slice(version);
        parts.extend_from_slice(revision);
        Version {
            epoch,
            // The versions of a file of more than 4 GiB are nobody's concern.
            upstream: u32::try_from(version.len()).unwrap_or(u32::MAX),
            parts: parts.into(),
        }
    }

    /// The upstream part.
    pub fn version(&self) -> &[u8] {
        self.parts
            .get(..self.upstream as usize)
            .unwrap_or(&self.parts)
    }

    /// The revision; empty when absent.
    pub fn revision(&self) -> &[u8] {
        self.parts.get(self.upstream as usize..).unwrap_or_default()
    }

    /// Parse `text`. Always returns what could be made out of it, with the problem if any,
    /// as the lax parsers keep going with it.
    pub fn parse(text: &[u8]) -> (Version, Option<VersionProblem>) {
        let fatal = |m: Msg| {
            let problem = VersionProblem {
                fatal: true,
                msg: m,
            };
            (Version::default(), Some(problem))
        };
        let blank = |c: &u8| matches!(c, b' ' | b'\t');
        let start = text.iter().position(|c| !blank(c)).unwrap_or(text.len());
        let text = &text[start..];
        if text.is_empty() {
            return fatal(msg!("version string is empty"));
        }
        let end = text.iter().position(blank).unwrap_or(text.len());
        if text[end..].iter().any(|c| !blank(c)) {
            return fatal(msg!("version string has embedded spaces"));
        }
        let mut rest = &text[..end];
        let mut epoch = 0;
        if let Some(colon) = memchr::memchr(b':', rest) {
            // strtol's reading of the part before the colon.
            let field = &rest[..colon];
            let unspaced = field.iter().position(|c| !c.is_ascii_whitespace());
            let field = &field[unspaced.unwrap_or(field.len())..];
            let (negative, digits) = match field {
                [b'-', d @ ..] => (true, d),
                [b'+', d @ ..] => (false, d),
                d => (false, d),
            };
            let count = digits.iter().take_while(|c| c.is_ascii_digit()).count();
            if count == 0 {
                return fatal(msg!("epoch in version is empty"));
            }
            if count != digits.len() {
                return fatal(msg!("epoch in version is not number"));
            }
            let value = digits.iter().fold(0u64, |n, d| {
                n.saturating_mul(10).saturating_add(u64::from(d - b'0'))
            });
            if negative && value != 0 {
                return fatal(msg!("epoch in version is negative"));
            }
            epoch = match u32::try_from(value) {
                Ok(n) if n <= i32::MAX as u32 => n,
                _ => return fatal(msg!("epoch in version is too big")),
            };
            rest = &rest[colon + 1..];
            if rest.is_empty() {
                return fatal(msg!("nothing after colon in version number"));
            }
        }
        let (version, revision, hyphen) = match memchr::memrchr(b'-', rest) {
            Some(i) => (&rest[..i], &rest[i + 1..], true),
            None => (rest, &rest[..0], false),
        };
        let parsed = Version::from_parts(epoch, version, revision);
        let problem = |fatal, m| Some(VersionProblem { fatal, msg: m });
        let mut allowed = version.iter();
        let found = if hyphen && revision.is_empty() {
            problem(true, msg!("revision number is empty"))
        } else if version.is_empty() {
            problem(true, msg!("version number is empty"))
        } else if !allowed.next().is_some_and(u8::is_ascii_digit) {
            problem(false, msg!("version number does not start with digit"))
        } else if !allowed.all(|c| c.is_ascii_alphanumeric() || b".-+~:".contains(c)) {
            problem(false, msg!("invalid character in version number"))
        } else if !revision
            .iter()
            .all(|c| c.is_ascii_alphanumeric() || b".+~".contains(c))
        {
            problem(false, msg!("invalid character in revision number"))
        } else {
            None
        };
        (parsed, found)
    }

    /// Whether it says anything (`dpkg_version_is_informative`).
    pub fn is_informative(&self) -> bool {
        self.epoch != 0 || !self.parts.is_empty()
    }

    /// The text of the version; empty for the blank version.
    pub fn to_bytes(&self, epoch: Epoch) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.parts.len() + 4);
        let shown = match epoch {
            Epoch::Never => false,
            Epoch::NonAmbig => self.epoch != 0 || self.parts.contains(&b':'),
            Epoch::Always => true,
        };
        if shown {
            out.extend_from_slice(self.epoch.to_string().as_bytes());
            out.push(b':');
        }
        out.extend_from_slice(self.version());
        if !self.revision().is_empty() {
            out.push(b'-');
            out.extend_from_slice(self.revision());
        }
        out
    }

    /// `versiondescribe()`: the text, or `<none>` in the user's words.
    pub fn describe(&self, epoch: Epoch) -> Msg {
        if self.is_informative() {
            Msg::verbatim(self.to_bytes(epoch))
        } else {
            msgc!("version", "<none>")
        }
    }

    /// `versiondescribe_c()`: the text, or `<none>` in any language, for what programs read.
    pub fn describe_c(&self, epoch: Epoch) -> String {
        self.describe(epoch).to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe_c(Epoch::NonAmbig))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Version {}
impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare_part(self.version(), other.version()))
            .then_with(|| compare_part(self.revision(), other.revision()))
    }
}

/// The order of one part: runs of non-digits (letters before the rest, `~` before the end),
/// then runs of digits by value. deb-version(7), "Sorting algorithm".
fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    fn weight(c: Option<&u8>) -> i32 {
        match c {
            None => 0,
            Some(b'0'..=b'9') => 0,
            Some(b'~') => -1,
            Some(c) if c.is_ascii_alphabetic() => i32::from(*c),
            // C compares plain chars, which are signed where dpkg's order was fixed.
            Some(c) => i32::from(*c as i8) + 256,
        }
    }
    let digit = |s: &[u8]| s.first().is_some_and(u8::is_ascii_digit);
    while !a.is_empty() || !b.is_empty() {
        while (!a.is_empty() && !digit(a)) || (!b.is_empty() && !digit(b)) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order != Ordering::Equal {
                return order;
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let split = |s: &[u8]| {
            let zeros = s.iter().take_while(|c| **c == b'0').count();
            let digits = s[zeros..].iter().take_while(|c| c.is_ascii_digit()).count();
            (zeros, zeros + digits)
        };
        let ((za, ea), (zb, eb)) = (split(a), split(b));
        let (na, nb) = (&a[za..ea], &b[zb..eb]);
        let order = na.len().cmp(&nb.len()).then_with(|| na.cmp(nb));
        if order != Ordering::Equal {
            return order;
        }
        a = &a[ea..];
        b = &b[eb..];
    }
    Ordering::Equal
}

/// The relations of a versioned dependency (`dpkg_relation`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relation {
    /// No version is asked for.
    #[default]
    None,
    /// `=`
    Eq,
    /// `<<`
    Lt,
    /// `<=`
    Le,
    /// `>>`
    Gt,
    /// `>=`
    Ge,
}

impl Relation {
    /// Whether `a RELATION b` holds; always for [`Relation::None`].
    pub fn holds(self, a: &Version, b: &Version) -> bool {
        let order = a.cmp(b);
        match self {
            Relation::None => true,
            Relation::Eq => order.is_eq(),
            Relation::Lt => order.is_lt(),
            Relation::Le => order.is_le(),
            Relation::Gt => order.is_gt(),
            Relation::Ge => order.is_ge(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(s: &str) -> Version {
        Version::parse(s.as_bytes()).0
    }

    #[test]
    fn order() {
        for (a, b) in [
            ("1.0~rc1", "1.0"),
            ("1.0", "1.0-1"),
            ("1.0-1", "1:0.1"),
            ("1.0a", "1.0+"),
            ("1.9", "1.10"),
            ("0~~", "0~"),
            ("1.0", "1.0a"),
            ("a~", "a"),
        ] {
            assert!(v(a) < v(b), "{a} < {b}");
            assert!(v(b) > v(a), "{b} > {a}");
        }
        assert_eq!(v("1.00"), v("1.0"));
        assert_eq!(v("0:1-0"), v("1"));
    }

    #[test]
    fn problems_are_graded_as_stock_grades_them() {
        let text = |s: &str| {
            Version::parse(s.as_bytes())
                .1
                .map(|p| (p.fatal, p.msg.to_string()))
        };
        assert_eq!(text(" 1:2.0-1 "), None);
        assert_eq!(text(""), Some((true, "version string is empty".into())));
        assert_eq!(text(":1"), Some((true, "epoch in version is empty".into())));
        assert_eq!(
            text("a:1"),
            Some((true, "epoch in version is empty".into()))
        );
        assert_eq!(
            text("1a:1"),
            Some((true, "epoch in version is not number".into()))
        );
        assert_eq!(
            text("-1:1"),
            Some((true, "epoch in version is negative".into()))
        );
        assert_eq!(
            text("999999999999999999999:1"),
            Some((true, "epoch in version is too big".into()))
        );
        assert_eq!(text("1-"), Some((true, "revision number is empty".into())));
        assert_eq!(
            text("a1"),
            Some((false, "version number does not start with digit".into()))
        );
        assert_eq!(
            text("1_1"),
            Some((false, "invalid character in version number".into()))
        );
        assert_eq!(
            text("1-1_"),
            Some((false, "invalid character in revision number".into()))
        );
    }
}
