//! Our side of a scenario about a view: dpkg-ng with its plugin in the root, which is the host and has hardly any packages.
//!
//! What is compared is what the view shows: after each step a process in a context of it ([`serve_inside`]) writes down the
//! tree and the database. Administrator's changes of /etc and /var are made in a context, too.
//!
//! What may differ from the chroot is in the tables here, each row with its reason: [`LINES`], [`PATHS`], [`ASIDE`].
//! What a view promises besides is in [`Promises`].

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::rng::Rng;
use super::spec::{Scenario, Step};
use super::stage::{RECENT, ROOT, edit as edit_below, receive, send};
use super::text;
use crate::sandbox::command;
use crate::snapshot::Snapshot;
use crate::{During, Res};

/// This program, and the plugin, in `/t` of the sandbox and of the root.
pub const OURSELVES: &str = "bin/compat";
/// See [`OURSELVES`].
pub const PLUGIN: &str = "bin/multi-version.so";

/// The view.
const VIEW: &str = "v";
/// How a command on it begins.
pub const CALL: [&str; 5] = [
    "/t/bin/dpkg-ng",
    "--plugin",
    "/t/bin/multi-version.so",
    "--view",
    VIEW,
];
/// Where it is, in the root.
const HOME: &str = "var/sys/views/v";

/// The host's one package, which it lends: as on any system, nobody's removal takes these directories away.
pub const BASE: &str = "\
Package: base-files
Essential: yes
Status: install ok installed
Priority: required
Section: admin
Maintainer: T <t@example.org>
Architecture: amd64
Version: 1
Description: directories

";
/// What it has; a file, too, as a package whose paths are all another's is taken for replaced.
pub const BASE_LIST: &str = "/.\n/etc\n/etc/passwd\n/opt\n/srv\n/var\n/var/cache\n/var/lib\n";

/// What a view's database has besides: it says that `/usr` is merged, as every view's is.
pub const MERGED_USR: &str = "\
Package: usr-is-merged
Status: install ok installed
Priority: optional
Section: oldlibs
Maintainer: the host's system <root@localhost>
Architecture: all
Multi-Arch: foreign
Version: 39+nmu2
Description: says that /usr is merged, as that of every view is

";

/// A row of a table: what, and why.
type Row = (&'static str, &'static str);

/// Beginnings of lines that only a command on a view has.
const LINES: [Row; 3] = [
    ("View v is at generation ", "what became of it"),
    (
        "dpkg-ng: nothing of view v has changed",
        "what became of it",
    ),
    ("dpkg-ng: view v is as it was", "what became of it"),
];

/// What a path in a message begins with, up to the number of a generation, what follows that, and what the chroot has instead.
const PATHS: [(&str, &str, &str, &str); 3] = [
    (
        "/var/sys/tmp/v-",
        "/main/root",
        "",
        "a world is made where it is not yet seen",
    ),
    (
        "/var/sys/tmp/v-",
        "/main/dpkg",
        "/var/lib/dpkg",
        "the same of its database",
    ),
    (
        "/var/sys/views/v/gen/",
        "/main/dpkg",
        "/var/lib/dpkg",
        "a query asks a world's database where it is",
    ),
];

/// The directories that are compared.
const COMPARED: [&str; 4] = ["etc", "opt", "srv", "var"];

/// What of them is not.
const ASIDE: [Row; 9] = [
    ("var/sys", "where views are kept"),
    ("var/lib/dpkg/lock", "a lock; a generation has none"),
    ("var/lib/dpkg/lock-frontend", "the same"),
    ("var/lib/dpkg/triggers/Lock", "the same"),
    (
        "var/lib/dpkg/status-old",
        "the database before the last command, also one that changed nothing, which leaves a view's as it is",
    ),
    ("var/lib/dpkg/available-old", "the same"),
    ("var/lib/dpkg/diversions-old", "the same"),
    ("var/lib/dpkg/statoverride-old", "the same"),
    (
        "var/log",
        "a view's log is beside its generations, and compared by itself",
    ),
];

