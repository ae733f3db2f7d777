//! Stanzas of deb822, as strict as we write them ourselves: unlike dpkg's own reader, which
//! forgives, a file that was not written by us whole is an error. The last stanza is the hash of all
//! before it, since a text cut between two lines would otherwise be one with fewer packages.

use std::fmt::Write;
use std::str::FromStr;

use super::ManifestError;
use crate::layout::Sha256;

/// A stanza: fields in order. A value has lines; none is empty but the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stanza {
    fields: Vec<(String, Vec<String>)>,
}

impl Stanza {
    /// Add a field of one line.
    pub(crate) fn put(&mut self, name: &str, value: impl ToString) {
        self.fields.push((name.into(), vec![value.to_string()]));
    }

    /// Add a field of a line each, unless there are none.
    pub(crate) fn put_lines<T: ToString>(
        &mut self,
        name: &str,
        lines: impl IntoIterator<Item = T>,
    ) {
        let mut value = vec![String::new()];
        value.extend(lines.into_iter().map(|line| line.to_string()));
        if value.len() > 1 {
            self.fields.push((name.into(), value));
        }
    }

    fn take_lines(&mut self, name: &str) -> Option<Vec<String>> {
        let at = self.fields.iter().position(|(n, _)| n == name)?;
        Some(self.fields.remove(at).1)
    }

    /// Take a field of one line out, if it is there.
    pub(crate) fn take_maybe<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, ManifestError>
    where
        T::Err: ToString,
    {
        let Some(lines) = self.take_lines(name) else {
            return Ok(None);
        };
        match lines.as_slice() {
            [line] => line.parse().map(Some).map_err(|e: T::Err| value(name, e)),
            _ => Err(value(name, "more than one line")),
        }
    }

    /// Take a field of one line out, which must be there.
    pub(crate) fn take<T: FromStr>(&mut self, name: &str) -> Result<T, ManifestError>
    where
        T::Err: ToString,
    {
        let found = self.take_maybe(name)?;
        found.ok_or_else(|| ManifestError::Missing(name.into()))
    }

    /// Take the lines of a field out, each read by `read`.
    pub(crate) fn take_each<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ManifestError> {
        let Some(lines) = self.take_lines(name) else {
            return Ok(Vec::new());
        };
        let [first, rest @ ..] = lines.as_slice() else {
            return Ok(Vec::new());
        };
        if !first.is_empty() {
            return Err(value(name, "text before its first line"));
        }
        let read = |line: &String| read(line).map_err(|why| value(name, why));
        rest.iter().map(read).collect()
    }

    /// That all fields were taken.
    pub(crate) fn end(self) -> Result<(), ManifestError> {
        match self.fields.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(ManifestError::Unknown(name)),
        }
    }

    /// The stanza's text, without the empty line that separates stanzas.
    pub(crate) fn write(&self, text: &mut String) {
        for (name, lines) in &self.fields {
            let mut lines = lines.iter();
            let first = lines.next().map_or("", String::as_str);
            let blank = if first.is_empty() { "" } else { " " };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}:{blank}{first}");
            for line in lines {
                let _ = writeln!(text, " {line}");
            }
        }
    }
}

fn value(field: &str, why: impl ToString) -> ManifestError {
    ManifestError::Value {
        field: field.into(),
        why: why.to_string(),
    }
}

/// What stands before the hash.
const WHOLE: &str = "\nWhole: ";

/// A text with its hash.
pub(crate) fn seal(mut text: String) -> String {
    let hash = Sha256::of(text.as_bytes());
    // Writing to a string does not fail.
    let _ = writeln!(text, "{WHOLE}{hash}");
    text
}

/// The text without its hash, if it is whole.
pub(crate) fn unseal(text: &str) -> Result<&str, ManifestError> {
    let sealed = text.strip_suffix('\n').and_then(|t| t.rsplit_once(WHOLE));
    let (text, hash) = sealed.ok_or(ManifestError::Cut)?;
    if hash.parse() != Ok(Sha256::of(text.as_bytes())) {
        return Err(ManifestError::Cut);
    }
    Ok(text)
}

/// All stanzas of a text.
pub(crate) fn read(text: &str) -> Result<Vec<Stanza>, ManifestError> {
    let text = unseal(text)?;
    let mut stanzas = vec![Stanza::default()];
    for (number, line) in text.lines().enumerate() {
        let wrong = || ManifestError::Line(number + 1);
        let Some(stanza) = stanzas.last_mut() else {
            return Err(wrong());
        };
        if line.is_empty() {
            if stanza.fields.is_empty() {
                return Err(wrong());
            }
            stanzas.push(Stanza::default());
        } else if let Some(more) = line.strip_prefix(' ') {
            let (_, lines) = stanza.fields.last_mut().ok_or_else(wrong)?;
            if more.is_empty() {
                return Err(wrong());
            }
            lines.push(more.into());
        } else {
            let (name, first) = line.split_once(':').ok_or_else(wrong)?;
            let first = first.strip_prefix(' ').unwrap_or(first);
            let known = stanza.fields.iter().any(|(n, _)| n == name);
            if name.is_empty() || known || !name.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(wrong());
            }
            stanza.fields.push((name.into(), vec![first.into()]));
        }
    }
    stanzas.pop_if(|last| last.fields.is_empty());
    Ok(stanzas)
}

/// Stanzas as a text.
pub(crate) fn write(stanzas: &[Stanza]) -> String {
    let mut text = String::new();
    for (number, stanza) in stanzas.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        stanza.write(&mut text);
    }
    seal(text)
}
