//! What `std::process::Command` cannot say of a child by itself.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Start this command with its standard output closed.
pub fn without_stdout(command: &mut Command) {
    // SAFETY: the closure runs between fork and exec and only calls close(2), which is
    // async-signal-safe; descriptor 1 belongs to nothing in the child.
    unsafe {
        command.pre_exec(|| {
            libc::close(1);
            Ok(())
        });
    }
}
