//! One side of a scenario: its steps done, and what is seen after each.
//!
//! A view is reached by its commands alone. Files are looked at through a process in its context, packages by `-l`,
//! `-s` and `-L`, marks by apt-mark over the view, alternatives and diversions by their programs in the context.
//!
//! On the view's side, after each step, it is seen to it that it keeps its promises (`promise …`, of which there are none
//! in the chroot): one generation more at most, none by a step that failed; the host as before; `rollback` gives the state before the
//! step, and going forward again that after it, and neither changes the host.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::machine::{Machine, Said, quoted};
use super::record::{Seen, Subjects};
use super::said;
use super::scenario::{Scenario, State, Step, What};
use super::tree::{ENTRIES, Trees};
use crate::{During, Res, oracle};

/// The view that scenarios are about.
const VIEW: &str = "v";

/// Where the steps are done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In a stock chroot.
    Chroot,
    /// In a view of a stock host.
    View,
    /// In a view of the same host that a user without root makes, in a store of their own.
    User,
}

/// That user, and where they are at home.
const USER: u32 = 1000;
/// Of the harness: nothing of a package's is there.
pub const HOME: &str = "/debs/home";

impl Side {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Side::Chroot => "stock",
            Side::View => "view",
            Side::User => "user",
        }
    }

    /// Whether the packages are in a view.
    pub fn has_view(self) -> bool {
        self != Side::Chroot
    }

    /// A line of dpkg-ng's, by who calls it.
    fn by(self, line: &str) -> String {
        match self {
            Side::User => format!(
                "exec setpriv --reuid {USER} --regid {USER} --clear-groups env HOME={HOME} {line}"
            ),
            _ => format!("exec {line}"),
        }
    }
}

/// What a step does not change by itself when the view is rolled back.
const NOT_ROLLED_BACK: [&str; 10] = [
    "unpacked ",
    "path /etc",
    "path /var",
    "path /run",
    "path /home",
    "path /root",
    "path /srv",
    "account ",
    "debconf ",
    "template ",
];
/// Accounts, which are the host's for a view of either kind.
const ACCOUNTS: [&str; 13] = [
    "path /etc/passwd",
    "path /etc/group",
    "path /etc/shadow",
    "path /etc/gshadow",
    "path /etc/subuid",
    "path /etc/subgid",
    "path /etc/passwd-",
    "path /etc/group-",
    "path /etc/shadow-",
    "path /etc/gshadow-",
    "path /etc/subuid-",
    "path /etc/subgid-",
    "path /etc/.pwd.lock",
];

/// What of `/` is the users', the kernel's or the harness's.
const NOT_THE_SYSTEM: [&str; 10] = [
    "debs", "dev", "home", "media", "mnt", "proc", "root", "run", "sys", "tmp",
];

struct Run<'a> {
    scenario: &'a Scenario,
    machine: &'a Machine,
    side: Side,
    trees: Trees,
    /// The packages of the stock system: what `-l` says of each.
    base: BTreeMap<String, String>,
    /// All packages that were ever other than in the stock system.
    touched: BTreeSet<String>,
    /// What the view brings, by dpkg's own words.
    unpacked: BTreeSet<String>,
}

