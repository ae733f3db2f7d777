//! A change to a file as data, and the way back.
//!
//! An [`Edit`] is a list of small writes and a new length; its [`Undo`] restores the original bytes
//! exactly and refuses a file that is not what the edit made.

use super::view::{View, Write};

/// What turns one file into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The writes, ascending, apart from each other.
    pub writes: Vec<Write>,
    /// The file's length afterwards, never less than before.
    pub len: u64,
    /// The way back.
    pub undo: Undo,
}

impl Edit {
    /// The difference that `pieces` make to `base`; `None` where two of them disagree.
    ///
    /// Bytes that stay are left out, so the writes are as small as the change.
    pub(super) fn of(base: &[u8], mut pieces: Vec<Write>, len: u64) -> Option<Edit> {
        pieces.retain(|p| !p.bytes.is_empty());
        pieces.sort_by_key(|p| p.offset);
        let mut end = 0;
        let mut writes: Vec<Write> = Vec::new();
        for piece in &pieces {
            if piece.offset < end {
                return None;
            }
            end = piece.end()?;
            if end > len {
                return None;
            }
            differences(base, piece, &mut writes)?;
        }
        let undo = Undo::of(base, &writes, len)?;
        Some(Edit { writes, len, undo })
    }

    /// The file it makes of `base`.
    pub fn apply(&self, base: &[u8]) -> Vec<u8> {
        let mut out = base.to_vec();
        write_all(&mut out, &self.writes, self.len);
        out
    }

    /// The file it makes of `base`, for reading.
    pub fn view<'a>(&'a self, base: &'a [u8]) -> View<'a> {
        View::after(base, &self.writes, self.len)
    }
}

/// How many equal bytes end a write: about what another write costs in the undo record.
const APART: usize = 8;

/// Appends what `piece` changes in `base`.
fn differences(base: &[u8], piece: &Write, out: &mut Vec<Write>) -> Option<()> {
    let start = usize::try_from(piece.offset).ok()?;
    let tail = base.get(start.min(base.len())..)?;
    let have = tail.len().min(piece.bytes.len());
    let old = tail.get(..have)?;
    let (over, beyond) = piece.bytes.split_at_checked(have)?;
    let mut run: Option<(usize, usize)> = None;
    let mut runs = Vec::new();
    for (n, _) in over
        .iter()
        .zip(old)
        .enumerate()
        .filter(|(_, (a, b))| a != b)
    {
        match &mut run {
            Some((_, end)) if n < *end + APART => *end = n + 1,
            _ => runs.extend(run.replace((n, n + 1))),
        }
    }
    runs.extend(run);
    if !beyond.is_empty() {
        runs.push((have, piece.bytes.len()));
    }
    for (from, to) in runs {
        out.push(Write {
            offset: piece.offset.checked_add(from as u64)?,
            bytes: piece.bytes.get(from..to)?.to_vec(),
        });
    }
    Some(())
}

fn write_all(out: &mut Vec<u8>, writes: &[Write], len: u64) {
    if let Ok(len) = usize::try_from(len) {
        out.resize(len, 0);
    }
    for write in writes {
        let start = usize::try_from(write.offset).unwrap_or(usize::MAX);
        let place = start
            .checked_add(write.bytes.len())
            .and_then(|end| out.get_mut(start..end));
        if let Some(place) = place {
            place.copy_from_slice(&write.bytes);
        }
    }
}

/// The way back from an edit: what stood where it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    before: u64,
    after: u64,
    /// Of the edited file's bytes where the edit wrote, and of their places.
    fingerprint: u64,
    pieces: Vec<Old>,
}

/// What stood in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Old {
    Bytes(Write),
    /// Zero bytes, which is what padding consists of: offset and length.
    Zeros(u64, u64),
}

/// Why an undo record was not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UndoError {
    /// The file is not what the edit made.
    #[error("the file is not the one this undo record was made for")]
    OtherFile,
    /// The record itself cannot be read.
    #[error("the undo record is damaged")]
    Damaged,
}

