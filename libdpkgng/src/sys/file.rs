//! Reading whole regular files, with dpkg's verdicts (file.c).

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::extent::physical_offset;
use super::place::Spot;
use crate::bail;
use crate::error::{OrFail, Result};
use crate::msg;

/// The content of a regular file (`file_slurp`).
pub fn slurp(path: &Spot) -> Result<Vec<u8>> {
    let file = path.read().or_put(|| msg!("cannot open %s", path))?;
    let meta = file.metadata().or_put(|| msg!("cannot stat %s", path))?;
    if !meta.is_file() {
        bail!("%s is not a regular file", path);
    }
    let mut content = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
    file.take(meta.len())
        .read_to_end(&mut content)
        .or_put(|| msg!("cannot read %s", path))?;
    Ok(content)
}

/// What is to be known of a file by [`glance`].
#[derive(Debug)]
pub struct Wanted {
    /// The file.
    pub path: Spot,
    /// Where it lies on the disk.
    pub offset: bool,
    /// What is in it.
    pub content: bool,
}

/// What [`glance`] found out about a file.
#[derive(Debug)]
pub struct Glance<T> {
    /// Where its first block lies, as [`physical_offset`] tells it; -1 for what cannot be opened, too.
    pub offset: i64,
    /// What was made of its content, and on which shelf that is; `None` if it was not in memory,
    /// cannot be read, or nothing was made of it: that is for [`slurp`].
    pub content: Option<(usize, T)>,
}

/// Look at many files on all processors, without waiting for what is not in memory. Each thread has
/// a shelf, on which `sift` may put what it keeps of a content.
pub fn glance<S: Default + Send, T: Send>(
    files: &[Wanted],
    sift: impl Fn(&[u8], &mut S) -> Option<T> + Sync,
) -> (Vec<S>, Vec<Glance<T>>) {
    let next = AtomicUsize::new(0);
    let look = || {
        let (mut shelf, mut seen, mut buffer) = (S::default(), Vec::new(), Vec::new());
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(rest) = files.get(start..).filter(|rest| !rest.is_empty()) else {
                return (shelf, seen);
            };
            for (i, file) in rest.iter().take(BATCH).enumerate() {
                let (offset, content) = glance_at(file, &mut buffer);
                let content = content.and_then(|content| sift(content, &mut shelf));
                seen.push((start + i, offset, content));
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let helpers = (processors - 1).min(files.len() / (2 * BATCH)).min(HELPERS);
    let seen: Vec<_> = std::thread::scope(|scope| {
        let spawn = |_| std::thread::Builder::new().spawn_scoped(scope, look).ok();
        let helpers: Vec<_> = (0..helpers).filter_map(spawn).collect();
        let mine = look();
        let join = |helper: std::thread::ScopedJoinHandle<'_, _>| match helper.join() {
            Ok(seen) => seen,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        std::iter::once(mine)
            .chain(helpers.into_iter().map(join))
            .collect()
    });
    let mut shelves = Vec::new();
    let mut glances: Vec<Glance<T>> = Vec::new();
    glances.resize_with(files.len(), || Glance {
        offset: -1,
        content: None,
    });
    for (number, (shelf, seen)) in seen.into_iter().enumerate() {
        shelves.push(shelf);
        for (i, offset, content) in seen {
            let content = content.map(|content| (number, content));
            glances[i] = Glance { offset, content };
        }
    }
    (shelves, glances)
}

fn glance_at<'b>(wanted: &Wanted, buffer: &'b mut Vec<u8>) -> (i64, Option<&'b [u8]>) {
    let Ok(file) = wanted.path.read() else {
        return (-1, None);
    };
    let offset = match wanted.offset {
        true => physical_offset(&file),
        false => 0,
    };
    let content = match wanted.content {
        true => in_memory(&file, buffer),
        false => None,
    };
    (offset, content)
}

/// All of a regular file, if it is in memory.
fn in_memory<'b>(file: &File, buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
    let meta = file.metadata().ok().filter(|meta| meta.is_file())?;
    let len = usize::try_from(meta.len()).ok()?;
    if buffer.len() < len {
        buffer.resize(len, 0);
    }
    let content = &mut buffer[..len];
    let part = libc::iovec {
        iov_base: content.as_mut_ptr().cast(),
        iov_len: len,
    };
    // SAFETY: part names one buffer, which is writable for its whole length and outlives the call;
    // the two zeros are the offset in the file.
    let read = unsafe {
        libc::syscall(
            libc::SYS_preadv2,
            file.as_raw_fd(),
            &raw const part,
            1usize,
            0usize,
            0usize,
            libc::RWF_NOWAIT,
        )
    };
    (usize::try_from(read) == Ok(len)).then_some(content)
}

