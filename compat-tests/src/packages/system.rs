//! A whole system at `/t/k/run` of the sandbox, made of layers: the release, what was done to it to
//! prepare, what a run does. A layer costs nothing to stack, and a wreck can be continued many times.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::mount::{MntFlags, umount2};

use crate::sandbox::{bind, command, overlay};
use crate::snapshot::Snapshot;
use crate::{During, Res};

/// Where the system is seen, always the same.
pub const RUN: &str = "/t/k/run";
/// What the command that is being watched says.
pub const SAID: &str = "/t/k/said";
const LAYERS: &str = "/t/k/layers";
static COUNT: AtomicUsize = AtomicUsize::new(0);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Layers, lowest first; on top of `/`.
#[derive(Clone, Default)]
pub struct System(Vec<PathBuf>);

impl System {
    /// Shows this system at [`RUN`] with a new layer on top, and returns that.
    pub fn begin(&self) -> Res<System> {
        let run = Path::new(RUN);
        let _ = umount2(run, MntFlags::MNT_DETACH);
        fs::create_dir_all(run).during(RUN)?;
        fs::create_dir_all(LAYERS).during(LAYERS)?;
        let base = Path::new(LAYERS);
        let name = COUNT.fetch_add(1, Ordering::Relaxed).to_string();
        let mut layers: Vec<PathBuf> = self.0.iter().rev().cloned().collect();
        layers.push("/".into());
        overlay(&layers, base, &name, run, false)?;
        for d in ["proc", "dev"] {
            bind(Path::new("/").join(d), &run.join(d), true)?;
        }
        let debs = run.join("t/debs");
        fs::create_dir_all(&debs).during(debs.display())?;
        bind("/t/debs", &debs, false)?;
        let mut layers = self.0.clone();
        layers.push(base.join(format!("{name}-upper")));
        Ok(System(layers))
    }

    /// Frees the topmost layer, which is shown no more.
    pub fn discard(self) -> Res<()> {
        let _ = umount2(RUN, MntFlags::MNT_DETACH);
        match self.0.last() {
            Some(upper) => fs::remove_dir_all(upper).during(upper.display()),
            None => Ok(()),
        }
    }

    /// What its topmost layer changed.
    pub fn changed(&self, since: i64) -> BTreeMap<String, String> {
        let mut s = Snapshot::hashed();
        if let Some(upper) = self.0.last() {
            s.walk("", upper, since, &|p| p == "t");
        }
        s.entries
    }
}

/// A shell line in the system at [`RUN`], with the environment of an administrator.
pub fn command_in(line: &str) -> Command {
    let mut c = command("chroot");
    c.args([
        RUN,
        "sh",
        "-c",
        &format!("umask 022; exec 2>&1; cd /; {line}"),
    ])
    .env("PATH", PATH)
    .env("HOME", "/root")
    .stdin(Stdio::null());
    c
}

/// Runs it: exit code and all that was said.
pub fn sh(line: &str) -> Res<(i32, String)> {
    let out = command_in(line).output().during(line)?;
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    Ok((out.status.code().unwrap_or(-1), said))
}

/// Runs it; that it fails is an error.
pub fn must(line: &str) -> Res<String> {
    match sh(line)? {
        (0, said) => Ok(said),
        (code, said) => Err(format!("{line}: exit {code}\n{said}")),
    }
}

/// The programs of the package dpkg of the release, by the names of where they are.
pub fn programs() -> Res<Vec<String>> {
    let text = fs::read_to_string("/var/lib/dpkg/info/dpkg.list").during("dpkg.list")?;
    let dirs = ["/usr/bin/", "/usr/sbin/", "/sbin/", "/usr/libexec/dpkg/"];
    Ok(text
        .lines()
        .filter(|l| {
            let below = dirs.iter().find_map(|d| l.strip_prefix(d));
            below.is_some_and(|name| !name.is_empty() && !name.contains('/'))
        })
        .filter_map(|l| fs::canonicalize(l).ok())
        .map(|p| p.to_string_lossy().into_owned())
        .collect())
}

/// The first of the programs that nobody could execute now.
pub fn missing(programs: &[String]) -> Option<&String> {
    programs.iter().find(|p| {
        let path = Path::new(RUN).join(p.trim_start_matches('/'));
        !fs::metadata(path)
            .is_ok_and(|m| m.is_file() && m.len() > 0 && m.permissions().mode() & 0o111 == 0o111)
    })
}

/// The parts of the system at [`RUN`] that belong to dpkg or to us, all of it but backups and times.
pub fn state(since: i64) -> String {
    let mut s = Snapshot::hashed();
    let others = |p: &str| {
        !["dpkg", "update-alternatives", "start-stop-daemon"]
            .iter()
            .any(|lead| p.starts_with(lead))
    };
    for dir in ["usr/bin", "usr/sbin"] {
        s.walk(
            &format!("/{dir}"),
            &Path::new(RUN).join(dir),
            since,
            &others,
        );
    }
    for dir in [
        "usr/libexec/dpkg",
        "usr/lib/dpkg-ng",
        "usr/share/doc/dpkg-ng",
    ] {
        s.walk(
            &format!("/{dir}"),
            &Path::new(RUN).join(dir),
            since,
            &|_| false,
        );
    }
    let mut database = Snapshot::default();
    database.walk(
        "/var/lib/dpkg",
        &Path::new(RUN).join("var/lib/dpkg"),
        since,
        &|p| p.ends_with("-old") || p == "diversions",
    );
    s.entries.extend(database.entries);
    s.entries.insert(
        "diversions".into(),
        diversions(&Path::new(RUN).join("var/lib/dpkg")),
    );
    s.entries
        .iter()
        .map(|(k, v)| format!("{k} {}\n", unlinked(v)))
        .collect()
}

/// Without the number of links: overlayfs counts those of a lower layer, where another name may be that is
/// replaced above.
fn unlinked(what: &str) -> String {
    match what.split_once(" links=") {
        Some((lead, rest)) => {
            let rest = rest.splitn(4, ' ').nth(3).unwrap_or_default();
            format!("{lead} {rest}")
        }
        None => what.to_owned(),
    }
}

/// The diversions in an order of their own: dpkg's is that of its hash.
pub fn diversions(admindir: &Path) -> String {
    let text = fs::read_to_string(admindir.join("diversions")).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let mut entries: Vec<_> = lines.chunks(3).map(|e| e.join(" ")).collect();
    entries.sort();
    entries.join("\n    | ")
}
