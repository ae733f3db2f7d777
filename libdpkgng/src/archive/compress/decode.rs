//! Decompression as a `Read`, with dpkg's verdicts on damaged and trailing bytes.
//!
//! One stream is read and what follows it is left alone (gzip alone knows concatenated members,
//! as `gzread` does, and passes input without its magic through). Errors are ours, with the
//! caller's description in front, hidden in the `io::Error` (see [`take_error`](super::super::take_error)).

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status as GzStatus};
use liblzma::stream::{Action, Error as LzmaError, MtStreamBuilder, Status as LzmaStatus, Stream};
use zstd::zstd_safe::{self, DCtx, InBuffer, OutBuffer};

use super::{Compressor, Params, thread_memlimit};
use crate::archive::{hide_error, read_full, take_error};
use crate::error::{Error, Result};
use crate::msg::Msg;
use crate::{err, msg};

/// Input is read in pieces of this size.
const IN_SIZE: usize = 64 * 1024;

/// A `Read` of the decompressed bytes of `R`.
pub struct Decoder<R> {
    src: R,
    desc: Msg,
    buf: Box<[u8]>,
    pos: usize,
    len: usize,
    eof: bool,
    done: bool,
    codec: Codec,
}

enum Codec {
    None,
    Gzip(Box<Gzip>),
    Lzma(Stream),
    Zstd(DCtx<'static>),
    Bzip2(bzip2::Decompress),
}

struct Gzip {
    inflate: Decompress,
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
}

impl<R: Read> Decoder<R> {
    /// Decompress `src` as `params` says. `desc` goes in front of every error; `gzip_fd` is the
    /// descriptor number zlib names in its own messages (`<fd:4>: …`).
    pub fn new(params: &Params, src: R, desc: Msg, gzip_fd: i32) -> Result<Decoder<R>> {
        let mut in_size = IN_SIZE;
        let codec =
            match params.compressor {
                Compressor::None => Codec::None,
                Compressor::Gzip => Codec::Gzip(Box::new(Gzip {
                    inflate: Decompress::new_gzip(15),
                    state: GzipState::Start,
                    fd: gzip_fd,
                })),
                Compressor::Xz => Codec::Lzma(
                    MtStreamBuilder::new()
                        .threads(params.threads())
                        .memlimit_threading(thread_memlimit())
                        .memlimit_stop(u64::MAX)
                        .decoder()
                        .map_err(|e| lzma_init_error(&desc, e))?,
                ),
                Compressor::Lzma => Codec::Lzma(
                    Stream::new_lzma_decoder(u64::MAX).map_err(|e| lzma_init_error(&desc, e))?,
                ),
                Compressor::Zstd => {
                    in_size = DCtx::in_size();
                    Codec::Zstd(DCtx::try_create().ok_or_else(|| {
                        err!("%s: cannot create zstd decompression context", &desc)
                    })?)
                }
                Compressor::Bzip2 => Codec::Bzip2(bzip2::Decompress::new(false)),
            };
        Ok(Decoder {
            src,
            desc,
            buf: vec![0; in_size].into_boxed_slice(),
            pos: 0,
            len: 0,
            eof: false,
            done: false,
            codec,
        })
    }

    /// The compressed source.
    pub fn get_ref(&self) -> &R {
        &self.src
    }

    /// The compressed source, past what was read ahead.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.src
    }

    fn input(&self) -> &[u8] {
        self.buf.get(self.pos..self.len).unwrap_or_default()
    }

    /// Read the next piece once the last one is used up.
    fn fill(&mut self, read_error: &'static str) -> io::Result<()> {
        if self.pos < self.len || self.eof {
            return Ok(());
        }
        self.pos = 0;
        self.len = 0;
        let n = read_full(&mut self.src, &mut self.buf)
            .map_err(|e| hide_error(take_error(e, || msg!(read_error, &self.desc))))?;
        self.len = n;
        self.eof = n < self.buf.len();
        Ok(())
    }

    fn read_none(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.src.read(out).map_err(|e| {
            hide_error(take_error(e, || {
                msg!(
                    "%s: pass-through copy error: %s",
                    &self.desc,
                    msg!("failed to read")
                )
            }))
        })
    }

