//! What can go wrong with scripts.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::Call;
use crate::context::ContextError;
use crate::generation::DiskError;

/// Why scripts could not be run, or what they left can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// Who is not root can't: scripts chown, and write /var and /etc.
    #[error("maintainer scripts need root (CAP_SYS_ADMIN); --no-scripts installs without them")]
    NeedsRoot,
    /// A script failed.
    #[error("{call}: {}", ended(.status))]
    Failed {
        /// The call.
        call: Box<Call>,
        /// How it ended.
        status: ExitStatus,
    },
    /// A script could not be executed.
    #[error("{call}: cannot execute '{}': {source}", .path.display())]
    Exec {
        /// The call.
        call: Box<Call>,
        /// The script.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No context for it.
    #[error("{call}: {source}")]
    Context {
        /// The call.
        call: Box<Call>,
        /// Why not.
        source: ContextError,
    },
    /// A context can't be decided on.
    #[error(transparent)]
    Host(#[from] ContextError),
    /// A change failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Something can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A script and somebody else changed the same file.
    #[error("'{}' was changed while maintainer scripts changed it, too; nothing of theirs was put into /etc", .0.display())]
    Changed(PathBuf),
}

impl ScriptError {
    pub(super) fn read(path: &Path, source: io::Error) -> ScriptError {
        let path = path.into();
        ScriptError::Read { path, source }
    }
}

fn ended(status: &ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("subprocess returned error exit status {code}"),
        (_, Some(signal)) => format!("subprocess was killed by signal {signal}"),
        _ => format!("subprocess failed: {status}"),
    }
}
