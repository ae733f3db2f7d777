//! Child processes: fork, exec, wait (lib/dpkg/subproc.c, lib/dpkg/command.c).
//!
//! A child gets standard input, output and error and nothing else of ours (every descriptor we
//! open is close-on-exec), an environment built by the caller, and the signal dispositions we
//! were started with. `fork`, `chroot` and `execvp` are libc's, so that fakeroot and its like
//! see them. While a child runs, the parent ignores SIGINT and SIGQUIT: the terminal sends
//! them to both, and it is the child's fate that decides.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::place::Spot;

/// What to run, and in what surroundings.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// The program; searched in `PATH` when it has no slash. As seen after the change of root.
    pub program: Vec<u8>,
    /// All arguments, the name of the program first.
    pub argv: Vec<Vec<u8>>,
    /// The whole environment.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// Change the root directory.
    pub chroot: Option<Vec<u8>>,
    /// Change the working directory, after the root.
    pub chdir: Option<Vec<u8>>,
}

/// What a child could not do before it became the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Change the root directory.
    Chroot,
    /// Change the working directory.
    Chdir,
    /// Execute the program.
    Exec,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It called exit.
    Exit(i32),
    /// A signal ended it; whether it dumped core.
    Signal(i32, bool),
    /// Neither; the raw wait status.
    Other(i32),
}

/// The result of [`run`].
#[derive(Debug)]
pub struct Outcome {
    /// How it ended; with code 2 when `failed` is set.
    pub ended: Ended,
    /// The raw wait status.
    pub raw: i32,
    /// The step before the program that failed, and why.
    pub failed: Option<(Step, io::Error)>,
}

/// Why [`run`] could not run anything.
#[derive(Debug)]
pub enum RunError {
    /// An argument, a path or a variable has a NUL byte.
    Nul,
    /// `fork` (or the pipe to the child) failed.
    Fork(io::Error),
    /// This signal could not be ignored.
    Ignore(i32, io::Error),
    /// `waitpid` failed.
    Wait(io::Error),
}

/// The path this program was executed by, which is what a script finds in `$0`
/// (`AT_EXECFN`, getauxval(3)).
pub fn executed_path() -> Option<Vec<u8>> {
    // SAFETY: getauxval takes any number and says 0 for what it does not know.
    let path = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let path = std::ptr::with_exposed_provenance::<libc::c_char>(usize::try_from(path).ok()?);
    if path.is_null() {
        return None;
    }
    // SAFETY: not null, so the kernel put a NUL-terminated string there, above the stack, where
    // nothing of ours writes.
    let path = unsafe { std::ffi::CStr::from_ptr(path) };
    Some(path.to_bytes().to_vec())
}

/// Whether an executable file `program` is in a directory of `path`, or, with an absolute
/// name, is there (`command_in_path`).
pub fn in_path(path: &[u8], program: &str) -> bool {
    if program.starts_with('/') {
        return is_executable(Path::new(program));
    }
    path.split(|c| *c == b':').any(|dir| {
        let mut file = dir.to_vec();
        if !dir.is_empty() {
            file.push(b'/');
        }
        file.extend_from_slice(program.as_bytes());
        is_executable(Path::new(OsStr::from_bytes(&file)))
    })
}

/// `file_is_exec()`
pub fn is_executable(file: &Path) -> bool {
    let stat = Spot::path(file.as_os_str().as_bytes()).stat();
    stat.is_ok_and(|st| st.is_file() && st.mode & 0o111 != 0)
}

/// Dispositions to put back.
struct Ignored(Vec<(i32, libc::sigaction)>);

impl Ignored {
    fn new() -> Result<Ignored, RunError> {
        let mut ignored = Ignored(Vec::new());
        for signal in [libc::SIGQUIT, libc::SIGINT] {
            // SAFETY: all-zero is a valid sigaction: no flags, an empty mask.
            let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
            new.sa_sigaction = libc::SIG_IGN;
            // SAFETY: as above.
            let mut old: libc::sigaction = unsafe { std::mem::zeroed() };
            // SAFETY: both point to live sigactions; SIG_IGN is no code of ours.
            if unsafe { libc::sigaction(signal, &new, &mut old) } != 0 {
                return Err(RunError::Ignore(signal, io::Error::last_os_error()));
            }
            ignored.0.push((signal, old));
        }
        Ok(ignored)
    }
}

