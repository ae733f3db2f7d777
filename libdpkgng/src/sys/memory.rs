//! How the C library's allocator treats large pieces.

/// Give pieces of a MiB and more back to the kernel as soon as they are freed.
///
/// Left to itself, the allocator keeps them once it has seen one go: every decoder's thread then
/// leaves its blocks of many MiB behind, and a run over a hundred archives holds several times
/// what one archive takes. For a program to call as it starts.
pub fn give_back_large() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt only sets a number of the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}
