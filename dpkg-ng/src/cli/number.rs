//! Numbers as C reads them.

/// What strtol(3) makes of the whole of `text`: the value, or `None` when there is no number,
/// something after it, or one that does not fit. Base 0 takes `0x` and `0` prefixes.
pub fn strtol(text: &[u8], base: u32) -> Option<i64> {
    let is_space = |c: &u8| matches!(c, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|c| !is_space(c))?;
    let mut digits = &text[start..];
    let mut negative = false;
    if let Some((&sign @ (b'+' | b'-'), rest)) = digits.split_first() {
        negative = sign == b'-';
        digits = rest;
    }
    let hexadecimal = matches!(digits, [b'0', b'x' | b'X', h, ..] if h.is_ascii_hexdigit());
    let base = match base {
        0 if hexadecimal => {
            digits = &digits[2..];
            16
        }
        0 if digits.first() == Some(&b'0') => 8,
        0 => 10,
        16 if hexadecimal => {
            digits = &digits[2..];
            16
        }
        other => other,
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for &c in digits {
        let digit = i64::from(char::from(c).to_digit(base)?);
        let digit = if negative { -digit } else { digit };
        value = value.checked_mul(i64::from(base))?.checked_add(digit)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::strtol;

    #[test]
    fn reads_as_c_does() {
        assert_eq!(strtol(b"10", 0), Some(10));
        assert_eq!(strtol(b" \t+010", 0), Some(8));
        assert_eq!(strtol(b"-0x1F", 0), Some(-31));
        assert_eq!(strtol(b"0x", 0), None);
        assert_eq!(strtol(b"0", 0), Some(0));
        assert_eq!(strtol(b"08", 0), None);
        assert_eq!(strtol(b"77", 8), Some(63));
        assert_eq!(strtol(b"8", 8), None);
        assert_eq!(strtol(b"", 10), None);
        assert_eq!(strtol(b" ", 10), None);
        assert_eq!(strtol(b"1 ", 10), None);
        assert_eq!(strtol(b"-9223372036854775808", 10), Some(i64::MIN));
        assert_eq!(strtol(b"9223372036854775808", 10), None);
    }
}