impl Drop for Ignored {
    fn drop(&mut self) {
        for (signal, old) in &self.0 {
            // SAFETY: `old` is what sigaction gave us for this signal.
            unsafe { libc::sigaction(*signal, old, std::ptr::null_mut()) };
        }
    }
}

fn c_string(bytes: &[u8]) -> Result<CString, RunError> {
    CString::new(bytes).map_err(|_| RunError::Nul)
}

fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    let mut out: Vec<_> = strings.iter().map(|s| s.as_ptr()).collect();
    out.push(std::ptr::null());
    out
}

/// `NAME=VALUE` for each.
fn environment(env: &[(Vec<u8>, Vec<u8>)]) -> Result<Vec<CString>, RunError> {
    let pairs = env.iter();
    pairs
        .map(|(name, value)| c_string(&[name, &b"="[..], value].concat()))
        .collect()
}

/// A pipe whose ends programs do not inherit.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds: [RawFd; 2] = [-1, -1];
    // SAFETY: pipe2 writes two descriptors into the array it is given.
    if unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: pipe2 succeeded, so both are open and nobody else's.
    Ok(unsafe { (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1])) })
}

unsafe extern "C" {
    static mut environ: *const *const libc::c_char;
}

/// Run a program and wait for it.
pub fn run(command: &Command) -> Result<Outcome, RunError> {
    let program = c_string(&command.program)?;
    let argv_strings = command.argv.iter().map(|a| c_string(a));
    let argv_strings = argv_strings.collect::<Result<Vec<_>, _>>()?;
    let argv = pointers(&argv_strings);
    let env_strings = environment(&command.env)?;
    let envp = pointers(&env_strings);
    let chroot = command.chroot.as_deref().map(c_string).transpose()?;
    let chdir = command.chdir.as_deref().map(c_string).transpose()?;
    let (told, tell) = pipe().map_err(RunError::Fork)?;

    // SAFETY: the child calls only async-signal-safe functions (see `child`) on memory that
    // was prepared before, and never returns.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(RunError::Fork(io::Error::last_os_error()));
    }
    if pid == 0 {
        // SAFETY: we are the child; all pointers are to live NUL-terminated strings and
        // NULL-terminated arrays of them.
        unsafe {
            child(
                &program,
                argv.as_ptr(),
                envp.as_ptr(),
                chroot.as_deref(),
                chdir.as_deref(),
                tell.as_raw_fd(),
            )
        }
    }
    drop(tell);
    let ignored = Ignored::new();
    let raw = wait(pid);
    let _restored = ignored?;
    let raw = raw.map_err(RunError::Wait)?;
    let ended = if libc::WIFEXITED(raw) {
        Ended::Exit(libc::WEXITSTATUS(raw))
    } else if libc::WIFSIGNALED(raw) {
        Ended::Signal(libc::WTERMSIG(raw), libc::WCOREDUMP(raw))
    } else {
        Ended::Other(raw)
    };
    Ok(Outcome {
        ended,
        raw,
        failed: read_failure(told),
    })
}

/// The child's side: become the program, or tell what failed and exit with 2.
///
/// # Safety
/// To be called in a fresh child only. `argv` and `envp` are NULL-terminated arrays of
/// NUL-terminated strings.
unsafe fn child(
    program: &std::ffi::CStr,
    argv: *const *const libc::c_char,
    envp: *const *const libc::c_char,
    chroot: Option<&std::ffi::CStr>,
    chdir: Option<&std::ffi::CStr>,
    tell: RawFd,
) -> ! {
    // SAFETY: chroot, chdir, execvp, write, _exit and reading errno are system calls or as
    // good as (execvp allocates on the stack in glibc); nothing here takes a lock that
    // another thread of the parent may have held. `environ` is ours alone in the child.
    unsafe {
        let failed = 'steps: {
            if let Some(dir) = chroot
                && libc::chroot(dir.as_ptr()) != 0
            {
                break 'steps 0u8;
            }
            if let Some(dir) = chdir
                && libc::chdir(dir.as_ptr()) != 0
            {
                break 'steps 1;
            }
            environ = envp;
            libc::execvp(program.as_ptr(), argv);
            2
        };
        let [a, b, c, d] = (*libc::__errno_location()).to_ne_bytes();
        let told = [failed, a, b, c, d];
        libc::write(tell, told.as_ptr().cast(), told.len());
        libc::_exit(2)
    }
}

