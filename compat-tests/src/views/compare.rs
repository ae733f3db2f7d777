//! What differs between stock's two runs and the view, and which of it may.
//!
//! Stock runs twice. What its runs do not agree on (keys, dates, machine identity, caches) is compared as far as they do:
//! of a file its type, mode and owner, of a text the lines that are the same in both.
//!
//! Where the chroot changed a package of the base system and the view has left it to its host, the subjects that are that package's
//! have `host` in front, so that a row can speak of them.

use std::collections::{BTreeMap, BTreeSet};

use similar::{ChangeTag, TextDiff};

use super::record::Seen;
use super::scenario::Row;
use super::tree::{shape, unlinked};

/// Something that is not the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// After which step; 0 is before the first.
    pub moment: usize,
    /// What is different.
    pub subject: String,
    /// What it is in the chroot; empty if it is not.
    pub stock: String,
    /// What it is in the view.
    pub view: String,
}

/// All differences, each told where it begins.
pub fn differences(stock: &[Seen; 2], view: &Seen) -> Vec<Difference> {
    let [first, second] = stock;
    let mut told: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut out = Vec::new();
    for moment in 0..first.0.len().max(view.0.len()) {
        let events = |seen: &Seen, subject: &str| {
            let moment = seen.0.get(moment)?;
            moment.events.get(subject).cloned()
        };
        let mut found = Vec::new();
        let names = |seen: &Seen| -> BTreeSet<String> {
            let moment = seen.0.get(moment);
            moment.map_or(BTreeSet::new(), |m| m.events.keys().cloned().collect())
        };
        for subject in names(first).union(&names(view)) {
            let of = |seen: &Seen| events(seen, subject);
            let absent = "(not at all)".to_owned();
            let (a, b, v) = (of(first), of(second), of(view));
            if a.is_some() != b.is_some() || equal(&a, &b, &v) {
                continue;
            }
            let v = v.unwrap_or_else(|| absent.clone());
            // A promise is about the view alone.
            let a = match subject.starts_with("promise ") {
                true => String::new(),
                false => a.unwrap_or(absent),
            };
            found.push((subject.clone(), a, v));
        }
        // What both sides begin with is not what a step did.
        if moment > 0 {
            let names = |seen: &Seen| -> BTreeSet<String> {
                let moment = seen.0.get(moment);
                moment.map_or(BTreeSet::new(), |m| m.changed.keys().cloned().collect())
            };
            for subject in names(first).union(&names(view)) {
                if subject.starts_with("unpacked ") {
                    continue;
                }
                let of = |seen: &Seen| {
                    let value = seen.at(moment, subject);
                    (!value.is_empty()).then(|| value.to_owned())
                };
                let (a, b, v) = (of(first), of(second), of(view));
                let same = equal(&a, &b, &v);
                let pair = (a.clone().unwrap_or_default(), v.clone().unwrap_or_default());
                if same {
                    told.remove(subject);
                } else if told.get(subject) != Some(&pair) {
                    told.insert(subject.clone(), pair.clone());
                    // Its stanza and so on differ, then, too.
                    let package = subject.split_once(' ').map_or("", |s| s.1);
                    let implied = ["stanza ", "list ", "marks "]
                        .iter()
                        .any(|l| subject.starts_with(l))
                        && told.contains_key(&format!("package {package}"));
                    if a.is_some() == b.is_some() && !implied {
                        found.push((subject.clone(), pair.0, pair.1));
                    }
                }
            }
        }
        let left = Left::to_the_host(first, view, moment);
        out.extend(found.into_iter().map(|(subject, stock, view)| Difference {
            moment,
            subject: left.named(subject),
            stock,
            view,
        }));
    }
    out
}

/// What of a chroot belongs to packages that the view has left to its host.
struct Left {
    packages: BTreeSet<String>,
    paths: BTreeSet<String>,
}

impl Left {
    fn to_the_host(stock: &Seen, view: &Seen, moment: usize) -> Left {
        let mut left = Left {
            packages: BTreeSet::new(),
            paths: BTreeSet::new(),
        };
        let base = stock.0.first().map(|m| &m.changed).into_iter().flatten();
        for (subject, was) in base {
            let Some(name) = subject.strip_prefix("package ") else {
                continue;
            };
            let short = name.split(':').next().unwrap_or(name);
            let brought = [name, short]
                .iter()
                .any(|n| !view.at(moment, &format!("unpacked {n}")).is_empty());
            if brought || view.at(moment, subject) != was || stock.at(moment, subject) == was {
                continue;
            }
            left.packages.insert(name.to_owned());
            // Of the old version and the new.
            for at in 0..=moment {
                let list = stock.at(at, &format!("list {name}"));
                left.paths.extend(list.lines().map(usr_merged));
            }
        }
        left
    }

    fn named(&self, subject: String) -> String {
        let theirs = match subject.split_once(' ') {
            Some(("path", path)) => self.paths.contains(path),
            Some(("package" | "stanza" | "list" | "marks", name)) => self.packages.contains(name),
            Some(("said", heading)) => package_in(heading).is_some_and(|name| {
                self.packages
                    .iter()
                    .any(|p| p.split(':').next() == Some(name))
            }),
            _ => false,
        };
        match theirs {
            true => format!("host {subject}"),
            false => subject,
        }
    }
}

