//! Random sequences of calls of update-alternatives over a few link groups, between which an
//! administrator (or a broken script) changes links, files and admin files.
//!
//! Names are few, so that groups, links and slaves meet; most calls are sensible, some are not.

use super::rng::Rng;
use super::spec::{Scenario, Step};

const GROUPS: [&str; 3] = ["ga", "gb", "gc-%s-é"];
const SLAVES: [&str; 4] = ["sa", "sb", "sc", "sd"];
const FILES: [&str; 4] = ["f1", "f2", "f3", "f4"];
const PRIORITIES: [&str; 8] = ["-1", "0", "5", "10", "10", "20", "30", "2147483647"];
/// What `--install` takes for a priority, more and less readily.
const ODD_PRIORITIES: [&str; 7] = [" 7", "+3", "007", "-2147483648", "2147483648", "1x", ""];
const ADMIN: &str = "/var/lib/dpkg/alternatives";
const ALT: &str = "/etc/alternatives";

/// A scenario of about `count` calls and changes.
pub fn random(rng: &mut Rng, seed: u64, count: usize) -> Scenario {
    let inside = rng.chance(30);
    let mut story = Story {
        rng,
        inside,
        steps: Vec::new(),
    };
    for dir in ["/srv/bin", "/srv/man", "/srv/f"] {
        story.steps.push(Step::Mkdir { path: dir.into() });
    }
    for file in FILES {
        if story.rng.chance(95) {
            story.write(format!("/srv/f/{file}"), file.into());
        }
    }
    if story.rng.chance(5) {
        let path = ALT.into();
        story.steps.push(Step::Mkdir { path });
    }
    for _ in 0..3 {
        story.install();
    }
    for _ in 0..count {
        story.act();
    }
    Scenario {
        seed,
        inside,
        view: false,
        packages: Vec::new(),
        steps: story.steps,
    }
}

struct Story<'a> {
    rng: &'a mut Rng,
    /// Whether it happens in a chroot. With `--root`, an absolute link leads stock out of the root, and
    /// ours not: none may be where one is followed.
    inside: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Copy)]
enum Act {
    Install,
    Remove,
    RemoveAll,
    Set,
    Auto,
    Show,
    List,
    Selections,
    SetSelections,
    Config,
    All,
    Wrong,
    LoseLink,
    MoveLink,
    RealFile,
    Directory,
    MoveDirectory,
    LoseFile,
    File,
    OddFile,
    Corrupt,
    Leftover,
}

