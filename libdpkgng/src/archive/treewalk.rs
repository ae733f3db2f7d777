//! Walking a directory tree in the order that makes packages reproducible (dpkg's treewalk.c).
//!
//! Every directory before its contents, the contents by byte order of their names.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{OrFail as _, Result};
use crate::{bail, msg};

/// One file of the tree.
pub struct Node {
    /// The root's path as given, a slash, and the path below it.
    pub path: PathBuf,
    /// The path below the root, empty for the root itself.
    pub virtname: Vec<u8>,
    /// It is a directory.
    pub is_dir: bool,
    /// It is a symbolic link.
    pub is_symlink: bool,
    /// It is a regular file.
    pub is_file: bool,
}

struct Level {
    children: std::vec::IntoIter<Node>,
    id: (u64, u64),
}

/// The walk itself: an iterator of nodes.
pub struct TreeWalk {
    root: Option<Node>,
    /// The directory last handed out, whose contents come next.
    descend: Option<Node>,
    levels: Vec<Level>,
    root_len: usize,
    follow: bool,
}

impl TreeWalk {
    /// Start at `root`, which must be a directory and not a link to one.
    pub fn new(root: &Path) -> Result<TreeWalk> {
        let stat =
            std::fs::symlink_metadata(root).or_fail(|| msg!("cannot stat pathname '%s'", root))?;
        if !stat.is_dir() {
            bail!("treewalk root %s is not a directory", root);
        }
        Ok(TreeWalk {
            root: Some(Node {
                path: root.to_owned(),
                virtname: Vec::new(),
                is_dir: true,
                is_symlink: false,
                is_file: false,
            }),
            descend: None,
            levels: Vec::new(),
            root_len: root.as_os_str().len(),
            follow: false,
        })
    }

    /// The same, taking symbolic links below `root` for what they lead to.
    pub fn following(root: &Path) -> Result<TreeWalk> {
        let walk = TreeWalk::new(root)?;
        Ok(TreeWalk {
            follow: true,
            ..walk
        })
    }

    fn read_dir(&mut self, dir: &Node) -> Result<()> {
        let path = &dir.path;
        let stat = match self.follow {
            true => std::fs::metadata(path),
            false => std::fs::symlink_metadata(path),
        };
        let stat = stat.or_fail(|| msg!("cannot stat pathname '%s'", path))?;
        let id = (stat.dev(), stat.ino());
        let fail = || msg!("cannot open directory '%s'", path);
        let mut children = Vec::new();
        for entry in std::fs::read_dir(path).or_fail(fail)? {
            let entry = entry.or_fail(fail)?;
            let mut child = path.as_os_str().as_bytes().to_vec();
            child.push(b'/');
            child.extend_from_slice(entry.file_name().as_bytes());
            let virtname = child.get(self.root_len + 1..).unwrap_or_default().to_vec();
            let child = PathBuf::from(std::ffi::OsString::from_vec(child));
            // From the directory entry where the file system says, as dpkg does.
            let mut kind = entry.file_type();
            if self.follow && kind.as_ref().is_ok_and(|k| k.is_symlink()) {
                kind = std::fs::metadata(&child).map(|m| m.file_type());
            }
            let kind = kind.or_fail(|| msg!("cannot stat pathname '%s'", &child))?;
            children.push(Node {
                virtname,
                is_dir: kind.is_dir(),
                is_symlink: kind.is_symlink(),
                is_file: kind.is_file(),
                path: child,
            });
        }
        // A directory that is its own ancestor (a bind mount) is not entered again.
        if self.levels.iter().any(|l| l.id == id) {
            return Ok(());
        }
        children.sort_by(|a, b| a.virtname.cmp(&b.virtname));
        self.levels.push(Level {
            children: children.into_iter(),
            id,
        });
        Ok(())
    }

    /// The next file, or `None` after the last.
    pub fn next_node(&mut self) -> Result<Option<&Node>> {
        let next = match (self.root.take(), self.descend.take()) {
            (Some(root), _) => Some(root),
            (None, last) => {
                if let Some(dir) = last.filter(|n| n.is_dir) {
                    self.read_dir(&dir)?;
                }
                loop {
                    match self.levels.last_mut() {
                        None => break None,
                        Some(level) => match level.children.next() {
                            Some(node) => break Some(node),
                            None => {
                                self.levels.pop();
                            }
                        },
                    }
                }
            }
        };
        self.descend = next;
        Ok(self.descend.as_ref())
    }
}

impl Node {
    /// The last component.
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_depth_first() {
        let dir = tempfile::tempdir().unwrap();
        for d in ["b", "b-c", "b/x"] {
            std::fs::create_dir(dir.path().join(d)).unwrap();
        }
        for f in ["a", "b/y", "Z", "b/x/1"] {
            std::fs::write(dir.path().join(f), "").unwrap();
        }
        std::os::unix::fs::symlink("b", dir.path().join("c")).unwrap();
        let mut walk = TreeWalk::new(dir.path()).unwrap();
        let mut seen = Vec::new();
        while let Some(node) = walk.next_node().unwrap() {
            seen.push(String::from_utf8(node.virtname.clone()).unwrap());
        }
        assert_eq!(seen, ["", "Z", "a", "b", "b/x", "b/x/1", "b/y", "b-c", "c"]);
    }

    #[test]
    fn the_root_must_be_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        std::fs::write(&file, "").unwrap();
        let text = TreeWalk::new(&file).err().unwrap().to_string();
        assert_eq!(
            text,
            format!("treewalk root {} is not a directory", file.display())
        );
    }
}
