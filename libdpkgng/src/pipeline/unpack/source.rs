//! The data member of an archive as values, in its order.
//!
//! A [`Producer`] reads and decompresses the member, cuts the tar into entries and makes
//! [`Batch`]es of them, on a thread of its own ([`super::ahead`]) or where they are wanted. It stands
//! for stock's child `dpkg-deb --fsys-tarfile` and what stock reads from it: where the archive is
//! broken, the entries and the bytes before come first, then the fault; and when the child would
//! have failed, what it would have said.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;

use super::ahead::{Claim, Staging, Unnamed};
use crate::archive::deb::{DebFile, DebStream, Part, Paste};
use crate::archive::take_error;
use crate::archive::tar::{Kind, TarEntry, TarReader};
use crate::error::Error;
use crate::msg;
use crate::msg::Msg;
use crate::report::Silent;
use crate::sys::{locale, writeback};

/// Content of more bytes than this waits in a file, if there may be one.
const SMALL: u64 = 64 * 1024;
/// Bytes of a piece of content that waits in neither.
const PIECE: usize = 256 * 1024;
/// A batch is full with so many bytes, or entries.
const BATCH: (usize, usize) = (128 * 1024, 64);
/// What an entry costs beside its content.
const ENTRY: usize = 512;

/// What a pipe holds.
pub(super) const PIPE_SIZE: u64 = 64 * 1024;

/// How the child would have ended: what it says on standard error when it failed.
pub(super) type Ending = std::result::Result<(), Vec<Msg>>;

/// Where reading went wrong, and how the child has ended, if it has by then.
pub(super) struct Fault {
    pub(super) what: Broken,
    pub(super) ending: Option<Ending>,
}

pub(super) enum Broken {
    /// The content of the entry at hand, after what there is of it.
    Content(io::Error),
    /// The filling behind that.
    Padding(Error),
    /// What comes after the entry at hand.
    Entry(Error),
}

/// The content of an entry.
pub(super) enum Body {
    /// It has none, or it is not in the archive's stream.
    Nothing,
    Memory(Vec<u8>),
    Unnamed(Unnamed),
    /// It comes in pieces.
    Follows,
}

pub(super) enum Item {
    /// An entry; how many bytes of the tar come before its content.
    Entry(Box<TarEntry>, u64, Body),
    /// A piece of the content of the last entry that has none else.
    Piece(Vec<u8>),
    /// All of it was there.
    Whole,
    Fault(Fault),
    /// The child has ended: there is no more; how many bytes of the tar there were.
    End(Ending, u64),
}

/// Some items, and how far the stream was read for them.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) items: VecDeque<Item>,
    /// Bytes in memory.
    pub(super) bytes: usize,
    pub(super) claim: Option<Claim>,
    /// Before and after them.
    pub(super) from: ReadSoFar,
    pub(super) to: ReadSoFar,
}

/// How far a stream was read.
#[derive(Clone, Copy, Default)]
pub(super) struct ReadSoFar {
    /// Bytes that came out of the decompressor.
    pub(super) out: u64,
    /// Bytes of the (compressed) member that had not gone into it.
    pub(super) unread: u64,
}

/// The tar stream. As a `Read` it never fails: where the member is broken it ends.
struct Feed {
    from: Stream,
    out: u64,
    ending: Option<Ending>,
}

enum Stream {
    Deb(Box<DebStream>),
    /// The headers of a payload.
    Headers(File),
    Nothing,
}

impl Feed {
    fn so_far(&mut self) -> ReadSoFar {
        ReadSoFar {
            out: self.out,
            unread: match &mut self.from {
                Stream::Deb(stream) => stream.unread(),
                _ => 0,
            },
        }
    }
}

impl Read for Feed {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ending.is_some() || buf.is_empty() {
            return Ok(0);
        }
        let result = match &mut self.from {
            Stream::Deb(stream) => stream.read(buf),
            Stream::Headers(file) => file.read_at(buf, self.out),
            Stream::Nothing => Ok(0),
        };
        match (result, &mut self.from) {
            (Ok(0), Stream::Deb(stream)) => self.ending = Some(close(stream)),
            (Ok(0), _) => self.ending = Some(Ok(())),
            (Ok(n), _) => {
                self.out += n as u64;
                return Ok(n);
            }
            (Err(e), _) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            (Err(e), Stream::Deb(stream)) => self.ending = Some(Err(stream_error(stream, e))),
            (Err(e), _) => {
                let why = msg!("%s (%s)", msg!("failed to read"), e);
                self.ending = Some(Err(vec![says(why)]));
            }
        }
        Ok(0)
    }
}

enum State {
    /// Not begun.
    Archive(DebFile),
    Headers(File),
    Broken(Error),
    Running(Box<TarReader<Feed>>),
    Done,
}

