//! A message catalogue in which every translation shows that it is one.
//!
//! From dpkg's template (`po/dpkg.pot`) a catalogue is made that puts each message between `«`
//! and `»`. A run in that language shows which texts went through gettext, and with which
//! message as the key: more than any real language shows, none of which is complete.

use std::fs;
use std::path::Path;

use crate::{During, Res};

/// The name of that language.
pub const LANGUAGE: &str = "marked";

/// One message of a template.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The message, with its context in front (as `.mo` files have it).
    pub id: String,
    /// The plural message.
    pub plural: Option<String>,
}

/// Three forms, chosen as in Polish.
const HEAD: &str = "Content-Type: text/plain; charset=UTF-8\n\
    Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\n";

/// Reads the messages of a `.pot` file.
pub fn read_template(text: &str) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut current = Message::default();
    let mut context = None;
    let mut field = "";
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        let (keyword, quoted) = match line.split_once(' ') {
            Some((keyword, rest)) if !line.starts_with('"') => (keyword, rest),
            _ => ("", line),
        };
        if line.is_empty() {
            let mut message = std::mem::take(&mut current);
            if let Some(context) = context.take() {
                message.id = format!("{context}\x04{}", message.id);
            }
            if !message.id.is_empty() {
                messages.push(message);
            }
            field = "";
            continue;
        }
        if !keyword.is_empty() {
            field = keyword;
        }
        let text = unquote(quoted);
        match field {
            "msgctxt" => context.get_or_insert_with(String::new).push_str(&text),
            "msgid" => current.id.push_str(&text),
            "msgid_plural" => {
                let plural = current.plural.get_or_insert_with(String::new);
                plural.push_str(&text);
            }
            _ => {}
        }
    }
    messages
}

fn unquote(quoted: &str) -> String {
    let inner = quoted.trim().trim_start_matches('"');
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    out
}

/// The message between the marks, newlines at its end outside.
fn marked(text: &str, form: &str) -> String {
    let text = text.split_once('\x04').map_or(text, |(_, text)| text);
    let body = text.trim_end_matches('\n');
    format!("«{form}{body}»{}", &text[body.len()..])
}

/// The bytes of a `.mo` file with the marked messages.
pub fn compile(messages: &[Message]) -> Vec<u8> {
    let mut pairs: Vec<(String, String)> = messages
        .iter()
        .map(|m| match &m.plural {
            None => (m.id.clone(), marked(&m.id, "")),
            Some(many) => {
                let forms: Vec<String> = [(&m.id, "one:"), (many, "few:"), (many, "many:")]
                    .iter()
                    .map(|(text, form)| marked(text, form))
                    .collect();
                (format!("{}\0{many}", m.id), forms.join("\0"))
            }
        })
        .collect();
    pairs.push((String::new(), HEAD.to_owned()));
    pairs.sort();
    pairs.dedup_by(|a, b| a.0 == b.0);
    let count = pairs.len() as u32;
    let (ids, texts) = (28, 28 + 8 * count);
    let mut at = texts + 8 * count;
    let mut tables = Vec::new();
    let mut strings = Vec::new();
    let all = pairs.iter().map(|p| &p.0).chain(pairs.iter().map(|p| &p.1));
    for text in all {
        tables.extend((text.len() as u32).to_le_bytes());
        tables.extend(at.to_le_bytes());
        at += text.len() as u32 + 1;
        strings.extend(text.bytes());
        strings.push(0);
    }
    let head = [0x9504_12de, 0, count, ids, texts, 0, at];
    let mut out: Vec<u8> = head.iter().flat_map(|n: &u32| n.to_le_bytes()).collect();
    out.append(&mut tables);
    out.append(&mut strings);
    out
}

/// Puts the catalogue made from a source tree of dpkg's into the system at `root`.
pub fn install(source: &Path, root: &Path) -> Res<()> {
    let template = source.join("po/dpkg.pot");
    let text = fs::read_to_string(&template).during(template.display())?;
    let dir = root.join(format!("usr/share/locale/{LANGUAGE}/LC_MESSAGES"));
    fs::create_dir_all(&dir).during(dir.display())?;
    let file = dir.join("dpkg.mo");
    fs::write(&file, compile(&read_template(&text))).during(file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let text = "msgid \"\"\nmsgstr \"head\\n\"\n\n#, c-format\nmsgid \"a %s\\n\"\nmsgstr \"\"\n\n\
            msgctxt \"version\"\nmsgid \"\"\n\"<no\"\n\"ne>\"\nmsgstr \"\"\n\n\
            msgid \"%d \\\"file\\\"\"\nmsgid_plural \"%d files\"\nmsgstr[0] \"\"\nmsgstr[1] \"\"\n";
        let ids: Vec<_> = read_template(text)
            .into_iter()
            .map(|m| (m.id, m.plural))
            .collect();
        let expected = [
            ("a %s\n", None),
            ("version\x04<none>", None),
            ("%d \"file\"", Some("%d files")),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(id, plural)| ((*id).to_owned(), plural.map(str::to_owned)))
            .collect();
        assert_eq!(ids, expected);
        assert_eq!(marked("a\n\n", ""), "«a»\n\n");
        assert_eq!(marked("version\x04<none>", ""), "«<none>»");
    }
}
