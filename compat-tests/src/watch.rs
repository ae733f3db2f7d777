//! Runs a command under ptrace, with all its children: looks at the system before each system call that
//! changes it, and kills where told. The calls are counted over the whole tree of processes, which
//! strace does not do.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::{During, Res};

/// Which calls to stop before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Calls {
    /// Those on names in directories, and the start of programs.
    Names,
    /// All that change a file, its attributes, a mount, or what is durable.
    Changes,
}

/// Names in directories, and programs that start.
const NAMES: &[(libc::c_long, &str)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, "rename"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_link, "link"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_symlink, "symlink"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_unlink, "unlink"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rmdir, "rmdir"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, "mkdir"),
    (libc::SYS_renameat, "renameat"),
    (libc::SYS_renameat2, "renameat2"),
    (libc::SYS_linkat, "linkat"),
    (libc::SYS_symlinkat, "symlinkat"),
    (libc::SYS_unlinkat, "unlinkat"),
    (libc::SYS_mkdirat, "mkdirat"),
    (libc::SYS_execve, "execve"),
];

/// What changes besides. Of `openat` those that may write, of `write` those to files.
const CHANGES: &[(libc::c_long, &str)] = &[
    (libc::SYS_openat, OPEN),
    (libc::SYS_write, WRITE),
    (libc::SYS_pwrite64, "pwrite64"),
    (libc::SYS_writev, WRITE),
    (libc::SYS_copy_file_range, "copy_file_range"),
    (libc::SYS_sendfile, "sendfile"),
    (libc::SYS_ftruncate, "ftruncate"),
    (libc::SYS_fallocate, "fallocate"),
    (libc::SYS_fchmod, "fchmod"),
    (libc::SYS_fchmodat, "fchmodat"),
    (libc::SYS_fchown, "fchown"),
    (libc::SYS_fchownat, "fchownat"),
    (libc::SYS_utimensat, "utimensat"),
    (libc::SYS_fsetxattr, "fsetxattr"),
    (libc::SYS_mknodat, "mknodat"),
    (libc::SYS_fsync, "fsync"),
    (libc::SYS_fdatasync, "fdatasync"),
    (libc::SYS_syncfs, "syncfs"),
    (libc::SYS_mount, "mount"),
    (libc::SYS_umount2, "umount2"),
    (libc::SYS_move_mount, "move_mount"),
    (libc::SYS_unshare, "unshare"),
    (libc::SYS_wait4, "wait4"),
];
const OPEN: &str = "openat";
const WRITE: &str = "write";

/// The events of a process that makes another.
const FORKS: [libc::c_int; 3] = [
    libc::PTRACE_EVENT_FORK,
    libc::PTRACE_EVENT_VFORK,
    libc::PTRACE_EVENT_CLONE,
];

/// Who dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Victim {
    /// All processes: the machine stops.
    All,
    /// The one that makes the call: its parent sees it fail.
    Caller,
}

/// What came of a run.
pub struct Watched {
    /// The exit code; none if it was killed.
    pub code: Option<i32>,
    /// What it said.
    pub said: String,
    /// The calls it stopped at, with the program that made each.
    pub points: Vec<String>,
    /// What `look` had to say, at which point first.
    pub seen: Option<String>,
    /// Whether the kill happened.
    pub killed: bool,
}

struct Watch<'a> {
    root: Pid,
    live: BTreeSet<Pid>,
    ended: BTreeSet<Pid>,
    calls: Calls,
    at: Option<(usize, Victim)>,
    look: &'a dyn Fn() -> Option<String>,
    out: Watched,
    dying: bool,
}

