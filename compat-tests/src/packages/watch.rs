//! Runs a command under ptrace, with all its children: looks at the system before each system call that
//! changes it, and kills where told. The calls are counted over the whole tree of processes, which
//! strace does not do.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::{During, Res};

const SAID: &str = "/t/k/said";

/// The calls before which it is worth stopping: names in directories, and programs that start.
const CALLS: &[(libc::c_long, &str)] = &[
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
    at: Option<(usize, Victim)>,
    look: &'a dyn Fn() -> Option<String>,
    out: Watched,
    dying: bool,
}

/// Runs `command`; `at` is the number of the point at which to kill whom, from 0.
pub fn watch(
    mut command: Command,
    at: Option<(usize, Victim)>,
    look: &dyn Fn() -> Option<String>,
) -> Res<Watched> {
    let file = fs::File::create(SAID).during(SAID)?;
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
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(status) => w.event(status)?,
            Err(Errno::ECHILD) => break,
            Err(Errno::EINTR) => {}
            Err(e) => return Err(format!("wait: {e}")),
        }
    }
    w.out.said = String::from_utf8_lossy(&fs::read(SAID).during(SAID)?).into_owned();
    Ok(w.out)
}

impl Watch<'_> {
    fn event(&mut self, status: WaitStatus) -> Res<()> {
        let (pid, signal) = match status {
            WaitStatus::Exited(pid, code) => {
                self.live.remove(&pid);
                if pid == self.root {
                    self.out.code = Some(code);
                }
                return Ok(());
            }
            WaitStatus::Signaled(pid, ..) => {
                self.live.remove(&pid);
                return Ok(());
            }
            WaitStatus::PtraceSyscall(pid) => {
                self.live.insert(pid);
                self.call(pid)?;
                (pid, None)
            }
            WaitStatus::PtraceEvent(pid, ..) => (pid, None),
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

    fn call(&mut self, pid: Pid) -> Res<()> {
        // linux/ptrace.h: PTRACE_EVENTMSG_SYSCALL_ENTRY.
        let entering = ptrace::getevent(pid) == Ok(1);
        let text = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap_or_default();
        let number = text.split(' ').next().and_then(|n| n.parse().ok());
        let Some((_, name)) = CALLS.iter().find(|(n, _)| Some(*n) == number) else {
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
