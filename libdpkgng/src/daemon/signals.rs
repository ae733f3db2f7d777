//! Signals by name or number.

/// The names that are known, without `SIG`.
const NAMES: [(&str, i32); 19] = [
    ("ABRT", libc::SIGABRT),
    ("ALRM", libc::SIGALRM),
    ("FPE", libc::SIGFPE),
    ("HUP", libc::SIGHUP),
    ("ILL", libc::SIGILL),
    ("INT", libc::SIGINT),
    ("KILL", libc::SIGKILL),
    ("PIPE", libc::SIGPIPE),
    ("QUIT", libc::SIGQUIT),
    ("SEGV", libc::SIGSEGV),
    ("TERM", libc::SIGTERM),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
];

/// The signal that a text means. Numbers are not checked: the kernel knows its own.
pub fn parse(text: &[u8]) -> Option<i32> {
    let named = || NAMES.iter().find(|(name, _)| name.as_bytes() == text);
    super::unsigned(text, 10)
        .ok()
        .or_else(|| named().map(|(_, number)| *number))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_and_numbers() {
        assert_eq!(parse(b"HUP"), Some(1));
        assert_eq!(parse(b"0"), Some(0));
        assert_eq!(parse(b"999"), Some(999));
        for text in ["SIGHUP", "hup", "", "-1", "1x"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
