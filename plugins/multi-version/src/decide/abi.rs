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

/// What `soname`'s `candidate` lacks of what a consumer takes from its `present` library. References
/// without a version count when it is the present library that has the symbol.
pub fn check(
    soname: &[u8],
    imports: &Imports,
    present: &BTreeSet<Versioned>,
    candidate: &BTreeSet<Versioned>,
) -> Verdict {
    let names = |set: &'_ BTreeSet<Versioned>| -> BTreeSet<Vec<u8>> {
        set.iter().map(|s| s.name.clone()).collect()
    };
    let (had, has) = (names(present), names(candidate));
    // The loader takes a library without any versions for any version.
    let unversioned = candidate.iter().all(|s| s.version.is_none());
    let mut verdict = Verdict::default();
    for symbol in imports.by_soname.get(soname).into_iter().flatten() {
        if let Some(version) = symbol.version.as_deref().filter(|v| is_private(v)) {
            verdict.private.insert(version.to_vec());
        }
        let there = match unversioned || symbol.version.is_none() {
            true => has.contains(&symbol.name),
            false => candidate.contains(symbol),
        };
        if !there {
            verdict.missing.insert(symbol.clone());
        }
    }
    for (name, weak) in &imports.unversioned {
        if !weak && had.contains(name) && !has.contains(name) {
            verdict.missing.insert(Versioned {
                name: name.clone(),
                version: None,
            });
        }
    }
    verdict
}
