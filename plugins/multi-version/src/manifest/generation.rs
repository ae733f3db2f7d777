//! `views/NAME/gen/N/manifest`: a stanza about the generation, one for each of its side worlds, then one for each linked package.
//!
//! ```text
//! Format: 2
//! View: dev
//! Generation: 7
//! Created: 1796056000
//! Parent: 6
//! Command: dpkg-ng view apt dev -- install postgresql-17
//! Hides, Pins:                 what persons ruled, a line each
//!
//! World: postgresql-17@17.5-1
//! Relaxed:
//!  Conflicts postgresql-17 postgresql-contrib-15
//!
//! Package: libssl3t64
//! Version: 3.5.1-1
//! Architecture: amd64
//! Realization: libssl3t64_3.5.1-1_amd64-…
//! Worlds:
//!  postgresql-17@17.5-1 auto installed
//! ```
//!
//! A package without a world is kept for its libraries: a pin or a hide gives them to somebody. What the host lends a
//! world, and what could not be stored, is not here: it has no realization. All else about packages is in the worlds' own
//! dpkg databases.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use super::stanza::{self, Stanza};
use super::{ManifestError, pair};
use crate::layout::{
    Architecture, GenerationNumber, InstallationId, PackageName, RealizationId, SideName, Soname,
    Version, ViewName,
};

/// The format that is written, and read.
const FORMAT: u32 = 2;

/// The name of the main world.
const MAIN: &str = "main";

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
    /// The command line that made it, for a person: see [`command_line`].
    pub command: String,
    /// Its side worlds.
    pub sides: BTreeMap<SideName, Side>,
    /// Versions that are not to be seen.
    pub hides: Vec<Hide>,
    /// Libraries whose provider was chosen by a person (`relink`).
    pub pins: Vec<LibraryPin>,
    /// The packages that are linked.
    pub packages: Vec<Member>,
}

/// A side world.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// The conflicts that it was made for.
    pub relaxed: Vec<Relaxed>,
}

/// A linked package of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its package, version, architecture and linking.
    pub realization: RealizationId,
    /// The worlds that have it (`None`: the main one), and what it is there. None at all: it is kept for its libraries.
    pub worlds: BTreeMap<Option<SideName>, Standing>,
}

/// What a package is in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Whether somebody asked for it there.
    pub reason: Reason,
    /// How far its installation came.
    pub state: State,
}

/// Why a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It was asked for.
    Want,
    /// It came along.
    Auto,
}

/// How far an installation came: dpkg's states (dpkg(1), PACKAGE STATES), but `not-installed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Only its conffiles, and its postrm, are left: it has no files that could be linked.
    ConfigFiles,
    /// Its files are being placed.
    HalfInstalled,
    /// Its postinst has not been run.
    Unpacked,
    /// Its postinst failed.
    HalfConfigured,
    /// It waits for others' triggers.
    TriggersAwaited,
    /// Its own triggers are to be run.
    TriggersPending,
    /// All is done.
    Installed,
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

/// A conflict that a side world was made for: one between two packages of two worlds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relaxed {
    /// Whose field it is.
    pub by: PackageName,
    /// Which.
    pub field: RelaxedField,
    /// With whom.
    pub with: PackageName,
}

/// Why two packages can't be in one world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RelaxedField {
    /// `Conflicts`
    Conflicts,
    /// `Breaks`
    Breaks,
    /// They are versions of one package.
    Version,
    /// They have different files at one path, and neither replaces the other's.
    Path,
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

/// A command line in one line, words quoted as for a shell where they need it.
pub fn command_line(words: &[OsString]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_~".contains(c);
    let word = |word: &OsString| {
        let text = word.to_string_lossy().replace(char::is_control, "?");
        match !text.is_empty() && text.chars().all(plain) {
            true => text,
            false => format!("'{}'", text.replace('\'', "'\\''")),
        }
    };
    let words: Vec<String> = words.iter().map(word).collect();
    words.join(" ")
}

/// The words of an enumeration, both ways.
macro_rules! words {
    ($name:ident, $what:literal, $($variant:ident $word:literal),+) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $($name::$variant => $word),+ })
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<$name, String> {
                match word {
                    $($word => Ok($name::$variant),)+
                    _ => Err(format!(concat!("'{}' is no ", $what), word)),
                }
            }
        }
    };
}

words!(Reason, "reason", Want "want", Auto "auto");
words!(State, "state of a package",
    ConfigFiles "config-files", HalfInstalled "half-installed", Unpacked "unpacked", HalfConfigured "half-configured",
    TriggersAwaited "triggers-awaited", TriggersPending "triggers-pending", Installed "installed");
words!(RelaxedField, "reason for a side world",
    Conflicts "Conflicts", Breaks "Breaks", Version "Version", Path "Path");

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

impl fmt::Display for Relaxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.field, self.by, self.with)
    }
}

