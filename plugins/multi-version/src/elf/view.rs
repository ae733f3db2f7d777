//! A file's bytes, with what is to be written laid over them.
//!
//! The same reading and checking code sees an input and an output that does not exist yet.

use std::borrow::Cow;

/// Bytes to put at an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where in the file.
    pub offset: u64,
    /// What, never empty.
    pub bytes: Vec<u8>,
}

impl Write {
    /// Where it ends.
    pub fn end(&self) -> Option<u64> {
        self.offset
            .checked_add(u64::try_from(self.bytes.len()).ok()?)
    }
}

/// A file as it is, or as it will be.
#[derive(Clone, Copy)]
pub struct View<'a> {
    base: &'a [u8],
    /// Ascending, apart from each other.
    writes: &'a [Write],
    len: u64,
}

impl<'a> View<'a> {
    /// The file as it is.
    pub fn of(base: &'a [u8]) -> View<'a> {
        View {
            base,
            writes: &[],
            len: base.len() as u64,
        }
    }

    /// The file after `writes`, which ascend without overlapping, at length `len`.
    pub fn after(base: &'a [u8], writes: &'a [Write], len: u64) -> View<'a> {
        View { base, writes, len }
    }

    /// The file's length.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `len` bytes at `at`, `None` where the file ends before.
    pub fn bytes(&self, at: u64, len: u64) -> Option<Cow<'a, [u8]>> {
        let end = at.checked_add(len)?;
        if end > self.len {
            return None;
        }
        let first = self
            .writes
            .partition_point(|w| w.end().is_some_and(|e| e <= at));
        let touching = self.writes.get(first..)?;
        let untouched = touching.first().is_none_or(|w| w.offset >= end);
        let (start, stop) = (usize::try_from(at).ok()?, usize::try_from(end).ok()?);
        if untouched && stop <= self.base.len() {
            return self.base.get(start..stop).map(Cow::Borrowed);
        }
        let mut out = vec![0; stop.checked_sub(start)?];
        let have = stop.min(self.base.len());
        if let Some(old) = self.base.get(start.min(have)..have) {
            out.get_mut(..old.len())?.copy_from_slice(old);
        }
        for write in touching.iter().take_while(|w| w.offset < end) {
            let from = write.offset.max(at);
            let to = write.end()?.min(end);
            let source = usize::try_from(from.checked_sub(write.offset)?).ok()?
                ..usize::try_from(to.checked_sub(write.offset)?).ok()?;
            let target = usize::try_from(from.checked_sub(at)?).ok()?
                ..usize::try_from(to.checked_sub(at)?).ok()?;
            out.get_mut(target)?
                .copy_from_slice(write.bytes.get(source)?);
        }
        Some(Cow::Owned(out))
    }

    /// How many bytes from `at` on, at most `limit`, are zero.
    pub fn zeros(&self, at: u64, limit: u64) -> u64 {
        let limit = limit.min(self.len.saturating_sub(at));
        match self.bytes(at, limit) {
            Some(raw) => raw.iter().take_while(|b| **b == 0).count() as u64,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_are_seen_through() {
        let writes = [
            Write {
                offset: 1,
                bytes: b"XY".to_vec(),
            },
            Write {
                offset: 6,
                bytes: b"Z".to_vec(),
            },
        ];
        let view = View::after(b"abcdef", &writes, 8);
        let all = |at, len| view.bytes(at, len).map(Cow::into_owned);
        assert_eq!(all(0, 8), Some(b"aXYdefZ\0".to_vec()));
        assert_eq!(all(2, 2), Some(b"Yd".to_vec()));
        assert_eq!(all(3, 3), Some(b"def".to_vec()));
        assert_eq!(all(7, 1), Some(vec![0]));
        assert_eq!(all(7, 2), None);
        assert_eq!(all(u64::MAX, 2), None);
    }
}
