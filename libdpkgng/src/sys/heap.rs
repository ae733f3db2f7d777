//! How the C library's allocator keeps memory (mallopt(3)).

/// Have blocks of this many bytes and more come from the kernel, and go back to it when they are
/// freed. Left to itself glibc soon keeps blocks of up to 32 MiB, once for each thread that ever had
/// one, and decoders of archives come and go with their threads.
pub fn give_back_from(bytes: i32) {
    // SAFETY: it takes two integers. What it refuses stays as it was.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, bytes);
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = bytes;
}
