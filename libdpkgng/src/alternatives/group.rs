//! One link group, as plain data (the `alternative`, `fileset` and `slave_link` of stock).

use crate::msg;
use crate::report::Event;

/// Who chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The highest priority.
    Auto,
    /// The administrator.
    Manual,
}

impl Mode {
    /// The word in admin files, the log and `--query`.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Auto => "auto",
            Mode::Manual => "manual",
        }
    }

    /// The words for people.
    pub fn description(self) -> crate::msg::Msg {
        match self {
            Mode::Auto => msg!("auto mode"),
            Mode::Manual => msg!("manual mode"),
        }
    }
}

/// A link that follows the group's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlaveLink {
    /// Its name in the alternatives directory.
    pub name: Vec<u8>,
    /// The generic name.
    pub link: Vec<u8>,
    /// Whether this run brought or moved it.
    pub updated: bool,
}

/// A file that can be chosen, with the files its slave links would lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the group's link leads to.
    pub path: Vec<u8>,
    /// Its weight in automatic mode.
    pub priority: i32,
    /// Slave name and file; an empty file is none.
    pub slaves: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Choice {
    /// The file of a slave link, if this choice has one.
    pub fn slave(&self, name: &[u8]) -> Option<&[u8]> {
        let found = self.slaves.iter().find(|(n, _)| n == name);
        found.map(|(_, f)| f.as_slice()).filter(|f| !f.is_empty())
    }
}

/// A link group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name: of the admin file, and of the link in the alternatives directory.
    pub name: Vec<u8>,
    /// The generic name of the master link.
    pub link: Vec<u8>,
    /// Who chooses.
    pub mode: Mode,
    /// In the order of the admin file, then as added; saving sorts them.
    pub slaves: Vec<SlaveLink>,
    /// Likewise.
    pub choices: Vec<Choice>,
    /// Whether the admin file is out of date.
    pub modified: bool,
    /// What the link in the alternatives directory led to when it was first looked at; the
    /// outer `None` before that.
    pub current: Option<Option<Vec<u8>>>,
}

impl Group {
    /// A group without slaves and choices.
    pub fn new(name: &[u8], link: &[u8], mode: Mode) -> Group {
        Group {
            name: name.to_vec(),
            link: link.to_vec(),
            mode,
            slaves: Vec::new(),
            choices: Vec::new(),
            modified: false,
            current: None,
        }
    }

    /// The choice with this path.
    pub fn choice(&self, path: &[u8]) -> Option<&Choice> {
        self.choices.iter().find(|c| c.path == path)
    }

    /// The slave link of this name.
    pub fn slave(&self, name: &[u8]) -> Option<&SlaveLink> {
        self.slaves.iter().find(|s| s.name == name)
    }

    /// What automatic mode chooses: the highest priority; among equals the current choice,
    /// or else the first.
    pub fn best(&self, current: Option<&[u8]>) -> Option<&Choice> {
        let current = current.and_then(|path| self.choice(path));
        let mut best = current.or(self.choices.first())?;
        for choice in &self.choices {
            if choice.priority > best.priority {
                best = choice;
            }
        }
        Some(best)
    }

    /// Add a choice, in the place of one with the same path.
    pub fn add_choice(&mut self, choice: Choice) {
        self.modified = true;
        match self.choices.iter_mut().find(|c| c.path == choice.path) {
            Some(old) => *old = choice,
            None => self.choices.push(choice),
        }
    }

    /// Add a slave link, in the place of one with the same name.
    pub fn add_slave(&mut self, slave: SlaveLink) {
        match self.slaves.iter_mut().find(|s| s.name == slave.name) {
            Some(old) => *old = slave,
            None => self.slaves.push(slave),
        }
    }

    /// Take a choice out; false if it is not there.
    pub fn remove_choice(&mut self, path: &[u8]) -> bool {
        let before = self.choices.len();
        self.choices.retain(|c| c.path != path);
        let removed = self.choices.len() != before;
        self.modified |= removed;
        removed
    }

    /// Change who chooses; gives the log line if that is a change.
    #[must_use]
    pub fn set_mode(&mut self, mode: Mode) -> Option<Event<'static>> {
        if self.mode == mode {
            return None;
        }
        self.mode = mode;
        self.modified = true;
        Some(self.mode_line(mode))
    }

    /// The log line of a change of mode.
    pub(super) fn mode_line(&self, mode: Mode) -> Event<'static> {
        let text = "status of link group %s set to %s";
        Event::Log(msg!(text, &self.link, mode.word()))
    }

    /// Take out the slave links that no choice has a file for, and sort what is left, as it
    /// goes into the admin file. Gives the links taken out.
    pub fn tidy(&mut self) -> Vec<SlaveLink> {
        let choices = &self.choices;
        let wanted = |s: &SlaveLink| choices.iter().any(|c| c.slave(&s.name).is_some());
        let (kept, obsolete) = self.slaves.drain(..).partition(wanted);
        self.slaves = kept;
        self.slaves.sort_by(|a, b| a.name.cmp(&b.name));
        self.choices.sort_by(|a, b| a.path.cmp(&b.path));
        obsolete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(path: &str, priority: i32) -> Choice {
        Choice {
            path: path.into(),
            priority,
            slaves: Vec::new(),
        }
    }

    #[test]
    fn the_best_is_the_highest_then_the_current_then_the_first() {
        let mut g = Group::new(b"g", b"/l", Mode::Auto);
        assert_eq!(g.best(None), None);
        for c in [choice("/b", 5), choice("/a", 5), choice("/c", 1)] {
            g.add_choice(c);
        }
        let best = |g: &Group, c: Option<&str>| {
            let best = g.best(c.map(str::as_bytes)).unwrap();
            String::from_utf8(best.path.clone()).unwrap()
        };
        assert_eq!(best(&g, None), "/b");
        assert_eq!(best(&g, Some("/a")), "/a");
        assert_eq!(best(&g, Some("/c")), "/b");
        assert_eq!(best(&g, Some("/unknown")), "/b");
    }

    #[test]
    fn tidying_drops_slaves_without_files_and_sorts() {
        let mut g = Group::new(b"g", b"/l", Mode::Auto);
        for name in ["z", "none", "a"] {
            g.add_slave(SlaveLink {
                name: name.into(),
                link: format!("/{name}").into(),
                updated: false,
            });
        }
        let mut c = choice("/b", 5);
        for (name, file) in [("z", "/fz"), ("none", ""), ("a", "/fa")] {
            c.slaves.push((name.into(), file.into()));
        }
        g.add_choice(c);
        g.add_choice(choice("/a", 1));
        let obsolete = g.tidy();
        let names = |s: &[SlaveLink]| s.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&obsolete), [b"none".to_vec()]);
        assert_eq!(names(&g.slaves), [b"a".to_vec(), b"z".to_vec()]);
        assert_eq!(g.choices[0].path, b"/a");
    }

    #[test]
    fn a_change_of_mode_is_logged_once() {
        let mut g = Group::new(b"g", b"/l", Mode::Auto);
        assert!(g.set_mode(Mode::Auto).is_none() && !g.modified);
        assert!(g.set_mode(Mode::Manual).is_some() && g.modified);
    }
}
