//! `extended_states`: what came along, as apt has it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::layout::Architecture;
use crate::manifest::{Manifest, Member, Reason, State};

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

    /// The packages of a view of which these say something else than `before`, and so than the view: what they say.
    pub fn changed<'m>(
        &self,
        before: &Marks,
        manifest: &'m Manifest,
        native: &Architecture,
    ) -> Vec<(&'m Member, Reason)> {
        let present = manifest
            .packages
            .iter()
            .filter(|m| m.state != State::ConfigFiles);
        let changed = present.filter_map(|member| {
            let id = &member.realization;
            let of = |marks: &Marks| marks.reason(id.package().as_str(), id.architecture(), native);
            let (now, then) = (of(self), of(before));
            (now != then && now != member.reason).then_some((member, now))
        });
        changed.collect()
    }
}
