//! How a difference is shown.

use similar::{ChangeTag, TextDiff};

/// A unified diff from stock's text to ours, with the command above each hunk.
pub fn diff(theirs: &str, ours: &str) -> String {
    let diff = TextDiff::from_lines(theirs, ours);
    let heads: Vec<(usize, &str)> = theirs
        .lines()
        .enumerate()
        .filter(|(_, l)| l.starts_with("$ "))
        .collect();
    let mut out = String::new();
    for group in diff.grouped_ops(3) {
        let at = group.first().map_or(0, |op| op.old_range().start);
        let head = heads
            .iter()
            .rev()
            .find(|(n, _)| *n <= at)
            .map_or("", |h| h.1);
        out.push_str(&format!("@@ stock's line {} @@ {head}\n", at + 1));
        for op in group {
            for change in diff.iter_changes(&op) {
                let sign = match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                };
                out.push(sign);
                out.push_str(change.value());
                if change.missing_newline() {
                    out.push('\n');
                }
            }
        }
    }
    out
}

/// How many of something passed and failed, with what failed.
#[derive(Default)]
pub struct Totals {
    /// The number that passed.
    pub passed: usize,
    /// The names that failed.
    pub failed: Vec<String>,
    /// How many were not compared, as that cannot be done here.
    pub ignored: usize,
}

impl Totals {
    /// Counts one, and says how it went.
    pub fn count(&mut self, name: &str, passed: bool) {
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        match passed {
            true => self.passed += 1,
            false => self.failed.push(name.to_owned()),
        }
    }

    /// Writes the summary in the words of Rust's own test runner, which `./test` and CI add up.
    pub fn print(&self, what: &str) {
        if !self.failed.is_empty() {
            println!("\nfailures in {what}:");
            for name in &self.failed {
                println!("    {name}");
            }
        }
        println!(
            "\n{what}: test result: {}. {} passed; {} failed; {} ignored",
            if self.failed.is_empty() {
                "ok"
            } else {
                "FAILED"
            },
            self.passed,
            self.failed.len(),
            self.ignored
        );
    }

    /// Adds another sum to this one.
    pub fn add(&mut self, other: Totals) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.ignored += other.ignored;
    }
}
