//! Entering: namespaces, then the mounts, in this process (or this thread).
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, StatVfsMountFlags};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen, mount_change,
    mount_remount, move_mount, open_tree,
};
use rustix::thread::UnshareFlags;

use super::error::hint;
use super::{ContextError, Mount, Mounts, Upper, overlay};
use crate::generation::{is_there, unless_absent};
use crate::mountinfo;
use crate::rootless::is_mapped;

type Done<T = ()> = Result<T, ContextError>;

impl Mounts {
    /// Make the calling thread, and what it starts from now on, be in the context. Where a user namespace is needed
    /// it must be the only one of its process.
    pub(crate) fn enter(&self) -> Done {
        let directory = std::env::current_dir();
        unshare(self.user_namespace.then_some(Who::Oneself))?;
        let act = Act {
            user_namespace: self.user_namespace,
        };
        private(&act)?;
        for mount in &self.mounts {
            act.mount(mount)?;
        }
        // It may be covered now. If it is not there any more we stay in it, as it was.
        if let Ok(directory) = directory {
            let _ = rustix::process::chdir(directory);
        }
        Ok(())
    }
}

/// A mount namespace to come back to, with the root and the directory that this process has in it.
pub(crate) struct Namespace {
    itself: OwnedFd,
    root: OwnedFd,
    directory: OwnedFd,
}

impl Namespace {
    /// A new one for the calling thread, in which nothing that is mounted is seen outside, and the other way round. By
    /// root.
    pub(crate) fn new() -> Done<Namespace> {
        unshare(None)?;
        private(&Act {
            user_namespace: false,
        })?;
        let open = |path: &str, flags| {
            rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty())
                .map_err(|e| ContextError::read(Path::new(path), e.into()))
        };
        let directory = OFlags::PATH | OFlags::DIRECTORY;
        Ok(Namespace {
            itself: open("/proc/thread-self/ns/mnt", OFlags::RDONLY)?,
            root: open("/", directory)?,
            directory: open(".", directory)?,
        })
    }

    /// For the calling thread, which is in this namespace: lay a scratch over `/` itself. What is made in it or taken away
    /// is in `upper`; its directories are what they were. `at` is an empty directory to have the new root on.
    ///
    /// The root of a user namespace can lay nothing over what others have mounted something in, as on `/`: there the scratch is
    /// made of the same directories and links, and is all that there is.
    pub(crate) fn set_root_apart(&mut self, upper: &Upper, at: &Path) -> Done {
        let root = Path::new("/");
        let act = Act {
            user_namespace: false,
        };
        let failed = |e: io::Error| act.failed("go to", at, &[], e);
        let entries = std::fs::read_dir(root).map_err(|e| ContextError::read(root, e))?;
        let (mut held, mut links) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry.map_err(|e| ContextError::read(root, e))?;
            let kind = entry.file_type();
            let kind = kind.map_err(|e| ContextError::read(&entry.path(), e))?;
            if kind.is_dir() {
                held.push((entry.file_name(), act.tree(&entry.path())?));
            } else if kind.is_symlink() {
                links.push(entry.file_name());
            }
        }
        if is_mapped() {
            let making = |source| ContextError::Make {
                path: upper.dir.clone(),
                source,
            };
            for (name, _) in &held {
                let at = upper.dir.join(name);
                if !is_there(&at).map_err(making)? {
                    std::fs::create_dir(at).map_err(making)?;
                }
            }
            for name in &links {
                let at = upper.dir.join(name);
                if !is_there(&at).map_err(making)? {
                    let to = std::fs::read_link(root.join(name)).map_err(making)?;
                    std::os::unix::fs::symlink(to, at).map_err(making)?;
                }
            }
            act.attach(&act.tree(&upper.dir)?, at)?;
        } else {
            overlay::lay(at, &[root.into()], Some(upper))
                .map_err(|e| act.failed("lay an overlay on", at, &[root.into()], e))?;
        }
        for (name, tree) in &held {
            act.attach(tree, &at.join(name))?;
        }
        rustix::process::chdir(at).map_err(|e| failed(e.into()))?;
        rustix::process::chroot(".").map_err(|e| failed(e.into()))?;
        let open = || {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::open("/", flags, Mode::empty())
        };
        self.root = open().map_err(|e| ContextError::read(root, e.into()))?;
        self.directory = open().map_err(|e| ContextError::read(root, e.into()))?;
        Ok(())
    }

    /// That of another process, whose root is this one's, too.
    pub(super) fn of(itself: OwnedFd, root: OwnedFd) -> Option<Namespace> {
        let directory = root.try_clone().ok()?;
        Some(Namespace {
            itself,
            root,
            directory,
        })
    }

    /// Go there. A thread that enters a mount namespace finds itself at the root of that, whatever it had been confined
    /// to before: so the root is entered, too, and that it is the right one is looked at before anything else is.
    pub(crate) fn enter(&self) -> Done {
        let failed = |e: rustix::io::Errno| ContextError::Unshare {
            what: "back to a mount namespace",
            source: e.into(),
            hint: String::new(),
        };
        // Threads that were started since share root and directory with this one, which may not be when these change.
        // SAFETY: of all that can be unshared only the file descriptor table endangers other threads' memory safety, and
        // it is not among the flags.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::FS) }.map_err(failed)?;
        let kind = Some(rustix::thread::LinkNameSpaceType::Mount);
        rustix::thread::move_into_link_name_space(self.itself.as_fd(), kind).map_err(failed)?;
        rustix::process::fchdir(&self.root).map_err(failed)?;
        rustix::process::chroot(".").map_err(failed)?;
        let (wanted, is) = (rustix::fs::fstat(&self.root), rustix::fs::stat("/"));
        let (wanted, is) = (wanted.map_err(failed)?, is.map_err(failed)?);
        if (wanted.st_dev, wanted.st_ino) != (is.st_dev, is.st_ino) {
            return Err(failed(rustix::io::Errno::STALE));
        }
        rustix::process::fchdir(&self.directory).map_err(failed)
    }
}

