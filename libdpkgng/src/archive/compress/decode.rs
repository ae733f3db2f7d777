//! Decompression as a `Read`, with dpkg's verdicts on damaged and trailing bytes.
//!
//! One stream is read and what follows it is left alone (gzip alone knows concatenated members,
//! as `gzread` does, and passes input without its magic through). Errors are ours, with the
//! caller's description in front, hidden in the `io::Error` (see
//! [`take_error`](crate::archive::take_error)).
//!
//! Output appears in pieces of dpkg's sizes, and of a piece in which a fault is found nothing
//! appears: a reader behind it (tar, for one) sees the same bytes before the end as behind dpkg.

use std::io::{self, Read};

use liblzma::stream::{Action, Error as LzmaError, MtStreamBuilder, Status as LzmaStatus, Stream};
use zstd::zstd_safe::{self, DCtx, InBuffer, OutBuffer};

use super::{Compressor, Params, thread_memlimit};
use crate::archive::{hide_error, read_full, take_error};
use crate::error::{Error, Result};
use crate::msg::Msg;
use crate::sys::zlib::GzipInflate;
use crate::{err, msg};

/// dpkg reads and writes in pieces of this size.
const PIECE: usize = 32 * 1024;

/// A `Read` of the decompressed bytes of `R`. Reads of 128 KiB and more save a copy.
pub struct Decoder<R> {
    input: Input<R>,
    desc: Msg,
    /// A piece that did not fit into the caller's buffer.
    out: Box<[u8]>,
    out_pos: usize,
    out_len: usize,
    done: bool,
    codec: Codec,
}

/// The compressed side.
struct Input<R> {
    src: R,
    buf: Box<[u8]>,
    pos: usize,
    len: usize,
    /// The end of the source was seen.
    eof: bool,
}

impl<R: Read> Input<R> {
    fn bytes(&self) -> &[u8] {
        self.buf.get(self.pos..self.len).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.pos >= self.len
    }

    /// Read the next piece once the last one is used up.
    fn fill(&mut self) -> io::Result<()> {
        if self.is_empty() && !self.eof {
            self.pos = 0;
            self.len = 0;
            self.len = read_full(&mut self.src, &mut self.buf)?;
            self.eof = self.len == 0;
        }
        Ok(())
    }
}

enum Codec {
    None,
    Gzip(Gzip),
    Lzma(Stream),
    Zstd(DCtx<'static>),
    Bzip2(bzip2::Decompress),
}

struct Gzip {
    inflate: GzipInflate,
    state: GzipState,
    /// What zlib would call the descriptor in its messages.
    fd: i32,
}

#[derive(Clone, Copy, PartialEq)]
enum GzipState {
    /// At the very start: anything may follow.
    Start,
    /// In a member.
    Member,
    /// Behind a member: another may follow, the rest is ignored.
    Between,
    /// Not gzip: copied.
    Copy,
    /// The input ended within a member.
    CutOff,
}

/// How a piece of output came about: its length, and whether it is the last.
struct Piece {
    len: usize,
    last: bool,
}

impl<R: Read> Decoder<R> {
    /// Decompress `src` as `params` says. `desc` goes in front of every error; `gzip_fd` is the
    /// descriptor number zlib names in its own messages (`<fd:4>: …`).
    pub fn new(params: &Params, src: R, desc: Msg, gzip_fd: i32) -> Result<Decoder<R>> {
        let (mut in_size, mut out_size) = (PIECE, PIECE);
        let codec =
            match params.compressor {
                Compressor::None => Codec::None,
                Compressor::Gzip => Codec::Gzip(Gzip {
                    inflate: GzipInflate::new()
                        .ok_or_else(|| err!("%s: error binding input to gzip stream", &desc))?,
                    state: GzipState::Start,
                    fd: gzip_fd,
                }),
                // What decodes with one thread alone needs no blocks in memory.
                Compressor::Xz if params.threads() == 1 => Codec::Lzma(
                    Stream::new_stream_decoder(u64::MAX, 0)
                        .map_err(|e| err!("%s: lzma error: %s", &desc, lzma_word(e, false)))?,
                ),
                Compressor::Xz => Codec::Lzma(
                    MtStreamBuilder::new()
                        .threads(params.threads())
                        .memlimit_threading(thread_memlimit())
                        .memlimit_stop(u64::MAX)
                        .decoder()
                        .map_err(|e| err!("%s: lzma error: %s", &desc, lzma_word(e, false)))?,
                ),
                Compressor::Lzma => Codec::Lzma(
                    Stream::new_lzma_decoder(u64::MAX)
                        .map_err(|e| err!("%s: lzma error: %s", &desc, lzma_word(e, false)))?,
                ),
                Compressor::Zstd => {
                    (in_size, out_size) = (DCtx::in_size(), DCtx::out_size());
                    Codec::Zstd(DCtx::try_create().ok_or_else(|| {
                        err!("%s: cannot create zstd decompression context", &desc)
                    })?)
                }
                Compressor::Bzip2 => Codec::Bzip2(bzip2::Decompress::new(false)),
            };
        Ok(Decoder {
            input: Input {
                src,
                buf: vec![0; in_size].into_boxed_slice(),
                pos: 0,
                len: 0,
                eof: false,
            },
            desc,
            out: vec![0; out_size].into_boxed_slice(),
            out_pos: 0,
            out_len: 0,
            done: false,
            codec,
        })
    }

