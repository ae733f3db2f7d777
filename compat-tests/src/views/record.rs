//! What was seen of one side, moment by moment, as text that is kept and compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::{During, Res};

/// Subjects with what is to be said of each: `package NAME:ARCH`, `path /usr/…`, ….
pub type Subjects = BTreeMap<String, String>;

/// What was seen after one step.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Moment {
    /// What belongs to the step alone: exit code, output, broken promises.
    pub events: Subjects,
    /// What changed of the state; empty text: it is gone.
    pub changed: Subjects,
}

/// Before the first step, after each, and (the last one) what the programs said.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Seen(pub Vec<Moment>);

const APT_LISTS: &str = "W: chmod 0755 of directory /var/lib/apt/lists/auxfiles failed";
const FIELD: char = '\u{1}';
const ENTRY: char = '\u{2}';

impl Seen {
    /// Adds a moment whose whole state is `now`, of which what is new is kept.
    pub fn add(&mut self, events: Subjects, before: &Subjects, now: &Subjects) {
        let mut changed = Subjects::new();
        for (subject, value) in now {
            if before.get(subject) != Some(value) {
                changed.insert(subject.clone(), value.clone());
            }
        }
        for subject in before.keys().filter(|s| !now.contains_key(*s)) {
            changed.insert(subject.clone(), String::new());
        }
        self.0.push(Moment { events, changed });
    }

    /// The state of a subject after a step; empty if there is none.
    pub fn at(&self, moment: usize, subject: &str) -> &str {
        let until = self.0.get(..=moment).unwrap_or(&self.0);
        let found = until.iter().rev().find_map(|m| m.changed.get(subject));
        found.map_or("", String::as_str)
    }

    /// As it is for who has one number alone: without owners, and what may be set by them alone.
    pub fn without_owners(mut self) -> Seen {
        for moment in &mut self.0 {
            for (subject, value) in &mut moment.changed {
                if subject.starts_with("path ") {
                    *value = ownerless(value);
                }
            }
            // Stock's apt says that it may not write where a user's has its own.
            for value in moment.events.values_mut() {
                let lines = value.lines().filter(|l| !l.starts_with(APT_LISTS));
                *value = lines.map(|l| format!("{l}\n")).collect();
            }
            moment.events.retain(|_, value| !value.is_empty());
        }
        self
    }

    /// Writes it to a file, which is there whole or not at all.
    pub fn write(&self, to: &Path) -> Res<()> {
        let mut text = String::new();
        for (n, moment) in self.0.iter().enumerate() {
            for (kind, subjects) in [("event", &moment.events), ("state", &moment.changed)] {
                for (subject, value) in subjects {
                    for part in [&n.to_string(), kind, subject] {
                        text.push_str(part);
                        text.push(FIELD);
                    }
                    text.push_str(&value.replace([FIELD, ENTRY], "?"));
                    text.push(ENTRY);
                }
            }
        }
        let part = to.with_extension("part");
        fs::write(&part, text).during(part.display())?;
        fs::rename(&part, to).during(to.display())
    }

    /// Reads what [`Seen::write`] wrote.
    pub fn read(from: &Path) -> Res<Seen> {
        let text = fs::read_to_string(from).during(from.display())?;
        let mut seen = Seen::default();
        for entry in text.split_terminator(ENTRY) {
            let fields: Vec<&str> = entry.splitn(4, FIELD).collect();
            let [n, kind, subject, value] = fields[..] else {
                return Err(format!("{}: not a record", from.display()));
            };
            let n: usize = n.parse().during(from.display())?;
            while seen.0.len() <= n {
                seen.0.push(Moment::default());
            }
            let moment = seen.0.get_mut(n).ok_or("no moment")?;
            let subjects = match kind {
                "event" => &mut moment.events,
                _ => &mut moment.changed,
            };
            subjects.insert(subject.to_owned(), value.to_owned());
        }
        Ok(seen)
    }
}

/// A description of a path without its owner and set-id bits.
fn ownerless(value: &str) -> String {
    let is_owner = |word: &str| {
        let parts = word.split_once(':');
        parts.is_some_and(|(u, g)| u.parse::<u32>().is_ok() && g.parse::<u32>().is_ok())
    };
    let mut words: Vec<String> = value.split(' ').map(str::to_owned).collect();
    let Some(at) = words.iter().take(3).position(|w| is_owner(w)) else {
        return value.to_owned();
    };
    if let Some(owner) = words.get_mut(at) {
        "-".clone_into(owner);
    }
    let mode = at.checked_sub(1).and_then(|at| words.get_mut(at));
    if let Some(mode) = mode.filter(|m| m.len() == 4 && m.bytes().all(|b| b.is_ascii_digit())) {
        let sticky = mode.starts_with(['1', '3', '5', '7']);
        mode.replace_range(..1, if sticky { "1" } else { "0" });
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::ownerless;

    #[test]
    fn owners_go() {
        for (with, without) in [
            ("file 4755 0:33 abc elf:d", "file 0755 - abc elf:d"),
            ("dir 3775 0:8", "dir 1775 -"),
            ("link 0:0 -> a 1:2", "link - -> a 1:2"),
            ("device 0666 0:0 1,3", "device 0666 - 1,3"),
            ("", ""),
        ] {
            assert_eq!(ownerless(with), without);
        }
    }
}