/// Nothing that is mounted here is seen outside, and the other way round.
pub(super) fn private(act: &Act) -> Done {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)
        .map_err(|e| act.failed("make private", Path::new("/"), &[], e.into()))
}

/// Make mounts in the namespace that the thread is in. By root.
pub(crate) fn carry_out(mounts: &[Mount]) -> Done {
    let act = Act {
        user_namespace: false,
    };
    mounts.iter().try_for_each(|mount| act.mount(mount))
}

/// `struct mount_attr` of mount_setattr(2).
#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Let nothing be written through any mount but those of which `is_writable` says so, by their points. A kernel before 5.12 leaves
/// them as they are.
pub(crate) fn seal_all_but(is_writable: impl Fn(&Path) -> bool) -> Done {
    let own = Path::new("/proc/thread-self/mountinfo");
    let text = std::fs::read(own).map_err(|e| ContextError::read(own, e))?;
    for mount in mountinfo::mounts(&text) {
        if !is_writable(&mount.point) {
            seal_mount(&mount.point)?;
        }
    }
    Ok(())
}

/// Let nothing be written through the mount at this point. A kernel before 5.12 leaves it as it is.
fn seal_mount(at: &Path) -> Done {
    const RDONLY: u64 = 1;
    let attr = MountAttr {
        attr_set: RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let act = Act {
        user_namespace: false,
    };
    let failed = |e| act.failed("make read-only", at, &[], e);
    let path = CString::new(at.as_os_str().as_bytes()).map_err(|e| failed(e.into()))?;
    // SAFETY: the path ends in a zero byte, the structure is of the size that is said, and the kernel writes to neither.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_SYMLINK_NOFOLLOW,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    };
    match done {
        0 => Ok(()),
        _ => match io::Error::last_os_error() {
            // Something else is mounted over it, or over what it is in; or who we are can't get there.
            e if [
                libc::EINVAL,
                libc::ENOENT,
                libc::ENOTDIR,
                libc::EACCES,
                libc::ENOSYS,
            ]
            .map(Some)
            .contains(&e.raw_os_error()) =>
            {
                Ok(())
            }
            e => Err(failed(e)),
        },
    }
}

/// Take a mount away, also where something uses it.
pub(crate) fn detach(at: &Path) -> Done {
    let act = Act {
        user_namespace: false,
    };
    rustix::mount::unmount(at, rustix::mount::UnmountFlags::DETACH)
        .map_err(|e| act.failed("unmount", at, &[], e.into()))
}

/// Who somebody is in a user namespace of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Root.
    Root,
    /// Who they are.
    Oneself,
}

/// A mount namespace; with a user namespace, where we are to be somebody.
pub(super) fn unshare(who: Option<Who>) -> Done {
    let (flags, what) = match who.is_some() {
        true => (
            UnshareFlags::NEWUSER | UnshareFlags::NEWNS,
            "user and mount namespace",
        ),
        false => (UnshareFlags::NEWNS, "mount namespace"),
    };
    log::debug!("unshare {what}, as {who:?}");
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    // SAFETY: of all that can be unshared only the file descriptor table endangers other threads' memory
    // safety, and it is not among the flags.
    let done = unsafe { rustix::thread::unshare_unsafe(flags) };
    done.map_err(|e| {
        let source = io::Error::from(e);
        let hint = hint(&source, who.is_some());
        ContextError::Unshare { what, source, hint }
    })?;
    if let Some(who) = who {
        let (user, group) = (user.as_raw(), group.as_raw());
        let (as_user, as_group) = match who {
            Who::Root => (0, 0),
            Who::Oneself => (user, group),
        };
        for (path, text) in [
            ("/proc/self/setgroups", "deny".into()),
            ("/proc/self/uid_map", format!("{as_user} {user} 1\n")),
            ("/proc/self/gid_map", format!("{as_group} {group} 1\n")),
        ] {
            std::fs::write(path, text).map_err(|source| ContextError::Map {
                path,
                hint: hint(&source, true),
                source,
            })?;
        }
    }
    Ok(())
}

/// Makes mounts, and says which could not be made.
pub(super) struct Act {
    pub(super) user_namespace: bool,
}

