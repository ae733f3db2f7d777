//! What is mounted where for a script.

use std::path::{Path, PathBuf};

use super::{Etc, ScriptError, WORK, Work};
use crate::context::{Host, Mount, Mounts, Upper};
use crate::layout::{SlotName, inside};

/// Directories of the host that a script finds empty: /run/systemd says that systemd is at work, and the
/// other is ldconfig's memory of the host's libraries.
const HIDDEN: &[&str] = &["run/systemd", "var/cache/ldconfig"];
/// The database, which is the generation's.
const ADMINDIR: &str = "var/lib/dpkg";

/// A context for the scripts of a slot.
pub(super) fn decide(
    work: &Work,
    slot: Option<&SlotName>,
    etc: &Etc,
    host: &Host,
) -> Result<Mounts, ScriptError> {
    if !host.privileged {
        return Err(ScriptError::NeedsRoot);
    }
    let mut trees = vec![work.tree(None)];
    if slot.is_some() {
        trees.insert(0, work.tree(slot));
    }
    let having = |name: &str| -> Vec<PathBuf> {
        let paths = trees.iter().map(|t| t.join(name));
        paths.filter(|p| is_real_dir(p)).collect()
    };
    let mut mounts = Mounts::begin(work.layout, work.building, host)?;
    let mut usr = vec![guard(work).join("usr")];
    usr.extend(having("usr"));
    usr.push(work.layout.host().join("usr"));
    // The host's conffiles are those that count.
    let mut conffiles = vec![work.layout.host().join("etc")];
    conffiles.extend(having("etc"));
    for (at, name, layers, made) in [
        (host.root.join("usr"), "usr", usr, work.made(slot)),
        (etc.dir().to_path_buf(), "etc", conffiles, work.made(None)),
    ] {
        let upper = Upper {
            dir: made.join(name),
            work: work.building.join(WORK).join(name),
        };
        mounts.mounts.push(Mount::Overlay {
            keep: host.below(&at),
            at,
            layers,
            upper: Some(upper),
        });
    }
    mounts.mounts.push(Mount::Bind {
        what: work.building.join(inside::ADMINDIR),
        at: host.root.join(ADMINDIR),
        read_only: false,
    });
    // Its files are hard links of the store's.
    mounts.mounts.push(Mount::Bind {
        what: work.building.join(inside::ADMINDIR).join("info"),
        at: host.root.join(ADMINDIR).join("info"),
        read_only: true,
    });
    for dir in HIDDEN {
        let at = host.root.join(dir);
        if is_real_dir(&at) {
            mounts.mounts.push(Mount::Hide { at });
        }
    }
    Ok(mounts)
}

/// The layer above all packages'.
pub(super) fn guard(work: &Work) -> PathBuf {
    work.building.join(WORK).join("guard")
}

fn is_real_dir(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.is_dir())
}
