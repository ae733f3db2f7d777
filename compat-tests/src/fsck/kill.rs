//! A repair that is killed at each of its calls that change a file, and begun again.
//!
//! Nothing of what was damaged is lost, and the second repair ends where an undisturbed one ends.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use super::damage::{half, lose, zero_half};
use super::system::{self, CASE, PRISTINE};
use super::{OURS, fsck, run_ok};
use crate::report::diff;
use crate::sandbox::command;
use crate::{During, Res};

/// The calls that change files and names; strace counts each for itself.
const CALLS: [&str; 12] = [
    "write",
    "linkat",
    "renameat",
    "renameat2",
    "unlinkat",
    "symlinkat",
    "mkdirat",
    "fsync",
    "fchmod",
    "fchmodat",
    "fchownat",
    "utimensat",
];

/// More calls of a kind than any repair here makes.
const CALLS_MAX: usize = 500;

const STATUS: &str = "var/lib/dpkg/status";
const DIVERT: &str = "var/lib/dpkg/diversions";
const TOOL: &str = "usr/bin/tool";

/// Damages several files at once.
fn damage(root: &Path) -> Res<()> {
    zero_half(&root.join(STATUS))?;
    half(&root.join(DIVERT))?;
    zero_half(&root.join(TOOL))?;
    lose(&root.join("var/lib/dpkg/info/data.list"))?;
    lose(&root.join("usr/bin/editor"))
}

/// Whether a file of this content is kept anywhere below a directory, or still where it was.
fn is_kept(dir: &Path, content: &[u8]) -> Res<bool> {
    let mut left = vec![dir.to_owned()];
    while let Some(path) = left.pop() {
        let meta = fs::symlink_metadata(&path).during(path.display())?;
        if meta.is_dir() {
            for entry in fs::read_dir(&path).during(path.display())? {
                left.push(entry.during(path.display())?.path());
            }
        } else if meta.is_file() && fs::read(&path).during(path.display())? == content {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Kills at each call.
pub fn repairs(healthy: &str) -> Res<()> {
    let mut kills = 0;
    'calls: for call in CALLS {
        for nth in 1..=CALLS_MAX {
            match killed(healthy, call, nth).map_err(|why| format!("{call} {nth}: {why}"))? {
                true => kills += 1,
                false => continue 'calls,
            }
        }
        return Err(format!("{call}: the repair never ends"));
    }
    println!("killed {kills} times");
    match kills {
        0 => Err("nothing was ever killed".into()),
        _ => Ok(()),
    }
}

/// Kills a repair at the n-th call of a kind, and begins it again. False, if it has no such call.
fn killed(healthy: &str, call: &str, nth: usize) -> Res<bool> {
    let root = Path::new(CASE);
    if root.exists() {
        fs::remove_dir_all(root).during(CASE)?;
    }
    run_ok(command("cp").args(["-a", PRISTINE, CASE]))?;
    damage(root)?;
    let precious: Vec<Vec<u8>> = [STATUS, DIVERT, TOOL]
        .iter()
        .map(|name| fs::read(root.join(name)).during(name))
        .collect::<Res<_>>()?;
    let out = command("strace")
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={nth}")])
        .args([OURS, "fsck", "--repair", "--root", CASE])
        .output()
        .during("strace")?;
    let ended = out.status.code() == Some(1);
    if !ended && out.status.signal() != Some(libc::SIGKILL) {
        let said = String::from_utf8_lossy(&out.stderr);
        return Err(format!("{:?}: {said}", out.status));
    }
    for content in &precious {
        if !is_kept(root, content)? {
            return Err("something damaged is lost".into());
        }
    }
    let done = fsck(CASE, &["--repair"])?;
    let left = fsck(CASE, &[])?;
    if !matches!(done.code, 0 | 1) || left.code != 0 {
        return Err(format!("again: {done}\nthen: {left}"));
    }
    let now = system::stock_says(root)?;
    match now == healthy {
        true => Ok(!ended),
        false => Err(format!("stock says otherwise:\n{}", diff(healthy, &now))),
    }
}
