//! `store/ID/DEBIAN/objects`: what was derived of a payload, so that planning need not read every file.
//!
//! A stanza with the paths, then one for each ELF object, sealed as a manifest is. It can be deleted: it is
//! derived again, though not written again.

use std::path::PathBuf;
use std::str::FromStr;

use super::{Object, Payload};
use crate::elf::{Layout, Target};
use crate::layout::Soname;
use crate::manifest::ManifestError;
use crate::manifest::path::{escape, unescape, unescape_any};
use crate::manifest::stanza::{self, Stanza};

/// Which rules it was derived by: that of other rules is derived again.
const RULES: u32 = 2;

pub(super) fn to_text(payload: &Payload) -> String {
    let mut head = Stanza::default();
    head.put("Rules", RULES);
    head.put_lines("Paths", payload.paths.iter().map(|p| escape(p)));
    let damaged = payload.damaged.iter();
    head.put_lines(
        "Damaged",
        damaged.map(|(p, why)| format!("{} {why}", escape(p))),
    );
    let mut stanzas = vec![head];
    for object in &payload.objects {
        let Target {
            machine,
            layout,
            abi,
        } = object.target;
        let (bits, order) = (
            if layout.wide { 64 } else { 32 },
            if layout.big { "big" } else { "little" },
        );
        let mut stanza = Stanza::default();
        stanza.put("Path", escape(&object.path));
        stanza.put("Target", format!("{machine} {bits} {order} {abi}"));
        if let Some(interpreter) = &object.interpreter {
            stanza.put("Interpreter", escape(interpreter));
        }
        if let Some(soname) = &object.soname {
            stanza.put("Soname", soname);
        }
        stanza.put_lines("Names", &object.names);
        stanza.put("Public", if object.public { "yes" } else { "no" });
        stanza.put("Rpath", if object.rpath { "yes" } else { "no" });
        stanza.put_lines("Needed", &object.needed);
        stanza.put_lines("Mentions", &object.mentions);
        stanzas.push(stanza);
    }
    stanza::write(&stanzas)
}

pub(super) fn from_text(text: &str) -> Result<Payload, ManifestError> {
    let mut stanzas = stanza::read(text)?.into_iter();
    let mut head = stanzas.next().ok_or(ManifestError::Cut)?;
    if head.take::<u32>("Rules")? != RULES {
        return Err(ManifestError::Stranger("these rules".into()));
    }
    let paths = head.take_each("Paths", unescape)?;
    let damaged = head.take_each("Damaged", |line| {
        let split = line.split_once(' ').ok_or("no reason")?;
        Ok((unescape(split.0)?, split.1.to_owned()))
    })?;
    head.end()?;
    let objects: Result<Vec<Object>, ManifestError> = stanzas.map(object).collect();
    Ok(Payload {
        objects: objects?,
        paths,
        damaged,
    })
}

fn object(mut stanza: Stanza) -> Result<Object, ManifestError> {
    let soname = |word: &str| Soname::new(word).map_err(|e| e.to_string());
    let object = Object {
        path: stanza.take::<Below>("Path")?.0,
        target: stanza.take::<TargetWords>("Target")?.0,
        interpreter: stanza.take_maybe::<Any>("Interpreter")?.map(|i| i.0),
        soname: stanza.take_maybe("Soname")?,
        names: stanza.take_each("Names", soname)?,
        public: stanza.take::<String>("Public")? == "yes",
        rpath: stanza.take::<String>("Rpath")? == "yes",
        needed: stanza.take_each("Needed", soname)?,
        mentions: stanza.take_each("Mentions", soname)?,
    };
    stanza.end()?;
    Ok(object)
}

/// A path below the payload.
struct Below(PathBuf);

impl FromStr for Below {
    type Err = String;
    fn from_str(word: &str) -> Result<Below, String> {
        unescape(word).map(Below)
    }
}

/// Any path.
struct Any(PathBuf);

impl FromStr for Any {
    type Err = String;
    fn from_str(word: &str) -> Result<Any, String> {
        unescape_any(word).map(Any)
    }
}

struct TargetWords(Target);

impl FromStr for TargetWords {
    type Err = String;
    fn from_str(line: &str) -> Result<TargetWords, String> {
        let wrong = || format!("'{line}' is no target");
        let mut words = line.split(' ');
        let mut next = || words.next().ok_or_else(wrong);
        let machine = next()?.parse().map_err(|_| wrong())?;
        let wide = match next()? {
            "64" => true,
            "32" => false,
            _ => return Err(wrong()),
        };
        let big = match next()? {
            "big" => true,
            "little" => false,
            _ => return Err(wrong()),
        };
        let abi = next()?.parse().map_err(|_| wrong())?;
        match words.next() {
            Some(_) => Err(wrong()),
            None => Ok(TargetWords(Target {
                machine,
                layout: Layout { wide, big },
                abi,
            })),
        }
    }
}
