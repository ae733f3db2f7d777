use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::abi::{Verdict, check};
use super::*;
use crate::elf::symbols::{Imports, Versioned};
use crate::layout::{InstallationId, Sha256, Version};
use crate::manifest::Hide;

/// `NAME=VERSION`
fn id(spec: &str) -> InstallationId {
    let (name, version) = spec.split_once('=').unwrap_or((spec, "1"));
    let version = Version::new(version).unwrap();
    let sum = Sha256::of(spec.as_bytes());
    InstallationId::new(
        &name.parse().unwrap(),
        &version,
        &"amd64".parse().unwrap(),
        &sum,
    )
}

fn ids(specs: &[&str]) -> BTreeSet<InstallationId> {
    specs.iter().map(|s| id(s)).collect()
}

/// Versions of one number.
struct Numbers;

impl Versions for Numbers {
    fn compare(&self, a: &Version, b: &Version) -> Ordering {
        let number = |v: &Version| v.as_str().parse::<u32>().unwrap();
        number(a).cmp(&number(b))
    }
}

fn symbol(spec: &str) -> Versioned {
    let (name, version) = match spec.split_once('@') {
        Some((name, version)) => (name, Some(version.into())),
        None => (spec, None),
    };
    let name = name.into();
    Versioned { name, version }
}

fn symbols(specs: &[&str]) -> BTreeSet<Versioned> {
    specs.iter().map(|s| symbol(s)).collect()
}

#[test]
fn the_abi_check_names_what_is_missing() {
    let mut imports = Imports::default();
    let taken = symbols(&["read@L_1", "old@L_1", "inner@L_PRIVATE"]);
    imports.by_soname.insert(b"libl.so.1".to_vec(), taken);
    imports
        .by_soname
        .insert(b"other.so".to_vec(), symbols(&["elsewhere@O"]));
    for (name, weak) in [("plain", false), ("maybe", true), ("foreign", false)] {
        imports.unversioned.insert(name.into(), weak);
    }
    let present = symbols(&["read@L_1", "old@L_1", "inner@L_PRIVATE", "plain", "maybe"]);
    let verdict = |candidate: &[&str]| check(b"libl.so.1", &imports, &present, &symbols(candidate));
    let private = BTreeSet::from([b"L_PRIVATE".to_vec()]);
    assert_eq!(
        verdict(&["read@L_1", "read@L_2", "old@L_2", "inner@L_PRIVATE"]),
        Verdict {
            missing: symbols(&["old@L_1", "plain"]),
            private: private.clone(),
        }
    );
    let same = verdict(&["read@L_1", "old@L_1", "inner@L_PRIVATE", "plain"]);
    assert!(same.missing.is_empty() && same.private == private && !same.is_compatible());
    assert_eq!(
        verdict(&["read", "old", "inner"]).missing,
        symbols(&["plain"])
    );
}

fn consumer(name: &str, came_with: &str, bad: &[(&str, Fit)]) -> Consumer {
    Consumer {
        id: id(name),
        came_with: Some(id(came_with)),
        can_be_overridden: true,
        fits: bad.iter().map(|(c, fit)| (id(c), fit.clone())).collect(),
    }
}

fn lacks(symbol: &str) -> Fit {
    Fit::Abi(Verdict {
        missing: symbols(&[symbol]),
        private: BTreeSet::new(),
    })
}

fn decide(
    candidates: &[&str],
    consumers: &[Consumer],
    pin: Option<&str>,
) -> Result<Decision, NoLibrary> {
    let candidates: Vec<InstallationId> = candidates.iter().map(|c| id(c)).collect();
    let pin = pin.map(id);
    let soname = "libl.so.1".parse().unwrap();
    system_library(&soname, &candidates, consumers, pin.as_ref(), &Numbers)
}

fn chosen(candidates: &[&str], consumers: &[Consumer]) -> (InstallationId, Criterion) {
    let decision = decide(candidates, consumers, None).unwrap();
    (decision.provider, decision.by)
}

#[test]
fn the_newest_wins_where_nothing_else_speaks() {
    let none: [Consumer; 0] = [];
    assert_eq!(
        chosen(&["ll=9", "ll=10"], &none),
        (id("ll=10"), Criterion::Newest)
    );
    assert_eq!(chosen(&["ll=9"], &none), (id("ll=9"), Criterion::Only));
    let even = [consumer("aa", "ll=9", &[]), consumer("bb", "ll=10", &[])];
    assert_eq!(
        chosen(&["ll=9", "ll=10"], &even),
        (id("ll=10"), Criterion::Newest)
    );
    assert!(decide(&[], &even, None).is_err());
}

#[test]
fn the_majority_wins_over_the_newest() {
    let consumers = [
        consumer("aa", "ll=9", &[]),
        consumer("bb", "ll=9", &[]),
        consumer("cc", "ll=10", &[]),
    ];
    let by = (id("ll=9"), Criterion::MostConsumers);
    assert_eq!(chosen(&["ll=9", "ll=10"], &consumers), by);
}

#[test]
fn fewest_overrides_win_over_the_majority() {
    let consumers = [
        consumer("aa", "ll=9", &[]),
        consumer("bb", "ll=9", &[]),
        consumer("cc", "ll=10", &[("ll=9", lacks("new@L_10"))]),
    ];
    let decision = decide(&["ll=9", "ll=10"], &consumers, None).unwrap();
    assert_eq!(decision.provider, id("ll=10"));
    assert_eq!(decision.by, Criterion::FewestOverrides);
    assert_eq!(decision.overrides, []);
    let other = &decision.table[1];
    assert_eq!((&other.provider, other.consumers), (&id("ll=9"), 2));
    let expected = Override {
        consumer: id("cc"),
        provider: id("ll=10"),
        why: "needs symbol new@L_10".into(),
    };
    assert_eq!(other.overrides, [expected]);
}

