//! Why there is no context.

use std::io;
use std::path::{Path, PathBuf};

/// Why a context can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The host has programs or libraries outside /usr.
    #[error("'{}' is no link into /usr: this system has no merged /usr, and what is in it can't be covered", .0.display())]
    NotMerged(PathBuf),
    /// There is nothing for the context's own link to be mounted on.
    #[error("there is no '{}' yet: any dpkg-ng --multi-version command run by root makes it", .0.display())]
    NoCurrentSystem(PathBuf),
    /// `--pure`, and no /usr.
    #[error("'{}' has no /usr, and with --pure the host's does not count", .0.display())]
    NothingInIt(PathBuf),
    /// Another file system is mounted below what is to be covered.
    #[error("a file system is mounted on '{}', and a user namespace can't lay anything over what is around it; root can", .0.display())]
    Locked(PathBuf),
    /// The state can't be had.
    #[error(transparent)]
    State(#[from] Box<crate::state::StateError>),
    /// No namespace.
    #[error("cannot unshare {what}: {source}{hint}")]
    Unshare {
        /// Which namespaces.
        what: &'static str,
        /// Why not.
        source: io::Error,
        /// What would help.
        hint: String,
    },
    /// Nobody says where a store of one's own would be.
    #[error("neither XDG_DATA_HOME nor HOME says where your store is; --store DIR does")]
    NoHome,
    /// A store that is not the user's alone.
    #[error("'{}' can't be your store: '{}' is another user's, or others can write to it", .store.display(), .at.display())]
    NotOurs {
        /// The store.
        store: PathBuf,
        /// What is wrong: it, or a directory on the way to it.
        at: PathBuf,
    },
    /// A directory can't be made.
    #[error("cannot make '{}': {source}", .path.display())]
    Make {
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The filter of system calls.
    #[error("cannot filter system calls: {0}")]
    Filter(io::Error),
    /// Who we are in the namespace.
    #[error("cannot write '{path}': {source}{hint}")]
    Map {
        /// The file.
        path: &'static str,
        /// Why not.
        source: io::Error,
        /// What would help.
        hint: String,
    },
    /// A mount.
    #[error("cannot {step} '{}'{}: {source}{hint}", .at.display(), of(.what))]
    Mount {
        /// What was being done.
        step: &'static str,
        /// Where.
        at: PathBuf,
        /// With what; of an overlay, its layers.
        what: Vec<PathBuf>,
        /// Why not.
        source: io::Error,
        /// What would help.
        hint: String,
    },
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn of(what: &[PathBuf]) -> String {
    let paths = what.iter().map(|p| format!("'{}'", p.display()));
    match paths.collect::<Vec<_>>().join(", ") {
        paths if paths.is_empty() => paths,
        paths => format!(" from {paths}"),
    }
}

impl ContextError {
    pub(super) fn read(path: &Path, source: io::Error) -> ContextError {
        let path = path.into();
        ContextError::Read { path, source }
    }
}

/// Switches that forbid user namespaces: the file, the value, and the setting that would allow them.
const SWITCHES: &[(&str, &str, &str)] = &[
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "user.max_user_namespaces=10000",
    ),
];

/// What an administrator can do about namespaces that are not allowed.
pub(super) fn hint(error: &io::Error, user_namespace: bool) -> String {
    use rustix::io::Errno;
    let errno = Errno::from_io_error(error);
    let refused = [Errno::PERM, Errno::ACCESS, Errno::NOSPC, Errno::USERS];
    if !errno.is_some_and(|e| refused.contains(&e)) {
        return String::new();
    }
    if !user_namespace {
        return " (it needs CAP_SYS_ADMIN)".into();
    }
    let is = |path: &str, value: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
    };
    let mut found = SWITCHES.iter().filter(|(path, value, _)| is(path, value));
    match found.next() {
        Some((_, _, setting)) => {
            format!(" (user namespaces are switched off here: 'sysctl {setting}' allows them)")
        }
        None => " (user namespaces are not allowed to this process; in a container its seccomp \
                 profile must allow unshare and mount)"
            .into(),
    }
}
