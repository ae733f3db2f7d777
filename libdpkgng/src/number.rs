//! Numbers as C reads them: strtol(3), that of C23.

/// What strtol(3) finds at the start of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned<'a> {
    /// The number; the nearest one that an `i64` holds when `overflow` is set.
    pub value: i64,
    /// `ERANGE`: the number does not fit.
    pub overflow: bool,
    /// What follows the number.
    pub rest: &'a [u8],
}

impl Scanned<'_> {
    /// The number, if it fits and nothing follows it.
    pub fn whole(&self) -> Option<i64> {
        (self.rest.is_empty() && !self.overflow).then_some(self.value)
    }
}

/// isspace(3) in the C locale.
pub fn is_space(c: &u8) -> bool {
    matches!(c, b' ' | b'\t'..=b'\r')
}

/// The number that `text` starts with, after white space; `None` when there is none. Base 0
/// takes `0x`, `0b` and `0` prefixes, base 16 takes `0x`, base 2 takes `0b`.
pub fn scan(text: &[u8], base: u32) -> Option<Scanned<'_>> {
    let start = text.iter().position(|c| !is_space(c))?;
    let mut digits = &text[start..];
    let mut negative = false;
    if let Some((&sign @ (b'+' | b'-'), rest)) = digits.split_first() {
        negative = sign == b'-';
        digits = rest;
    }
    let prefix = match digits {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => Some(16),
        [b'0', b'b' | b'B', b'0' | b'1', ..] => Some(2),
        _ => None,
    };
    let base = match (base, prefix) {
        (given, Some(prefix)) if given == 0 || given == prefix => {
            digits = &digits[2..];
            prefix
        }
        (0, _) if digits.first() == Some(&b'0') => 8,
        (0, _) => 10,
        (given, _) => given,
    };
    let digit = |c: &u8| char::from(*c).to_digit(base);
    let length = digits.iter().take_while(|c| digit(c).is_some()).count();
    let (digits, rest) = digits.split_at(length);
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().filter_map(digit).try_fold(0i64, |value, d| {
        let d = i64::from(d);
        let value = value.checked_mul(i64::from(base))?;
        value.checked_add(if negative { -d } else { d })
    });
    let nearest = if negative { i64::MIN } else { i64::MAX };
    Some(Scanned {
        value: value.unwrap_or(nearest),
        overflow: value.is_none(),
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &[u8], base: u32) -> Option<i64> {
        scan(text, base)?.whole()
    }

    #[test]
    fn reads_as_c_does() {
        assert_eq!(whole(b"10", 0), Some(10));
        assert_eq!(whole(b" \t+010", 0), Some(8));
        assert_eq!(whole(b"-0x1F", 0), Some(-31));
        assert_eq!(whole(b"0x", 0), None);
        assert_eq!(whole(b"-0b11", 0), Some(-3));
        assert_eq!(whole(b"0B10", 2), Some(2));
        assert_eq!(whole(b"0b", 0), None);
        assert_eq!(whole(b"0b2", 0), None);
        assert_eq!(whole(b"0b1", 16), Some(0xb1));
        assert_eq!(whole(b"0", 0), Some(0));
        assert_eq!(whole(b"08", 0), None);
        assert_eq!(whole(b"77", 8), Some(63));
        assert_eq!(whole(b"8", 8), None);
        assert_eq!(whole(b"", 10), None);
        assert_eq!(whole(b" ", 10), None);
        assert_eq!(whole(b"1 ", 10), None);
        assert_eq!(whole(b"-9223372036854775808", 10), Some(i64::MIN));
        assert_eq!(whole(b"9223372036854775808", 10), None);
    }

    #[test]
    fn what_follows_and_what_does_not_fit_is_told() {
        let scanned = scan(b"12abc", 10).unwrap();
        assert_eq!((scanned.value, scanned.rest), (12, &b"abc"[..]));
        let scanned = scan(b"99999999999999999999x", 10).unwrap();
        assert_eq!((scanned.value, scanned.overflow), (i64::MAX, true));
        assert_eq!(scanned.rest, b"x");
        assert_eq!(scan(b"-99999999999999999999", 10).unwrap().value, i64::MIN);
    }
}
