//! Two processes in their sandboxes that run the same scenarios.

use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::spec::Scenario;
use super::stage::{END, receive, send};
use super::text;
use crate::sandbox::Who;
use crate::snapshot::escape;
use crate::{During, Res};

struct Side {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// Stock and ours (or stock twice), ready to run.
pub struct Pair {
    exe: PathBuf,
    release: String,
    second: Who,
    sides: Option<[Side; 2]>,
}

/// What a scenario did on both sides.
pub struct Seen {
    /// One text per step, by stock.
    pub theirs: Vec<String>,
    /// The same, by ours.
    pub ours: Vec<String>,
}

impl Seen {
    /// The first step after which the two sides differ.
    pub fn difference(&self) -> Option<usize> {
        (0..self.theirs.len().max(self.ours.len()))
            .find(|&n| self.theirs.get(n) != self.ours.get(n))
    }
}

impl Pair {
    /// A pair of stock's programs and `second`'s.
    pub fn new(exe: &Path, release: &str, second: Who) -> Pair {
        Pair {
            exe: exe.into(),
            release: release.into(),
            second,
            sides: None,
        }
    }

    fn start(&self, who: Who) -> Res<Side> {
        let mut child = Command::new(&self.exe)
            .args(["--random-in-sandbox", &self.release, who.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .during(self.exe.display())?;
        let output = child.stdout.take().ok_or("no pipe")?;
        Ok(Side {
            input: child.stdin.take(),
            output: BufReader::new(output),
            child,
        })
    }

    /// Runs a scenario on both sides.
    pub fn run(&mut self, scenario: &Scenario) -> Res<Seen> {
        let mut sides = match self.sides.take() {
            Some(sides) => sides,
            None => [self.start(Who::Theirs)?, self.start(self.second)?],
        };
        let message = text::write(scenario);
        for side in &mut sides {
            let input = side.input.as_mut().ok_or("no pipe")?;
            send(input, &message)?;
            input.flush().during("send")?;
        }
        let [a, b] = &mut sides;
        let seen = Seen {
            theirs: a.answer()?,
            ours: b.answer()?,
        };
        self.sides = Some(sides);
        Ok(seen)
    }
}

impl Side {
    fn answer(&mut self) -> Res<Vec<String>> {
        let mut seen = Vec::new();
        loop {
            match receive(&mut self.output)? {
                Some(text) if text == END => return Ok(seen),
                Some(text) => seen.push(text),
                None => return Err("a sandbox ended early".into()),
            }
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.child.wait();
    }
}

/// What kind of difference it is, without the names: equal for differences that probably have the
/// same cause.
pub fn signature(theirs: &str, ours: &str) -> String {
    let mut lines = Vec::new();
    let a: Vec<&str> = theirs.lines().collect();
    let b: Vec<&str> = ours.lines().collect();
    for (mark, these, those) in [("-", &a, &b), ("+", &b, &a)] {
        let mut differing: Vec<&&str> = these.iter().filter(|l| !those.contains(l)).collect();
        // What was said tells more than that it failed.
        differing.sort_by_key(|l| !l.starts_with("  std"));
        if let Some(line) = differing.first() {
            lines.push(format!("{mark}{}", general(line)));
        }
    }
    if lines.is_empty() {
        let at = a.iter().zip(&b).find(|(x, y)| x != y);
        let line = at.map_or("", |l| l.0);
        lines.push(format!("order: {}", general(line)));
    }
    lines.join(" ")
}

fn general(line: &str) -> String {
    let word = |w: &str| {
        let bare = w.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/');
        let name = bare.split([':', '.', '_', '/']).next().unwrap_or("");
        let package = name.len() == 2 && name.starts_with('p');
        let number = bare.starts_with(|c: char| c.is_ascii_digit());
        if bare.contains('/') {
            let kind = bare.rsplit('.').next().filter(|e| !e.contains('/'));
            format!("PATH{}", kind.map_or(String::new(), |k| format!(".{k}")))
        } else if package {
            "NAME".into()
        } else if number {
            "N".into()
        } else {
            w.to_owned()
        }
    };
    for lists in ["  script:  tree", "  script:  info"] {
        if line.starts_with(lists) {
            return lists.trim().to_owned();
        }
    }
    if line.starts_with("  exit") {
        return line.trim().to_owned();
    }
    let words: Vec<String> = line.split_whitespace().take(14).map(word).collect();
    escape(words.join(" ").as_bytes())
}
