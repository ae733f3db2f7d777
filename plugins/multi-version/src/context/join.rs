//! Joining a context that is there: of a state that is written to, there must not be two overlays, as what is written through one
//! is not seen through the other.
//!
//! Found by what the kernel says of processes' mounts. Only namespaces that root has made are looked at, whatever is mounted in
//! others; and only processes whose root is ours.
#![allow(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};

use super::enter::Namespace;
use super::{ContextError, Mount, Mounts};
use crate::{mountinfo, processes};

/// `NS_GET_USERNS` of ioctl_ns(2): the user namespace that owns a namespace.
const NS_GET_USERNS: libc::c_ulong = 0xb701;

impl Mounts {
    /// Whether it has a state that is written to.
    fn is_writable(&self) -> bool {
        let upper = |mount: &Mount| matches!(mount, Mount::Overlay { upper: Some(_), .. });
        self.mounts.iter().any(upper)
    }

    /// Enter the namespace of a process that is in this very context, if there is one and that makes a difference; whether it was.
    ///
    /// # Errors
    /// `/proc` can't be read: whether there is one can't be told.
    pub(crate) fn join(&self) -> Result<bool, ContextError> {
        if !self.is_writable() || self.user_namespace {
            return Ok(false);
        }
        let Some(namespace) = self.live()? else {
            return Ok(false);
        };
        let directory = std::env::current_dir();
        // It has ended meanwhile, or can't be entered: the context is made as if it had not been there.
        if namespace.enter().is_err() {
            return Ok(false);
        }
        // It may be covered now, or not be there.
        if let Ok(directory) = directory {
            let _ = rustix::process::chdir(directory);
        }
        Ok(true)
    }

    fn live(&self) -> Result<Option<Namespace>, ContextError> {
        let own = Path::new("/proc/thread-self/ns/mnt");
        let ours = fs::read_link(own).map_err(|e| ContextError::read(own, e))?;
        let mut seen = BTreeSet::from([ours]);
        let proc = Path::new("/proc");
        let processes = processes::all(proc).map_err(|e| ContextError::read(proc, e))?;
        Ok(processes.into_iter().find_map(|(_, process)| {
            // Of one that has ended, or that we may not look into, it is not told: it is not ours to join.
            let namespace = fs::read_link(process.join("ns/mnt")).ok()?;
            if !seen.insert(namespace) {
                return None;
            }
            self.of(&process)
        }))
    }

    /// The namespace of a process, if it is this context's.
    fn of(&self, process: &Path) -> Option<Namespace> {
        let open = |name: &str, flags: OFlags| {
            rustix::fs::openat(
                CWD,
                process.join(name),
                flags | OFlags::CLOEXEC,
                Mode::empty(),
            )
            .ok()
        };
        let itself = open("ns/mnt", OFlags::RDONLY)?;
        let root = open("root", OFlags::PATH | OFlags::DIRECTORY)?;
        if !is_of_our_user_namespace(&itself) {
            return None;
        }
        let (theirs, ours) = (rustix::fs::fstat(&root).ok()?, fs::metadata("/").ok()?);
        if (theirs.st_dev, theirs.st_ino) != (ours.dev(), ours.ino()) {
            return None;
        }
        let there = mountinfo::mounts(&fs::read(process.join("mountinfo")).ok()?);
        let top = |at: &Path| there.iter().rev().find(|m| m.point == at);
        let inside = |path: &Path| {
            process
                .join("root")
                .join(path.strip_prefix("/").unwrap_or(path))
        };
        let same = self.mounts.iter().all(|mount| match mount {
            Mount::Ground { link, to, .. } => fs::read_link(inside(link)).is_ok_and(|l| l == *to),
            Mount::Overlay {
                at, layers, upper, ..
            } => top(at).is_some_and(|is| {
                let dir: Option<PathBuf> = upper.as_ref().map(|u| u.dir.clone());
                is.layers() == *layers && is.upper() == dir
            }),
            Mount::Bind { at, .. } | Mount::Alone { at, .. } | Mount::Hide { at } => {
                top(at).is_some()
            }
        });
        same.then(|| Namespace::of(itself, root)).flatten()
    }
}

/// Whether who made a mount namespace had the rights that we have: in one of a user's, any mount can be made to look like ours.
fn is_of_our_user_namespace(namespace: &OwnedFd) -> bool {
    // SAFETY: the request takes no argument; what it gives is a descriptor of ours, or an error.
    let owner = unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_USERNS) };
    if owner < 0 {
        return false;
    }
    // SAFETY: just given to us, and nobody else has it.
    let owner = unsafe { OwnedFd::from_raw_fd(owner) };
    let (owner, ours) = (
        rustix::fs::fstat(&owner),
        fs::metadata("/proc/self/ns/user"),
    );
    match (owner, ours) {
        (Ok(owner), Ok(ours)) => (owner.st_dev, owner.st_ino) == (ours.dev(), ours.ino()),
        _ => false,
    }
}