/// Runs `command`, which writes to the file `said`; `at` is the number of the point at which to kill whom, from 0.
pub fn watch(
    mut command: Command,
    said: &Path,
    calls: Calls,
    at: Option<(usize, Victim)>,
    look: &dyn Fn() -> Option<String>,
) -> Res<Watched> {
    let file = fs::File::create(said).during(said.display())?;
    // It waits for us before it becomes the command.
    let mut waiting = Command::new("sh");
    waiting
        .args(["-c", "kill -STOP $$; exec \"$@\"", "watched"])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .stdin(Stdio::null())
        .stdout(file);
    command = waiting;
    let child = command.spawn().during("sh")?;
    let root = Pid::from_raw(i32::try_from(child.id()).during("process number")?);
    waitpid(root, Some(WaitPidFlag::WUNTRACED)).during("wait")?;
    ptrace::seize(
        root,
        Options::PTRACE_O_EXITKILL
            | Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEEXEC,
    )
    .during("ptrace")?;
    kill(root, Signal::SIGCONT).during("continue")?;
    let mut w = Watch {
        root,
        live: BTreeSet::from([root]),
        ended: BTreeSet::new(),
        calls,
        at,
        look,
        out: Watched {
            code: None,
            said: String::new(),
            points: Vec::new(),
            seen: None,
            killed: false,
        },
        dying: false,
    };
    // There may be other children, which are not watched.
    while !w.live.is_empty() {
        match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(status) => w.event(status)?,
            Err(Errno::ECHILD) => break,
            Err(Errno::EINTR) => {}
            Err(e) => return Err(format!("wait: {e}")),
        }
    }
    w.out.said = String::from_utf8_lossy(&fs::read(said).during(said.display())?).into_owned();
    Ok(w.out)
}

impl Calls {
    /// The name of a call that is one of these, from a line of `/proc/PID/syscall`.
    fn name(self, line: &str) -> Option<&'static str> {
        let mut words = line.split(' ');
        let number: libc::c_long = words.next()?.parse().ok()?;
        let mut argument = |n: usize| {
            let word = words.nth(n)?.strip_prefix("0x")?;
            u64::from_str_radix(word, 16).ok()
        };
        let of = |calls: &[(libc::c_long, &'static str)]| {
            calls.iter().find(|(n, _)| *n == number).map(|c| c.1)
        };
        if self == Calls::Names {
            return of(NAMES);
        }
        let name = of(NAMES).or_else(|| of(CHANGES))?;
        let changes = match name {
            OPEN => argument(2)? & (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT) as u64 != 0,
            // What is said changes nothing.
            WRITE => argument(0)? > 2,
            _ => true,
        };
        changes.then_some(name)
    }
}

impl Watch<'_> {
    fn event(&mut self, status: WaitStatus) -> Res<()> {
        let (pid, signal) = match status {
            WaitStatus::Exited(pid, code) => {
                self.end(pid);
                if pid == self.root {
                    self.out.code = Some(code);
                }
                return Ok(());
            }
            WaitStatus::Signaled(pid, ..) => {
                self.end(pid);
                return Ok(());
            }
            WaitStatus::PtraceSyscall(pid) => {
                self.live.insert(pid);
                self.call(pid)?;
                (pid, None)
            }
            WaitStatus::PtraceEvent(pid, _, event) => {
                if FORKS.contains(&event) {
                    self.begin(pid);
                }
                (pid, None)
            }
            WaitStatus::Stopped(pid, signal) => (pid, Some(signal)),
            _ => return Ok(()),
        };
        self.live.insert(pid);
        if self.dying {
            let _ = kill(pid, Signal::SIGKILL);
        }
        match ptrace::syscall(pid, signal) {
            // It is dying.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(e) => Err(format!("ptrace: {e}")),
        }
    }

    /// A process that `parent` has made, whose first stop may come before the news of it, or its end.
    fn begin(&mut self, parent: Pid) {
        let child = ptrace::getevent(parent).map(|n| Pid::from_raw(n as i32));
        if let Ok(child) = child
            && !self.ended.contains(&child)
        {
            self.live.insert(child);
        }
    }

    fn end(&mut self, pid: Pid) {
        self.live.remove(&pid);
        self.ended.insert(pid);
    }

    fn call(&mut self, pid: Pid) -> Res<()> {
        // linux/ptrace.h: PTRACE_EVENTMSG_SYSCALL_ENTRY.
        let entering = ptrace::getevent(pid) == Ok(1);
        let text = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        let Some(name) = self.calls.name(&text) else {
            return Ok(());
        };
        if !entering || self.dying {
            return Ok(());
        }
        let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        let here = self.out.points.len();
        let point = format!("{here}: {name} by {}", program.trim_end());
        if self.out.seen.is_none() {
            self.out.seen = (self.look)().map(|what| format!("before {point}: {what}"));
        }
        self.out.points.push(point);
        match self.at {
            Some((at, victim)) if at == here => {
                self.out.killed = true;
                if victim == Victim::All {
                    self.dying = true;
                    for &other in &self.live {
                        let _ = kill(other, Signal::SIGKILL);
                    }
                }
                let _ = kill(pid, Signal::SIGKILL);
            }
            _ => {}
        }
        Ok(())
    }
}
