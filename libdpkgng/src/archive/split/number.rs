//! Numbers as C's strtol family reads them, with where they end.

/// What strtoimax(3) found.
pub(super) struct Number<'a> {
    /// The value, at the nearer end of its range when it did not fit.
    pub value: i64,
    /// It did not fit (`ERANGE`).
    pub overflow: bool,
    /// What follows it.
    pub rest: &'a [u8],
}

/// strtoimax(3) in base 10 or 16; `None` when there is no number.
pub(super) fn strtoimax(text: &[u8], base: u32) -> Option<Number<'_>> {
    let mut rest = text;
    while let [b' ' | b'\t'..=b'\r', tail @ ..] = rest {
        rest = tail;
    }
    let negative = rest.first() == Some(&b'-');
    if let [b'-' | b'+', tail @ ..] = rest {
        rest = tail;
    }
    if base == 16
        && let [b'0', b'x' | b'X', tail @ ..] = rest
        && tail.first().is_some_and(u8::is_ascii_hexdigit)
    {
        rest = tail;
    }
    let digit = |c: &u8| char::from(*c).to_digit(base);
    rest.first().and_then(digit)?;
    let mut value = Some(0i64);
    while let Some(d) = rest.first().and_then(digit) {
        let d = if negative {
            -i64::from(d)
        } else {
            i64::from(d)
        };
        value = value.and_then(|v| v.checked_mul(i64::from(base))?.checked_add(d));
        rest = rest.get(1..).unwrap_or_default();
    }
    let limit = if negative { i64::MIN } else { i64::MAX };
    Some(Number {
        value: value.unwrap_or(limit),
        overflow: value.is_none(),
        rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_c_reads_them() {
        let read = |text: &str, base| {
            let n = strtoimax(text.as_bytes(), base)?;
            Some((n.value, n.overflow, n.rest.len()))
        };
        assert_eq!(read(" +12x", 10), Some((12, false, 1)));
        assert_eq!(read("-7", 10), Some((-7, false, 0)));
        assert_eq!(read("1f.2", 16), Some((31, false, 2)));
        assert_eq!(read("0x1F", 16), Some((31, false, 0)));
        assert_eq!(read("0xg", 16), Some((0, false, 2)));
        assert_eq!(read("", 10), None);
        assert_eq!(read(" - 1", 10), None);
        let max = i64::MAX;
        assert_eq!(read("9223372036854775808", 10), Some((max, true, 0)));
    }
}
