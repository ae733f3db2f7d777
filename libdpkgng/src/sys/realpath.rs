//! Resolving a path as the system below some root would (`dpkg-realpath`'s
//! `realpath_relative_to`).
//!
//! Symbolic links are read one by one and never lead out of the root; what does not exist
//! stands for itself, so that a path need not be there to be resolved.

use super::place::{Absence, Spot, Stat};
use crate::error::{OrFail, Result};
use crate::{bail, msg};

/// So many symbolic links are followed.
const LINKS_MAX: usize = 25;

/// What `path` resolves to in the system below `root` (empty for the running one): an absolute
/// path without the root, empty for the root itself. A relative path is one below `cwd`, which
/// need not be given otherwise.
///
/// # Errors
/// Too many symbolic links, or one that cannot be read or changes meanwhile.
pub fn below(root: &[u8], path: &[u8], cwd: &[u8]) -> Result<Vec<u8>> {
    let mut todo = path.to_vec();
    if path.first() != Some(&b'/') {
        let absolute = [cwd, b"/", path].concat();
        let inside = absolute.strip_prefix(root);
        todo = inside.map_or_else(|| absolute.clone(), <[u8]>::to_vec);
    }
    let mut done = root.to_vec();
    let mut links = 0;
    while let Some((component, rest)) = split_first(&todo) {
        match component {
            b"." => {}
            b".." => {
                let parent = done.iter().rposition(|c| *c == b'/');
                done.truncate(parent.unwrap_or(done.len()));
                if !done.starts_with(root) {
                    done = root.to_vec();
                }
            }
            name => {
                let here = [&done, &b"/"[..], name].concat();
                if let Some(mut target) = link_target(&here, &mut links)? {
                    if target.first() == Some(&b'/') {
                        done = root.to_vec();
                    }
                    if !rest.is_empty() {
                        target.push(b'/');
                        target.extend_from_slice(rest);
                    }
                    todo = target;
                    continue;
                }
                done = here;
            }
        }
        todo = rest.to_vec();
    }
    Ok(done.split_off(root.len()))
}

/// The first component of a path and what follows it.
fn split_first(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let path = skip_slashes(path);
    if path.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'/', path).unwrap_or(path.len());
    let (component, rest) = path.split_at(end);
    Some((component, skip_slashes(rest)))
}

fn skip_slashes(path: &[u8]) -> &[u8] {
    let slashes = path.iter().take_while(|c| **c == b'/').count();
    &path[slashes..]
}

/// Where the symbolic link at `path` points to; `None` when there is none.
fn link_target(path: &[u8], links: &mut usize) -> Result<Option<Vec<u8>>> {
    let spot = Spot::path(path);
    // To stock every error says that there is no link. A user who may not look gets that answer.
    let stat = match spot.lstat() {
        Err(e) if e.raw_os_error() == Some(libc::EACCES) => return Ok(None),
        stat => stat.if_reached(),
    };
    let stat = stat.or_fail(|| msg!("cannot stat file '%s'", path))?;
    let Some(stat) = stat.filter(Stat::is_symlink) else {
        return Ok(None);
    };
    *links += 1;
    if *links > LINKS_MAX {
        bail!("too many levels of symbolic links");
    }
    let target = spot
        .readlink()
        .or_fail(|| msg!("cannot read link '%s'", path))?;
    let size = target.len() as u64;
    if size != stat.size {
        bail!(
            "symbolic link '%s' size has changed from %jd to %zd",
            path,
            stat.size,
            size
        );
    }
    Ok(Some(target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_below_the_root() {
        let dir = tempfile::tempdir().expect("tempdir");
        let base = dir.path().canonicalize().expect("real");
        std::fs::create_dir_all(base.join("a/b")).expect("mkdir");
        for (target, name) in [("/a", "abs"), ("b/../b", "a/rel"), ("../../../x", "a/up")] {
            symlink(target, base.join(name)).expect("symlink");
        }
        symlink("loop", base.join("loop")).expect("symlink");
        let root = base.as_os_str().as_bytes();
        let below = |path: &str| {
            let real = below(root, path.as_bytes(), &[root, b"/a"].concat());
            real.map(|p| String::from_utf8_lossy(&p).into_owned())
                .map_err(|e| e.to_string())
        };
        for (path, real) in [
            ("/", ""),
            ("//a//./b/", "/a/b"),
            ("/abs/b", "/a/b"),
            ("/abs/rel", "/a/b"),
            ("/a/up", "/x"),
            ("/../../none/..", ""),
            ("b/c", "/a/b/c"),
        ] {
            assert_eq!(below(path), Ok(real.to_owned()), "{path}");
        }
        let error = "too many levels of symbolic links".to_owned();
        assert_eq!(below("/loop/x"), Err(error));
    }
}
