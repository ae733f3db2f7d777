//! Every text that ours says is one of dpkg's, or has a row in `parity.tsv`.
//!
//! Reads the string literals of the shipped sources and looks each up in dpkg's own template
//! (`po/dpkg.pot`), else, for texts that stock does not translate, in dpkg's sources. Literals that
//! are no texts are left out: those without letters and blanks, debug texts, names in attributes,
//! and test code.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{During, Res};

/// What follows one of these is not for users, up to its closing parenthesis.
const NOT_FOR_USERS: [&str; 9] = [
    "allow(",
    "debug(",
    "#[doc",
    "#[must_use",
    "#[error(",
    ".expect(",
    "internal(",
    "assert!(",
    "env!(",
];

/// What is ours alone, and tools whose words stock does not translate.
const NOT_DPKGS: [&str; 10] = [
    "dpkg-ng/src/cli/getopt.rs",
    "dpkg-ng/src/completions/",
    "dpkg-ng/src/db_backup",
    "dpkg-ng/src/maintscript_helper/",
    "dpkg-ng/src/own.rs",
    "dpkg-ng/src/plugins",
    "dpkg-ng/src/shell",
    "dpkg-ng/src/start_stop_daemon/",
    "libdpkgng/src/daemon/",
    "libdpkgng/src/plugin/",
];

/// A string literal (or a `concat!` of some).
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    /// Where it begins and ends in the source.
    pub at: (usize, usize),
    /// What it stands for.
    pub text: String,
}

/// The string literals of Rust source text.
pub fn literals(source: &str) -> Vec<Literal> {
    let bytes = source.as_bytes();
    let mut found: Vec<Literal> = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let rest = &source[i..];
        if rest.starts_with("//") {
            i += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with('\'') {
            i += character(rest);
        } else if rest.starts_with('"') {
            let (text, length) = string(rest);
            let literal = Literal {
                at: (i, i + length),
                text,
            };
            i += length;
            match found.last_mut() {
                Some(before) if continues(source, before, &literal) => {
                    before.at.1 = literal.at.1;
                    before.text.push_str(&literal.text);
                }
                _ => found.push(literal),
            }
        } else {
            i += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// The length of a character literal, or of the quote of a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((at, _))) => {
            let end = rest[at + 1..].find('\'');
            end.map_or(1, |end| at + 1 + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// A string literal's text and length.
fn string(rest: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('\n') => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).map(|(_, c)| c).collect();
                    text.extend(u8::from_str_radix(&digits, 16).map(char::from));
                }
                Some(c) => text.push(c),
                None => {}
            },
            c => text.push(c),
        }
    }
    (text, rest.len())
}

/// Whether two literals are neighbours in a `concat!`.
fn continues(source: &str, before: &Literal, this: &Literal) -> bool {
    let head = source[..before.at.0].trim_end();
    let between = source[before.at.1..this.at.0].trim();
    head.ends_with("concat!(") && between == ","
}

/// Where the parenthesis opened just before `from` is closed.
fn closing(source: &str, from: usize, literals: &[Literal]) -> usize {
    let mut depth = 1;
    let mut i = from;
    while i < source.len() {
        if let Some(literal) = literals.iter().find(|l| l.at.0 == i) {
            i = literal.at.1;
            continue;
        }
        match source.as_bytes()[i] {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        i += 1;
    }
    i
}

/// Whether a text says something: letters beside its directives, and more than one word or a
/// directive.
fn is_text(text: &str) -> bool {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        words.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic() || c == '%');
        let tail = end.map_or("", |end| &after[end..]);
        let modifiers = tail.trim_start_matches(['h', 'l', 'j', 'z']);
        rest = modifiers.get(1..).unwrap_or("");
    }
    words.push_str(rest);
    let letters = words.chars().any(char::is_alphabetic);
    // What format! makes is data; messages are templates of printf.
    let data = text.contains('{') && !text.contains('%');
    letters && !data && (text.contains(' ') || text.contains('%'))
}

