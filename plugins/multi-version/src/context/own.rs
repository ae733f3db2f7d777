//! A store of one's own: without root, everything of `/var/sys` is a directory of the user's.
//!
//! It stands on `/var/sys` in a mount namespace, so that nothing in it differs from root's: the same links, the same
//! interpreters, the same commands. A transaction is done by the root of a user namespace, which has the user's own number and
//! no other:
//!
//! - whoever owns a file is root there, and the user outside. What sets an owner or another user's identity is told that it was
//!   done (a filter of system calls), as in a build with fakeroot(1): archives and scripts name owners that are not there;
//! - set-id bits are noted by a generation, and never set;
//! - what of the host is only root's is not to be seen.
//!
//! A command that is run is run by the user. Its `/etc` is written to as any own state is: so the second command in a context joins
//! the namespaces of the first, which is only possible from outside of both.
#![allow(unsafe_code)]

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::MountAttrFlags;

use super::enter::{Act, Namespace, Who, detach, private, tmpfs, unshare};
use super::{ContextError, Mount, Upper, Wanted};
use crate::generation::is_dir;
use crate::layout::VAR_SYS;
use crate::{mountinfo, processes, rootless};

type Done<T = ()> = Result<T, ContextError>;

/// A user's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnStore {
    dir: PathBuf,
}

impl OwnStore {
    /// `$XDG_DATA_HOME/dpkg-ng`, or `~/.local/share/dpkg-ng`.
    ///
    /// # Errors
    /// The environment tells neither.
    pub fn usual() -> Done<PathBuf> {
        let absolute = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from)?;
            path.is_absolute().then_some(path)
        };
        let data = absolute("XDG_DATA_HOME");
        let data = data.or_else(|| Some(absolute("HOME")?.join(".local/share")));
        Ok(data.ok_or(ContextError::NoHome)?.join("dpkg-ng"))
    }

    /// The store in a directory. `make` it, if it is not there: else there is none.
    ///
    /// # Errors
    /// It is another user's, or others can write to it or exchange it; it can't be made.
    pub fn open(dir: &Path, make: bool) -> Done<Option<OwnStore>> {
        let failed = |source| ContextError::read(dir, source);
        match fs::symlink_metadata(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && !make => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let mut builder = DirBuilder::new();
                builder.recursive(true).mode(0o700);
                builder.create(dir).map_err(|source| ContextError::Make {
                    path: dir.into(),
                    source,
                })?;
            }
            Err(e) => return Err(failed(e)),
            Ok(_) => {}
        }
        let real = fs::canonicalize(dir).map_err(failed)?;
        let us = rustix::process::geteuid().as_raw();
        for (place, at) in real.ancestors().enumerate() {
            let is = fs::symlink_metadata(at).map_err(failed)?;
            let by_others = is.mode() & 0o022 != 0;
            let sticky = is.mode() & 0o1000 != 0;
            let fine = match place {
                0 => is.is_dir() && is.uid() == us && !by_others,
                // Root's is shown as nobody's where root is none of ours.
                _ => !by_others || sticky,
            };
            if !fine {
                return Err(ContextError::NotOurs {
                    store: dir.into(),
                    at: at.into(),
                });
            }
        }
        Ok(Some(OwnStore { dir: real }))
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Have it on `/var/sys` for this process, and what it starts from now on: it must be the only thread. `who` it is then.
    ///
    /// # Errors
    /// Namespaces are denied, or it can't be mounted.
    pub fn enter(&self, who: Who) -> Done {
        let directory = std::env::current_dir();
        let us = rustix::process::geteuid();
        let user_namespace = !us.is_root();
        unshare(user_namespace.then_some(who))?;
        let act = Act { user_namespace };
        private(&act)?;
        let store = act.tree(&self.dir)?;
        let sys = Path::new(VAR_SYS);
        if !is_dir(sys).map_err(|e| ContextError::read(sys, e))? {
            var_with_sys(&act)?;
        }
        act.attach(&store, sys)?;
        rootless::entered(&self.dir);
        if user_namespace {
            rootless::entered_user_namespace();
            if who == Who::Root {
                owners_are_as_good_as_set().map_err(ContextError::Filter)?;
            }
        }
        // It may be covered now. If it is not there any more we stay in it, as it was.
        if let Ok(directory) = directory {
            let _ = rustix::process::chdir(directory);
        }
        Ok(())
    }
}

