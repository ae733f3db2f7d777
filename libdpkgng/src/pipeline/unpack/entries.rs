//! What the unpack sees of a data member: its entries, one after the other.

use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use crossbeam_channel::Receiver;

use super::ahead::{Reader, Unnamed};
use super::source::{
    Batch, Body, Broken, Ending, Fault, Item, PIPE_SIZE, Producer, killed, reaped,
};
use crate::archive::take_error;
use crate::archive::tar::{Kind, TarEntry};
use crate::error::Result;
use crate::msg;
use crate::msg::Msg;

enum From {
    Thread(Receiver<Batch>, Reader),
    Here(Box<Producer>),
}

/// The entries of an archive, one after the other; as a `Read`, the content of the one at hand.
pub(super) struct Entries {
    from: From,
    batch: Batch,
    /// Bytes of the tar that were used up.
    at: u64,
    body: Body,
    /// How much of content in memory was read.
    used: usize,
    /// Filling behind the content at hand.
    padding: u64,
    broken: Option<Broken>,
    ending: Option<Ending>,
}

impl Entries {
    /// Made where they are wanted.
    pub(super) fn here(producer: Producer) -> Entries {
        Entries::new(From::Here(Box::new(producer)))
    }

    /// Made by a thread.
    pub(super) fn from_thread(batches: Receiver<Batch>, reader: Reader) -> Entries {
        Entries::new(From::Thread(batches, reader))
    }

    fn new(from: From) -> Entries {
        Entries {
            from,
            batch: Batch::default(),
            at: 0,
            body: Body::Nothing,
            used: 0,
            padding: 0,
            broken: None,
            ending: None,
        }
    }

    /// It is the turn of this archive.
    pub(super) fn at_hand(&self) {
        if let From::Thread(_, reader) = &self.from {
            reader.at_hand();
        }
    }

    /// Get the next batch; false when there is none.
    fn refill(&mut self) -> bool {
        let next = match &mut self.from {
            From::Thread(batches, _) => batches.recv().ok(),
            From::Here(producer) => producer.next(),
        };
        let Some(next) = next else { return false };
        self.batch = next;
        true
    }

