//! `gen/N/commands`: what became of each command, for `view list --commands`.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Commands, ExportError, How, Source, read_error};
use crate::generation::Disk;
use crate::layout::{InstallationId, SideName, inside};
use crate::manifest::ManifestError;
use crate::manifest::path::{escape, unescape_any};
use crate::manifest::stanza::{self, Stanza};

/// A command, as it was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As it is called; `None`: it is not exported.
    pub name: Option<PathBuf>,
    /// Whose it is.
    pub source: Source,
    /// How it is started: `link`, `launcher`; `no`: it is not exported.
    pub how: String,
    /// Why it needs a context, or is not exported, in words.
    pub why: String,
}

pub(super) fn write(
    disk: &Disk,
    generation: &Path,
    commands: &Commands,
) -> Result<(), ExportError> {
    let exported = commands.exported.iter().map(|export| {
        let (how, why) = match &export.how {
            How::Link(_) => ("link", String::new()),
            How::Launcher(why) => ("launcher", why.to_string()),
        };
        stanza(Some(Path::new(&export.name)), &export.source, how, &why)
    });
    let left = commands.left.iter();
    let left = left.map(|left| stanza(None, &left.source, "no", &left.why.to_string()));
    let stanzas: Vec<Stanza> = exported.chain(left).collect();
    let path = generation.join(inside::COMMANDS);
    disk.remove_file(&path)?;
    Ok(disk.write(&path, stanza::write(&stanzas).as_bytes())?)
}

fn stanza(name: Option<&Path>, source: &Source, how: &str, why: &str) -> Stanza {
    let mut stanza = Stanza::default();
    if let Some(name) = name {
        stanza.put("Name", escape(name));
    }
    if let Some(side) = &source.world {
        stanza.put("World", side);
    }
    stanza.put("Command", escape(&source.command));
    stanza.put("Installation", &source.package);
    if source.alternative {
        stanza.put("Alternative", "yes");
    }
    stanza.put("Started-By", how);
    // What an object is called may be anything.
    let why = why.replace(char::is_control, "?");
    if !why.is_empty() {
        stanza.put("Because", why);
    }
    stanza
}

/// What became of the commands of a generation.
///
/// # Errors
/// It is not there, or not as it was written.
pub fn read(generation: &Path) -> Result<Vec<Row>, ExportError> {
    let path = generation.join(inside::COMMANDS);
    let text = fs::read_to_string(&path).map_err(|e| read_error(&path, e))?;
    let rows = stanza::read(&text).and_then(|all| all.into_iter().map(row).collect());
    rows.map_err(|why| ExportError::Commands { path, why })
}

/// A path as it is written.
struct Any(PathBuf);

impl std::str::FromStr for Any {
    type Err = String;
    fn from_str(word: &str) -> Result<Any, String> {
        unescape_any(word).map(Any)
    }
}

fn row(mut stanza: Stanza) -> Result<Row, ManifestError> {
    let row = Row {
        name: stanza.take_maybe::<Any>("Name")?.map(|n| n.0),
        source: Source {
            world: stanza.take_maybe::<SideName>("World")?,
            command: stanza.take::<Any>("Command")?.0,
            package: stanza.take::<InstallationId>("Installation")?,
            alternative: stanza.take_maybe::<String>("Alternative")?.is_some(),
        },
        how: stanza.take("Started-By")?,
        why: stanza.take_maybe("Because")?.unwrap_or_default(),
    };
    stanza.end()?;
    Ok(row)
}