const MAGIC: &[u8; 4] = b"EUn\x01";

impl Undo {
    fn of(base: &[u8], writes: &[Write], after: u64) -> Option<Undo> {
        let mut pieces = Vec::new();
        for write in writes {
            let start = usize::try_from(write.offset).ok()?.min(base.len());
            let end = usize::try_from(write.end()?).ok()?.min(base.len());
            let old = base.get(start..end)?;
            // Beyond the old end there was nothing: cutting the file restores it. The
            // piece stays, so that the fingerprint covers it.
            if old.iter().all(|b| *b == 0) {
                pieces.push(Old::Zeros(write.offset, write.bytes.len() as u64));
            } else {
                pieces.push(Old::Bytes(Write {
                    offset: write.offset,
                    bytes: old.to_vec(),
                }));
                let rest = write.bytes.len().checked_sub(old.len())?;
                if rest > 0 {
                    pieces.push(Old::Zeros(end as u64, rest as u64));
                }
            }
        }
        let mut undo = Undo {
            before: base.len() as u64,
            after,
            fingerprint: 0,
            pieces,
        };
        undo.fingerprint = undo.fingerprint_of(&View::after(base, writes, after))?;
        Some(undo)
    }

    /// The original's length.
    pub fn original_len(&self) -> u64 {
        self.before
    }

