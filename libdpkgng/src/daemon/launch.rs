//! Becoming a daemon: everything between the decision to start one and its `execve`.
//!
//! In the background that takes three processes. The first waits for the second, which leaves
//! the terminal's session, starts the third, writes the pid file and ends; only then does the
//! first go on. The third becomes the daemon. All of them come back to the caller: the third
//! only with an error, the others when they have nothing more to do.

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{self, Gid, Uid};

use super::failed;
use super::notify::{Place, Socket};
use super::pidfile;
use super::priority::Priority;
use super::process::Pid;
use crate::error::{Error, Result};
use crate::msg;
use crate::report::{Reporter, debug};
use crate::sys::daemon::{self, Side};

/// Whom the daemon runs as.
#[derive(Clone, Debug, Default)]
pub struct RunAs {
    /// The user's name, for the supplementary groups, and number.
    pub user: Option<(Vec<u8>, u32)>,
    /// The group; there is one if there is a user.
    pub gid: Option<u32>,
}

/// How to wait for a daemon's word that it is ready.
#[derive(Clone, Debug)]
pub struct Await {
    /// Where to make the socket.
    pub base: PathBuf,
    /// How long.
    pub time: Duration,
}

/// What a daemon in the background gets.
#[derive(Clone, Debug, Default)]
pub struct Background {
    /// Nothing to read, and no descriptor but the first three.
    pub close: bool,
    /// Where standard output and error go.
    pub output: Option<PathBuf>,
    /// Whether to wait for it.
    pub notify: Option<Await>,
}

/// What to start, and in what surroundings.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The program, as seen after all changes of directory and root.
    pub program: Vec<u8>,
    /// Its arguments, without its own name.
    pub args: Vec<Vec<u8>>,
    /// The whole environment.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// The pid file to write.
    pub pidfile: Option<PathBuf>,
    /// Set if it is to go to the background.
    pub background: Option<Background>,
    /// The umask.
    pub umask: Option<u32>,
    /// What to add to the nice level.
    pub nice: i32,
    /// How it is scheduled.
    pub process: Option<Priority>,
    /// How its input and output are.
    pub io: Option<Priority>,
    /// The root directory.
    pub chroot: Option<PathBuf>,
    /// The working directory, within that.
    pub chdir: PathBuf,
    /// Whom to become.
    pub run_as: RunAs,
}

/// The daemon is another process: this one has to end with 0 and to forget what it was going to
/// write, which is what stock's `_exit` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elsewhere;

/// Who one is after going to the background.
enum Role {
    Waited,
    /// With the socket's place, which is to be removed if nothing comes of the daemon.
    Daemon(Option<Place>),
}

impl Launch {
    /// Do it. To be called by a process of one thread.
    ///
    /// # Errors
    /// Whatever cannot be done, in any of the processes.
    pub fn run(mut self, reporter: &mut dyn Reporter) -> Result<Elsewhere> {
        if let Some(mask) = self.umask {
            umask(Mode::from_bits_truncate(mask));
        }
        let Some(background) = self.background.take() else {
            if let Some(path) = &self.pidfile {
                pidfile::write(path, Pid::own())?;
            }
            match self.become_daemon(&Background::default(), reporter)? {}
        };
        let place = match self.detach(background.notify.as_ref(), reporter)? {
            Role::Waited => return Ok(Elsewhere),
            Role::Daemon(place) => place,
        };
        if let Some(place) = &place {
            let path = place.path.as_os_str().as_bytes().to_vec();
            self.env.retain(|(name, _)| name != b"NOTIFY_SOCKET");
            self.env.push((b"NOTIFY_SOCKET".to_vec(), path));
        }
        match self.become_daemon(&background, reporter)? {}
    }