impl OwnStore {
    /// Be in the context of a world that a process of this user is in already; whether there was one. It must be the only thread.
    ///
    /// # Errors
    /// `/proc` can't be read: whether there is one can't be told.
    pub(super) fn join(&self, world: &Wanted<'_>) -> Done<bool> {
        let Some((user, itself, root)) = self.context(world)? else {
            return Ok(false);
        };
        let Some(namespace) = Namespace::of(itself, root) else {
            return Ok(false);
        };
        let directory = std::env::current_dir();
        let kind = Some(rustix::thread::LinkNameSpaceType::User);
        if rustix::thread::move_into_link_name_space(user.as_fd(), kind).is_err()
            || namespace.enter().is_err()
        {
            return Ok(false);
        }
        rootless::entered(&self.dir);
        rootless::entered_user_namespace();
        if let Ok(directory) = directory {
            let _ = rustix::process::chdir(directory);
        }
        Ok(true)
    }

    /// The namespaces and the root of such a process.
    fn context(&self, world: &Wanted<'_>) -> Done<Option<(OwnedFd, OwnedFd, OwnedFd)>> {
        let us = rustix::process::geteuid().as_raw();
        if us == 0 || world.pure {
            return Ok(None);
        }
        let read = |path: &Path| {
            let path = path.to_path_buf();
            move |e| ContextError::read(&path, e)
        };
        let home = fs::metadata(&self.dir).map_err(read(&self.dir))?;
        let dir = world.world();
        let proc = Path::new("/proc");
        let own = Path::new("/proc/self/ns/user");
        let ours = fs::read_link(own).map_err(read(own))?;
        let processes = processes::all(proc).map_err(read(proc))?;
        // What one that has ended, or that we may not look into, does not tell, makes it none to join.
        Ok(processes.into_iter().find_map(|(_, process)| {
            if fs::metadata(&process).ok()?.uid() != us {
                return None;
            }
            if fs::read_link(process.join("ns/user")).ok()? == ours {
                return None;
            }
            let inside = |path: &str| process.join("root").join(path.trim_start_matches('/'));
            let store = fs::metadata(inside(VAR_SYS)).ok()?;
            let link = fs::read_link(inside(VAR_SYS).join("current-system")).ok()?;
            if (store.dev(), store.ino()) != (home.dev(), home.ino()) || link != dir.path() {
                return None;
            }
            let mounts = mountinfo::mounts(&fs::read(process.join("mountinfo")).ok()?);
            let top = |at: &str| mounts.iter().rev().find(|m| m.point == Path::new(at));
            // A transaction's has another, and one without the host's /usr is another context.
            let state = world.layout.view(world.view).join("state");
            let state = match world.side {
                Some(side) => state.join(side.as_str()),
                None => state,
            };
            let host = world.layout.host().join("usr");
            if top("/etc")?.upper() != Some(state.join("etc"))
                || !top("/usr")?.layers().contains(&host)
            {
                return None;
            }
            let open = |name: &str, flags: OFlags| {
                let flags = flags | OFlags::CLOEXEC;
                rustix::fs::openat(CWD, process.join(name), flags, Mode::empty()).ok()
            };
            Some((
                open("ns/user", OFlags::RDONLY)?,
                open("ns/mnt", OFlags::RDONLY)?,
                open("root", OFlags::PATH | OFlags::DIRECTORY)?,
            ))
        }))
    }
}

