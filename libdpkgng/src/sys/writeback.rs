//! Making file data durable: hints to the kernel, and many `fsync`s in flight at once.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many `fsync`s wait at the same time.
const THREADS: usize = 32;

/// Start writing out what the file holds. A hint: failing is fine, `fsync` follows.
pub fn start(file: &File) {
    // SAFETY: plain values and an open descriptor.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

/// `fchmod(2)`
pub fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    // SAFETY: plain values and an open descriptor.
    if unsafe { libc::fchmod(file.as_raw_fd(), mode as libc::mode_t) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `futimens(2)`, both times in seconds since the epoch.
pub fn set_times(file: &File, atime: i64, mtime: i64) -> io::Result<()> {
    let time = |sec: i64| libc::timespec {
        tv_sec: sec as libc::time_t,
        tv_nsec: 0,
    };
    let times = [time(atime), time(mtime)];
    // SAFETY: an open descriptor, and times has the two entries asked for.
    if unsafe { libc::futimens(file.as_raw_fd(), times.as_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `close(2)`, with the error that some file systems report only there.
pub fn close(file: File) -> io::Result<()> {
    // SAFETY: the descriptor was ours alone and is given up here.
    if unsafe { libc::close(file.into_raw_fd()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `fsync` of all of them; on failure the index of the first that failed (in the order given)
/// and why.
pub fn sync_all(files: &[OwnedFd]) -> Result<(), (usize, io::Error)> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, io::Error)>> = Mutex::new(None);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return };
            if let Err(e) = sync(file) {
                let mut failed = failed.lock().unwrap_or_else(|p| p.into_inner());
                if failed.as_ref().is_none_or(|(first, _)| index < *first) {
                    *failed = Some((index, e));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..files.len().min(THREADS) {
            // A thread that cannot be had is no loss: the others, or this one, do its part.
            let _ = std::thread::Builder::new()
                .stack_size(64 * 1024)
                .spawn_scoped(scope, work);
        }
        work();
    });
    match failed.into_inner().unwrap_or_else(|p| p.into_inner()) {
        None => Ok(()),
        Some(first) => Err(first),
    }
}

fn sync(file: &OwnedFd) -> io::Result<()> {
    // SAFETY: an open descriptor.
    if unsafe { libc::fsync(file.as_raw_fd()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_in_order_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut files: Vec<OwnedFd> = (0..40)
            .map(|i| File::create(dir.path().join(i.to_string())).unwrap().into())
            .collect();
        assert!(sync_all(&files).is_ok());
        assert!(sync_all(&[]).is_ok());
        // A pipe cannot be synced: EINVAL.
        let (read, write) = std::io::pipe().unwrap();
        files.insert(30, read.into());
        files.insert(12, write.into());
        let (index, error) = sync_all(&files).unwrap_err();
        assert_eq!((index, error.raw_os_error()), (12, Some(libc::EINVAL)));
    }
}
