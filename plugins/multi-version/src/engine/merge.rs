//! What scripts wrote below `/usr` and the like, into the tree.
//!
//! A script writes through an overlay, whose upper directory holds what it made, changed and removed. All of it goes
//! into the tree by rename, so that nothing that is linked elsewhere is ever written to; what lies on the host and was
//! removed stays a whiteout in the tree, where a context sees it.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;

use rustix::io::Errno;

use super::EngineError;
use crate::generation::{is_whiteout, what_is_at};
use crate::rootless::is_mapped;

/// What overlayfs writes down besides; it means nothing elsewhere.
const NOTES: [&str; 5] = ["origin", "impure", "nlink", "uuid", "metacopy"];

/// An attribute of overlayfs's: root's, or that of a user namespace.
fn attribute(name: &str) -> String {
    match is_mapped() {
        true => format!("user.overlay.{name}"),
        false => format!("trusted.overlay.{name}"),
    }
}

/// Says that nothing below a directory shines through.
fn opaque_attribute() -> String {
    attribute("opaque")
}

type Done<T = ()> = Result<T, EngineError>;

/// Move what is in the directory `upper` into `tree`; `below` is what lies under both in a context (the host's). `upper` is
/// there afterwards, and empty. Yes, if there was anything.
pub(super) fn merge(upper: &Path, tree: &Path, below: &Path) -> Done<bool> {
    let mut any = false;
    for entry in fs::read_dir(upper).map_err(EngineError::path("read", upper))? {
        let entry = entry.map_err(EngineError::path("read", upper))?;
        let name = entry.file_name();
        any = true;
        let (from, to, under) = (upper.join(&name), tree.join(&name), below.join(&name));
        let is = stat(&from)?;
        forget_notes(&from)?;
        if is.is_dir() {
            directory(&from, &is, &to, &under)?;
            let removed = fs::remove_dir(&from);
            removed.map_err(EngineError::path("remove", &from))?;
        } else if is_whiteout(&is) {
            clear(&to)?;
            match present(&under)?.is_some() {
                true => rename(&from, &to)?,
                false => fs::remove_file(&from).map_err(EngineError::path("remove", &from))?,
            }
        } else {
            if present(&to)?.is_some_and(|m| m.is_dir()) {
                clear(&to)?;
            }
            rename(&from, &to)?;
        }
    }
    Ok(any)
}

/// A directory of the upper one, which is in the tree afterwards.
fn directory(from: &Path, is: &Metadata, to: &Path, below: &Path) -> Done {
    let there = present(to)?;
    // Over a whiteout of the tree's overlayfs says nothing: that hides the host's as it is.
    let opaque = is_opaque(from)? || there.as_ref().is_some_and(is_whiteout);
    match there {
        Some(there) if there.is_dir() && !opaque => {}
        Some(_) => clear(to)?,
        None => {}
    }
    if present(to)?.is_none() {
        fs::create_dir(to).map_err(EngineError::path("make directory", to))?;
    }
    merge(from, to, below)?;
    let shown = "set the owner and mode of";
    let now = stat(to)?;
    if (now.uid(), now.gid()) != (is.uid(), is.gid()) {
        lchown(to, Some(is.uid()), Some(is.gid())).map_err(EngineError::path(shown, to))?;
    }
    let mode = fs::Permissions::from_mode(is.mode() & 0o7777);
    fs::set_permissions(to, mode).map_err(EngineError::path(shown, to))?;
    // What was there on the host must not be seen through it.
    if opaque && present(below)?.is_some_and(|m| m.is_dir()) {
        let set = rustix::fs::lsetxattr(
            to,
            opaque_attribute(),
            b"y",
            rustix::fs::XattrFlags::empty(),
        );
        set.map_err(|e| EngineError::path("hide what is below", to)(e.into()))?;
    }
    Ok(())
}

fn is_opaque(dir: &Path) -> Done<bool> {
    let mut value = [0; 1];
    match rustix::fs::lgetxattr(dir, opaque_attribute(), &mut value[..]) {
        Ok(_) => Ok(value == *b"y"),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::RANGE) => Ok(false),
        Err(e) => Err(EngineError::path("read the attributes of", dir)(e.into())),
    }
}

fn forget_notes(path: &Path) -> Done {
    for note in NOTES {
        match rustix::fs::lremovexattr(path, attribute(note)) {
            // Most are not there; and a link or device has none of a user's, which is EPERM (xattr(7)).
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::PERM) => {}
            Err(e) => {
                return Err(EngineError::path("change the attributes of", path)(
                    e.into(),
                ));
            }
        }
    }
    Ok(())
}

fn stat(path: &Path) -> Done<Metadata> {
    fs::symlink_metadata(path).map_err(EngineError::path("look at", path))
}

