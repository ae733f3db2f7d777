//! What of an ELF file does not depend on how it is linked.
//!
//! A view gives programs another interpreter and search path. What that changes are the contents of `.interp`, `.dynamic`
//! and `.dynstr`, and where things are in the file. All other sections keep their bytes, and so do the needed names,
//! of which there may be more in a view.

use sha2::{Digest, Sha256};

use crate::snapshot::hex;

/// What linking changes.
const LINKING: [&str; 4] = [".interp", ".dynamic", ".dynstr", ".shstrtab"];
const SHT_NOBITS: u32 = 8;

struct Reader<'a> {
    data: &'a [u8],
    wide: bool,
    big: bool,
}

impl Reader<'_> {
    fn number(&self, at: usize, len: usize) -> Option<u64> {
        let bytes = self.data.get(at..at.checked_add(len)?)?;
        let fold = |n: u64, b: &u8| n << 8 | u64::from(*b);
        Some(match self.big {
            true => bytes.iter().fold(0, fold),
            false => bytes.iter().rev().fold(0, fold),
        })
    }

    fn word(&self, at: usize) -> Option<usize> {
        let len = if self.wide { 8 } else { 4 };
        usize::try_from(self.number(at, len)?).ok()
    }
}

/// A hash of what linking keeps; none if it is no dynamic ELF file whose sections can be read.
pub fn unlinked(data: &[u8]) -> Option<String> {
    if data.get(..4)? != b"\x7fELF" {
        return None;
    }
    let r = Reader {
        data,
        wide: *data.get(4)? == 2,
        big: *data.get(5)? == 2,
    };
    let (shoff, sizes) = match r.wide {
        true => (r.word(40)?, 58),
        false => (r.word(32)?, 46),
    };
    let step = usize::try_from(r.number(sizes, 2)?).ok()?;
    let count = usize::try_from(r.number(sizes + 2, 2)?).ok()?;
    let names = usize::try_from(r.number(sizes + 4, 2)?).ok()?;
    if shoff == 0 || count == 0 {
        return None;
    }
    let header = |n: usize| shoff.checked_add(n.checked_mul(step)?);
    let place = |at: usize| {
        let (offset, size) = match r.wide {
            true => (r.word(at + 24)?, r.word(at + 32)?),
            false => (r.word(at + 16)?, r.word(at + 20)?),
        };
        Some((offset, size))
    };
    let content = |at: usize| {
        let (offset, size) = place(at)?;
        data.get(offset..offset.checked_add(size)?)
    };
    let names = content(header(names)?)?;
    let mut sum = Sha256::new();
    // Kind and machine.
    sum.update(data.get(16..20)?);
    let mut dynamic = false;
    let mut all = Vec::new();
    for n in 1..count {
        let at = header(n)?;
        let name = names.get(usize::try_from(r.number(at, 4)?).ok()?..)?;
        let name = String::from_utf8_lossy(name.split(|b| *b == 0).next()?).into_owned();
        dynamic |= name == ".dynamic";
        if LINKING.contains(&name.as_str()) {
            continue;
        }
        let kind = u32::try_from(r.number(at + 4, 4)?).ok()?;
        let body = match kind {
            SHT_NOBITS => place(at)?.1.to_string(),
            _ => hex(content(at)?),
        };
        all.push(format!("{name} {kind} {body}\n"));
    }
    // The table's order is not the program's business.
    all.sort();
    for section in all {
        sum.update(section);
    }
    dynamic.then(|| hex(&sum.finalize()))
}

#[cfg(test)]
mod tests {
    use super::unlinked;

    static CONSTANT: &str = "a constant of this program, found in its .rodata";

    /// With one byte changed where `what` stands first behind the header.
    fn changed(data: &[u8], what: &[u8]) -> Vec<u8> {
        let mut data = data.to_vec();
        let at = data.windows(what.len()).position(|w| w == what);
        let byte = data.get_mut(at.expect("is in this program")).expect("byte");
        *byte ^= 1;
        data
    }

    #[test]
    fn an_interpreter_is_linking_and_a_constant_is_not() {
        let program = std::fs::read("/proc/self/exe").expect("own program");
        let sum = unlinked(&program).expect("a dynamic program");
        let moved = changed(&program, b"/lib64/ld-linux-x86-64.so.2");
        assert_eq!(unlinked(&moved), Some(sum.clone()));
        let other = changed(&program, CONSTANT.as_bytes());
        assert_ne!(unlinked(&other), Some(sum));
    }

    #[test]
    fn what_is_no_elf_file_or_cut_off() {
        let program = std::fs::read("/proc/self/exe").expect("own program");
        assert_eq!(unlinked(b"#!/bin/sh\n"), None);
        for len in [0, 4, 20, 64, program.len() / 2] {
            assert_eq!(unlinked(program.get(..len).unwrap_or_default()), None);
        }
    }
}