impl std::str::FromStr for Relaxed {
    type Err = String;
    fn from_str(line: &str) -> Result<Relaxed, String> {
        let (field, rest) = pair::<RelaxedField, String>(line)?;
        let (by, with) = pair(&rest)?;
        Ok(Relaxed { by, field, with })
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
    /// What it holds in a world (`None`: the main one).
    pub fn world<'m>(
        &'m self,
        world: Option<&SideName>,
    ) -> impl Iterator<Item = (&'m Member, Standing)> {
        let world = world.cloned();
        let of = move |m: &'m Member| Some((m, *m.worlds.get(&world)?));
        self.packages.iter().filter_map(of)
    }

    /// As it is written: the packages sorted.
    pub fn to_text(&self) -> String {
        let mut head = Stanza::default();
        head.put("Format", FORMAT);
        head.put("View", &self.view);
        head.put("Generation", self.number);
        head.put("Created", self.created);
        if let Some(parent) = self.parent {
            head.put("Parent", parent);
        }
        head.put("Command", &self.command);
        head.put_lines("Hides", &self.hides);
        head.put_lines("Pins", &self.pins);
        let mut stanzas = vec![head];
        stanzas.extend(self.sides.iter().map(|(name, side)| side.stanza(name)));
        let mut members: Vec<&Member> = self.packages.iter().collect();
        members.sort_by(|a, b| a.realization.cmp(&b.realization));
        stanzas.extend(members.into_iter().map(Member::stanza));
        stanza::write(&stanzas)
    }

    /// As it was written.
    pub fn from_text(text: &str) -> Result<Manifest, ManifestError> {
        let mut stanzas = stanza::read(text)?.into_iter();
        let mut head = stanzas.next().ok_or(ManifestError::Cut)?;
        match head.take_maybe::<u32>("Format")? {
            Some(FORMAT) => {}
            None => return Err(ManifestError::Older),
            Some(other) => return Err(ManifestError::Format(other)),
        }
        let mut manifest = Manifest {
            view: head.take("View")?,
            number: head.take("Generation")?,
            created: head.take("Created")?,
            parent: head.take_maybe("Parent")?,
            command: head.take("Command")?,
            sides: BTreeMap::new(),
            hides: head.take_each("Hides", str::parse)?,
            pins: head.take_each("Pins", str::parse)?,
            packages: Vec::new(),
        };
        head.end()?;
        for mut stanza in stanzas {
            match stanza.take_maybe::<SideName>("World")? {
                Some(name) => {
                    let relaxed = stanza.take_each("Relaxed", str::parse)?;
                    stanza.end()?;
                    manifest.sides.insert(name, Side { relaxed });
                }
                None => {
                    let member = Member::read(stanza)?;
                    let sides = member.worlds.keys().flatten();
                    let mut strange = sides.filter(|s| !manifest.sides.contains_key(*s));
                    if let Some(side) = strange.next() {
                        return Err(ManifestError::Value {
                            field: "Worlds".into(),
                            why: format!("there is no world {side}"),
                        });
                    }
                    manifest.packages.push(member);
                }
            }
        }
        Ok(manifest)
    }
}

impl Side {
    fn stanza(&self, name: &SideName) -> Stanza {
        let mut stanza = Stanza::default();
        stanza.put("World", name);
        stanza.put_lines("Relaxed", &self.relaxed);
        stanza
    }
}

impl Member {
    /// Whether any world has its files.
    pub fn is_present(&self) -> bool {
        self.worlds.values().any(|s| s.state != State::ConfigFiles)
    }

    /// Whether somebody asked for it in a world that has its files.
    pub fn is_wanted(&self) -> bool {
        let wanted = |s: &Standing| s.state != State::ConfigFiles && s.reason == Reason::Want;
        self.worlds.values().any(wanted)
    }

    fn stanza(&self) -> Stanza {
        let mut stanza = Stanza::default();
        stanza.put("Package", self.realization.package());
        stanza.put("Version", self.realization.version());
        stanza.put("Architecture", self.realization.architecture());
        stanza.put("Realization", &self.realization);
        let line = |(world, standing): (&Option<SideName>, &Standing)| {
            let name = world.as_ref().map_or(MAIN, SideName::as_str);
            format!("{name} {} {}", standing.reason, standing.state)
        };
        stanza.put_lines("Worlds", self.worlds.iter().map(line));
        stanza
    }

    fn read(mut stanza: Stanza) -> Result<Member, ManifestError> {
        let named = (
            stanza.take::<PackageName>("Package")?,
            stanza.take::<Version>("Version")?,
            stanza.take::<Architecture>("Architecture")?,
        );
        let member = Member {
            realization: stanza.take("Realization")?,
            worlds: stanza.take_each("Worlds", standing)?.into_iter().collect(),
        };
        stanza.end()?;
        let id = &member.realization;
        if (&named.0, &named.1, &named.2) != (id.package(), id.version(), id.architecture()) {
            return Err(ManifestError::Stranger(id.to_string()));
        }
        Ok(member)
    }
}

fn standing(line: &str) -> Result<(Option<SideName>, Standing), String> {
    let (name, rest) = pair::<String, String>(line)?;
    let (reason, state) = pair(&rest)?;
    let world = match name.as_str() {
        MAIN => None,
        side => Some(
            side.parse()
                .map_err(|e: crate::layout::WordError| e.to_string())?,
        ),
    };
    Ok((world, Standing { reason, state }))
}
