//! `view diff A[@GEN] B[@GEN]`

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{Done, Place, list};
use crate::generation::{Reader, read_error};
use crate::layout::{Architecture, PackageName, StoreKey, inside};
use crate::manifest::{Manifest, Member};
use crate::output::{Column, Json, Out, Table, json};

/// A difference: of what, what it is in the first, and in the second.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    kind: String,
    name: String,
    old: Option<String>,
    new: Option<String>,
}

/// Print what is different in two generations.
pub fn diff(reader: &Reader, old: &Place, new: &Place, out: &mut Out<'_>) -> Done<i32> {
    let read = |place: &Place| -> Done<(Manifest, BTreeMap<String, String>)> {
        let number = place.number(reader)?;
        let manifest = reader.manifest(&place.view, number)?;
        let libraries = libraries(reader, &manifest)?;
        Ok((manifest, libraries))
    };
    let ((a, in_a), (b, in_b)) = (read(old)?, read(new)?);
    let mut found = packages(&a, &b);
    found.extend(changes("library", &in_a, &in_b));
    found.extend(changes("hide", &rules(&a.hides), &rules(&b.hides)));
    found.extend(changes("pin", &rules(&a.pins), &rules(&b.pins)));
    let place = |m: &Manifest| format!("{}@{}", m.view, m.number);
    if out.json {
        let end = |m: &Manifest| {
            let number = list::generation(m.number);
            json::object(vec![("view", json::text(&m.view)), ("generation", number)])
        };
        let of = |d: &Difference| {
            json::object(vec![
                ("kind", json::text(&d.kind)),
                ("name", json::text(&d.name)),
                ("old", json::maybe(d.old.as_ref())),
                ("new", json::maybe(d.new.as_ref())),
            ])
        };
        out.value(&json::object(vec![
            ("old", end(&a)),
            ("new", end(&b)),
            ("differences", found.iter().map(of).collect::<Json>()),
        ]))?;
        return Ok(0);
    }
    let (a, b) = (place(&a), place(&b));
    let mut table = Table::new(&[
        (Column::Left, ""),
        (Column::Left, "What"),
        (Column::Wide, "Name"),
        (Column::Wide, &a),
        (Column::Wide, &b),
    ]);
    for d in &found {
        let mark = match (&d.old, &d.new) {
            (None, _) => "+",
            (_, None) => "-",
            _ => "~",
        };
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        table.row([mark, &d.kind, &d.name, &text(&d.old), &text(&d.new)]);
    }
    if !table.is_empty() {
        out.table(&table)?;
    }
    Ok(0)
}

fn rules<T: ToString>(rules: &[T]) -> BTreeMap<String, String> {
    rules
        .iter()
        .map(|r| (r.to_string(), "yes".into()))
        .collect()
}

fn changes(
    kind: &'static str,
    a: &BTreeMap<String, String>,
    b: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name));
    let difference = |name: &String| Difference {
        kind: kind.into(),
        name: name.clone(),
        old: a.get(name).cloned(),
        new: b.get(name).cloned(),
    };
    changed.map(difference).collect()
}

/// What differs in packages: those of one name and architecture that are in one only stand side by side.
fn packages(a: &Manifest, b: &Manifest) -> Vec<Difference> {
    type Of<'m> = BTreeMap<(&'m PackageName, &'m Architecture), Vec<&'m Member>>;
    fn by_name(manifest: &Manifest) -> Of<'_> {
        let mut of: Of<'_> = BTreeMap::new();
        for member in &manifest.packages {
            let id = &member.realization;
            let same = of.entry((id.package(), id.architecture())).or_default();
            same.push(member);
        }
        of
    }
    let (old, new) = (by_name(a), by_name(b));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).copied().collect();
    let mut found = Vec::new();
    for key in names {
        let old = old.get(&key).cloned().unwrap_or_default();
        let new = new.get(&key).cloned().unwrap_or_default();
        let version = |m: &&Member| m.realization.version().clone();
        let in_both =
            |m: &&&Member, others: &[&Member]| others.iter().any(|o| version(o) == version(m));
        let name = format!("{}:{}", key.0, key.1);
        let gone: Vec<_> = old.iter().filter(|m| !in_both(m, &new)).collect();
        let came: Vec<_> = new.iter().filter(|m| !in_both(m, &old)).collect();
        for n in 0..gone.len().max(came.len()) {
            found.push(Difference {
                kind: "package".into(),
                name: name.clone(),
                old: gone.get(n).map(|m| version(m).to_string()),
                new: came.get(n).map(|m| version(m).to_string()),
            });
        }
        for (before, after) in old.iter().flat_map(|o| {
            let same = new.iter().filter(|n| version(n) == version(o));
            same.map(move |n| (o, n))
        }) {
            let name = format!("{name}={}", version(before));
            let mut differs = |kind: String, old: String, new: String| {
                if old != new {
                    let (name, old, new) = (name.clone(), Some(old), Some(new));
                    found.push(Difference {
                        kind,
                        name,
                        old,
                        new,
                    });
                }
            };
            let worlds = before.worlds.keys().chain(after.worlds.keys());
            for world in worlds.collect::<BTreeSet<_>>() {
                let of = |m: &Member| m.worlds.get(world).copied();
                let word = |name: &str| match world {
                    Some(side) => format!("{name} in {side}"),
                    None => name.to_owned(),
                };
                let state = |m: &Member| of(m).map_or("absent".into(), |s| s.state.to_string());
                let reason = |m: &Member| of(m).map_or("absent".into(), |s| s.reason.to_string());
                differs(word("state"), state(before), state(after));
                if state(before) != "absent" && state(after) != "absent" {
                    differs(word("reason"), reason(before), reason(after));
                }
            }
            let id = |m: &Member| m.realization.to_string();
            differs("linking".into(), id(before), id(after));
        }
    }
    found
}

/// What `lib/` of a generation leads to.
fn libraries(reader: &Reader, of: &Manifest) -> Done<BTreeMap<String, String>> {
    let lib = reader
        .layout()
        .generation(&of.view, of.number)
        .join(inside::LIB);
    let mut found = BTreeMap::new();
    let mut dirs = vec![lib.clone()];
    while let Some(dir) = dirs.pop() {
        let entries = match fs::read_dir(&dir) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries.map_err(read_error(&dir))?,
        };
        for entry in entries {
            let entry = entry.map_err(read_error(&dir))?;
            let path = entry.path();
            if entry.file_type().map_err(read_error(&path))?.is_dir() {
                dirs.push(path);
                continue;
            }
            let target = fs::read_link(&path).map_err(read_error(&path))?;
            let name = path.strip_prefix(&lib).unwrap_or(&path);
            let provider = match reader.layout().key_of(&target) {
                Some(StoreKey::Realization(id)) => format!("{} {}", id.package(), id.version()),
                _ => target.display().to_string(),
            };
            found.insert(name.display().to_string(), provider);
        }
    }
    Ok(found)
}
