//! What counts as installed and as available.

use super::*;
use crate::pipeline::rig::{INSTALLED, UNPACKED, stanza};
use crate::pkg::{DepType, PkgId, Possi, Which};

/// Judges relations by what it says and not by what is there.
struct Judge {
    hidden: &'static str,
    /// From whom; everybody when empty.
    from: &'static str,
    provided: &'static str,
}
impl Hook for Judge {
    fn hides(&mut self, table: &PkgTable, by: PkgId, pkg: PkgId, _: Which) -> bool {
        table.set_name(pkg) == self.hidden
            && (self.from.is_empty() || table.set_name(by) == self.from)
    }
    fn satisfies(&mut self, table: &PkgTable, _: PkgId, _: DepType, possi: &Possi) -> bool {
        *table[possi.ed].name == *self.provided
    }
}

fn judge(hidden: &'static str, from: &'static str, provided: &'static str) -> Vec<Box<dyn Hook>> {
    vec![Box::new(Judge {
        hidden,
        from,
        provided,
    })]
}

#[test]
fn what_counts_as_installed() {
    // Hidden from all: not even Breaks and Conflicts see it; a dependency does not either.
    let status = stanza("b", INSTALLED, "") + &stanza("c", UNPACKED, "Depends: b\n");
    let rig = Rig::new(&status);
    assert_eq!(dpkg(&rig, Action::Configure, &["c"], judge("b", "", "")), 1);
    let said = rig.take_said();
    assert!(said.contains(" c depends on b.\n"), "{said}");
    // From another only: this one sees it.
    let hooks = judge("b", "other", "");
    assert_eq!(dpkg(&rig, Action::Configure, &["c"], hooks), 0);

    // A package that depends on a hidden one does not hold up its removal.
    assert_eq!(dpkg(&rig, Action::Remove, &["b"], judge("", "", "")), 1);
    assert_eq!(dpkg(&rig, Action::Remove, &["b"], judge("b", "", "")), 0);
}

#[test]
fn a_conflict_is_not_seen() {
    let rig = Rig::new(&stanza("b", INSTALLED, "Breaks: n\n"));
    rig.put("/var/lib/dpkg/info/b.list", "/.\n");
    let deb = rig.deb(&control("n", "Conflicts: b\n"), &[("x", Some("x"))], |_| {});
    let debs = [text(&deb)];
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("b", "n", "")), 0);
    let status = rig.get("/var/lib/dpkg/status").unwrap();
    assert_eq!(
        status.matches("install ok installed").count(),
        2,
        "{status}"
    );
}

#[test]
fn what_counts_as_available() {
    let rig = Rig::new("");
    let first = rig.deb(
        &control("n", "Pre-Depends: p\n"),
        &[("x", Some("x"))],
        |_| {},
    );
    let second = rig.deb(
        &control("m", "Depends: n, q\n"),
        &[("y", Some("y"))],
        |_| {},
    );
    let debs = [text(&first)];
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("", "", "")), 1);
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("", "", "p")), 0);
    let debs = [text(&second)];
    assert_eq!(dpkg(&rig, Action::Install, &debs, judge("", "", "")), 1);
    assert_eq!(dpkg(&rig, Action::Configure, &["m"], judge("", "", "q")), 0);
}
