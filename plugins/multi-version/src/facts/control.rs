//! What of a control file matters here. Fields, values and relations are read by the host: they are what
//! dpkg takes them for.

use std::str::FromStr;

use dpkgng_plugin::{Field, Services, Stanza};

use super::{Control, ControlError, MultiArch, Op, Provided, Relation};
use crate::layout::{Architecture, InstallationId, PackageName, Version, WordError};

/// A package's name, version and architecture.
pub(crate) type Identity = (PackageName, Version, Architecture);

/// The control file of an installation.
pub(crate) fn read(
    host: Services,
    text: &[u8],
    id: &InstallationId,
) -> Result<Control, ControlError> {
    let stanza = the_one(host, text)?;
    let (name, version, architecture) = identity(&stanza)?;
    let same = (&name, &version, &architecture) == (id.package(), id.version(), id.architecture());
    if !same {
        return Err(ControlError::Stranger(id.clone()));
    }
    of(host, &stanza)
}

/// What a stanza of a status file says.
pub(crate) fn of_stanza(host: Services, text: &[u8]) -> Result<Control, ControlError> {
    of(host, &the_one(host, text)?)
}

/// The name of the source package (`Source`, without the version it may have), if one is given.
pub(crate) fn source(host: Services, text: &[u8]) -> Option<String> {
    let source = word(&the_one(host, text).ok()?, "Source")?;
    source.split([' ', '(']).next().map(str::to_owned)
}

fn of(host: Services, stanza: &Stanza) -> Result<Control, ControlError> {
    let relations = |field, name| relations(host, stanza, field, name);
    let flat = |field, name| -> Result<Vec<Relation>, ControlError> {
        Ok(relations(field, name)?.into_iter().flatten().collect())
    };
    let mut depends = relations(Field::PreDepends, "Pre-Depends")?;
    depends.extend(relations(Field::Depends, "Depends")?);
    Ok(Control {
        essential: word(stanza, "Essential").is_some_and(|w| w.eq_ignore_ascii_case("yes")),
        multi_arch: multi_arch(stanza)?,
        depends,
        conflicts: flat(Field::Conflicts, "Conflicts")?,
        breaks: flat(Field::Breaks, "Breaks")?,
        replaces: flat(Field::Replaces, "Replaces")?,
        provides: provides(host, stanza)?,
    })
}

/// A relation field: groups of alternatives.
fn relations(
    host: Services,
    stanza: &Stanza,
    field: Field,
    name: &'static str,
) -> Result<Vec<Vec<Relation>>, ControlError> {
    let Some(text) = stanza.field(name) else {
        return Ok(Vec::new());
    };
    let groups = host.relations(field, text)?;
    groups.into_iter().map(|g| known(name, g)).collect()
}

/// `Provides`
pub(crate) fn provides(host: Services, stanza: &Stanza) -> Result<Vec<Provided>, ControlError> {
    let all = relations(host, stanza, Field::Provides, "Provides")?;
    Ok(all.into_iter().flatten().filter_map(provided).collect())
}

/// The only paragraph of a control file.
pub(crate) fn the_one(host: Services, text: &[u8]) -> Result<Stanza, ControlError> {
    let mut stanzas = host.stanzas(text)?;
    match (stanzas.pop(), stanzas.len()) {
        (Some(stanza), 0) => Ok(stanza),
        (None, _) => Err(ControlError::Paragraphs(0)),
        (Some(_), others) => Err(ControlError::Paragraphs(others + 1)),
    }
}

const PACKAGE: &str = "Package";

/// Whose control file it is. Names are in lower case, as dpkg's database has them.
pub(crate) fn identity(stanza: &Stanza) -> Result<Identity, ControlError> {
    fn take<T: FromStr<Err = WordError>>(
        stanza: &Stanza,
        field: &'static str,
    ) -> Result<T, ControlError> {
        let mut word = word(stanza, field).ok_or(ControlError::Missing(field))?;
        if field == PACKAGE {
            word.make_ascii_lowercase();
        }
        word.parse()
            .map_err(|why| ControlError::Word { field, why })
    }
    Ok((
        take(stanza, PACKAGE)?,
        take(stanza, "Version")?,
        take(stanza, "Architecture")?,
    ))
}

/// A value without the blanks around it.
fn word(stanza: &Stanza, field: &str) -> Option<String> {
    let value = stanza.field(field)?.trim_ascii();
    Some(String::from_utf8_lossy(value).into_owned())
}

/// `Multi-Arch`
pub(crate) fn multi_arch(stanza: &Stanza) -> Result<MultiArch, ControlError> {
    let value = word(stanza, "Multi-Arch").unwrap_or_else(|| "no".into());
    match &*value.to_ascii_lowercase() {
        "no" => Ok(MultiArch::No),
        "same" => Ok(MultiArch::Same),
        "foreign" => Ok(MultiArch::Foreign),
        "allowed" => Ok(MultiArch::Allowed),
        _ => Err(ControlError::MultiArch(value)),
    }
}

/// A group of alternatives, without those that no package in a store can be: dpkg takes names that
/// [`PackageName`] does not. A group may be left with none, which nothing satisfies.
fn known(
    field: &'static str,
    group: Vec<dpkgng_plugin::Relation>,
) -> Result<Vec<Relation>, ControlError> {
    let mut relations = Vec::new();
    for relation in group {
        let Ok(name) = PackageName::new(&relation.name) else {
            continue;
        };
        let version = match relation.version {
            None => None,
            Some((op, version)) => {
                let version = Version::new(&version);
                let version = version.map_err(|why| ControlError::Word { field, why })?;
                Some((op.into(), version))
            }
        };
        relations.push(Relation {
            name,
            architecture: relation.architecture,
            version,
        });
    }
    Ok(relations)
}

fn provided(relation: Relation) -> Option<Provided> {
    let architecture = match relation.architecture {
        None => None,
        Some(word) => Some(Architecture::new(&word).ok()?),
    };
    Some(Provided {
        name: relation.name,
        version: relation.version.map(|(_, version)| version),
        architecture,
    })
}

impl From<dpkgng_plugin::Op> for Op {
    fn from(op: dpkgng_plugin::Op) -> Op {
        match op {
            dpkgng_plugin::Op::Lt => Op::Lt,
            dpkgng_plugin::Op::Le => Op::Le,
            dpkgng_plugin::Op::Eq => Op::Eq,
            dpkgng_plugin::Op::Ge => Op::Ge,
            dpkgng_plugin::Op::Gt => Op::Gt,
        }
    }
}