/// Makes batches of an archive.
pub(super) struct Producer {
    state: State,
    size: u64,
    staging: Option<Staging>,
    /// Content that comes in pieces: the rest of it is in the stream, after what is here.
    pieces: Option<Written>,
    /// How many threads decompress; negative: one per processor.
    pub(super) threads: i32,
}

/// What of a content was written to a file that then could not take more, and has to be read back.
#[derive(Default)]
struct Written {
    file: Option<Unnamed>,
    left: u64,
    /// What comes after that.
    then: Vec<u8>,
}

impl Producer {
    /// Of the data member of an archive. Without `staging` all content waits in memory.
    pub(super) fn new(deb: DebFile, staging: Option<Staging>) -> Producer {
        Producer {
            size: deb.size(),
            staging,
            ..Producer::of(State::Archive(deb))
        }
    }

    /// Of the headers of a payload.
    pub(super) fn of_headers(headers: File) -> Producer {
        Producer::of(State::Headers(headers))
    }

    /// Of an archive that cannot be opened.
    pub(super) fn broken(e: Error) -> Producer {
        Producer::of(State::Broken(e))
    }

    fn of(state: State) -> Producer {
        Producer {
            state,
            size: 0,
            staging: None,
            pieces: None,
            threads: -1,
        }
    }

    /// Size of the archive in bytes.
    pub(super) fn archive_size(&self) -> u64 {
        self.size
    }

    /// The tar, opened if it was not yet. `None`: it cannot be, and that is all there is to say.
    fn open(&mut self, batch: &mut Batch) -> Option<Box<TarReader<Feed>>> {
        let (from, bare) = match std::mem::replace(&mut self.state, State::Done) {
            State::Running(tar) => return Some(tar),
            State::Done => return None,
            State::Headers(file) => (Ok(Stream::Headers(file)), true),
            State::Broken(e) => (Err(e), false),
            State::Archive(deb) => {
                // What is to be noticed about the archive is, when its control member is read.
                let member = deb.member(Part::Data, &mut Silent);
                let stream = member.and_then(|m| m.stream(self.threads));
                (stream.map(|s| Stream::Deb(Box::new(s))), false)
            }
        };
        let mut feed = Feed {
            from: Stream::Nothing,
            out: 0,
            ending: None,
        };
        match from {
            Ok(stream) => feed.from = stream,
            Err(e) => {
                batch.items.push_back(Item::End(Err(child_error(e)), 0));
                return None;
            }
        }
        Some(Box::new(match bare {
            true => TarReader::bare(feed),
            false => TarReader::new(feed),
        }))
    }

    /// The next batch; `None` after the last.
    pub(super) fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        if let Some(mut tar) = self.open(&mut batch) {
            batch.from = tar.get_mut().so_far();
            let mut more = true;
            while more && batch.bytes < BATCH.0 && batch.items.len() < BATCH.1 {
                more = self.add(&mut tar, &mut batch);
            }
            batch.to = tar.get_mut().so_far();
            if more {
                self.state = State::Running(tar);
            }
        }
        (!batch.items.is_empty()).then_some(batch)
    }

    /// One item more, or two; whether there is more to come.
    fn add(&mut self, tar: &mut TarReader<Feed>, batch: &mut Batch) -> bool {
        if let Some(written) = self.pieces.take() {
            return self.add_piece(tar, batch, written);
        }
        let entry = match tar.next_entry() {
            Ok(Some(entry)) => entry,
            Ok(None) => {
                // What follows the archive is read over; it never fails.
                let _ = tar.drain();
                let feed = tar.get_mut();
                let ending = feed.ending.take().unwrap_or(Ok(()));
                batch.items.push_back(Item::End(ending, feed.out));
                return false;
            }
            Err(e) => return fault(tar, batch, Broken::Entry(e)),
        };
        batch.bytes += ENTRY + entry.name.len() + entry.linkname.len();
        let at = tar.get_mut().out - tar.read_ahead();
        let size = match entry.kind {
            Kind::File if !tar.is_bare() => entry.size,
            _ => 0,
        };
        let (body, broken) = if size <= SMALL {
            let mut data = Vec::with_capacity(size as usize);
            let read = tar.by_ref().take(size).read_to_end(&mut data);
            batch.bytes += data.len();
            let body = match data.is_empty() {
                true => Body::Nothing,
                false => Body::Memory(data),
            };
            (body, read.err())
        } else {
            match self.staging.as_ref().and_then(|s| s.file(size)) {
                None => {
                    self.pieces = Some(Written::default());
                    (Body::Follows, None)
                }
                Some(unnamed) => self.stage(tar, unnamed),
            }
        };
        let follows = matches!(body, Body::Follows);
        batch
            .items
            .push_back(Item::Entry(Box::new(entry), at, body));
        match broken {
            Some(e) => fault(tar, batch, Broken::Content(e)),
            None if follows => true,
            None => skip_padding(tar, batch),
        }
    }

    /// Write the content at hand to a file.
    fn stage(
        &mut self,
        tar: &mut TarReader<Feed>,
        mut unnamed: Unnamed,
    ) -> (Body, Option<io::Error>) {
        let mut buffer = vec![0; PIECE];
        let mut written = 0;
        loop {
            let n = match tar.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) => return (Body::Unnamed(unnamed), Some(e)),
            };
            let data = buffer.get(..n).unwrap_or_default();
            if unnamed.file.write_all(data).is_err() {
                // The disk is full, say. Whoever places the file is to find that out.
                let then = data.to_vec();
                self.pieces = Some(Written {
                    file: unnamed.file.rewind().is_ok().then_some(unnamed),
                    left: written,
                    then,
                });
                return (Body::Follows, None);
            }
            written += n as u64;
        }
        writeback::start(&unnamed.file);
        (Body::Unnamed(unnamed), None)
    }

    fn add_piece(
        &mut self,
        tar: &mut TarReader<Feed>,
        batch: &mut Batch,
        mut written: Written,
    ) -> bool {
        let mut data = Vec::with_capacity(PIECE);
        let read = match &mut written.file {
            Some(back) if written.left > 0 => {
                let want = written.left.min(PIECE as u64);
                let read = (&back.file).take(want).read_to_end(&mut data);
                written.left -= data.len() as u64;
                read.and_then(|n| match n as u64 == want {
                    true => Ok(n),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                })
            }
            _ if !written.then.is_empty() => {
                written.file = None;
                data = std::mem::take(&mut written.then);
                Ok(data.len())
            }
            _ => tar.by_ref().take(PIECE as u64).read_to_end(&mut data),
        };
        batch.bytes += data.len();
        let whole = data.is_empty();
        if !whole {
            batch.items.push_back(Item::Piece(data));
        }
        match read {
            Err(e) => fault(tar, batch, Broken::Content(e)),
            Ok(_) if whole => {
                batch.items.push_back(Item::Whole);
                skip_padding(tar, batch)
            }
            Ok(_) => {
                self.pieces = Some(written);
                true
            }
        }
    }
}

