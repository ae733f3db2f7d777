//! The ABI check: whether a library has what a consumer takes from the one it would replace.

use std::collections::BTreeSet;

use crate::elf::symbols::{Imports, Versioned};

/// What is wrong with a library under a consumer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Symbols that are taken and not there.
    pub missing: BTreeSet<Versioned>,
    /// Versions that are taken and promised to nobody outside the library's own build
    /// (`GLIBC_PRIVATE`): the consumer only works with its own library, which it pulls along.
    pub private: BTreeSet<Vec<u8>>,
}

impl Verdict {
    /// Whether a library of another build will do.
    pub fn is_compatible(&self) -> bool {
        self.missing.is_empty() && self.private.is_empty()
    }
}

fn is_private(version: &[u8]) -> bool {
    memchr::memmem::find(version, b"PRIVATE").is_some()
}

/// Whether a library has a symbol of any version, or none.
fn has(library: &BTreeSet<Versioned>, name: &[u8]) -> bool {
    let first = Versioned {
        name: name.to_vec(),
        version: None,
    };
    let mut from = library.range(first..);
    from.next().is_some_and(|s| s.name == name)
}

/// What `soname`'s `candidate` lacks of what a consumer takes from its `present` library. References
/// without a version count when it is the present library that has the symbol.
pub fn check(
    soname: &[u8],
    imports: &Imports,
    present: &BTreeSet<Versioned>,
    candidate: &BTreeSet<Versioned>,
) -> Verdict {
    // The loader takes a library without any versions for any version.
    let unversioned = candidate.iter().all(|s| s.version.is_none());
    let mut verdict = Verdict::default();
    for symbol in imports.by_soname.get(soname).into_iter().flatten() {
        if let Some(version) = symbol.version.as_deref().filter(|v| is_private(v)) {
            verdict.private.insert(version.to_vec());
        }
        let there = match unversioned || symbol.version.is_none() {
            true => has(candidate, &symbol.name),
            false => candidate.contains(symbol),
        };
        if !there {
            verdict.missing.insert(symbol.clone());
        }
    }
    for (name, weak) in &imports.unversioned {
        if !weak && has(present, name) && !has(candidate, name) {
            verdict.missing.insert(Versioned {
                name: name.clone(),
                version: None,
            });
        }
    }
    verdict
}
