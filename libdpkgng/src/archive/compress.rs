//! The compressors a member of a `.deb` may use, and their parameters (dpkg's compress.c).
//!
//! Names, extensions, default levels and what is refused are dpkg's; the streams themselves are
//! in [`decode`] and [`encode`].

use crate::err;
use crate::error::Result;

mod decode;
mod encode;

pub use decode::Decoder;
pub use encode::Encoder;

/// A compression format of deb(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compressor {
    /// The bytes as they are.
    None,
    /// `.gz`
    Gzip,
    /// `.xz`
    Xz,
    /// `.zst`
    Zstd,
    /// `.bz2`, read only on the command line.
    Bzip2,
    /// `.lzma`, read only on the command line.
    Lzma,
}

impl Compressor {
    const ALL: [Compressor; 6] = [
        Compressor::None,
        Compressor::Gzip,
        Compressor::Xz,
        Compressor::Zstd,
        Compressor::Bzip2,
        Compressor::Lzma,
    ];

    /// The name of `-Z`.
    pub fn name(self) -> &'static str {
        match self {
            Compressor::None => "none",
            Compressor::Gzip => "gzip",
            Compressor::Xz => "xz",
            Compressor::Zstd => "zstd",
            Compressor::Bzip2 => "bzip2",
            Compressor::Lzma => "lzma",
        }
    }

    /// The end of a member's name, with its dot (empty for none).
    pub fn extension(self) -> &'static str {
        match self {
            Compressor::None => "",
            Compressor::Gzip => ".gz",
            Compressor::Xz => ".xz",
            Compressor::Zstd => ".zst",
            Compressor::Bzip2 => ".bz2",
            Compressor::Lzma => ".lzma",
        }
    }

    fn default_level(self) -> i32 {
        match self {
            Compressor::None => 0,
            Compressor::Gzip | Compressor::Bzip2 => 9,
            Compressor::Xz | Compressor::Lzma => 6,
            Compressor::Zstd => 3,
        }
    }

    /// The compressor of this `-Z` name.
    pub fn from_name(name: &[u8]) -> Option<Compressor> {
        Self::ALL.into_iter().find(|c| c.name().as_bytes() == name)
    }

    /// The compressor of this member extension.
    pub fn from_extension(extension: &[u8]) -> Option<Compressor> {
        Self::ALL
            .into_iter()
            .find(|c| c.extension().as_bytes() == extension)
    }

    /// Whether control members may use it (and with it, uniform compression).
    pub fn for_control(self) -> bool {
        !matches!(self, Compressor::Bzip2 | Compressor::Lzma)
    }
}

/// A compression strategy, `-S`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The compressor's default.
    #[default]
    None,
    /// zlib's `Z_FILTERED`.
    Filtered,
    /// zlib's `Z_HUFFMAN_ONLY`.
    Huffman,
    /// zlib's `Z_RLE`.
    Rle,
    /// zlib's `Z_FIXED`.
    Fixed,
    /// xz's `LZMA_PRESET_EXTREME`.
    Extreme,
}

impl Strategy {
    /// The strategy of this `-S` name.
    pub fn from_name(name: &[u8]) -> Option<Strategy> {
        Some(match name {
            b"none" => Strategy::None,
            b"filtered" => Strategy::Filtered,
            b"huffman" => Strategy::Huffman,
            b"rle" => Strategy::Rle,
            b"fixed" => Strategy::Fixed,
            b"extreme" => Strategy::Extreme,
            _ => return None,
        })
    }
}

/// How to compress, or to decompress (where only `compressor` and `threads_max` count).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// The format.
    pub compressor: Compressor,
    /// The strategy.
    pub strategy: Strategy,
    /// The level; negative means the compressor's default.
    pub level: i32,
    /// The most threads to use; negative means one per processor.
    pub threads_max: i32,
}

impl Params {
    /// This compressor with its defaults.
    pub const fn new(compressor: Compressor) -> Params {
        Params {
            compressor,
            strategy: Strategy::None,
            level: -1,
            threads_max: -1,
        }
    }

    /// Put defaults in and refuse what does not go together (`compressor_check_params`).
    pub fn check(&mut self) -> Result<()> {
        match self.compressor {
            Compressor::Gzip if self.level == 0 => self.compressor = Compressor::None,
            Compressor::Bzip2 if self.level == 0 => self.level = 1,
            _ => {}
        }
        if self.level < 0 {
            self.level = self.compressor.default_level();
        }
        let max = match self.compressor {
            Compressor::Zstd => zstd::zstd_safe::max_c_level(),
            _ => 9,
        };
        if self.level > max {
            return Err(err!("invalid compression level %d", self.level));
        }
        match (self.compressor, self.strategy) {
            (_, Strategy::None)
            | (
                Compressor::Gzip,
                Strategy::Filtered | Strategy::Huffman | Strategy::Rle | Strategy::Fixed,
            )
            | (Compressor::Xz, Strategy::Extreme) => Ok(()),
            _ => Err(err!("unknown compression strategy")),
        }
    }

    /// The number of threads: `threads_max` within one and the number of processors.
    fn threads(&self) -> u32 {
        let online = std::thread::available_parallelism().map_or(1, |n| n.get());
        let online = u32::try_from(online).unwrap_or(1);
        match u32::try_from(self.threads_max) {
            Ok(max) => max.clamp(1, online),
            Err(_) => online,
        }
    }
}

/// The memory liblzma may use for threads: what the kernel calls free, buffers and cache, or
/// else half the memory there is, or else 128 MiB (dpkg's meminfo.c).
fn thread_memlimit() -> u64 {
    let fallback = || {
        use nix::unistd::{SysconfVar, sysconf};
        let get = |var| sysconf(var).ok().flatten().unwrap_or(0).unsigned_abs();
        match get(SysconfVar::_PHYS_PAGES) * get(SysconfVar::PAGE_SIZE) / 2 {
            0 => 128 * 1024 * 1024,
            half => half,
        }
    };
    std::fs::read("/proc/meminfo")
        .ok()
        .and_then(|text| meminfo_available(&text))
        .unwrap_or_else(fallback)
        .min(isize::MAX as u64)
}

fn meminfo_available(text: &[u8]) -> Option<u64> {
    let value = |name: &str| -> Option<u64> {
        let line = text
            .split(|&b| b == b'\n')
            .find_map(|l| l.strip_prefix(name.as_bytes())?.strip_prefix(b":"))?;
        let number = std::str::from_utf8(line).ok()?.trim().strip_suffix(" kB")?;
        let kib: u64 = number.trim().parse().ok().filter(|&n| n > 0)?;
        kib.checked_mul(1024)
    };
    value("MemFree")?
        .checked_add(value("Buffers")?)?
        .checked_add(value("Cached")?)
}

#[cfg(test)]
mod tests;
