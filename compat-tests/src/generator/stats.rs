//! What a batch of scenarios reached, so that one can see that they are worth running.

use std::collections::{BTreeMap, BTreeSet};

use super::spec::{Scenario, Step};

/// How options that are no actions begin.
const OPTIONS: [&str; 16] = [
    "--force",
    "--no-",
    "--refuse-",
    "--ignore-",
    "--abort-",
    "--path-",
    "--auto-",
    "--dry-",
    "--simulate",
    "--skip-",
    "--selected-",
    "--robot",
    "--triggers",
    "--verify-f",
    "--await",
    "--by-",
];

/// Counts over many scenarios, as stock ran them.
#[derive(Default)]
pub struct Stats {
    scenarios: usize,
    steps: usize,
    /// Action: times it succeeded, times it failed.
    actions: BTreeMap<String, (usize, usize)>,
    /// Script, first argument: times it was called, scenarios it was called in.
    calls: BTreeMap<String, (usize, usize)>,
    /// Kinds of log lines and outcomes: scenarios with at least one.
    reached: BTreeMap<String, usize>,
    /// Options: times they were given.
    options: BTreeMap<String, usize>,
    /// The first words of errors and warnings.
    words: BTreeMap<String, usize>,
}

impl Stats {
    /// Counts one scenario.
    pub fn count(&mut self, scenario: &Scenario, seen: &[String]) {
        self.scenarios += 1;
        let mut calls = BTreeSet::new();
        let mut reached = BTreeSet::new();
        for (step, text) in scenario.steps.iter().zip(seen) {
            self.steps += 1;
            let action = self.action(step);
            let failed = text.lines().nth(1) != Some("  exit 0");
            let count = self.actions.entry(action).or_default();
            if matches!(step, Step::Run { .. }) && failed {
                count.1 += 1;
                reached.insert("failed step".into());
            } else {
                count.0 += 1;
            }
            for line in text.lines() {
                if let Some(call) = line.strip_prefix("  script: call ") {
                    let call: Vec<&str> = call.split(' ').skip(2).take(2).collect();
                    let call = call.join(" ");
                    self.calls.entry(call.clone()).or_default().0 += 1;
                    calls.insert(call);
                } else if let Some(log) = line.strip_prefix("  log: DATE TIME ") {
                    let words: Vec<&str> = log.split(' ').collect();
                    match words[..] {
                        ["status", what, ..] => reached.insert(format!("status {what}")),
                        ["startup", ..] => false,
                        [what, ..] => reached.insert(what.to_owned()),
                        [] => false,
                    };
                } else if let Some(words) = line.strip_prefix("  stderr: ") {
                    let words: String = words
                        .split_whitespace()
                        .filter(|w| {
                            w.chars()
                                .all(|c| c.is_ascii_lowercase() || ":-".contains(c))
                        })
                        .filter(|w| w.len() > 2)
                        .take(7)
                        .collect::<Vec<_>>()
                        .join(" ");
                    *self.words.entry(words).or_default() += 1;
                }
            }
        }
        for call in calls {
            self.calls.entry(call).or_default().1 += 1;
        }
        for what in reached {
            *self.reached.entry(what).or_default() += 1;
        }
    }

    fn action(&mut self, step: &Step) -> String {
        let words = match step {
            Step::Run { words, .. } => words,
            Step::Write { .. } => return "(write)".into(),
            Step::Delete { .. } => return "(delete)".into(),
            Step::Link { .. } => return "(symlink)".into(),
            Step::Mkdir { .. } => return "(mkdir)".into(),
        };
        let mut action = words.first().cloned().unwrap_or_default();
        let mut found = false;
        for word in words.iter().skip(1).filter(|w| w.starts_with('-')) {
            let option = OPTIONS
                .iter()
                .any(|o| word.starts_with(o) && word != "--triggers-only");
            let one_letter = ["-B", "-O", "-G", "-E"].contains(&word.as_str());
            if option || one_letter {
                let name = word.split('=').next().unwrap_or(word);
                *self.options.entry(name.to_owned()).or_default() += 1;
            } else if !found {
                found = true;
                action = format!("{action} {word}");
            }
        }
        action
    }

    /// Writes it all.
    pub fn print(&self) {
        println!("{} scenarios, {} steps", self.scenarios, self.steps);
        println!("\nactions: succeeded, failed");
        for (name, (good, bad)) in &self.actions {
            println!("  {good:6} {bad:6}  {name}");
        }
        println!("\nscript calls: times, scenarios");
        for (name, (times, scenarios)) in &self.calls {
            println!("  {times:6} {scenarios:6}  {name}");
        }
        println!("\nreached in so many scenarios");
        for (name, scenarios) in &self.reached {
            println!("  {scenarios:6}  {name}");
        }
        println!("\noptions");
        for (name, times) in &self.options {
            println!("  {times:6}  {name}");
        }
        println!("\nwords on standard error (ten times or more)");
        let mut words: Vec<_> = self.words.iter().filter(|w| *w.1 >= 10).collect();
        words.sort_by_key(|w| std::cmp::Reverse(w.1));
        for (name, times) in words.iter().take(120) {
            println!("  {times:6}  {name}");
        }
    }
}
