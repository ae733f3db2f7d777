//! The host's `/etc` for who is root of a user namespace alone: nothing that others own can be copied up there by overlayfs, nor
//! can a directory of theirs be written in. So what lies under the state of a transaction is a copy, of what may be read.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Done, StateError, place, upper};
use crate::generation::Disk;

/// Accounts' secrets, which others may not read, and what a line of theirs is for an entry of passwd(5) or group(5).
const SECRETS: [(&str, &str, &str); 2] = [
    ("shadow", "passwd", ":*:1:0:99999:7:::\n"),
    ("gshadow", "group", ":*::\n"),
];

/// Make `to` a root with the host's `etc` and `var` in it.
pub fn mirror(disk: &Disk, to: &Path) -> Done {
    disk.make_dir(to)?;
    disk.symlink(Path::new("/var"), &to.join("var"))?;
    let (from, etc) = (Path::new("/etc"), to.join("etc"));
    disk.announce("copy", &etc)?;
    copy(from, &etc)?;
    for (secret, of, rest) in SECRETS {
        let (path, of) = (etc.join(secret), etc.join(of));
        if upper::stat(&path)?.is_some() || upper::stat(&of)?.is_none() {
            continue;
        }
        let text = fs::read(&of).map_err(|e| StateError::read(&of, e))?;
        let mut lines = Vec::new();
        for line in text.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            lines.extend(line.split(|b| *b == b':').next().unwrap_or_default());
            lines.extend(rest.bytes());
        }
        disk.write_as(&path, &lines, 0o640)?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Done {
    let copying = |e: io::Error| StateError::io("copy", from, e);
    let Some(is) = upper::stat(from)? else {
        return Ok(());
    };
    if !is.is_dir() {
        return match place::copy(from, to) {
            Err(e) if place::is_left(&e) => Ok(()),
            done => done.map_err(copying),
        };
    }
    fs::create_dir(to).map_err(|e| StateError::io("make directory", to, e))?;
    match upper::names(from) {
        Err(StateError::Io { source, .. }) if place::is_left(&source) => {}
        names => {
            for name in names? {
                copy(&from.join(&name), &to.join(&name))?;
            }
        }
    }
    dress(&is, to).map_err(copying)
}

/// Its mode, and its owner may write in it.
fn dress(like: &Metadata, to: &Path) -> io::Result<()> {
    let mode = like.permissions().mode() & 0o1777 | 0o700;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
}
