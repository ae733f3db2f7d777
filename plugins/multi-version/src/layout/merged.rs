//! Merged /usr: where a path of a package is, whichever way it is spelled.

use std::path::{Component, Path, PathBuf};

/// The directories that are links into `usr/`.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// A path of a package, relative to the payload and as merged /usr has it: `/lib/x` is `usr/lib/x`. Empty
/// for the top; `None` where it leaves the payload.
pub fn merged(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => {
                if out.as_os_str().is_empty() && MERGED.iter().any(|m| name == *m) {
                    out.push("usr");
                }
                out.push(name);
            }
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

/// Where the target of a symbolic link of a package leads, in the same terms. `None` where it leaves
/// the payload.
pub fn merged_target(link: &Path, target: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    if !target.is_absolute() {
        out.push(link.parent()?);
    }
    for part in target.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::ParentDir if !out.pop() => return None,
            _ => {}
        }
    }
    merged(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_path() {
        for (path, expected) in [
            ("./bin/ls", Some("usr/bin/ls")),
            ("/lib64//ld.so", Some("usr/lib64/ld.so")),
            ("usr/./lib/x", Some("usr/lib/x")),
            ("./lib", Some("usr/lib")),
            ("./", Some("")),
            ("etc/bin/x", Some("etc/bin/x")),
            ("libexec/x", Some("libexec/x")),
            ("a/../b", None),
        ] {
            let merged = merged(Path::new(path));
            assert_eq!(merged.as_deref(), expected.map(Path::new), "{path}");
        }
        for (link, target, expected) in [
            ("usr/lib/liba.so", "liba.so.1", Some("usr/lib/liba.so.1")),
            (
                "usr/lib/liba.so",
                "../../lib/liba.so.1",
                Some("usr/lib/liba.so.1"),
            ),
            ("usr/bin/sh", "/bin/dash", Some("usr/bin/dash")),
            ("top", "../x", None),
        ] {
            let merged = merged_target(Path::new(link), Path::new(target));
            assert_eq!(
                merged.as_deref(),
                expected.map(Path::new),
                "{link} {target}"
            );
        }
    }
}
