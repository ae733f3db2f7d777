//! What a case talks to: it builds packages, changes the tree, runs commands, and writes down all
//! that can be seen after each of them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::During;
use crate::deb::{Deb, TIME, stamp};
use crate::sandbox::{Who, command};
use crate::snapshot::{Snapshot, normalise, now};

/// Where `--root` points in cases.
pub const ROOT: &str = "/t/root";

/// The user that cases run as when they are not root.
pub const USER: u32 = 1000;

/// What ours is like stock in, and what not.
const PARITY: &str = include_str!("../parity.tsv");

/// What a command did.
pub struct Outcome {
    /// The exit code, or 128 + signal.
    pub code: i32,
    /// Standard output, as it came.
    pub stdout: String,
    /// Standard error, as it came.
    pub stderr: String,
}

/// One run of one case.
pub struct World {
    /// Whose programs are run.
    pub who: Who,
    journal: String,
    failures: Vec<String>,
    before: Snapshot,
    since: i64,
    user: Option<u32>,
    stdin: String,
    env: Vec<(String, String)>,
    log: usize,
}

impl World {
    /// Begins a run in the sandbox this process is in.
    pub fn new(who: Who) -> World {
        let mut w = World {
            who,
            journal: String::new(),
            failures: Vec::new(),
            before: Snapshot::default(),
            since: now(),
            user: None,
            stdin: String::new(),
            env: Vec::new(),
            log: 0,
        };
        w.before = w.snapshot();
        w
    }

    /// All that was observed, and every stated expectation that was not met.
    pub fn finish(self) -> (String, Vec<String>) {
        (self.journal, self.failures)
    }

    /// Builds a package; gives its path.
    pub fn deb(&mut self, deb: &Deb) -> String {
        let built = deb.build(Path::new("/t/debs"));
        // Building leaves its traces in /tmp.
        self.before = self.snapshot();
        match built {
            Ok(path) => path,
            Err(e) => self.fail(format!("building {} failed: {e}", deb.name)),
        }
    }

    /// Builds packages and installs them in one go, which must succeed.
    pub fn install(&mut self, debs: &[Deb]) {
        let paths: Vec<_> = debs.iter().map(|d| self.deb(d)).collect();
        self.ok(&format!("$D -i {}", paths.join(" ")));
    }

    /// Sets the user for what follows; `None` is root. The user gets a root directory of its own
    /// (empty, at /t/user/root), for which `$D` has the options that make it work.
    pub fn user(&mut self, user: Option<u32>) {
        self.user = user;
        if let Some(uid) = user {
            let root = Path::new("/t/user/root");
            let admin = root.join("var/lib/dpkg");
            let done = fs::create_dir_all(root)
                .during("user root")
                .and_then(|()| crate::sandbox::empty_database(&admin))
                .and_then(|()| {
                    let own = |p: &Path| {
                        std::os::unix::fs::chown(p, Some(uid), Some(uid)).during(p.display())
                    };
                    for p in ["", "root", "root/var", "root/var/lib", "root/var/lib/dpkg"] {
                        own(&Path::new("/t/user").join(p))?;
                    }
                    for p in [
                        "info",
                        "updates",
                        "triggers",
                        "parts",
                        "status",
                        "available",
                    ] {
                        own(&admin.join(p))?;
                    }
                    Ok(())
                });
            if let Err(e) = done {
                self.fail(e);
            }
        }
    }

    /// Sets what the next command reads from its standard input (nothing otherwise).
    pub fn stdin(&mut self, text: &str) -> &mut World {
        text.clone_into(&mut self.stdin);
        self
    }

    /// Sets an environment variable for all that follows.
    pub fn env(&mut self, name: &str, value: &str) {
        self.env.retain(|e| e.0 != name);
        self.env.push((name.into(), value.into()));
    }

    /// Runs a shell line, which must exit 0.
    pub fn ok(&mut self, line: &str) -> Outcome {
        self.exit(0, line)
    }

    /// Runs a shell line, which must exit with this code. In it, `$D` is `dpkg` on the root with
    /// status lines on descriptor 9, `$Q` is `dpkg-query` on it, and `$R` the root.
    pub fn exit(&mut self, code: i32, line: &str) -> Outcome {
        let out = self.run(line);
        if out.code != code {
            self.failures.push(format!(
                "expected exit {code}, not {}, of: {line}\n{}{}",
                out.code, out.stdout, out.stderr
            ));
        }
        out
    }

