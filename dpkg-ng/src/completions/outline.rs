//! What a tool's command line looks like: its option table, with what its help says of each.
//!
//! The table says which options there are and which take a value; the help says in words and
//! placeholders what they are for. Neither is copied here.

use crate::cli::Opt;

/// An option as a table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Without its two dashes.
    pub long: Option<&'static str>,
    /// Without its dash.
    pub short: Option<char>,
    /// Where its value is.
    pub value: Value,
}

/// Where an option has its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// There is none.
    None,
    /// `--option=VALUE`, `--option VALUE`
    Equals,
    /// `--option VALUE` only.
    Next,
    /// `--option-VALUE`
    Suffix,
}

/// What can stand in a place of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// An archive.
    Deb,
    /// A package that the database knows.
    Package,
    /// An architecture in use.
    Architecture,
    /// A group of alternatives.
    Alternative,
    /// One of these.
    Words(Vec<String>),
}

impl Kind {
    /// By the word that help texts put between `<` and `>`.
    fn of(placeholder: &str) -> Vec<Kind> {
        match placeholder {
            "directory" => vec![Kind::Directory],
            ".deb file name" | "deb" | "complete-archive" => vec![Kind::Deb],
            "package" | "package-name" => vec![Kind::Package],
            "pattern" | "glob-pattern" => vec![Kind::Package, Kind::File],
            "file" | "filename" | "Packages-file" | "pathname" | "path" | "link" | "part"
            | "divert-to" | "executable" | "pid-file" => vec![Kind::File],
            "arch" => vec![Kind::Architecture],
            "name" => vec![Kind::Alternative],
            _ => Vec::new(),
        }
    }
}

/// An option and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its names and its value.
    pub shape: Shape,
    /// What it is for; may be empty.
    pub about: String,
    /// What its value can be, or what can follow an option without value.
    pub kinds: Vec<Kind>,
}

/// A tool's command line.
#[derive(Clone, Debug)]
pub struct Outline {
    /// Its options.
    pub items: Vec<Item>,
    /// What can stand where no option says so.
    pub operands: Vec<Kind>,
}

impl Outline {
    /// Of a table in the common grammar.
    pub fn of<A, S>(rows: &[Opt<A, S>], help: &[&str]) -> Outline {
        let shape = |row: &Opt<A, S>| Shape {
            long: row.name.long,
            short: row.name.short.map(char::from),
            value: match (row.takes_value(), row.takes_suffix()) {
                (false, _) => Value::None,
                (true, false) => Value::Equals,
                (true, true) => Value::Suffix,
            },
        };
        Outline::new(rows.iter().map(shape).collect(), help)
    }

    /// Of options in any grammar.
    pub fn new(shapes: Vec<Shape>, help: &[&str]) -> Outline {
        let described: Vec<Described> = help.iter().flat_map(|text| describe(text)).collect();
        let item = |shape: Shape| {
            let found = described.iter().find(|d| d.names(&shape));
            Item {
                shape,
                about: found.map(|d| d.about.clone()).unwrap_or_default(),
                kinds: found.map(|d| d.kinds.clone()).unwrap_or_default(),
            }
        };
        Outline {
            items: shapes.into_iter().map(item).collect(),
            operands: Vec::new(),
        }
    }

    /// With the words that a `--option-WORD` takes.
    pub fn with_words(mut self, long: &str, words: impl Iterator<Item = &'static str>) -> Outline {
        let words: Vec<String> = words.map(str::to_owned).collect();
        for item in self.items.iter_mut() {
            if item.shape.long == Some(long) && item.shape.value == Value::Suffix {
                item.kinds = vec![Kind::Words(words.clone())];
            }
        }
        self
    }

    /// With what can stand where no option says so.
    pub fn with_operands(mut self, operands: Vec<Kind>) -> Outline {
        self.operands = operands;
        self
    }
}

/// What a help text says of some names.
#[derive(Debug, Default)]
struct Described {
    long: Vec<String>,
    short: Vec<char>,
    kinds: Vec<Kind>,
    about: String,
}

impl Described {
    fn names(&self, shape: &Shape) -> bool {
        let long = shape.long.is_some_and(|l| self.long.iter().any(|n| n == l));
        long || shape.short.is_some_and(|s| self.short.contains(&s))
    }
}

