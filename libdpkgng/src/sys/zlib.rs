//! The C zlib, for the bytes that `dpkg-deb -Zgzip` writes and the words it fails with.
//!
//! Only zlib itself gives zlib's bytes (its faster relatives choose other matches), and
//! reproducible packages depend on them. They also name the faults of a damaged stream
//! differently, and scripts see those names.

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// A running deflate stream with gzip framing (no name, no time stamp), as `gzopen("w…")` makes it.
pub struct GzipDeflate {
    // Boxed: zlib keeps a pointer back to the stream and refuses one that has moved.
    raw: Box<libz_sys::z_stream>,
}

// SAFETY: the stream is owned by this value alone, zlib keeps no thread-local or shared state.
unsafe impl Send for GzipDeflate {}

/// What one step did.
pub struct Step {
    /// Bytes taken from the input.
    pub consumed: usize,
    /// Bytes put into the output.
    pub produced: usize,
    /// The stream is complete.
    pub done: bool,
}

impl GzipDeflate {
    /// A stream of compression `level` (1 to 9) and zlib `strategy` (0 default, 1 filtered,
    /// 2 Huffman only, 3 RLE, 4 fixed). `None` when zlib refuses the parameters or memory.
    pub fn new(level: i32, strategy: i32) -> Option<GzipDeflate> {
        // SAFETY: z_stream is a C struct for which all-zero means "default allocator, no data";
        // the Option-typed function pointers inside are valid as zero, and deflateInit2_
        // replaces a null allocator by its own before anything calls them.
        let mut raw =
            unsafe { Box::new(MaybeUninit::<libz_sys::z_stream>::zeroed()).assume_init() };
        // SAFETY: raw is a live z_stream, the version and size are those of the linked zlib.
        let rc = unsafe {
            libz_sys::deflateInit2_(
                &mut *raw,
                level,
                libz_sys::Z_DEFLATED,
                15 + 16,
                8,
                strategy,
                libz_sys::zlibVersion(),
                size_of::<libz_sys::z_stream>() as i32,
            )
        };
        (rc == libz_sys::Z_OK).then_some(GzipDeflate { raw })
    }

    /// Compress from `input` into `output`; with `finish` no more input will follow.
    pub fn step(&mut self, input: &[u8], output: &mut [u8], finish: bool) -> Step {
        let avail_in = u32::try_from(input.len()).unwrap_or(u32::MAX);
        let avail_out = u32::try_from(output.len()).unwrap_or(u32::MAX);
        self.raw.next_in = input.as_ptr().cast_mut();
        self.raw.avail_in = avail_in;
        self.raw.next_out = output.as_mut_ptr();
        self.raw.avail_out = avail_out;
        let flush = if finish && avail_in as usize == input.len() {
            libz_sys::Z_FINISH
        } else {
            libz_sys::Z_NO_FLUSH
        };
        // SAFETY: next_in/next_out point at live buffers of at least avail_in/avail_out bytes,
        // zlib only reads the input, and the stream was initialised by deflateInit2_.
        let rc = unsafe { libz_sys::deflate(&mut *self.raw, flush) };
        Step {
            consumed: (avail_in - self.raw.avail_in) as usize,
            produced: (avail_out - self.raw.avail_out) as usize,
            done: rc == libz_sys::Z_STREAM_END,
        }
    }
}

impl Drop for GzipDeflate {
    fn drop(&mut self) {
        // SAFETY: the stream was initialised and is released exactly once.
        unsafe {
            libz_sys::deflateEnd(&mut *self.raw);
        }
    }
}

/// A running inflate stream of one gzip member, header and checks included.
pub struct GzipInflate {
    raw: Box<libz_sys::z_stream>,
}

// SAFETY: as for GzipDeflate.
unsafe impl Send for GzipInflate {}

impl GzipInflate {
    /// A stream at the start of a member. `None` without memory.
    pub fn new() -> Option<GzipInflate> {
        // SAFETY: as in GzipDeflate::new.
        let mut raw =
            unsafe { Box::new(MaybeUninit::<libz_sys::z_stream>::zeroed()).assume_init() };
        // SAFETY: raw is a live z_stream, the version and size are those of the linked zlib.
        let rc = unsafe {
            libz_sys::inflateInit2_(
                &mut *raw,
                15 + 16,
                libz_sys::zlibVersion(),
                size_of::<libz_sys::z_stream>() as i32,
            )
        };
        (rc == libz_sys::Z_OK).then_some(GzipInflate { raw })
    }

    /// Start over at the next member.
    pub fn reset(&mut self) {
        // SAFETY: the stream was initialised by inflateInit2_.
        unsafe {
            libz_sys::inflateReset(&mut *self.raw);
        }
    }

    /// Decompress from `input` into `output`. The error is what `gzread` calls it.
    pub fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, String> {
        let avail_in = u32::try_from(input.len()).unwrap_or(u32::MAX);
        let avail_out = u32::try_from(output.len()).unwrap_or(u32::MAX);
        self.raw.next_in = input.as_ptr().cast_mut();
        self.raw.avail_in = avail_in;
        self.raw.next_out = output.as_mut_ptr();
        self.raw.avail_out = avail_out;
        // SAFETY: next_in/next_out point at live buffers of at least avail_in/avail_out bytes,
        // zlib only reads the input, and the stream was initialised by inflateInit2_.
        let rc = unsafe { libz_sys::inflate(&mut *self.raw, libz_sys::Z_NO_FLUSH) };
        match rc {
            libz_sys::Z_STREAM_ERROR | libz_sys::Z_NEED_DICT => {
                Err("internal error: inflate stream corrupt".to_owned())
            }
            libz_sys::Z_MEM_ERROR => Err("out of memory".to_owned()),
            libz_sys::Z_DATA_ERROR if self.raw.msg.is_null() => {
                Err("compressed data error".to_owned())
            }
            libz_sys::Z_DATA_ERROR => {
                // SAFETY: msg is not null and then points at one of zlib's static strings.
                let text = unsafe { CStr::from_ptr(self.raw.msg) };
                Err(text.to_string_lossy().into_owned())
            }
            _ => Ok(Step {
                consumed: (avail_in - self.raw.avail_in) as usize,
                produced: (avail_out - self.raw.avail_out) as usize,
                done: rc == libz_sys::Z_STREAM_END,
            }),
        }
    }
}

impl Drop for GzipInflate {
    fn drop(&mut self) {
        // SAFETY: the stream was initialised and is released exactly once.
        unsafe {
            libz_sys::inflateEnd(&mut *self.raw);
        }
    }
}
