//! What is a legal name of a package (parsehelp.c) or of a trigger (trigname.c).

use crate::msg;
use crate::msg::Msg;

/// Why `name` is no package name (`pkg_name_is_illegal`), or `None`.
///
/// Laxer than Policy §5.6.1: upper case and `_` pass, as in dpkg.
pub fn check_package(name: &[u8]) -> Option<Msg> {
    const ALSO_ALLOWED: &str = "-+._";
    let Some(first) = name.first() else {
        return Some(msg!("may not be empty string"));
    };
    if !first.is_ascii_alphanumeric() {
        return Some(msg!("must start with an alphanumeric character"));
    }
    let allowed = |c: &&u8| !c.is_ascii_alphanumeric() && !ALSO_ALLOWED.as_bytes().contains(c);
    let bad = name.iter().find(allowed)?;
    Some(msg!(
        "character '%c' not allowed (only letters, digits and characters '%s')",
        *bad,
        ALSO_ALLOWED
    ))
}

/// Why `name` is no trigger name (`trig_name_is_illegal`), or `None`.
pub fn check_trigger(name: &[u8]) -> Option<Msg> {
    if name.is_empty() {
        return Some(msg!("empty trigger names are not permitted"));
    }
    if !name.iter().all(|c| (0x21..0x7f).contains(c)) {
        return Some(msg!("trigger name contains invalid character"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str) -> Option<String> {
        check_package(name.as_bytes()).map(|m| m.to_string())
    }

    #[test]
    fn package_names() {
        for good in ["0ad", "libstdc++6", "a.b-c_d", "Upper"] {
            assert_eq!(package(good), None);
        }
        assert_eq!(package("").as_deref(), Some("may not be empty string"));
        assert_eq!(
            package("+a").as_deref(),
            Some("must start with an alphanumeric character")
        );
        assert_eq!(
            package("a:b").as_deref(),
            Some("character ':' not allowed (only letters, digits and characters '-+._')")
        );
    }

    #[test]
    fn trigger_names() {
        // lib/dpkg/t/t-trigger.c
        let bad = |n: &[u8]| check_trigger(n).map(|m| m.to_string());
        assert_eq!(
            bad(b"").as_deref(),
            Some("empty trigger names are not permitted")
        );
        for name in [&b"\x07"[..], b"abc ", b"\x7f", b"a\xc3\xa9"] {
            assert_eq!(
                bad(name).as_deref(),
                Some("trigger name contains invalid character")
            );
        }
        assert_eq!(bad(b"/usr/share/man"), None);
    }
}
