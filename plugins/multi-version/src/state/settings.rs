//! `views/VIEW/view`: a view's settings, a stanza that a person may edit.
//!
//! ```text
//! State: own
//! Suites: trixie
//! ```

use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Done, StateError};
use crate::generation::Disk;
use crate::layout::{Layout, ViewName};

/// Whose `/etc` and `/var` a world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// The host's.
    Host,
    /// Its own.
    Own,
}

impl StateKind {
    /// Of a view that says nothing: the view `system` is about the host.
    pub fn usual(view: &ViewName) -> StateKind {
        // Who has a store of their own has no say about the host.
        match *view == ViewName::system() && !crate::rootless::is_mapped() {
            true => StateKind::Host,
            false => StateKind::Own,
        }
    }
}

impl fmt::Display for StateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StateKind::Host => "host",
            StateKind::Own => "own",
        })
    }
}

impl FromStr for StateKind {
    type Err = String;
    fn from_str(word: &str) -> Result<StateKind, String> {
        match word {
            "host" => Ok(StateKind::Host),
            "own" => Ok(StateKind::Own),
            _ => Err(format!("State is '{word}', and neither 'host' nor 'own'")),
        }
    }
}

/// A view's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `State`
    pub state: StateKind,
    /// `Suites`: what apt takes for this view instead of the host's sources; none: the host's.
    pub suites: Vec<String>,
    /// All other fields in order, with their lines: those of another version, and a person's.
    pub others: Vec<(String, Vec<String>)>,
}

const STATE: &str = "State";
const SUITES: &str = "Suites";

impl Settings {
    /// Those of a view that has none.
    pub fn usual(view: &ViewName) -> Settings {
        Settings {
            state: StateKind::usual(view),
            suites: Vec::new(),
            others: Vec::new(),
        }
    }

    /// A view's.
    pub fn read(layout: &Layout, view: &ViewName) -> Done<Settings> {
        let path = file(layout, view);
        match fs::read_to_string(&path) {
            Ok(text) => Settings::parse(&text, view).map_err(|(line, why)| StateError::Settings {
                path,
                line,
                why,
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Settings::usual(view)),
            Err(e) => Err(StateError::read(&path, e)),
        }
    }

    fn parse(text: &str, view: &ViewName) -> Result<Settings, (usize, String)> {
        let mut settings = Settings::usual(view);
        let mut fields: Vec<(usize, String, Vec<String>)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = |why: &str| (number + 1, why.to_owned());
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                let (_, _, lines) = fields
                    .last_mut()
                    .ok_or_else(|| wrong("no field is before it"))?;
                lines.push(line.trim().into());
                continue;
            }
            let (name, value) = line
                .split_once(':')
                .filter(|(name, _)| !name.is_empty() && !name.contains([' ', '\t']))
                .ok_or_else(|| wrong("it is no field"))?;
            if fields.iter().any(|(_, n, _)| n.eq_ignore_ascii_case(name)) {
                return Err(wrong("the field is there twice"));
            }
            fields.push((number + 1, name.into(), vec![value.trim().into()]));
        }
        for (line, name, lines) in fields {
            if name.eq_ignore_ascii_case(STATE) {
                settings.state = lines.join(" ").trim().parse().map_err(|why| (line, why))?;
            } else if name.eq_ignore_ascii_case(SUITES) {
                let words = lines.iter().flat_map(|l| l.split_whitespace());
                settings.suites = words.map(str::to_owned).collect();
            } else {
                settings.others.push((name, lines));
            }
        }
        Ok(settings)
    }

    /// The text, as it is written.
    pub fn to_text(&self) -> String {
        let mut text = format!("{STATE}: {}\n", self.state);
        if !self.suites.is_empty() {
            text.push_str(&format!("{SUITES}: {}\n", self.suites.join(" ")));
        }
        for (name, lines) in &self.others {
            let mut lines = lines.iter();
            let first = lines.next().map_or("", String::as_str);
            text.push_str(format!("{name}: {first}").trim_end());
            text.push('\n');
            for line in lines {
                text.push_str(&format!(" {line}\n"));
            }
        }
        text
    }

    /// Another field's value, its lines joined.
    pub fn get(&self, name: &str) -> Option<String> {
        let mut others = self.others.iter();
        let found = others.find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(found.1.join("\n").trim().to_owned())
    }

    /// Set another field; none takes it away.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        self.others.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        let lines = value.map(|v| v.lines().map(str::to_owned).collect());
        self.others.extend(lines.map(|lines| (name.into(), lines)));
    }

    /// Write them, at once and durably. The view's directory is there.
    pub fn write(&self, disk: &Disk, layout: &Layout, view: &ViewName) -> Done {
        let (path, aside) = (
            file(layout, view),
            layout.tmp().join(format!("{view}.view")),
        );
        disk.remove_file(&aside)?;
        disk.write(&aside, self.to_text().as_bytes())?;
        disk.sync_file(&aside)?;
        disk.rename(&aside, &path)?;
        Ok(disk.sync_dir(&layout.view(view))?)
    }
}

fn file(layout: &Layout, view: &ViewName) -> PathBuf {
    layout.view(view).join("view")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_stays() {
        let view: ViewName = "web".parse().unwrap();
        let text = "# mine\nsuites: trixie\n  trixie-updates\nX-Note: a\n b\nState:host\n";
        let read = Settings::parse(text, &view).unwrap();
        assert_eq!(read.state, StateKind::Host);
        assert_eq!(read.suites, ["trixie", "trixie-updates"]);
        assert_eq!(read.get("x-note").as_deref(), Some("a\nb"));
        let again = Settings::parse(&read.to_text(), &view).unwrap();
        assert_eq!(again, read);
        let mut changed = again;
        changed.set("X-Note", None);
        changed.set("Sources", Some("one\ntwo"));
        assert_eq!(
            changed.to_text(),
            "State: host\nSuites: trixie trixie-updates\nSources: one\n two\n"
        );
        let usual = Settings::parse("", &view).unwrap();
        assert_eq!((usual.state, usual.suites.len()), (StateKind::Own, 0));
        assert_eq!(Settings::usual(&ViewName::system()).state, StateKind::Host);
    }

    #[test]
    fn an_error_names_the_line() {
        let view = ViewName::system();
        let line = |text: &str| Settings::parse(text, &view).unwrap_err().0;
        assert_eq!(line("Suites: a\nState: mine\n"), 2);
        assert_eq!(line(" a\n"), 1);
        assert_eq!(line("State: own\n\nstate: own\n"), 3);
        assert_eq!(line("what is this\n"), 1);
    }

    #[test]
    fn written_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path());
        let view: ViewName = "web".parse().unwrap();
        for dir in [layout.tmp(), layout.views(), layout.view(&view)] {
            fs::create_dir(dir).unwrap();
        }
        let mut settings = Settings::read(&layout, &view).unwrap();
        settings.state = StateKind::Host;
        for _ in 0..2 {
            settings.write(&Disk::default(), &layout, &view).unwrap();
        }
        assert_eq!(Settings::read(&layout, &view).unwrap(), settings);
    }
}
