//! The data member of an archive, decompressed ahead of its use.
//!
//! What has no effect outside may run ahead: a [`Source`] reads and decompresses on a thread of
//! its own, a bounded number of pieces in front of whoever places the files, also while the
//! package (or the one before it) is still being prepared. It stands for stock's child
//! `dpkg-deb --fsys-tarfile`, and when it fails it says what that child would have said.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::super::{Action, Run};
use crate::archive::deb::{DebFile, DebStream, Part, Paste};
use crate::archive::take_error;
use crate::error::{Error, Result};
use crate::hooks::Payload;
use crate::msg;
use crate::msg::Msg;
use crate::report::Silent;
use crate::sys::locale;

/// Bytes of a piece.
const PIECE: usize = 256 * 1024;
/// Pieces that wait at most: 8 MiB for each archive that runs ahead.
const PIECES: usize = 32;

/// What a pipe holds.
const PIPE_SIZE: u64 = 64 * 1024;

/// How the child would have ended: what it says on standard error when it failed.
type Ending = std::result::Result<(), Vec<Msg>>;

enum Piece {
    /// Bytes of the stream, and how much of the (compressed) member was unread behind them.
    Data(Vec<u8>, u64),
    End(Ending),
}

enum From {
    Thread(Receiver<Piece>),
    /// No thread could be had: decompressed as it is asked for.
    Here(Box<DebStream>),
    /// The headers of a payload, and how much of them was read.
    Headers(File, u64),
}

/// The tar stream of an archive. As a `Read` it never fails: where the archive is broken, it
/// ends; [`Source::complaints`] tells.
pub struct Source {
    from: From,
    current: Vec<u8>,
    used: usize,
    /// Bytes of the member unread before and behind the current piece.
    unread: (u64, u64),
    ending: Option<Ending>,
}

impl Source {
    /// Start on an archive. Nothing is reported before somebody reads.
    pub fn start(archive: DebFile) -> Source {
        let (send, receive) = bounded(PIECES);
        let ours = archive.clone();
        let thread = std::thread::Builder::new()
            .name("decompress".to_owned())
            .spawn(move || run_ahead(&ours, &send));
        let mut unread = 0;
        let (from, ending) = match thread {
            Ok(_) => (From::Thread(receive), None),
            Err(_) => match open(&archive) {
                Ok(mut stream) => {
                    unread = stream.unread();
                    (From::Here(Box::new(stream)), None)
                }
                Err(e) => (From::Thread(receive), Some(Err(child_error(e)))),
            },
        };
        Source {
            unread: (unread, unread),
            ending,
            ..Source::of(from)
        }
    }

    /// The source of an archive that cannot be opened.
    pub fn broken(e: Error) -> Source {
        Source {
            ending: Some(Err(child_error(e))),
            ..Source::of(From::Thread(crossbeam_channel::never()))
        }
    }

    /// The headers of a payload.
    pub fn headers(file: File) -> Source {
        Source::of(From::Headers(file, 0))
    }

    fn of(from: From) -> Source {
        Source {
            from,
            current: Vec::new(),
            used: 0,
            unread: (0, 0),
            ending: None,
        }
    }

    /// What the child would have complained about so far, as lines for standard error. Each is
    /// told once.
    pub fn complaints(&mut self) -> Vec<Msg> {
        match &mut self.ending {
            Some(Err(lines)) => std::mem::take(lines),
            _ => Vec::new(),
        }
    }

    /// Whether the stream ended as it should; to be asked at its end.
    pub fn finished_well(&self) -> bool {
        matches!(self.ending, Some(Ok(())))
    }

    /// Read no further; the last `unused` bytes need not have been read. What the child says
    /// when it meets the closed pipe: it has come as far as a pipe is long, and its own child that
    /// feeds it is killed when there is more of the member than fits between the two.
    pub fn abandon(&mut self, unused: u64) -> Vec<Msg> {
        let mut ahead = self.by_ref().take(PIPE_SIZE.saturating_sub(unused));
        let _ = io::copy(&mut ahead, &mut io::sink());
        self.refill();
        if self.ending.is_some() {
            return self.complaints();
        }
        let (before, behind) = self.unread;
        let rest = self.current.len().saturating_sub(self.used) as u64;
        let share = before.saturating_sub(behind).saturating_mul(rest);
        let unread = behind + share.checked_div(self.current.len() as u64).unwrap_or(0);
        if unread > PIPE_SIZE {
            vec![killed(msg!("paste"))]
        } else {
            Vec::new()
        }
    }

