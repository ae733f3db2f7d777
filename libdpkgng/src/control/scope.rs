//! How much of a file of packages somebody asks for.
//!
//! Most queries need a few fields of each package, or all of one. What they leave out is checked as
//! ever and not kept: [`flawless`] knows the usual spelling of a field at a glance, and whatever it
//! does not know is read in full, with the words that there are about it.

use super::fields::FieldKind;
use super::read::Draft;
use crate::deb822::is_space;
use crate::pkg::{DepType, PkgTable};
use crate::state::Status;

/// What of the packages is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// Of each package its name, state, version, architecture and priority; and what is said here.
    Some(Part),
}

/// What is kept besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Descriptions.
    pub descriptions: bool,
    /// The names that only relations mention.
    pub mentioned: bool,
    /// All of the packages of these names, which are in lower case.
    pub packages: Vec<Vec<u8>>,
}

impl Part {
    /// All of the packages that arguments `NAME[:ARCHITECTURE]` mean.
    pub fn of_arguments<'a>(arguments: impl IntoIterator<Item = &'a [u8]>) -> Part {
        let name = |argument: &[u8]| {
            let end = memchr::memchr(b':', argument).unwrap_or(argument.len());
            argument[..end].to_ascii_lowercase()
        };
        Part {
            packages: arguments.into_iter().map(name).collect(),
            ..Part::default()
        }
    }
}

impl Scope {
    /// What is kept of the package of this name; `None` for all.
    pub(super) fn part_for(&self, name: &str) -> Option<&Part> {
        match self {
            Scope::Some(part) if !part.packages.iter().any(|n| n == name.as_bytes()) => Some(part),
            _ => None,
        }
    }
}

/// Whether a field is one that nobody needs to look at again: there is nothing to be said about
/// it, and all that has to be known of it besides what is kept is noted.
pub(super) fn flawless(
    part: &Part,
    kind: FieldKind,
    value: &[u8],
    draft: &mut Draft,
    table: &mut PkgTable,
) -> bool {
    match kind {
        FieldKind::Description if part.descriptions => return false,
        // As good as none.
        FieldKind::Description | FieldKind::Maintainer if value.is_empty() => return false,
        FieldKind::Description => draft.bin.description = Some(Box::default()),
        FieldKind::Maintainer => draft.bin.maintainer = Some(Box::default()),
        FieldKind::Section
        | FieldKind::Source
        | FieldKind::Origin
        | FieldKind::Bugs
        | FieldKind::InstalledSize => {}
        FieldKind::Relation(kind) => {
            // Made in the order of reading, as when all is kept.
            let mut mentioned = |name: &[u8]| {
                if part.mentioned
                    && let Ok(name) = std::str::from_utf8(name)
                {
                    table.find_set(name);
                }
            };
            return flawless_relations(kind, value, &mut mentioned);
        }
        // Those of a package that is not installed are worth a warning.
        FieldKind::Conffiles => {
            return draft.status != Status::NotInstalled && flawless_conffiles(value);
        }
        _ => return false,
    }
    true
}

/// Whether relations are spelled as dpkg writes them, with `any` as the only architecture.
fn flawless_relations(kind: DepType, value: &[u8], mentioned: &mut dyn FnMut(&[u8])) -> bool {
    let no_alternatives = matches!(
        kind,
        DepType::Conflicts | DepType::Breaks | DepType::Provides | DepType::Replaces
    );
    let mut rest = value;
    while !rest.is_empty() {
        let len = run(rest, NAME);
        if len == 0 || !rest[0].is_ascii_alphanumeric() {
            return false;
        }
        let (name, after) = rest.split_at(len);
        if !after
            .first()
            .is_none_or(|c| is_space(*c) || b":(,|".contains(c))
        {
            return false;
        }
        mentioned(name);
        rest = after;
        rest = skip_space(rest.strip_prefix(b":any").unwrap_or(rest));
        if let Some(restriction) = rest.strip_prefix(b"(") {
            let Some(after) = skip_restriction(kind, restriction) else {
                return false;
            };
            rest = skip_space(after);
        }
        rest = match rest {
            [] => return true,
            [b',', after @ ..] => after,
            [b'|', after @ ..] if !no_alternatives => after,
            _ => return false,
        };
        rest = skip_space(rest);
        if rest.is_empty() {
            return false;
        }
    }
    true
}

/// What follows `>= 1.0)`.
fn skip_restriction(kind: DepType, text: &[u8]) -> Option<&[u8]> {
    let version = match text {
        [b'=', b' ', version @ ..] => version,
        [b'>', b'=' | b'>', b' ', version @ ..] | [b'<', b'=' | b'<', b' ', version @ ..]
            if kind != DepType::Provides =>
        {
            version
        }
        _ => return None,
    };
    let len = run(version, VERSION);
    let (version, after) = version.split_at(len);
    let version = match memchr::memchr(b':', version) {
        None => version,
        Some(colon) => {
            let epoch = &version[..colon];
            if !(1..=9).contains(&colon) || !epoch.iter().all(u8::is_ascii_digit) {
                return None;
            }
            &version[colon + 1..]
        }
    };
    if !version.first()?.is_ascii_digit()
        || version.last() == Some(&b'-')
        || version.contains(&b':')
    {
        return None;
    }
    after.strip_prefix(b")")
}

/// Whether conffiles are spelled as dpkg writes them, without blanks in their names.
fn flawless_conffiles(value: &[u8]) -> bool {
    value.split(|c| *c == b'\n').all(|line| {
        let Some(line) = line.strip_prefix(b" ") else {
            return line.is_empty();
        };
        let line = line.strip_suffix(b" obsolete").unwrap_or(line);
        let Some(blank) = line.iter().position(|c| is_space(*c)) else {
            return false;
        };
        let (path, hash) = line.split_at(blank);
        let is_path = matches!(path, [b'/', c, ..] if !matches!(c, b'/' | b'.'));
        let is_hash = |h: &[u8]| h.len() == 32 && h.iter().all(u8::is_ascii_hexdigit);
        is_path && hash.strip_prefix(b" ").is_some_and(is_hash)
    })
}

/// What a character may be part of.
const NAME: u8 = 1;
const VERSION: u8 = 2;

static PARTS: [u8; 256] = {
    let mut parts = [0; 256];
    let mut c = 0;
    while c < 256 {
        let byte = c as u8;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') {
            parts[c] = NAME | VERSION;
        } else if byte == b'_' {
            parts[c] = NAME;
        } else if matches!(byte, b'~' | b':') {
            parts[c] = VERSION;
        }
        c += 1;
    }
    parts
};

/// How many characters at the beginning of a text belong to such a part.
fn run(text: &[u8], part: u8) -> usize {
    let ends = |c: &u8| PARTS[usize::from(*c)] & part == 0;
    text.iter().position(ends).unwrap_or(text.len())
}

fn skip_space(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|c| is_space(**c)).count();
    &text[blanks..]
}
