//! `views/NAME/gen/N/manifest`: a stanza about the generation, then one for each of its packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::installation::SetId;
use super::stanza::{self, Stanza};
use super::{ManifestError, pair};
use crate::layout::{
    GenerationNumber, InstallationId, PackageName, RealizationId, SlotName, Soname, Version,
    ViewName,
};

/// What a generation holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Whose.
    pub view: ViewName,
    /// Which.
    pub number: GenerationNumber,
    /// When it was built, seconds since 1970.
    pub created: u64,
    /// The generation that was current before it, which `rollback` goes back to.
    pub parent: Option<GenerationNumber>,
    /// The slots: trees beside the view's own, of packages that would own the same paths.
    pub slots: BTreeSet<SlotName>,
    /// Versions that are not to be seen.
    pub hides: Vec<Hide>,
    /// Libraries whose provider was chosen by a person (`relink`).
    pub pins: Vec<LibraryPin>,
    /// The packages.
    pub packages: Vec<Member>,
}

/// A package of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its package, version, architecture and linking.
    pub realization: RealizationId,
    /// Whether somebody asked for it.
    pub reason: Reason,
    /// How far its installation came.
    pub state: State,
    /// Whether it is linked with the libraries it came with, where it can be, rather than with
    /// the view's choice.
    pub own_libraries: bool,
    /// The slot it is in, when not in the view's own tree.
    pub slot: Option<SlotName>,
    /// Which package of the view satisfies which of its dependencies: the groups of `Pre-Depends`, then
    /// `Depends`, from 0. Later plans keep to it, so that what came along with a package stays with it.
    pub uses: BTreeMap<usize, InstallationId>,
    /// The conflicts of it that were ignored.
    pub relaxed: Vec<Relaxed>,
    /// Its files whose bits are to be set while the generation is the system view's current one.
    pub setuid: Vec<SetId>,
}

/// Why a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It was asked for.
    Want,
    /// It came along.
    Auto,
}

/// How far an installation came. Of what dpkg tells apart, these can be in a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Its postinst has not been run.
    Unpacked,
    /// All is done.
    Installed,
    /// Removed; its conffiles stay in the host's /etc, and its postrm can still purge.
    ConfigFiles,
}

/// A library chosen by a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LibraryPin {
    /// The soname (or the file name of an interpreter).
    pub soname: Soname,
    /// By whom it is to be provided.
    pub provider: InstallationId,
    /// For whom: for all.
    pub only: Option<PackageName>,
}

/// An ignored conflict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relaxed {
    /// `Conflicts` or `Breaks`.
    pub field: RelaxedField,
    /// With whom.
    pub with: RealizationId,
}

/// The field an ignored conflict is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelaxedField {
    /// `Conflicts`
    Conflicts,
    /// `Breaks`
    Breaks,
}

/// A version of a package that is not to be seen: `PKG=VERSION` or `PKG=VERSION:for DEPENDENT`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hide {
    /// The package.
    pub package: PackageName,
    /// Its hidden version.
    pub version: Version,
    /// By whom it is not seen; by nobody.
    pub dependent: Option<PackageName>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Want => "want",
            Reason::Auto => "auto",
        })
    }
}

impl std::str::FromStr for Reason {
    type Err = String;
    fn from_str(word: &str) -> Result<Reason, String> {
        match word {
            "want" => Ok(Reason::Want),
            "auto" => Ok(Reason::Auto),
            _ => Err(format!("'{word}' is neither want nor auto")),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Unpacked => "unpacked",
            State::Installed => "installed",
            State::ConfigFiles => "config-files",
        })
    }
}

impl std::str::FromStr for State {
    type Err = String;
    fn from_str(word: &str) -> Result<State, String> {
        match word {
            "unpacked" => Ok(State::Unpacked),
            "installed" => Ok(State::Installed),
            "config-files" => Ok(State::ConfigFiles),
            _ => Err(format!("'{word}' is no state of a package")),
        }
    }
}

impl fmt::Display for LibraryPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.soname, self.provider)?;
        match &self.only {
            Some(only) => write!(f, " {only}"),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for LibraryPin {
    type Err = String;
    fn from_str(line: &str) -> Result<LibraryPin, String> {
        let words: Vec<&str> = line.split(' ').collect();
        let (soname, provider, only) = match words[..] {
            [soname, provider] => (soname, provider, None),
            [soname, provider, only] => (soname, provider, Some(only)),
            _ => return Err(format!("'{line}' is not SONAME PROVIDER [PACKAGE]")),
        };
        let word = |e: crate::layout::WordError| e.to_string();
        Ok(LibraryPin {
            soname: soname.parse().map_err(word)?,
            provider: provider.parse().map_err(|e| format!("{e}"))?,
            only: only.map(str::parse).transpose().map_err(word)?,
        })
    }
}

impl fmt::Display for RelaxedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RelaxedField::Conflicts => "Conflicts",
            RelaxedField::Breaks => "Breaks",
        })
    }
}

impl std::str::FromStr for RelaxedField {
    type Err = String;
    fn from_str(word: &str) -> Result<RelaxedField, String> {
        match word {
            "Conflicts" => Ok(RelaxedField::Conflicts),
            "Breaks" => Ok(RelaxedField::Breaks),
            _ => Err(format!("'{word}' is neither Conflicts nor Breaks")),
        }
    }
}

