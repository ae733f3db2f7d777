//! Making file data durable: hints to the kernel, many `fsync`s in flight at once, and one
//! `syncfs` for many files.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::place::Spot;

/// How many `fsync`s wait at the same time.
const THREADS: usize = 32;
/// From how many files of one file system on that is synced as a whole: each `fsync` would flush the
/// disk, that does it once.
const MANY: usize = 16;
/// File systems whose `syncfs` makes everything durable, and says so when it cannot.
const WHOLE: [i64; 4] = [
    0xEF53,      // ext4
    0x5846_5342, // xfs
    0x9123_683E, // btrfs
    0xF2F5_2010, // f2fs
];
/// What all programs together may have in memory that is to be written, in KiB. Where it is more, syncing
/// all of it would be waiting for others.
const DIRTY: u64 = 512 << 10;

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

/// Make all of them durable; on failure the index of the first that failed (in the order given)
/// and why.
pub fn sync_all(files: &[OwnedFd]) -> Result<(), (usize, io::Error)> {
    let mut left: Vec<(usize, &OwnedFd)> = files.iter().enumerate().collect();
    if files.len() >= MANY && others_write_little() {
        let mut by_device: HashMap<u64, Vec<(usize, &OwnedFd)>> = HashMap::new();
        for (index, file) in left.drain(..) {
            let device = stat(file).map_or(0, |stat| stat.st_dev);
            by_device.entry(device).or_default().push((index, file));
        }
        for (_, group) in by_device {
            // When it fails, which file it was their `fsync`s tell.
            let whole = group.len() >= MANY && group.first().is_some_and(|(_, f)| sync_whole(f));
            if !whole {
                left.extend(group);
            }
        }
        left.sort_unstable_by_key(|(index, _)| *index);
    }
    sync_each(&left)
}

fn stat(file: &OwnedFd) -> nix::Result<libc::stat> {
    nix::sys::stat::fstat(file)
}

/// Sync the file system of a file; whether everything on it is durable for certain.
fn sync_whole(file: &OwnedFd) -> bool {
    // It is of another size elsewhere.
    #[allow(clippy::unnecessary_cast)]
    let known = nix::sys::statfs::fstatfs(file)
        .is_ok_and(|fs| WHOLE.contains(&(fs.filesystem_type().0 as i64)));
    // SAFETY: an open descriptor.
    known && unsafe { libc::syncfs(file.as_raw_fd()) } == 0
}

/// Whether little waits in memory to be written, of all programs. Where that cannot be told it does
/// not count as little.
fn others_write_little() -> bool {
    let Ok(info) = Spot::path(b"/proc/meminfo").read_all() else {
        return false;
    };
    let info = String::from_utf8_lossy(&info);
    let dirty = info.lines().find_map(|line| {
        let rest = line.strip_prefix("Dirty:")?.trim();
        rest.strip_suffix(" kB")?.parse::<u64>().ok()
    });
    dirty.is_some_and(|kib| kib <= DIRTY)
}

fn sync_each(files: &[(usize, &OwnedFd)]) -> Result<(), (usize, io::Error)> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<(usize, io::Error)>> = Mutex::new(None);
    let work = || {
        loop {
            let Some((index, file)) = files.get(next.fetch_add(1, Ordering::Relaxed)) else {
                return;
            };
            if let Err(e) = sync(file) {
                let mut failed = failed.lock().unwrap_or_else(|p| p.into_inner());
                if failed.as_ref().is_none_or(|(first, _)| index < first) {
                    *failed = Some((*index, e));
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
