//! What packages bring to /var and /srv: made on the host where it lacks it, before the first postinst. It is not of the
//! view, and stays: like all of /var it is state.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::made::copy;
use super::{ScriptError, Work};
use crate::layout::InstallationId;

/// Where state is.
const TOPS: &[&str] = &["var", "srv"];

/// Make what is missing of a package below `root`; gives what was made. Nothing there is changed, and no link followed.
pub(super) fn bring(
    work: &Work,
    package: &InstallationId,
    root: &Path,
) -> Result<Vec<PathBuf>, ScriptError> {
    let payload = work.layout.installation(package);
    let mut made = Vec::new();
    let mut paths: Vec<PathBuf> = TOPS.iter().map(PathBuf::from).collect();
    while let Some(path) = paths.pop() {
        let (from, to) = (payload.join(&path), root.join(&path));
        let is = match fs::symlink_metadata(&from) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            is => is.map_err(|e| ScriptError::read(&from, e))?,
        };
        let there = match fs::symlink_metadata(&to) {
            Ok(there) => Some(there),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(ScriptError::read(&to, e)),
        };
        let new = there.is_none();
        if new {
            match is.is_dir() {
                true => {
                    work.disk.make_dir(&to)?;
                    work.disk.adopt(&to, &is)?;
                }
                false => copy(work.disk, &from, &to)?,
            }
            made.push(to);
        }
        if is.is_dir() && there.is_none_or(|t| t.is_dir()) {
            let entries = fs::read_dir(&from).map_err(|e| ScriptError::read(&from, e))?;
            for entry in entries {
                let entry = entry.map_err(|e| ScriptError::read(&from, e))?;
                paths.push(path.join(entry.file_name()));
            }
        }
    }
    made.sort();
    Ok(made)
}
