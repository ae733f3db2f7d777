//! `views/VIEW/selections`: what `--set-selections` said and no command has done yet. apt says `NAME:ARCH purge` of
//! what it will remove, and then `--purge --pending`.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::generation::{Disk, DiskError};
use crate::layout::{Layout, ViewName};

/// Why selections can't be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum SelectionsError {
    /// The file can't be read.
    #[error("cannot read '{}': {source}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is none.
    #[error("line {0} is not a package and what is wanted of it")]
    Line(usize),
    /// It can't be kept.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// What is wanted of packages, by `NAME[:ARCH]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selections(BTreeMap<String, String>);

impl Selections {
    /// As dpkg(1) `--set-selections` reads them: a package and a word a line, `#` begins a comment.
    pub fn parse(text: &str) -> Result<Selections, SelectionsError> {
        let mut selections = Selections::default();
        for (at, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let [package, want] = words[..] else {
                return Err(SelectionsError::Line(at + 1));
            };
            if !["install", "hold", "deinstall", "purge"].contains(&want) {
                return Err(SelectionsError::Line(at + 1));
            }
            selections.0.insert(package.into(), want.into());
        }
        Ok(selections)
    }

    /// Those of a view.
    pub fn of(layout: &Layout, view: &ViewName) -> Result<Selections, SelectionsError> {
        let path = path(layout, view);
        match std::fs::read_to_string(&path) {
            Ok(text) => Selections::parse(&text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Selections::default()),
            Err(source) => Err(SelectionsError::Read { path, source }),
        }
    }

    /// These besides.
    pub fn extend(&mut self, more: Selections) {
        self.0.extend(more.0);
    }

    /// The packages of which this is wanted.
    pub fn wanting<'s>(&'s self, want: &'s str) -> impl Iterator<Item = &'s str> {
        let those = self.0.iter().filter(move |(_, w)| *w == want);
        those.map(|(package, _)| package.as_str())
    }

    /// What dpkg's database says of a package that is installed: `hold` or `install`, if either was said.
    pub fn of_installed(&self, name: &str, architecture: &str) -> Option<&'static str> {
        let full = self.0.get(&format!("{name}:{architecture}"));
        match full.or_else(|| self.0.get(name))?.as_str() {
            "hold" => Some("hold"),
            "install" => Some("install"),
            _ => None,
        }
    }

    /// Nothing is wanted of packages any more of which this was.
    pub fn done(&mut self, want: &str) {
        self.0.retain(|_, w| w != want);
    }

    /// Keep them.
    pub fn keep(
        &self,
        layout: &Layout,
        view: &ViewName,
        disk: &Disk,
    ) -> Result<(), SelectionsError> {
        let text: String = self.0.iter().map(|(p, w)| format!("{p} {w}\n")).collect();
        let aside = layout.tmp().join("selections");
        disk.remove_file(&aside)?;
        disk.write(&aside, text.as_bytes())?;
        disk.rename(&aside, &path(layout, view))?;
        Ok(disk.sync_dir(&layout.view(view))?)
    }
}

fn path(layout: &Layout, view: &ViewName) -> PathBuf {
    layout.view(view).join("selections")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_apt_says_them() {
        let said = "hello:amd64 purge\nfoo:all deinstall\n\n# x\n";
        let mut selections = Selections::parse(said).unwrap();
        selections.extend(Selections::parse("bar hold").unwrap());
        assert_eq!(
            selections.wanting("purge").collect::<Vec<_>>(),
            ["hello:amd64"]
        );
        selections.done("purge");
        assert_eq!(selections.wanting("purge").count(), 0);
        for wrong in ["hello", "hello purge now", "hello away"] {
            assert!(Selections::parse(wrong).is_err(), "{wrong}");
        }
    }
}