    fn fingerprint_of(&self, edited: &View) -> Option<u64> {
        // FNV-1a: this guards against mistakes, not against malice.
        let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
        let mut add = |bytes: &[u8]| {
            for byte in bytes {
                sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        for piece in &self.pieces {
            let (offset, len) = match piece {
                Old::Bytes(write) => (write.offset, write.bytes.len() as u64),
                Old::Zeros(offset, len) => (*offset, *len),
            };
            add(&offset.to_le_bytes());
            add(&edited.bytes(offset, len)?);
        }
        Some(sum)
    }

    /// The original, from the edited file.
    pub fn restore(&self, edited: &[u8]) -> Result<Vec<u8>, UndoError> {
        let view = View::of(edited);
        if view.len() != self.after || self.fingerprint_of(&view) != Some(self.fingerprint) {
            return Err(UndoError::OtherFile);
        }
        let writes: Vec<Write> = self.writes(view.len());
        let mut out = edited.to_vec();
        write_all(&mut out, &writes, self.after);
        out.truncate(usize::try_from(self.before).map_err(|_| UndoError::Damaged)?);
        Ok(out)
    }

    /// The writes that restore it, before it is cut to [`Undo::original_len`].
    fn writes(&self, len: u64) -> Vec<Write> {
        let full = |piece: &Old| match piece {
            Old::Bytes(write) => Some(write.clone()),
            Old::Zeros(offset, count) => Some(Write {
                offset: *offset,
                bytes: vec![0; usize::try_from((*count).min(len)).ok()?],
            }),
        };
        self.pieces.iter().filter_map(full).collect()
    }

    /// The record as bytes to keep.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        number(&mut out, self.before);
        number(&mut out, self.after);
        out.extend_from_slice(&self.fingerprint.to_le_bytes());
        let mut at = 0;
        for piece in &self.pieces {
            let (offset, len, bytes) = match piece {
                Old::Bytes(write) => (write.offset, write.bytes.len() as u64, &write.bytes[..]),
                Old::Zeros(offset, len) => (*offset, *len, &[][..]),
            };
            number(&mut out, offset.wrapping_sub(at));
            // The lowest bit tells zeros from bytes.
            number(&mut out, len << 1 | u64::from(bytes.is_empty()));
            out.extend_from_slice(bytes);
            at = offset.wrapping_add(len);
        }
        out
    }

    /// Reads what [`Undo::encode`] wrote.
    pub fn decode(raw: &[u8]) -> Result<Undo, UndoError> {
        let rest = raw.strip_prefix(MAGIC).ok_or(UndoError::Damaged)?;
        let mut rest = rest;
        let before = take_number(&mut rest)?;
        let after = take_number(&mut rest)?;
        let (sum, tail) = rest.split_first_chunk::<8>().ok_or(UndoError::Damaged)?;
        rest = tail;
        let mut pieces = Vec::new();
        let mut at: u64 = 0;
        while !rest.is_empty() {
            let gap = take_number(&mut rest)?;
            let offset = at.checked_add(gap).ok_or(UndoError::Damaged)?;
            let head = take_number(&mut rest)?;
            let len = head >> 1;
            at = offset.checked_add(len).ok_or(UndoError::Damaged)?;
            if len == 0 || at > after {
                return Err(UndoError::Damaged);
            }
            if head & 1 == 1 {
                pieces.push(Old::Zeros(offset, len));
                continue;
            }
            let count = usize::try_from(len).map_err(|_| UndoError::Damaged)?;
            let (bytes, tail) = rest.split_at_checked(count).ok_or(UndoError::Damaged)?;
            pieces.push(Old::Bytes(Write {
                offset,
                bytes: bytes.to_vec(),
            }));
            rest = tail;
        }
        if before > after {
            return Err(UndoError::Damaged);
        }
        Ok(Undo {
            before,
            after,
            fingerprint: u64::from_le_bytes(*sum),
            pieces,
        })
    }
}

/// Seven bits a byte, lowest first.
fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_number(rest: &mut &[u8]) -> Result<u64, UndoError> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(UndoError::Damaged)?;
        *rest = tail;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(UndoError::Damaged);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(UndoError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit() -> (Vec<u8>, Edit) {
        let base: Vec<u8> = (0..64).map(|n| if n > 40 { 0 } else { n }).collect();
        let pieces = vec![
            Write {
                offset: 60,
                bytes: vec![1; 20],
            },
            Write {
                offset: 2,
                bytes: (2..20).map(|n| if n == 5 { 99 } else { n }).collect(),
            },
        ];
        let edit = Edit::of(&base, pieces, 80).unwrap();
        (base, edit)
    }

    #[test]
    fn only_the_difference_is_written() {
        let (base, edit) = edit();
        assert_eq!(
            edit.writes[0],
            Write {
                offset: 5,
                bytes: vec![99]
            }
        );
        let out = edit.apply(&base);
        assert_eq!((out.len(), out[5], out[79]), (80, 99, 1));
        assert_eq!(*edit.view(&base).bytes(0, 80).unwrap(), out[..]);
    }

    #[test]
    fn undo_restores_and_refuses_others() {
        let (base, edit) = edit();
        let kept = Undo::decode(&edit.undo.encode()).unwrap();
        assert_eq!(kept, edit.undo);
        let mut out = edit.apply(&base);
        assert_eq!(kept.restore(&out).unwrap(), base);
        out[61] ^= 1;
        assert_eq!(kept.restore(&out), Err(UndoError::OtherFile));
        assert_eq!(kept.restore(&base), Err(UndoError::OtherFile));
    }

    #[test]
    fn no_record_is_trusted() {
        let whole = edit().1.undo.encode();
        for cut in 0..whole.len() {
            let _ = Undo::decode(&whole[..cut]);
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bad = whole.clone();
                bad[at] ^= 1 << bit;
                if let Ok(undo) = Undo::decode(&bad) {
                    let _ = undo.restore(&[0; 80]);
                }
            }
        }
    }

    #[test]
    fn overlapping_pieces_are_refused() {
        let pieces = vec![
            Write {
                offset: 0,
                bytes: vec![1; 4],
            },
            Write {
                offset: 3,
                bytes: vec![1; 4],
            },
        ];
        assert_eq!(Edit::of(&[0; 16], pieces, 16), None);
    }
}
