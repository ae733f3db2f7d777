//! Which packages and which paths a pattern means: the questions of dpkg-query as data
//! (query/main.c).

use crate::db::Database;
use crate::fsys::{NodeId, skip_slash_dotslash, trim_slash_slashdot};
use crate::pkg::{PkgId, PkgTable, Which};
use crate::pkgspec::{NoArch, PkgSpec};
use crate::sys::fnmatch::Pattern;

/// The packages of a list and of those patterns only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// In the order of the database.
    pub pkgs: Vec<PkgId>,
    /// The patterns (by index) that nothing matched.
    pub missed: Vec<usize>,
}

/// All packages, installed or not, that one of `patterns` (`name[:arch]`, both parts may be
/// shell patterns) means. What is no legal name matches nothing (`pkg_array_match_patterns`).
pub fn matching(table: &mut PkgTable, patterns: &[&[u8]]) -> Matches {
    let specs: Vec<PkgSpec> = patterns
        .iter()
        .map(|p| PkgSpec::parse_unchecked(table, p, true, NoArch::Wildcard))
        .collect();
    let mut found = vec![false; specs.len()];
    let mut pkgs = table.sorted();
    pkgs.retain(|pkg| {
        let mut any = false;
        for (spec, found) in specs.iter().zip(&mut found) {
            if spec.matches(table, *pkg, Which::Installed) {
                any = true;
                *found = true;
            }
        }
        any
    });
    let missed = (0..found.len()).filter(|i| !found[*i]).collect();
    Matches { pkgs, missed }
}

/// The pattern that `argument` stands for: what does not begin like a path or a pattern is
/// looked for anywhere in a path.
pub fn path_pattern(argument: &[u8]) -> Vec<u8> {
    match argument.first() {
        Some(c) if !b"*[?/".contains(c) => [b"*", argument, b"*"].concat(),
        _ => argument.to_vec(),
    }
}

/// The known paths that a pattern of [`path_pattern`] matches, in the order of dpkg's table of
/// paths; for a plain path that path alone, known or not.
///
/// File lists and diversions must have been read.
pub fn paths(db: &mut Database, pattern: &[u8]) -> Vec<NodeId> {
    if !pattern.iter().any(|c| b"*[?\\".contains(c)) {
        return vec![db.fsys.find(trim_slash_slashdot(pattern))];
    }
    let mut nodes: Vec<NodeId> = match anywhere(pattern) {
        Some(literal) => {
            let finder = memchr::memmem::Finder::new(literal);
            let has = |n: &NodeId| finder.find(db.fsys.name(*n)).is_some();
            db.fsys.nodes().filter(has).collect()
        }
        None => {
            let pattern = Pattern::new(pattern);
            let matches = |n: &NodeId| pattern.matches(&Pattern::subject(db.fsys.name(*n)));
            db.fsys.nodes().filter(matches).collect()
        }
    };
    db.fsys.sort_in_hash_order(&mut nodes);
    nodes
}

/// A text that all paths have in them that a pattern of [`path_pattern`] matches, if it says so plainly.
pub fn literal(pattern: &[u8]) -> Option<Vec<u8>> {
    let text = match pattern.iter().any(|c| b"*[?\\".contains(c)) {
        false => skip_slash_dotslash(trim_slash_slashdot(pattern)),
        // What is in brackets, or escaped, is no text.
        true if pattern.iter().any(|c| b"[\\".contains(c)) => return None,
        true => {
            let texts = pattern.split(|c| b"*?".contains(c));
            texts.max_by_key(|text| text.len()).unwrap_or_default()
        }
    };
    let plain = !text.is_empty() && text.is_ascii() && !text.contains(&b'\n');
    plain.then(|| text.to_vec())
}

/// The text of `*text*`, the usual pattern, for which there is something faster than fnmatch.
fn anywhere(pattern: &[u8]) -> Option<&[u8]> {
    let text = pattern.strip_prefix(b"*")?.strip_suffix(b"*")?;
    (!text.iter().any(|c| b"*[?\\".contains(c))).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_says_plainly() {
        for (pattern, text) in [
            ("*bin/ls*", Some("bin/ls")),
            ("/usr/?in/l*", Some("/usr/")),
            ("//./bin/ls/.", Some("bin/ls")),
            ("/", None),
            ("*", None),
            ("*[l]s", None),
            ("a\\*", None),
        ] {
            let found = literal(pattern.as_bytes());
            assert_eq!(found.as_deref(), text.map(str::as_bytes), "{pattern}");
        }
    }

    #[test]
    fn arguments_become_patterns() {
        for (argument, pattern) in [
            ("bin/ls", "*bin/ls*"),
            ("/bin/ls", "/bin/ls"),
            ("[l]s", "[l]s"),
            ("", ""),
        ] {
            assert_eq!(path_pattern(argument.as_bytes()), pattern.as_bytes());
        }
    }
}
