//! Running another program in this one's place, when something is left to be done after it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};

/// The program that signals are for.
static CHILD: AtomicI32 = AtomicI32::new(0);

/// What a person or a service manager ends a program by; the first two reach it from the terminal, too.
const PASSED_ON: [i32; 4] = [libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGHUP];

extern "C" fn pass_on(signal: i32) {
    let child = CHILD.load(Ordering::Relaxed);
    // From the terminal it had them itself; a second one tells it nothing new.
    if child > 0 {
        // SAFETY: kill(2) may be called in a signal handler and takes no pointers.
        unsafe { libc::kill(child, signal) };
    }
}

/// Run a program and wait for it. Signals that would end this process are the program's meanwhile. Gives the exit
/// code, 128 and the signal if one ended it, as a shell does.
///
/// # Errors
/// It can't be started.
pub fn run_in_our_place(command: &mut Command) -> io::Result<i32> {
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).unwrap_or(0);
    let status = with_signals_for(pid, || child.wait())?;
    Ok(code_of(status))
}

/// Run `body` in a copy of this process and wait for it, in the same way; what it returns is the exit code, and nothing
/// else of it comes back. What was said before is to be flushed first, or both have it to say.
///
/// # Errors
/// There can't be another process.
pub fn fork_in_our_place(body: impl FnOnce() -> i32) -> io::Result<i32> {
    // SAFETY: a plugin is called on the one thread there is; what the child then does is what this process could do
    // itself.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    if pid == 0 {
        let body = std::panic::AssertUnwindSafe(body);
        let code = std::panic::catch_unwind(body).unwrap_or(2);
        // SAFETY: ends the copy without what the process itself would do at its end.
        unsafe { libc::_exit(code) };
    }
    let status = with_signals_for(pid, || wait_for(pid))?;
    Ok(code_of(status))
}

fn wait_for(pid: i32) -> io::Result<ExitStatus> {
    let mut raw = 0;
    loop {
        // SAFETY: it is our child, and `raw` lives until the call returns.
        if unsafe { libc::waitpid(pid, &mut raw, 0) } == pid {
            return Ok(ExitStatus::from_raw(raw));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// While `wait` runs, signals that would end this process go to a child.
fn with_signals_for<T>(child: i32, wait: impl FnOnce() -> T) -> T {
    CHILD.store(child, Ordering::Relaxed);
    let handler: extern "C" fn(i32) = pass_on;
    let before = PASSED_ON.map(|signal| {
        // SAFETY: the handler stays, and does only what a handler may. A disposition of "ignore" (nohup) is put back.
        unsafe {
            let before = libc::signal(signal, handler as libc::sighandler_t);
            if before == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_IGN);
            }
            before
        }
    });
    let waited = wait();
    CHILD.store(0, Ordering::Relaxed);
    for (signal, before) in PASSED_ON.into_iter().zip(before) {
        if before != libc::SIG_ERR {
            // SAFETY: what was there before.
            unsafe { libc::signal(signal, before) };
        }
    }
    waited
}

fn code_of(status: ExitStatus) -> i32 {
    let by_signal = || status.signal().map(|s| 128 + s);
    status.code().or_else(by_signal).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_signals_go_through() {
        let run = |script: &str| run_in_our_place(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(run("exit 7"), 7);
        assert_eq!(run("kill -9 $$"), 137);
        // To this process, which would die of it.
        assert_eq!(run("sleep 0.2; kill -TERM $PPID; sleep 5; exit 3"), 143);
        assert!(run_in_our_place(&mut Command::new("/nonexistent")).is_err());
        assert_eq!(fork_in_our_place(|| 5).unwrap(), 5);
        assert_eq!(fork_in_our_place(|| panic!("in a copy")).unwrap(), 2);
    }
}