    /// Leave the terminal and everybody who waits.
    fn detach(&self, notify: Option<&Await>, reporter: &mut dyn Reporter) -> Result<Role> {
        let program = &self.program;
        reporter.debug(debug::GENERAL, || {
            msg!("Detaching to start %s...\n", program)
        });
        // So that the second process can be waited for, whatever the caller does about children.
        let mut before = SigSet::empty();
        let mut children = SigSet::empty();
        children.add(Signal::SIGCHLD);
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&children), Some(&mut before))
            .map_err(|e| failed(msg!("cannot block SIGCHLD"), e))?;
        let socket = notify
            .map(|n| {
                Socket::new(
                    &n.base,
                    self.run_as.user.as_ref().map(|u| u.1),
                    self.run_as.gid,
                )
            })
            .transpose()?;
        let first = daemon::fork().map_err(|e| failed(msg!("unable to do first fork"), e))?;
        if let Side::Parent(second) = first {
            wait_for(second)?;
            if let (Some(socket), Some(notify)) = (&socket, notify) {
                socket.wait(notify.time, reporter)?;
            }
            return Ok(Role::Waited);
        }
        let place = socket.map(Socket::into_place);
        unistd::setsid().map_err(|e| failed(msg!("cannot set session ID"), e))?;
        let second = daemon::fork().map_err(|e| failed(msg!("unable to do second fork"), e))?;
        if let Side::Parent(pid) = second {
            umask(Mode::from_bits_truncate(0o022));
            if let (Some(path), Some(pid)) = (&self.pidfile, Pid::new(pid)) {
                pidfile::write(path, pid)?;
            }
            // It is the first process's and the daemon's to remove.
            std::mem::forget(place);
            return Ok(Role::Waited);
        }
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None)
            .map_err(|e| failed(msg!("cannot restore signal mask"), e))?;
        reporter.debug(debug::GENERAL, || msg!("Detaching complete...\n"));
        Ok(Role::Daemon(place))
    }

    /// Change what there is to change, and execute the program.
    fn become_daemon(
        &self,
        background: &Background,
        reporter: &mut dyn Reporter,
    ) -> Result<Infallible> {
        let open = |options: &OpenOptions, path: &Path| {
            let file = options.open(path);
            file.map_err(|e| failed(msg!("unable to open '%s'", path), e))
        };
        let input = match background.close {
            true => Some(open(OpenOptions::new().read(true), "/dev/null".as_ref())?),
            false => None,
        };
        let mut appending = OpenOptions::new();
        appending.create(true).append(true).mode(0o664);
        let output = match &background.output {
            Some(path) => Some(open(&appending, path)?),
            None => None,
        };
        self.schedule(reporter)?;
        self.change_directories()?;
        self.change_user()?;
        if let Some(output) = output {
            // Copying an open descriptor onto one of the first three cannot fail.
            let _ = unistd::dup2_stdout(&output);
            let _ = unistd::dup2_stderr(&output);
        }
        if let Some(input) = input {
            let _ = unistd::dup2_stdin(&input);
            daemon::close_on_exec_from(3);
        }
        self.execute()
    }

    fn schedule(&self, reporter: &mut dyn Reporter) -> Result<()> {
        if self.nice != 0 {
            let what = "unable to alter nice level by %i";
            daemon::nice(self.nice).map_err(|e| failed(msg!(what, self.nice), e))?;
        }
        if let Some(Priority {
            class, priority, ..
        }) = self.process
        {
            daemon::set_scheduler(class, priority)
                .map_err(|e| failed(msg!("unable to set process scheduler"), e))?;
        }
        if let Some(value) = self.io.as_ref().map(Priority::io_value)
            && let Err(e) = daemon::set_io_priority(value)
        {
            reporter.warning(msg!(
                "unable to alter IO priority to mask %i (%s)",
                value,
                e
            ));
        }
        Ok(())
    }

    fn change_directories(&self) -> Result<()> {
        let chdir = |dir: &Path| {
            unistd::chdir(dir).map_err(|e| failed(msg!("unable to chdir() to %s", dir), e))
        };
        if let Some(root) = self.chroot.as_deref() {
            chdir(root)?;
            unistd::chroot(root).map_err(|e| failed(msg!("unable to chroot() to %s", root), e))?;
        }
        chdir(&self.chdir)
    }

    /// Who is already whom to become is not asked about groups again.
    fn change_user(&self) -> Result<()> {
        let (uid, gid) = (unistd::getuid(), unistd::getgid());
        let group = self.run_as.gid.map_or(gid, Gid::from_raw);
        if gid != group {
            unistd::setgid(group)
                .map_err(|e| failed(msg!("unable to set gid to %d", group.as_raw() as i32), e))?;
        }
        let Some((name, user)) = &self.run_as.user else {
            return Ok(());
        };
        let user = Uid::from_raw(*user);
        if gid != group || uid != user {
            let what = "unable to set initgroups() with gid %d";
            unistd::initgroups(&c_string(name), group)
                .map_err(|e| failed(msg!(what, group.as_raw() as i32), e))?;
        }
        if uid != user {
            unistd::setuid(user).map_err(|e| failed(msg!("unable to set uid to %s", name), e))?;
        }
        Ok(())
    }

    fn execute(&self) -> Result<Infallible> {
        let program = c_string(&self.program);
        let args = std::iter::once(&self.program).chain(&self.args);
        let args: Vec<CString> = args.map(|arg| c_string(arg)).collect();
        let pairs = self.env.iter();
        let env: Vec<CString> = pairs
            .map(|(name, value)| c_string(&[name, &b"="[..], value].concat()))
            .collect();
        unistd::execve(&program, &args, &env)
            .map_err(|e| failed(msg!("unable to start %s", &self.program), e))
    }
}

/// Up to a NUL, of which neither arguments nor the environment have one.
fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|c| *c == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

/// Wait for the second process, which ends soon.
fn wait_for(pid: i32) -> Result<()> {
    loop {
        let problem = match waitpid(unistd::Pid::from_raw(pid), None) {
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => msg!("error waiting for child"),
            Ok(WaitStatus::Exited(_, 0)) => return Ok(()),
            Ok(WaitStatus::Exited(_, code)) => {
                msg!("child returned error exit status %d", code)
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                msg!("child was killed by signal %d", signal as i32)
            }
            Ok(_) => msg!("unexpected status waiting for child"),
        };
        return Err(Error::new(problem));
    }
}