impl Story<'_> {
    fn act(&mut self) {
        let act = self.rng.weighted(&[
            (30, Act::Install),
            (9, Act::Remove),
            (2, Act::RemoveAll),
            (9, Act::Set),
            (8, Act::Auto),
            (5, Act::Show),
            (2, Act::List),
            (2, Act::Selections),
            (7, Act::SetSelections),
            (8, Act::Config),
            (3, Act::All),
            (2, Act::Wrong),
            (8, Act::LoseLink),
            (8, Act::MoveLink),
            (4, Act::RealFile),
            (1, Act::Directory),
            (1, Act::MoveDirectory),
            (3, Act::LoseFile),
            (6, Act::File),
            (1, Act::OddFile),
            (4, Act::Corrupt),
            (2, Act::Leftover),
        ]);
        let group = self.group().to_owned();
        let named = |option: &str| vec![option.to_owned(), group.clone()];
        match act.unwrap_or(Act::Show) {
            Act::Install => self.install(),
            Act::Remove => {
                let path = self.path();
                self.call([named("--remove"), vec![path]].concat(), "");
            }
            Act::RemoveAll => self.call(named("--remove-all"), ""),
            Act::Set => {
                let path = self.path();
                self.call([named("--set"), vec![path]].concat(), "");
            }
            Act::Auto => self.call(named("--auto"), ""),
            Act::Show => {
                let option = self.rng.word(&["--query", "--display"]);
                self.call(named(option), "");
            }
            Act::List => self.call(named("--list"), ""),
            Act::Selections => self.call(vec!["--get-selections".into()], ""),
            Act::SetSelections => {
                let lines: String = (0..self.rng.range(1, 3))
                    .map(|_| self.selection())
                    .collect();
                self.call(vec!["--set-selections".into()], &lines);
            }
            Act::Config => {
                let answers = self.answers(2);
                self.call(named("--config"), &answers);
            }
            Act::All => {
                let answers = self.answers(4);
                self.call(vec!["--all".into()], &answers);
            }
            Act::Wrong => self.wrong(),
            Act::LoseLink => {
                let path = self.any_link();
                self.steps.push(Step::Delete { path });
            }
            Act::MoveLink => {
                let path = self.any_link();
                let target = match self.rng.below(10) {
                    0 if self.inside => self.any_link(),
                    1 => "relative".into(),
                    2 => "/srv/nowhere".into(),
                    _ => self.path(),
                };
                let target = match path == ALT {
                    true => self.followed(&path, target),
                    false => target,
                };
                self.steps.push(Step::Link { path, target });
            }
            Act::RealFile => {
                let path = self.any_link();
                self.steps.push(Step::Delete { path: path.clone() });
                self.write(path, "real".into());
            }
            Act::Directory => {
                let path = self.any_link();
                self.directory(path);
            }
            Act::MoveDirectory => {
                let path = self.rng.word(&["/srv/bin", "/srv/man", ALT]).to_owned();
                self.steps.push(Step::Delete { path: path.clone() });
                let mut target = self.rng.word(&["../srv/bin", "../srv/man", "../srv/f"]);
                if path == ALT && !self.inside {
                    target = "../srv/f"; // Elsewhere links lead to themselves, from one root to the other.
                }
                let target = target.to_owned();
                self.steps.push(Step::Link { path, target });
            }
            Act::LoseFile => {
                let path = self.path();
                self.steps.push(Step::Delete { path });
            }
            Act::File => {
                let path = self.path();
                self.write(path, "again".into());
            }
            Act::OddFile => {
                let path = self.path();
                self.odd(path);
            }
            Act::Leftover => {
                let admin = self.rng.below(3) == 0;
                let of = match admin {
                    true => format!("{ADMIN}/{group}"),
                    false => self.any_link(),
                };
                let path = format!("{of}.dpkg-tmp");
                if self.rng.chance(50) {
                    self.write(path, "left".into());
                } else if admin {
                    // Through a link there stock writes, and ours does not.
                    self.directory(path);
                } else {
                    self.odd(path);
                }
            }
            Act::Corrupt => {
                let content = self.admin_file(&group);
                self.write(format!("{ADMIN}/{group}"), content);
            }
        }
    }

    fn write(&mut self, path: String, content: String) {
        self.steps.push(Step::Write { path, content });
    }

    fn directory(&mut self, path: String) {
        self.steps.push(Step::Delete { path: path.clone() });
        self.steps.push(Step::Mkdir { path });
    }

    /// A directory or a link at this path.
    fn odd(&mut self, path: String) {
        if self.rng.chance(50) {
            return self.directory(path);
        }
        let target = self.path();
        let target = self.followed(&path, target);
        self.steps.push(Step::Link { path, target });
    }

    /// The target of a link at `path` that is going to be followed.
    fn followed(&self, path: &str, target: String) -> String {
        if self.inside || !target.starts_with('/') {
            return target;
        }
        let up = path.matches('/').count().saturating_sub(1);
        format!("{}{}", "../".repeat(up), &target[1..])
    }

    fn call(&mut self, arguments: Vec<String>, stdin: &str) {
        let mut words = vec!["update-alternatives".to_owned()];
        let options = [
            (74, ""),
            (2, "--force --verbose"),
            (1, "--debug --skip-auto --force"),
            (1, "--altdir /srv/man --force --log /srv/man/log"),
            (7, "--force"),
            (4, "--verbose"),
            (3, "--debug"),
            (3, "--quiet"),
            (3, "--skip-auto"),
            (2, "--altdir /srv/man"),
            (2, "--log /srv/f/log"),
        ];
        let option = self.rng.weighted(&options).unwrap_or("");
        // Where other links are, an alternative's link may be to one.
        let option = match self.inside {
            true => option.to_owned(),
            false => option.replace("--altdir /srv/man", "--altdir /srv/alt"),
        };
        words.extend(option.split_whitespace().map(str::to_owned));
        words.extend(arguments);
        let stdin = stdin.to_owned();
        self.steps.push(Step::Run { words, stdin });
    }

    /// Mostly of the first group, so that one of them has a life.
    fn group(&mut self) -> &'static str {
        match self.rng.below(100) {
            0..=69 => GROUPS[0],
            70..=84 => GROUPS[1],
            85..=98 => GROUPS[2],
            _ => self.rng.word(&SLAVES),
        }
    }

    fn path(&mut self) -> String {
        match self.rng.below(120) {
            0 => "/srv/f".into(),
            1 => "/srv/f/none".into(),
            2 => "/srv/f/f1/below".into(),
            3 if self.inside => "/srv/bin/ga".into(),
            _ => format!("/srv/f/{}", self.rng.word(&FILES)),
        }
    }

    /// The generic name of a group or slave: one of two, or one that makes trouble.
    fn link(&mut self, dir: &str, name: &str) -> String {
        match self.rng.below(150) {
            140 => format!("{ALT}/{}", self.rng.word(&SLAVES)),
            141..=143 => format!("/srv/{dir}/{name} é"),
            0 => format!("/srv/none/{name}"),
            1 => format!("/srv/man/{}", self.rng.word(&SLAVES)),
            2 => format!("/srv/bin/{}", self.rng.word(&GROUPS)),
            3 => "/srv/f/f1/link".into(),
            4..=19 => format!("/srv/{dir}/{name}.other"),
            _ => format!("/srv/{dir}/{name}"),
        }
    }

    /// Something that is or may be a link.
    fn any_link(&mut self) -> String {
        let group = self.rng.chance(50);
        let name = if group {
            self.group()
        } else {
            self.rng.word(&SLAVES)
        };
        match self.rng.below(20) {
            0..=8 => format!("{ALT}/{name}"),
            9 => ALT.into(),
            _ if group => self.link("bin", name),
            _ => self.link("man", name),
        }
    }

    fn install(&mut self) {
        let name = self.group();
        let mut words = vec![
            "--install".to_owned(),
            self.link("bin", name),
            name.into(),
            self.path(),
            match self.rng.below(40) {
                0 => self.rng.word(&ODD_PRIORITIES).into(),
                _ => self.rng.word(&PRIORITIES).into(),
            },
        ];
        let mut slaves = SLAVES;
        self.rng.shuffle(&mut slaves);
        let count = self.rng.weighted(&[(3, 0), (4, 1), (3, 2), (1, 3)]);
        for slave in &slaves[..count.unwrap_or(0)] {
            let slave = match self.rng.below(100) {
                0 => self.group(),
                1 => self.rng.word(&SLAVES),
                _ => slave,
            };
            let link = self.link("man", slave);
            let path = if self.rng.chance(10) {
                "/srv/f/none".into()
            } else {
                self.path()
            };
            words.extend(["--slave".into(), link, slave.into(), path]);
        }
        self.call(words, "");
    }

    fn selection(&mut self) -> String {
        let name = self.group();
        let mode = self
            .rng
            .word(&["auto", "manual", "manual", "manual", "strange"]);
        let path = self.path();
        match self.rng.below(25) {
            0 => format!("{name} {mode}\n"),
            1 => format!("{name}\n"),
            2 => format!("{name} {mode} {path}"),
            3 => format!("none {mode} {path}\n"),
            _ => format!("{name}  {mode}\t {path}\n"),
        }
    }

    fn answers(&mut self, most: usize) -> String {
        let one = |rng: &mut Rng| match rng.below(10) {
            0..=1 => "\n".to_owned(),
            2 => format!("/srv/f/{}\n", rng.word(&FILES)),
            3 => rng.word(&["x\n", "-1\n", "99\n", "1 \n", "2"]).to_owned(),
            _ => format!("{}\n", rng.below(4)),
        };
        let count = self.rng.range(0, most);
        (0..count).map(|_| one(self.rng)).collect()
    }

    fn wrong(&mut self) {
        let words = self.rng.word(&[
            "--install /srv/bin/ga ga",
            "--install /srv/bin/ga ga /srv/f/f1 ten",
            "--install srv/bin/ga ga /srv/f/f1 1",
            "--install /srv/bin/ga g/a /srv/f/f1 1",
            "--install /srv/bin/ga ga /srv/f/f1 1 --slave /srv/bin/ga sa /srv/f/f2",
            "--install /srv/bin/ga ga /srv/f/f1 1 --slave /srv/man/sa ga /srv/f/f2",
            "--set ga srv/f/f1",
            "--query",
            "--remove ga",
            "--nonsense",
            "nonsense",
            "--auto ga --auto gb",
        ]);
        self.call(words.split(' ').map(str::to_owned).collect(), "");
    }

    /// An admin file as it may have become.
    fn admin_file(&mut self, group: &str) -> String {
        if self.rng.chance(5) {
            return self.rng.word(&["", "\n", "garbage\n"]).into();
        }
        let mut lines = vec![
            self.rng.word(&["auto", "auto", "manual"]).to_owned(),
            self.link("bin", group),
        ];
        let slaves = self.rng.range(0, 2);
        for slave in &SLAVES[..slaves] {
            lines.extend([(*slave).into(), self.link("man", slave)]);
        }
        lines.push(String::new());
        for file in &FILES[..self.rng.range(0, FILES.len())] {
            lines.push(format!("/srv/f/{file}"));
            lines.push(self.rng.word(&PRIORITIES).into());
            for _ in 0..slaves {
                let file = if self.rng.chance(30) {
                    String::new()
                } else {
                    self.path()
                };
                lines.push(file);
            }
        }
        lines.push(String::new());
        // A slave's link must not become the file of a choice, which is followed.
        let first = match self.inside {
            true => 0,
            false => 3 + 2 * slaves,
        };
        let at = first + self.rng.below(lines.len() - first);
        match self.rng.below(8) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines[at] = self.rng.word(&["x", "", "7", "99999999999", "a\0b"]).into(),
            3 => lines.truncate(at),
            4 => lines.swap(0, at),
            _ => {}
        }
        let mut text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        if self.rng.chance(5) {
            text.pop();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::text;
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        for seed in 0..200 {
            let s = random(&mut Rng::new(seed), seed, 12);
            assert_eq!(text::read(&text::write(&s)), Ok(s));
        }
    }
}
