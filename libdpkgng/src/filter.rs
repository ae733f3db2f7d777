//! `--path-exclude` and `--path-include`: which paths of an archive stay uninstalled.
//!
//! Patterns are fnmatch(3)'s without flags, so `*` and `?` match slashes too. They are tried
//! in the order given and the last match wins. A directory (or a symlink, which may stand for
//! one) that is excluded stays if an include pattern may bring back something below it.

use crate::msg;
use crate::report::{Reporter, debug};
use crate::sys::fnmatch::Pattern;

/// What [`Filters::skips`] must know of an entry's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A directory or a symbolic link: can lead to other entries.
    MayLead,
    /// Anything else.
    Leaf,
}

#[derive(Clone, Debug)]
struct Filter {
    pattern: Pattern,
    include: bool,
}

/// The filters of one run, in order.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    list: Vec<Filter>,
}

impl Filters {
    /// No filters: everything is installed.
    pub fn new() -> Filters {
        Filters::default()
    }

    /// Whether there is no filter at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Append a filter; it overrides the earlier ones where it matches.
    pub fn add(&mut self, pattern: &[u8], include: bool, report: &mut dyn Reporter) {
        let kind = if include { "include" } else { "exclude" };
        report.debug(debug::GENERAL, || {
            msg!("adding %s filter for '%s'", kind, pattern)
        });
        self.list.push(Filter {
            pattern: Pattern::new(pattern),
            include,
        });
    }

    /// Whether the entry is not to be installed. `name` is the entry's name as the archive
    /// has it, `./` first; patterns see it from the slash on.
    pub fn skips(&self, name: &[u8], entry: Entry, report: &mut dyn Reporter) -> bool {
        if self.list.is_empty() {
            return false;
        }
        let path = name.get(1..).unwrap_or_default();
        let subject = Pattern::subject(path);
        let mut skip = false;
        for filter in &self.list {
            report.debug(debug::EACHFILE, || {
                msg!(
                    "filter comparing '%s' and '%s'",
                    path,
                    filter.pattern.bytes()
                )
            });
            if !filter.pattern.matches(&subject) {
                continue;
            }
            skip = !filter.include;
            report.debug(debug::EACHFILE, || {
                if filter.include {
                    msg!("filter including %s", name)
                } else {
                    msg!("filter removing %s", name)
                }
            });
        }
        if !skip || entry == Entry::Leaf {
            return skip;
        }
        report.debug(debug::EACHFILE, || {
            msg!("filter seeing if '%s' needs to be reincluded", path)
        });
        for filter in self.list.iter().filter(|f| f.include) {
            let literal = literal_prefix(filter.pattern.bytes());
            report.debug(debug::EACHFILEDETAIL, || {
                msg!("filter subpattern '%.*s'", literal.len(), literal)
            });
            if path.starts_with(literal) {
                report.debug(debug::EACHFILE, || msg!("filter reincluding %s", name));
                return false;
            }
        }
        true
    }
}

/// The part of a pattern before its first special character, without slashes at its end.
/// It errs on the side of keeping: an entry *below* this prefix is kept as well.
fn literal_prefix(pattern: &[u8]) -> &[u8] {
    let end = pattern
        .iter()
        .position(|b| b"*?[\\".contains(b))
        .unwrap_or(pattern.len());
    let mut prefix = &pattern[..end];
    while let Some((&b'/', rest)) = prefix.split_last() {
        prefix = rest;
    }
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Silent;

    fn filters(list: &[(&str, bool)]) -> Filters {
        let mut f = Filters::new();
        for (pattern, include) in list {
            f.add(pattern.as_bytes(), *include, &mut Silent);
        }
        f
    }

    #[test]
    fn last_match_wins_and_star_crosses_slashes() {
        let f = filters(&[("/usr/share/doc/*", false), ("*/copyright", true)]);
        assert!(f.skips(b"./usr/share/doc/a/b", Entry::Leaf, &mut Silent));
        assert!(!f.skips(b"./usr/share/doc/a/copyright", Entry::Leaf, &mut Silent));
        assert!(!f.skips(b"./usr/share/doc", Entry::Leaf, &mut Silent));
        let f = filters(&[("*/copyright", true), ("/usr/share/doc/*", false)]);
        assert!(f.skips(b"./usr/share/doc/a/copyright", Entry::Leaf, &mut Silent));
    }

    #[test]
    fn excluded_directories_stay_when_an_include_may_need_them() {
        let f = filters(&[("/usr/*", false), ("/usr/share/keep/x*", true)]);
        assert!(f.skips(b"./usr/share", Entry::MayLead, &mut Silent));
        assert!(!f.skips(b"./usr/share/keep/x", Entry::MayLead, &mut Silent));
        let f = filters(&[("/usr/*", false), ("/usr/share/*", true)]);
        assert!(!f.skips(b"./usr/share", Entry::MayLead, &mut Silent));
        assert!(f.skips(b"./usr/lib", Entry::MayLead, &mut Silent));
        assert!(f.skips(b"./usr/share", Entry::Leaf, &mut Silent));
    }

    #[test]
    fn prefix_ends_at_the_first_special_character() {
        assert_eq!(literal_prefix(b"/a/b[c]"), b"/a/b");
        assert_eq!(literal_prefix(b"/a//*"), b"/a");
        assert_eq!(literal_prefix(b"*"), b"");
    }
}