    /// States that something holds.
    pub fn expect(&mut self, holds: bool, what: &str) {
        if !holds {
            self.failures.push(format!("does not hold: {what}"));
        }
    }

    /// Runs a shell line in which ours deviates from stock by intent: each must exit with its own
    /// code, and nothing is compared. `name` is that of the row in `parity.tsv` which tells why.
    pub fn deviates(&mut self, name: &str, theirs: i32, ours: i32, line: &str) {
        let listed = PARITY.lines().any(|row| {
            let cells: Vec<&str> = row.split('\t').collect();
            cells.get(1) == Some(&name) && cells.get(2) == Some(&"deviation")
        });
        self.expect(listed, &format!("{name} is a deviation in parity.tsv"));
        self.expect(theirs != ours, "the exit codes tell the deviation");
        let length = self.journal.len();
        let code = match self.who {
            Who::Theirs => theirs,
            Who::Ours => ours,
        };
        self.exit(code, line);
        self.journal.truncate(length);
    }

    /// Runs a shell line and writes down all it did.
    pub fn run(&mut self, line: &str) -> Outcome {
        let fd9 = "/t/statusfd";
        let _ = fs::write(fd9, "");
        let root = if self.user.is_some() {
            "/t/user/root"
        } else {
            ROOT
        };
        let mut c = command("timeout");
        c.args(["--foreground", "-k", "5", "60", "sh", "-c"])
            .arg(format!("exec 9>>{fd9}; umask 022; {line}"))
            .env("R", root)
            .env("Q", format!("dpkg-query --root={root}"))
            .env("D", self.dpkg(root))
            .envs(self.env.iter().map(|(n, v)| (n, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(uid) = self.user {
            c.uid(uid).gid(uid).env("HOME", "/t/user");
            let _ = std::os::unix::fs::chown(fd9, Some(uid), Some(uid));
        }
        let input = std::mem::take(&mut self.stdin);
        let out = c.spawn().and_then(|mut child| {
            if let Some(mut pipe) = child.stdin.take() {
                // A command that does not read its input closes the pipe early.
                let _ = pipe.write_all(input.as_bytes());
            }
            child.wait_with_output()
        });
        let out = match out {
            Ok(out) => out,
            Err(e) => {
                let code = -1;
                let stderr = self.fail(format!("{line}: {e}"));
                return Outcome {
                    code,
                    stdout: String::new(),
                    stderr,
                };
            }
        };
        let code = {
            use std::os::unix::process::ExitStatusExt;
            out.status
                .code()
                .unwrap_or_else(|| 128 + out.status.signal().unwrap_or(0))
        };
        let stdout = text(&out.stdout);
        let stderr = text(&out.stderr);
        self.note(&format!("$ {line}\n"));
        if !input.is_empty() {
            self.block("stdin", &input);
        }
        self.note(&format!("  exit {code}\n"));
        self.block("stdout", &stdout);
        self.block("stderr", &settled(&stderr));
        self.block(
            "status-fd",
            &fs::read(fd9).map(|b| text(&b)).unwrap_or_default(),
        );
        let log = fs::read("/var/log/dpkg.log")
            .map(|b| text(&b))
            .unwrap_or_default();
        let new = log.get(self.log..).unwrap_or(&log).to_owned();
        self.log = log.len();
        self.block("log", &new);
        let after = self.snapshot();
        let changes = after.changes(&self.before);
        self.note(&changes);
        self.before = after;
        Outcome {
            code,
            stdout,
            stderr,
        }
    }

    fn dpkg(&self, root: &str) -> String {
        match self.user {
            None => format!("dpkg --root={root} --status-fd=9"),
            Some(_) => format!(
                "dpkg --root={root} --status-fd=9 --force-not-root --force-script-chrootless --log=/t/user/log"
            ),
        }
    }

    /// Writes a file of the root, with all parents, dated like the packages.
    pub fn write(&mut self, path: &str, content: &str) {
        self.write_bytes(path, content.as_bytes());
    }

    /// Like [`World::write`], for any bytes.
    pub fn write_bytes(&mut self, path: &str, content: &[u8]) {
        let path = self.path(path);
        if let Some(parent) = path.parent() {
            let _ = fs::create_dir_all(parent);
        }
        let done = fs::write(&path, content)
            .during(path.display())
            .and_then(|()| stamp(&path, TIME + 1));
        if let Err(e) = done {
            self.fail(e);
        }
        self.before = self.snapshot();
    }

    /// Runs a shell line with stock's tools that prepares something and is not itself observed.
    pub fn prepare(&mut self, line: &str) {
        let out = command("sh")
            .args(["-ec", &format!("umask 022; {line}")])
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("R", ROOT)
            .output();
        match out {
            Ok(out) if out.status.success() => {}
            Ok(out) => {
                let e = text(&out.stderr);
                self.fail(format!("{line}: {e}"));
            }
            Err(e) => {
                self.fail(format!("{line}: {e}"));
            }
        }
        self.before = self.snapshot();
    }

    /// Makes a maintainer script of [`Deb::scripts`] fail: `PACKAGE-VERSION.SCRIPT.ACTION`.
    pub fn make_fail(&mut self, what: &str) {
        self.write(&format!("/fail/{what}"), "");
    }

    /// Undoes [`World::make_fail`].
    pub fn make_work(&mut self, what: &str) {
        let _ = fs::remove_file(self.path(&format!("/fail/{what}")));
        self.before = self.snapshot();
    }

    /// The content of a file of the root, empty if there is none.
    pub fn read(&self, path: &str) -> String {
        fs::read(self.path(path))
            .map(|b| text(&b))
            .unwrap_or_default()
    }

    /// Whether a path of the root exists (links are not followed).
    pub fn exists(&self, path: &str) -> bool {
        fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// Sets the mode of a path of the root.
    pub fn chmod(&mut self, path: &str, mode: u32) {
        let path = self.path(path);
        if let Err(e) = fs::set_permissions(&path, fs::Permissions::from_mode(mode)) {
            self.fail(format!("{}: {e}", path.display()));
        }
        self.before = self.snapshot();
    }

    fn path(&self, path: &str) -> PathBuf {
        let root = if self.user.is_some() {
            "/t/user/root"
        } else {
            ROOT
        };
        Path::new(root).join(path.trim_start_matches('/'))
    }

    fn snapshot(&self) -> Snapshot {
        let mut s = Snapshot::default();
        // `t` is ours, and the log is shown by what each command adds to it.
        let mine = |p: &str| p == "t" || p == "var/log/dpkg.log";
        s.walk("", Path::new("/t/up/main"), self.since, &mine);
        s.walk("R", Path::new("/t/up/root"), self.since, &|p| p == "t");
        s.walk("W", Path::new("/t/w"), self.since, &|_| false);
        s.walk("H", Path::new("/t/home"), self.since, &|_| false);
        s.walk("U", Path::new("/t/user"), self.since, &|p| p == "log");
        s
    }

    fn note(&mut self, text: &str) {
        self.journal.push_str(text);
    }

    fn block(&mut self, name: &str, text: &str) {
        // Ours says in --version who it is: a deviation by intent.
        for line in text.lines().filter(|l| !l.starts_with("This is dpkg-ng ")) {
            self.journal
                .push_str(&format!("  {name}: {}\n", normalise(line)));
        }
        if !text.is_empty() && !text.ends_with('\n') {
            self.journal
                .push_str(&format!("  {name}: \\ no newline at end\n"));
        }
    }

    fn fail(&mut self, what: String) -> String {
        self.failures.push(what.clone());
        what
    }
}

/// Standard error with that line at the end which stock's child says whenever it comes to it.
fn settled(stderr: &str) -> String {
    let (late, mut lines): (Vec<&str>, Vec<&str>) = stderr.split_inclusive('\n').partition(|l| {
        l.starts_with("dpkg-deb: ")
            && l.contains("paste")
            && l.contains(" subprocess was killed by signal")
    });
    lines.extend(late);
    lines.concat()
}

fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(s) => s.to_owned(),
        // Keep every byte visible: a replacement character would make two outputs look alike.
        Err(_) => bytes
            .split_inclusive(|b| *b == b'\n')
            .map(|l| match std::str::from_utf8(l) {
                Ok(s) => s.to_owned(),
                Err(_) => format!("{}\n", l.escape_ascii()),
            })
            .collect(),
    }
}