/// Try whether contexts can be made: the namespaces, and an overlay on /usr, whose changes go below `scratch`, a directory of the
/// store, if there is one. In a process that ends.
///
/// # Errors
/// What is denied, and by what.
pub fn try_out(scratch: Option<&Path>) -> Done {
    let user_namespace = !rustix::process::geteuid().is_root();
    unshare(user_namespace.then_some(Who::Root))?;
    let act = Act { user_namespace };
    private(&act)?;
    let usr = PathBuf::from("/usr");
    let keep = Vec::new();
    let Some(scratch) = scratch else {
        let layers = vec![usr.clone(), "/etc".into()];
        return act.mount(&Mount::Overlay {
            at: usr,
            layers,
            upper: None,
            keep,
        });
    };
    if user_namespace {
        rootless::entered_user_namespace();
    }
    let dir = scratch.join(format!("doctor.{}", std::process::id()));
    let making = |source| ContextError::Make {
        path: dir.clone(),
        source,
    };
    let (upper, work) = (dir.join("upper"), dir.join("work"));
    for path in [&dir, &upper, &work] {
        fs::create_dir(path).map_err(making)?;
    }
    let done = act.mount(&Mount::Overlay {
        at: usr.clone(),
        layers: vec![usr.clone()],
        upper: Some(Upper { dir: upper, work }),
        keep,
    });
    let done = done.and_then(|()| detach(&usr));
    fs::remove_dir_all(&dir).map_err(making)?;
    done
}

/// `/var` with a place for `/var/sys`, where the host has none: all else is the host's.
fn var_with_sys(act: &Act) -> Done {
    let var = Path::new("/var");
    let failed = |what, e| act.failed(what, var, &[], e);
    let names: io::Result<Vec<_>> =
        fs::read_dir(var).and_then(|entries| entries.map(|e| Ok(e?.file_name())).collect());
    let names = names.map_err(|e| ContextError::read(var, e))?;
    let mut held: Vec<(PathBuf, Held)> = Vec::new();
    for name in names {
        let path = var.join(name);
        let is = fs::symlink_metadata(&path).map_err(|e| ContextError::read(&path, e))?;
        let held_as = if is.is_symlink() {
            Held::Link(fs::read_link(&path).map_err(|e| ContextError::read(&path, e))?)
        } else if is.is_dir() {
            Held::Dir(act.tree(&path)?)
        } else {
            continue;
        };
        held.push((path, held_as));
    }
    let fs = tmpfs("0755", MountAttrFlags::empty()).map_err(|e| failed("make a tmpfs for", e))?;
    act.attach(&fs, var)?;
    for (path, held) in &held {
        match held {
            Held::Link(target) => {
                symlink(target, path).map_err(|e| failed("make links in", e))?;
            }
            Held::Dir(tree) => {
                fs::create_dir(path).map_err(|e| failed("make directories in", e))?;
                act.attach(tree, path)?;
            }
        }
    }
    fs::create_dir(VAR_SYS).map_err(|e| failed("make directories in", e))
}

enum Held {
    Link(PathBuf),
    Dir(OwnedFd),
}

/// System calls that set owners and identities, of each machine that programs here may be for; by audit(7)'s number of it.
const FAKED: &[(u32, &[u32])] = &[
    // x86_64: chown fchown lchown setuid setgid setreuid setregid setgroups setresuid setresgid fchownat
    (
        0xc000_003e,
        &[92, 93, 94, 105, 106, 113, 114, 116, 117, 119, 260],
    ),
    // i386: the same, of 16 and of 32 bits
    (
        0x4000_0003,
        &[
            16, 23, 46, 70, 71, 81, 95, 164, 170, 182, 198, 203, 204, 206, 207, 208, 210, 212, 213,
            214, 298,
        ],
    ),
    // arm: as i386
    (
        0x4000_0028,
        &[
            16, 23, 46, 70, 71, 81, 95, 164, 170, 182, 198, 203, 204, 206, 207, 208, 210, 212, 213,
            214, 325,
        ],
    ),
    // aarch64, riscv64: fchownat fchown setregid setgid setreuid setuid setresuid setresgid setgroups
    (0xc000_00b7, &[54, 55, 143, 144, 145, 146, 147, 149, 159]),
    (0xc000_00f3, &[54, 55, 143, 144, 145, 146, 147, 149, 159]),
];

