//! Where a file lies on the disk (the kernel's filesystems/fiemap.rst).

use std::os::fd::AsRawFd;

/// `FS_IOC_FIEMAP`, `_IOWR('f', 11, struct fiemap)`.
const FS_IOC_FIEMAP: u64 = 0xC020_660B;

/// `struct fiemap` with room for one extent.
#[repr(C)]
#[derive(Default)]
struct Fiemap {
    start: u64,
    length: u64,
    flags: u32,
    mapped_extents: u32,
    extent_count: u32,
    reserved: u32,
    extent: Extent,
}

/// `struct fiemap_extent`
#[repr(C)]
#[derive(Default)]
struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved64: [u64; 2],
    flags: u32,
    reserved: [u32; 3],
}

/// The place of an open file's first block in bytes; 0 when it has none (yet), -1 when the file
/// system does not tell.
pub fn physical_offset(file: &impl AsRawFd) -> i64 {
    let mut map = Fiemap {
        // The file system's block, nearly everywhere; less than one is rounded up to it.
        length: 4096,
        extent_count: 1,
        ..Fiemap::default()
    };
    // SAFETY: the descriptor is open, and map is a struct fiemap followed by as many extents
    // as it says.
    let rc = unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_FIEMAP as _, &raw mut map) };
    match rc {
        0 => i64::try_from(map.extent.physical).unwrap_or(i64::MAX),
        _ => -1,
    }
}