    fn read_lzma(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            self.fill("%s: lzma read error")?;
            let action = if self.eof && self.pos == self.len {
                Action::Finish
            } else {
                Action::Run
            };
            let input = self.buf.get(self.pos..self.len).unwrap_or_default();
            let Codec::Lzma(stream) = &mut self.codec else {
                return Ok(0);
            };
            let (was_in, was_out) = (stream.total_in(), stream.total_out());
            let status = stream.process(input, out, action);
            self.pos += (stream.total_in() - was_in) as usize;
            let produced = (stream.total_out() - was_out) as usize;
            let word = match status {
                Ok(LzmaStatus::StreamEnd) => {
                    self.done = true;
                    return Ok(produced);
                }
                Ok(LzmaStatus::MemNeeded) => msg!("unexpected end of input"),
                Ok(_) if produced > 0 => return Ok(produced),
                Ok(_) => continue,
                Err(e) => lzma_run_word(e),
            };
            return Err(hide_error(err!("%s: lzma error: %s", &self.desc, word)));
        }
    }

    fn read_zstd(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            self.fill("%s: zstd read error")?;
            if self.pos == self.len {
                // dpkg asks no more of a stream whose input is used up.
                self.done = true;
                return Ok(0);
            }
            let input = self.buf.get(self.pos..self.len).unwrap_or_default();
            let Codec::Zstd(ctx) = &mut self.codec else {
                return Ok(0);
            };
            let mut src = InBuffer::around(input);
            let mut dst = OutBuffer::around(out);
            let left = ctx.decompress_stream(&mut dst, &mut src).map_err(|code| {
                let word = zstd_safe::get_error_name(code);
                hide_error(err!("%s: zstd error: %s", &self.desc, word))
            })?;
            let produced = dst.pos();
            self.pos += src.pos();
            if left == 0 {
                self.done = true;
                return Ok(produced);
            }
            if produced > 0 {
                return Ok(produced);
            }
        }
    }

    fn read_bzip2(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let fail = |desc: &Msg, word: &str| {
            hide_error(err!("%s: internal bzip2 read error: '%s'", desc, word))
        };
        loop {
            self.fill("%s: internal bzip2 read error")?;
            let input = self.buf.get(self.pos..self.len).unwrap_or_default();
            let Codec::Bzip2(stream) = &mut self.codec else {
                return Ok(0);
            };
            let (was_in, was_out) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(input, out);
            let consumed = (stream.total_in() - was_in) as usize;
            let produced = (stream.total_out() - was_out) as usize;
            self.pos += consumed;
            match status {
                Ok(bzip2::Status::StreamEnd) => {
                    self.done = true;
                    return Ok(produced);
                }
                Ok(bzip2::Status::MemNeeded) => return Err(fail(&self.desc, "MEM_ERROR")),
                Ok(_) if produced > 0 => return Ok(produced),
                Ok(_) if self.eof && self.pos == self.len => {
                    return Err(fail(&self.desc, "UNEXPECTED_EOF"));
                }
                Ok(_) => {}
                Err(bzip2::Error::Data) => return Err(fail(&self.desc, "DATA_ERROR")),
                Err(bzip2::Error::DataMagic) => return Err(fail(&self.desc, "DATA_ERROR_MAGIC")),
                Err(bzip2::Error::Param) => return Err(fail(&self.desc, "PARAM_ERROR")),
                Err(bzip2::Error::Sequence) => return Err(fail(&self.desc, "SEQUENCE_ERROR")),
            }
        }
    }

    fn read_gzip(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            self.fill("%s: internal gzip read error")?;
            // The magic may lie across two pieces only when the first is a single byte, which
            // read_full rules out: fewer than two bytes here are the last ones.
            let input = self.buf.get(self.pos..self.len).unwrap_or_default();
            let Codec::Gzip(gz) = &mut self.codec else {
                return Ok(0);
            };
            match gz.state {
                GzipState::Start | GzipState::Between => {
                    if self.pos == self.len {
                        self.done = true;
                        return Ok(0);
                    }
                    let at_edge = self.len - self.pos == 1 && !self.eof;
                    if at_edge {
                        let last = input.first().copied().unwrap_or(0);
                        self.buf[0] = last;
                        let n = read_full(&mut self.src, &mut self.buf[1..]).map_err(|e| {
                            hide_error(take_error(e, || {
                                msg!("%s: internal gzip read error", &self.desc)
                            }))
                        })?;
                        self.pos = 0;
                        self.len = n + 1;
                        self.eof = self.len < self.buf.len();
                        continue;
                    }
                    if input.starts_with(&[31, 139]) {
                        if gz.state == GzipState::Between {
                            // flate2's reset goes back to zlib framing or raw deflate only.
                            gz.inflate = Decompress::new_gzip(15);
                        }
                        gz.state = GzipState::Member;
                    } else if gz.state == GzipState::Between {
                        self.done = true;
                        return Ok(0);
                    } else {
                        gz.state = GzipState::Copy;
                    }
                }
                GzipState::Copy => {
                    let n = input.len().min(out.len());
                    out[..n].copy_from_slice(&input[..n]);
                    self.pos += n;
                    self.done = n == 0;
                    return Ok(n);
                }
                GzipState::Member => {
                    if self.pos == self.len {
                        return Err(hide_error(err!(
                            "%s: internal gzip read error: %s",
                            &self.desc,
                            "buffer error"
                        )));
                    }
                    let (was_in, was_out) = (gz.inflate.total_in(), gz.inflate.total_out());
                    let status = gz.inflate.decompress(input, out, FlushDecompress::None);
                    self.pos += (gz.inflate.total_in() - was_in) as usize;
                    let produced = (gz.inflate.total_out() - was_out) as usize;
                    match status {
                        Ok(GzStatus::StreamEnd) => {
                            gz.state = GzipState::Between;
                            if produced > 0 {
                                return Ok(produced);
                            }
                        }
                        Ok(_) if produced > 0 => return Ok(produced),
                        Ok(_) => {}
                        Err(e) => {
                            let word = e.message().unwrap_or("compressed data error");
                            return Err(hide_error(err!(
                                "%s: internal gzip read error: '%s'",
                                &self.desc,
                                format!("<fd:{}>: {word}", gz.fd)
                            )));
                        }
                    }
                }
            }
        }
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.done || out.is_empty() {
            return Ok(0);
        }
        let result = match self.codec {
            Codec::None => self.read_none(out),
            Codec::Gzip(_) => self.read_gzip(out),
            Codec::Lzma(_) => self.read_lzma(out),
            Codec::Zstd(_) => self.read_zstd(out),
            Codec::Bzip2(_) => self.read_bzip2(out),
        };
        // A stream that failed stays at its end.
        self.done |= result.is_err();
        result
    }
}