    /// The compressed source, past what was read ahead.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.input.src
    }

    /// dpkg's words for what was decompressed and could not be written.
    pub fn write_error(&self, e: io::Error) -> Error {
        let desc = &self.desc;
        match self.codec {
            Codec::None => err!(
                "%s: pass-through copy error: %s",
                desc,
                msg!("%s (%s)", msg!("failed to write"), e)
            ),
            Codec::Gzip(_) => Error::os(msg!("%s: internal gzip write error", desc), e),
            Codec::Bzip2(_) => Error::os(msg!("%s: internal bzip2 write error", desc), e),
            Codec::Lzma(_) => Error::os(msg!("%s: lzma write error", desc), e),
            Codec::Zstd(_) => Error::os(msg!("%s: zstd write error", desc), e),
        }
    }

    /// Make the next piece of output.
    fn piece(&mut self, out: &mut [u8]) -> Result<Piece> {
        let (input, desc) = (&mut self.input, &self.desc);
        match &mut self.codec {
            Codec::None => {
                let len = read_full(&mut input.src, out).map_err(|e| {
                    let step = msg!("failed to read");
                    let text = msg!("%s: pass-through copy error: %s", desc, step);
                    take_error(e, || text)
                })?;
                Ok(Piece {
                    len,
                    last: len < out.len(),
                })
            }
            Codec::Gzip(gzip) => gzip.piece(input, desc, out),
            Codec::Lzma(stream) => lzma_piece(stream, input, desc, out),
            Codec::Zstd(ctx) => zstd_piece(ctx, input, desc, out),
            Codec::Bzip2(stream) => bzip2_piece(stream, input, desc, out),
        }
    }

    fn note(&mut self, piece: Result<Piece>) -> io::Result<usize> {
        match piece {
            Ok(piece) => {
                self.done = piece.last;
                Ok(piece.len)
            }
            Err(e) => {
                // A stream that failed stays at its end.
                self.done = true;
                Err(hide_error(e))
            }
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.out_pos < self.out_len {
                let ready = self.out.get(self.out_pos..self.out_len).unwrap_or_default();
                let n = ready.len().min(buf.len());
                buf[..n].copy_from_slice(&ready[..n]);
                self.out_pos += n;
                return Ok(n);
            }
            if self.done || buf.is_empty() {
                return Ok(0);
            }
            let size = self.out.len();
            if let Some(direct) = buf.get_mut(..size) {
                let piece = self.piece(direct);
                return self.note(piece);
            }
            let mut out = std::mem::take(&mut self.out);
            let piece = self.piece(&mut out);
            self.out = out;
            self.out_pos = 0;
            self.out_len = 0;
            self.out_len = self.note(piece)?;
        }
    }
}

fn lzma_piece<R: Read>(
    stream: &mut Stream,
    input: &mut Input<R>,
    desc: &Msg,
    out: &mut [u8],
) -> Result<Piece> {
    let mut len = 0;
    loop {
        input
            .fill()
            .map_err(|e| take_error(e, || msg!("%s: lzma read error", desc)))?;
        let running = !input.eof;
        let action = if running { Action::Run } else { Action::Finish };
        let (was_in, was_out) = (stream.total_in(), stream.total_out());
        let free = out.get_mut(len..).unwrap_or_default();
        let status = stream.process(input.bytes(), free, action);
        input.pos += (stream.total_in() - was_in) as usize;
        len += (stream.total_out() - was_out) as usize;
        let word = match status {
            Ok(LzmaStatus::StreamEnd) => return Ok(Piece { len, last: true }),
            Ok(LzmaStatus::MemNeeded) if running => msg!("unexpected end of input"),
            Ok(LzmaStatus::MemNeeded) => msg!("internal error (bug)"),
            Ok(_) if len == out.len() => return Ok(Piece { len, last: false }),
            Ok(_) => continue,
            Err(e) => lzma_word(e, running),
        };
        return Err(err!("%s: lzma error: %s", desc, word));
    }
}

/// dpkg knows words for faults met while there still was input; all others it takes for a bug.
fn lzma_word(e: LzmaError, running: bool) -> Msg {
    match e {
        LzmaError::Mem => msg!("%s", crate::msg::Arg::Errno(libc::ENOMEM)),
        LzmaError::MemLimit if running => msg!("memory usage limit reached"),
        LzmaError::Options if running => msg!("unsupported options in file header"),
        LzmaError::Data if running => msg!("compressed data is corrupt"),
        LzmaError::Format if running => msg!("file format not recognized"),
        _ => msg!("internal error (bug)"),
    }
}