    /// Make `current` hold unread bytes, unless the stream has ended.
    fn refill(&mut self) {
        while self.used == self.current.len() && self.ending.is_none() {
            self.used = 0;
            match &mut self.from {
                From::Thread(receive) => match receive.recv() {
                    Ok(Piece::Data(data, unread)) => {
                        self.current = data;
                        self.unread = (self.unread.1, unread);
                    }
                    Ok(Piece::End(ending)) => self.end(ending),
                    // The thread is gone without a word.
                    Err(_) => self.end(Err(vec![reaped(msg!("<decompress>"), 2)])),
                },
                From::Here(stream) => {
                    let mut data = std::mem::take(&mut self.current);
                    match read_piece(stream, &mut data) {
                        Ok(true) => {
                            self.current = data;
                            self.unread = (self.unread.1, stream.unread());
                        }
                        Ok(false) => {
                            let ending = close(stream);
                            self.end(ending);
                        }
                        Err(e) => {
                            let ending = Err(stream_error(stream, e));
                            self.end(ending);
                        }
                    }
                }
                From::Headers(file, at) => {
                    let mut data = std::mem::take(&mut self.current);
                    data.resize(PIECE, 0);
                    match file.read_at(&mut data, *at) {
                        Ok(0) => self.end(Ok(())),
                        Ok(n) => {
                            data.truncate(n);
                            *at += n as u64;
                            self.current = data;
                        }
                        Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                        Err(e) => {
                            self.end(Err(vec![says(msg!("%s (%s)", msg!("failed to read"), e))]))
                        }
                    }
                }
            }
        }
    }

    fn end(&mut self, ending: Ending) {
        self.current = Vec::new();
        self.used = 0;
        self.ending = Some(ending);
    }
}

impl Read for Source {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.refill();
        let rest = self.current.get(self.used..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        self.used += n;
        Ok(n)
    }
}

fn open(deb: &DebFile) -> Result<DebStream> {
    // What is to be noticed about the archive was, when its control member was read.
    deb.member(Part::Data, &mut Silent)?.stream(-1)
}

/// A full piece unless the stream ends; whether there is anything.
fn read_piece(stream: &mut DebStream, data: &mut Vec<u8>) -> io::Result<bool> {
    data.clear();
    stream.take(PIECE as u64).read_to_end(data)?;
    Ok(!data.is_empty())
}

fn run_ahead(archive: &DebFile, send: &Sender<Piece>) {
    let mut stream = match open(archive) {
        Ok(stream) => stream,
        Err(e) => {
            let _ = send.send(Piece::End(Err(child_error(e))));
            return;
        }
    };
    let whole = Piece::Data(Vec::new(), stream.unread());
    if send.send(whole).is_err() {
        return;
    }
    let ending = loop {
        let mut data = Vec::with_capacity(PIECE);
        match read_piece(&mut stream, &mut data) {
            Ok(true) => {
                if send.send(Piece::Data(data, stream.unread())).is_err() {
                    return; // Nobody wants it any more.
                }
            }
            Ok(false) => break close(&mut stream),
            Err(e) => {
                // The bytes before the error are the reader's still.
                let unread = stream.unread();
                if !data.is_empty() && send.send(Piece::Data(data, unread)).is_err() {
                    return;
                }
                break Err(stream_error(&mut stream, e));
            }
        }
    };
    let _ = send.send(Piece::End(ending));
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
fn reaped(child: Msg, status: i32) -> Msg {
    let failed = msg!("%s subprocess returned error exit status %d", child, status);
    says(failed)
}

/// What dpkg-deb says of a child that nobody reads from any more.
fn killed(child: Msg) -> Msg {
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

/// The data member of an archive.
pub enum Data {
    /// Decompressed as it comes.
    Stream(Source),
    /// On disk already, by courtesy of the hook of that number.
    Payload(usize, Payload),
}

/// An archive that was opened, once for both of its members.
pub struct Opened {
    /// For the control member.
    pub deb: Result<DebFile>,
    /// Nothing where nobody is going to want it.
    pub data: Option<Data>,
}

impl Run {
    /// Open an archive; a failure shows when it is read from.
    ///
    /// # Errors
    /// That of a hook.
    fn open_archive(&mut self, archive: &Path) -> Result<Opened> {
        let deb = DebFile::open(archive);
        let mut data = None;
        if self.opts.act && self.opts.action != Action::RecordAvail {
            data = Some(match &deb {
                Ok(deb) => match self.hooks.payload(&self.db.table, deb)? {
                    Some((by, payload)) => Data::Payload(by, payload),
                    None => Data::Stream(Source::start(deb.clone())),
                },
                Err(e) => Data::Stream(Source::broken(e.clone())),
            });
        }
        Ok(Opened { deb, data })
    }

    /// Open an archive before its turn, unless that was done already.
    pub(super) fn open_ahead(&mut self, archive: &Path) {
        if !self.unpack.ahead.started.iter().any(|(p, _)| p == archive) {
            let opened = self.open_archive(archive);
            let started = &mut self.unpack.ahead.started;
            started.push_back((archive.to_owned(), opened));
        }
    }

    /// The archive whose turn it is.
    ///
    /// # Errors
    /// That of a hook.
    pub(super) fn opened(&mut self, archive: &Path) -> Result<Opened> {
        let started = &mut self.unpack.ahead.started;
        let at = started.iter().position(|(p, _)| p == archive);
        match at.and_then(|i| started.remove(i)) {
            Some((_, opened)) => opened,
            None => self.open_archive(archive),
        }
    }
}

/// Archives that were opened early, by the path they were named by.
#[derive(Default)]
pub struct Ahead {
    started: VecDeque<(PathBuf, Result<Opened>)>,
}

impl std::fmt::Debug for Ahead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.started.iter().map(|(p, _)| p))
            .finish()
    }
}

impl Ahead {
    /// Stop what was started on an archive that is not going to be unpacked.
    pub fn forget(&mut self, archive: &Path) {
        self.started.retain(|(p, _)| p != archive);
    }
}