    fn next_item(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.batch.items.pop_front() {
                return Some(item);
            }
            if !self.refill() {
                return None;
            }
        }
    }

    /// Take the next item if it is one of the content at hand, or a fault, which is kept.
    fn next_piece(&mut self) -> Option<Vec<u8>> {
        match self.next_item() {
            Some(Item::Piece(data)) => return Some(data),
            Some(Item::Whole) => {}
            Some(Item::Fault(fault)) => self.break_off(fault),
            // The thread is gone.
            None => self.broken = Some(Broken::Content(io::ErrorKind::UnexpectedEof.into())),
            Some(other) => self.batch.items.push_front(other),
        }
        None
    }

    fn break_off(&mut self, fault: Fault) {
        self.broken = Some(fault.what);
        if fault.ending.is_some() {
            self.ending = fault.ending;
        }
    }

    /// Meet the fault that comes next, if one does.
    fn look_for_fault(&mut self) {
        if self.broken.is_none()
            && let Some(item) = self.batch.items.pop_front()
        {
            match item {
                Item::Fault(fault) => self.break_off(fault),
                other => self.batch.items.push_front(other),
            }
        }
    }

    /// The next entry; what nobody read of the one before is dropped.
    pub(super) fn next_entry(&mut self) -> Result<Option<TarEntry>> {
        self.skip_data()?;
        self.skip_padding()?;
        match self.broken.take() {
            Some(Broken::Entry(e)) => return Err(e),
            Some(other) => {
                // Told before; nothing follows.
                self.broken = Some(other);
                return Ok(None);
            }
            None => {}
        }
        match self.next_item() {
            Some(Item::Entry(entry, at, body)) => {
                self.at = at;
                self.used = 0;
                self.padding = match entry.kind {
                    Kind::File => entry.size.wrapping_neg() % 512,
                    _ => 0,
                };
                self.body = body;
                Ok(Some(*entry))
            }
            Some(Item::Fault(fault)) => {
                self.break_off(fault);
                self.next_entry()
            }
            Some(Item::End(ending, _)) => {
                self.ending = Some(ending);
                Ok(None)
            }
            Some(Item::Piece(_) | Item::Whole) => self.next_entry(),
            None => {
                // The thread is gone without a word.
                let gone = || Err(vec![reaped(msg!("<decompress>"), 2)]);
                self.ending.get_or_insert_with(gone);
                Ok(None)
            }
        }
    }

    /// The file that has all of the content at hand, if one has.
    pub(super) fn take_unnamed(&mut self) -> Option<Unnamed> {
        match std::mem::replace(&mut self.body, Body::Nothing) {
            Body::Unnamed(unnamed) => {
                self.at += unnamed.claim.size;
                Some(unnamed)
            }
            other => {
                self.body = other;
                None
            }
        }
    }

    /// Whether the content at hand is broken behind what there is of it.
    pub(super) fn content_fault(&mut self) -> io::Result<()> {
        self.look_for_fault();
        match self.broken.take() {
            Some(Broken::Content(e)) => Err(e),
            other => {
                self.broken = other;
                Ok(())
            }
        }
    }

    /// Drop what is left of the content at hand.
    pub(super) fn skip_data(&mut self) -> Result<()> {
        let read = io::copy(self, &mut io::sink());
        read.map_err(|e| take_error(e, || msg!("failed to read")))?;
        Ok(())
    }

    /// Drop the filling behind it, once it is read.
    pub(super) fn skip_padding(&mut self) -> Result<()> {
        self.look_for_fault();
        match self.broken.take() {
            Some(Broken::Padding(e)) => Err(e),
            other => {
                self.broken = other;
                self.at += std::mem::take(&mut self.padding);
                Ok(())
            }
        }
    }

    /// What the child would have complained about so far, as lines for standard error. Each is
    /// told once.
    pub(super) fn complaints(&mut self) -> Vec<Msg> {
        match &mut self.ending {
            Some(Err(lines)) => std::mem::take(lines),
            _ => Vec::new(),
        }
    }

    /// Whether the stream ended as it should; to be asked at its end.
    pub(super) fn finished_well(&self) -> bool {
        matches!(self.ending, Some(Ok(())))
    }

    /// Read no further. What the child says when it meets the closed pipe: it has come as far as a
    /// pipe is long, and its own child that feeds it is killed when there is more of the member
    /// than fits between the two.
    pub(super) fn abandon(&mut self) -> Vec<Msg> {
        if self.ending.is_some() {
            return self.complaints();
        }
        let end = self.at.saturating_add(PIPE_SIZE);
        loop {
            while let Some(item) = self.batch.items.pop_front() {
                match item {
                    Item::End(ending, at) if at <= end => {
                        self.ending = Some(ending);
                        return self.complaints();
                    }
                    Item::Entry(_, at, _) if at > end => break,
                    _ => {}
                }
            }
            if self.batch.to.out >= end || !self.refill() {
                break;
            }
        }
        let (before, after) = (self.batch.from, self.batch.to);
        let share = after.out.saturating_sub(end);
        let span = after.out.saturating_sub(before.out);
        let unread = before.unread.saturating_sub(after.unread);
        let unread = after.unread + unread.saturating_mul(share).checked_div(span).unwrap_or(0);
        if unread > PIPE_SIZE {
            vec![killed(msg!("paste"))]
        } else {
            Vec::new()
        }
    }
}

impl Read for Entries {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let n = loop {
            match &mut self.body {
                Body::Nothing => break 0,
                Body::Memory(data) => {
                    let rest = data.get(self.used..).unwrap_or_default();
                    let n = rest.len().min(buf.len());
                    buf[..n].copy_from_slice(&rest[..n]);
                    self.used += n;
                    if self.used == data.len() {
                        self.body = Body::Nothing;
                    }
                    break n;
                }
                // Read back from the start: nobody else moves in it.
                Body::Unnamed(unnamed) => {
                    let n = unnamed.file.read_at(buf, self.used as u64)?;
                    self.used += n;
                    break n;
                }
                Body::Follows => {
                    let Some(data) = self.next_piece() else {
                        self.body = Body::Nothing;
                        continue;
                    };
                    let n = data.len().min(buf.len());
                    buf[..n].copy_from_slice(&data[..n]);
                    if let Some(rest) = data.get(n..).filter(|r| !r.is_empty()) {
                        self.batch.items.push_front(Item::Piece(rest.to_vec()));
                    }
                    break n;
                }
            }
        };
        if n == 0 {
            self.body = Body::Nothing;
            self.content_fault()?;
        }
        self.at += n as u64;
        Ok(n)
    }
}