fn zstd_piece<R: Read>(
    ctx: &mut DCtx<'static>,
    input: &mut Input<R>,
    desc: &Msg,
    out: &mut [u8],
) -> Result<Piece> {
    let mut len = 0;
    loop {
        input
            .fill()
            .map_err(|e| take_error(e, || msg!("%s: zstd read error", desc)))?;
        if input.is_empty() {
            // dpkg asks no more of a stream whose input is used up.
            return Ok(Piece { len, last: true });
        }
        let mut src = InBuffer::around(input.bytes());
        let free = out.get_mut(len..).unwrap_or_default();
        let mut dst = OutBuffer::around(free);
        let left = ctx
            .decompress_stream(&mut dst, &mut src)
            .map_err(|code| err!("%s: zstd error: %s", desc, zstd_safe::get_error_name(code)))?;
        len += dst.pos();
        let used = src.pos();
        input.pos += used;
        if left == 0 || len == out.len() {
            return Ok(Piece {
                len,
                last: left == 0,
            });
        }
    }
}

fn bzip2_piece<R: Read>(
    stream: &mut bzip2::Decompress,
    input: &mut Input<R>,
    desc: &Msg,
    out: &mut [u8],
) -> Result<Piece> {
    let mut len = 0;
    let word = loop {
        input
            .fill()
            .map_err(|e| take_error(e, || msg!("%s: internal bzip2 read error", desc)))?;
        let (was_in, was_out) = (stream.total_in(), stream.total_out());
        let free = out.get_mut(len..).unwrap_or_default();
        let status = stream.decompress(input.bytes(), free);
        input.pos += (stream.total_in() - was_in) as usize;
        len += (stream.total_out() - was_out) as usize;
        match status {
            Ok(bzip2::Status::StreamEnd) => return Ok(Piece { len, last: true }),
            Ok(bzip2::Status::MemNeeded) => break "MEM_ERROR",
            Ok(_) if len == out.len() => return Ok(Piece { len, last: false }),
            Ok(_) if input.eof => break "UNEXPECTED_EOF",
            Ok(_) => {}
            Err(bzip2::Error::Data) => break "DATA_ERROR",
            Err(bzip2::Error::DataMagic) => break "DATA_ERROR_MAGIC",
            Err(bzip2::Error::Param) => break "PARAM_ERROR",
            Err(bzip2::Error::Sequence) => break "SEQUENCE_ERROR",
        }
    };
    Err(err!("%s: internal bzip2 read error: '%s'", desc, word))
}

impl Gzip {
    fn piece<R: Read>(
        &mut self,
        input: &mut Input<R>,
        desc: &Msg,
        out: &mut [u8],
    ) -> Result<Piece> {
        let read_error = || msg!("%s: internal gzip read error", desc);
        let mut len = 0;
        while len < out.len() {
            if self.state == GzipState::CutOff {
                return Err(err!(
                    "%s: internal gzip read error: %s",
                    desc,
                    "buffer error"
                ));
            }
            input.fill().map_err(|e| take_error(e, read_error))?;
            if input.is_empty() {
                if self.state != GzipState::Member {
                    return Ok(Piece { len, last: true });
                }
                // What there is of the member still counts; the fault shows after it.
                self.state = GzipState::CutOff;
                if len > 0 {
                    break;
                }
                continue;
            }
            match self.state {
                GzipState::Start | GzipState::Between => {
                    let magic = [31, 139];
                    if input.bytes() == &magic[..1] {
                        read_one_more(input).map_err(|e| take_error(e, read_error))?;
                    }
                    if input.bytes().starts_with(&magic) {
                        self.inflate.reset();
                        self.state = GzipState::Member;
                    } else if self.state == GzipState::Start {
                        self.state = GzipState::Copy;
                    } else {
                        return Ok(Piece { len, last: true });
                    }
                }
                GzipState::Member => {
                    let free = out.get_mut(len..).unwrap_or_default();
                    let step = self.inflate.step(input.bytes(), free).map_err(|word| {
                        let word = format!("<fd:{}>: {word}", self.fd);
                        err!("%s: internal gzip read error: '%s'", desc, word)
                    })?;
                    input.pos += step.consumed;
                    len += step.produced;
                    if step.done {
                        self.state = GzipState::Between;
                    }
                }
                GzipState::Copy => {
                    let free = out.get_mut(len..).unwrap_or_default();
                    let n = input.bytes().len().min(free.len());
                    free[..n].copy_from_slice(&input.bytes()[..n]);
                    input.pos += n;
                    len += n;
                }
                GzipState::CutOff => {}
            }
        }
        Ok(Piece { len, last: false })
    }
}

/// A magic of two bytes may lie across two pieces: put the rest behind the first byte.
fn read_one_more<R: Read>(input: &mut Input<R>) -> io::Result<()> {
    if let Some((first, rest)) = input.buf.split_first_mut() {
        *first = 31;
        input.len = 1 + read_full(&mut input.src, rest)?;
        input.pos = 0;
    }
    Ok(())
}