/// The texts of a source file that users may see.
pub fn texts(source: &str) -> Vec<String> {
    let source = match source.find("#[cfg(test)]\nmod tests") {
        Some(end) => &source[..end],
        None => source,
    };
    let all = literals(source);
    let mut hidden = Vec::new();
    for mark in NOT_FOR_USERS {
        for (at, _) in source.match_indices(mark) {
            let from = at + mark.len();
            hidden.push((at, closing(source, from, &all)));
        }
    }
    all.into_iter()
        .filter(|l| !hidden.iter().any(|(a, b)| (*a..*b).contains(&l.at.0)))
        .map(|l| l.text)
        .filter(|text| is_text(text))
        .collect()
}

/// The string literals of C source text, neighbours as the one that they are.
pub fn c_literals(source: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut i, mut end) = (0, None);
    while let Some(c) = source[i..].chars().next() {
        let rest = &source[i..];
        if rest.starts_with("/*") {
            i += rest.find("*/").map_or(rest.len(), |at| at + 2);
        } else if rest.starts_with("'") {
            i += character(rest);
        } else if c == '"' {
            let (text, length) = string(rest);
            let neighbour = end.is_some_and(|end| source[end..i].trim().is_empty());
            match found.last_mut() {
                Some(before) if neighbour => before.push_str(&text),
                _ => found.push(text),
            }
            i += length;
            end = Some(i);
        } else {
            i += c.len_utf8();
        }
    }
    found
}

fn sources(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) -> Res<()> {
    for entry in fs::read_dir(dir).during(dir.display())? {
        let path = entry.during(dir.display())?.path();
        if path.is_dir() {
            sources(&path, extension, out)?;
        } else if path.extension().is_some_and(|e| e == extension) {
            out.push(path);
        }
    }
    Ok(())
}

/// Every string literal of dpkg's programs.
pub fn stock(source: &Path) -> Res<Vec<String>> {
    let mut files = Vec::new();
    for part in ["lib", "src", "utils"] {
        sources(&source.join(part), "c", &mut files)?;
    }
    let mut found = Vec::new();
    for file in files {
        let text = fs::read(&file).during(file.display())?;
        found.extend(c_literals(&String::from_utf8_lossy(&text)));
    }
    Ok(found)
}

/// Every text of the shipped sources, with its file.
pub fn shipped() -> Res<Vec<(String, String)>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for part in ["libdpkgng/src", "dpkg-ng/src"] {
        sources(&workspace.join(part), "rs", &mut files)?;
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(&workspace).unwrap_or(&file);
        let name = name.display().to_string();
        // The test bed of the pipeline has no other code.
        if NOT_DPKGS.iter().any(|p| name.starts_with(p))
            || name.ends_with("tests.rs")
            || name.contains("_tests/")
            || name.ends_with("/rig.rs")
        {
            continue;
        }
        let source = fs::read_to_string(&file).during(&name)?;
        found.extend(texts(&source).into_iter().map(|t| (name.clone(), t)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_as_rust_reads_them() {
        let source = "let c = '\"'; let l: &'a str = \"a\\n\\x04b\"; // \"no\"\nconcat!(\n\"x \",\n\"y\",\n);\nmsg!(\"one \\\n   two\", \"three four\")";
        let found: Vec<String> = literals(source).into_iter().map(|l| l.text).collect();
        assert_eq!(found, ["a\n\x04b", "x y", "one two", "three four"]);
    }

    #[test]
    fn literals_of_c() {
        let source = "f(\"a\\n\" /* \"no\" */, '\"', \"b\"\n  \"c\");";
        assert_eq!(c_literals(source), ["a\n", "bc"]);
    }

    #[test]
    fn what_is_not_for_users_is_left_out() {
        let source = "report.debug(F, || msg!(\"debug (%s\", x)); msg!(\"a text\"); msg!(\"%s: %-3d\\n\");\n#[doc = concat!(\"of \", $x, \" no text\")]\n#[cfg(test)]\nmod tests { \"not this\" }";
        assert_eq!(texts(source), ["a text"]);
    }
}