/// Whether a step is for a view.
pub fn can(step: &Step) -> bool {
    match step {
        // Tools on the database are for scripts; dpkg-query's own actions but this are not a view's.
        Step::Run { words, .. } => match words.first().map(String::as_str) {
            Some("dpkg") => true,
            Some("dpkg-query") => {
                let has = |w: &str| words.iter().any(|word| word == w);
                ["-W", "-l", "-s", "-L", "-S", "-p"].into_iter().any(has)
            }
            _ => false,
        },
        // Files of packages are a generation's, its database is, and neither is changed by hand.
        Step::Write { path, .. }
        | Step::Delete { path }
        | Step::Link { path, .. }
        | Step::Mkdir { path } => {
            path.starts_with("/etc/")
                || path.starts_with("/var/") && !path.starts_with("/var/lib/dpkg")
        }
    }
}

/// What was said, as far as it is to be compared.
pub fn said(line: &str) -> Option<String> {
    if LINES.iter().any(|(start, _)| line.starts_with(start)) {
        return None;
    }
    let mut line = line.to_owned();
    for (lead, tail, instead, _) in PATHS {
        let mut from = 0;
        while let Some(at) = line[from..].find(lead).map(|at| from + at) {
            let rest = &line[at + lead.len()..];
            let number = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            from = at + lead.len();
            if rest[number..].starts_with(tail) {
                line.replace_range(at..from + number + tail.len(), instead);
                from = at;
            }
        }
    }
    Some(line)
}

/// The view's log, as seen from the sandbox.
pub fn log() -> PathBuf {
    Path::new(ROOT).join(HOME).join("dpkg.log")
}

/// Empties it.
pub fn forget_log() -> Res<()> {
    fs::write(log(), "").during("dpkg.log")
}

/// Makes the view, in a root that is made.
pub fn prepare() -> Res<()> {
    if !Path::new("/t").join(PLUGIN).is_file() {
        return Err("there is no plugin beside dpkg-ng: set DPKG_NG_PLUGIN".into());
    }
    let root = Path::new(ROOT);
    fs::create_dir(root.join("var/sys")).during("var/sys")?;
    for (name, content) in [("status", BASE), ("info/base-files.list", BASE_LIST)] {
        let path = root.join("var/lib/dpkg").join(name);
        fs::write(&path, content).during(path.display())?;
    }
    ours(&["view", "create", VIEW]).map(drop)
}

/// Runs our program in the root; gives what it wrote. That it fails is an error.
fn ours(words: &[&str]) -> Res<Vec<u8>> {
    run(&[&CALL[..3], words].concat(), "")
}

/// Runs this one, in the root or in a context of the view.
fn inside(what: &str, in_view: bool, input: &str) -> Res<Vec<u8>> {
    let itself = format!("/t/{OURSELVES}");
    let itself: [&str; 3] = [&itself, INSIDE, what];
    match in_view {
        true => {
            let context = ["run", "--view", VIEW, "--"];
            run(&[&CALL[..3], &context, &itself].concat(), input)
        }
        false => run(&itself, input),
    }
}

fn run(words: &[&str], input: &str) -> Res<Vec<u8>> {
    let mut child = command("/usr/sbin/chroot")
        .arg(ROOT)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .during("chroot")?;
    if let Some(mut to) = child.stdin.take() {
        to.write_all(input.as_bytes()).during("chroot")?;
    }
    let out = child.wait_with_output().during("chroot")?;
    match out.status.success() {
        true => Ok(out.stdout),
        false => Err(format!(
            "{}: {}\n{}",
            words.join(" "),
            out.status,
            String::from_utf8_lossy(&out.stderr)
        )),
    }
}

/// The command by which this program is told to look or change something where it is.
pub const INSIDE: &str = "--random-inside";

/// In a context: `look` writes down what is there, `edit` does the step that is read.
pub fn serve_inside(what: &str) -> Res<()> {
    let root = Path::new("/");
    if what == "edit" {
        let mut input = String::new();
        std::io::stdin()
            .read_to_string(&mut input)
            .during("standard input")?;
        let steps = text::read(&input)?.steps;
        return steps.iter().try_for_each(|step| edit_below(step, root));
    }
    let mut out = Vec::new();
    for (path, what) in &look(root).entries {
        send(&mut out, path)?;
        send(&mut out, what)?;
    }
    std::io::stdout().write_all(&out).during("standard output")
}

