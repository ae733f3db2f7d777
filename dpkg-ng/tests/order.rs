//! What is durable before what, told by the system calls of a run: a file's content before the
//! file has its name, a note before what it says becomes true, what replaced something before that
//! goes.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const DPKG_NG: &str = env!("CARGO_BIN_EXE_dpkg-ng");

/// A call: the lines at which it began and had ended, its text with the paths of descriptors.
struct Call {
    begun: usize,
    ended: usize,
    text: String,
}

/// The calls that strace saw, in the order they began.
fn calls(log: &str) -> Vec<Call> {
    let mut calls: Vec<(String, Call)> = Vec::new();
    for (line, text) in log.lines().enumerate() {
        let Some((thread, text)) = text.split_once(' ') else {
            continue;
        };
        let text = text.trim_start();
        if text.starts_with("<... ") {
            let last = calls.iter_mut().rev().find(|(t, _)| t == thread);
            if let Some((_, call)) = last {
                call.ended = line;
                // Its text goes on where it was interrupted.
                let begun = call.text.trim_end_matches("<unfinished ...>").trim_end();
                let rest = text.split_once(" resumed>").map_or("", |(_, rest)| rest);
                call.text = [begun, rest].concat();
            }
            continue;
        }
        let ended = match text.ends_with("<unfinished ...>") {
            true => usize::MAX,
            false => line,
        };
        let call = Call {
            begun: line,
            ended,
            text: text.to_owned(),
        };
        calls.push((thread.to_owned(), call));
    }
    calls.into_iter().map(|(_, call)| call).collect()
}

struct Trace {
    calls: Vec<Call>,
    root: String,
}

impl Trace {
    /// The calls of a name, with or without `at`, that have all of these words in their texts.
    fn all(&self, name: &str, words: &[&str]) -> Vec<&Call> {
        let is = |call: &&Call| {
            let (called, rest) = call.text.split_once('(').unwrap_or((&call.text, ""));
            called.trim_end_matches("at") == name && words.iter().all(|w| rest.contains(w))
        };
        self.calls.iter().filter(is).collect()
    }

    fn only(&self, name: &str, words: &[&str]) -> &Call {
        let found = self.all(name, words);
        assert_eq!(found.len(), 1, "{name} {words:?}");
        found[0]
    }

    /// Whether a descriptor of this path, or all of the file system, was synced after one call and before another.
    fn synced(&self, path: &str, after: usize, before: usize) -> bool {
        let path = format!("<{}{path}>", self.root);
        let mut syncs = self.all("fsync", &[&path]);
        syncs.extend(self.all("syncfs", &[]));
        syncs.iter().any(|s| s.begun > after && s.ended < before)
    }

    /// The same for a file that had no name when it was opened: by its number.
    fn synced_number(&self, number: &str, after: usize, before: usize) -> bool {
        let start = format!("fsync({number}<");
        let is = |c: &&Call| c.text.starts_with(&start) || c.text.starts_with("syncfs(");
        let mut syncs = self.calls.iter().filter(is);
        syncs.any(|s| s.begun > after && s.ended < before)
    }
}

/// A root with a database.
fn root() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for sub in ["info", "updates", "triggers"] {
        fs::create_dir_all(dir.path().join("var/lib/dpkg").join(sub)).unwrap();
    }
    fs::write(dir.path().join("var/lib/dpkg/status"), "").unwrap();
    dir
}

fn deb(dir: &Path, version: &str, files: &[(String, usize)]) -> PathBuf {
    let tree = dir.join(format!("tree{version}"));
    fs::create_dir_all(tree.join("DEBIAN")).unwrap();
    let control = format!(
        "Package: a\nVersion: {version}\nArchitecture: all\nMaintainer: T <t@e.x>\nDescription: x\n"
    );
    fs::write(tree.join("DEBIAN/control"), control).unwrap();
    let script = tree.join("DEBIAN/preinst");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(script, mode).unwrap();
    for (path, size) in files {
        let path = tree.join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![b'x'; *size]).unwrap();
    }
    let deb = dir.join(format!("a{version}.deb"));
    let mut build = Command::new(DPKG_NG);
    build.args(["dpkg-deb", "-Zgzip", "--root-owner-group", "-b"]);
    let done = build.arg(tree).arg(&deb).output().unwrap();
    assert!(done.status.success());
    deb
}

