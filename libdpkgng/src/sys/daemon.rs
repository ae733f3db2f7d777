//! What turns a process into a daemon: fork, the schedulers, the descriptors left behind.

use std::io;

/// Which of the two processes one is after [`fork`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that was there before; the number of the other.
    Parent(i32),
    /// The new one.
    Child,
}

/// fork(2). To be called by a process of one thread: in the child no other goes on, and locks
/// that others held stay held.
///
/// # Errors
/// fork(2)'s.
pub fn fork() -> io::Result<Side> {
    // SAFETY: the caller has one thread, so the child is a whole copy of the process.
    match unsafe { libc::fork() } {
        0 => Ok(Side::Child),
        pid if pid > 0 => Ok(Side::Parent(pid)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// nice(2): add to the nice level.
///
/// # Errors
/// nice(2)'s.
pub fn nice(increment: i32) -> io::Result<()> {
    // SAFETY: errno is this thread's, and -1 is a level too: only errno tells a failure.
    let level = unsafe {
        *libc::__errno_location() = 0;
        libc::nice(increment)
    };
    let error = io::Error::last_os_error();
    if level == -1 && error.raw_os_error() != Some(0) {
        return Err(error);
    }
    Ok(())
}

/// The least and the greatest priority of a policy of sched_setscheduler(2).
pub fn priorities(policy: i32) -> (i32, i32) {
    // SAFETY: both take any number.
    unsafe {
        (
            libc::sched_get_priority_min(policy),
            libc::sched_get_priority_max(policy),
        )
    }
}

/// sched_setscheduler(2) for this process.
///
/// # Errors
/// sched_setscheduler(2)'s.
pub fn set_scheduler(policy: i32, priority: i32) -> io::Result<()> {
    // SAFETY: all-zero is a valid sched_param.
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    param.sched_priority = priority;
    // SAFETY: param is live; process 0 is this one.
    if unsafe { libc::sched_setscheduler(0, policy, &param) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// ioprio_set(2) for this process, with class and priority in one number. The C library has
/// no function for it.
///
/// # Errors
/// ioprio_set(2)'s.
pub fn set_io_priority(value: i32) -> io::Result<()> {
    const WHO_PROCESS: libc::c_int = 1;
    // SAFETY: three ints, as ioprio_set takes them; process 0 is this one.
    if unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, value) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Have programs that are executed from here on inherit no descriptor from `lowest` on.
pub fn close_on_exec_from(lowest: u32) {
    let flags = libc::CLOSE_RANGE_CLOEXEC as libc::c_int;
    // SAFETY: this changes flags of descriptors only, and closes none of them.
    if unsafe { libc::close_range(lowest, u32::MAX, flags) } == 0 {
        return;
    }
    // SAFETY: takes any number.
    let limit = unsafe { libc::sysconf(libc::_SC_OPEN_MAX) };
    for fd in i64::from(lowest)..limit {
        // Most of these numbers are no descriptors, and that is all there is to fail.
        let _ = super::inherited::set_close_on_exec(fd as i32);
    }
}