/// Does all of it.
pub fn run(scenario: &Scenario, machine: &Machine, side: Side) -> Res<Seen> {
    let mut run = Run {
        scenario,
        machine,
        side,
        trees: Trees::default(),
        base: BTreeMap::new(),
        touched: BTreeSet::new(),
        unpacked: BTreeSet::new(),
    };
    run.base = packages(&machine.must("COLUMNS=500 dpkg -l")?);
    if side == Side::User {
        machine.must(&format!("chown {USER}:{USER} {HOME}"))?;
    }
    if side.has_view() {
        let how = match scenario.state {
            State::Own => "",
            State::Host => " --state=host",
        };
        let said = machine.sh(&side.by(&format!("dpkg-ng view create {VIEW}{how}")))?;
        if said.code != 0 {
            return Err(format!(
                "view create{how}: exit {}\n{}",
                said.code, said.text
            ));
        }
    }
    let mut seen = Seen::default();
    let mut before = run.look(true);
    seen.add(Subjects::new(), &Subjects::new(), &before);
    let untouched = run.host()?;
    for step in scenario.steps {
        eprintln!("  {step}");
        if let What::Sources(suites) = step.what {
            machine.sources(suites)?;
            seen.add(Subjects::new(), &before, &before);
            continue;
        }
        let host = run.host()?;
        let generations = run.generations();
        let said = run.step(step)?;
        let mut events = match step.what {
            What::Shell(_) => Subjects::from([("said".to_owned(), said::whole(&said.text))]),
            What::Exec(_) => Subjects::from([("said".to_owned(), said::of_change(&said.text))]),
            _ => said::sections(&said.text),
        };
        events.insert("exit".into(), said.code.to_string());
        if side == Side::Chroot && said.code != step.code {
            return Err(format!(
                "{step}: exit {}, not {}\n{}",
                said.code, step.code, said.text
            ));
        }
        run.note_unpacked(&said);
        let now = run.look(false);
        if side.has_view() {
            let after = run.generations();
            let mut promises = Promises(&mut events);
            promises.one_generation(step, &said, generations.as_ref(), after.as_ref());
            let host_now = run.host()?;
            // To the host's state things are added, and taken back: what was there from the beginning stays as it is.
            let was = match scenario.state {
                State::Own => &host,
                State::Host => &untouched,
            };
            let changed = run.changed_of_host(was, &host_now);
            promises.host(scenario.state, changed);
            if step.changes()
                && let (Ok(generations), Ok(after)) = (&generations, &after)
                && after.count > generations.count
            {
                run.there_and_back(&mut promises, &before, &now, after)?;
            }
        }
        seen.add(events, &before, &now);
        before = now;
    }
    let mut events = Subjects::new();
    if side.has_view() && scenario.purged {
        let host_now = run.host()?;
        let changed = run.changed_of_host(&untouched, &host_now);
        Promises(&mut events).host(State::Own, changed);
    }
    for program in scenario.programs {
        let said = machine.sh_alone(&run.inside(program.line))?;
        if side == Side::Chroot {
            let missing = program.says.iter().find(|w| !said.text.contains(**w));
            if let Some(word) = missing {
                return Err(format!(
                    "{}: does not say {word:?}, exit {}\n{}",
                    program.line, said.code, said.text
                ));
            }
        }
        let text = said::whole(&said.text);
        let key = format!("program {}", program.line);
        events.insert(key, format!("exit {}\n{text}", said.code));
    }
    seen.add(events, &before, &before);
    Ok(seen)
}

/// The generations of the view.
struct Generations {
    count: usize,
    current: String,
}

