//! What there is to be known of the host before a context can be decided.

use std::path::{Path, PathBuf};

use rustix::thread::CapabilitySet;

use super::{ContextError, Mount};
use crate::generation::{is_dir, unless_absent, what_is_at};
use crate::layout::{Layout, inside};
use crate::mountinfo::{self, mounts};

/// The host, as far as a context depends on it.
#[derive(Debug, Clone)]
pub struct Host {
    /// `/`
    pub root: PathBuf,
    /// Whether mounts need no user namespace.
    pub privileged: bool,
    /// Whether we are in a user namespace with other numbers ([`crate::rootless::is_mapped`]).
    pub mapped: bool,
    /// A top-level directory that should be a link into /usr, and is none.
    pub unmerged: Option<PathBuf>,
    /// Whether `current-system` is there.
    pub can_link: bool,
    /// Whether we are in a context: what it covers is in `host/`.
    pub nested: bool,
    mounts: Vec<mountinfo::Mount>,
}

impl Host {
    /// This one.
    pub fn look(layout: &Layout) -> Result<Host, ContextError> {
        // The namespace is the thread's.
        let own = Path::new("/proc/thread-self/mountinfo");
        let text = std::fs::read(own).map_err(|e| ContextError::read(own, e))?;
        // Not to be had (seccomp) is as good as not to have any.
        let capabilities = rustix::thread::capabilities(None);
        let effective = capabilities.map(|c| c.effective);
        let privileged = effective.is_ok_and(|e| e.contains(CapabilitySet::SYS_ADMIN));
        Ok(Host {
            mapped: crate::rootless::is_mapped(),
            ..Host::at("/".into(), layout, privileged, &text)?
        })
    }

    /// One below `root`, with the text of a mountinfo.
    pub(super) fn at(
        root: PathBuf,
        layout: &Layout,
        privileged: bool,
        mountinfo: &[u8],
    ) -> Result<Host, ContextError> {
        let mounts = mounts(mountinfo);
        let mut unmerged = None;
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            let path = root.join(name);
            let fine = match look(&path)? {
                None => true,
                Some(is) if is.is_symlink() => {
                    let to = std::fs::read_link(&path).map_err(|e| ContextError::read(&path, e))?;
                    to.strip_prefix("/").unwrap_or(&to) == Path::new("usr").join(name)
                }
                Some(_) => false,
            };
            if !fine && unmerged.is_none() {
                unmerged = Some(path);
            }
        }
        let current = layout.current_system();
        let is_link = look(&current)?.is_some_and(|is| is.is_symlink());
        Ok(Host {
            privileged,
            mapped: false,
            unmerged,
            can_link: is_link && is_there_a_dir(&layout.host())?,
            nested: mounts.iter().any(|m| m.point == layout.host().join("usr")),
            mounts,
            root,
        })
    }

    /// The mounts below a directory, of nested ones the outermost: that brings the others with it.
    pub(crate) fn below(&self, dir: &Path) -> Vec<PathBuf> {
        let points = self.mounts.iter().map(|m| &m.point);
        let mut points: Vec<PathBuf> = points
            .filter(|p| p.starts_with(dir) && p.as_path() != dir)
            .cloned()
            .collect();
        points.sort();
        points.dedup_by(|next, kept| next.starts_with(&*kept));
        points
    }

    /// The mounts below a directory with the kinds of their file systems, of nested ones the outermost.
    pub(crate) fn mounts_below(&self, dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let kind = |point: &PathBuf| {
            let on = self.mounts.iter().rfind(|m| m.point == *point);
            on.map(|m| m.kind.clone()).unwrap_or_default()
        };
        let points = self.below(dir).into_iter();
        points.map(|p| (p.clone(), kind(&p))).collect()
    }

    /// Where its own directories are: what a context covers is held elsewhere.
    pub(super) fn own(&self, layout: &Layout) -> PathBuf {
        match self.nested {
            true => layout.host(),
            false => self.root.clone(),
        }
    }

    /// The layers of the overlay on a directory.
    pub(super) fn layers(&self, dir: &Path) -> Vec<PathBuf> {
        let on = self.mounts.iter().rfind(|m| m.point == dir);
        on.map(mountinfo::Mount::layers).unwrap_or_default()
    }

    pub(crate) fn ground(&self, layout: &Layout, generation: &Path) -> Result<Mount, ContextError> {
        let at = layout.host();
        let from = if self.nested { &at } else { &self.root };
        let (mut holds, mut points) = (Vec::new(), true);
        for (name, from) in inside::COVERED.map(|name| (name, from.join(name))) {
            if is_there_a_dir(&from)? {
                points &= is_there_a_dir(&at.join(name))?;
                holds.push((name, from));
            }
        }
        let here = generation.join(inside::HERE);
        let leads = unless_absent(std::fs::read_link(&here));
        let leads = leads.map_err(|e| ContextError::read(&here, e))?;
        let own = leads.is_some_and(|to| to == generation);
        Ok(Mount::Ground {
            holds,
            link: layout.current_system(),
            to: generation.into(),
            made: (own && points).then_some(here),
            at,
        })
    }
}

fn look(path: &Path) -> Result<Option<std::fs::Metadata>, ContextError> {
    what_is_at(path).map_err(|e| ContextError::read(path, e))
}

/// A link to one is one.
pub(super) fn is_there_a_dir(path: &Path) -> Result<bool, ContextError> {
    is_dir(path).map_err(|e| ContextError::read(path, e))
}