impl fmt::Display for Hide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.package, self.version)?;
        match &self.dependent {
            Some(dependent) => write!(f, ":for {dependent}"),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for Hide {
    type Err = String;
    fn from_str(line: &str) -> Result<Hide, String> {
        let (what, dependent) = match line.split_once(":for ") {
            Some((what, dependent)) => (what, Some(dependent)),
            None => (line, None),
        };
        let shape = || format!("'{line}' is not PKG=VERSION[:for DEPENDENT]");
        let (package, version) = what.split_once('=').ok_or_else(shape)?;
        let word = |e: crate::layout::WordError| e.to_string();
        Ok(Hide {
            package: package.parse().map_err(word)?,
            version: version.parse().map_err(word)?,
            dependent: dependent.map(str::parse).transpose().map_err(word)?,
        })
    }
}

impl Manifest {
    /// As it is written: the packages sorted.
    pub fn to_text(&self) -> String {
        let mut head = Stanza::default();
        head.put("View", &self.view);
        head.put("Generation", self.number);
        head.put("Created", self.created);
        if let Some(parent) = self.parent {
            head.put("Parent", parent);
        }
        head.put_lines("Slots", &self.slots);
        head.put_lines("Hides", &self.hides);
        head.put_lines("Pins", &self.pins);
        let mut stanzas = vec![head];
        let mut members: Vec<&Member> = self.packages.iter().collect();
        members.sort_by(|a, b| (&a.realization, &a.slot).cmp(&(&b.realization, &b.slot)));
        stanzas.extend(members.into_iter().map(Member::stanza));
        stanza::write(&stanzas)
    }

    /// As it was written.
    pub fn from_text(text: &str) -> Result<Manifest, ManifestError> {
        let mut stanzas = stanza::read(text)?.into_iter();
        let mut head = stanzas.next().ok_or(ManifestError::Cut)?;
        let mut manifest = Manifest {
            view: head.take("View")?,
            number: head.take("Generation")?,
            created: head.take("Created")?,
            parent: head.take_maybe("Parent")?,
            slots: head.take_each("Slots", word)?.into_iter().collect(),
            hides: head.take_each("Hides", str::parse)?,
            pins: head.take_each("Pins", str::parse)?,
            packages: Vec::new(),
        };
        head.end()?;
        for stanza in stanzas {
            let member = Member::read(stanza)?;
            if let Some(slot) = &member.slot
                && !manifest.slots.contains(slot)
            {
                return Err(ManifestError::Value {
                    field: "Slot".into(),
                    why: format!("there is no slot {slot}"),
                });
            }
            manifest.packages.push(member);
        }
        Ok(manifest)
    }
}

fn word(line: &str) -> Result<SlotName, String> {
    line.parse()
        .map_err(|e: crate::layout::WordError| e.to_string())
}

impl Member {
    fn stanza(&self) -> Stanza {
        let mut stanza = Stanza::default();
        stanza.put("Package", self.realization.package());
        stanza.put("Version", self.realization.version());
        stanza.put("Architecture", self.realization.architecture());
        stanza.put("Realization", &self.realization);
        stanza.put("Reason", self.reason);
        stanza.put("State", self.state);
        if self.own_libraries {
            stanza.put("Own-Libraries", "yes");
        }
        if let Some(slot) = &self.slot {
            stanza.put("Slot", slot);
        }
        let lines = self.uses.iter().map(|(group, id)| format!("{group} {id}"));
        stanza.put_lines("Uses", lines);
        let lines = self.relaxed.iter();
        let lines = lines.map(|r| format!("{} {}", r.field, r.with));
        stanza.put_lines("Relaxed", lines);
        stanza.put_lines("Setuid", self.setuid.iter().map(SetId::line));
        stanza
    }

    fn read(mut stanza: Stanza) -> Result<Member, ManifestError> {
        let named = (
            stanza.take::<PackageName>("Package")?,
            stanza.take::<Version>("Version")?,
            stanza.take::<crate::layout::Architecture>("Architecture")?,
        );
        let relaxed = stanza.take_each("Relaxed", pair)?;
        let member = Member {
            realization: stanza.take("Realization")?,
            reason: stanza.take("Reason")?,
            state: stanza.take("State")?,
            own_libraries: match stanza.take_maybe::<String>("Own-Libraries")?.as_deref() {
                None => false,
                Some("yes") => true,
                Some(other) => {
                    return Err(ManifestError::Value {
                        field: "Own-Libraries".into(),
                        why: format!("'{other}' is not yes"),
                    });
                }
            },
            slot: stanza.take_maybe("Slot")?,
            setuid: stanza.take_each("Setuid", SetId::read)?,
            uses: stanza.take_each("Uses", pair)?.into_iter().collect(),
            relaxed: relaxed
                .into_iter()
                .map(|(field, with)| Relaxed { field, with })
                .collect(),
        };
        stanza.end()?;
        let id = &member.realization;
        if (&named.0, &named.1, &named.2) != (id.package(), id.version(), id.architecture()) {
            return Err(ManifestError::Stranger(id.to_string()));
        }
        Ok(member)
    }
}