impl<R: Read> Decoder<R> {
    /// dpkg's words for what was decompressed and could not be written.
    pub fn write_error(&self, e: io::Error) -> Error {
        let desc = &self.desc;
        match self.codec {
            Codec::None => err!(
                "%s: pass-through copy error: %s",
                desc,
                msg!("%s: %s", msg!("failed to write"), e)
            ),
            Codec::Gzip(_) => Error::os(msg!("%s: internal gzip write error", desc), e),
            Codec::Bzip2(_) => Error::os(msg!("%s: internal bzip2 write error", desc), e),
            Codec::Lzma(_) => Error::os(msg!("%s: lzma write error", desc), e),
            Codec::Zstd(_) => Error::os(msg!("%s: zstd write error", desc), e),
        }
    }

    /// How many bytes were read from the source but not used by the decompressor.
    pub fn unused(&self) -> usize {
        self.input().len()
    }
}

fn lzma_init_error(desc: &Msg, e: LzmaError) -> Error {
    let word = match e {
        LzmaError::Mem => msg!("%s", crate::msg::Arg::Errno(libc::ENOMEM)),
        _ => msg!("internal error (bug)"),
    };
    err!("%s: lzma error: %s", desc, word)
}

fn lzma_run_word(e: LzmaError) -> Msg {
    match e {
        LzmaError::Mem => msg!("%s", crate::msg::Arg::Errno(libc::ENOMEM)),
        LzmaError::MemLimit => msg!("memory usage limit reached"),
        LzmaError::Options => msg!("unsupported options in file header"),
        LzmaError::Data => msg!("compressed data is corrupt"),
        LzmaError::Format => msg!("file format not recognized"),
        _ => msg!("internal error (bug)"),
    }
}