fn wait(pid: libc::pid_t) -> io::Result<i32> {
    let mut status = 0;
    loop {
        // SAFETY: status is a live int for waitpid to write.
        let got = unsafe { libc::waitpid(pid, &mut status, 0) };
        if got == pid {
            return Ok(status);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// What the child wrote before it gave up; nothing when it became the program.
fn read_failure(told: OwnedFd) -> Option<(Step, io::Error)> {
    use std::io::Read;
    let mut bytes = [0; 5];
    std::fs::File::from(told).read_exact(&mut bytes).ok()?;
    let [step, a, b, c, d] = bytes;
    let step = match step {
        0 => Step::Chroot,
        1 => Step::Chdir,
        _ => Step::Exec,
    };
    let errno = i32::from_ne_bytes([a, b, c, d]);
    Some((step, io::Error::from_raw_os_error(errno)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        Command {
            program: b"sh".to_vec(),
            argv: ["sh", "-c", script].map(|s| s.as_bytes().to_vec()).into(),
            env: vec![(b"PATH".to_vec(), b"/usr/bin:/bin".to_vec())],
            ..Command::default()
        }
    }

    #[test]
    fn ends_are_told_apart() {
        let ended = |script| run(&sh(script)).unwrap().ended;
        assert_eq!(ended("exit 0"), Ended::Exit(0));
        assert_eq!(ended("exit 37"), Ended::Exit(37));
        assert_eq!(ended("kill -TERM $$"), Ended::Signal(libc::SIGTERM, false));
    }

    #[test]
    fn surroundings() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = sh("pwd > out; echo \"$A-$B\" >> out; ls /proc/$$/fd | wc -l >> out");
        command.chdir = Some(dir.path().as_os_str().as_bytes().to_vec());
        command.env.push((b"A".to_vec(), b"x y".to_vec()));
        command.env.push((b"B".to_vec(), b"\xff".to_vec()));
        assert_eq!(run(&command).unwrap().ended, Ended::Exit(0));
        let out = std::fs::read(dir.path().join("out")).unwrap();
        let lines: Vec<_> = out.split(|c| *c == b'\n').collect();
        let real = dir.path().canonicalize().unwrap();
        assert_eq!(lines[0], real.as_os_str().as_bytes());
        assert_eq!(lines[1], b"x y-\xff");
    }

    #[test]
    fn what_fails_before_the_program_is_told() {
        let mut command = sh("exit 0");
        command.program = b"/nonexistent/program".to_vec();
        let outcome = run(&command).unwrap();
        assert_eq!(outcome.ended, Ended::Exit(2));
        let (step, error) = outcome.failed.unwrap();
        assert_eq!(
            (step, error.raw_os_error()),
            (Step::Exec, Some(libc::ENOENT))
        );
        command.chdir = Some(b"/nonexistent".to_vec());
        assert_eq!(run(&command).unwrap().failed.unwrap().0, Step::Chdir);
        command.chroot = Some(b"/nonexistent".to_vec());
        assert_eq!(run(&command).unwrap().failed.unwrap().0, Step::Chroot);
        command.argv.push(b"a\0b".to_vec());
        assert!(matches!(run(&command), Err(RunError::Nul)));
    }

    #[test]
    fn programs_are_found_as_execvp_finds_them() {
        assert!(in_path(b"/nonexistent:/usr/bin:/bin", "sh"));
        assert!(!in_path(b"/nonexistent", "sh"));
        assert!(!in_path(b"/usr", "bin"));
    }
}