/// What is compared of a tree.
pub fn look(root: &Path) -> Snapshot {
    let mut s = Snapshot::with_links_within();
    let skip = |path: &str| {
        let top = path.split('/').next().unwrap_or_default();
        !COMPARED.contains(&top) || ASIDE.iter().any(|(aside, _)| *aside == path)
    };
    s.walk("", root, RECENT, &skip);
    // A generation's directories are made anew, and what they were changed by is not always what it would be in a chroot.
    for what in s.entries.values_mut().filter(|w| w.starts_with("dir ")) {
        what.truncate(what.find(" @").unwrap_or(what.len()));
    }
    s
}

/// What the view shows.
pub fn look_inside() -> Res<Snapshot> {
    let seen = inside("look", true, "")?;
    let mut seen = BufReader::new(&seen[..]);
    let mut snapshot = Snapshot::default();
    while !seen.fill_buf().during("what was seen")?.is_empty() {
        let mut one = || receive(&mut seen)?.ok_or_else(|| "half of a path".to_owned());
        let (path, what) = (one()?, one()?);
        snapshot.entries.insert(path, what);
    }
    Ok(snapshot)
}

/// Does what an administrator does, in the view or in the root.
pub fn edit(step: &Step, in_view: bool) -> Res<()> {
    let alone = Scenario {
        steps: vec![step.clone()],
        ..Scenario::default()
    };
    inside("edit", in_view, &text::write(&alone)).map(drop)
}

/// What a view promises: a command makes one generation or none; one that failed, none; to go back and forth shows what was
/// there, but that state stays; nothing of the host is changed.
pub struct Promises {
    rng: Rng,
    number: u64,
    host: Snapshot,
}

impl Promises {
    /// Of a view that is made. Whether to go back is drawn.
    pub fn begin(seed: u64) -> Res<Promises> {
        Ok(Promises {
            rng: Rng::new(!seed),
            number: current()?,
            host: look(Path::new(ROOT)),
        })
    }

    /// What was not kept, after a step; as text, which is empty if all was.
    pub fn kept(&mut self, failed: bool, before: &Snapshot, after: &Snapshot) -> Res<String> {
        let mut broken = String::new();
        let mut tell = |what: &str| broken.push_str(&format!("  promise: {what}\n"));
        let was = std::mem::replace(&mut self.number, current()?);
        let now = self.number;
        if now != was && (failed || now != was + 1) {
            tell(&format!("generation {was}, and then {now}"));
        }
        let host = look(Path::new(ROOT));
        if host.entries != self.host.entries {
            tell("the host is as it was");
            broken.push_str(&host.changes(&self.host));
            self.host = host;
        }
        if now != was && self.rng.chance(10) {
            ours(&["view", "rollback", VIEW])?;
            // State is not rolled back; what speaks of packages is none.
            let is_state = |path: &str| {
                let at = |dir: &str| path.starts_with(dir);
                (at("/etc") || at("/var")) && !at("/var/lib/dpkg") && !at("/etc/alternatives")
            };
            let mut wanted = Snapshot::default();
            for (from, state) in [(before, false), (after, true)] {
                let of = from.entries.iter().filter(|(p, _)| is_state(p) == state);
                wanted
                    .entries
                    .extend(of.map(|(p, w)| (p.clone(), w.clone())));
            }
            let back = look_inside()?.changes(&wanted);
            if !back.is_empty() {
                broken.push_str(&format!("  promise: rollback goes back\n{back}"));
            }
            ours(&["view", "switch", &format!("{VIEW}@{now}")])?;
            let forth = look_inside()?.changes(after);
            if !forth.is_empty() {
                broken.push_str(&format!("  promise: switch goes forth\n{forth}"));
            }
        }
        Ok(broken)
    }
}

/// The number of the view's current generation.
fn current() -> Res<u64> {
    let link = Path::new(ROOT).join(HOME).join("current");
    let to = fs::read_link(&link).during(link.display())?;
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    name.parse().during(link.display())
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn what_a_view_says_of_itself_goes() {
        assert_eq!(said("View v is at generation 3."), None);
        let line =
            "cannot open /var/sys/tmp/v-12/main/root/srv/a: as /var/sys/tmp/v-12/main/dpkg/info";
        let own = "cannot open /srv/a: as /var/lib/dpkg/info";
        assert_eq!(said(line).as_deref(), Some(own));
        assert_eq!(said("/var/sys/tmp/v-").as_deref(), Some("/var/sys/tmp/v-"));
    }
}