/// What is at a path, if anything is.
fn present(path: &Path) -> Done<Option<Metadata>> {
    what_is_at(path).map_err(EngineError::path("look at", path))
}

fn clear(path: &Path) -> Done {
    let removed = match present(path)? {
        Some(is) if is.is_dir() => fs::remove_dir_all(path),
        Some(_) => fs::remove_file(path),
        None => Ok(()),
    };
    removed.map_err(EngineError::path("remove", path))
}

fn rename(from: &Path, to: &Path) -> Done {
    fs::rename(from, to).map_err(EngineError::path("rename to", to))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use rustix::thread::CapabilitySet;

    use super::*;
    use crate::context::{Mount, Mounts, Upper};

    /// A script's scratch over a world's tree over the host's directory, and what else has the world's files.
    struct Rig {
        dir: tempfile::TempDir,
    }

    impl Rig {
        fn new() -> Option<Rig> {
            let capable = rustix::thread::capabilities(None).unwrap().effective;
            if !capable.contains(CapabilitySet::SYS_ADMIN) {
                not_run::not_run("it needs CAP_SYS_ADMIN");
                return None;
            }
            let rig = Rig {
                dir: tempfile::tempdir_in("/var/tmp").unwrap(),
            };
            for dir in ["upper", "work", "tree", "host", "at", "store"] {
                fs::create_dir(rig.path(dir)).unwrap();
            }
            let nothing = Mounts {
                mounts: Vec::new(),
                user_namespace: false,
            };
            nothing.enter().unwrap();
            Some(rig)
        }

        fn path(&self, path: &str) -> PathBuf {
            self.dir.path().join(path)
        }

        fn put(&self, path: &str) {
            put(&self.path(path), path);
        }

        /// A file of the tree that others have, too.
        fn shared(&self, path: &str) {
            let stored = self.path("store").join(path.replace('/', "%"));
            put(&stored, path);
            let here = self.path("tree").join(path);
            fs::create_dir_all(here.parent().unwrap()).unwrap();
            fs::hard_link(stored, here).unwrap();
        }

        /// Do something where a context has the layers.
        fn within<T>(&self, writable: bool, act: impl FnOnce(&Path) -> T) -> T {
            let at = self.path("at");
            let upper = Upper {
                dir: self.path("upper"),
                work: self.path("work"),
            };
            let overlay = Mount::Overlay {
                at: at.clone(),
                layers: vec![self.path("tree"), self.path("host")],
                upper: writable.then_some(upper),
                keep: Vec::new(),
            };
            crate::context::carry_out(&[overlay]).unwrap();
            let done = act(&at);
            crate::context::detach(&at).unwrap();
            done
        }

        /// Have a script write, and what it wrote merged: then a context shows what the script left, the host and what
        /// others have of the tree is as it was.
        fn merged(&self, script: impl FnOnce(&Path)) {
            let before = [picture(&self.path("host")), picture(&self.path("store"))];
            let left = self.within(true, |at| {
                script(at);
                picture(at)
            });
            let any = merge(&self.path("upper"), &self.path("tree"), &self.path("host"));
            assert!(any.unwrap());
            assert_eq!(fs::read_dir(self.path("upper")).unwrap().count(), 0);
            assert_eq!(self.within(false, picture), left);
            let after = [picture(&self.path("host")), picture(&self.path("store"))];
            assert_eq!(after, before);
            let again = merge(&self.path("upper"), &self.path("tree"), &self.path("host"));
            assert!(!again.unwrap());
        }
    }

    fn put(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// All that is below a directory: kind, mode, owner, names of files, content.
    fn picture(dir: &Path) -> BTreeMap<PathBuf, String> {
        fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<PathBuf, String>) {
            for entry in fs::read_dir(root.join(dir)).unwrap() {
                let path = dir.join(entry.unwrap().file_name());
                let at = root.join(&path);
                let is = fs::symlink_metadata(&at).unwrap();
                let what = if is.is_dir() {
                    walk(root, &path, found);
                    String::new()
                } else if is.is_symlink() {
                    fs::read_link(&at).unwrap().display().to_string()
                } else {
                    fs::read_to_string(&at).unwrap()
                };
                let facts = format!("{:o} {} {} {what}", is.mode(), is.uid(), is.gid());
                found.insert(path, facts);
            }
        }
        let mut found = BTreeMap::new();
        walk(dir, Path::new(""), &mut found);
        found
    }

    #[test]
    fn what_is_changed_is_replaced_and_not_written_to() {
        let Some(rig) = Rig::new() else { return };
        for path in ["bin/tool", "share/a/one", "share/a/two", "share/b/old"] {
            rig.shared(path);
        }
        rig.put("host/bin/sh");
        rig.put("host/share/c/file");
        rig.merged(|at| {
            let mut tool = fs::OpenOptions::new();
            let tool = tool.append(true).open(at.join("bin/tool"));
            std::io::Write::write_all(&mut tool.unwrap(), b"more").unwrap();
            fs::set_permissions(at.join("share/a/one"), fs::Permissions::from_mode(0o4750))
                .unwrap();
            lchown(at.join("share/a"), Some(1234), Some(567)).unwrap();
            fs::set_permissions(at.join("share/a"), fs::Permissions::from_mode(0o2770)).unwrap();
            fs::rename(at.join("share/b/old"), at.join("share/b/new")).unwrap();
            fs::hard_link(at.join("share/b/new"), at.join("share/b/twin")).unwrap();
            // Only the host has these.
            fs::write(at.join("bin/sh"), "other").unwrap();
            lchown(at.join("share/c"), Some(1), None).unwrap();
            put(&at.join("lib/new/deep"), "n");
        });
        let inode = |path: &str| fs::symlink_metadata(rig.path(path)).unwrap().ino();
        assert_eq!(inode("tree/share/b/new"), inode("tree/share/b/twin"));
        // What was not touched is shared as before.
        assert_eq!(inode("tree/share/a/two"), inode("store/share%a%two"));
        assert_ne!(inode("tree/share/a/one"), inode("store/share%a%one"));
    }

    #[test]
    fn what_is_removed_is_gone_and_hides_the_hosts() {
        let Some(rig) = Rig::new() else { return };
        rig.shared("share/both/file");
        rig.shared("share/own/file");
        rig.shared("share/dir/x");
        for path in [
            "share/both/file",
            "share/only/file",
            "share/dir/y",
            "share/dir/sub/z",
        ] {
            rig.put(&format!("host/{path}"));
        }
        let kind = |path: &str| {
            let is = fs::symlink_metadata(rig.path("tree").join(path)).ok()?;
            Some(if is_whiteout(&is) { "hides" } else { "there" })
        };
        rig.merged(|at| {
            for path in ["both/file", "own/file", "only/file"] {
                fs::remove_file(at.join("share").join(path)).unwrap();
            }
            fs::remove_dir_all(at.join("share/dir")).unwrap();
        });
        // A whiteout is where there is something to hide, and nowhere else.
        assert_eq!(kind("share/both/file"), Some("hides"));
        assert_eq!(kind("share/only/file"), Some("hides"));
        assert_eq!(kind("share/own/file"), None);
        assert_eq!(kind("share/dir"), Some("hides"));
        // And what comes there again is all that is there.
        rig.merged(|at| {
            put(&at.join("share/dir/new"), "n");
            put(&at.join("share/both/file"), "again");
            fs::remove_dir(at.join("share/own")).unwrap();
        });
        assert_eq!(kind("share/own"), None);
        rig.merged(|at| put(&at.join("share/dir/later"), "l"));
        let seen = rig.within(false, |at| picture(&at.join("share/dir")));
        let names: Vec<_> = seen.keys().map(|p| p.to_str().unwrap()).collect();
        assert_eq!(names, ["later", "new"]);
    }

    #[test]
    fn kinds_change() {
        let Some(rig) = Rig::new() else { return };
        rig.shared("share/doc/dir/file");
        rig.shared("share/doc/file");
        rig.put("host/share/doc/dir/hosts");
        rig.put("host/share/doc/host-dir/hosts");
        symlink("dir", rig.path("tree/share/doc/link")).unwrap();
        symlink("dir", rig.path("host/share/doc/host-link")).unwrap();
        rig.merged(|at| {
            let doc = at.join("share/doc");
            fs::remove_dir_all(doc.join("dir")).unwrap();
            symlink("elsewhere", doc.join("dir")).unwrap();
            fs::remove_dir_all(doc.join("host-dir")).unwrap();
            fs::write(doc.join("host-dir"), "a file").unwrap();
            fs::remove_file(doc.join("file")).unwrap();
            put(&doc.join("file/in/it"), "i");
            for link in ["link", "host-link"] {
                fs::remove_file(doc.join(link)).unwrap();
                put(&doc.join(link).join("in"), "l");
            }
        });
        rig.merged(|at| {
            let doc = at.join("share/doc");
            fs::remove_file(doc.join("dir")).unwrap();
            put(&doc.join("dir/again"), "d");
            fs::remove_dir_all(doc.join("link")).unwrap();
            symlink("dir", doc.join("link")).unwrap();
        });
        // Nothing of it was written where a link leads.
        assert!(!rig.path("tree/share/doc/dir/in").exists());
    }
}