impl Run<'_> {
    /// A shell line, seen from where the packages are.
    fn inside(&self, line: &str) -> String {
        match self.side {
            Side::Chroot => line.to_owned(),
            side => side.by(&format!(
                "dpkg-ng run --view {VIEW} -- sh -c {}",
                quoted(line)
            )),
        }
    }

    /// A line for dpkg.
    fn dpkg(&self, line: &str) -> String {
        match self.side {
            Side::Chroot => format!("exec dpkg {line}"),
            side => side.by(&format!("dpkg-ng --view {VIEW} {line}")),
        }
    }

    /// A line for apt.
    fn apt(&self, line: &str) -> String {
        match self.side {
            Side::Chroot if line.starts_with("apt") => format!("exec {line}"),
            Side::Chroot => format!("exec apt-get {line}"),
            side => side.by(&format!("dpkg-ng view apt {VIEW} -- {line}")),
        }
    }

    fn step(&self, step: &Step) -> Res<Said> {
        let line = match step.what {
            What::Apt(line) => self.apt(line),
            What::Dpkg(line) => self.dpkg(line),
            What::Shell(line) => self.inside(line),
            What::Exec(line) if self.side == Side::Chroot => line.to_owned(),
            What::Exec(line) => {
                let line = format!("dpkg-ng view exec {VIEW} -- sh -c {}", quoted(line));
                self.side.by(&line)
            }
            What::Sources(_) => return Err("no command".into()),
        };
        self.machine.sh(&line)
    }

    /// The whole state; the `first` time with more of the base system.
    fn look(&mut self, first: bool) -> Subjects {
        let mut out = Subjects::new();
        if let Err(e) = self.look_at_packages(first, &mut out) {
            out.insert("look packages".into(), e);
        }
        if let Err(e) = self.look_at_files(&mut out) {
            out.insert("look files".into(), e);
        }
        if self.side.has_view() {
            let unpacked = self.unpacked.iter();
            out.extend(unpacked.map(|name| (format!("unpacked {name}"), "there".to_owned())));
        }
        out
    }

    fn note_unpacked(&mut self, said: &Said) {
        for line in said.text.lines() {
            let name = |rest: &str| rest.split(' ').next().unwrap_or(rest).to_owned();
            if let Some(rest) = line.strip_prefix("Unpacking ") {
                self.unpacked.insert(name(rest));
            } else if let Some(rest) = line.strip_prefix("Removing ") {
                self.unpacked.remove(&name(rest));
            }
        }
    }

    fn must(&self, line: &str) -> Res<String> {
        let said = self.machine.sh(line)?;
        match said.code {
            0 => Ok(said.text),
            code => Err(format!("{line}: exit {code}\n{}", said.text)),
        }
    }

    fn look_at_packages(&mut self, first: bool, out: &mut Subjects) -> Res<()> {
        let listed = self
            .machine
            .sh(&format!("COLUMNS=500; export COLUMNS; {}", self.dpkg("-l")))?;
        let mut all = packages(&listed.text);
        if self.side.has_view() {
            // What it does not bring is the host's.
            for (name, what) in &self.base {
                all.entry(name.clone()).or_insert_with(|| what.clone());
            }
        }
        for (name, what) in &all {
            if self.base.get(name) != Some(what) {
                self.touched.insert(name.clone());
            }
            out.insert(format!("package {name}"), what.clone());
        }
        let gone = self.base.keys().filter(|n| !all.contains_key(*n));
        self.touched.extend(gone.cloned());
        let there: Vec<&str> = match (self.side, first) {
            // Which paths are the base system's is worth knowing once.
            (Side::Chroot, true) => all.keys().map(String::as_str).collect(),
            _ => self
                .touched
                .iter()
                .filter(|n| all.contains_key(*n))
                .map(String::as_str)
                .collect(),
        };
        if there.is_empty() {
            return Ok(());
        }
        let names = there.join(" ");
        let text = self.machine.sh(&self.dpkg(&format!("-s {names}")))?.text;
        for stanza in text.split("\n\n") {
            let field = |n: &str| stanza.lines().find_map(|l| l.strip_prefix(n)).unwrap_or("");
            let name = format!("{}:{}", field("Package: "), field("Architecture: "));
            out.insert(format!("stanza {name}"), stanza.trim_end().to_owned());
        }
        let text = self.machine.sh(&self.dpkg(&format!("-L {names}")))?.text;
        let lists: Vec<&str> = text.split("\n\n").collect();
        if lists.len() == there.len() {
            for (name, list) in there.iter().zip(lists) {
                let mut list: Vec<&str> = list.lines().collect();
                list.sort_unstable();
                out.insert(format!("list {name}"), list.join("\n"));
            }
        } else {
            out.insert("list of all".into(), text);
        }
        // Hold is part of the state that `-l` shows, and apt's own mark nowhere else.
        let auto = self.must(&self.apt("apt-mark showauto"))?;
        let auto: BTreeSet<&str> = auto.lines().collect();
        for whole in &there {
            // Of the native architecture it is the name alone.
            let native = ["amd64", "all"].iter();
            let mut names = native.filter_map(|a| whole.strip_suffix(a)?.strip_suffix(':'));
            let is = auto.contains(whole) || names.any(|n| auto.contains(n));
            let mark = if is { "auto" } else { "manual" };
            out.insert(format!("marks {whole}"), mark.to_owned());
        }
        Ok(())
    }

    /// Files, and what the programs of dpkg say that know of them.
    fn look_at_files(&mut self, out: &mut Subjects) -> Res<()> {
        let tools = [
            ("alternative", "update-alternatives --get-selections"),
            ("diversion", "dpkg-divert --list"),
            ("override", "dpkg-statoverride --list"),
        ];
        let lines: Vec<String> = tools
            .iter()
            .map(|(what, line)| format!("{line} | sed 's/^/{what} /'; "))
            .collect();
        let (window, said) = self
            .machine
            .look_through(|end| self.inside(&format!("{}{end}", lines.concat())))?;
        for line in said.lines() {
            let (key, value) = match line.strip_prefix("alternative ") {
                Some(line) => {
                    let (name, value) = line.split_once(' ').unwrap_or((line, ""));
                    (format!("alternative {name}"), value.trim())
                }
                None => (line.to_owned(), "there"),
            };
            out.insert(key, value.to_owned());
        }
        let root = window.root();
        self.trees.walk(&root, out)?;
        for file in ENTRIES {
            let text = fs::read(root.join(file.trim_start_matches('/'))).unwrap_or_default();
            entries(file, &String::from_utf8_lossy(&text), out);
        }
        Ok(())
    }

    /// All that was ever changed of the host, as it is now.
    fn host(&mut self) -> Res<Subjects> {
        let mut out = Subjects::new();
        let mut todo = Vec::new();
        let root = self.machine.root().to_path_buf();
        for entry in fs::read_dir(&root).during(root.display())?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !NOT_THE_SYSTEM.contains(&name.as_str()) {
                todo.push(format!("/{name}"));
            }
        }
        while let Some(path) = todo.pop() {
            let below = path.trim_start_matches('/');
            let whole = self.machine.root().join(below);
            let what = self.trees.describe(&whole, "").unwrap_or_default();
            out.insert(format!("path {path}"), what);
            let upper = self.machine.changed().join(below);
            if path == "/var/sys" || !upper.is_dir() || upper.is_symlink() {
                continue;
            }
            let lower = oracle::root(self.scenario.release).join(below);
            for entry in fs::read_dir(&upper).during(upper.display())?.flatten() {
                todo.push(format!("{path}/{}", entry.file_name().to_string_lossy()));
            }
            // A directory made anew hides what was there.
            for entry in fs::read_dir(&lower).into_iter().flatten().flatten() {
                if fs::symlink_metadata(whole.join(entry.file_name())).is_err() {
                    let name = entry.file_name();
                    out.insert(
                        format!("path {path}/{}", name.to_string_lossy()),
                        String::new(),
                    );
                }
            }
        }
        Ok(out)
    }

    /// What differs of the host, with what it was and what it is.
    fn changed_of_host(
        &mut self,
        before: &Subjects,
        after: &Subjects,
    ) -> Vec<(String, [String; 2])> {
        let mut out = Vec::new();
        let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for subject in all {
            if ACCOUNTS.contains(&subject.as_str()) {
                continue;
            }
            let is = after.get(subject).cloned().unwrap_or_default();
            let was = match before.get(subject) {
                Some(was) => was.clone(),
                // Until now it was as in the stock system.
                None => {
                    let below = subject.trim_start_matches("path /");
                    let stock = oracle::root(self.scenario.release).join(below);
                    self.trees.describe(&stock, "").unwrap_or_default()
                }
            };
            if was != is {
                out.push((subject.clone(), [was, is]));
            }
        }
        out
    }

    fn generations(&self) -> Res<Generations> {
        let text = self.must(&self.side.by(&format!("dpkg-ng view list {VIEW} --json")))?;
        let numbers = |word: &str| -> Vec<String> {
            text.split(word)
                .skip(1)
                .map(|rest| {
                    let rest = rest.trim_start_matches([':', ' ', '"']);
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
                    rest[..end.unwrap_or(rest.len())].to_owned()
                })
                .collect()
        };
        let all = numbers("\"generation\"");
        let current = numbers("\"current\"").iter().position(|c| c == "true");
        let current = current.and_then(|n| all.get(n)).cloned();
        Ok(Generations {
            count: all.len(),
            current: current.ok_or_else(|| format!("no generation is current:\n{text}"))?,
        })
    }

    /// Rolls back and forward again, and compares with what was seen before and after the step.
    fn there_and_back(
        &mut self,
        promises: &mut Promises<'_>,
        before: &Subjects,
        after: &Subjects,
        generations: &Generations,
    ) -> Res<()> {
        let host = self.host()?;
        let back = self
            .machine
            .sh(&self.side.by(&format!("dpkg-ng view rollback {VIEW}")))?;
        let now = self.look(false);
        promises.same("rollback", &back, before, &now);
        let forward = self.machine.sh(&self.side.by(&format!(
            "dpkg-ng view switch {VIEW}@{}",
            generations.current
        )))?;
        let now = self.look(false);
        promises.same("forward", &forward, after, &now);
        // Of either kind: /etc and /var stay.
        let host_now = self.host()?;
        let changed = self.changed_of_host(&host, &host_now);
        promises.host(State::Own, changed);
        Ok(())
    }
}

