//! Reading whole regular files, with dpkg's verdicts (file.c).

use std::io::Read;

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

/// Files that are read in one go by [`slurp_each`].
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
