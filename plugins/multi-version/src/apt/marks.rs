//! `extended_states`: what came along, as apt has it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::layout::Architecture;
use crate::manifest::Reason;

/// Packages that came along: name and architecture, where apt has those of architecture `all` under its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeSet<(String, String)>);

impl Marks {
    /// Read a file; none is one without marks.
    pub fn read(path: &Path) -> io::Result<Marks> {
        match fs::read(path) {
            Ok(text) => Ok(Marks::parse(&String::from_utf8_lossy(&text))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Marks::default()),
            Err(e) => Err(e),
        }
    }

    fn parse(text: &str) -> Marks {
        let mut marks = Marks::default();
        for stanza in text.split("\n\n") {
            let field = |name: &str| {
                let mut lines = stanza.lines().filter_map(|line| line.split_once(':'));
                let found = lines.find(|(n, _)| n.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.trim().to_string())
            };
            if let (Some(package), Some("1")) =
                (field("Package"), field("Auto-Installed").as_deref())
            {
                let architecture = field("Architecture").unwrap_or_default();
                marks.0.insert((package, architecture));
            }
        }
        marks
    }

    /// Why a package is there; `native` is the architecture of this dpkg-ng.
    pub fn reason(&self, name: &str, architecture: &Architecture, native: &Architecture) -> Reason {
        let architecture = match architecture.as_str() {
            "all" => native.as_str(),
            other => other,
        };
        let is = |(n, a): &(String, String)| n == name && (a == architecture || a.is_empty());
        match self.0.iter().any(is) {
            true => Reason::Auto,
            false => Reason::Want,
        }
    }

    /// Say why a package is there.
    pub fn set(&mut self, name: &str, architecture: &str, native: &str, reason: Reason) {
        let architecture = if architecture == "all" {
            native
        } else {
            architecture
        };
        self.0
            .retain(|(n, a)| n != name || a != architecture && !a.is_empty());
        if reason == Reason::Auto {
            self.0.insert((name.into(), architecture.into()));
        }
    }

    /// The file, as apt writes it.
    pub fn to_text(&self) -> String {
        let stanza = |(name, architecture): &(String, String)| {
            format!("Package: {name}\nArchitecture: {architecture}\nAuto-Installed: 1\n\n")
        };
        self.0.iter().map(stanza).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_set_and_read_again() {
        let mut marks = Marks::parse(
            "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nAuto-Installed: 0\n",
        );
        let native: Architecture = "amd64".parse().unwrap();
        let all: Architecture = "all".parse().unwrap();
        assert_eq!(marks.reason("a", &all, &native), Reason::Auto);
        assert_eq!(marks.reason("b", &native, &native), Reason::Want);
        marks.set("b", "all", "amd64", Reason::Auto);
        marks.set("a", "amd64", "amd64", Reason::Want);
        marks.set("c", "i386", "amd64", Reason::Auto);
        let text = marks.to_text();
        assert_eq!(Marks::parse(&text), marks);
        assert_eq!(marks.reason("a", &native, &native), Reason::Want);
        assert_eq!(marks.reason("b", &native, &native), Reason::Auto);
        assert!(text.contains("Package: c\nArchitecture: i386\n"));
    }
}