/// Do something under strace; `None` where there is none.
fn traced(root: &Path, options: &[&str], action: [&OsStr; 2]) -> Option<Trace> {
    let mut command = strace(root, "");
    command.arg(DPKG_NG).arg("dpkg");
    command.arg(format!("--root={}", root.display()));
    command.args([
        "--force-not-root",
        "--force-bad-path",
        "--force-script-chrootless",
        "--refuse-unsafe-io",
    ]);
    command.args(options).args(action);
    trace(command, root)
}

/// `strace`, which writes what order is told by, and `more`, to a file in `root`.
fn strace(root: &Path, more: &str) -> Command {
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-s", "200", "-o"])
        .arg(root.join("log"));
    let calls = "trace=fsync,fdatasync,syncfs,/^rename,/^link,/^unlink,/^execve";
    command.args(["-e", &[calls, more].concat()]);
    command
}

/// Run what [`strace`] began.
fn trace(mut command: Command, root: &Path) -> Option<Trace> {
    command.stdin(Stdio::null()).env("LC_ALL", "C");
    let Ok(done) = command.output() else {
        not_run::not_run("no strace here");
        return None;
    };
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    Some(Trace {
        calls: calls(&fs::read_to_string(root.join("log")).unwrap()),
        root: root.canonicalize().unwrap().display().to_string(),
    })
}

const INFO: &str = "/var/lib/dpkg/info";
const UPDATES: &str = "/var/lib/dpkg/updates";

/// The order of a new package, and of an upgrade.
fn check(trace: &Trace, files: &[(String, usize)], upgrade: bool) {
    // Every note is whole before it has its name.
    let notes = trace.all("rename", &["tmp.i\", "]);
    let expected = match upgrade {
        false => ["half-installed", "unpacked, and all is well"].len(),
        true => ["half-installed", "unpacked", "and all is well"].len(),
    };
    assert_eq!(notes.len(), expected);
    let mut before = 0;
    for note in &notes {
        let content = format!("{UPDATES}/tmp.i");
        assert!(trace.synced(&content, before, note.begun), "{}", note.text);
        before = note.ended;
    }
    let (half_installed, unpacked) = (notes[0], notes[1]);
    let scripts = trace.all("execve", &["tmp.ci/preinst"]);
    let script = scripts.first().expect("a script");
    assert!(trace.synced(UPDATES, half_installed.ended, script.begun));
    for (file, _) in files {
        let (dir, name) = file.rsplit_once('/').unwrap();
        let new = format!("\"{name}.dpkg-new\"");
        let placed = trace.only("rename", &[&new]);
        assert!(placed.begun > script.ended);
        assert!(placed.ended < unpacked.begun, "{file}");
        // Content that waited without a name has got one by its descriptor.
        let linked = trace.all("link", &[&new, "AT_EMPTY_PATH"]);
        let durable = match linked.first() {
            Some(link) => {
                let number = link.text.trim_start_matches("linkat(");
                let number = number.split('<').next().unwrap_or_default();
                trace.synced_number(number, link.ended, placed.begun)
            }
            None => trace.synced(&format!("{dir}/{name}.dpkg-new"), 0, placed.begun),
        };
        assert!(durable, "{file} has its name before its content is durable");
    }
    // What goes to info/ is durable before it has its name there, and that before the note.
    let list = trace.only("rename", &["a.list-new\", "]);
    assert!(trace.synced(&format!("{INFO}/a.list-new"), 0, list.begun));
    let preinst = trace.only("rename", &["a.preinst\")"]);
    let control = "/var/lib/dpkg/tmp.ci/preinst";
    assert!(trace.synced(control, 0, preinst.begun));
    for name in [list, preinst] {
        assert!(trace.synced(INFO, name.ended, unpacked.begun));
    }
    // The old files go when it is durable that the new ones are there.
    let mut backups = trace.all("unlink", &[".dpkg-tmp"]);
    backups.retain(|call| !call.text.contains("= -1 "));
    assert_eq!(backups.len(), if upgrade { files.len() } else { 0 });
    for gone in backups {
        assert!(trace.synced(UPDATES, unpacked.ended, gone.begun));
    }
}

