//! Random sequences of commands over the packages of a scenario.
//!
//! A rough guess of what is installed (as if everything succeeded) keeps the sequences sensible:
//! mostly what is there is upgraded and removed, and dependencies come along.

use std::collections::BTreeMap;

use super::options;
use super::packages::seen_from_below;
use super::rng::Rng;
use super::scripts;
use super::spec::{Package, Scenario, Step};
use super::view;
use crate::deb::Kind;

struct Story<'a> {
    rng: &'a mut Rng,
    packages: Vec<Package>,
    steps: Vec<Step>,
    /// Name to the position in `packages` that is probably installed.
    there: BTreeMap<String, usize>,
}

#[derive(Clone, Copy)]
enum Act {
    Install,
    Unpack,
    Configure,
    Triggers,
    Remove,
    Purge,
    Query,
    Selections,
    Edit,
    Delete,
    Database,
    Admin,
    Check,
    Avail,
    Arch,
}

/// Adds `count` steps to a scenario.
pub fn random(rng: &mut Rng, s: &mut Scenario, count: usize) {
    let mut story = Story {
        rng,
        packages: s.packages.clone(),
        steps: Vec::new(),
        there: BTreeMap::new(),
    };
    let foreign = story.packages.iter().any(|p| p.arch == "i386");
    if foreign && story.rng.chance(90) {
        story.dpkg(vec!["--add-architecture".into(), "i386".into()]);
    }
    story.install("-i");
    for _ in 0..count {
        let act = story.rng.weighted(&[
            (32, Act::Install),
            (10, Act::Unpack),
            (11, Act::Configure),
            (3, Act::Triggers),
            (10, Act::Remove),
            (8, Act::Purge),
            (8, Act::Query),
            (4, Act::Selections),
            (10, Act::Edit),
            (3, Act::Delete),
            (1, Act::Database),
            (4, Act::Admin),
            (3, Act::Check),
            (2, Act::Avail),
            (1, Act::Arch),
        ]);
        if let Some(act) = act {
            story.act(act);
        }
    }
    s.steps = story.steps;
    if s.view {
        s.steps.retain(view::can);
    }
    if !s.inside {
        for step in &mut s.steps {
            if let Step::Link { target, .. } = step {
                *target = seen_from_below(target);
            }
        }
    }
    s.drop_unused();
}