/// Read a help text: the lines that start with an option, and those that go on with one.
fn describe(help: &str) -> Vec<Described> {
    let mut found: Vec<Described> = Vec::new();
    let mut open = false;
    for line in help.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let option = text.strip_prefix('[').unwrap_or(text);
        if indent > 0 && indent < 8 && option.starts_with('-') {
            found.push(entry(option));
            open = true;
        } else if open && indent >= 8 {
            if let Some(last) = found.last_mut() {
                last.about.push(' ');
                last.about.push_str(text);
            }
        } else {
            open = false;
        }
    }
    for item in &mut found {
        if let Some(words) = allowed(&item.about) {
            item.kinds = vec![Kind::Words(words)];
        }
        let about = item.about.replace("%s", "the default");
        let sentence = about.split_once(". ").map_or(&*about, |(first, _)| first);
        item.about = sentence.trim().trim_end_matches('.').to_owned();
    }
    found
}

/// `-n|--name <placeholder>...  Description`
fn entry(text: &str) -> Described {
    let mut entry = Described::default();
    let mut rest = text;
    while let Some(option) = rest.strip_prefix('-') {
        rest = match option.strip_prefix('-') {
            Some(long) => long_name(long, &mut entry.long),
            None => {
                let end = option.find(|c: char| !c.is_alphanumeric() && c != '?');
                let (name, after) = option.split_at(end.unwrap_or(option.len()));
                let mut chars = name.chars();
                if let (Some(letter), None) = (chars.next(), chars.next()) {
                    entry.short.push(letter);
                }
                after
            }
        };
        rest = rest
            .strip_prefix(", ")
            .or_else(|| rest.strip_prefix('|'))
            .unwrap_or(rest);
    }
    // One value of an option that has a line of its own.
    if rest.starts_with('=') && !rest.starts_with("=<") {
        return Described::default();
    }
    // Placeholders, up to where the words begin.
    loop {
        rest = rest.trim_start_matches([' ', '=', '[', ']', '.', ',', '|', '-']);
        let Some((name, after)) = rest.strip_prefix('<').and_then(|r| r.split_once('>')) else {
            break;
        };
        for kind in Kind::of(name) {
            if !entry.kinds.contains(&kind) {
                entry.kinds.push(kind);
            }
        }
        rest = after;
    }
    // `-a|--pending` and its like, as another form of what goes before.
    let other_form = rest
        .split_once(' ')
        .map_or(rest, |(word, _)| word)
        .contains("|--");
    if !other_form {
        entry.about = rest.to_owned();
    }
    entry
}

/// Read the name of a long option; gives what follows it.
fn long_name<'a>(text: &'a str, names: &mut Vec<String>) -> &'a str {
    let (optional, text) = match text.strip_prefix("[no-]") {
        Some(text) => (true, text),
        None => (false, text),
    };
    let end = text.find(|c: char| !c.is_ascii_lowercase() && c != '-');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let name = name.trim_end_matches('-');
    if optional {
        names.push(format!("no-{name}"));
    }
    names.push(name.to_owned());
    rest
}

/// The words of `Allowed values: one, two (default).`
fn allowed(about: &str) -> Option<Vec<String>> {
    let (_, list) = about.split_once("Allowed ")?;
    let (_, list) = list.split_once(": ")?;
    let words = list
        .split([',', ';'])
        .map(|w| {
            w.split('(')
                .next()
                .unwrap_or(w)
                .trim()
                .trim_end_matches('.')
        })
        .filter(|w| !w.is_empty());
    Some(words.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lines() {
        let help = "Options:\n  -i|--install       <.deb file name>... | -R|--recursive <directory>...\n  --root=<directory>         Install on\n                             another. Really.\n  -Dh|--debug=help           Show help.\n  --[no-]triggers            Skip them.\n  --force-<thing>[,...]      Override (see x).\n  -Z, --compression=<type>\n                   Set it.\n               Allowed types: gzip, xz (best).\n  -V|--verify [<package>...]       Verify.\n\n  not this\n";
        let found = describe(help);
        let about: Vec<_> = found.iter().map(|d| d.about.as_str()).collect();
        assert_eq!(
            about,
            [
                "",
                "Install on another",
                "",
                "Skip them",
                "Override (see x)",
                "Set it",
                "Verify"
            ]
        );
        assert_eq!(found[0].kinds, [Kind::Deb]);
        assert_eq!(
            (&*found[0].short, &*found[0].long),
            (&['i'][..], &["install".to_owned()][..])
        );
        assert_eq!(found[1].kinds, [Kind::Directory]);
        assert_eq!(found[3].long, ["no-triggers", "triggers"]);
        assert_eq!(found[4].long, ["force"]);
        assert_eq!(
            found[5].kinds,
            [Kind::Words(vec!["gzip".into(), "xz".into()])]
        );
        assert_eq!(found[6].kinds, [Kind::Package]);
    }
}
