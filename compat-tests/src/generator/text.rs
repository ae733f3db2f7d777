//! A scenario as text: what a report holds, what `--replay` reads, and what the processes that
//! run it are sent.
//!
//! One item per line, as words separated by blanks. A word with anything unusual in it is in
//! double quotes, with `\n`, `\"` and `\\` as in C. Lines that begin with `#` are comments.
//!
//! ```text
//! seed 7
//! package pa 1.0 all
//!  field Depends "pb (>= 1)"
//!  file /srv/f 0644 1000000000 "text\n"
//!  conffile "/etc/pa.conf"
//!  script postinst
//!   on configure "exit 3"
//! run dpkg -i pa_1.0_all.deb
//!  stdin "y\n"
//! ```

use super::spec::{Entry, Package, Rule, Scenario, Script, Step};
use crate::deb::Kind;
use crate::{During, Res};

/// Writes a scenario.
pub fn write(s: &Scenario) -> String {
    let mut out = String::new();
    let mut line = |indent: usize, words: &[&str]| {
        out.push_str(&"  ".repeat(indent));
        let quoted: Vec<String> = words.iter().map(|w| quote(w)).collect();
        out.push_str(&quoted.join(" "));
        out.push('\n');
    };
    line(0, &["seed", &s.seed.to_string()]);
    if s.inside {
        line(0, &["inside"]);
    }
    if s.view {
        line(0, &["view"]);
    }
    for p in &s.packages {
        line(0, &["package", &p.name, &p.version, &p.arch]);
        for (name, value) in &p.fields {
            line(1, &["field", name, value]);
        }
        for e in &p.entries {
            let (mode, time) = (format!("{:04o}", e.mode), e.mtime.to_string());
            let (kind, last) = match &e.kind {
                Kind::Dir => ("dir", None),
                Kind::File(content) => ("file", Some(content)),
                Kind::Link(target) => ("link", Some(target)),
                Kind::Hard(target) => ("hard", Some(target)),
                Kind::Fifo => ("fifo", None),
                Kind::Char(..) => ("char", None),
                Kind::Block(..) => ("block", None),
            };
            let mut words = vec![kind, &e.path, &mode, &time];
            words.extend(last.map(String::as_str));
            line(1, &words);
        }
        for c in &p.conffiles {
            line(1, &["conffile", c]);
        }
        for t in &p.triggers {
            line(1, &["trigger", t]);
        }
        for (name, content) in &p.control {
            line(1, &["control", name, content]);
        }
        if p.cut > 0 {
            line(1, &["cut", &p.cut.to_string()]);
        }
        for script in &p.scripts {
            line(1, &["script", &script.name]);
            for r in &script.rules {
                line(2, &[if r.once { "once" } else { "on" }, &r.on, &r.run]);
            }
        }
    }
    for step in &s.steps {
        match step {
            Step::Run { words, stdin } => {
                let mut all = vec!["run"];
                all.extend(words.iter().map(String::as_str));
                line(0, &all);
                if !stdin.is_empty() {
                    line(1, &["stdin", stdin]);
                }
            }
            Step::Write { path, content } => line(0, &["write", path, content]),
            Step::Delete { path } => line(0, &["delete", path]),
            Step::Link { path, target } => line(0, &["symlink", path, target]),
            Step::Mkdir { path } => line(0, &["mkdir", path]),
        }
    }
    out
}

/// Reads a scenario.
pub fn read(text: &str) -> Res<Scenario> {
    let mut s = Scenario::default();
    for (number, line) in text.lines().enumerate() {
        // What follows the scenario in a report.
        if line.starts_with("----") {
            break;
        }
        let at = || format!("line {}", number + 1);
        let words = split(line.trim_start()).during(at())?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.is_empty() || line.starts_with('#') {
            continue;
        }
        add(&mut s, &words).ok_or_else(|| format!("{}: not understood: {line}", at()))?;
    }
    Ok(s)
}

fn add(s: &mut Scenario, words: &[&str]) -> Option<()> {
    let own = |w: &&str| (*w).to_owned();
    match words {
        ["seed", n] => s.seed = n.parse().ok()?,
        ["inside"] => s.inside = true,
        ["view"] => s.view = true,
        ["package", name, version, arch] => s.packages.push(Package {
            name: own(name),
            version: own(version),
            arch: own(arch),
            ..Package::default()
        }),
        ["field", name, value] => {
            s.packages.last_mut()?.fields.push((own(name), own(value)));
        }
        [
            "dir" | "file" | "link" | "hard" | "fifo",
            path,
            mode,
            time,
            last @ ..,
        ] => {
            let last = last.first().map(own).unwrap_or_default();
            let kind = match words[0] {
                "dir" => Kind::Dir,
                "file" => Kind::File(last),
                "link" => Kind::Link(last),
                "hard" => Kind::Hard(last),
                _ => Kind::Fifo,
            };
            s.packages.last_mut()?.entries.push(Entry {
                path: own(path),
                kind,
                mode: u32::from_str_radix(mode, 8).ok()?,
                mtime: time.parse().ok()?,
            });
        }
        ["conffile", c] => s.packages.last_mut()?.conffiles.push(own(c)),
        ["trigger", t] => s.packages.last_mut()?.triggers.push(own(t)),
        ["control", name, content] => {
            let control = &mut s.packages.last_mut()?.control;
            control.push((own(name), own(content)));
        }
        ["cut", n] => s.packages.last_mut()?.cut = n.parse().ok()?,
        ["script", name] => s.packages.last_mut()?.scripts.push(Script {
            name: own(name),
            rules: Vec::new(),
        }),
        [how @ ("on" | "once"), on, run] => {
            let script = s.packages.last_mut()?.scripts.last_mut()?;
            script.rules.push(Rule {
                on: own(on),
                once: *how == "once",
                run: own(run),
            });
        }
        ["run", words @ ..] => s.steps.push(Step::Run {
            words: words.iter().map(own).collect(),
            stdin: String::new(),
        }),
        ["stdin", text] => match s.steps.last_mut()? {
            Step::Run { stdin, .. } => *stdin = own(text),
            _ => return None,
        },
        ["write", path, content] => s.steps.push(Step::Write {
            path: own(path),
            content: own(content),
        }),
        ["delete", path] => s.steps.push(Step::Delete { path: own(path) }),
        ["symlink", path, target] => s.steps.push(Step::Link {
            path: own(path),
            target: own(target),
        }),
        ["mkdir", path] => s.steps.push(Step::Mkdir { path: own(path) }),
        _ => return None,
    }
    Some(())
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:+~=,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    let escaped = word
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn split(line: &str) -> Res<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let mut word = String::new();
        match c {
            ' ' => continue,
            '"' => loop {
                match chars.next() {
                    Some('"') => break,
                    Some('\\') => match chars.next() {
                        Some('n') => word.push('\n'),
                        Some(c) => word.push(c),
                        None => return Err("backslash at the end".into()),
                    },
                    Some(c) => word.push(c),
                    None => return Err("no closing quote".into()),
                }
            },
            c => {
                word.push(c);
                while let Some(c) = chars.next_if(|c| *c != ' ') {
                    word.push(c);
                }
            }
        }
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::super::{packages, rng::Rng, steps};
    use super::{read, write};

    #[test]
    fn what_is_written_reads_back() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let mut s = packages::random(&mut rng, seed, seed % 2 == 1);
            steps::random(&mut rng, &mut s, 12);
            assert_eq!(read(&write(&s)), Ok(s));
        }
    }
}