impl Act {
    pub(super) fn failed(
        &self,
        step: &'static str,
        at: &Path,
        what: &[PathBuf],
        e: io::Error,
    ) -> ContextError {
        ContextError::Mount {
            step,
            at: at.into(),
            what: what.into(),
            hint: hint(&e, self.user_namespace),
            source: e,
        }
    }

    pub(super) fn mount(&self, mount: &Mount) -> Done {
        log::debug!("{mount:?}");
        match mount {
            Mount::Ground {
                at,
                holds,
                link,
                to,
                made: None,
            } => self.ground(at, holds, link, to),
            Mount::Ground {
                at,
                holds,
                link,
                made: Some(made),
                ..
            } => {
                let trees: Done<Vec<OwnedFd>> = holds.iter().map(|(_, p)| self.tree(p)).collect();
                for (tree, (name, _)) in trees?.iter().zip(holds) {
                    self.attach(tree, &at.join(name))?;
                }
                self.attach(&self.tree(made)?, link)
            }
            Mount::Overlay {
                at,
                layers,
                upper,
                keep,
            } => {
                let kept: Done<Vec<OwnedFd>> = keep.iter().map(|k| self.tree(k)).collect();
                overlay::lay(at, layers, upper.as_ref()).map_err(|source| {
                    let hint = match upper {
                        Some(upper) if source.kind() == io::ErrorKind::InvalidInput => {
                            overlay::hint(&upper.dir)
                        }
                        _ => hint(&source, self.user_namespace),
                    };
                    ContextError::Mount {
                        step: "lay an overlay on",
                        at: at.clone(),
                        what: layers.clone(),
                        source,
                        hint,
                    }
                })?;
                for (tree, point) in kept?.iter().zip(keep) {
                    // What the layers have nothing to mount on for is not to be seen.
                    let seen = unless_absent(std::fs::metadata(point));
                    if seen.map_err(|e| ContextError::read(point, e))?.is_some() {
                        self.attach(tree, point)?;
                    }
                }
                Ok(())
            }
            Mount::Bind {
                what,
                at,
                read_only,
            } => {
                self.attach(&self.tree(what)?, at)?;
                if *read_only {
                    seal(at).map_err(|e| self.failed("make read-only", at, &[], e))?;
                }
                Ok(())
            }
            Mount::Alone { what, at } => {
                let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
                let tree = open_tree(CWD, what, flags);
                let tree = tree.map_err(|e| self.failed("bind", what, &[], e.into()))?;
                self.attach(&tree, at)
            }
            Mount::Hide { at } => {
                let empty = tmpfs("0755", MountAttrFlags::MOUNT_ATTR_RDONLY);
                let empty = empty.map_err(|e| self.failed("make a tmpfs for", at, &[], e))?;
                self.attach(&empty, at)
            }
        }
    }

    /// A tree of mounts, to be mounted elsewhere.
    pub(super) fn tree(&self, path: &Path) -> Done<OwnedFd> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE
            | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
        open_tree(CWD, path, flags).map_err(|e| self.failed("bind", path, &[], e.into()))
    }

    pub(super) fn attach(&self, tree: &OwnedFd, at: &Path) -> Done {
        let how = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
        move_mount(tree.as_fd(), "", CWD, at, how)
            .map_err(|e| self.failed("mount on", at, &[], e.into()))
    }

    /// The tmpfs is mounted before anything of it is taken: older kernels bind nothing of a tmpfs that is not.
    fn ground(&self, at: &Path, holds: &[(&str, PathBuf)], link: &Path, to: &Path) -> Done {
        let held: Done<Vec<OwnedFd>> = holds.iter().map(|(_, p)| self.tree(p)).collect();
        let fs = tmpfs("0755", MountAttrFlags::empty());
        let fs = fs.map_err(|e| self.failed("make a tmpfs for", at, &[], e))?;
        self.attach(&fs, at)?;
        let own = at.join("current-system");
        rustix::fs::symlink(to, &own).map_err(|e| self.failed("make link", &own, &[], e.into()))?;
        for (tree, (name, _)) in held?.iter().zip(holds) {
            let point = at.join(name);
            rustix::fs::mkdir(&point, Mode::from_raw_mode(0o755))
                .map_err(|e| self.failed("make directory", &point, &[], e.into()))?;
            self.attach(tree, &point)?;
        }
        self.attach(&self.tree(&own)?, link)
    }
}

/// An empty tmpfs, not mounted anywhere.
pub(super) fn tmpfs(mode: &str, attributes: MountAttrFlags) -> io::Result<OwnedFd> {
    let fs = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(&fs, "mode", mode)?;
    fsconfig_create(&fs)?;
    let attributes =
        attributes | MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    Ok(fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)?)
}

/// Read-only; what else holds for a mount must be said again.
fn seal(at: &Path) -> io::Result<()> {
    let now = rustix::fs::statvfs(at)?.f_flag;
    let mut flags = MountFlags::BIND | MountFlags::RDONLY;
    for (is, flag) in [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ] {
        if now.contains(is) {
            flags |= flag;
        }
    }
    Ok(mount_remount(at, flags, "")?)
}