/// The order of a removal of which nothing remains, without scripts.
fn check_removal(trace: &Trace, files: &[(String, usize)]) {
    let notes = trace.all("rename", &["tmp.i\", "]);
    let [half_installed, gone] = notes[..] else {
        panic!("{} notes", notes.len());
    };
    let content = format!("{UPDATES}/tmp.i");
    assert!(trace.synced(&content, 0, half_installed.begun));
    assert!(trace.synced(&content, half_installed.ended, gone.begun));
    for (file, _) in files {
        let (_, name) = file.rsplit_once('/').unwrap();
        let removed = trace.only("unlink", &[&format!("\"{name}\"")]);
        assert!(trace.synced(UPDATES, half_installed.ended, removed.begun));
        assert!(removed.ended < gone.begun, "{file}");
    }
    let list = trace.only("unlink", &["\"a.list\""]);
    assert!(trace.synced(INFO, list.ended, gone.begun));
}

#[test]
fn nothing_has_its_name_before_it_is_durable() {
    let few = [("small", 10), ("large", 900_000), ("other", 70_000)];
    let few = few.map(|(name, size)| (format!("/usr/a/{name}"), size));
    let many = (0..40).map(|n| (format!("/usr/b/{n:02}"), n * 3_000));
    let many: Vec<_> = few.iter().cloned().chain(many).collect();
    for (files, options) in [
        (&few[..], &[][..]),
        (&few, &["--no-read-ahead"]),
        (&few, &["--read-ahead=1"]),
        (&many, &[]),
    ] {
        let root = root();
        for (version, upgrade) in [("1", false), ("2", true)] {
            let deb = deb(root.path(), version, files);
            let unpack = ["--unpack".as_ref(), deb.as_os_str()];
            let Some(trace) = traced(root.path(), options, unpack) else {
                return;
            };
            check(&trace, files, upgrade);
        }
        let remove = ["--remove".as_ref(), "a".as_ref()];
        if let Some(trace) = traced(root.path(), options, remove) {
            check_removal(&trace, files);
        }
    }
}

/// The same for another tool; each word with `ROOT` in it has the root's path there.
fn traced_tool(root: &Path, words: &[&str]) -> Option<Trace> {
    let mut command = strace(root, ",/^mkdir,/^chmod,/^fchmod");
    let shown = root.display().to_string();
    let words = words.iter().map(|word| word.replace("ROOT", &shown));
    command.arg(DPKG_NG).args(words);
    trace(command, root)
}

#[test]
fn alternatives_are_durable_step_by_step() {
    let root = root();
    for path in ["usr/bin", "etc", "var/log"] {
        fs::create_dir_all(root.path().join(path)).unwrap();
    }
    for name in ["one", "two"] {
        fs::write(root.path().join("usr/bin").join(name), "").unwrap();
    }
    let (admin, alt, bin) = (
        "/var/lib/dpkg/alternatives",
        "/etc/alternatives",
        "/usr/bin",
    );
    let end = usize::MAX;
    for (choice, priority) in [("/usr/bin/one", "1"), ("/usr/bin/two", "2")] {
        let install = [
            "update-alternatives",
            "--root",
            "ROOT",
            "--install",
            "/usr/bin/way",
            "way",
            choice,
            priority,
        ];
        let Some(trace) = traced_tool(root.path(), &install) else {
            return;
        };
        // The file is whole before it has its name, and has it before links lead to the choice.
        let file = trace.only("rename", &["way.dpkg-tmp\"", &format!("{admin}>, \"way\"")]);
        assert!(trace.synced(&format!("{admin}/way.dpkg-tmp"), 0, file.begun));
        let link = trace.only("rename", &["way.dpkg-tmp\"", &format!("{alt}>, \"way\"")]);
        assert!(trace.synced(admin, file.ended, link.begun), "{choice}");
        assert!(trace.synced(alt, link.ended, end), "{choice}");
        if priority == "1" {
            let link = trace.only("rename", &["way.dpkg-tmp\"", &format!("{bin}>, \"way\"")]);
            assert!(trace.synced(bin, link.ended, end));
            let made = trace.only("mkdir", &["\"alternatives\"", "/etc>"]);
            assert!(trace.synced("/etc", made.ended, end));
            let made = trace.only("mkdir", &["\"alternatives\"", "/var/lib/dpkg>"]);
            assert!(trace.synced("/var/lib/dpkg", made.ended, link.begun));
        }
    }
    let remove = [
        "update-alternatives",
        "--root",
        "ROOT",
        "--remove-all",
        "way",
    ];
    if let Some(trace) = traced_tool(root.path(), &remove) {
        // What is known of the links goes when they are gone.
        let file = trace.only("unlink", &[&format!("{admin}>, \"way\"")]);
        for dir in [alt, bin] {
            let link = trace.only("unlink", &[&format!("{dir}>, \"way\"")]);
            assert!(trace.synced(dir, link.ended, file.begun), "{dir}");
        }
        assert!(trace.synced(admin, file.ended, end));
    }
}

