//! Reading whole regular files, with dpkg's verdicts (file.c).

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::bail;
use crate::error::{OrFail, Result};
use crate::msg;

/// The content of a regular file (`file_slurp`).
pub fn slurp(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).or_put(|| msg!("cannot open %s", path))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("f");
        let text = |p: &Path| slurp(p).map_err(|e| e.to_string());
        assert_eq!(
            text(&path),
            Err(format!(
                "cannot open {} (No such file or directory)",
                path.display()
            ))
        );
        std::fs::write(&path, "abc").expect("write");
        assert_eq!(text(&path), Ok(b"abc".to_vec()));
        assert_eq!(
            text(dir.path()),
            Err(format!("{} is not a regular file", dir.path().display()))
        );
    }
}
