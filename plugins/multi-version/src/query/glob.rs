//! Patterns as dpkg's: fnmatch(3) without flags, where `*` and `?` match slashes, too.

/// Whether a text is as the pattern says.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // The last star, and what of the text it has eaten.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        let step = match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(_) => text.get(t).and_then(|c| one(pattern, p, *c)),
            None => None,
        };
        match (step, star) {
            (Some(next), _) => (p, t) = (next, t + 1),
            (None, Some((at, eaten))) => {
                star = Some((at, eaten + 1));
                (p, t) = (at + 1, eaten + 1);
            }
            (None, None) => return false,
        }
    }
    let rest = pattern.get(p..).unwrap_or_default();
    rest.iter().all(|b| *b == b'*')
}

/// Where the pattern goes on, if what is at `p` matches a byte.
fn one(pattern: &[u8], p: usize, c: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'[' => match set(pattern.get(p + 1..)?, c) {
            Some((found, length)) => found.then_some(p + 1 + length),
            // Without its end it is a letter.
            None => (c == b'[').then_some(p + 1),
        },
        b'\\' => (*pattern.get(p + 1)? == c).then_some(p + 2),
        own => (own == c).then_some(p + 1),
    }
}

/// Whether a byte is in the set that begins here, and how long that is with its `]`.
fn set(pattern: &[u8], c: u8) -> Option<(bool, usize)> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut found = false;
    loop {
        let low = *pattern.get(at)?;
        if low == b']' && at > start {
            return Some((found != negated, at + 1));
        }
        match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some(b'-'), Some(high)) if *high != b']' => {
                found |= (low..=*high).contains(&c);
                at += 3;
            }
            _ => {
                found |= low == c;
                at += 1;
            }
        }
    }
}

/// Whether it has anything but letters.
pub(super) fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|b| b"*?[\\".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_fnmatch() {
        for (pattern, text, expected) in [
            ("lib*gc*", "libgcc-s1", true),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*/bin/?s", "/usr/bin/ls", true),
            ("[a-c]x[!0-9]", "bxz", true),
            ("[a-c]x[!0-9]", "bx7", false),
            ("[]x]", "]", true),
            ("[x", "[x", true),
            (r"\*a", "*a", true),
            (r"\*a", "ba", false),
            ("abc", "abcd", false),
            ("", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }
}