/// What a view promises, noted where it is not kept.
struct Promises<'a>(&'a mut Subjects);

impl Promises<'_> {
    fn one_generation(
        &mut self,
        step: &Step,
        said: &Said,
        before: Result<&Generations, &String>,
        after: Result<&Generations, &String>,
    ) {
        let key = "promise generations".to_owned();
        match (before, after) {
            (Ok(before), Ok(after)) => {
                let more = after.count.saturating_sub(before.count);
                let most = usize::from(step.changes() && said.code == 0);
                if more > most {
                    self.0.insert(key, format!("{more} more, not {most}"));
                }
            }
            (before, after) => {
                let wrong = before.err().or(after.err()).cloned();
                self.0.insert(key, wrong.unwrap_or_default());
            }
        }
    }

    fn host(&mut self, state: State, changed: Vec<(String, [String; 2])>) {
        for (subject, [was, is]) in changed {
            if state == State::Host && was.is_empty() {
                continue;
            }
            self.0.insert(
                format!("promise host {subject}"),
                format!("{} -> {}", or_nothing(&was), or_nothing(&is)),
            );
        }
    }

    fn same(&mut self, what: &str, said: &Said, wanted: &Subjects, now: &Subjects) {
        if said.code != 0 {
            let text = format!("exit {}\n{}", said.code, said.text);
            self.0.insert(format!("promise {what}"), text);
            return;
        }
        let all: BTreeSet<&String> = wanted.keys().chain(now.keys()).collect();
        for subject in all {
            if NOT_ROLLED_BACK.iter().any(|n| subject.starts_with(n)) {
                continue;
            }
            let (want, is) = (wanted.get(subject), now.get(subject));
            // What nothing was done to by then was not looked at closer.
            let closer = ["stanza ", "list ", "marks "];
            let name = closer.iter().find_map(|c| subject.strip_prefix(c));
            let package = name.map(|name| format!("package {name}"));
            let as_before =
                package.is_some_and(|p| wanted.contains_key(&p) && wanted.get(&p) == now.get(&p));
            if want.is_none() && as_before {
                continue;
            }
            if want != is {
                let text = |t: Option<&String>| or_nothing(t.map_or("", String::as_str)).to_owned();
                self.0.insert(
                    format!("promise {what} {subject}"),
                    format!("{} -> {}", text(want), text(is)),
                );
            }
        }
    }
}