impl Story<'_> {
    fn act(&mut self, act: Act) {
        match act {
            Act::Install => self.install("-i"),
            Act::Unpack => {
                self.install("--unpack");
                if self.rng.chance(45) {
                    self.changing("--configure", vec!["-a".into()]);
                }
            }
            Act::Configure => self.configure(),
            Act::Triggers => {
                let what = if self.rng.chance(60) {
                    vec!["-a".into()]
                } else {
                    self.names()
                };
                self.changing("--triggers-only", what);
            }
            Act::Remove => self.remove("-r"),
            Act::Purge => self.remove("-P"),
            Act::Query => self.query(),
            Act::Selections => self.selections(),
            Act::Edit => {
                let there: Vec<usize> = self.there.values().copied().collect();
                let configurable: Vec<usize> = there
                    .iter()
                    .copied()
                    .filter(|&n| !self.packages[n].conffiles.is_empty())
                    .collect();
                let one = self.rng.pick(&configurable).or(self.rng.pick(&there));
                if let Some(&one) = one {
                    self.edit(one);
                    if self.rng.chance(60) {
                        self.another_version(one);
                    }
                }
            }
            Act::Delete => self.delete(),
            Act::Database => self.database(),
            Act::Admin => self.admin(),
            Act::Check => self.check(),
            Act::Avail => self.avail(),
            Act::Arch => {
                let arch = self.rng.word(&["i386", "armhf", "amd64", "all", "-x"]);
                let how = self
                    .rng
                    .word(&["--add-architecture", "--remove-architecture"]);
                self.dpkg(vec![how.into(), arch.into()]);
            }
        }
    }

    fn run(&mut self, words: Vec<String>, stdin: &str) {
        self.steps.push(Step::Run {
            words,
            stdin: stdin.into(),
        });
    }

    fn dpkg(&mut self, mut words: Vec<String>) {
        words.insert(0, "dpkg".into());
        self.run(words, "");
    }

    /// A command that changes the system, with random options and answers.
    fn changing(&mut self, action: &str, what: Vec<String>) {
        let mut words = options::random(self.rng, &self.packages);
        let conflicts =
            |p: &Package| !p.field("Conflicts").is_empty() || !p.field("Breaks").is_empty();
        if self.packages.iter().any(conflicts) && self.rng.chance(20) {
            words.push("-B".into());
        }
        words.push(action.into());
        words.extend(what);
        words.insert(0, "dpkg".into());
        let stdin = if self.rng.chance(65) {
            let answers: Vec<&str> = (0..4)
                .map(|_| self.rng.word(&["y", "n", "i", "o", "", "d", "x", "Y"]))
                .collect();
            format!("{}\n", answers.join("\n"))
        } else {
            String::new()
        };
        self.run(words, &stdin);
    }

    /// Installs one package or several, most often with what they depend on.
    fn install(&mut self, action: &str) {
        let mut chosen: Vec<usize> = Vec::new();
        let count = self.rng.weighted(&[(50, 1), (30, 2), (15, 3), (5, 5)]);
        for _ in 0..count.unwrap_or(1) {
            chosen.push(self.rng.below(self.packages.len()));
        }
        let mut at = 0;
        while at < chosen.len() && chosen.len() < 8 {
            if self.rng.chance(90) {
                for name in self.needs(chosen[at]) {
                    let known = self.there.contains_key(&name)
                        || chosen.iter().any(|&c| self.packages[c].name == name);
                    let all: Vec<usize> = (0..self.packages.len())
                        .filter(|&n| self.packages[n].name == name)
                        .collect();
                    if let (false, Some(&n)) = (known, self.rng.pick(&all)) {
                        chosen.push(n);
                    }
                }
            }
            at += 1;
        }
        if self.rng.chance(97) {
            // Twice the same name in one command is possible, but rarely wanted.
            let packages = &self.packages;
            let mut seen: Vec<(String, String)> = Vec::new();
            chosen.retain(|&c| {
                let id = (packages[c].name.clone(), packages[c].arch.clone());
                let new = !seen.contains(&id);
                seen.push(id);
                new
            });
        }
        if self.rng.chance(50) {
            chosen.reverse();
        }
        let files = if self.rng.chance(1) {
            vec!["-R".into(), ".".into()]
        } else {
            chosen.iter().map(|&c| self.packages[c].file()).collect()
        };
        for c in chosen {
            self.there.insert(self.packages[c].name.clone(), c);
        }
        let action = if self.rng.chance(2) { "-A" } else { action };
        self.changing(action, files);
    }

    /// Installs another version of a package.
    fn another_version(&mut self, old: usize) {
        let name = self.packages[old].name.clone();
        let others: Vec<usize> = (0..self.packages.len())
            .filter(|&n| n != old && self.packages[n].name == name)
            .collect();
        if let Some(&new) = self.rng.pick(&others) {
            self.there.insert(name, new);
            let file = self.packages[new].file();
            self.changing("-i", vec![file]);
        }
    }

    fn needs(&self, package: usize) -> Vec<String> {
        let p = &self.packages[package];
        ["Depends", "Pre-Depends"]
            .iter()
            .flat_map(|f| p.field(f).split(','))
            .filter_map(|d| d.split(['|', '(', ':']).next())
            .map(|n| n.trim().to_owned())
            .filter(|n| !n.is_empty())
            .collect()
    }

    /// A name, of something that is probably there, sometimes with an architecture.
    fn name(&mut self) -> String {
        let there: Vec<usize> = self.there.values().copied().collect();
        let n = match self.rng.pick(&there) {
            Some(&n) if self.rng.chance(85) => n,
            _ => self.rng.below(self.packages.len()),
        };
        let p = &self.packages[n];
        if self.rng.chance(1) {
            return self.rng.word(&["nothing", "x y", "pa:", "virt"]).into();
        }
        let several = self
            .packages
            .iter()
            .any(|q| q.name == p.name && q.arch != p.arch);
        let arch = if several { 70 } else { 4 };
        if self.rng.chance(arch) && p.arch != "all" {
            return format!("{}:{}", p.name, p.arch);
        }
        p.name.clone()
    }

    fn names(&mut self) -> Vec<String> {
        let count = self.rng.weighted(&[(60, 1), (30, 2), (10, 3)]).unwrap_or(1);
        (0..count).map(|_| self.name()).collect()
    }

    fn configure(&mut self) {
        let what = if self.rng.chance(65) {
            vec![self.rng.word(&["-a", "-a", "--pending"]).into()]
        } else {
            self.names()
        };
        self.changing("--configure", what);
    }

    fn remove(&mut self, action: &str) {
        if self.rng.chance(8) {
            return self.changing(action, vec!["-a".into()]);
        }
        let names = self.names();
        for name in &names {
            let bare = name.split(':').next().unwrap_or(name);
            self.there.remove(bare);
        }
        self.changing(action, names);
    }

    fn path(&mut self) -> String {
        let all: Vec<String> = self
            .packages
            .iter()
            .flat_map(|p| p.entries.iter().map(|e| e.path.clone()))
            .collect();
        let path = self.rng.pick(&all).cloned();
        path.unwrap_or_else(|| "/srv".into())
    }

    fn query(&mut self) {
        let name = self.name();
        let path = self.path();
        let mut words: Vec<String> = match self.rng.below(14) {
            0 => vec!["-l".into()],
            1 => vec!["-l".into(), name, "p*".into()],
            2 => vec!["-s".into(), name],
            3 => vec!["-s".into()],
            4 => vec!["-L".into(), name],
            5 => vec!["-S".into(), path],
            6 => vec!["-S".into(), "*/srv/*".into(), "one".into()],
            7 => vec!["-W".into()],
            8 => vec![
                "-W".into(),
                "-f=${Package}|${binary:Package}|${Version}|${db:Status-Abbrev}|${Conffiles}|${Depends}|${db-fsys:Files}\\n".into(),
                "p*".into(),
            ],
            9 => vec!["-p".into(), name],
            10 => vec!["--control-list".into(), name],
            11 => vec!["-c".into(), name],
            12 => vec!["--yet-to-unpack".into()],
            _ => vec!["--print-foreign-architectures".into()],
        };
        let own = ["--control-list", "-c", "-W", "-p"].contains(&words[0].as_str());
        let neither = words[0].starts_with("--y") || words[0].starts_with("--p");
        let query = own && words[0] != "-p" || (!neither && self.rng.chance(50));
        words.insert(0, if query { "dpkg-query" } else { "dpkg" }.into());
        self.run(words, "");
    }

    fn check(&mut self) {
        let name = self.name();
        let words = match self.rng.below(6) {
            0 => vec!["--audit".into()],
            1 => vec!["--audit".into(), name],
            2 => vec!["-V".into()],
            3 => vec!["-V".into(), name],
            4 => vec!["--predep-package".into()],
            _ => vec!["-C".into()],
        };
        self.dpkg(words);
    }

    fn selections(&mut self) {
        match self.rng.below(7) {
            0 => self.dpkg(vec!["--get-selections".into()]),
            1 => {
                let name = self.name();
                self.dpkg(vec!["--get-selections".into(), name, "p[a-c]*".into()]);
            }
            2 => self.dpkg(vec!["--clear-selections".into()]),
            _ => {
                let mut text = String::new();
                for name in self.names() {
                    let want = self
                        .rng
                        .word(&["install", "hold", "hold", "deinstall", "purge"]);
                    text.push_str(&format!("{name}\t{want}\n"));
                }
                if self.rng.chance(4) {
                    text.push_str("# comment\n\npa sideways\n");
                }
                self.run(vec!["dpkg".into(), "--set-selections".into()], &text);
            }
        }
    }

    /// The administrator changes a file, most often a configuration file.
    fn edit(&mut self, package: usize) {
        let conffiles: Vec<String> = self.packages[package]
            .conffiles
            .iter()
            .filter_map(|c| c.split(' ').next_back().map(str::to_owned))
            .collect();
        let path = match self.rng.pick(&conffiles) {
            Some(path) if self.rng.chance(85) => path.clone(),
            _ => self.path(),
        };
        let step = match self.rng.below(12) {
            0 => Step::Link {
                path,
                target: self.rng.word(&["elsewhere", "/etc/pa/a", "b"]).into(),
            },
            1 => Step::Delete { path },
            2 => Step::Write {
                path: format!(
                    "{path}{}",
                    self.rng
                        .word(&[".dpkg-new", ".dpkg-old", ".dpkg-dist", ".dpkg-tmp"])
                ),
                content: "left over\n".into(),
            },
            3 => {
                // As another version has it.
                let contents: Vec<String> = self
                    .packages
                    .iter()
                    .flat_map(|p| p.entries.iter())
                    .filter(|e| e.path == path)
                    .filter_map(|e| match &e.kind {
                        Kind::File(c) => Some(c.clone()),
                        _ => None,
                    })
                    .collect();
                let content = self.rng.pick(&contents).cloned().unwrap_or_default();
                Step::Write { path, content }
            }
            _ => Step::Write {
                path,
                content: "edited\n".into(),
            },
        };
        self.steps.push(step);
    }

    fn delete(&mut self) {
        let path = match self.rng.below(8) {
            0 => "/srv/common".into(),
            1 => format!("/srv/{}", self.name()),
            2 => format!("/etc/{}", self.name()),
            _ => self.path(),
        };
        self.steps.push(match self.rng.below(6) {
            0 => Step::Mkdir { path },
            1 => Step::Link {
                path,
                target: self.rng.word(&["one", "/srv/moved", "pb"]).into(),
            },
            _ => Step::Delete { path },
        });
    }

    /// Part of the database gets lost or damaged.
    fn database(&mut self) {
        let name = self.name();
        let kind = self.rng.word(&[
            "list",
            "list",
            "postinst",
            "md5sums",
            "conffiles",
            "triggers",
        ]);
        let info = format!("/var/lib/dpkg/info/{name}.{kind}");
        let base = "/var/lib/dpkg";
        self.steps.push(match self.rng.below(9) {
            0 => Step::Delete {
                path: format!(
                    "{base}/{}",
                    self.rng.word(&[
                        "available",
                        "status-old",
                        "triggers/File",
                        "triggers",
                        "diversions",
                        "info/format"
                    ])
                ),
            },
            1 => Step::Write {
                path: info,
                content: self
                    .rng
                    .word(&["", "x", "/srv/pa/f\n", "/srv\n\n", "/srv/\n"])
                    .into(),
            },
            2 => Step::Write {
                path: format!("{base}/statoverride"),
                content: self
                    .rng
                    .word(&[
                        "user group 2755 /srv/pa/f\n",
                        "nobody root 755 /srv\n",
                        "root root 0640 /srv/pb/f\n",
                        "x\n",
                    ])
                    .into(),
            },
            3 => Step::Write {
                path: format!("{base}/diversions"),
                content: self
                    .rng
                    .word(&[
                        "/srv/pa/f\n/srv/pa/f.real\npb\n",
                        "/srv/four\n/srv/five\n:\n",
                        "/srv/four\n",
                        "",
                    ])
                    .into(),
            },
            4 => Step::Write {
                path: format!("{base}/triggers/Unincorp"),
                content: self
                    .rng
                    .word(&["tone pa\n", "/srv/common -\n", "ttwo pb pc\n", "x\n"])
                    .into(),
            },
            _ => Step::Delete { path: info },
        });
    }

    /// What an administrator does with the small tools.
    fn admin(&mut self) {
        let path = self.path();
        let name = self.name();
        let words: Vec<String> = match self.rng.below(9) {
            0 | 1 => vec!["dpkg-trigger".into(), scripts::trigger(self.rng).into()],
            2 => {
                let by = format!("--by-package={name}");
                let how = self.rng.word(&["--no-await", "--await"]);
                vec![
                    "dpkg-trigger".into(),
                    by,
                    how.into(),
                    scripts::trigger(self.rng).into(),
                ]
            }
            3 => vec![
                "dpkg-divert".into(),
                "--local".into(),
                "--rename".into(),
                "--add".into(),
                path,
            ],
            4 => vec![
                "dpkg-divert".into(),
                "--package".into(),
                name,
                "--rename".into(),
                "--add".into(),
                path,
            ],
            5 => vec![
                "dpkg-divert".into(),
                "--rename".into(),
                "--remove".into(),
                path,
            ],
            6 => vec!["dpkg-divert".into(), "--list".into()],
            7 => {
                let mode = self.rng.word(&["0600", "2755", "4711"]).into();
                vec![
                    "dpkg-statoverride".into(),
                    "--update".into(),
                    "--add".into(),
                    "user".into(),
                    "group".into(),
                    mode,
                    path,
                ]
            }
            _ => vec!["dpkg-statoverride".into(), "--remove".into(), path],
        };
        self.run(words, "");
    }

    fn avail(&mut self) {
        let action = self.rng.word(&[
            "--update-avail",
            "--merge-avail",
            "--clear-avail",
            "--forget-old-unavail",
            "--record-avail",
        ]);
        match action {
            "--update-avail" | "--merge-avail" => {
                let mut text = String::new();
                for n in 0..self.packages.len() {
                    if self.rng.chance(40) {
                        let p = &self.packages[n];
                        text.push_str(&format!(
                            "Package: {}\nVersion: {}\nArchitecture: {}\nFilename: pool/{}\nSize: 12\nMD5sum: 0123\nDescription: avail\n\n",
                            p.name, p.version, p.arch, p.file()
                        ));
                    }
                }
                self.run(vec!["dpkg".into(), action.into(), "-".into()], &text);
            }
            "--record-avail" => {
                let n = self.rng.below(self.packages.len());
                let file = self.packages[n].file();
                self.dpkg(vec![action.into(), file]);
            }
            _ => self.dpkg(vec![action.into()]),
        }
    }
}