/// A path as it is where `/bin`, `/lib` and so on lead to `/usr`.
fn usr_merged(path: &str) -> String {
    let top = path.split('/').nth(1).unwrap_or_default();
    match ["bin", "sbin", "lib", "lib32", "lib64", "libx32"].contains(&top) {
        true => format!("/usr{path}"),
        false => path.to_owned(),
    }
}

/// The package that a heading of dpkg's is about.
fn package_in(heading: &str) -> Option<&str> {
    let rest = match heading.strip_prefix("Preparing to unpack ") {
        Some(file) => return file.split('_').next(),
        None => heading,
    };
    let leads = [
        "Unpacking ",
        "Setting up ",
        "Processing triggers for ",
        "Removing ",
    ];
    let name = leads.iter().find_map(|l| rest.strip_prefix(l))?;
    name.split([' ', ':']).next()
}

fn equal(first: &Option<String>, second: &Option<String>, view: &Option<String>) -> bool {
    let (Some(first), Some(second), Some(view)) = (first, second, view) else {
        return first.is_none() && view.is_none();
    };
    if first == view || second == view || unlinked(first) == unlinked(view) {
        return true;
    }
    if first == second {
        return false;
    }
    if first.starts_with("file ") {
        return shape(first) == shape(second) && shape(first) == shape(view);
    }
    in_common(first, second, view)
}

/// Whether a text has all lines that two others share, in that order, and as many lines as one of these.
fn in_common(first: &str, second: &str, view: &str) -> bool {
    let diff = TextDiff::from_lines(first, second);
    let mut left = view.lines();
    let shared = diff
        .iter_all_changes()
        .filter(|c| c.tag() == ChangeTag::Equal)
        .all(|c| left.any(|l| l == c.value().trim_end_matches('\n')));
    let count = view.lines().count();
    shared && (count == first.lines().count() || count == second.lines().count())
}

/// Whether a pattern, in which `*` is anything, matches all of a text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Differences that no row allows, and for each row how many it does.
pub fn judge(all: Vec<Difference>, rows: &[Row]) -> (Vec<Difference>, Vec<usize>) {
    let mut counts = vec![0; rows.len()];
    let mut left = Vec::new();
    for difference in all {
        let row = rows.iter().position(|r| matches(r.of, &difference.subject));
        match row.and_then(|n| counts.get_mut(n)) {
            Some(count) => *count += 1,
            None => left.push(difference),
        }
    }
    (left, counts)
}

#[cfg(test)]
mod tests {
    use super::{differences, in_common, matches};
    use crate::views::record::{Seen, Subjects};

    #[test]
    fn patterns() {
        for (pattern, text, is) in [
            ("path /a", "path /a", true),
            ("path /a", "path /ab", false),
            ("path /a/*", "path /a/b/c", true),
            ("path */b", "path /a/b", true),
            ("p*a*", "path /a", true),
            ("*x*", "path /a", false),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} {text}");
        }
    }

    #[test]
    fn only_what_stock_agrees_on() {
        assert!(in_common("a\nkey 1\nb\n", "a\nkey 2\nb\n", "a\nkey 3\nb\n"));
        assert!(!in_common("a\nkey 1\nb\n", "a\nkey 2\nb\n", "a\nkey 3\n"));
        assert!(!in_common(
            "a\nkey 1\nb\n",
            "a\nkey 2\nb\n",
            "a\nkey 3\nc\n"
        ));
    }

    fn seen(states: &[&[(&str, &str)]]) -> Seen {
        let mut seen = Seen::default();
        let mut before = Subjects::new();
        for state in states {
            let now: Subjects = state
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect();
            seen.add(Subjects::new(), &before, &now);
            before = now;
        }
        seen
    }

    #[test]
    fn what_is_left_to_the_host() {
        let stock = seen(&[
            &[
                ("package a:all", "ii 1"),
                ("list a:all", "/bin/a"),
                ("path /usr/bin/a", "file 1"),
            ],
            &[
                ("package a:all", "ii 2"),
                ("list a:all", "/bin/a"),
                ("path /usr/bin/a", "file 2"),
            ],
        ]);
        let base = [("package a:all", "ii 1"), ("path /usr/bin/a", "file 1")];
        let names = |view: &Seen| -> Vec<String> {
            let all = differences(&[stock.clone(), stock.clone()], view);
            all.into_iter().map(|d| d.subject).collect()
        };
        let left = seen(&[&base, &base]);
        assert_eq!(names(&left), ["host package a:all", "host path /usr/bin/a"]);
        // What the view brought it has to keep up with.
        let brought = seen(&[&base, &[base[0], base[1], ("unpacked a", "there")]]);
        assert_eq!(names(&brought), ["package a:all", "path /usr/bin/a"]);
    }

    #[test]
    fn told_once() {
        let stock = seen(&[
            &[("path /a", "file 1")],
            &[("path /a", "file 2"), ("path /b", "link x")],
            &[],
        ]);
        let view = seen(&[&[], &[("path /a", "file 2")], &[("path /c", "dir")]]);
        let all = differences(&[stock.clone(), stock], &view);
        let all: Vec<_> = all.iter().map(|d| (d.moment, d.subject.as_str())).collect();
        assert_eq!(all, [(1, "path /b"), (2, "path /c")]);
    }
}