fn or_nothing(text: &str) -> &str {
    match text {
        "" => "nothing",
        text => text,
    }
}

/// The packages that `-l` lists: `NAME:ARCH` to what it says of their state and version.
fn packages(text: &str) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [state, name, version, architecture, ..] = fields[..] else {
            continue;
        };
        let is = |at: usize, of: &str| state.chars().nth(at).is_some_and(|c| of.contains(c));
        if state.len() > 3 || !is(0, "uihrp") || !is(1, "ncHUFWti") {
            continue;
        }
        let name = name.split(':').next().unwrap_or(name);
        out.insert(
            format!("{name}:{architecture}"),
            format!("{state} {version}"),
        );
    }
    out
}

/// The entries of a file of accounts, or of debconf's answers.
fn entries(file: &str, text: &str, out: &mut Subjects) {
    let base = file.rsplit('/').next().unwrap_or(file);
    if file.starts_with("/etc/") {
        for line in text.lines() {
            let name = line.split(':').next().unwrap_or(line);
            // The day of the last change.
            let fields: Vec<&str> = line.split(':').collect();
            let line = match (base, &fields[..]) {
                ("shadow", [name, word, _, rest @ ..]) => {
                    format!("{name}:{word}::{}", rest.join(":"))
                }
                _ => line.to_owned(),
            };
            out.insert(format!("account {base} {name}"), line);
        }
        return;
    }
    let what = match base {
        "config.dat" => "debconf",
        _ => "template",
    };
    for stanza in text.split("\n\n") {
        if let Some(name) = stanza.lines().find_map(|l| l.strip_prefix("Name: ")) {
            out.insert(format!("{what} {name}"), stanza.trim_end().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::packages;

    #[test]
    fn only_packages_are_packages() {
        let seen = packages(
            "Desired=Unknown/Install/Remove/Purge/Hold\n\
             | Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n\
             |/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n\
             ||/ Name   Version Architecture Description\n+++-======-=====-====-====\n\
             ii  libc6:amd64  2.36-9 amd64 the C library\nrc  foo 1 all bar\niHR baz 2 all x\n",
        );
        let seen: Vec<_> = seen.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            seen,
            ["baz:all=iHR 2", "foo:all=rc 1", "libc6:amd64=ii 2.36-9"]
        );
    }
}
