//! `--listfiles NAME…` and `--search PATTERN…`

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{Answer, Asked, Done, QueryError, glob};
use crate::admindir::{AdmindirError, below, conffiles, on_the_way, payload_paths};
use crate::facts::Payload;
use crate::layout::StoreKey;
use crate::manifest::{Member, State};
use crate::output::{Json, Out};

impl Asked<'_> {
    /// The paths of a package, relative to the system's root.
    pub(super) fn paths(&self, member: &Member) -> Done<Vec<PathBuf>> {
        let payload = self.payload(member)?;
        if member.state == State::ConfigFiles {
            let files = conffiles(&payload)?;
            return Ok(on_the_way(files.iter().map(|(path, _)| below(path))));
        }
        match payload_paths(&payload) {
            // A directory that only root may read: what is in it was written down.
            Err(AdmindirError::Read { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                let kept = Payload::of(&payload)?;
                Ok(on_the_way(kept.paths.iter().map(PathBuf::as_path)))
            }
            paths => Ok(paths?),
        }
    }
}

/// A path as bytes that are printed: with its slash.
fn printed(path: &Path) -> Vec<u8> {
    [b"/", path.as_os_str().as_bytes()].concat()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&printed(path)).into_owned()
}

/// Print the paths of packages.
pub fn list_files(asked: &Asked<'_>, names: &[String], out: &mut Out<'_>) -> Done {
    const VERB: &str = "listfiles";
    if names.is_empty() {
        return Err(QueryError::NoArgument(VERB, "package name"));
    }
    let (mut answer, mut values) = (Answer::default(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        match asked.one(VERB, name)? {
            None => answer.missed(format!("package '{name}' is not installed")),
            Some(member) => {
                let paths = asked.paths(member)?;
                if out.json {
                    values.push(Json::Map(vec![
                        ("package", Json::text(&member.realization)),
                        ("paths", Json::texts(paths.iter().map(|p| text(p)))),
                    ]));
                } else {
                    out.bytes(b"/.\n")?;
                    for path in paths {
                        out.bytes(&[printed(&path), b"\n".to_vec()].concat())?;
                    }
                }
            }
        }
        if at + 1 < names.len() && !out.json {
            out.bytes(b"\n")?;
        }
    }
    if out.json {
        out.value(&Json::List(values))?;
    }
    Ok(answer)
}

/// What is searched for.
enum Wanted {
    /// A path.
    Path(PathBuf),
    /// A path in what is kept as a whole: below the package that is.
    Below(StoreKey, PathBuf),
    /// Part of a path, or a shell pattern.
    Pattern(Vec<u8>),
}

impl Wanted {
    /// As dpkg has it: what begins with a slash and has no pattern in it is the path itself.
    fn of(asked: &Asked<'_>, word: &str) -> Wanted {
        if glob::is_pattern(word.as_bytes()) {
            return Wanted::Pattern(word.as_bytes().to_vec());
        }
        if !word.starts_with('/') {
            return Wanted::Pattern(format!("*{word}*").into_bytes());
        }
        let (path, layout) = (Path::new(word), asked.reader.layout());
        let whole = layout.key_of(path).and_then(|key| {
            let below = path
                .strip_prefix(layout.root().join(key.to_string()))
                .ok()?;
            let below = match key {
                StoreKey::Generation(..) => below.strip_prefix(crate::layout::inside::TREE).ok()?,
                _ => below,
            };
            Some(Wanted::Below(key, below.into()))
        });
        whole.unwrap_or_else(|| {
            let below = word.trim_matches('/');
            Wanted::Path(below.into())
        })
    }

    fn is(&self, member: &Member, installation: &StoreKey, path: &Path) -> bool {
        match self {
            Wanted::Path(wanted) => wanted == path,
            Wanted::Below(key, wanted) => {
                let of = match key {
                    StoreKey::Installation(_) => key == installation,
                    StoreKey::Realization(id) => *id == member.realization,
                    StoreKey::Generation(..) => true,
                };
                of && wanted == path
            }
            Wanted::Pattern(pattern) => glob::matches(pattern, &printed(path)),
        }
    }
}

/// Print which packages have paths that match.
pub fn search(asked: &Asked<'_>, patterns: &[String], out: &mut Out<'_>) -> Done {
    if patterns.is_empty() {
        return Err(QueryError::NoArgument("search", "file name pattern"));
    }
    let wanted: Vec<Wanted> = patterns.iter().map(|p| Wanted::of(asked, p)).collect();
    // By pattern: paths, and who has them.
    let mut found: Vec<BTreeMap<PathBuf, Vec<String>>> = vec![BTreeMap::new(); wanted.len()];
    for member in asked.members() {
        let control = asked.control(member)?;
        let name = asked.unique_name(member, &control);
        let installation = StoreKey::Installation(asked.installation(member)?);
        for path in asked.paths(member)? {
            for (wanted, found) in wanted.iter().zip(&mut found) {
                if wanted.is(member, &installation, &path) {
                    found.entry(path.clone()).or_default().push(name.clone());
                }
            }
        }
    }
    let (mut answer, mut values) = (Answer::default(), Vec::new());
    for (pattern, found) in patterns.iter().zip(found) {
        if found.is_empty() {
            answer.missed(format!("no path found matching pattern {pattern}"));
        }
        for (path, names) in found {
            if out.json {
                values.push(Json::Map(vec![
                    ("path", Json::text(text(&path))),
                    ("packages", Json::texts(names)),
                ]));
                continue;
            }
            let line = [names.join(", ").as_bytes(), b": ", &printed(&path), b"\n"].concat();
            out.bytes(&line)?;
        }
    }
    if out.json {
        out.value(&Json::List(values))?;
    }
    Ok(answer)
}