/// Threads that help to look at files, at most.
const HELPERS: usize = 7;
/// Files that are read in one go by [`glance`] and [`slurp_each`].
const BATCH: usize = 32;
/// Batches that may wait to be dealt with.
const AHEAD: usize = 4;

/// Read many files, on a thread of its own when that is worth its making, and hand them over in
/// their order: while one is dealt with, the next are read. Ends with the first error of `each`.
pub fn slurp_each(
    paths: &[Spot],
    mut each: impl FnMut(usize, Result<Vec<u8>>) -> Result<()>,
) -> Result<()> {
    let alone = |each: &mut dyn FnMut(usize, Result<Vec<u8>>) -> Result<()>| {
        let mut numbered = paths.iter().enumerate();
        numbered.try_for_each(|(i, path)| each(i, slurp(path)))
    };
    if paths.len() < 2 * BATCH {
        return alone(&mut each);
    }
    std::thread::scope(|scope| {
        let (to, from) = crossbeam_channel::bounded::<Vec<Result<Vec<u8>>>>(AHEAD);
        let read = move || {
            for batch in paths.chunks(BATCH) {
                let contents = batch.iter().map(slurp).collect();
                if to.send(contents).is_err() {
                    return;
                }
            }
        };
        if std::thread::Builder::new()
            .spawn_scoped(scope, read)
            .is_err()
        {
            return alone(&mut each);
        }
        let contents = from.into_iter().flatten().enumerate();
        for (i, content) in contents {
            each(i, content)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::place::Place;

    #[test]
    fn many_files_come_in_their_order() {
        let dir = tempfile::tempdir().expect("tempdir");
        let place = Place::new(dir.path());
        let spot = |i: usize| place.spot(format!("/{i}").as_bytes());
        let paths: Vec<Spot> = (0..300).map(spot).collect();
        for (i, path) in paths.iter().enumerate().filter(|(i, _)| *i != 200) {
            std::fs::write(path.shown_path(), i.to_string()).expect("write");
        }
        let mut next = 0;
        let end = slurp_each(&paths, |i, content| {
            assert_eq!(i, next);
            assert_eq!(content?, i.to_string().into_bytes());
            next += 1;
            Ok(())
        });
        assert_eq!(next, 200);
        assert!(end.is_err_and(|e| e.errno == Some(libc::ENOENT)));
    }

    #[test]
    fn a_glance_finds_what_is_there() {
        let dir = tempfile::tempdir().expect("tempdir");
        let place = Place::new(dir.path());
        let wanted = |i: usize| Wanted {
            path: place.spot(format!("/{i}").as_bytes()),
            offset: true,
            content: true,
        };
        let files: Vec<Wanted> = (0..300).map(wanted).collect();
        for (i, file) in files.iter().enumerate().filter(|(i, _)| *i != 200) {
            std::fs::write(file.path.shown_path(), i.to_string()).expect("write");
        }
        std::fs::create_dir(files[200].path.shown_path()).expect("directory");
        let (shelves, seen) = glance(&files, |content, shelf: &mut Vec<Vec<u8>>| {
            shelf.push(content.to_vec());
            (content != b"7").then_some(shelf.len() - 1)
        });
        assert_eq!(seen.len(), 300);
        for (i, glance) in seen.iter().enumerate() {
            // Not every file system has them at hand.
            if let Some((shelf, at)) = glance.content {
                assert_eq!(shelves[shelf][at], i.to_string().into_bytes());
            }
        }
        assert!(seen[7].content.is_none());
        assert!(seen[200].content.is_none());
    }

    #[test]
    fn only_regular_files() {
        let dir = tempfile::tempdir().expect("tempdir");
        let place = Place::new(dir.path());
        let path = dir.path().join("f");
        let text = |name: &[u8]| slurp(&place.spot(name)).map_err(|e| e.to_string());
        assert_eq!(
            text(b"/f"),
            Err(format!(
                "cannot open {} (No such file or directory)",
                path.display()
            ))
        );
        std::fs::write(&path, "abc").expect("write");
        assert_eq!(text(b"/f"), Ok(b"abc".to_vec()));
        let shown = dir.path().display();
        assert_eq!(text(b"/"), Err(format!("{shown}/ is not a regular file")));
    }
}