#[test]
fn who_cannot_be_overridden_decides() {
    let mut rigid = consumer("rigid", "ll=9", &[("ll=10", lacks("gone@L_9"))]);
    let many = || (0..5).map(|n| consumer(&format!("c{n}"), "ll=10", &[("ll=9", lacks("new"))]));
    let mut consumers: Vec<Consumer> = many().collect();
    consumers.push(rigid.clone());
    assert_eq!(
        chosen(&["ll=9", "ll=10"], &consumers),
        (id("ll=10"), Criterion::FewestOverrides)
    );
    rigid.can_be_overridden = false;
    consumers.pop();
    consumers.push(rigid);
    let decision = decide(&["ll=9", "ll=10"], &consumers, None).unwrap();
    assert_eq!(
        (&decision.provider, decision.by),
        (&id("ll=9"), Criterion::Only)
    );
    assert_eq!(decision.overrides.len(), 5);
    let why = Some((id("rigid"), "needs symbol gone@L_9".to_string()));
    assert_eq!(decision.table[1].dropped, why);
    let refused = decide(&["ll=9", "ll=10"], &consumers, Some("ll=10")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no version of libl.so.1 can be everybody's; ll 10: rigid 1 needs symbol gone@L_9"
    );
    assert!(
        decide(&["ll=9"], &consumers, Some("ll=10")).is_err(),
        "not there"
    );
}

#[test]
fn a_pin_is_followed_and_a_world_has_its_own() {
    let world = Fit::World("ll 9".into());
    let relation = Fit::Relation("l (>= 10)".into());
    let consumers = [
        consumer("aa", "ll=9", &[("ll=10", world)]),
        consumer("bb", "ll=10", &[("ll=9", relation)]),
        consumer("cc", "ll=10", &[]),
    ];
    let pinned = decide(&["ll=9", "ll=10"], &consumers, Some("ll=9")).unwrap();
    assert_eq!(
        (&pinned.provider, pinned.by),
        (&id("ll=9"), Criterion::Pinned)
    );
    assert_eq!(pinned.overrides[0].why, "needs l (>= 10)");
    let free = decide(&["ll=9", "ll=10"], &consumers, None).unwrap();
    assert_eq!(
        (&free.provider, free.by),
        (&id("ll=10"), Criterion::MostConsumers)
    );
    assert_eq!(free.overrides[0].why, "its world has ll 9");
    assert_eq!(free.overrides[0].provider, id("ll=9"));
}

#[test]
fn private_versions_stay_with_their_own_build() {
    let private = Fit::Abi(Verdict {
        missing: BTreeSet::new(),
        private: BTreeSet::from([b"GLIBC_PRIVATE".to_vec()]),
    });
    let fits = [("ll=9", private.clone()), ("ll=10", private)];
    let consumers = [consumer("nss", "ll=9", &fits), consumer("bb", "ll=10", &[])];
    let free = decide(&["ll=9", "ll=10"], &consumers, Some("ll=10")).unwrap();
    assert_eq!(free.overrides.len(), 1);
    assert_eq!(
        free.overrides[0].why,
        "needs GLIBC_PRIVATE of its own build"
    );
    assert_eq!(free.overrides[0].provider, id("ll=9"));
    let own = decide(&["ll=9", "ll=10"], &consumers, None).unwrap();
    assert_eq!(
        (&own.provider, own.by),
        (&id("ll=9"), Criterion::FewestOverrides)
    );
}

#[test]
fn hidden_upgrades() {
    let hides: Vec<Hide> = ["foo=3", "foo=2:for bar"]
        .iter()
        .map(|h| h.parse().unwrap())
        .collect();
    let installed = [id("foo=1"), id("foo=3"), id("foo=2")];
    let newest = |dependent: Option<&str>| {
        let dependent = dependent.map(|d| d.parse().unwrap());
        let (found, hidden) = newest_visible(&hides, &installed, dependent.as_ref(), &Numbers);
        (found.cloned(), hidden.len())
    };
    assert_eq!(newest(None), (Some(id("foo=2")), 1));
    assert_eq!(newest(Some("baz")), (Some(id("foo=2")), 1));
    assert_eq!(newest(Some("bar")), (Some(id("foo=1")), 2));
    assert_eq!(hidden_by(&hides, &id("foo=2"), None), None);
    assert_eq!(
        newest_visible(&hides, &installed[1..2], None, &Numbers).0,
        None
    );
}

#[test]
fn orphans() {
    let needs = |list: &[(&str, &[&str])]| -> BTreeMap<_, _> {
        list.iter().map(|(p, n)| (id(p), ids(n))).collect()
    };
    let graph = needs(&[
        ("app", &["lib"]),
        ("lib", &["libc", "app"]),
        ("libc", &[]),
        ("old", &["old-lib", "libc"]),
        ("old-lib", &["old"]),
    ]);
    let parted = needed(&graph, &ids(&["app"]));
    assert_eq!(parted.orphans, ids(&["old", "old-lib"]));
    assert_eq!(parted.needed[&id("app")], WhyNeeded::Wanted);
    assert_eq!(parted.needed[&id("libc")], WhyNeeded::By(id("lib")));
    assert_eq!(parted.needed.len(), 3);
}
