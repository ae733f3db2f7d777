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
