//! Verdicts over small tables; no file is touched.

use crate::db::modstatdb::{AvailMode, OpenMode};
use crate::pipeline::rig::{INSTALLED, Rig, UNPACKED, stanza};
use crate::pipeline::{Action, Istobe, Run};
use crate::pkg::{DepType, PkgId};
use crate::report::Silent;

fn opened(status: &str) -> (Rig, Run) {
    let rig = Rig::new(status);
    let mut run = rig.run(Action::Install);
    let (mode, avail) = (OpenMode::ReadOnly, AvailMode::None);
    run.db.open(mode, avail, &mut Silent).unwrap();
    (rig, run)
}

fn pkg(run: &mut Run, name: &str) -> PkgId {
    run.db.table.find_singleton(name).unwrap()
}

/// Judge the first relation of that kind of a package.
fn judge(run: &mut Run, name: &str, kind: DepType, fix: bool) -> (bool, String, Option<PkgId>) {
    let up = pkg(run, name);
    let depends = run.db.table[up].installed.depends.clone();
    let dep = depends.iter().find(|d| d.kind == kind).unwrap();
    let verdict = run.depisok(up, dep, fix, true, kind == DepType::PreDepends);
    let why = verdict.whynot.to_msg().to_string();
    (verdict.ok, why, verdict.fixbyrm)
}

#[test]
fn all_alternatives_are_explained() {
    let status = stanza("a", INSTALLED, "Depends: b (>= 2) | c | v | d\n")
        + &stanza("b", INSTALLED, "")
        + &stanza("c", UNPACKED, "")
        + &stanza("p", UNPACKED, "Provides: v\n");
    let (_rig, mut run) = opened(&status);
    let (ok, why, _) = judge(&mut run, "a", DepType::Depends, false);
    assert!(!ok);
    assert_eq!(
        why,
        " a depends on b (>= 2) | c | v | d\n  b is installed, but is version 1.0.\n  \
         c is unpacked but not configured.\n  \
         p provides v but is unpacked but not configured.\n  d is not installed.\n"
    );
    let (p, b) = (pkg(&mut run, "p"), pkg(&mut run, "b"));
    run.state(p).istobe = Istobe::Remove;
    run.state(b).istobe = Istobe::Deconfigure;
    let (_, why, _) = judge(&mut run, "a", DepType::Depends, false);
    assert!(why.contains("  b is to be deconfigured.\n"), "{why}");
    assert!(
        why.contains("  p provides v but is to be removed.\n"),
        "{why}"
    );
    // What goes away itself has no problems.
    let a = pkg(&mut run, "a");
    run.state(a).istobe = Istobe::Remove;
    assert!(judge(&mut run, "a", DepType::Depends, false).0);
}

#[test]
fn pre_depends_look_at_the_configured_version() {
    let pre = "Pre-Depends: b (= 1.0)\n";
    let never = stanza("b", UNPACKED, "");
    let once = stanza("b", UNPACKED, "Config-Version: 0.9\n");
    let again = stanza("b", UNPACKED, "Config-Version: 1.0\n");
    for (b, ok, line) in [
        (
            never,
            false,
            "  b is unpacked, but has never been configured.\n",
        ),
        (once, false, "  b latest configured version is 0.9.\n"),
        (again, true, ""),
    ] {
        let (_rig, mut run) = opened(&(stanza("a", INSTALLED, pre) + &b));
        let (verdict, why, _) = judge(&mut run, "a", DepType::PreDepends, false);
        assert_eq!(verdict, ok);
        assert!(ok || why.ends_with(line), "{why}");
    }
}

#[test]
fn conflicts_name_what_to_remove_when_that_is_one() {
    let status = stanza("a", INSTALLED, "Provides: v\nConflicts: v\n")
        + &stanza("b", INSTALLED, "Provides: v\n");
    let (_rig, mut run) = opened(&status);
    let (ok, why, fix) = judge(&mut run, "a", DepType::Conflicts, true);
    // What it provides itself is not in the way.
    assert!(!ok);
    assert_eq!(
        why,
        " a conflicts with v\n  b provides v and is present and installed.\n"
    );
    assert_eq!(fix, Some(pkg(&mut run, "b")));

    let (_rig, mut run) = opened(&(status + &stanza("v", INSTALLED, "")));
    let (_, why, fix) = judge(&mut run, "a", DepType::Conflicts, true);
    assert!(
        why.contains("  v (version 1.0) is present and installed.\n"),
        "{why}"
    );
    assert_eq!(fix, None);
}

#[test]
fn breaks_do_not_mind_what_is_not_configured() {
    let status = stanza("a", INSTALLED, "Breaks: b (<< 2)\nConflicts: b (<< 2)\n")
        + &stanza("b", UNPACKED, "");
    let (_rig, mut run) = opened(&status);
    assert!(judge(&mut run, "a", DepType::Breaks, true).0);
    assert!(!judge(&mut run, "a", DepType::Conflicts, true).0);
}

#[test]
fn provided_versions_must_be_exact() {
    let provides = "Provides: v (= 2)\n";
    for (wanted, ok) in [("v", true), ("v (>= 2)", true), ("v (>> 2)", false)] {
        let status = stanza("a", INSTALLED, &format!("Depends: {wanted}\n"));
        let (_rig, mut run) = opened(&(status + &stanza("p", INSTALLED, provides)));
        assert_eq!(
            judge(&mut run, "a", DepType::Depends, false).0,
            ok,
            "{wanted}"
        );
    }
    let status = stanza("a", INSTALLED, "Depends: v (>= 1)\n");
    let (_rig, mut run) = opened(&(status + &stanza("p", INSTALLED, "Provides: v\n")));
    assert!(!judge(&mut run, "a", DepType::Depends, false).0);
}

/// A hook that hides one package from everything.
struct Hide(PkgId);
impl crate::hooks::Hook for Hide {
    fn hides(
        &mut self,
        _: &crate::pkg::PkgTable,
        _: PkgId,
        pkg: PkgId,
        _: crate::pkg::Which,
    ) -> bool {
        pkg == self.0
    }
}

#[test]
fn hooks_hide_packages() {
    let status = stanza("a", INSTALLED, "Depends: b\n") + &stanza("b", INSTALLED, "");
    let (_rig, mut run) = opened(&status);
    assert!(judge(&mut run, "a", DepType::Depends, false).0);
    let b = pkg(&mut run, "b");
    run.hooks.push(Box::new(Hide(b)));
    assert!(!judge(&mut run, "a", DepType::Depends, false).0);
}