fn skip_padding(tar: &mut TarReader<Feed>, batch: &mut Batch) -> bool {
    match tar.skip_padding() {
        Ok(()) => true,
        Err(e) => fault(tar, batch, Broken::Padding(e)),
    }
}

/// Nothing more can be read. The child goes on as far as a pipe is long.
fn fault(tar: &mut TarReader<Feed>, batch: &mut Batch, what: Broken) -> bool {
    let ending = tar.get_mut().ending.clone();
    let ended = ending.is_some();
    batch.items.push_back(Item::Fault(Fault { what, ending }));
    if !ended {
        let ahead = PIPE_SIZE.saturating_sub(tar.read_ahead());
        let feed = tar.get_mut();
        let _ = io::copy(&mut feed.by_ref().take(ahead), &mut io::sink());
        if let Some(ending) = feed.ending.take() {
            batch.items.push_back(Item::End(ending, feed.out));
        }
    }
    false
}

/// How dpkg-deb says what ended it.
fn says(e: Msg) -> Msg {
    msg!("%s: %s: %s\n", "dpkg-deb", msg!("error"), e)
}

/// dpkg-deb's own error.
fn child_error(e: Error) -> Vec<Msg> {
    vec![says(e.msg)]
}

/// The error of one of dpkg-deb's children.
fn grandchild_error(e: Msg) -> Msg {
    msg!("%s (subprocess): %s\n", "dpkg-deb", e)
}

/// What dpkg-deb says of a child that failed.
pub(super) fn reaped(child: Msg, status: i32) -> Msg {
    let failed = msg!("%s subprocess returned error exit status %d", child, status);
    says(failed)
}

/// What dpkg-deb says of a child that nobody reads from any more.
pub(super) fn killed(child: Msg) -> Msg {
    let killed = msg!(
        "%s subprocess was killed by signal (%s)%s",
        child,
        locale::strsignal(libc::SIGPIPE),
        ""
    );
    says(killed)
}

fn stream_error(stream: &mut DebStream, e: io::Error) -> Vec<Msg> {
    let mut lines = Vec::new();
    if let Paste::Failed(paste) = stream.paste() {
        lines.push(grandchild_error(paste.msg));
    }
    lines.push(grandchild_error(
        take_error(e, || msg!("failed to read")).msg,
    ));
    lines.push(reaped(msg!("<decompress>"), 2));
    lines
}

fn close(stream: &mut DebStream) -> Ending {
    match stream.paste() {
        Paste::Complete => Ok(()),
        Paste::Failed(e) => Err(vec![grandchild_error(e.msg), reaped(msg!("paste"), 2)]),
        Paste::BrokenPipe => Err(vec![killed(msg!("paste"))]),
    }
}

#[cfg(test)]
mod tests;
