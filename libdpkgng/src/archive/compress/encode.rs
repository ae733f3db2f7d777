//! Compression as a `Write`, byte for byte what dpkg makes with the same library versions.
//!
//! Beside level and strategy, two things decide the bytes: xz always goes through the
//! multi-threaded encoder (whose block size follows the preset, whatever the number of threads),
//! and zstd sees its input in pieces of `ZSTD_CStreamInSize`, so that a small input is known to
//! be complete in the first call. Both are kept here.

use std::io::{self, Write};

use liblzma::stream::{
    Action, Check, Error as LzmaError, LzmaOptions, MtStreamBuilder, Status as LzmaStatus, Stream,
};
use zstd::zstd_safe::{self, CCtx, CParameter, InBuffer, OutBuffer, zstd_sys::ZSTD_EndDirective};

use super::{Compressor, Params, Strategy, thread_memlimit};
use crate::archive::{hide_error, take_error};
use crate::error::Result;
use crate::msg::Msg;
use crate::sys::zlib::GzipDeflate;
use crate::{err, msg};

const PRESET_EXTREME: u32 = 1 << 31;

/// A `Write` that compresses into `W`. [`Encoder::finish`] must be called.
#[must_use]
pub struct Encoder<W> {
    dst: W,
    desc: Msg,
    out: Box<[u8]>,
    out_len: usize,
    codec: Codec,
}

enum Codec {
    None,
    Gzip(GzipDeflate),
    Lzma(Stream),
    Zstd {
        ctx: CCtx<'static>,
        pending: Vec<u8>,
        piece: usize,
    },
    Bzip2(bzip2::Compress),
}

impl<W: Write> Encoder<W> {
    /// Compress into `dst` as `params` (checked before) says; `desc` goes in front of every error.
    pub fn new(params: &Params, dst: W, desc: Msg) -> Result<Encoder<W>> {
        let mut out_size = 64 * 1024;
        let level = params.level;
        let preset = u32::try_from(level).unwrap_or(6)
            | match params.strategy {
                Strategy::Extreme => PRESET_EXTREME,
                _ => 0,
            };
        let preset_error = |e: LzmaError| {
            let word = match e {
                LzmaError::Options => msg!("unsupported compression preset"),
                LzmaError::UnsupportedCheck => msg!("unsupported type of integrity check"),
                LzmaError::Mem => msg!("%s", crate::msg::Arg::Errno(libc::ENOMEM)),
                _ => msg!("internal error (bug)"),
            };
            err!("%s: lzma error: %s", &desc, word)
        };
        let codec = match params.compressor {
            Compressor::None => Codec::None,
            Compressor::Gzip => {
                let strategy = match params.strategy {
                    Strategy::Filtered => 1,
                    Strategy::Huffman => 2,
                    Strategy::Rle => 3,
                    Strategy::Fixed => 4,
                    Strategy::None | Strategy::Extreme => 0,
                };
                Codec::Gzip(
                    GzipDeflate::new(level, strategy)
                        .ok_or_else(|| err!("%s: error binding output to gzip stream", &desc))?,
                )
            }
            Compressor::Xz => {
                let mut builder = MtStreamBuilder::new();
                builder.preset(preset).check(Check::Crc64);
                let limit = thread_memlimit();
                let mut threads = params.threads();
                builder.threads(threads);
                while threads > 1 && builder.memusage() >= limit {
                    threads -= 1;
                    builder.threads(threads);
                }
                Codec::Lzma(builder.encoder().map_err(preset_error)?)
            }
            Compressor::Lzma => {
                let options = LzmaOptions::new_preset(preset).map_err(preset_error)?;
                Codec::Lzma(Stream::new_lzma_encoder(&options).map_err(preset_error)?)
            }
            Compressor::Zstd => {
                let zstd_error =
                    |code| err!("%s: zstd error: %s", &desc, zstd_safe::get_error_name(code));
                let mut ctx = CCtx::try_create()
                    .ok_or_else(|| err!("%s: cannot create zstd compression context", &desc))?;
                ctx.set_parameter(CParameter::CompressionLevel(level))
                    .map_err(zstd_error)?;
                ctx.set_parameter(CParameter::ChecksumFlag(true))
                    .map_err(zstd_error)?;
                let threads = params.threads();
                if threads > 1 {
                    // As in dpkg, a library without threads simply stays with one.
                    let _ = ctx.set_parameter(CParameter::NbWorkers(threads));
                }
                out_size = CCtx::out_size();
                let piece = CCtx::in_size();
                Codec::Zstd {
                    ctx,
                    pending: Vec::with_capacity(piece),
                    piece,
                }
            }
            Compressor::Bzip2 => Codec::Bzip2(bzip2::Compress::new(
                bzip2::Compression::new(u32::try_from(level).unwrap_or(9).clamp(1, 9)),
                0,
            )),
        };
        Ok(Encoder {
            dst,
            desc,
            out: vec![0; out_size].into_boxed_slice(),
            out_len: 0,
            codec,
        })
    }

    /// Complete the stream and hand the destination back.
    pub fn finish(mut self) -> Result<W> {
        let done = self.run(&[], true).and_then(|()| self.flush_out());
        match done {
            Ok(()) => Ok(self.dst),
            Err(e) => Err(take_error(e, || self.desc)),
        }
    }

