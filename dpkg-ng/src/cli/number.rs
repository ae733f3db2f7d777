//! Numbers in options and files of the command line.

use libdpkgng::number;

/// What strtol(3) makes of the whole of `text`: the value, or `None` when there is no number,
/// something after it, or one that does not fit. Base 0 takes `0x`, `0b` and `0` prefixes.
pub fn strtol(text: &[u8], base: u32) -> Option<i64> {
    number::scan(text, base)?.whole()
}