/// From now on, here and in what is started, those calls do nothing and succeed.
fn owners_are_as_good_as_set() -> io::Result<()> {
    let mut program = filter();
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog {
        len,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program is of the length that is said, and lives until the call returns, which copies it.
    let done = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The program of seccomp(2), in classic BPF: of a machine's block, a comparison and a verdict for each call.
fn filter() -> Vec<libc::sock_filter> {
    /// In `struct seccomp_data`.
    const NUMBER: u32 = 0;
    const MACHINE: u32 = 4;
    let does = |code: u32, jt: usize, jf: usize, k: u32| libc::sock_filter {
        code: code as u16,
        jt: jt as u8,
        jf: jf as u8,
        k,
    };
    let load = |at| does(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at);
    let unless = |k, skip| does(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, skip, k);
    let verdict = |k| does(libc::BPF_RET | libc::BPF_K, 0, 0, k);
    let mut program = vec![load(MACHINE)];
    for (machine, calls) in FAKED {
        // Its load, two for each call, and the verdict on all others.
        program.push(unless(*machine, 2 * calls.len() + 2));
        program.push(load(NUMBER));
        for call in *calls {
            program.push(unless(*call, 1));
            // With the error 0: that is success.
            program.push(verdict(libc::SECCOMP_RET_ERRNO));
        }
        program.push(verdict(libc::SECCOMP_RET_ALLOW));
    }
    program.push(verdict(libc::SECCOMP_RET_ALLOW));
    program
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// What the filter says of a call, as the kernel would carry it out.
    fn verdict(machine: u32, number: u32) -> u32 {
        let program = filter();
        let (mut at, mut held) = (0, 0);
        loop {
            let step = &program[at];
            at += 1;
            match u32::from(step.code) & 7 {
                libc::BPF_LD => held = if step.k == 0 { number } else { machine },
                libc::BPF_JMP if held == step.k => at += usize::from(step.jt),
                libc::BPF_JMP => at += usize::from(step.jf),
                _ => return step.k,
            }
        }
    }

    #[test]
    fn owners_and_nothing_else() {
        let faked = libc::SECCOMP_RET_ERRNO;
        for (machine, calls) in FAKED {
            for number in 0..600 {
                let is = verdict(*machine, number) == faked;
                assert_eq!(is, calls.contains(&number), "{machine:x} {number}");
            }
        }
        assert_eq!(verdict(0x15, 92), libc::SECCOMP_RET_ALLOW);
        #[cfg(target_arch = "x86_64")]
        for call in [
            libc::SYS_chown,
            libc::SYS_fchown,
            libc::SYS_lchown,
            libc::SYS_fchownat,
            libc::SYS_setuid,
            libc::SYS_setgid,
            libc::SYS_setgroups,
            libc::SYS_setreuid,
            libc::SYS_setregid,
            libc::SYS_setresuid,
            libc::SYS_setresgid,
        ] {
            assert_eq!(verdict(0xc000_003e, call as u32), faked, "{call}");
        }
    }

    #[test]
    fn whose_it_has_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let chmod = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap()
        };
        let store = dir.path().join("data/dpkg-ng");
        assert_eq!(OwnStore::open(&store, false).unwrap(), None);
        let made = OwnStore::open(&store, true).unwrap().unwrap();
        assert_eq!(fs::metadata(made.dir()).unwrap().mode() & 0o7777, 0o700);
        chmod(&store, 0o770);
        let refused = OwnStore::open(&store, true).unwrap_err();
        assert!(matches!(&refused, ContextError::NotOurs { at, .. } if at.ends_with("dpkg-ng")));
        chmod(&store, 0o755);
        chmod(store.parent().unwrap(), 0o777);
        let refused = OwnStore::open(&store, true).unwrap_err();
        assert!(matches!(&refused, ContextError::NotOurs { at, .. } if at.ends_with("data")));
        chmod(store.parent().unwrap(), 0o1777);
        assert!(OwnStore::open(&store, true).unwrap().is_some());
    }
}
