//! Directories of the base in a world's tree.
//!
//! dpkg takes a directory that is listed and not there from the lists of all packages: so while a transaction lasts those of the
//! base are there, as on the host. A generation keeps of them what holds something of its own or is other than on the host;
//! the rest shines through, and would be most paths of a small view. In the tree they can also be written in by scripts of who is
//! root of a user namespace alone, as the host's can't.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::lend::USR_IS_MERGED;
use super::pieces::{self, Listed, merged};
use super::settle::TOPS;
use super::{BaseError, Done, Lent, content, names};
use crate::generation::{Disk, attributes, what_is_at};
use crate::rootless::is_mapped;
use crate::world::WorldDir;

/// What base-files' postinst makes, and lists nowhere (Policy 9.1.2).
const LOCAL: [&str; 8] = [
    "usr/local",
    "usr/local/bin",
    "usr/local/games",
    "usr/local/include",
    "usr/local/lib",
    "usr/local/sbin",
    "usr/local/share",
    "usr/local/src",
];

/// At begin: all that can be in the tree, and are directories of the host below `root`, are there.
pub fn make_directories(disk: &Disk, root: &Path, world: &WorldDir, lent: &Lent) -> Done {
    let tree = world.tree();
    // Parents come first.
    for path in of_base(world, lent)?.0 {
        let path = Path::new(OsStr::from_bytes(&path));
        let (at, hosts) = (tree.join(path), root.join(path));
        let up = at.parent().map(look).transpose()?.flatten();
        if look(&at)?.is_some() || !up.is_some_and(|up| up.is_dir()) {
            continue;
        }
        if let Some(like) = look(&hosts)?.filter(Metadata::is_dir) {
            disk.make_dir(&at)?;
            disk.adopt(&at, &like)?;
        }
    }
    Ok(())
}

/// Before a commit: those go that hold nothing, that no package of the view has, and that are as on the host.
pub fn drop_directories(disk: &Disk, root: &Path, world: &WorldDir, lent: &Lent) -> Done {
    let (mut listed, own) = of_base(world, lent)?;
    let info = world.admindir().join("info");
    for list in own {
        let text = content(&info.join(list))?.unwrap_or_default();
        for line in text.split(|b| *b == b'\n') {
            listed.remove(&merged(line));
        }
    }
    let tree = world.tree();
    // What is below something comes before it.
    for path in listed.iter().rev() {
        let path = Path::new(OsStr::from_bytes(path));
        let (at, hosts) = (tree.join(path), root.join(path));
        let (Some(is), Some(was)) = (look(&at)?, look(&hosts)?) else {
            continue;
        };
        // In a user's store nothing has an owner, and what is the host's is nobody's.
        let facts = |m: &Metadata| {
            let owner = (!is_mapped()).then(|| (m.uid(), m.gid()));
            (m.is_dir(), m.permissions().mode() & 0o1777, owner)
        };
        let says_more = || -> io::Result<bool> { Ok(!attributes(&at)?.is_empty()) };
        if is.is_dir()
            && facts(&is) == facts(&was)
            && !says_more().map_err(|e| BaseError::read(&at, e))?
        {
            disk.remove_empty_dir(&at)?;
        }
    }
    Ok(())
}

/// The paths of the base's lists that can be in a tree; and the lists of the packages that are not of it.
fn of_base(world: &WorldDir, lent: &Lent) -> Done<(Listed, BTreeSet<std::ffi::OsString>)> {
    let info = world.admindir().join("info");
    let mut lists = names(&info)?;
    lists.retain(|name| name.as_bytes().ends_with(b".list"));
    let mut own: BTreeSet<_> = lists.into_iter().collect();
    let mut listed = Listed::new();
    for (name, architecture) in lent.packages.keys().filter(|k| k.0 != USR_IS_MERGED) {
        // As `info/` has it: with the architecture where several can be installed.
        for list in [
            format!("{name}:{architecture}.list"),
            format!("{name}.list"),
        ] {
            if own.remove(OsStr::new(&list)) {
                pieces::list(&info.join(&list), &mut listed)?;
                break;
            }
        }
    }
    listed.extend(LOCAL.map(|path| path.as_bytes().to_vec()));
    listed.retain(|path| {
        let path = Path::new(OsStr::from_bytes(path));
        TOPS.iter().any(|top| path.starts_with(top))
    });
    Ok((listed, own))
}

fn look(path: &Path) -> Done<Option<Metadata>> {
    what_is_at(path).map_err(|e| BaseError::read(path, e))
}
