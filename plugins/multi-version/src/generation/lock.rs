//! `/var/sys/lock`: one command at a time (flock(2), which a kill gives back).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FlockOperation;

use super::GenerationError;

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Take it; `wait` for who has it instead of refusing.
    pub fn take(path: &Path, wait: bool) -> Result<Lock, GenerationError> {
        let read_error = |source| GenerationError::Read {
            path: path.into(),
            source,
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32);
        let file = options.open(path).map_err(read_error)?;
        let how = match wait {
            true => FlockOperation::LockExclusive,
            false => FlockOperation::NonBlockingLockExclusive,
        };
        loop {
            match rustix::fs::flock(&file, how) {
                Ok(()) => return Ok(Lock { file }),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(GenerationError::Locked(path.into()));
                }
                Err(e) => return Err(read_error(e.into())),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child between fork and exec has the file open, too.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_is_starting_does_not_keep_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let starting = std::thread::spawn(|| {
            for _ in 0..50 {
                std::process::Command::new("true").status().unwrap();
            }
        });
        while !starting.is_finished() {
            Lock::take(&path, false).unwrap();
        }
        starting.join().unwrap();
    }
}