#[test]
fn what_is_noted_of_a_file_is_durable() {
    let root = root();
    fs::create_dir_all(root.path().join("opt")).unwrap();
    fs::create_dir_all(root.path().join("srv")).unwrap();
    fs::write(root.path().join("opt/f"), "").unwrap();
    let admin = "/var/lib/dpkg";
    let user = nix::unistd::geteuid().to_string();
    let group = nix::unistd::getegid().to_string();
    let (user, group) = (format!("#{user}"), format!("#{group}"));
    let add = [
        "dpkg-statoverride",
        "--force-not-root",
        "--root=ROOT",
        "--update",
        "--add",
    ];
    let add = [&add[..], &[&user, &group, "640", "/opt/f"]].concat();
    let Some(trace) = traced_tool(root.path(), &add) else {
        return;
    };
    let noted = trace.only("rename", &["\"statoverride-new\""]);
    // Which of the calls it is, is up to the C library and the kernel.
    let is_it = |c: &&Call| {
        let names = ["\"f\"", "/opt/f>", "\"/proc/self/fd/"];
        c.text.contains("chmod") && names.iter().any(|name| c.text.contains(name))
    };
    let changed = trace.calls.iter().rfind(is_it).expect("a mode");
    assert!(trace.synced("/opt/f", changed.ended, noted.begun));
    assert!(trace.synced(admin, noted.ended, usize::MAX));
    let divert = [
        "dpkg-divert",
        "--root=ROOT",
        "--local",
        "--rename",
        "--divert",
        "/srv/f",
    ];
    let divert = [&divert[..], &["--add", "/opt/f"]].concat();
    if let Some(trace) = traced_tool(root.path(), &divert) {
        let noted = trace.only("rename", &["\"diversions-new\""]);
        assert!(trace.synced(admin, noted.ended, usize::MAX));
        let moved = trace.only("rename", &["\"f\"", "/opt>", "/srv>"]);
        for dir in ["/opt", "/srv"] {
            assert!(trace.synced(dir, moved.ended, usize::MAX), "{dir}");
        }
    }
}

#[test]
fn the_helper_leaves_durable_names() {
    let root = root();
    fs::create_dir_all(root.path().join("opt")).unwrap();
    std::os::unix::fs::symlink("away", root.path().join("opt/link")).unwrap();
    let mut command = strace(root.path(), "");
    command
        .arg(DPKG_NG)
        .args(["dpkg-maintscript-helper", "symlink_to_dir"]);
    command.args(["/opt/link", "away", "2", "pk", "--", "upgrade", "1"]);
    command.env("DPKG_ROOT", root.path());
    command.env("DPKG_MAINTSCRIPT_NAME", "preinst");
    command.env("DPKG_MAINTSCRIPT_PACKAGE", "pk");
    if let Some(trace) = trace(command, root.path()) {
        let moved = trace.only("rename", &["link.dpkg-backup\""]);
        assert!(trace.synced("/opt", moved.ended, usize::MAX));
    }
}