    fn write_error(&self, e: io::Error) -> io::Error {
        let template = match self.codec {
            Codec::None => {
                let why = msg!("%s (%s)", msg!("failed to write"), e);
                return hide_error(err!("%s: pass-through copy error: %s", &self.desc, why));
            }
            Codec::Gzip(_) => {
                return hide_error(err!("%s: internal gzip write error: '%s'", &self.desc, e));
            }
            Codec::Bzip2(_) => {
                return hide_error(err!("%s: internal bzip2 write error: '%s'", &self.desc, e));
            }
            Codec::Lzma(_) => "%s: lzma write error",
            Codec::Zstd { .. } => "%s: zstd write error",
        };
        hide_error(take_error(e, || msg!(template, &self.desc)))
    }

    fn flush_out(&mut self) -> io::Result<()> {
        let len = std::mem::take(&mut self.out_len);
        let bytes = self.out.get(..len).unwrap_or_default();
        self.dst.write_all(bytes).map_err(|e| self.write_error(e))
    }

    /// Put `input` through the codec; with `finish` to the end of the stream.
    fn run(&mut self, input: &[u8], finish: bool) -> io::Result<()> {
        match &mut self.codec {
            Codec::None => self.dst.write_all(input).map_err(|e| self.write_error(e)),
            Codec::Zstd { .. } => self.run_zstd(input, finish),
            _ => {
                let mut used = 0;
                loop {
                    let rest = input.get(used..).unwrap_or_default();
                    if rest.is_empty() && !finish {
                        return Ok(());
                    }
                    let (consumed, done) = self.step(rest, finish)?;
                    used += consumed;
                    if self.out_len == self.out.len() || done {
                        self.flush_out()?;
                    }
                    if done {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// One call of the codec: how much it took, and whether the stream is complete.
    fn step(&mut self, input: &[u8], finish: bool) -> io::Result<(usize, bool)> {
        let out = self.out.get_mut(self.out_len..).unwrap_or_default();
        match &mut self.codec {
            Codec::Gzip(deflate) => {
                let step = deflate.step(input, out, finish);
                self.out_len += step.produced;
                Ok((step.consumed, step.done))
            }
            Codec::Lzma(stream) => {
                let (was_in, was_out) = (stream.total_in(), stream.total_out());
                let action = if finish { Action::Finish } else { Action::Run };
                let status = stream.process(input, out, action);
                self.out_len += (stream.total_out() - was_out) as usize;
                let consumed = (stream.total_in() - was_in) as usize;
                match status {
                    Ok(LzmaStatus::StreamEnd) => Ok((consumed, true)),
                    Ok(_) => Ok((consumed, false)),
                    Err(e) => {
                        let word = match e {
                            LzmaError::Mem => msg!("%s", crate::msg::Arg::Errno(libc::ENOMEM)),
                            LzmaError::MemLimit => msg!("memory usage limit reached"),
                            LzmaError::Data => msg!("compressed data is corrupt"),
                            _ => msg!("internal error (bug)"),
                        };
                        Err(hide_error(err!("%s: lzma error: %s", &self.desc, word)))
                    }
                }
            }
            Codec::Bzip2(stream) => {
                let (was_in, was_out) = (stream.total_in(), stream.total_out());
                let action = if finish {
                    bzip2::Action::Finish
                } else {
                    bzip2::Action::Run
                };
                let status = stream.compress(input, out, action).map_err(|_| {
                    hide_error(err!(
                        "%s: internal bzip2 write error: '%s'",
                        &self.desc,
                        "SEQUENCE_ERROR"
                    ))
                })?;
                self.out_len += (stream.total_out() - was_out) as usize;
                let consumed = (stream.total_in() - was_in) as usize;
                Ok((consumed, matches!(status, bzip2::Status::StreamEnd)))
            }
            Codec::None | Codec::Zstd { .. } => Ok((input.len(), finish)),
        }
    }

    fn run_zstd(&mut self, mut input: &[u8], finish: bool) -> io::Result<()> {
        loop {
            let Codec::Zstd { pending, piece, .. } = &mut self.codec else {
                return Ok(());
            };
            let take = input.len().min(piece.saturating_sub(pending.len()));
            let (head, tail) = input.split_at(take);
            pending.extend_from_slice(head);
            input = tail;
            let full = pending.len() == *piece;
            if full {
                self.zstd_piece(false)?;
            } else if !finish {
                return Ok(());
            }
            if input.is_empty() {
                return if finish {
                    self.zstd_piece(true)
                } else {
                    Ok(())
                };
            }
        }
    }

    /// Feed the pending piece; the output is only written when its buffer is full.
    fn zstd_piece(&mut self, last: bool) -> io::Result<()> {
        let mut used = 0;
        loop {
            let Codec::Zstd { ctx, pending, .. } = &mut self.codec else {
                return Ok(());
            };
            let mut src = InBuffer::around(pending.get(used..).unwrap_or_default());
            let out = self.out.get_mut(self.out_len..).unwrap_or_default();
            let mut dst = OutBuffer::around(out);
            let directive = if last {
                ZSTD_EndDirective::ZSTD_e_end
            } else {
                ZSTD_EndDirective::ZSTD_e_continue
            };
            let left = ctx
                .compress_stream2(&mut dst, &mut src, directive)
                .map_err(|code| {
                    let word = zstd_safe::get_error_name(code);
                    hide_error(err!("%s: zstd error: %s", &self.desc, word))
                })?;
            used += src.pos();
            let produced = dst.pos();
            let empty = used >= pending.len();
            if empty {
                pending.clear();
                used = 0;
            }
            self.out_len += produced;
            if self.out_len == self.out.len() || (last && left == 0) {
                self.flush_out()?;
            }
            if if last { left == 0 } else { empty } {
                return Ok(());
            }
        }
    }
}

impl<W: Write> Write for Encoder<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.run(buf, false)?;
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
